//! Waiting for descriptors and for the end of children, in processes of a single thread.
#![forbid(unsafe_code)]

use std::io;

use nix::poll::{PollFd, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Blocks SIGCHLD and makes it readable instead, in a process that has no other threads.
pub(crate) fn child_signal() -> io::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), None)?;
    Ok(SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?)
}

pub(crate) fn wait_for(polled: &mut [PollFd<'_>]) -> io::Result<()> {
    loop {
        match poll(polled, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

pub(crate) fn is_ready(polled: &PollFd<'_>) -> bool {
    polled.any().unwrap_or(false)
}
