//! The guard of a zygote that runs a function's import: it runs no code of the function, outlives the
//! zygote and kills all that is left, also where the host itself was killed and could not.
//!
//! Its domain is the zygote's ruleset once more, around the zygote's own: `kill(-1, SIGKILL)` reaches
//! the zygote, its workers and whatever the import has started, setsid and double forks or not.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use leasehold_sandbox::sys::fork::{self, Fork};
use leasehold_sandbox::sys::wait::{self, Exit, Reaped};
use leasehold_sandbox::sys::{landlock, process};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{Signal, raise};
use nix::sys::signalfd::SignalFd;

use crate::Control;
use crate::events::{child_signal, is_ready, wait_for};

/// Makes the calling process the guard of its child. Returns only in that child, the zygote to be;
/// without a fork where `ruleset` does not scope signals: a guard would kill all of the user then.
///
/// # Errors
/// In whichever process it is that cannot go on.
pub(crate) fn keep(control: &Control, ruleset: BorrowedFd<'_>, host: u32) -> io::Result<()> {
    landlock::restrict_self(ruleset)?;
    if !process::scope_holds(host) {
        return Ok(());
    }
    process::outlive_parent()?;
    process::become_subreaper()?;
    process::forbid_inspection()?;
    let guard = std::process::id();
    match fork::fork_alone()? {
        Fork::Child(_) => {
            process::die_with(guard)?;
            nix::unistd::setsid()?;
            Ok(())
        }
        Fork::Parent(zygote) => match watch(control, zygote) {
            Ok(exit) => end_as(exit),
            Err(error) => {
                eprintln!("leasehold: a zygote's guard: {error}");
                // The zygote dies with it.
                fork::exit_now(1)
            }
        },
    }
}

/// Waits until the zygote or the host has ended, and kills everything. Returns how the zygote ended,
/// if that came first.
fn watch(control: &Control, zygote: u32) -> io::Result<Option<Exit>> {
    let child_ended = child_signal()?;
    loop {
        // Looked at before the wait: it may have ended before its signal was waited for.
        let ended = reap(zygote)?;
        if ended.is_some() || over(&child_ended, control)? {
            bury()?;
            return Ok(ended);
        }
    }
}

/// Reaps whoever has ended; returns how the zygote has, if it was among them.
fn reap(zygote: u32) -> io::Result<Option<Exit>> {
    let mut ended = None;
    while let Reaped::Child(pid, exit) = wait::reap(false)? {
        if pid == zygote {
            ended = Some(exit);
        }
    }
    Ok(ended)
}

/// Waits for the end of a child; true if it is the host that has ended.
fn over(child_ended: &SignalFd, control: &Control) -> io::Result<bool> {
    // What the host says is the zygote's to read: nothing but the end is asked for.
    let mut polled = [
        PollFd::new(child_ended.as_fd(), PollFlags::POLLIN),
        PollFd::new(control.as_fd(), PollFlags::empty()),
    ];
    wait_for(&mut polled)?;
    if is_ready(&polled[0]) {
        let _signal = child_ended.read_signal()?;
    }
    Ok(is_ready(&polled[1]))
}

/// Kills until the kernel says that nobody is left.
fn bury() -> io::Result<()> {
    loop {
        // An error says that there was nobody.
        let _nobody = process::kill_everyone_in_reach();
        if wait::reap(true)? == Reaped::NoChildren {
            return Ok(());
        }
    }
}

/// Ends as the zygote has, for the host to see.
fn end_as(exit: Option<Exit>) -> ! {
    if let Some(Ok(signal)) = exit.and_then(|exit| exit.signal).map(Signal::try_from) {
        process::reset_dispositions();
        // It kills, or the exit below does.
        let _lives = raise(signal);
    }
    fork::exit_now(exit.and_then(|exit| exit.code).unwrap_or(1))
}
