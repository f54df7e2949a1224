//! Reaping children together with what they used.

use std::io;

use serde::{Deserialize, Serialize};

/// How a process ended and what it had used by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that killed it, if one did.
    pub signal: Option<i32>,
    /// User and system time of it and of the children that it has waited for, in microseconds.
    pub cpu_micros: u64,
    /// The largest resident set among them, in KiB.
    pub max_rss_kib: u64,
}

/// What a look at the children has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaped {
    /// This child has ended and is gone now.
    Child(u32, Exit),
    /// There are children, and none has ended.
    StillRunning,
    /// There are no children: the kernel's proof that nobody is left.
    NoChildren,
}

/// Reaps one ended child; waits for one if `block` is set.
///
/// # Errors
/// Only what `wait4` does not foresee; `EINTR` is retried.
pub fn reap(block: bool) -> io::Result<Reaped> {
    let flags = if block { 0 } else { libc::WNOHANG };
    loop {
        let mut status: libc::c_int = 0;
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: both pointers are to live, writable values of the types that wait4 writes.
        let pid = unsafe { libc::wait4(-1, &raw mut status, flags, usage.as_mut_ptr()) };
        if pid == 0 {
            return Ok(Reaped::StillRunning);
        }
        if pid < 0 {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => continue,
                Some(libc::ECHILD) => return Ok(Reaped::NoChildren),
                _ => return Err(error),
            }
        }
        // SAFETY: zeroed is a valid rusage, and wait4 has overwritten it.
        let usage = unsafe { usage.assume_init() };
        return Ok(Reaped::Child(pid.unsigned_abs(), exit_of(status, &usage)));
    }
}

/// How the child `pid` has ended, if it has; it stays unreaped, and its number taken.
///
/// # Errors
/// `ECHILD` when there is no such child.
pub fn peek(pid: u32) -> io::Result<Option<Exit>> {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the pointer is to a live, writable siginfo_t.
    super::check(unsafe { libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), flags) })?;
    // SAFETY: zeroed is a valid siginfo_t, and waitid has overwritten it if a child has ended.
    let (ended, code, status) = unsafe {
        let info = info.assume_init();
        (info.si_pid() != 0, info.si_code, info.si_status())
    };
    let exited = code == libc::CLD_EXITED;
    Ok(ended.then_some(Exit {
        code: exited.then_some(status),
        signal: (!exited).then_some(status),
        cpu_micros: 0,
        max_rss_kib: 0,
    }))
}

fn exit_of(status: libc::c_int, usage: &libc::rusage) -> Exit {
    let micros = |time: libc::timeval| {
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000
            + u64::try_from(time.tv_usec).unwrap_or(0)
    };
    Exit {
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        cpu_micros: micros(usage.ru_utime) + micros(usage.ru_stime),
        max_rss_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    }
}
