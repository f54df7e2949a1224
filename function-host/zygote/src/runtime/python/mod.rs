//! `python`: CPython loads this crate as a library, imports the function and enters the fork loop;
//! the loop returns in each worker, where `handler(event, context)` is called.

#[allow(unsafe_code)]
mod ffi;

/// The program that the interpreter runs (`-c`): imports the function, serves, calls the handler.
pub const BOOTSTRAP: &str = include_str!("bootstrap.py");
