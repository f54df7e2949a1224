//! The two Landlock calls that the `landlock` crate does not offer: the probe, and restricting
//! oneself with a ruleset descriptor that another process has built and sent.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check_long;

/// `LANDLOCK_CREATE_RULESET_VERSION` of `<linux/landlock.h>`.
const CREATE_RULESET_VERSION: libc::c_uint = 1;

/// The Landlock ABI of this kernel; 0 where Landlock is absent, disabled or hidden.
///
/// # Errors
/// Any error but `ENOSYS`, `EOPNOTSUPP`, and `EPERM`, which is what engines answer to calls that their
/// filter does not know.
pub fn abi() -> io::Result<u32> {
    // SAFETY: with a null attribute, size 0 and the VERSION flag the kernel reads no memory.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0usize,
            CREATE_RULESET_VERSION,
        )
    };
    match check_long(version) {
        Ok(version) => Ok(u32::try_from(version).unwrap_or(0)),
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOSYS | libc::EOPNOTSUPP | libc::EPERM) => Ok(0),
            _ => Err(error),
        },
    }
}

/// Restricts the calling thread (and what it will start) with `ruleset`, a new domain each time.
///
/// # Errors
/// `EPERM` without `no_new_privs`, `E2BIG` at the 17th layer, `EBADFD` if it is no ruleset.
pub fn restrict_self(ruleset: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open for the borrow's lifetime; the kernel reads no memory.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0u32) };
    check_long(result).map(drop)
}
