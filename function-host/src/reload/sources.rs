//! Where functions and profiles are, and how they are read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use leasehold_sandbox::profile::Catalog;

use crate::function::{self, Found, Interpreters};
use crate::host::Host;
use crate::processes::Processes;

/// Where functions and profiles are.
#[derive(Debug)]
pub struct Sources {
    pub(super) functions: Vec<PathBuf>,
    pub(super) profiles: Vec<PathBuf>,
    pub(super) secrets: PathBuf,
    catalog: Catalog,
    processes: Arc<Processes>,
    state: PathBuf,
    /// What is known of interpreters. Held while functions are read: never twice at the same time.
    interpreters: Mutex<Interpreters>,
}

impl Sources {
    /// Directories of functions and of profiles, searched in order.
    #[must_use]
    pub fn new(host: &Host, functions: Vec<PathBuf>, profiles: Vec<PathBuf>) -> Self {
        let processes = Arc::clone(&host.processes);
        let state = host.state.path().to_owned();
        Self {
            functions,
            catalog: Catalog::new(profiles.iter().cloned()),
            profiles,
            secrets: host.secrets.clone(),
            interpreters: Mutex::new(interpreters(&processes, &state)),
            processes,
            state,
        }
    }

    /// Reads all functions. Blocks: files are read, and interpreters that were not asked before are
    /// asked; `afresh` asks all of them again.
    #[must_use]
    pub fn discover(&self, afresh: bool) -> Vec<Found> {
        let known = self.interpreters.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if afresh {
            *known = interpreters(&self.processes, &self.state);
        }
        function::discover(&self.functions, &self.catalog, &known, &self.secrets)
    }
}

fn interpreters(processes: &Arc<Processes>, state: &std::path::Path) -> Interpreters {
    let processes = Arc::clone(processes);
    let interpreters = Interpreters::new(Box::new(move |command| processes.output(command)));
    // Functions can write there: nothing in it is an interpreter.
    interpreters.distrust(state);
    interpreters
}
