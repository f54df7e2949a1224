//! The compile step: a module comes in, an artefact goes out, and the process ends.
//!
//! A module is hostile, and the compiler is large. So this runs in a process that is restricted by the
//! function's own policy already, with limits of its own; whoever takes it over writes an artefact that
//! only workers of the same module will load, restricted by the same policy.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{Read, Seek, Write};

use wasmparser::{Parser, Payload};

use crate::engine::engine;

/// The largest module, in bytes.
pub const MAX_MODULE: u64 = 64 << 20;
/// The largest artefact, in bytes.
pub const MAX_ARTEFACT: u64 = 512 << 20;

/// Compiles `module` into `artefact`.
pub(crate) fn compile(mut module: File, mut artefact: File) -> Result<(), String> {
    let mut bytes = Vec::new();
    module
        .rewind()
        .and_then(|()| module.take(MAX_MODULE).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read the module: {error}"))?;
    refuse(&bytes)?;
    let engine = engine().map_err(|error| format!("there is no engine: {error:#}"))?;
    let compiled = engine
        .precompile_module(&bytes)
        .map_err(|error| format!("the module cannot be compiled: {error:#}"))?;
    artefact
        .write_all(&compiled)
        .map_err(|error| format!("cannot write what was compiled: {error}"))
}

/// Refuses what is no module of the kind that is served, by name where that is possible.
fn refuse(bytes: &[u8]) -> Result<(), String> {
    /// Magic number and version of modules, and of components.
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    let refused = |message: &str| Err(message.to_owned());
    if bytes.starts_with(COMPONENT) {
        return refused(
            "it is a component; what is served is a command of WASI preview 1 (wasm32-wasip1)",
        );
    }
    if bytes.starts_with(b"\x7fELF") {
        return refused(
            "it is compiled already, and native code is not loaded from a function; give the .wasm that \
             it was compiled from",
        );
    }
    if !bytes.starts_with(MODULE) {
        return refused(
            "it is no WebAssembly module: it does not begin with `\\0asm` and version 1",
        );
    }
    let starts = Parser::new(0)
        .parse_all(bytes)
        .map_while(Result::ok)
        .any(|payload| matches!(payload, Payload::StartSection { .. }));
    if starts {
        return refused(
            "it has a start function, which would run before there is a call; a command begins at its \
             export `_start`",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        refuse(bytes).unwrap_err()
    }

    #[test]
    fn what_is_no_module_is_refused_by_name() {
        assert!(refusal(b"").contains("no WebAssembly module"));
        assert!(refusal(b"#!/bin/sh\n").contains("no WebAssembly module"));
        assert!(refusal(&wat::parse_str("(component)").unwrap()).contains("component"));
        let start = "(module (func $f) (start $f))";
        assert!(refusal(&wat::parse_str(start).unwrap()).contains("start function"));
        let module = wat::parse_str("(module (func (export \"_start\")))").unwrap();
        let artefact = engine().unwrap().precompile_module(&module).unwrap();
        assert!(refusal(&artefact).contains("compiled already"));
        assert_eq!(refuse(&module), Ok(()));
    }
}
