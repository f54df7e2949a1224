//! A histogram of durations that is written without a lock.
//!
//! The one that comes with prometheus-client takes a lock for each observation; here an observation
//! is two atomic additions, on the path of every call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets, in seconds; one more bucket is unbounded.
pub const BOUNDS_SECONDS: [f64; BOUNDS] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

const BOUNDS: usize = 16;

/// The same bounds, as they are compared.
const BOUNDS_NANOS: [u64; BOUNDS] = {
    let mut nanos = [0; BOUNDS];
    let mut index = 0;
    while index < BOUNDS {
        // All of them are whole microseconds.
        nanos[index] = (BOUNDS_SECONDS[index] * 1e6 + 0.5) as u64 * 1000;
        index += 1;
    }
    nanos
};

/// Durations, counted by size.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS + 1],
    /// 2^64 ns are 584 years.
    nanos: AtomicU64,
}

/// What a histogram held at one time.
#[derive(Debug, PartialEq)]
pub(super) struct Counted {
    /// Each upper bound in seconds, the last one infinite, with the number of durations up to it and
    /// above the bound before.
    pub(super) buckets: [(f64, u64); BOUNDS + 1],
    pub(super) sum_seconds: f64,
}

impl Histogram {
    pub(super) fn observe(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_NANOS.partition_point(|bound| *bound < nanos);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counted {
        let mut buckets = [(f64::INFINITY, 0); BOUNDS + 1];
        for (index, (bound, count)) in buckets.iter_mut().enumerate() {
            if let Some(seconds) = BOUNDS_SECONDS.get(index) {
                *bound = *seconds;
            }
            *count = self.buckets[index].load(Ordering::Relaxed);
        }
        Counted {
            buckets,
            sum_seconds: self.nanos.load(Ordering::Relaxed) as f64 / 1e9,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.read().count()
    }
}

impl Counted {
    /// Of its own buckets: never more or less than they add up to, whatever is observed meanwhile.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_what_is_above_to_the_next() {
        for (index, nanos) in BOUNDS_NANOS.into_iter().enumerate() {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_nanos(nanos));
            histogram.observe(Duration::from_nanos(nanos + 1));
            let counted = histogram.read();
            assert_eq!(counted.buckets[index], (BOUNDS_SECONDS[index], 1));
            assert_eq!(counted.buckets[index + 1].1, 1);
            assert_eq!(counted.count(), 2);
        }
    }

    #[test]
    fn bounds_are_exact_and_ascend() {
        for (seconds, nanos) in BOUNDS_SECONDS.into_iter().zip(BOUNDS_NANOS) {
            assert_eq!(Duration::from_secs_f64(seconds).as_nanos(), nanos.into());
        }
        assert!(BOUNDS_NANOS.is_sorted());
    }

    #[test]
    fn the_extremes_are_counted() {
        let histogram = Histogram::default();
        histogram.observe(Duration::ZERO);
        histogram.observe(Duration::from_secs(600));
        let counted = histogram.read();
        assert_eq!(counted.buckets[0].1, 1);
        assert_eq!(counted.buckets[BOUNDS], (f64::INFINITY, 1));
        assert!((counted.sum_seconds - 600.0).abs() < 1e-9);
    }
}
