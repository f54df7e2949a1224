//! The pool: parked workers of one function, made ahead of demand and used once.
//!
//! A call takes a worker ([`Pool::take`]), starts it, and lets it finish; the remains are buried off
//! the path, and only then is the slot free for the next worker. The pool knows nothing of HTTP
//! connections: it is given bodies and gives replies.

mod audit;
mod cgi;
mod compile;
mod conversation;
mod door;
mod exchange;
mod frames;
mod gaps;
mod gauges;
mod headers;
mod keeper;
mod launcher;
mod line;
mod loading;
mod log;
mod messages;
mod proxy;
mod replier;
mod retire;
mod start;
mod stdout;
mod stock;
mod supervisor;
mod watcher;
mod worker;
mod zygote;

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use leasehold_sandbox::Policy;
use leasehold_sandbox::policy::{CompileError, Site};
use leasehold_sandbox::scratch::ScratchRoot;
use leasehold_sandbox::sys::wait::Exit;
use leasehold_zygote::wire::WireError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::function::{Function, Isolation, Start};
use crate::host::Host;
use crate::shares::Share;
use crate::telemetry::FunctionMetrics;
use crate::tmp;
use line::Line;
use start::Recipe;
use stock::Stock;
use zygote::Zygote;

pub use crate::outcome::{Limit, Outcome, Traffic};
pub use exchange::{Aborted, Exchange, Pieces, Reply, ReplyBody, ReplyParts, RequestBody, Upgrade};
pub use worker::{ParkedWorker, Remains, RunningWorker};

/// How often a call that waits asks idle functions for their parked workers.
const PRESSURE: Duration = Duration::from_millis(20);

/// New workers found dead by a call, one after the other, before it gives up.
const DEAD: usize = 3;
/// Why it does.
const ENDED_EARLY: &str = "its workers end before they have a call; see the log";

