//! Where the log goes and how it looks.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;
use tracing_subscriber::fmt::format::{DefaultFields, Format, Json, JsonFields};

use super::outlet::{self, Flow};

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Sends logs to standard error, whose reader nobody waits for. `filter` is in tracing's form, as in
/// `info,leasehold=debug`. What is logged after the returned [`Flow`] is dropped is lost.
///
/// # Errors
/// When there is no thread to be had.
pub fn init(format: LogFormat, filter: &str) -> io::Result<Flow> {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let (outlet, flow) = outlet::flow(io::stderr())?;
    let logs = tracing_subscriber::fmt();
    // A second start in one process keeps the first log.
    let _already = match format {
        LogFormat::Pretty => logs
            .with_env_filter(filter)
            .with_writer(outlet)
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
        LogFormat::Json => json(logs)
            .with_env_filter(filter)
            .with_writer(outlet)
            .try_init(),
    };
    Ok(flow)
}

/// One flat JSON object a line.
pub(super) fn json(
    logs: SubscriberBuilder<DefaultFields, Format>,
) -> SubscriberBuilder<JsonFields, Format<Json>> {
    logs.json().flatten_event(true).with_current_span(false)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use leasehold_sandbox::sys::wait::Exit;
    use tokio::time::Instant;

    use super::*;
    use crate::outcome::{Outcome, Traffic};
    use crate::telemetry::{CallRecord, Metrics};

    /// Where the log of a test goes.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_line_of_a_call_has_all_its_fields() {
        let sink = Sink::default();
        let writer = sink.clone();
        let logs = json(tracing_subscriber::fmt()).with_writer(move || writer.clone());
        let _guard = tracing::subscriber::set_default(logs.finish());
        let metrics = Metrics::new(7);
        let traffic = Traffic {
            received: 3,
            sent: 5,
            status: Some(200),
        };
        let exit = Exit {
            code: Some(0),
            signal: None,
            cpu_micros: 1234,
            max_rss_kib: 4096,
        };
        let failed = Outcome::Failed("exit status 1".to_owned());
        let record = CallRecord::begin(&metrics.function("f"), "id", "GET", Instant::now())
            .started()
            .ended(failed, traffic);
        record.buried(Some(exit));
        let line = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        for (field, expected) in [
            ("level", "INFO".into()),
            ("target", "call".into()),
            ("message", "call".into()),
            ("function", "f".into()),
            ("call", "id".into()),
            ("method", "GET".into()),
            ("outcome", "Failed".into()),
            ("detail", "failed: exit status 1".into()),
            ("status", 200.into()),
            ("bytes_in", 3.into()),
            ("bytes_out", 5.into()),
            ("cpu_ms", 1.234.into()),
            ("peak_rss_kib", serde_json::Value::from(4096)),
        ] {
            assert_eq!(line[field], expected, "{field} in {line}");
        }
        for field in ["queue_ms", "run_ms", "burial_ms"] {
            let micros = line[field].as_f64().unwrap() * 1000.0;
            assert!((micros - micros.round()).abs() < 1e-6, "{field} in {line}");
        }
        assert!(line["timestamp"].is_string());
        assert_eq!(line.as_object().unwrap().len(), 17);
    }
}
