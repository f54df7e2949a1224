//! Who tells the host that a worker has ended, and who kills what it leaves.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::wait::Exit;
use leasehold_zygote::wire::{FromUndertaker, ToUndertaker};
use tokio::sync::oneshot;

use super::messages::Messages;
use super::zygote::Ended;
use crate::processes::Processes;

/// The longest that a zygote may take to tell how a worker that was killed has ended.
const TELLING: Duration = Duration::from_secs(1);

/// The keeper of one worker.
#[derive(Debug)]
pub(super) struct Keeper {
    kind: Kind,
    /// What has become of the worker, once that is known. It is told once.
    fate: Option<Fate>,
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
            fate: None,
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
            fate: None,
        })
    }

    /// Waits until the worker has ended. Safe to cancel and to ask again.
    pub(super) async fn exited(&mut self) -> Fate {
        if let Some(fate) = self.fate {
            return fate;
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
        *self.fate.insert(exit.map_or(Fate::Unknown, Fate::Exited))
    }

    /// Kills the worker and everything that it has started, and waits until all of it is gone.
    pub(super) async fn bury(&mut self, worker: &PidFd, processes: &Processes) -> Option<Exit> {
        match &self.kind {
            Kind::Zygote(_) => {
                // By the kernel's word: what a zygote tells may be import code's.
                if self.fate.is_none() || !worker.ended() {
                    kill(worker);
                    // One that does not tell has no call's slot for it.
                    let _untold = tokio::time::timeout(TELLING, self.exited()).await;
                    if !worker.ended() {
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
                        Some(FromUndertaker::Exited(exit)) => {
                            self.fate = Some(Fate::Exited(exit));
                        }
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
        match self.fate {
            Some(Fate::Exited(exit)) => Some(exit),
            Some(Fate::Unknown) | None => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A zygote says what it likes, and dies when it likes: asked again, the keeper says the same.
    #[tokio::test]
    async fn a_fate_is_told_as_often_as_it_is_asked_for() {
        let exit = Exit {
            code: Some(0),
            signal: None,
            cpu_micros: 1,
            max_rss_kib: 1,
        };
        for (told, fate) in [
            (Some(Ended::Exited(exit)), Fate::Exited(exit)),
            (Some(Ended::NotForked(libc::EAGAIN)), Fate::Unknown),
            (None, Fate::Unknown),
        ] {
            let (tell, ended) = oneshot::channel();
            let mut keeper = Keeper::zygote(ended);
            match told {
                Some(told) => drop(tell.send(told)),
                None => drop(tell),
            }
            assert_eq!(keeper.exited().await, fate);
            assert_eq!(keeper.exited().await, fate);
        }
    }
}
