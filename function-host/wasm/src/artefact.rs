//! The one place where compiled code is loaded, and the only file of this crate with `unsafe` in it.
#![allow(unsafe_code)]

use std::fs::File;

use wasmtime::{Engine, Module};

/// Maps a compiled module. It is copied on write from `artefact`, its data as much as its code.
///
/// # Errors
/// When it was made for another engine, or cannot be mapped.
pub(crate) fn map(engine: &Engine, artefact: File) -> wasmtime::Result<Module> {
    // SAFETY: wasmtime asks for bytes that `Engine::precompile_module` has returned, in a file that
    // does not change. The host hands over a memfd that it has written and sealed itself: with the output
    // of the compile step for this very module, or with a copy of that from the cache, whose tag it has
    // verified over the bytes in the memfd. A compiler that a hostile module has taken over could write
    // anything: it is then native code of the function's own, as that of an `exec` function, in a process
    // that the function's policy restricts already.
    unsafe { Module::deserialize_open_file(engine, artefact) }
}
