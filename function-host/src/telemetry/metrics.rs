//! What is counted, and by whom.
//!
//! Each function's numbers are in one [`FunctionMetrics`], which its pool holds: to count is one
//! atomic addition, without a look-up or a lock. [`Metrics`] knows all of them, and is asked for when
//! somebody scrapes. Label values are names of functions that this host has found and the variants of
//! the enums here, never anything from a request, so that clients cannot make series.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use super::exposition::Exposition;
use super::histogram::Histogram;

/// All metrics of a host. Clones are the same metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    table: Arc<Table>,
    pub(super) exposition: Arc<Exposition>,
}

/// The functions, and what belongs to none.
#[derive(Debug, Default)]
pub(super) struct Table {
    functions: RwLock<BTreeMap<String, Arc<FunctionMetrics>>>,
    /// Requests that reached no function.
    pub(super) unrouted: AtomicU64,
    /// Requests that were refused because the host is ending.
    pub(super) too_late: AtomicU64,
}

/// The numbers of one function.
#[derive(Debug, Default)]
pub struct FunctionMetrics {
    pub(super) name: String,
    calls: [AtomicU64; Ending::ALL.len()],
    pub(super) duration: Histogram,
    pub(super) queue: Histogram,
    pub(super) burial: Histogram,
    queued: AtomicI64,
    in_flight: AtomicI64,
    pub(super) refills: AtomicU64,
    pub(super) refill_failures: AtomicU64,
    pub(super) zygote_restarts: AtomicU64,
    reloads: [AtomicU64; Reload::ALL.len()],
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    /// The pools that serve it: two while one takes over from the other.
    live: Mutex<Vec<Weak<dyn Live>>>,
}

/// What is read when somebody scrapes.
pub trait Live: std::fmt::Debug + Send + Sync {
    /// Workers that wait for a call.
    fn parked(&self) -> usize;
    /// Whether the function can be called.
    fn ready(&self) -> bool;
    /// The channels that are open to its calls, by name.
    fn open_channels(&self) -> Vec<&'static str>;
}

/// How a call ended, as a label. Names are those of outcomes, and of what has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The function answered.
    Replied,
    /// It failed without being killed.
    Failed,
    /// Its time was up.
    TimedOut,
    /// The filter killed it.
    Denied,
    /// A signal killed it, or it ended without an answer.
    Crashed,
    /// It went over a limit.
    OverLimit,
    /// There was no room for it.
    Overloaded,
    /// Its client went away.
    Abandoned,
    /// The function could not be called.
    NotReady,
}

/// What came of an attempt to load a function anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The new version serves.
    Succeeded,
    /// It was refused, and the old one stays.
    Failed,
}

impl Ending {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::Replied,
        Self::Failed,
        Self::TimedOut,
        Self::Denied,
        Self::Crashed,
        Self::OverLimit,
        Self::Overloaded,
        Self::Abandoned,
        Self::NotReady,
    ];

    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Replied => "Replied",
            Self::Failed => "Failed",
            Self::TimedOut => "TimedOut",
            Self::Denied => "Denied",
            Self::Crashed => "Crashed",
            Self::OverLimit => "OverLimit",
            Self::Overloaded => "Overloaded",
            Self::Abandoned => "Abandoned",
            Self::NotReady => "NotReady",
        }
    }
}

