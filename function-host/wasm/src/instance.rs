//! An instance: made once, in the zygote, and run once, in a worker.
//!
//! Its memory is mapped from the artefact, copied on write. A worker could not map it, since it has
//! closed the zygote's descriptors, the artefact's among them. So it inherits the mapping, and with it an
//! instance in which nothing has run yet.
#![forbid(unsafe_code)]

use std::fs::File;
use std::pin::pin;
use std::task::{self, Poll, Waker};

use wasmtime::{Linker, Store, TypedFunc};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

use crate::artefact;
use crate::engine::engine;
use crate::memory::Memory;

/// What the guest's imports work on.
struct State {
    wasi: WasiP1Ctx,
    memory: Memory,
}

/// A command that is ready to start.
pub(crate) struct Instance {
    store: Store<State>,
    start: TypedFunc<(), ()>,
}

/// How a command has ended.
#[derive(Debug)]
pub(crate) enum End {
    /// By itself: the exit code.
    Exited(i32),
    /// By a trap, or by asking for what does not exist.
    Trapped {
        /// In one line.
        cause: String,
        /// With the guest's stack.
        trace: String,
    },
}

impl Instance {
    /// Maps and instantiates an artefact; at most `memory` bytes are the guest's.
    ///
    /// # Errors
    /// Why not, for the function's author.
    pub(crate) fn load(artefact: File, memory: u64) -> Result<Self, String> {
        let engine = engine().map_err(|error| format!("there is no engine: {error:#}"))?;
        let module = artefact::map(&engine, artefact)
            .map_err(|error| format!("cannot load what was compiled: {error:#}"))?;
        let mut linker = Linker::new(&engine);
        p1::add_to_linker_async(&mut linker, |state: &mut State| &mut state.wasi)
            .map_err(|error| format!("cannot define WASI: {error:#}"))?;
        let mut store = Store::new(
            &engine,
            State {
                wasi: WasiCtxBuilder::new().build_p1(),
                memory: Memory::new(memory),
            },
        );
        store.limiter(|state| &mut state.memory);
        let instance = at_once(linker.instantiate_async(&mut store, &module))
            .ok_or("the module waits while it is instantiated")?
            .map_err(|error| format!("the module cannot be instantiated: {error:#}"))?;
        let start = instance
            .get_typed_func(&mut store, "_start")
            .map_err(|error| format!("it is no command of WASI preview 1: {error:#}"))?;
        Ok(Self { store, start })
    }

    /// Whether the guest was refused memory.
    pub(crate) fn was_refused_memory(&self) -> bool {
        self.store.data().memory.refused()
    }

    /// Runs the command to its end.
    pub(crate) async fn run(&mut self, wasi: WasiP1Ctx) -> End {
        self.store.data_mut().wasi = wasi;
        let Err(error) = self.start.call_async(&mut self.store, ()).await else {
            return End::Exited(0);
        };
        match error.downcast_ref::<I32Exit>() {
            Some(&I32Exit(code)) => End::Exited(code),
            None => End::Trapped {
                cause: error.root_cause().to_string(),
                trace: format!("{error:?}"),
            },
        }
    }
}

/// What a future that never waits comes to; nothing of the guest runs when it is instantiated.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
