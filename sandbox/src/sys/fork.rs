//! Forking, and what only a newly forked child may do to its descriptors.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use super::{check, fds};

/// Which side of a fork one is on.
#[derive(Debug)]
pub enum Fork {
    /// The new process.
    Child(Child),
    /// The old one, with the child's process number.
    Parent(u32),
}

/// The evidence of being a newly forked child.
///
/// A child leaves its parent's stack for good: it ends by exec or [`exit_now`], or it returns into
/// an interpreter. Whoever forks keeps the owners of the parent's descriptors from being dropped.
#[derive(Debug)]
#[must_use]
pub struct Child(());

/// Forks a process that has one thread, and refuses one that has more.
///
/// # Errors
/// [`io::ErrorKind::Deadlock`] with more than one thread; `EAGAIN` at the limit of processes.
pub fn fork_alone() -> io::Result<Fork> {
    if threads()? == 1 {
        fork()
    } else {
        Err(io::ErrorKind::Deadlock.into())
    }
}

/// Forks a process that may have other threads, which the child will not have.
///
/// libc runs every `pthread_atfork` handler and makes its own allocator usable in the child. A lock
/// that another thread held elsewhere stays locked: the child may hang then, and its host ends it.
///
/// # Errors
/// `EAGAIN` at the limit of processes, `ENOMEM`.
pub fn fork() -> io::Result<Fork> {
    // SAFETY: fork itself has no memory precondition. The child shares nothing writable with its
    // parent, and glibc guarantees malloc and stdio after it; what other threads' locks can do is
    // stop the child, not corrupt it.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child(Child(()))),
        pid => Ok(Fork::Parent(pid.unsigned_abs())),
    }
}

impl Child {
    /// Closes every descriptor but `keep` and those below 3.
    ///
    /// # Errors
    /// `ENOSYS` where the kernel (before 5.9) or an engine's filter has no `close_range`.
    pub fn keep_only(self, keep: &[&OwnedFd]) -> io::Result<()> {
        let mut numbers: Vec<_> = keep.iter().map(|fd| fd.as_raw_fd()).collect();
        numbers.extend([0, 1, 2]);
        // SAFETY: in a new child, per the contract of `Child`, no other owner is ever dropped.
        unsafe { fds::close_all_but(&numbers) }
    }
}

/// The number of threads of this process, without reading a file.
///
/// The link count of `/proc/self/task` is two more than its threads; `stat` works under Landlock
/// where opening anything in procfs does not.
///
/// # Errors
/// When procfs is not mounted.
pub fn threads() -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata("/proc/self/task")?
        .nlink()
        .saturating_sub(2))
}

/// Ends the calling process at once: no destructor, no at-exit handler, no flush.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no precondition and does not return.
    unsafe { libc::_exit(code) }
}
