//! `leasehold top`: what the functions of a running host do, from its metrics.

mod reading;
mod screen;
mod table;
mod text;

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use leasehold_sandbox::profile::Millis;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::CliError;
use super::admin::{self, AdminError};
use crate::telemetry::Form;
use reading::{Reading, Row};
use screen::Screen;
use text::Malformed;

/// Lines of the screen that are no rows: the title, the head, what is left out, and one to spare.
const FRAME: usize = 4;

#[derive(Debug, Args)]
pub(super) struct Top {
    /// The admin port of the host
    #[arg(
        long,
        env = "LEASEHOLD_ADMIN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8081"
    )]
    admin: String,
    /// How often to look
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    interval: Millis,
    /// Print one table, of one interval, and end
    #[arg(long)]
    once: bool,
    /// Print a JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// One line of `--json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    interval_seconds: f64,
    functions: Vec<Row>,
}

fn interval(text: &str) -> Result<Millis, String> {
    let interval: Millis = text.parse().map_err(|error| format!("{error}"))?;
    match interval.0 {
        100..=3_600_000 => Ok(interval),
        _ => Err("write a duration from 100ms to 1h".to_owned()),
    }
}

impl Top {
    /// Shows until a signal comes, or whoever reads goes away.
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        let act = |act| move |source| CliError::Act { act, source };
        let mut interrupt =
            signal(SignalKind::interrupt()).map_err(act("cannot handle signals"))?;
        let mut terminate =
            signal(SignalKind::terminate()).map_err(act("cannot handle signals"))?;
        let mut hangup = signal(SignalKind::hangup()).map_err(act("cannot handle signals"))?;
        let shown = tokio::select! {
            shown = self.show() => shown,
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = hangup.recv() => Ok(()),
        };
        match shown {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(CliError::Act { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Err(error),
        }
    }

    async fn show(&self) -> Result<(), CliError> {
        let print = |source| CliError::Act {
            act: "cannot print",
            source,
        };
        let mut before = self.look().await?;
        let screen = Screen::open(!self.once && !self.json).map_err(print)?;
        let mut ticks = tokio::time::interval(self.interval.into());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(now) => {
                    screen
                        .show(&self.text(&before, &now, screen.lines()))
                        .map_err(print)?;
                    before = now;
                }
                Err(error) if self.once => return Err(error.into()),
                // It was there: it may come back.
                Err(error) => screen
                    .trouble(&format!("leasehold: {error}"))
                    .map_err(print)?,
            }
            if self.once {
                return Ok(());
            }
        }
    }

    async fn look(&self) -> Result<Reading, AdminError> {
        let text = admin::ask(&self.admin, "/metrics", Form::OpenMetrics.content_type()).await?;
        let no_host = |why: &str| admin::no_host(&self.admin, why);
        let reading = Reading::of(&text, Instant::now())
            .map_err(|error: Malformed| no_host(&error.to_string()))?;
        if reading.is_empty() {
            return Err(no_host("it has no metrics of Leasehold"));
        }
        Ok(reading)
    }

    fn text(&self, before: &Reading, now: &Reading, lines: usize) -> String {
        let since = now.since(before);
        let functions = now.rows(before);
        if self.json {
            let line = Line {
                interval_seconds: since.as_secs_f64(),
                functions,
            };
            let json = serde_json::to_string(&line).unwrap_or_default();
            return format!("{json}\n");
        }
        let title = title(&self.admin, &functions, since);
        let rows = lines.saturating_sub(FRAME).max(1);
        format!("{title}\n{}\n", table::table(functions, rows))
    }
}

fn title(admin: &str, rows: &[Row], since: Duration) -> String {
    let calls: f64 = rows.iter().map(|row| row.calls_per_second).sum();
    let running: u64 = rows.iter().map(|row| row.in_flight).sum();
    let seconds = since.as_secs_f64();
    format!("{admin}: {calls:.1} calls/s, {running} running, over {seconds:.1} s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::MAX_FUNCTIONS;
    use crate::telemetry::Metrics;

    #[test]
    fn the_largest_scrape_is_read() {
        let metrics = Metrics::new(7);
        for number in 0..64 {
            // As long as a DNS label may be.
            metrics.function(&format!("{number:063}"));
        }
        let text = metrics.encode(Form::OpenMetrics);
        assert!(text.len() / 64 * MAX_FUNCTIONS < admin::MAX_ANSWER);
        assert!(Reading::of(&text, Instant::now()).is_ok());
    }

    #[test]
    fn intervals_are_bounded() {
        assert_eq!(interval("1s"), Ok(Millis(1000)));
        for wrong in ["0s", "99ms", "2h", "1", ""] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
