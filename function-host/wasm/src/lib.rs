//! The wasm runtime: WASI preview 1 commands, compiled once and run in a forked worker for each call.
//!
//! Three processes have a part in it, all of them the host's own binary:
//!
//! - the *host* keeps what is compiled ([`Cache`]) and says what is to be done ([`Order`]); it neither
//!   compiles nor loads anything, and never makes an engine;
//! - a *compile step*, restricted by the function's own policy and gone afterwards, turns a module into
//!   an artefact (`compile`);
//! - the function's *zygote* maps the artefact and instantiates it (`instance`); its workers, forked
//!   from that, run it (`run`).
//!
//! Nobody else knows wasmtime. No threads are started anywhere: a zygote must be single-threaded to
//! fork, and a worker of one thread is cheap.
#![deny(unsafe_code)]

mod artefact;
mod cache;
mod compile;
mod engine;
mod instance;
mod memory;
mod order;
mod run;

pub use cache::{Cache, EngineId, Name};
pub use compile::{MAX_ARTEFACT, MAX_MODULE};
pub use order::{Command, Order, RUNTIME};

use std::fs::File;
use std::os::fd::OwnedFd;

use leasehold_zygote::{Loaded, Runtime};

/// The runtime, for the binary to bring to [`leasehold_zygote::launch::main`].
#[derive(Debug, Clone, Copy)]
pub struct Wasm;

impl Runtime for Wasm {
    fn name(&self) -> &'static str {
        RUNTIME
    }

    fn load(&self, order: &[u8], fds: Vec<OwnedFd>) -> Result<Option<Box<dyn Loaded>>, String> {
        let order = Order::decode(order).map_err(|error| error.to_string())?;
        let mut files = fds.into_iter().map(File::from);
        let mut file = || files.next().ok_or("a descriptor is missing");
        match order {
            Order::Identify => engine::identify(file()?)?,
            Order::Compile => compile::compile(file()?, file()?)?,
            Order::Serve(command) => {
                let instance = instance::Instance::load(file()?, command.memory)?;
                return Ok(Some(Box::new(run::Function::new(instance, command))));
            }
        }
        Ok(None)
    }
}
