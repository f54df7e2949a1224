//! Metrics as text, for Prometheus: one pass over all functions at each scrape.
//!
//! prometheus-client brings the two forms, their names, units and escapes. What is counted stays
//! ours (see `metrics`), read here and forgotten again: there is no second place that would have to
//! be told of a function that is gone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::Histogram;
use super::metrics::{Ending, FunctionMetrics, Metrics, Reload, Table};
use super::outlet::dropped_lines;

/// What all names begin with.
const PREFIX: &str = "leasehold";
/// The label value of requests that were for no function, or not routed. No function can have this name.
const NO_FUNCTION: &str = "-";

/// The forms that a scraper can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' own, 0.0.4, which everything understands.
    Prometheus,
}

/// The registry that is encoded.
pub(super) struct Exposition(Registry);

impl Form {
    /// The best form that a scraper takes, by its `Accept`.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("application/openmetrics-text") => Self::OpenMetrics,
            _ => Self::Prometheus,
        }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Metrics {
    /// All metrics as they are now. With thousands of functions this takes milliseconds.
    #[must_use]
    pub fn encode(&self, form: Form) -> String {
        let mut out = String::new();
        let registry = &self.exposition.0;
        // Writing to a string cannot fail.
        let _written = match form {
            Form::OpenMetrics => text::encode(&mut out, registry),
            Form::Prometheus => prometheus_text::encode(&mut out, registry),
        };
        out
    }
}

impl Exposition {
    pub(super) fn of(table: &Arc<Table>, landlock_abi: u32) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("landlock_abi", landlock_abi.to_string()),
        ];
        let help = "What this host is, and what the kernel gives it";
        registry.register("build", help, Info::new(build));
        registry.register_collector(Box::new(Arc::clone(table)));
        Self(registry)
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}

/// Families of counters with the function as their only label.
const COUNTERS: [(&str, Option<Unit>, &str, Read<u64>); 6] = [
    ("refills", None, "Workers parked", |f| read(&f.refills)),
    (
        "refill_failures",
        None,
        "Workers that were not parked",
        |f| read(&f.refill_failures),
    ),
    (
        "burials",
        None,
        "Calls buried: processes reaped, scratch removed",
        |f| f.burial.count(),
    ),
    (
        "zygote_restarts",
        None,
        "Zygotes that died and were replaced",
        |f| read(&f.zygote_restarts),
    ),
    (
        "request",
        Some(Unit::Bytes),
        "Request bodies taken from clients",
        |f| read(&f.received),
    ),
    (
        "response",
        Some(Unit::Bytes),
        "Reply bodies sent to clients",
        |f| read(&f.sent),
    ),
];

/// Families of gauges.
const GAUGES: [(&str, &str, Read<i64>); 4] = [
    ("queued", "Calls that wait for a worker", |f| f.waiting()),
    (
        "in_flight",
        "Calls that have a worker and no complete reply",
        |f| f.running(),
    ),
    ("parked", "Workers that wait for a call", |f| f.live().0),
    (
        "function_ready",
        "1 if the function can be called, else 0",
        |f| f.live().1.into(),
    ),
];

/// Families of histograms of seconds.
const HISTOGRAMS: [(&str, &str, Pick); 3] = [
    (
        "call_duration",
        "From the request's head to the end of the reply, of calls that got a worker",
        |f| &f.duration,
    ),
    (
        "queue_duration",
        "From the request's head to the worker, of calls that got one",
        |f| &f.queue,
    ),
    ("burial_duration", "From the reply to the freed slot", |f| {
        &f.burial
    }),
];

type Read<T> = fn(&FunctionMetrics) -> T;
type Pick = fn(&FunctionMetrics) -> &Histogram;

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Collector for Table {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let functions = self.functions();
        let others = [
            ("NotFound", read(&self.unrouted)),
            ("GoingDown", read(&self.too_late)),
        ];
        calls(&mut encoder, &functions, others)?;
        for (name, help, of) in HISTOGRAMS {
            let unit = Unit::Seconds;
            let mut family =
                encoder.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
            for function in &functions {
                let counted = of(function).read();
                family
                    .encode_family(&[("function", function.name.as_str())])?
                    .encode_histogram::<NoLabelSet>(
                        counted.sum_seconds,
                        counted.count(),
                        &counted.buckets,
                        None,
                    )?;
            }
        }
        for (name, help, of) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for function in &functions {
                family
                    .encode_family(&[("function", function.name.as_str())])?
                    .encode_gauge(&of(function))?;
            }
        }
        for (name, unit, help, of) in COUNTERS {
            let mut family =
                encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
            for function in &functions {
                let labels = [("function", function.name.as_str())];
                count(&mut family, &labels, of(function))?;
            }
        }
        open_channels(&mut encoder, &functions)?;
        reloads(&mut encoder, &functions)?;
        let help = "Lines of the log that were dropped because nobody read them in time";
        encoder
            .encode_descriptor("log_dropped_lines", help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, f64>(&dropped_lines(), None)
    }
}

fn calls(
    encoder: &mut DescriptorEncoder<'_>,
    functions: &[Arc<FunctionMetrics>],
    others: [(&str, u64); 2],
) -> fmt::Result {
    let help = "Calls that have ended, by how";
    let mut family = encoder.encode_descriptor("calls", help, None, MetricType::Counter)?;
    for function in functions {
        for ending in Ending::ALL {
            let labels = [
                ("function", function.name.as_str()),
                ("outcome", ending.name()),
            ];
            count(&mut family, &labels, function.calls(ending))?;
        }
    }
    for (outcome, value) in others {
        let labels = [("function", NO_FUNCTION), ("outcome", outcome)];
        count(&mut family, &labels, value)?;
    }
    Ok(())
}

/// Only those that are open: as a rule none is.
fn open_channels(
    encoder: &mut DescriptorEncoder<'_>,
    functions: &[Arc<FunctionMetrics>],
) -> fmt::Result {
    let help = "1 for each channel that this kernel leaves open to a function's calls, as its profile accepts";
    let mut family = encoder.encode_descriptor("channel_open", help, None, MetricType::Gauge)?;
    for function in functions {
        for channel in function.open_channels() {
            let labels = [("function", function.name.as_str()), ("channel", channel)];
            family.encode_family(&labels)?.encode_gauge(&1_i64)?;
        }
    }
    Ok(())
}

fn reloads(encoder: &mut DescriptorEncoder<'_>, functions: &[Arc<FunctionMetrics>]) -> fmt::Result {
    let help = "Attempts to load a function anew, by what came of them";
    let mut family = encoder.encode_descriptor("reloads", help, None, MetricType::Counter)?;
    for function in functions {
        for result in Reload::ALL {
            let labels = [
                ("function", function.name.as_str()),
                ("result", result.name()),
            ];
            count(&mut family, &labels, function.reloads(result))?;
        }
    }
    Ok(())
}

fn count(family: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, value: u64) -> fmt::Result {
    family
        .encode_family(labels)?
        .encode_counter::<NoLabelSet, _, f64>(&value, None)
}
