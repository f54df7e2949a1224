//! Attributes of the calling process.

use std::io;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;

use super::check;

/// Asks for SIGKILL when the thread that created this process ends, and checks that it has not yet.
///
/// # Errors
/// `ESRCH` when `parent` is no longer this process' parent.
pub fn die_with(parent: u32) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if std::os::unix::process::parent_id() == parent {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
}

/// Asks for no signal any more when the thread that created this process ends.
///
/// # Errors
/// None that Linux documents.
pub fn outlive_parent() -> io::Result<()> {
    Ok(prctl::set_pdeathsig(None)?)
}

/// Becomes the parent of every descendant whose own parent ends.
///
/// # Errors
/// None that Linux documents.
pub fn become_subreaper() -> io::Result<()> {
    Ok(prctl::set_child_subreaper(true)?)
}

/// Refuses core dumps, ptrace and other users' eyes on `/proc/PID/{mem,maps,fd,environ,…}`.
///
/// # Errors
/// None that Linux documents.
pub fn forbid_inspection() -> io::Result<()> {
    Ok(prctl::set_dumpable(false)?)
}

/// Allows this process as many descriptors as it may allow itself. The usual soft limit of 1024 is for
/// programs that use select(2).
///
/// # Errors
/// When the kernel does not tell or take the limit.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// Gives up every way of gaining privileges by exec, for ever.
///
/// # Errors
/// None that Linux documents.
pub fn set_no_new_privs() -> io::Result<()> {
    Ok(prctl::set_no_new_privs()?)
}

/// Sends SIGKILL to every process that this one may signal, itself excepted.
///
/// Under a Landlock domain with the signal scope these are the processes of this domain and of
/// those nested in it. Without one they are all processes of the user: see `scope_holds`.
///
/// # Errors
/// `ESRCH` when there is nobody.
pub fn kill_everyone_in_reach() -> io::Result<()> {
    // SAFETY: kill takes integers only.
    check(unsafe { libc::kill(-1, libc::SIGKILL) }).map(drop)
}

/// Sends SIGKILL to a child that is not reaped yet.
///
/// # Errors
/// `ESRCH` when there is no such process.
pub fn kill(child: u32) -> io::Result<()> {
    let child = i32::try_from(child).map_err(io::Error::other)?;
    // SAFETY: kill takes integers only.
    check(unsafe { libc::kill(child, libc::SIGKILL) }).map(drop)
}

/// Sends SIGKILL to every process of the group `leader`.
///
/// # Errors
/// `ESRCH` when there is nobody.
pub fn kill_group(leader: u32) -> io::Result<()> {
    let leader = i32::try_from(leader).map_err(io::Error::other)?;
    // SAFETY: kill takes integers only.
    check(unsafe { libc::kill(-leader, libc::SIGKILL) }).map(drop)
}

/// Whether the signal scope is in force: the process `outside` exists and may not be signalled.
#[must_use]
pub fn scope_holds(outside: u32) -> bool {
    let Ok(outside) = i32::try_from(outside) else {
        return false;
    };
    // SAFETY: signal 0 only checks for permission.
    let result = check(unsafe { libc::kill(outside, 0) });
    matches!(result, Err(error) if error.raw_os_error() == Some(libc::EPERM))
}

/// Resets every signal to its default disposition.
///
/// What is ignored stays ignored across exec, and Rust and CPython ignore SIGPIPE.
pub fn reset_dispositions() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL runs no code; invalid and unchangeable numbers are refused by EINVAL.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