impl Reload {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 2] = [Self::Succeeded, Self::Failed];

    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl Metrics {
    /// Nothing counted yet. `landlock_abi` is the kernel's, to be shown.
    #[must_use]
    pub fn new(landlock_abi: u32) -> Self {
        let table = Arc::<Table>::default();
        Self {
            exposition: Arc::new(Exposition::of(&table, landlock_abi)),
            table,
        }
    }

    /// The metrics of this function, which has them from now on. `name` must be the host's own word
    /// for a function that it has found, never a request's.
    pub fn function(&self, name: &str) -> Arc<FunctionMetrics> {
        let mut functions = self
            .table
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(FunctionMetrics {
                name: name.to_owned(),
                ..FunctionMetrics::default()
            })
        };
        Arc::clone(functions.entry(name.to_owned()).or_insert_with(new))
    }

    /// Ends the series of a function that is gone. What still counts into them is not seen.
    pub fn remove_function(&self, name: &str) {
        self.table
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    /// Counts an attempt to load this function anew.
    pub fn reloaded(&self, name: &str, result: Reload) {
        add(&self.function(name).reloads[result as usize], 1);
    }

    /// Counts a request that reached no pool: for a function that was refused, or for none.
    pub fn unserved(&self, function: Option<&str>) {
        match function.and_then(|name| self.table.get(name)) {
            Some(function) => function.ended(Ending::NotReady),
            None => add(&self.table.unrouted, 1),
        }
    }

    /// Counts a request that was refused because the host is ending. It was not routed.
    pub fn too_late(&self) {
        add(&self.table.too_late, 1);
    }
}

impl Table {
    fn get(&self, name: &str) -> Option<Arc<FunctionMetrics>> {
        let functions = self.functions.read();
        let functions = functions.unwrap_or_else(PoisonError::into_inner);
        functions.get(name).map(Arc::clone)
    }

    /// All functions, by name.
    pub(super) fn functions(&self) -> Vec<Arc<FunctionMetrics>> {
        let functions = self.functions.read();
        let functions = functions.unwrap_or_else(PoisonError::into_inner);
        functions.values().map(Arc::clone).collect()
    }
}

impl FunctionMetrics {
    /// Has this pool asked at each scrape, as long as it lives.
    pub fn watch(&self, pool: Weak<dyn Live>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|pool| pool.strong_count() > 0);
        live.push(pool);
    }

    /// A worker was parked, or was to be and was not.
    pub fn refilled(&self, parked: bool) {
        let counter = if parked {
            &self.refills
        } else {
            &self.refill_failures
        };
        add(counter, 1);
    }

    /// The zygote has died and another is started.
    pub fn zygote_restarted(&self) {
        add(&self.zygote_restarts, 1);
    }

    /// Counts and times a burial, which is `burying`.
    pub async fn burial<T>(&self, burying: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let buried = burying.await;
        self.burial.observe(begun.elapsed());
        buried
    }

    pub(super) fn queued(&self, change: i64) {
        self.queued.fetch_add(change, Ordering::Relaxed);
    }

    pub(super) fn in_flight(&self, change: i64) {
        self.in_flight.fetch_add(change, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, ending: Ending) {
        add(&self.calls[ending as usize], 1);
    }

    /// A call that had a worker has ended: its waiting, all of its time, and its bytes.
    pub(super) fn ran(&self, queued: Duration, total: Duration, received: u64, sent: u64) {
        self.queue.observe(queued);
        self.duration.observe(total);
        add(&self.received, received);
        add(&self.sent, sent);
    }

    pub(super) fn calls(&self, ending: Ending) -> u64 {
        self.calls[ending as usize].load(Ordering::Relaxed)
    }

    pub(super) fn reloads(&self, result: Reload) -> u64 {
        self.reloads[result as usize].load(Ordering::Relaxed)
    }

    /// Calls that wait for a worker.
    pub(super) fn waiting(&self) -> i64 {
        self.queued.load(Ordering::Relaxed)
    }

    /// Calls that have a worker and no complete reply.
    pub(super) fn running(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The channels that are open to its calls, by name.
    pub(super) fn open_channels(&self) -> BTreeSet<&'static str> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = live.iter().filter_map(Weak::upgrade);
        pools.flat_map(|pool| pool.open_channels()).collect()
    }

    /// Workers parked, and whether any pool can be called.
    pub(super) fn live(&self) -> (i64, bool) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = live.iter().filter_map(Weak::upgrade);
        pools.fold((0, false), |(parked, ready), pool| {
            let more = i64::try_from(pool.parked()).unwrap_or(i64::MAX);
            (parked.saturating_add(more), ready || pool.ready())
        })
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}
