//! The engine, configured in one place: artefacts fit only the engine that they were made for.
#![forbid(unsafe_code)]

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;

use wasmtime::{Config, Engine};

/// The stack of a call: the guest's part, and with the host's part on top of it. wasmtime's defaults are
/// twice as much; native programs of this kind live within 8 MiB that are mostly never touched, as here.
const GUEST_STACK: usize = 1 << 20;
const STACK: usize = GUEST_STACK + (512 << 10);

/// An engine that compiles on one thread.
///
/// No fuel and no epochs: the host's timer kills. Memory is reserved in full, so that it need not move
/// and bounds need not be checked: reserving costs address space only, which nobody limits
/// (`RLIMIT_DATA` counts what is made writable). Traps are signals, whose handlers are inherited.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .memory_init_cow(true)
        .memory_may_move(false)
        .native_unwind_info(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(STACK);
    Engine::new(&config)
}

/// Writes what artefacts have to fit: engine, configuration and processor.
pub(crate) fn identify(mut out: File) -> Result<(), String> {
    let engine = engine().map_err(|error| format!("there is no engine: {error:#}"))?;
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    out.write_all(&hasher.finish().to_le_bytes())
        .map_err(|error| format!("cannot write the engine's identity: {error}"))
}
