//! Limits of a whole call, which the kernel bounds for single processes only: RLIMIT_NPROC counts the
//! user on the whole node, RLIMIT_DATA misses shared memory, RLIMIT_CPU and RLIMIT_FSIZE begin anew
//! with each process and file.
//!
//! The host looks while the call runs; whoever is over is killed, and the outcome names the limit.

use std::path::PathBuf;
use std::time::Duration;

use leasehold_sandbox::profile::Limits;
use leasehold_sandbox::scratch;
use leasehold_sandbox::sys::usage;

use super::Limit;

/// The time between two looks. A call that is shorter costs nothing.
const INTERVAL: Duration = Duration::from_millis(50);
/// Every so many looks the scratch is counted too.
const SCRATCH_EVERY: u32 = 4;

/// What there is to watch of a call.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// The worker, or its undertaker, whose descendants are the call.
    pub(super) root: u32,
    /// Whether `root` is part of the call.
    pub(super) root_counts: bool,
    /// The scratch, if it is the call's own.
    pub(super) scratch: Option<PathBuf>,
}

impl Watch {
    /// Resolves when the call has gone over a limit.
    pub(super) async fn until_over(self, limits: &Limits) -> Limit {
        let mut interval = tokio::time::interval(INTERVAL);
        // The first tick comes at once.
        interval.tick().await;
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for look in 1u32.. {
            interval.tick().await;
            let (watch, limits) = (self.clone(), limits.clone());
            let with_scratch = look.is_multiple_of(SCRATCH_EVERY);
            let over = tokio::task::spawn_blocking(move || watch.look(&limits, with_scratch));
            if let Ok(Some(limit)) = over.await {
                return limit;
            }
        }
        std::future::pending().await
    }

    fn look(&self, limits: &Limits, with_scratch: bool) -> Option<Limit> {
        let most = u64::from(limits.processes);
        let used = usage::of_tree(self.root, self.root_counts, most);
        let over = [
            (used.processes > most, Limit::Processes),
            (used.threads > u64::from(limits.threads), Limit::Threads),
            (used.memory > limits.memory.0, Limit::Memory),
            (used.cpu_millis > limits.cpu.0, Limit::Cpu),
        ];
        let over = over
            .into_iter()
            .find_map(|(is_over, limit)| is_over.then_some(limit));
        if over.is_some() || !with_scratch {
            return over;
        }
        let files = u64::from(limits.scratch_files);
        let held = scratch::usage(self.scratch.as_deref()?, files).ok()?;
        if held.entries > files {
            Some(Limit::ScratchFiles)
        } else {
            (held.bytes > limits.scratch.0).then_some(Limit::Scratch)
        }
    }
}
