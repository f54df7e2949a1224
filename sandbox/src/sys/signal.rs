//! The end of children as something to poll for, in a process that may have other threads.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use super::{check, check_long};

/// Where the handler writes; one for the process, as the handler is.
static NOTIFIED: AtomicI32 = AtomicI32::new(-1);

/// Becomes readable when a child has ended, in whichever thread the kernel delivers SIGCHLD.
///
/// A `signalfd` tells only of signals that are blocked. The kernel delivers SIGCHLD to any thread that
/// does not block it, and one that the import of a function has left would take it and drop it.
#[derive(Debug)]
pub struct ChildSignal {
    notified: OwnedFd,
    before: Before,
}

struct Before(libc::sigaction);

impl std::fmt::Debug for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Before")
    }
}

extern "C" fn note(_signal: libc::c_int) {
    // SAFETY: write is async-signal-safe, eight bytes of a live value are what an eventfd takes, and a
    // descriptor that is not there is an error only. errno is the interrupted code's, so it is kept.
    unsafe {
        let errno = *libc::__errno_location();
        let one = 1u64;
        libc::write(NOTIFIED.load(Ordering::Relaxed), (&raw const one).cast(), 8);
        *libc::__errno_location() = errno;
    }
}

impl ChildSignal {
    /// Takes SIGCHLD over. There is one for a process at a time: a second takes it from the first.
    ///
    /// # Errors
    /// When there is no descriptor to be had.
    pub fn watch() -> io::Result<Self> {
        // SAFETY: no pointers; the new descriptor is ours alone.
        let notified = unsafe {
            let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
            OwnedFd::from_raw_fd(check(libc::eventfd(0, flags))?)
        };
        NOTIFIED.store(notified.as_raw_fd(), Ordering::Relaxed);
        let mut before = MaybeUninit::zeroed();
        // SAFETY: zero is a valid sigaction and sigset_t; `note` does only what a handler may; `before`
        // is written in full where the call succeeds.
        let before = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note as *const () as usize;
            action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
            libc::sigemptyset(&raw mut action.sa_mask);
            check(libc::sigaction(
                libc::SIGCHLD,
                &raw const action,
                before.as_mut_ptr(),
            ))?;
            before.assume_init()
        };
        unblock()?;
        Ok(Self {
            notified,
            before: Before(before),
        })
    }

    /// Forgets what has ended so far: to be called before looking.
    ///
    /// # Errors
    /// None that is foreseen.
    pub fn clear(&self) -> io::Result<()> {
        let mut count = 0u64;
        // SAFETY: an eventfd writes eight bytes into a live value.
        let read = unsafe {
            libc::read(
                self.notified.as_raw_fd(),
                (&raw mut count).cast(),
                size_of::<u64>(),
            )
        };
        match check_long(read as libc::c_long) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            other => other.map(drop),
        }
    }

    /// Gives SIGCHLD back to whoever had it: in a child, which has children of its own to await.
    ///
    /// # Errors
    /// None that is foreseen.
    pub fn restore(&self) -> io::Result<()> {
        // SAFETY: it is what the kernel gave us for this signal.
        check(unsafe {
            libc::sigaction(
                libc::SIGCHLD,
                &raw const self.before.0,
                std::ptr::null_mut(),
            )
        })?;
        Ok(())
    }
}

impl AsFd for ChildSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.notified.as_fd()
    }
}

/// Lets SIGCHLD through to this thread: import code may have blocked it in all of them.
fn unblock() -> io::Result<()> {
    // SAFETY: the set is live and made by sigemptyset.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        match libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}
