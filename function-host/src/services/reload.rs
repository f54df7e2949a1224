//! Reloading: what was found now, against what serves.
//!
//! - What is unchanged is left alone, with its zygote and its parked workers.
//! - What is new or has changed becomes a [`Candidate`], started beside the old version. The table
//!   switches to it once it is ready.
//! - What is wrong leaves the old version serving, which then says so ([`Service::stale`]).
//! - What is gone is retired.

use std::sync::Arc;

use super::candidate::Candidate;
use super::{Definition, Desk, Service, ServiceState, Services, Table, table};
use crate::function::Found;
use crate::host::Host;
use crate::pool::Readiness;
use crate::telemetry::Reload;

impl Services {
    /// Compares what was found with what serves, and begins to make it so. Must be called on a
    /// runtime, and not twice at the same time.
    ///
    /// `forced` tries again what has failed, and takes a folder for changed that is too large to be
    /// looked at as a whole.
    pub fn reload(self: &Arc<Self>, host: &Arc<Host>, found: Vec<Found>, forced: bool) {
        let mut desk = self.desk();
        if desk.closed || self.draining() {
            return;
        }
        let table = self.table();
        let mut gone = Vec::new();
        for service in table.values() {
            if let Some(error) = table::unseen(service, &found) {
                self.refuse(&mut desk, &service.name, service, &error.to_string());
            } else {
                gone.push(service.name.clone());
            }
        }
        let table::Named { found, left_out } = table::by_name(found, &table);
        desk.leave_out(left_out);
        gone.retain(|name| !found.contains_key(name));
        drop(table);
        for name in gone {
            self.remove(&mut desk, &name);
        }
        desk.candidates.retain(|name, _| {
            let kept = found.contains_key(name);
            if !kept && self.get(name).is_none() {
                self.metrics.remove_function(name);
            }
            kept
        });
        for found in found.into_values() {
            self.consider(&mut desk, host, found, forced);
        }
    }

    fn remove(&self, desk: &mut Desk, name: &str) {
        if let Some(service) = self.switch(name, None) {
            self.metrics.remove_function(name);
            tracing::info!(function = name, "removed");
            self.retire(desk, &service);
        }
    }

    fn consider(self: &Arc<Self>, desk: &mut Desk, host: &Arc<Host>, found: Found, forced: bool) {
        let name = found.name;
        let current = self.get(&name);
        let function = match found.result {
            Ok(function) => Arc::new(function),
            Err(error) => {
                desk.candidates.remove(&name);
                let folder = Service::new(
                    name.clone(),
                    found.directory,
                    ServiceState::Refused(error.to_string()),
                );
                self.refuse(desk, &name, &folder, &error.to_string());
                return;
            }
        };
        let definition = Definition {
            function,
            survey: found.survey,
        };
        let again = |failed: bool| forced && (failed || !definition.survey.complete);
        if let Some(current) = &current
            && current.definition.as_ref() == Some(&definition)
            && !again(matches!(current.state, ServiceState::Refused(_)))
        {
            // The same again, or a change that was taken back.
            desk.candidates.remove(&name);
            if current.set_stale(None).is_some() {
                tracing::info!(
                    function = name,
                    "the version that serves is the newest again"
                );
            }
            return;
        }
        if let Some(candidate) = desk.candidates.get(&name)
            && candidate.definition == definition
            && !again(candidate.failing)
        {
            return;
        }
        tracing::info!(function = name, "a new version is being loaded");
        desk.last += 1;
        let candidate = Candidate::start(
            Arc::clone(self),
            Arc::clone(host),
            &mut desk.tasks,
            desk.last,
            found.directory,
            definition,
        );
        // What was tried before under this name is dropped, and by that given up.
        desk.candidates.insert(name, candidate);
    }

    /// A new version, found in the folder of `folder`, is wrong.
    pub(super) fn refuse(&self, desk: &mut Desk, name: &str, folder: &Service, why: &str) {
        let current = self.get(name);
        let mut late = true;
        if let Some(current) = &current {
            let before = match &current.state {
                ServiceState::Pool(pool)
                    if !matches!(*pool.readiness().borrow(), Readiness::Failed(_)) =>
                {
                    if current.set_stale(Some(why.to_owned())).as_deref() != Some(why) {
                        self.metrics.reloaded(name, Reload::Failed);
                        tracing::error!(
                            function = name,
                            why,
                            "a new version is refused; the old one serves on"
                        );
                    }
                    return;
                }
                // Neither serves: what is said of it should be true of what lies there now.
                ServiceState::Pool(_) => None,
                ServiceState::Refused(before) => Some(before),
            };
            if before.is_some_and(|before| before == why) {
                return;
            }
            late = current.late;
        }
        self.metrics.reloaded(name, Reload::Failed);
        let state = ServiceState::Refused(why.to_owned());
        let refused = Service {
            late,
            definition: folder.definition.clone(),
            ..Service::new(name.to_owned(), folder.directory.clone(), state)
        };
        let old = self.switch(name, Some(refused));
        // What the log tells of can be seen by then.
        tracing::error!(function = name, why, "refused");
        if let Some(old) = old {
            self.retire(desk, &old);
        }
    }

    /// Replaces one entry of the table, and with it the table. The desk must be held.
    pub(super) fn switch(&self, name: &str, service: Option<Service>) -> Option<Arc<Service>> {
        let mut table = Table::clone(&self.table());
        let old = match service {
            Some(service) => table.insert(name.to_owned(), Arc::new(service)),
            None => table.remove(name),
        };
        self.replace(table);
        old
    }
}
