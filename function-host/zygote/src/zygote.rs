//! The fork loop: one for every runtime.
//!
//! The zygote reads nothing but orders from the host, and has no descriptor to any worker once it
//! has forked it: no call can reach the next through it.

use std::collections::HashMap;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};

use leasehold_sandbox::sys::fork::{self, Child};
use leasehold_sandbox::sys::signal::ChildSignal;
use leasehold_sandbox::sys::wait::{self, Reaped};
use leasehold_sandbox::sys::{process, wait::Exit};
use nix::poll::{PollFd, PollFlags};

use crate::Control;
use crate::events::{is_ready, wait_for};
use crate::hooks::Hooks;
use crate::undertaker;
use crate::wire::{Burial, Fork, FromZygote, Serve, ToZygote};
use crate::worker::{self, Worker};

/// Forks workers until the host is gone, which ends the process. Returns in each worker.
///
/// # Errors
/// In the zygote only, when it cannot go on.
pub(crate) fn serve(control: Control, hooks: &dyn Hooks) -> io::Result<Worker> {
    let Some((serve, _)) = control.receive::<Serve>()? else {
        fork::exit_now(0)
    };
    // Never dropped: a child must not close by number what it has closed already.
    let mut zygote = ManuallyDrop::new(Zygote::new(control, serve)?);
    zygote.announce()?;
    loop {
        match zygote.next()? {
            Event::HostGone => fork::exit_now(0),
            Event::ChildEnded => zygote.reap()?,
            Event::Unwanted(worker) => zygote.kill(worker)?,
            Event::Order(order, fds) => {
                if let Some(worker) = zygote.fork(&order, fds, hooks)? {
                    return Ok(worker);
                }
            }
        }
    }
}

struct Zygote {
    control: Control,
    serve: Serve,
    children: HashMap<u32, u64>,
    child_ended: ChildSignal,
}

enum Event {
    HostGone,
    ChildEnded,
    Unwanted(u64),
    Order(Fork, Vec<OwnedFd>),
}

impl Zygote {
    fn new(control: Control, serve: Serve) -> io::Result<Self> {
        Ok(Self {
            control,
            serve,
            children: HashMap::new(),
            child_ended: ChildSignal::watch()?,
        })
    }

    /// Kills what the import has left running, and tells the host that the function is loaded.
    fn announce(&mut self) -> io::Result<()> {
        let killed = if self.serve.layer.is_some() {
            kill_strays()?
        } else {
            0
        };
        self.control.send(
            &FromZygote::Ready {
                threads: fork::threads()?,
                killed,
            },
            &[],
        )
    }

    fn next(&mut self) -> io::Result<Event> {
        let mut polled = [
            PollFd::new(self.child_ended.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.control.as_fd(), PollFlags::POLLIN),
        ];
        wait_for(&mut polled)?;
        if is_ready(&polled[0]) {
            self.child_ended.clear()?;
            return Ok(Event::ChildEnded);
        }
        Ok(match self.control.receive::<ToZygote>()? {
            Some((ToZygote::Fork(order), fds)) => Event::Order(order, fds),
            Some((ToZygote::Kill { worker }, _)) => Event::Unwanted(worker),
            None => Event::HostGone,
        })
    }

    fn reap(&mut self) -> io::Result<()> {
        while let Reaped::Child(pid, exit) = wait::reap(false)? {
            if let Some(worker) = self.children.remove(&pid) {
                self.control
                    .send(&FromZygote::Exited { worker, exit }, &[])?;
            }
        }
        Ok(())
    }

    /// Kills a worker, if it lives: its number cannot have been reused before it is reaped.
    fn kill(&self, worker: u64) -> io::Result<()> {
        match self.children.iter().find(|(_, known)| **known == worker) {
            Some((pid, _)) => process::kill(*pid),
            None => Ok(()),
        }
    }

    /// Forks a worker; returns it in the child.
    fn fork(
        &mut self,
        order: &Fork,
        fds: Vec<OwnedFd>,
        hooks: &dyn Hooks,
    ) -> io::Result<Option<Worker>> {
        let zygote = std::process::id();
        hooks.before();
        let forked = fork::fork();
        match forked {
            Ok(fork::Fork::Child(child)) => Ok(Some(self.child(child, order, fds, hooks, zygote))),
            Ok(fork::Fork::Parent(pid)) => {
                hooks.after_in_parent();
                self.children.insert(pid, order.worker);
                Ok(None)
            }
            Err(error) => {
                hooks.after_in_parent();
                let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
                let worker = order.worker;
                self.control
                    .send(&FromZygote::NotForked { worker, errno }, &[])?;
                Ok(None)
            }
        }
    }

    fn child(
        &self,
        child: Child,
        order: &Fork,
        fds: Vec<OwnedFd>,
        hooks: &dyn Hooks,
        zygote: u32,
    ) -> Worker {
        let Some(places) = worker::Places::of(order, self.serve.layer.is_some(), fds) else {
            fork::exit_now(worker::EXIT_PROTOCOL)
        };
        if self.child_ended.restore().is_err() {
            fork::exit_now(worker::EXIT_PROTOCOL)
        }
        let worker = match order.burial {
            Burial::Worker => worker::park(child, order, places, &self.serve, zygote, hooks),
            Burial::Domain | Burial::Group => {
                undertaker::keep(child, order, places, &self.serve, zygote, hooks)
            }
        };
        worker.unwrap_or_else(|error| worker::give_up(&error))
    }
}

/// Kills every process in this zygote's domain: only what the import has started can be there.
/// Strays that left their parents are the host's to reap. Returns how many children there were.
fn kill_strays() -> io::Result<u32> {
    // Without the scope this would kill every process of the user.
    if !process::scope_holds(std::os::unix::process::parent_id()) {
        return match wait::reap(false)? {
            Reaped::NoChildren => Ok(0),
            _ => Err(io::Error::other(
                "the import has left processes running, and without Landlock's signal scope they \
                 cannot be killed",
            )),
        };
    }
    let mut killed = 0;
    // An error says that there was nobody.
    let _nobody = process::kill_everyone_in_reach();
    while let Reaped::Child(_, Exit { .. }) = wait::reap(true)? {
        killed += 1;
    }
    Ok(killed)
}
