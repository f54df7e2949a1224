//! What a scrape says of each function, and what has happened between two of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::text::{Malformed, number, samples};

/// The outcome that is no error.
const GOOD: &str = "Replied";

/// One scrape.
#[derive(Debug)]
pub(super) struct Reading {
    at: Instant,
    functions: BTreeMap<String, Numbers>,
}

/// What a scrape says of one function.
#[derive(Debug, Default)]
struct Numbers {
    /// None of what is no function.
    ready: Option<bool>,
    queued: u64,
    in_flight: u64,
    parked: u64,
    zygote_restarts: u64,
    /// Calls by outcome.
    calls: BTreeMap<String, u64>,
    /// Calls up to each bound, in seconds, ascending.
    durations: Vec<(f64, u64)>,
}

/// One function between two scrapes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    /// Its name, or `-` for requests that reached none.
    pub(super) function: String,
    pub(super) ready: Option<bool>,
    pub(super) calls_per_second: f64,
    pub(super) in_flight: u64,
    pub(super) queued: u64,
    pub(super) parked: u64,
    /// Half of the calls took no longer, in seconds; none if there were no calls.
    pub(super) p50_seconds: Option<f64>,
    pub(super) p99_seconds: Option<f64>,
    /// By outcome; those that did not happen are left out.
    pub(super) errors_per_second: BTreeMap<String, f64>,
    /// Since the host has started.
    pub(super) zygote_restarts: u64,
    /// All calls since the host has started, by outcome.
    pub(super) calls: BTreeMap<String, u64>,
}

impl Reading {
    /// Reads a scrape that was taken at `at`.
    pub(super) fn of(text: &str, at: Instant) -> Result<Self, Malformed> {
        let mut functions = BTreeMap::<String, Numbers>::new();
        for sample in samples(text) {
            let sample = sample?;
            let Some(name) = sample.name.strip_prefix("leasehold_") else {
                continue;
            };
            let Some(function) = sample.label("function") else {
                continue;
            };
            if !functions.contains_key(function) {
                functions.insert(function.to_owned(), Numbers::default());
            }
            let Some(numbers) = functions.get_mut(function) else {
                continue;
            };
            // Saturating: there is no number that would not fit or be negative.
            let value = sample.value as u64;
            match name {
                "function_ready" => numbers.ready = Some(value == 1),
                "queued" => numbers.queued = value,
                "in_flight" => numbers.in_flight = value,
                "parked" => numbers.parked = value,
                "zygote_restarts_total" => numbers.zygote_restarts = value,
                "calls_total" => {
                    if let Some(outcome) = sample.label("outcome") {
                        numbers.calls.insert(outcome.to_owned(), value);
                    }
                }
                "call_duration_seconds_bucket" => {
                    if let Some(bound) = sample.label("le").and_then(number) {
                        numbers.durations.push((bound, value));
                    }
                }
                _ => {}
            }
        }
        for numbers in functions.values_mut() {
            numbers.durations.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        Ok(Self { at, functions })
    }

    /// How many functions it knows.
    pub(super) fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    /// How long after `before` it was taken.
    pub(super) fn since(&self, before: &Self) -> Duration {
        self.at.saturating_duration_since(before.at)
    }

    /// What has happened since `before`, by function.
    pub(super) fn rows(&self, before: &Self) -> Vec<Row> {
        let seconds = self.since(before).as_secs_f64().max(1e-3);
        let nothing = Numbers::default();
        let rows = self.functions.iter().map(|(name, now)| {
            let then = before.functions.get(name).unwrap_or(&nothing);
            now.row(name, then, seconds)
        });
        rows.collect()
    }
}

impl Numbers {
    fn row(&self, name: &str, then: &Self, seconds: f64) -> Row {
        let mut all = 0;
        let mut errors_per_second = BTreeMap::new();
        for (outcome, now) in &self.calls {
            let more = increase(then.calls.get(outcome).copied(), *now);
            all += more;
            if more > 0 && outcome != GOOD {
                errors_per_second.insert(outcome.clone(), more as f64 / seconds);
            }
        }
        let durations = self.increases(then);
        Row {
            function: name.to_owned(),
            ready: self.ready,
            calls_per_second: all as f64 / seconds,
            in_flight: self.in_flight,
            queued: self.queued,
            parked: self.parked,
            p50_seconds: quantile(&durations, 0.5),
            p99_seconds: quantile(&durations, 0.99),
            errors_per_second,
            zygote_restarts: self.zygote_restarts,
            calls: self.calls.clone(),
        }
    }

