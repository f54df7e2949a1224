//! A new version of a function, started beside the old one and switched to when it is ready.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use super::retire::end;
use super::{Definition, Service, ServiceState, Services};
use crate::function::Survey;
use crate::host::Host;
use crate::pool::{Pool, Readiness};
use crate::telemetry::Reload;

/// A new version that is being started. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Candidate {
    number: u64,
    pub(super) definition: Definition,
    /// Whether it has failed; if it is a pool that has, that tries again by itself.
    pub(super) failing: bool,
    _wanted: oneshot::Sender<Infallible>,
}

/// Bounds how many new versions start at once, lest a changed profile starts hundreds.
#[derive(Debug)]
pub(super) struct Starts(Semaphore);

impl Default for Starts {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Semaphore::new((2 * processors).max(4)))
    }
}

/// What the task of a candidate works on.
struct Trial {
    services: Arc<Services>,
    host: Arc<Host>,
    number: u64,
    directory: PathBuf,
    definition: Definition,
}

impl Candidate {
    pub(super) fn start(
        services: Arc<Services>,
        host: Arc<Host>,
        tasks: &mut JoinSet<()>,
        number: u64,
        directory: PathBuf,
        definition: Definition,
    ) -> Self {
        let (wanted, given_up) = oneshot::channel();
        let trial = Trial {
            services,
            host,
            number,
            directory,
            definition: definition.clone(),
        };
        while tasks.try_join_next().is_some() {}
        tasks.spawn(trial.run(given_up));
        Self {
            number,
            definition,
            failing: false,
            _wanted: wanted,
        }
    }
}

impl Trial {
    async fn run(self, mut given_up: oneshot::Receiver<Infallible>) {
        let services = Arc::clone(&self.services);
        let permit = tokio::select! {
            biased;
            _ = &mut given_up => return,
            permit = services.starts.0.acquire() => permit,
        };
        let pool = match self.make().await {
            Ok(pool) => pool,
            Err(why) => return self.reject(&why),
        };
        let won = {
            let ready = async {
                // Others start while this one, once it has failed, tries again.
                let first = self.ready(&pool).await;
                drop(permit);
                first || self.ready_at_last(&pool).await
            };
            tokio::select! {
                biased;
                _ = given_up => false,
                won = ready => won,
            }
        };
        if !won || !self.take_over(&pool, self.whole().await) {
            end(&pool).await;
        }
    }

    /// Compiles the policy and begins to start the zygote.
    async fn make(&self) -> Result<Arc<Pool>, String> {
        let host = Arc::clone(&self.host);
        let function = Arc::clone(&self.definition.function);
        match tokio::task::spawn_blocking(move || Pool::start(&host, function)).await {
            Ok(pool) => pool.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits for the first worker to be parked, or says why there is none.
    async fn ready(&self, pool: &Pool) -> bool {
        match pool.warm().await {
            Ok(()) => true,
            Err(why) => {
                self.reject(&why);
                false
            }
        }
    }

    /// The pool tries again by itself; what was lacking may be outside of the folder.
    async fn ready_at_last(&self, pool: &Pool) -> bool {
        let mut readiness = pool.readiness();
        while readiness.changed().await.is_ok() {
            if *readiness.borrow_and_update() == Readiness::Closed {
                return false;
            }
            if self.ready(pool).await {
                return true;
            }
        }
        false
    }

    fn reject(&self, why: &str) {
        let mut desk = self.services.desk();
        let name = &self.definition.function.name;
        match desk.candidates.get_mut(name) {
            Some(candidate) if candidate.number == self.number => candidate.failing = true,
            _ => return,
        }
        let state = ServiceState::Refused(why.to_owned());
        let folder = Service::new(name.clone(), self.directory.clone(), state);
        self.services.refuse(&mut desk, name, &folder, why);
    }

    /// Whether the folder is as it was before: what changed while it was loaded may be in it by half.
    async fn whole(&self) -> bool {
        let directory = self.directory.clone();
        let Definition { function, survey } = self.definition.clone();
        let host = Arc::clone(&self.host);
        let same = move || Survey::of(&directory, Some(&function), &host.secrets) == survey;
        tokio::task::spawn_blocking(same).await.unwrap_or(false)
    }

    /// Makes the table switch to the new version, unless it is given up or was never whole.
    fn take_over(&self, pool: &Arc<Pool>, whole: bool) -> bool {
        let function = &self.definition.function;
        let services = &self.services;
        let mut desk = services.desk();
        let name = &function.name;
        let wanted = desk.candidates.get(name).map(|it| it.number) == Some(self.number);
        if desk.closed || !wanted {
            return false;
        }
        desk.candidates.remove(name);
        if !whole {
            tracing::info!(
                function = name,
                "it has changed while it was loaded; once more"
            );
            services.rescan.notify_one();
            return false;
        }
        let state = ServiceState::Pool(Arc::clone(pool));
        let service = Service {
            definition: Some(self.definition.clone()),
            ..Service::new(name.clone(), self.directory.clone(), state)
        };
        services.metrics.reloaded(name, Reload::Succeeded);
        let old = services.switch(name, Some(service));
        tracing::info!(
            function = name,
            new = old.is_none(),
            "a new version serves from now on"
        );
        if let Some(old) = old {
            services.retire(&mut desk, &old);
        }
        true
    }
}
