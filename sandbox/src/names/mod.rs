//! The kernel's names as data: system calls, errors, Landlock rights. Imports nothing.
#![forbid(unsafe_code)]

pub mod errno;
pub mod landlock;
pub mod syscalls;
