//! The functions that this host serves, by name: each has a pool, or a reason why it has none.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use crate::function::Found;
use crate::host::Host;
use crate::pool::{Pool, Readiness};

/// One function of this host.
#[derive(Debug)]
pub struct Service {
    /// Its name, or its folder's where the name could not be read.
    pub name: String,
    /// Its folder.
    pub directory: PathBuf,
    /// What serves it.
    pub state: ServiceState,
}

/// What serves a function.
#[derive(Debug)]
pub enum ServiceState {
    /// A pool, which may not be ready.
    Pool(Arc<Pool>),
    /// Nothing: it was refused for this reason.
    Refused(String),
}

/// All functions of this host.
#[derive(Debug, Default)]
pub struct Services(BTreeMap<String, Service>);

impl Services {
    /// Starts a pool for each function that was found. Must be called on a runtime.
    #[must_use]
    pub fn start(host: &Arc<Host>, found: Vec<Found>) -> Self {
        let mut services = BTreeMap::new();
        for Found {
            name,
            directory,
            result,
        } in found
        {
            let state = result
                .map_err(|error| error.to_string())
                .and_then(|function| {
                    Pool::start(host, Arc::new(function)).map_err(|error| error.to_string())
                })
                .map_or_else(ServiceState::Refused, ServiceState::Pool);
            if let ServiceState::Refused(why) = &state {
                tracing::error!(function = name, why, "refused");
                host.metrics.function(&name);
            }
            let service = Service {
                name: name.clone(),
                directory,
                state,
            };
            // What could not be read has only its folder's name, and gives way to a function's own.
            match services.entry(name) {
                Entry::Vacant(entry) => drop(entry.insert(service)),
                Entry::Occupied(mut entry) => {
                    if matches!(entry.get().state, ServiceState::Refused(_)) {
                        entry.insert(service);
                    }
                }
            }
        }
        Self(services)
    }

    /// The function of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Service> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.0.values()
    }

    /// Waits until no function is starting any more.
    pub async fn settled(&self) {
        for service in self.iter() {
            if let ServiceState::Pool(pool) = &service.state {
                // The sender lives in the pool.
                let mut readiness = pool.readiness();
                let _settled = readiness
                    .wait_for(|state| *state != Readiness::Starting)
                    .await;
            }
        }
    }

    /// Ends every pool.
    pub async fn close(&self) {
        for service in self.iter() {
            if let ServiceState::Pool(pool) = &service.state {
                pool.close().await;
            }
        }
    }
}

impl Service {
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
}
