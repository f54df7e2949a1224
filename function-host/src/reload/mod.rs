//! Notices that functions or profiles have changed, and has the services follow.
//!
//! One task waits for a change ([`Watch`]), for SIGHUP, or for the services to ask; looks at everything
//! anew, off the event loop; and hands what it found to [`Services::reload`]. Whatever comes meanwhile
//! is one more round, not one round each. Imports functions and services, nothing of HTTP.

mod sources;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::Instant;

use crate::host::Host;
use crate::services::Services;

pub use sources::Sources;
pub use watch::Watch;

/// After a look that took a while, this many times as long passes before the next; SIGHUP does not
/// wait. Whoever may change files could otherwise keep the host busy with nothing else.
const REST: u32 = 9;
/// The longest such rest.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// What the reloading task works on.
#[derive(Debug)]
pub struct Reloader {
    /// What new versions are started on.
    pub host: Arc<Host>,
    /// What follows.
    pub services: Arc<Services>,
    /// Where functions and profiles are.
    pub sources: Arc<Sources>,
    /// Notices changes; without it only SIGHUP does.
    pub watch: Option<Watch>,
    /// SIGHUP.
    pub hangup: Signal,
}

enum Cause {
    /// Something has changed, or may have.
    Change,
    /// The operator asks.
    Asked,
}

impl Reloader {
    /// Follows every change, until it is dropped.
    pub async fn run(mut self) {
        let mut directories = Vec::new();
        for service in self.services.iter() {
            directories.extend(service.watched());
        }
        self.follow(directories);
        let mut rested = Instant::now();
        loop {
            let forced = matches!(self.cause(rested).await, Cause::Asked);
            let begun = Instant::now();
            self.look(forced).await;
            rested = Instant::now() + (begun.elapsed() * REST).min(LONGEST_REST);
        }
    }

    async fn cause(&mut self, rested: Instant) -> Cause {
        let changed = async {
            tokio::time::sleep_until(rested).await;
            match &mut self.watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(()) = self.hangup.recv() => Cause::Asked,
            () = self.services.rescan_wanted() => Cause::Change,
            () = changed => Cause::Change,
        }
    }

    async fn look(&mut self, forced: bool) {
        let sources = Arc::clone(&self.sources);
        let found = match tokio::task::spawn_blocking(move || sources.discover(forced)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "cannot read the functions");
                return;
            }
        };
        let directories = found.iter().flat_map(|found| &found.survey.directories);
        let directories = directories.cloned().collect();
        let functions = found.len();
        self.services.reload(&self.host, found, forced);
        if forced {
            tracing::info!(functions, "looked at all functions, as SIGHUP asks");
        } else {
            tracing::debug!(functions, "looked at all functions");
        }
        self.follow(directories);
    }

    fn follow(&mut self, folders: Vec<std::path::PathBuf>) {
        if let Some(watch) = &mut self.watch {
            watch.follow(&self.sources, folders);
        }
    }
}
