//! Keeps a pool alive: a zygote, and as many workers as there are slots.

use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use tokio::sync::mpsc;

use super::line::ParkError;
use super::zygote::Zygote;
use super::{ParkedWorker, Pool, Readiness};
use crate::function::Start;
use crate::shares::Slot;

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a function that has seen no shortage gives a parked worker back, and looks for dead ones.
const RELAX: Duration = Duration::from_secs(5);
/// Workers that fail to park, one after the other, before the function counts as not ready.
const PATIENCE: u32 = 3;

/// Starts the supervising task, which ends with the pool.
pub(super) fn start(pool: &Arc<Pool>) {
    let pool = Arc::downgrade(pool);
    tokio::spawn(async move {
        let mut pause = Pause::default();
        while let Some(pool) = open(&pool) {
            match bring_up(&pool).await {
                Some(zygote) => {
                    fill(pool, &zygote, &mut pause).await;
                }
                None => {
                    drop(pool);
                    pause.take().await;
                }
            }
        }
    });
}

fn open(pool: &Weak<Pool>) -> Option<Arc<Pool>> {
    pool.upgrade()
        .filter(|pool| *pool.readiness.borrow() != Readiness::Closed)
}

async fn bring_up(pool: &Pool) -> Option<Arc<Zygote>> {
    let line = &pool.line;
    let name = &line.function.name;
    let started = tokio::select! {
        biased;
        () = pool.closed() => return None,
        started = Zygote::start(&line.host, &line.recipe, line.policy.as_ref(), name) => started,
    };
    match started {
        Ok(zygote) => {
            *pool.zygote() = Some(Arc::clone(&zygote));
            if *pool.readiness.borrow() == Readiness::Closed {
                zygote.end().await;
                return None;
            }
            if line.function.start == Start::Fork {
                ready(pool, &zygote);
            }
            Some(zygote)
        }
        Err(error) => {
            tracing::error!(function = name, %error, "cannot be started; it is tried again");
            set(pool, Readiness::Failed(error.to_string()));
            None
        }
    }
}

/// Keeps the stock of parked workers until the zygote dies or the pool is closed.
async fn fill(pool: Arc<Pool>, zygote: &Arc<Zygote>, pause: &mut Pause) {
    let (report, mut reports) = mpsc::unbounded_channel::<Result<(), ParkError>>();
    let mut failures_in_a_row = 0;
    let mut relax = tokio::time::interval(RELAX);
    let mut pressure = pool.line.host.workers.pressure();
    loop {
        // Made anew after each worker only: it has a place in the host's queue.
        let next = next_slot(&pool);
        tokio::pin!(next);
        let slot = loop {
            tokio::select! {
                biased;
                () = zygote.died() => break None,
                Some(parked) = reports.recv() => {
                    let Err(error) = parked else {
                        failures_in_a_row = 0;
                        pause.reset();
                        if *pool.readiness.borrow() != Readiness::Ready {
                            ready(&pool, zygote);
                        }
                        continue;
                    };
                    if error.is_of_the_function() {
                        set(&pool, Readiness::Failed(error.to_string()));
                    }
                    // What a dying zygote could not do says nothing about the function, and of its
                    // death one may hear a little later.
                    tokio::select! {
                        () = zygote.died() => break None,
                        () = pause.take() => {}
                    }
                    failures_in_a_row += 1;
                    if failures_in_a_row >= PATIENCE && !error.is_of_the_function() {
                        let why = "its workers cannot be restricted or parked; see the log";
                        set(&pool, Readiness::Failed(why.to_owned()));
                    }
                }
                _tick = relax.tick() => {
                    bury_dead(&pool);
                    discard(pool.stock.relax());
                }
                Ok(()) = pressure.changed() => {
                    let poorest = *pressure.borrow_and_update();
                    if pool.yields_to(poorest) {
                        discard(pool.stock.withdraw());
                    }
                }
                slot = &mut next => break Some(slot),
            }
            if *pool.readiness.borrow() == Readiness::Closed {
                return;
            }
        };
        let Some(slot) = slot else { break };
        tokio::spawn(park(
            Arc::clone(&pool),
            Arc::clone(zygote),
            slot,
            report.clone(),
        ));
    }
    if *pool.readiness.borrow() == Readiness::Closed {
        return;
    }
    tracing::warn!(
        function = pool.line.function.name,
        "its zygote has died; starting another"
    );
    pool.metrics.zygote_restarted();
    set(&pool, Readiness::Starting);
    pool.zygote().take();
    // Those that live on have undertakers; the next zygote's take their places.
    for parked in pool.stock.sweep(true) {
        discard(Some(parked));
    }
    pause.take().await;
}

/// Buries the parked workers that something has killed; others take their places.
fn bury_dead(pool: &Pool) {
    for dead in pool.stock.sweep(false) {
        discard(Some(dead));
    }
}

/// Waits until a worker is wanted and the host has room for one. Each function waits for one worker at
/// a time.
async fn next_slot(pool: &Pool) -> Slot {
    let coming = pool.stock.wanted().await;
    let slot = pool.share.slot().await;
    coming.leave();
    slot
}

fn discard(worker: Option<ParkedWorker>) {
    if let Some(worker) = worker {
        tokio::spawn(worker.discard());
    }
}

async fn park(
    pool: Arc<Pool>,
    zygote: Arc<Zygote>,
    slot: Slot,
    report: mpsc::UnboundedSender<Result<(), ParkError>>,
) {
    let parked = match pool.line.park(&zygote, slot).await {
        Ok(worker) if *pool.readiness.borrow() == Readiness::Closed => {
            pool.stock.arrived(None);
            worker.discard().await;
            return;
        }
        Ok(worker) => {
            pool.stock.arrived(Some(worker));
            if *pool.readiness.borrow() == Readiness::Closed {
                pool.discard_parked().await;
            }
            Ok(())
        }
        Err(error) => {
            pool.stock.arrived(None);
            // What a dying zygote could not do says nothing about the function.
            if zygote.is_dead() || *pool.readiness.borrow() == Readiness::Closed {
                return;
            }
            tracing::error!(function = pool.line.function.name, %error, "a worker was not parked");
            Err(error)
        }
    };
    pool.metrics.refilled(parked.is_ok());
    // Nobody listens once the zygote is dead.
    let _unheard = report.send(parked);
}

/// It can be called: its zygote has loaded it, or under `start: spawn` a worker has.
fn ready(pool: &Pool, zygote: &Zygote) {
    set(pool, Readiness::Ready);
    let name = &pool.line.function.name;
    tracing::info!(function = name, zygote = zygote.pid(), "ready");
}

/// Sets the readiness, unless the pool is closed.
fn set(pool: &Pool, readiness: Readiness) {
    pool.readiness.send_if_modified(|current| {
        let change = *current != Readiness::Closed && *current != readiness;
        if change {
            *current = readiness;
        }
        change
    });
}

#[derive(Debug, Default)]
struct Pause {
    failures: u32,
}

impl Pause {
    fn reset(&mut self) {
        self.failures = 0;
    }

    async fn take(&mut self) {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(pause).await;
    }
}
