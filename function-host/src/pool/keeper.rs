//! Who tells the host that a worker has ended, and who kills what it leaves.

use std::io;
use std::os::fd::OwnedFd;

use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::wait::Exit;
use leasehold_zygote::wire::{FromUndertaker, ToUndertaker};
use tokio::sync::oneshot;

use super::messages::Messages;
use super::zygote::Ended;
use crate::processes::Processes;

/// The keeper of one worker.
#[derive(Debug)]
pub(super) struct Keeper {
    kind: Kind,
    /// How the worker has ended, once that is known.
    exit: Option<Exit>,
}

#[derive(Debug)]
enum Kind {
    /// The worker is the zygote's child, and all there is to kill.
    Zygote(oneshot::Receiver<Ended>),
    /// The worker and all that it starts are an undertaker's descendants.
    Undertaker {
        control: Messages,
        pid: u32,
        handle: PidFd,
    },
}

/// What has become of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has ended in this way.
    Exited(Exit),
    /// Whoever could have told has ended before it.
    Unknown,
}

impl Keeper {
    pub(super) fn zygote(ended: oneshot::Receiver<Ended>) -> Self {
        Self {
            kind: Kind::Zygote(ended),
            exit: None,
        }
    }

    pub(super) fn undertaker(control: OwnedFd, pid: u32, handle: PidFd) -> io::Result<Self> {
        let control = Messages::new(control)?;
        Ok(Self {
            kind: Kind::Undertaker {
                control,
                pid,
                handle,
            },
            exit: None,
        })
    }

    /// Waits until the worker has ended. Safe to cancel and to ask again.
    pub(super) async fn exited(&mut self) -> Fate {
        if let Some(exit) = self.exit {
            return Fate::Exited(exit);
        }
        let exit = match &mut self.kind {
            Kind::Zygote(ended) => match ended.await {
                Ok(Ended::Exited(exit)) => Some(exit),
                Ok(Ended::NotForked(_)) | Err(_) => None,
            },
            Kind::Undertaker { control, .. } => match receive(control).await {
                Some(FromUndertaker::Exited(exit)) => Some(exit),
                Some(FromUndertaker::Buried | FromUndertaker::NotForked(_)) | None => None,
            },
        };
        self.exit = exit;
        exit.map_or(Fate::Unknown, Fate::Exited)
    }

    /// Kills the worker and everything that it has started, and waits until all of it is gone.
    pub(super) async fn bury(&mut self, worker: &PidFd, processes: &Processes) -> Option<Exit> {
        match &self.kind {
            Kind::Zygote(_) => {
                if self.exit.is_none() {
                    kill(worker);
                    if self.exited().await == Fate::Unknown {
                        gone(worker).await;
                    }
                }
            }
            Kind::Undertaker {
                control,
                pid,
                handle,
            } => {
                // It may be gone already; then there is no answer either.
                let _gone = control.send(&ToUndertaker::Bury, &[]).await;
                loop {
                    match receive(control).await {
                        Some(FromUndertaker::Exited(exit)) => self.exit = Some(exit),
                        Some(FromUndertaker::Buried) => break,
                        Some(FromUndertaker::NotForked(_)) | None => {
                            // Killed from outside. Its worker dies with it; the rest becomes ours
                            // when it has ended, which comes after its socket's end.
                            kill(worker);
                            kill(handle);
                            gone(worker).await;
                            gone(handle).await;
                            processes.kill_strays().await;
                            break;
                        }
                    }
                }
                processes.forget_undertaker(*pid);
            }
        }
        self.exit
    }
}

fn kill(process: &PidFd) {
    if let Err(error) = process.kill() {
        tracing::error!(%error, "a worker or undertaker could not be killed");
    }
}

/// Waits until the process has ended, whoever reaps it.
async fn gone(process: &PidFd) {
    if let Ok(process) = process.try_clone() {
        // Only a panic could lose it.
        let _waited = tokio::task::spawn_blocking(move || process.wait()).await;
    }
}

/// The next message; `None` at the end, or for what is no message.
async fn receive(control: &Messages) -> Option<FromUndertaker> {
    control.receive().await.ok().flatten()
}