/// The workers of one function.
#[derive(Debug)]
pub struct Pool {
    line: Line,
    stock: Stock,
    /// What it has of the host's workers.
    share: Share,
    /// One permit for each call that may run, until its burial is over.
    calls: Arc<Semaphore>,
    /// One permit for each call that may wait for one of those.
    queue: Semaphore,
    readiness: watch::Sender<Readiness>,
    zygote: Mutex<Option<Arc<Zygote>>>,
    metrics: Arc<FunctionMetrics>,
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
    /// What it is started by cannot be written down.
    #[error(transparent)]
    Recipe(#[from] WireError),
    /// The function insists on a link that is not there.
    #[error("`tmp: link` cannot be had here: {0}")]
    NoPrivateTmp(String),
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
        let private_tmp = tmp::leads(function.tmp, &host.private_tmp)
            .map_err(|why| PoolError::NoPrivateTmp(why.to_string()))?;
        let policy = compile(host, &function, &scratches, private_tmp)?;
        gaps::announce(&function.name, policy.as_ref());
        let directory = scratches.path().join("zygote");
        std::fs::create_dir(&directory)?;
        let admission = function.admission;
        let pool = Arc::new(Self {
            metrics: host.metrics.function(&function.name),
            line: Line {
                host: Arc::clone(host),
                recipe: Recipe::of(&function, &directory, private_tmp)?,
                function,
                policy,
                scratches,
            },
            share: Share::of(&host.workers),
            stock: Stock::new(admission.pool_min, admission.pool_max),
            calls: Arc::new(Semaphore::new(admission.concurrency)),
            queue: Semaphore::new(admission.queue),
            readiness: watch::Sender::new(Readiness::Starting),
            zygote: Mutex::default(),
        });
        gauges::watch(&pool);
        supervisor::start(&pool);
        Ok(pool)
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> &Arc<Function> {
        &self.line.function
    }

    /// The directory in which the scratches of its calls come and go.
    #[must_use]
    pub fn scratches(&self) -> &Path {
        self.line.scratches.path()
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
        if let Ok(call) = Arc::clone(&self.calls).try_acquire_owned() {
            if let Some(worker) = self.stock.try_take() {
                return Ok(worker.with_call(call));
            }
            return self.wait(deadline, Some(call)).await;
        }
        let _place = self
            .queue
            .try_acquire()
            .map_err(|_| Unavailable::Overloaded)?;
        self.wait(deadline, None).await
    }

    async fn wait(
        &self,
        deadline: Instant,
        call: Option<OwnedSemaphorePermit>,
    ) -> Result<ParkedWorker, Unavailable> {
        let mut readiness = self.readiness.subscribe();
        let worker = async {
            let call = match call {
                Some(call) => call,
                None => Arc::clone(&self.calls)
                    .acquire_owned()
                    .await
                    .map_err(|_| closed())?,
            };
            let mut dead = 0;
            loop {
                match self.stock.take().await {
                    Some(worker) => return Ok(worker.with_call(call)),
                    None if *self.readiness.borrow() == Readiness::Closed => return Err(closed()),
                    None => dead += 1,
                }
                // Forked ones are killed from outside only; what runs ahead of its call may end by itself.
                if self.line.function.start == Start::Spawn
                    && dead > self.line.function.admission.pool_max + DEAD
                {
                    return Err(Unavailable::NotReady(ENDED_EARLY.to_owned()));
                }
            }
        };
        tokio::select! {
            biased;
            worker = worker => worker,
            failed = readiness.wait_for(|now| matches!(now, Readiness::Failed(_))) => match failed.as_deref() {
                Ok(Readiness::Failed(why)) => Err(Unavailable::NotReady(why.clone())),
                _ => Err(closed()),
            },
            () = tokio::time::sleep_until(deadline) => Err(Unavailable::Overloaded),
            never = self.press() => match never {},
        }
    }

    /// While a call waits and the host has no room for another worker, asks the functions that are idle
    /// to give parked ones back. Never resolves.
    async fn press(&self) -> Infallible {
        loop {
            tokio::time::sleep(PRESSURE).await;
            self.line.host.workers.press();
        }
    }

    /// Whether it gives a parked worker back for the sake of a function that has `poorest` in all: it is
    /// idle, and richer than that, or it has more parked than it is to have at least.
    fn yields_to(&self, poorest: usize) -> bool {
        let idle = self.queued() == 0 && self.in_flight() == 0;
        idle && (poorest < self.share.held() || self.stock.has_spare())
    }

    /// How many workers are parked.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.stock.parked()
    }

    /// How many calls are running or not yet buried.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.line
            .function
            .admission
            .concurrency
            .saturating_sub(self.calls.available_permits())
    }

    /// How many calls are waiting for one of those to end.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.line
            .function
            .admission
            .queue
            .saturating_sub(self.queue.available_permits())
    }

    /// Buries what is left of a call; without isolation its worker is parked again instead.
    pub async fn bury(&self, remains: Remains) -> Option<Exit> {
        if remains.reusable() {
            if let Some(extra) = self.stock.put_back(remains.into_parked()) {
                extra.discard().await;
            }
            None
        } else {
            self.metrics.burial(remains.bury()).await
        }
    }

    /// Ends the zygote and every parked worker, and waits for it.
    pub async fn close(&self) {
        self.readiness.send_replace(Readiness::Closed);
        self.calls.close();
        self.stock.close();
        let zygote = self.zygote().take();
        if let Some(zygote) = zygote {
            zygote.end().await;
        }
        self.discard_parked().await;
    }

    fn zygote(&self) -> MutexGuard<'_, Option<Arc<Zygote>>> {
        self.zygote.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> Unavailable {
    Unavailable::NotReady("the host is going down".to_owned())
}

fn compile(
    host: &Host,
    function: &Function,
    scratches: &ScratchRoot,
    private_tmp: bool,
) -> Result<Option<Policy>, PoolError> {
    match function.isolation {
        Isolation::None if host.allow_unisolated => Ok(None),
        Isolation::None => Err(PoolError::Unisolated),
        Isolation::Call => {
            let site = Site {
                private_tmp,
                ..function.site(scratches.path().to_owned(), &host.secrets)
            };
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
