//! The edge to the kernel: every `unsafe` block of this crate, each behind a safe function.
//!
//! Nothing here decides anything; it knows no profile and no policy.
#![allow(unsafe_code)]

pub mod fds;
pub mod fork;
pub mod landlock;
pub mod pidfd;
pub mod process;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod status;
pub mod usage;
pub mod wait;

use std::io;

/// `uname -r`, or `unknown`.
#[must_use]
pub fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map(|text| text.trim().to_owned())
        .unwrap_or_else(|_| "unknown".to_owned())
}

/// Turns libc's `-1` into the error of this thread.
pub(crate) fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// The same for calls made through `syscall(2)`.
pub(crate) fn check_long(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
