//! Logs: one line per call, in words or as JSON.

use std::io::IsTerminal;
use std::time::Duration;

use clap::ValueEnum;
use leasehold_sandbox::sys::wait::Exit;
use tokio::time::Instant;
use tracing_subscriber::EnvFilter;

use crate::pool::{Outcome, Traffic};

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Sends logs to standard error. `filter` is in tracing's form, as in `info,leasehold=debug`.
pub fn init(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start in one process keeps the first log.
    let _already = match format {
        LogFormat::Pretty => logs
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
        LogFormat::Json => logs
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init(),
    };
}

/// The record of one call, from its request to its burial.
#[derive(Debug)]
pub struct CallRecord {
    function: String,
    call: String,
    method: String,
    begun: Instant,
    queued: Duration,
    ran: Duration,
    outcome: Outcome,
    traffic: Traffic,
}

impl CallRecord {
    /// A call that has come.
    #[must_use]
    pub fn begin(function: &str, call: &str, method: &str, begun: Instant) -> Self {
        Self {
            function: function.to_owned(),
            call: call.to_owned(),
            method: method.to_owned(),
            begun,
            queued: Duration::ZERO,
            ran: Duration::ZERO,
            outcome: Outcome::Overloaded,
            traffic: Traffic::default(),
        }
    }

    /// It has its worker.
    #[must_use]
    pub fn started(mut self) -> Self {
        self.queued = self.begun.elapsed();
        self
    }

    /// Its reply is complete, or there is none.
    #[must_use]
    pub fn ended(mut self, outcome: Outcome, traffic: Traffic) -> Self {
        self.ran = self.begun.elapsed().saturating_sub(self.queued);
        self.outcome = outcome;
        self.traffic = traffic;
        self
    }

    /// It got no worker.
    pub fn refused(mut self, outcome: &Outcome) {
        self.queued = self.begun.elapsed();
        self.outcome = outcome.clone();
        self.log(None, Duration::ZERO);
    }

    /// Nothing of it is left.
    pub fn buried(self, exit: Option<Exit>) {
        let burial = self.begun.elapsed().saturating_sub(self.queued + self.ran);
        self.log(exit, burial);
    }

    fn log(&self, exit: Option<Exit>, burial: Duration) {
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        tracing::info!(
            target: "call",
            function = self.function,
            call = self.call,
            method = self.method,
            outcome = self.outcome.name(),
            detail = (self.outcome != Outcome::Replied).then(|| self.outcome.to_string()),
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
