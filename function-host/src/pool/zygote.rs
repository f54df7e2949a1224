//! A zygote as the host sees it: orders go in, ends of workers come out, nothing is believed.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use leasehold_sandbox::Policy;
use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::wait::Exit;
use leasehold_zygote::wire::{Fork, FromZygote, Launch, Serve, Start, ToZygote};
use tokio::sync::{oneshot, watch};

use super::launcher::{LOAD_TIME, StartError, act, how, launcher};
use super::messages::Messages;
use super::start::Recipe;
use super::{audit, compile, log};
use crate::host::Host;

/// A living zygote.
#[derive(Debug)]
pub(super) struct Zygote {
    /// Its process number, once it has said so; until then, and where it has no guard, that of the
    /// process that was started.
    pid: AtomicU32,
    /// The process that was started: the zygote's guard, or itself.
    handle: PidFd,
    control: Messages,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Ended>>>,
    dead: watch::Sender<bool>,
    reaped: watch::Sender<bool>,
}

impl Drop for Zygote {
    /// One that nobody has, perhaps because its start was given up, is not left running.
    fn drop(&mut self) {
        // It is dead already, as a rule.
        let _dead = self.handle.kill();
    }
}

/// How the fork of a worker, or the worker, ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The process that the zygote had forked is reaped.
    Exited(Exit),
    /// There was none: `errno`.
    NotForked(i32),
}

