//! The functions that this host serves, by name: each has a pool, or a reason why it has none.
//!
//! The table of them is replaced as a whole, never changed: a request sees one table, and holds on to
//! what it found there ([`Lease`]) until its call is buried. A reload ([`Services::reload`]) starts new
//! versions beside the old ones; see there. Knows pools and functions, nothing of HTTP.

mod candidate;
mod listing;
mod reload;
mod retire;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;

use crate::function::{Found, Function, Survey};
use crate::host::Host;
use crate::pool::{Pool, Readiness};
use crate::telemetry::Metrics;
use candidate::{Candidate, Starts};

pub use listing::Listing;
pub use retire::Lease;
pub use table::Table;

/// One version of one function of this host.
#[derive(Debug)]
pub struct Service {
    /// Its name, or its folder's where the name could not be read.
    pub name: String,
    /// Its folder, as it was found.
    pub directory: PathBuf,
    /// What serves it.
    pub state: ServiceState,
    /// Whether it was found by a reload, and has never been ready: then the host is ready without it.
    pub late: bool,
    /// What it was made from, if it could be read at all.
    definition: Option<Definition>,
    /// Why the newest version is not the one that serves.
    stale: Mutex<Option<String>>,
    /// Dropped with the last lease, once it is retired.
    unleased: OnceLock<oneshot::Sender<()>>,
}

/// What serves a function.
#[derive(Debug)]
pub enum ServiceState {
    /// A pool, which may not be ready.
    Pool(Arc<Pool>),
    /// Nothing: it was refused for this reason.
    Refused(String),
}

/// What a version of a function is made from: two versions differ if any of it does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Definition {
    function: Arc<Function>,
    survey: Survey,
}

/// All functions of this host.
#[derive(Debug)]
pub struct Services {
    /// Read once for each request, written for each switch; held no longer than to copy the pointer:
    /// some 15 ns, 150 ns when eight threads do nothing else, where a call takes a hundred microseconds.
    table: RwLock<Arc<Table>>,
    desk: Mutex<Desk>,
    /// How many new versions start at the same time.
    starts: Starts,
    closing: watch::Sender<bool>,
    draining: AtomicBool,
    rescan: Notify,
    metrics: Metrics,
}

/// What is under way beside the table. Whoever changes the table holds it.
#[derive(Debug, Default)]
struct Desk {
    /// New versions that are being started, by name.
    candidates: HashMap<String, Candidate>,
    /// The number of the last candidate.
    last: u64,
    /// Candidates and retirements.
    tasks: JoinSet<()>,
    /// Folders without a name of their own, which were told about.
    left_out: BTreeMap<PathBuf, String>,
    closed: bool,
}

impl Services {
    /// No functions yet; those to come are counted in `metrics`.
    pub(crate) fn none(metrics: Metrics) -> Self {
        Self {
            table: RwLock::default(),
            desk: Mutex::default(),
            starts: Starts::default(),
            closing: watch::Sender::default(),
            draining: AtomicBool::new(false),
            rescan: Notify::new(),
            metrics,
        }
    }

    /// Starts a pool for each function that was found. Must be called on a runtime.
    #[must_use]
    pub fn start(host: &Arc<Host>, found: Vec<Found>) -> Self {
        let services = Self::none(host.metrics.clone());
        let named = table::by_name(found, &Table::new());
        services.desk().leave_out(named.left_out);
        let found = named.found.into_iter();
        let table = found.map(|(name, found)| (name, Arc::new(Service::start(host, found))));
        services.replace(table.collect());
        services
    }