    /// The calls up to each bound since `then`.
    fn increases(&self, then: &Self) -> Vec<(f64, u64)> {
        let last = |numbers: &Self| numbers.durations.last().map_or(0, |(_, count)| *count);
        // All buckets or none are from before a restart.
        let same = then.durations.len() == self.durations.len() && last(then) <= last(self);
        let durations = self.durations.iter().enumerate();
        let increases = durations.map(|(index, (bound, now))| {
            let before = then.durations.get(index).filter(|_| same);
            (*bound, increase(before.map(|(_, count)| *count), *now))
        });
        increases.collect()
    }
}

/// How much a counter has grown; one that is smaller than before has begun anew.
fn increase(then: Option<u64>, now: u64) -> u64 {
    match then {
        Some(then) if then <= now => now - then,
        _ => now,
    }
}

/// The value that this part of a histogram's calls did not exceed, interpolated within its bucket, as
/// PromQL's `histogram_quantile` does it.
fn quantile(cumulative: &[(f64, u64)], part: f64) -> Option<f64> {
    let (_, all) = cumulative.last().filter(|(_, all)| *all > 0)?;
    let rank = part * *all as f64;
    let (mut lower, mut below) = (0.0, 0);
    for (upper, count) in cumulative {
        if *count as f64 >= rank && *count > below {
            if upper.is_infinite() {
                return Some(lower);
            }
            let within = (rank - below as f64) / (*count - below) as f64;
            return Some(lower + (upper - lower) * within.clamp(0.0, 1.0));
        }
        (lower, below) = (*upper, *count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str, at: Instant) -> Reading {
        Reading::of(text, at).unwrap()
    }

    const FIRST: &str = "leasehold_calls_total{function=\"f\",outcome=\"Replied\"} 10\n\
        leasehold_calls_total{function=\"f\",outcome=\"Failed\"} 4\n\
        leasehold_call_duration_seconds_bucket{le=\"0.1\",function=\"f\"} 10\n\
        leasehold_call_duration_seconds_bucket{le=\"0.2\",function=\"f\"} 14\n\
        leasehold_call_duration_seconds_bucket{le=\"+Inf\",function=\"f\"} 14\n";
    const SECOND: &str = "leasehold_calls_total{function=\"f\",outcome=\"Replied\"} 30\n\
        leasehold_calls_total{function=\"f\",outcome=\"Failed\"} 8\n\
        leasehold_calls_total{function=\"-\",outcome=\"NotFound\"} 3\n\
        leasehold_call_duration_seconds_bucket{le=\"+Inf\",function=\"f\"} 38\n\
        leasehold_call_duration_seconds_bucket{le=\"0.1\",function=\"f\"} 22\n\
        leasehold_call_duration_seconds_bucket{le=\"0.2\",function=\"f\"} 37\n\
        leasehold_function_ready{function=\"f\"} 1\n\
        leasehold_queued{function=\"f\"} 2\n\
        leasehold_in_flight{function=\"f\"} 3\n\
        leasehold_parked{function=\"f\"} 4\n\
        leasehold_zygote_restarts_total{function=\"f\"} 5\n\
        other_metric{function=\"x\"} 1\n";

    #[test]
    fn rows_tell_what_has_happened_between() {
        let begun = Instant::now();
        let first = reading(FIRST, begun);
        let second = reading(SECOND, begun + Duration::from_secs(2));
        let rows = second.rows(&first);
        assert_eq!(rows.len(), 2);
        let (none, f) = (&rows[0], &rows[1]);
        assert_eq!((none.function.as_str(), none.ready), ("-", None));
        assert_eq!(none.errors_per_second["NotFound"], 1.5);
        assert_eq!((f.ready, f.calls_per_second), (Some(true), 12.0));
        assert_eq!(
            f.errors_per_second,
            BTreeMap::from([("Failed".to_owned(), 2.0)])
        );
        assert_eq!(
            (f.queued, f.in_flight, f.parked, f.zygote_restarts),
            (2, 3, 4, 5)
        );
        // 24 calls: 12 up to 0.1 s, 23 up to 0.2 s, one above.
        assert!((f.p50_seconds.unwrap() - 0.1).abs() < 1e-9);
        assert_eq!(f.p99_seconds, Some(0.2));
        assert_eq!(f.calls["Replied"], 30);
    }

    #[test]
    fn a_host_that_was_started_anew_counts_from_zero() {
        let begun = Instant::now();
        let (old, new) = (
            reading(SECOND, begun),
            reading(FIRST, begun + Duration::from_secs(1)),
        );
        let rows = new.rows(&old);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].calls_per_second, 14.0);
        assert!((rows[0].p50_seconds.unwrap() - 0.07).abs() < 1e-9);
    }

    #[test]
    fn without_calls_there_are_no_quantiles() {
        let begun = Instant::now();
        let rows = reading(FIRST, begun).rows(&reading(FIRST, begun));
        assert_eq!((rows[0].p50_seconds, rows[0].p99_seconds), (None, None));
        assert!(rows[0].errors_per_second.is_empty());
        assert_eq!(quantile(&[(f64::INFINITY, 3)], 0.5), Some(0.0));
    }
}
