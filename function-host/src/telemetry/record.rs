//! The record of one call: its gauges while it goes on, its counters when it ends, and its log line.

use std::sync::Arc;
use std::time::Duration;

use leasehold_sandbox::sys::wait::Exit;
use tokio::time::Instant;

use super::metrics::{Ending, FunctionMetrics};
use crate::outcome::{Outcome, Traffic};

/// The record of one call, from its request to its burial.
///
/// It belongs to whoever carries the call. One that is dropped on the way is a call whose client went
/// away: it is counted and logged as such, and leaves no gauge behind.
#[derive(Debug)]
#[must_use = "a record that is dropped is an abandoned call"]
pub struct CallRecord {
    metrics: Arc<FunctionMetrics>,
    call: String,
    method: String,
    begun: Instant,
    stage: Stage,
    queued: Duration,
    ran: Duration,
    ending: Ending,
    detail: Option<String>,
    traffic: Traffic,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It waits for a worker.
    Queued,
    /// It has one.
    Running,
    /// Its reply is complete, or there is none; its line is still to be written.
    Ended,
    /// Its line is written.
    Logged,
}

impl CallRecord {
    /// A call that has come.
    pub fn begin(metrics: &Arc<FunctionMetrics>, call: &str, method: &str, begun: Instant) -> Self {
        metrics.queued(1);
        Self {
            metrics: Arc::clone(metrics),
            call: call.to_owned(),
            method: method.to_owned(),
            begun,
            stage: Stage::Queued,
            queued: Duration::ZERO,
            ran: Duration::ZERO,
            ending: Ending::Abandoned,
            detail: None,
            traffic: Traffic::default(),
        }
    }

    /// It has its worker.
    pub fn started(mut self) -> Self {
        self.queued = self.begun.elapsed();
        self.stage = Stage::Running;
        self.metrics.queued(-1);
        self.metrics.in_flight(1);
        self
    }

    /// Its reply is complete, or there is none.
    pub fn ended(mut self, outcome: Outcome, traffic: Traffic) -> Self {
        self.traffic = traffic;
        self.end(Ending::of(&outcome), detail(&outcome));
        self
    }

    /// It got no worker. Must be called on a runtime, which writes the line: the reply does not wait.
    pub fn refused(self, outcome: &Outcome) {
        self.turn_away(Ending::of(outcome), detail(outcome));
    }

    /// Its function cannot be called, for this reason. Must be called on a runtime, as above.
    pub fn unready(self, why: &str) {
        self.turn_away(Ending::NotReady, why.lines().next().map(str::to_owned));
    }

    /// Nothing of it is left.
    pub fn buried(mut self, exit: Option<Exit>) {
        let burial = self.begun.elapsed().saturating_sub(self.queued + self.ran);
        self.log(exit, burial);
    }

    fn turn_away(mut self, ending: Ending, detail: Option<String>) {
        self.end(ending, detail);
        tokio::spawn(async move { self.log(None, Duration::ZERO) });
    }

    fn end(&mut self, ending: Ending, detail: Option<String>) {
        let total = self.begun.elapsed();
        if self.stage == Stage::Running {
            self.ran = total.saturating_sub(self.queued);
            self.metrics.in_flight(-1);
            let Traffic { received, sent, .. } = self.traffic;
            self.metrics.ran(self.queued, total, received, sent);
        } else {
            self.queued = total;
            self.metrics.queued(-1);
        }
        self.metrics.ended(ending);
        self.stage = Stage::Ended;
        self.ending = ending;
        self.detail = detail;
    }

    fn log(&mut self, exit: Option<Exit>, burial: Duration) {
        self.stage = Stage::Logged;
        tracing::info!(
            target: "call",
            function = self.metrics.name,
            call = self.call,
            method = self.method,
            outcome = self.ending.name(),
            detail = self.detail,
            status = self.traffic.status,
            bytes_in = self.traffic.received,
            bytes_out = self.traffic.sent,
            queue_ms = millis(self.queued),
            run_ms = millis(self.ran),
            burial_ms = millis(burial),
            cpu_ms = exit.map(|exit| exit.cpu_micros as f64 / 1000.0),
            peak_rss_kib = exit.map(|exit| exit.max_rss_kib),
            "call"
        );
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Queued | Stage::Running) {
            let (ending, detail) = if std::thread::panicking() {
                (
                    Ending::Crashed,
                    "crashed: the host lost the call".to_owned(),
                )
            } else {
                (Ending::Abandoned, Outcome::Abandoned.to_string())
            };
            self.end(ending, Some(detail));
        }
        if self.stage == Stage::Ended {
            self.log(None, Duration::ZERO);
        }
    }
}

impl Ending {
    /// The label of this outcome.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Replied => Self::Replied,
            Outcome::Failed(_) => Self::Failed,
            Outcome::TimedOut(_) => Self::TimedOut,
            Outcome::Denied => Self::Denied,
            Outcome::Crashed(_) => Self::Crashed,
            Outcome::OverLimit(_) => Self::OverLimit,
            Outcome::Overloaded => Self::Overloaded,
            Outcome::Abandoned => Self::Abandoned,
        }
    }
}

fn detail(outcome: &Outcome) -> Option<String> {
    (*outcome != Outcome::Replied).then(|| outcome.to_string())
}

/// In milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
