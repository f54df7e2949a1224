//! A host's log as it grows.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest that anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(12);

/// What a host has logged, and whoever waits for more.
#[derive(Debug, Default)]
pub struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Log {
    pub fn push(&self, line: &str) {
        self.lock().push_str(line);
        self.grown.notify_all();
    }

    pub fn text(&self) -> String {
        self.lock().clone()
    }

    /// A test that has failed while it looked still shows the log.
    fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a record that `is` accepts, of those that are there and those that come.
    pub fn wait(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut text = self.lock();
        let mut seen = 0;
        loop {
            for line in text[seen..].lines() {
                if let Some(record) = serde_json::from_str(line).ok().filter(|record| is(record)) {
                    return record;
                }
            }
            seen = text.len();
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the log does not tell of {what}:\n{text}");
            text = self
                .grown
                .wait_timeout(text, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until there are `count` lines that contain all of `words`; returns those lines.
    #[track_caller]
    pub fn wait_for(&self, count: usize, words: &[&str]) -> Vec<String> {
        let end = Instant::now() + 4 * PATIENCE;
        let mut text = self.lock();
        let (mut lines, mut seen) = (Vec::new(), 0);
        loop {
            let new = text[seen..].lines();
            let matching = new.filter(|line| words.iter().all(|word| line.contains(word)));
            lines.extend(matching.map(str::to_owned));
            seen = text.len();
            if lines.len() >= count {
                return lines;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "not logged {count} times: {words:?}; only {lines:?}"
            );
            text = self
                .grown
                .wait_timeout(text, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// The records of a log.
pub fn records(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
