//! The pool: parked workers of one function, made ahead of demand and used once.
//!
//! A call takes a worker ([`Pool::take`]), starts it, and lets it finish; the remains are buried off
//! the path, and only then is the slot free for the next worker. The pool knows nothing of HTTP
//! connections: it is given bodies and gives replies.

mod audit;
mod conversation;
mod exchange;
mod headers;
mod keeper;
mod line;
mod log;
mod messages;
mod outcome;
mod processes;
mod replier;
mod start;
mod supervisor;
mod worker;
mod zygote;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use leasehold_sandbox::Policy;
use leasehold_sandbox::policy::CompileError;
use leasehold_sandbox::scratch::ScratchRoot;
use leasehold_sandbox::sys::wait::Exit;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::function::{Function, Isolation};
use crate::host::Host;
use line::Line;
use start::Recipe;
use zygote::Zygote;

pub use exchange::{Aborted, Exchange, Pieces, Reply, ReplyBody, ReplyParts, RequestBody, Traffic};
pub use outcome::{Limit, Outcome};
pub use processes::{Processes, Started};
pub use worker::{ParkedWorker, Remains, RunningWorker};

/// Calls of one function that may wait for a worker; one more is [`Outcome::Overloaded`].
const QUEUE: usize = 256;

/// The workers of one function.
#[derive(Debug)]
pub struct Pool {
    line: Line,
    /// Workers that wait for a call, the one that has waited longest first.
    parked: Mutex<VecDeque<ParkedWorker>>,
    /// One permit for each of them.
    ready: Semaphore,
    /// One permit for each worker there may be, parked, running or not yet buried.
    slots: Arc<Semaphore>,
    queue: Semaphore,
    readiness: watch::Sender<Readiness>,
    zygote: Mutex<Option<Arc<Zygote>>>,
}

/// Whether a function can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Its zygote is coming up.
    Starting,
    /// It has a zygote.
    Ready,
    /// It has none, for this reason. It is tried again.
    Failed(String),
    /// The host is going down.
    Closed,
}

/// Why a call got no worker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The function has no zygote.
    #[error("the function is not ready: {0}")]
    NotReady(String),
    /// The queue was full, or no worker was free in time.
    #[error("no worker was free in time")]
    Overloaded,
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The policy cannot be enforced here.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The operator has not allowed it.
    #[error("`isolation: none` needs --allow-unisolated")]
    Unisolated,
    /// There is no place for its scratches.
    #[error("cannot make a directory for scratches: {0}")]
    Scratch(#[from] io::Error),
}

impl Pool {
    /// Compiles the function's policy and begins to fill the pool. Must be called on a runtime.
    ///
    /// # Errors
    /// When the function cannot be served on this machine.
    pub fn start(host: &Arc<Host>, function: Arc<Function>) -> Result<Arc<Self>, PoolError> {
        let scratches = ScratchRoot::create(&host.state.scratches(), &function.name)?;
        let policy = compile(host, &function, &scratches)?;
        let directory = scratches.path().join("zygote");
        std::fs::create_dir(&directory)?;
        let pool = Arc::new(Self {
            slots: Arc::new(Semaphore::new(function.pool)),
            line: Line {
                host: Arc::clone(host),
                recipe: Recipe::of(&function, &directory),
                function,
                policy,
                scratches,
            },
            parked: Mutex::default(),
            ready: Semaphore::new(0),
            queue: Semaphore::new(QUEUE),
            readiness: watch::Sender::new(Readiness::Starting),
            zygote: Mutex::default(),
        });
        supervisor::start(&pool);
        Ok(pool)
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> &Arc<Function> {
        &self.line.function
    }

    /// Whether the function can be called, and changes of it.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.subscribe()
    }

    /// Takes a parked worker, or waits for one in a bounded queue until `deadline`.
    ///
    /// # Errors
    /// When the function is not ready, the queue is full or the time is up.
    pub async fn take(&self, deadline: Instant) -> Result<ParkedWorker, Unavailable> {
        if let Some(worker) = self
            .ready
            .try_acquire()
            .ok()
            .and_then(|ready| self.pop(ready))
        {
            return Ok(worker);
        }
        let _place = self
            .queue
            .try_acquire()
            .map_err(|_| Unavailable::Overloaded)?;
        let mut readiness = self.readiness.subscribe();
        loop {
            if let Readiness::Failed(why) = &*readiness.borrow_and_update() {
                return Err(Unavailable::NotReady(why.clone()));
            }
            tokio::select! {
                biased;
                ready = self.ready.acquire() => {
                    if let Some(worker) = ready.ok().and_then(|ready| self.pop(ready)) {
                        return Ok(worker);
                    }
                }
                changed = readiness.changed() => if changed.is_err() {
                    return Err(Unavailable::NotReady("the host is going down".to_owned()));
                },
                () = tokio::time::sleep_until(deadline) => return Err(Unavailable::Overloaded),
            }
        }
    }

    /// Buries what is left of a call; without isolation its worker is parked again instead.
    pub async fn bury(&self, remains: Remains) -> Option<Exit> {
        if remains.reusable() {
            self.push(remains.into_parked());
            None
        } else {
            remains.bury().await
        }
    }

    /// Ends the zygote and every parked worker, and waits for it.
    pub async fn close(&self) {
        self.readiness.send_replace(Readiness::Closed);
        self.slots.close();
        let zygote = self.zygote().take();
        if let Some(zygote) = zygote {
            zygote.end().await;
        }
        let parked: Vec<_> = self.parked().drain(..).collect();
        for worker in parked {
            worker.discard().await;
        }
    }

    fn push(&self, worker: ParkedWorker) {
        self.parked().push_back(worker);
        self.ready.add_permits(1);
    }

    /// The worker that a permit is for. One that was killed from outside is buried instead.
    fn pop(&self, ready: tokio::sync::SemaphorePermit<'_>) -> Option<ParkedWorker> {
        ready.forget();
        let worker = self.parked().pop_front()?;
        if worker.is_dead() {
            tokio::spawn(worker.discard());
            return None;
        }
        Some(worker)
    }

    /// Removes the workers that have died with their zygote.
    fn purge(&self) {
        let mut parked = self.parked();
        for _ in 0..parked.len() {
            let Ok(ready) = self.ready.try_acquire() else {
                return;
            };
            ready.forget();
            match parked.pop_front() {
                Some(worker) if worker.is_dead() => drop(tokio::spawn(worker.discard())),
                Some(worker) => {
                    parked.push_back(worker);
                    self.ready.add_permits(1);
                }
                None => return,
            }
        }
    }

    fn parked(&self) -> MutexGuard<'_, VecDeque<ParkedWorker>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn zygote(&self) -> MutexGuard<'_, Option<Arc<Zygote>>> {
        self.zygote.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn compile(
    host: &Host,
    function: &Function,
    scratches: &ScratchRoot,
) -> Result<Option<Policy>, PoolError> {
    match function.isolation {
        Isolation::None if host.allow_unisolated => Ok(None),
        Isolation::None => Err(PoolError::Unisolated),
        Isolation::Call => {
            let site = function.site(scratches.path().to_owned());
            let limits = function.limits.clone();
            Ok(Some(Policy::compile(
                &function.profile,
                limits,
                &host.kernel,
                &site,
            )?))
        }
    }
}