impl Zygote {
    /// Starts one and waits until the function is loaded and nothing that its import has started is
    /// left.
    ///
    /// # Errors
    /// Why the function cannot be served.
    pub(super) async fn start(
        host: &Arc<Host>,
        recipe: &Recipe,
        policy: Option<&Policy>,
        function: &str,
    ) -> Result<Arc<Self>, StartError> {
        let artefact = compile::artefact(host, recipe, policy, function).await?;
        let (started, control) = launcher(host, function).await?;
        let zygote = Arc::new(Self {
            pid: AtomicU32::new(started.pid),
            handle: started.handle,
            control,
            next: AtomicU64::new(0),
            waiting: Mutex::default(),
            dead: watch::Sender::new(false),
            reaped: watch::Sender::new(false),
        });
        let (mut exit, mut ended) = (started.exit, None);
        let loaded = tokio::select! {
            biased;
            loaded = zygote.load(host, recipe, policy, artefact.as_ref()) => loaded,
            exit = &mut exit => {
                ended = Some(exit.ok());
                Err(zygote.last_word().await)
            }
        };
        let (threads, killed) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                zygote.kill();
                let ended = match ended {
                    Some(ended) => ended,
                    None => exit.await.ok(),
                };
                // Whatever a failed import has started.
                host.processes.kill_strays().await;
                return Err(match error {
                    StartError::Ended(_) => StartError::Ended(how(ended)),
                    error => error,
                });
            }
        };
        if killed > 0 {
            tracing::warn!(
                function,
                killed,
                "the import left processes running; they were killed"
            );
        }
        if threads > 1 {
            tracing::warn!(
                function,
                threads,
                "the import left threads running; calls are forked without them"
            );
        }
        Arc::clone(&zygote).read_for_ever(Arc::clone(host), exit);
        Ok(zygote)
    }

    /// Its process number.
    #[must_use]
    pub(super) fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// Orders a worker. Returns its number, and a receiver that resolves when it has ended, and fails
    /// when the zygote has.
    ///
    /// # Errors
    /// When the zygote is gone.
    pub(super) async fn order(
        &self,
        fork: impl FnOnce(u64) -> Fork,
        fds: &[BorrowedFd<'_>],
    ) -> io::Result<(u64, oneshot::Receiver<Ended>)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (send, receive) = oneshot::channel();
        self.lock().insert(number, send);
        let sent = self.control.send(&ToZygote::Fork(fork(number)), fds).await;
        if sent.is_err() || *self.dead.borrow() {
            self.lock().remove(&number);
        }
        sent.map(|()| (number, receive))
    }

    /// Has a worker killed whose process number is not known. Nothing comes of it if either is gone.
    pub(super) async fn kill_worker(&self, worker: u64) {
        let _gone = self.control.send(&ToZygote::Kill { worker }, &[]).await;
    }

    /// Waits until the zygote is dead.
    pub(super) async fn died(&self) {
        // The sender is ours: it cannot be gone.
        let mut dead = self.dead.subscribe();
        let _dead = dead.wait_for(|dead| *dead).await;
    }

    /// Kills it, and with it the workers that have no undertaker; waits until it is reaped.
    pub(super) async fn end(&self) {
        // It may be dead already.
        let _dead = self.handle.kill();
        let mut reaped = self.reaped.subscribe();
        // The sender is ours: it cannot be gone.
        let _reaped = reaped.wait_for(|reaped| *reaped).await;
    }

    /// Whether it is dead.
    #[must_use]
    pub(super) fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    /// Waits until the function is loaded and nothing is left of its import but the zygote. Returns
    /// how many threads it has, and how many processes were killed.
    async fn load(
        &self,
        host: &Host,
        recipe: &Recipe,
        policy: Option<&Policy>,
        artefact: Option<&OwnedFd>,
    ) -> Result<(u64, u32), StartError> {
        if let Err(error) = self.instruct(host, recipe, policy, artefact).await {
            // It may have ended before it had heard all of it, and have said why.
            return Err(match self.last_word().await {
                StartError::Ended(_) => error,
                told => told,
            });
        }
        let ready = tokio::time::timeout(LOAD_TIME, async {
            self.await_started().await?;
            self.await_ready().await
        });
        let ready = ready.await.map_err(|_| StartError::Slow)??;
        host.processes.kill_strays().await;
        if policy.is_some() {
            audit::check(self.pid())
                .map_err(act("cannot inspect the zygote"))?
                .map_or(Ok(()), |shared| Err(StartError::SharedMemory(shared)))?;
        }
        Ok(ready)
    }

    /// Why it has ended, of which the exit was seen before the message.
    async fn last_word(&self) -> StartError {
        // What it had to say is there already; the end is not if a child has the socket too.
        match tokio::time::timeout(log::LAST_WORDS, self.await_ready()).await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) | Err(_) => StartError::Ended(String::new()),
        }
    }

    fn kill(&self) {
        if let Err(error) = self.handle.kill() {
            tracing::error!(%error, "a zygote could not be killed");
        }
    }

    async fn instruct(
        &self,
        host: &Host,
        recipe: &Recipe,
        policy: Option<&Policy>,
        artefact: Option<&OwnedFd>,
    ) -> Result<(), StartError> {
        let ruleset = policy.map(Policy::zygote_ruleset).transpose()?;
        let launch = Launch {
            layer: policy.map(|policy| policy.zygote_layer().clone()),
            start: recipe.start.clone(),
            directory: recipe.directory.clone(),
            private_tmp: recipe.private_tmp,
        };
        let serve = Serve {
            layer: policy.map(|policy| policy.worker_layer().clone()),
            program: recipe.program.clone(),
            variables: recipe.variables,
            private_tmp: recipe.private_tmp,
            ahead: recipe.ahead,
        };
        let mut fds: Vec<BorrowedFd<'_>> = ruleset.iter().map(AsFd::as_fd).collect();
        match launch.start {
            Start::Serve => {}
            Start::Become(_) => fds.push(host.library.as_fd()),
            Start::Load(_) => fds.extend(artefact.map(AsFd::as_fd)),
        }
        self.control
            .send(&launch, &fds)
            .await
            .map_err(act("cannot instruct the zygote"))?;
        self.control
            .send(&serve, &[])
            .await
            .map_err(act("cannot instruct the zygote"))
    }

    /// Waits until the launcher, which has run nothing of the function, says what the zygote is.
    async fn await_started(&self) -> Result<(), StartError> {
        match self.receive().await? {
            Some(FromZygote::Started { pid }) => {
                self.pid.store(pid, Ordering::Relaxed);
                Ok(())
            }
            other => Err(not_expected(other)),
        }
    }

    async fn await_ready(&self) -> Result<(u64, u32), StartError> {
        loop {
            match self.receive().await? {
                Some(FromZygote::Ready { threads, killed }) => return Ok((threads, killed)),
                Some(FromZygote::Started { .. }) => {}
                other => return Err(not_expected(other)),
            }
        }
    }

    async fn receive(&self) -> Result<Option<FromZygote>, StartError> {
        let received = self.control.receive().await;
        received.map_err(act("cannot read from the zygote"))
    }

    fn read_for_ever(self: Arc<Self>, host: Arc<Host>, exit: oneshot::Receiver<Exit>) {
        tokio::spawn(async move {
            while let Ok(Some(message)) = self.control.receive::<FromZygote>().await {
                let (worker, ended) = match message {
                    FromZygote::Exited { worker, exit } => (worker, Ended::Exited(exit)),
                    FromZygote::NotForked { worker, errno } => (worker, Ended::NotForked(errno)),
                    FromZygote::Started { .. }
                    | FromZygote::Ready { .. }
                    | FromZygote::Failed { .. } => continue,
                };
                if let Some(waiting) = self.lock().remove(&worker) {
                    // Nobody may be waiting.
                    let _unawaited = waiting.send(ended);
                }
            }
            // Closed or nonsense: either way it is of no more use.
            self.kill();
            self.dead.send_replace(true);
            self.lock().clear();
            let reaped = self.reaped.clone();
            drop(self);
            let _reaped = exit.await;
            host.processes.kill_strays().await;
            reaped.send_replace(true);
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Ended>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_expected(message: Option<FromZygote>) -> StartError {
    match message {
        Some(FromZygote::Failed { message }) => StartError::Import(message),
        _ => StartError::Ended(String::new()),
    }
}
