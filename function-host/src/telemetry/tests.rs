use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{CallRecord, Ending, Form, Live, Metrics, Reload};
use crate::outcome::{Limit, Outcome, Traffic};

fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let text = metrics.encode(Form::OpenMetrics);
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn begin(metrics: &Metrics) -> CallRecord {
    CallRecord::begin(&metrics.function("f"), "id", "GET", Instant::now())
}

const ENDINGS: [Outcome; 8] = [
    Outcome::Replied,
    Outcome::Failed(String::new()),
    Outcome::TimedOut(Duration::ZERO),
    Outcome::Denied,
    Outcome::Crashed(String::new()),
    Outcome::OverLimit(Limit::Cpu),
    Outcome::Overloaded,
    Outcome::Abandoned,
];

#[test]
fn labels_have_the_names_of_outcomes() {
    for outcome in ENDINGS {
        assert_eq!(Ending::of(&outcome).name(), outcome.name());
    }
    for (index, ending) in Ending::ALL.into_iter().enumerate() {
        assert_eq!(ending as usize, index);
    }
    for (index, result) in Reload::ALL.into_iter().enumerate() {
        assert_eq!(result as usize, index);
    }
}

#[tokio::test]
async fn a_call_is_in_one_gauge_after_the_other_and_in_one_counter() {
    let metrics = Metrics::new(7);
    let record = begin(&metrics);
    assert_eq!(
        value(&metrics, "leasehold_queued{function=\"f\"}"),
        Some(1.0)
    );
    let record = record.started();
    assert_eq!(
        value(&metrics, "leasehold_queued{function=\"f\"}"),
        Some(0.0)
    );
    assert_eq!(
        value(&metrics, "leasehold_in_flight{function=\"f\"}"),
        Some(1.0)
    );
    let traffic = Traffic {
        received: 3,
        sent: 5,
        status: Some(200),
    };
    let record = record.ended(Outcome::Replied, traffic);
    assert_eq!(
        value(&metrics, "leasehold_in_flight{function=\"f\"}"),
        Some(0.0)
    );
    record.buried(None);
    for (series, expected) in [
        (
            "leasehold_calls_total{function=\"f\",outcome=\"Replied\"}",
            1.0,
        ),
        (
            "leasehold_calls_total{function=\"f\",outcome=\"Failed\"}",
            0.0,
        ),
        ("leasehold_call_duration_seconds_count{function=\"f\"}", 1.0),
        (
            "leasehold_queue_duration_seconds_count{function=\"f\"}",
            1.0,
        ),
        ("leasehold_request_bytes_total{function=\"f\"}", 3.0),
        ("leasehold_response_bytes_total{function=\"f\"}", 5.0),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{series}");
    }
}

#[tokio::test]
async fn calls_without_a_worker_are_counted_but_not_timed() {
    let metrics = Metrics::new(7);
    begin(&metrics).refused(&Outcome::Overloaded);
    begin(&metrics).unready("it is being loaded");
    drop(begin(&metrics));
    drop(begin(&metrics).started());
    for (series, expected) in [
        (
            "leasehold_calls_total{function=\"f\",outcome=\"Overloaded\"}",
            1.0,
        ),
        (
            "leasehold_calls_total{function=\"f\",outcome=\"NotReady\"}",
            1.0,
        ),
        (
            "leasehold_calls_total{function=\"f\",outcome=\"Abandoned\"}",
            2.0,
        ),
        ("leasehold_call_duration_seconds_count{function=\"f\"}", 1.0),
        ("leasehold_queued{function=\"f\"}", 0.0),
        ("leasehold_in_flight{function=\"f\"}", 0.0),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{series}");
    }
}

