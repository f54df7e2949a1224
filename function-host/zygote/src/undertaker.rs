//! The undertaker of a call that may fork: it runs no code of the function, stays the ancestor of
//! everything that the call starts, and kills all of it.
//!
//! It is restricted with the worker's own ruleset and forks the worker, which restricts itself
//! again. `kill(-1, SIGKILL)` from a domain with the signal scope reaches exactly the processes of
//! this domain and those nested in it, setsid and double forks or not. `ECHILD` is then the
//! kernel's proof that nobody is left, since a subreaper inherits every orphan.

use std::io;
use std::os::fd::AsFd;

use leasehold_sandbox::sys::fork::{self, Child};
use leasehold_sandbox::sys::wait::{self, Reaped};
use leasehold_sandbox::sys::{landlock, process};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signalfd::SignalFd;

use crate::Control;
use crate::events::{child_signal, is_ready, wait_for};
use crate::hooks::Hooks;
use crate::wire::{Burial, Fork, FromUndertaker, Serve, ToUndertaker};
use crate::worker::{self, ParkError, Places, Worker, step};

/// Makes the calling child an undertaker. Returns only in its own child, the worker.
pub(crate) fn keep(
    child: Child,
    order: &Fork,
    mut places: Places,
    serve: &Serve,
    zygote: u32,
    hooks: &dyn Hooks,
) -> Result<Worker, ParkError> {
    child
        .keep_only(&places.all())
        .map_err(step("close_range"))?;
    let socket = places
        .undertaker
        .take()
        .ok_or(io::ErrorKind::InvalidInput.into());
    let control = Control::new(socket.map_err(step("the undertaker's socket"))?);
    nix::unistd::setsid()
        .map_err(io::Error::from)
        .map_err(step("setsid"))?;
    process::become_subreaper().map_err(step("PR_SET_CHILD_SUBREAPER"))?;
    process::forbid_inspection().map_err(step("PR_SET_DUMPABLE"))?;
    if let Some(ruleset) = &places.ruleset {
        landlock::restrict_self(ruleset.as_fd())
            .map_err(step("the undertaker's Landlock layer"))?;
    }
    if order.burial == Burial::Domain && !process::scope_holds(zygote) {
        let source = io::Error::other("Landlock's signal scope is not in force");
        return Err(step("the undertaker's Landlock layer")(source));
    }
    let child_ended = child_signal().map_err(step("signalfd"))?;
    let undertaker = std::process::id();
    match fork::fork() {
        Ok(fork::Fork::Child(child)) => {
            // Its copies of our descriptors are closed by number.
            std::mem::forget((control, child_ended));
            worker::park(child, order, places, serve, undertaker, hooks)
        }
        Ok(fork::Fork::Parent(pid)) => {
            drop(places);
            watch(&control, &child_ended, pid, order.burial)
        }
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
            let _host_gone = control.send(&FromUndertaker::NotForked(errno), &[]);
            fork::exit_now(0)
        }
    }
}

/// Waits until the call is over, one way or the other, and buries it.
fn watch(control: &Control, child_ended: &SignalFd, worker: u32, burial: Burial) -> ! {
    let mut graves = Graves {
        worker,
        burial,
        leader_ended: false,
    };
    loop {
        let mut polled = [
            PollFd::new(child_ended.as_fd(), PollFlags::POLLIN),
            PollFd::new(control.as_fd(), PollFlags::POLLIN),
        ];
        let over = wait_for(&mut polled).is_err();
        if is_ready(&polled[0]) {
            let _signal = child_ended.read_signal();
            graves.reap(control);
        }
        if over || is_ready(&polled[1]) {
            // A command, an end or nonsense: all mean that the call is over.
            let _command = control.receive::<ToUndertaker>();
            graves.bury(control);
            let _host_gone = control.send(&FromUndertaker::Buried, &[]);
            fork::exit_now(0);
        }
    }
}

struct Graves {
    worker: u32,
    burial: Burial,
    /// For `Burial::Group`: the leader has ended and is kept a zombie.
    leader_ended: bool,
}

impl Graves {
    /// Reaps whoever has ended, and tells of the worker itself.
    fn reap(&mut self, control: &Control) {
        match self.burial {
            // The leader's number is the group's: it must not be reused before the group is dead.
            Burial::Group => {
                if let (false, Ok(Some(exit))) = (self.leader_ended, wait::peek(self.worker)) {
                    self.leader_ended = true;
                    let _host_gone = control.send(&FromUndertaker::Exited(exit), &[]);
                }
            }
            Burial::Domain | Burial::Worker => {
                while let Ok(Reaped::Child(pid, exit)) = wait::reap(false) {
                    if pid == self.worker {
                        let _host_gone = control.send(&FromUndertaker::Exited(exit), &[]);
                    }
                }
            }
        }
    }

    /// Kills until the kernel says that nobody is left.
    fn bury(&self, control: &Control) {
        loop {
            // An error says that there was nobody.
            let _nobody = match self.burial {
                Burial::Group => process::kill_group(self.worker),
                Burial::Domain | Burial::Worker => process::kill_everyone_in_reach(),
            };
            match wait::reap(true) {
                Ok(Reaped::Child(pid, exit)) if pid == self.worker && !self.leader_ended => {
                    let _host_gone = control.send(&FromUndertaker::Exited(exit), &[]);
                }
                Ok(Reaped::Child(..)) => {}
                Ok(Reaped::NoChildren) => return,
                Ok(Reaped::StillRunning) | Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use leasehold_sandbox::sys::socket;

    use super::*;

    /// Below ABI 6 the burial is by process group. (What buries by domain would, here, kill every
    /// process of the user: it is tested from outside, through a whole host.)
    ///
    /// The leader leaves two children in its group and ends: it stays a zombie for as long as its
    /// number is needed, and the group is dead at the end.
    #[test]
    fn a_group_is_buried_after_its_leader() {
        // In a process of its own: burying reaps every child there is.
        if std::env::var_os("LEASEHOLD_TEST_GRAVES").is_none() {
            let name = "undertaker::tests::a_group_is_buried_after_its_leader";
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", name, "--test-threads", "1"])
                .env("LEASEHOLD_TEST_GRAVES", "1")
                .status();
            assert!(status.unwrap().success());
            return;
        }
        process::become_subreaper().unwrap();
        let script = "trap '' TERM HUP; sleep 1000 & (sleep 1000 & sleep 1000) & exec >&-; exit 7";
        let leader = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap()
            .id();
        let (ours, theirs) = socket::pair(socket::Kind::SeqPacket).unwrap();
        let (ours, theirs) = (Control::new(ours), Control::new(theirs));
        let mut graves = Graves {
            worker: leader,
            burial: Burial::Group,
            leader_ended: false,
        };
        while !graves.leader_ended {
            graves.reap(&theirs);
            std::thread::yield_now();
        }
        // It is told of once, and its number stays taken.
        graves.reap(&theirs);
        assert!(matches!(wait::peek(leader), Ok(Some(exit)) if exit.code == Some(7)));
        graves.bury(&theirs);
        assert!(process::kill_group(leader).is_err(), "the group lives on");
        assert!(matches!(wait::reap(false), Ok(Reaped::NoChildren)));
        drop(theirs);
        let told = ours
            .receive::<FromUndertaker>()
            .unwrap()
            .map(|(told, _)| told);
        assert!(
            matches!(told, Some(FromUndertaker::Exited(exit)) if exit.code == Some(7)),
            "{told:?}"
        );
        assert!(
            ours.receive::<FromUndertaker>().unwrap().is_none(),
            "told twice"
        );
    }
}
