//! The kernel's names as data: system calls, errors, Landlock rights and channels. Imports nothing.
#![forbid(unsafe_code)]

pub mod channels;
pub mod errno;
pub mod landlock;
pub mod syscalls;
