//! Installing a seccomp program.

use std::io;

use seccompiler::sock_filter;

/// `SECCOMP_GET_ACTION_AVAIL` of `<linux/seccomp.h>`.
const GET_ACTION_AVAIL: libc::c_uint = 2;
/// Every action that a compiled program may return.
const ACTIONS: [u32; 4] = [
    libc::SECCOMP_RET_ALLOW,
    libc::SECCOMP_RET_ERRNO,
    libc::SECCOMP_RET_KILL_PROCESS,
    libc::SECCOMP_RET_USER_NOTIF,
];

/// Whether this kernel knows every action that a compiled program may return.
#[must_use]
pub fn available() -> bool {
    ACTIONS.iter().all(|action| {
        // SAFETY: the kernel reads one u32 behind the pointer, which outlives the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                GET_ACTION_AVAIL,
                0u32,
                std::ptr::from_ref(action),
            )
        };
        result == 0
    })
}

/// Installs `program` on the calling thread, for ever. Sets `no_new_privs` first.
///
/// # Errors
/// When the kernel refuses it: `EINVAL` for a malformed program, `EACCES`/`EPERM` from a filter
/// that is already there.
pub fn install(program: &[sock_filter]) -> io::Result<()> {
    seccompiler::apply_filter(program).map_err(|error| match error {
        seccompiler::Error::Prctl(source) | seccompiler::Error::Seccomp(source) => source,
        other => io::Error::new(io::ErrorKind::InvalidInput, other.to_string()),
    })
}
