//! What a host has of everything that can be left behind.

use std::fs;
use std::path::Path;

use super::functions::{FUNCTIONS, POOL};
use super::support::process::{descriptors, eventually, settles};
use super::support::{Host, descendants, metrics};

/// Waits until the host has exactly what it has at rest: each function's zygote and the pool's fixed
/// number of parked workers, as many scratches, no call that runs or waits. Returns what else it has.
pub(super) fn at_rest(host: &Host, zygote: impl Fn(&'static str) -> u32) -> Open {
    let trees = FUNCTIONS
        .iter()
        .map(|(function, deep)| (zygote(function), POOL, *deep));
    settles(host.pid(), &trees.collect::<Vec<_>>());
    // A directory for each function, and in it the zygote's and those of workers.
    let entries = FUNCTIONS.len() * (1 + 1 + POOL);
    eventually(&format!("{entries} scratches and no more"), || {
        below(&host.state.join("scratch")) == entries
    });
    eventually("counters of a host at rest", || {
        let series = metrics::scrape(host);
        FUNCTIONS.iter().all(|(function, _)| {
            let is = |name, value| series[&metrics::of(name, function)] == value;
            is("queued", 0.0)
                && is("in_flight", 0.0)
                && is("parked", POOL as f64)
                && is("function_ready", 1.0)
        })
    });
    Open::of(host)
}

/// What a host and its processes have, of which nobody can say how much it should be.
#[derive(Debug)]
pub(super) struct Open {
    descriptors: u64,
    /// Entries of the state directory.
    entries: usize,
}

impl Open {
    fn of(host: &Host) -> Self {
        let all = descendants(host.pid()).into_iter().chain([host.pid()]);
        Self {
            descriptors: all.map(descriptors).sum(),
            entries: below(&host.state),
        }
    }

    /// Waits until the host has no more than that.
    pub(super) fn is_all_that(&self, host: &Host) {
        eventually(&format!("{self:?} and no more"), || {
            let now = Self::of(host);
            now.descriptors <= self.descriptors && now.entries <= self.entries
        });
    }
}

/// Everything below a directory, counted; what vanishes meanwhile is not there.
fn below(directory: &Path) -> usize {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| {
            let inside = entry.file_type().is_ok_and(|kind| kind.is_dir());
            1 + if inside { below(&entry.path()) } else { 0 }
        })
        .sum()
}