#[test]
fn what_reaches_no_function_has_one_series() {
    let metrics = Metrics::new(7);
    metrics.function("refused");
    metrics.unserved(Some("refused"));
    metrics.unserved(None);
    for number in 0..1000 {
        metrics.unserved(Some(&format!("none-{number}")));
    }
    let none = "leasehold_calls_total{function=\"-\",outcome=\"NotFound\"}";
    assert_eq!(value(&metrics, none), Some(1001.0));
    let refused = "leasehold_calls_total{function=\"refused\",outcome=\"NotReady\"}";
    assert_eq!(value(&metrics, refused), Some(1.0));
    assert!(!metrics.encode(Form::Prometheus).contains("none-"));
}

#[derive(Debug)]
struct Fake(usize, bool);

impl Live for Fake {
    fn parked(&self) -> usize {
        self.0
    }
    fn ready(&self) -> bool {
        self.1
    }
    fn open_channels(&self) -> Vec<&'static str> {
        if self.1 { vec!["tcp"] } else { Vec::new() }
    }
}

#[test]
fn pools_are_asked_while_they_live() {
    let metrics = Metrics::new(7);
    let read = || {
        let parked = value(&metrics, "leasehold_parked{function=\"f\"}");
        (
            parked,
            value(&metrics, "leasehold_function_ready{function=\"f\"}"),
        )
    };
    let function = metrics.function("f");
    assert_eq!(read(), (Some(0.0), Some(0.0)));
    let (old, new) = (Arc::new(Fake(2, true)), Arc::new(Fake(3, false)));
    for pool in [&old, &new] {
        let pool = Arc::downgrade(pool);
        function.watch(pool);
    }
    assert_eq!(read(), (Some(5.0), Some(1.0)));
    drop(old);
    assert_eq!(read(), (Some(3.0), Some(0.0)));
}

#[test]
fn a_function_that_is_gone_has_no_series_and_a_new_version_goes_on_counting() {
    let metrics = Metrics::new(7);
    metrics.function("f").refilled(true);
    metrics.reloaded("f", Reload::Succeeded);
    metrics.function("f").refilled(true);
    metrics.function("f").refilled(false);
    metrics.function("f").zygote_restarted();
    for (series, expected) in [
        ("leasehold_refills_total{function=\"f\"}", 2.0),
        ("leasehold_refill_failures_total{function=\"f\"}", 1.0),
        ("leasehold_zygote_restarts_total{function=\"f\"}", 1.0),
        (
            "leasehold_reloads_total{function=\"f\",result=\"succeeded\"}",
            1.0,
        ),
        (
            "leasehold_reloads_total{function=\"f\",result=\"failed\"}",
            0.0,
        ),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{series}");
    }
    metrics.remove_function("f");
    for form in [Form::OpenMetrics, Form::Prometheus] {
        assert!(!metrics.encode(form).contains("function=\"f\""));
    }
}

#[tokio::test]
async fn burials_are_timed() {
    let metrics = Metrics::new(7);
    metrics.function("f").burial(async {}).await;
    for series in [
        "leasehold_burials_total{function=\"f\"}",
        "leasehold_burial_duration_seconds_count{function=\"f\"}",
        "leasehold_burial_duration_seconds_bucket{le=\"+Inf\",function=\"f\"}",
    ] {
        assert_eq!(value(&metrics, series), Some(1.0), "{series}");
    }
}

#[test]
fn a_name_from_a_folder_cannot_break_out_of_its_label() {
    let metrics = Metrics::new(7);
    metrics.function("a\"} 1\n\\");
    let text = metrics.encode(Form::OpenMetrics);
    assert!(
        text.contains(r#"leasehold_queued{function="a\"} 1\n\\"} 0"#),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_form_is_the_one_that_the_scraper_takes() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
    assert_eq!(Form::accepted(Some(prometheus)), Form::OpenMetrics);
    for other in [None, Some("*/*"), Some("text/plain")] {
        assert_eq!(Form::accepted(other), Form::Prometheus);
    }
    let build = format!(
        "version=\"{}\",landlock_abi=\"7\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    let metrics = Metrics::new(7);
    for form in [Form::OpenMetrics, Form::Prometheus] {
        let text = metrics.encode(form);
        assert!(
            text.contains(&format!("leasehold_build_info{{{build}")),
            "{text}"
        );
    }
}
