//! Process descriptors: a handle on a process that no reuse of its number can redirect.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::check_long;

/// A process descriptor; readable once the process has ended.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens the process that has the number `pid` now.
    ///
    /// # Errors
    /// `ESRCH` when there is none; `EMFILE`/`ENFILE` when descriptors ran out.
    pub fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: pidfd_open takes two integers and reads no memory.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0u32) };
        let fd = RawFd::try_from(check_long(fd)?).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made this descriptor for us alone; it is close-on-exec.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sends `SIGKILL`; a process that has already ended is no error.
    ///
    /// # Errors
    /// `EPERM` when the process is another user's.
    pub fn kill(&self) -> io::Result<()> {
        // SAFETY: a null siginfo is allowed and means what kill(2) would have sent.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                libc::SIGKILL,
                std::ptr::null::<libc::siginfo_t>(),
                0u32,
            )
        };
        match check_long(result) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.poll(PollTimeout::ZERO)
    }

    /// Waits until the process has ended, whoever reaps it. Blocks the calling thread.
    pub fn wait(&self) {
        while !self.poll(PollTimeout::NONE) {}
    }

    /// Another descriptor of the same process.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    fn poll(&self, timeout: PollTimeout) -> bool {
        let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut polled, timeout), Ok(ready) if ready > 0)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for PidFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