    /// The function of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Service>> {
        self.table().get(name).cloned()
    }

    /// All of them, by name, as they are now.
    pub fn iter(&self) -> impl Iterator<Item = Arc<Service>> {
        self.table()
            .values()
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The table as it is now. Not to be kept: it keeps retired pools alive.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until no function is starting any more.
    pub async fn settled(&self) {
        let states = self.iter().filter_map(|service| match &service.state {
            ServiceState::Pool(pool) => Some(pool.readiness()),
            ServiceState::Refused(_) => None,
        });
        for mut readiness in states.collect::<Vec<_>>() {
            // A sender that is gone belongs to a pool that is.
            let _settled = readiness
                .wait_for(|state| *state != Readiness::Starting)
                .await;
        }
    }

    /// From now on the host is not ready: it is about to end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the host is about to end.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Resolves when the functions should be looked at once more, though nobody has seen a change.
    pub async fn rescan_wanted(&self) {
        self.rescan.notified().await;
    }

    /// Ends every pool, those that are being retired or tried out included.
    pub async fn close(&self) {
        let mut tasks = {
            let mut desk = self.desk();
            desk.closed = true;
            desk.candidates.clear();
            for service in self.replace(Table::new()).values() {
                self.retire(&mut desk, service);
            }
            std::mem::take(&mut desk.tasks)
        };
        self.closing.send_replace(true);
        while tasks.join_next().await.is_some() {}
    }

    fn replace(&self, table: Table) -> Arc<Table> {
        let mut current = self.table.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, Arc::new(table))
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn leave_out(&mut self, folders: BTreeMap<PathBuf, String>) {
        for (folder, why) in &folders {
            if self.left_out.get(folder) != Some(why) {
                tracing::error!(folder = %folder.display(), why, "left out");
            }
        }
        self.left_out = folders;
    }
}

impl Service {
    fn new(name: String, directory: PathBuf, state: ServiceState) -> Self {
        Self {
            name,
            directory,
            state,
            late: false,
            definition: None,
            stale: Mutex::default(),
            unleased: OnceLock::new(),
        }
    }

    fn start(host: &Arc<Host>, found: Found) -> Self {
        let (definition, state) = match found.result {
            Ok(function) => {
                let function = Arc::new(function);
                let pool = Pool::start(host, Arc::clone(&function));
                let survey = found.survey;
                let definition = Definition { function, survey };
                (Some(definition), pool.map_err(|error| error.to_string()))
            }
            Err(error) => (None, Err(error.to_string())),
        };
        let state = state.map_or_else(ServiceState::Refused, ServiceState::Pool);
        if let ServiceState::Refused(why) = &state {
            tracing::error!(function = found.name, why, "refused");
            host.metrics.function(&found.name);
        }
        Self {
            definition,
            ..Self::new(found.name, found.directory, state)
        }
    }

    /// Why it cannot be called right now, if it cannot.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match &self.state {
            ServiceState::Refused(why) => Some(why.clone()),
            ServiceState::Pool(pool) => match &*pool.readiness().borrow() {
                Readiness::Ready => None,
                Readiness::Starting => Some("it is being loaded".to_owned()),
                Readiness::Failed(why) => Some(why.clone()),
                Readiness::Closed => Some("the host is going down".to_owned()),
            },
        }
    }

    /// The channels that are open to its calls because its profile accepts it, by name.
    #[must_use]
    pub fn open_channels(&self) -> Vec<&'static str> {
        match &self.state {
            ServiceState::Pool(pool) => pool.open_channels(),
            ServiceState::Refused(_) => Vec::new(),
        }
    }

    /// The directories in which a change may make another version of it.
    #[must_use]
    pub fn watched(&self) -> Vec<PathBuf> {
        let survey = self.definition.as_ref().map(|it| &it.survey);
        survey.map_or_else(Vec::new, |survey| survey.directories.clone())
    }

    /// Why a newer version than the one that serves does not, if there is one.
    #[must_use]
    pub fn stale(&self) -> Option<String> {
        self.stale_slot().clone()
    }

    /// Says so, or that there is none any more; what it said before.
    fn set_stale(&self, why: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.stale_slot(), why)
    }

    fn stale_slot(&self) -> MutexGuard<'_, Option<String>> {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
