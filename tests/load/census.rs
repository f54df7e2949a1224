//! What a host has of everything that can be left behind.

use std::fs;
use std::path::Path;

use super::functions::{FUNCTIONS, POOL};
use super::support::process::{descriptors, eventually, settles};
use super::support::{Host, descendants, metrics};

/// Waits until the host has exactly what it has at rest: each function's zygote and the pool's fixed
/// number of parked workers, as many scratches, no call that runs or waits. Returns how many descriptors
/// all of these have open.
pub(super) fn at_rest(host: &Host, zygote: impl Fn(&'static str) -> u32) -> u64 {
    let trees = FUNCTIONS
        .iter()
        .map(|(function, deep)| (zygote(function), POOL, *deep));
    settles(host.pid(), &trees.collect::<Vec<_>>());
    // The directory of scratches, and one for each function with the zygote's and those of workers.
    let entries = 1 + FUNCTIONS.len() * (1 + 1 + POOL);
    eventually(
        &format!("{entries} directories in the state and no more"),
        || below(&host.state) == entries + 1,
    );
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
    let all = descendants(host.pid()).into_iter().chain([host.pid()]);
    all.map(descriptors).sum()
}

/// Waits until no more descriptors are open than there were.
pub(super) fn no_more_descriptors(host: &Host, before: u64) {
    eventually(&format!("{before} descriptors or fewer"), || {
        let all = descendants(host.pid()).into_iter().chain([host.pid()]);
        all.map(descriptors).sum::<u64>() <= before
    });
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
