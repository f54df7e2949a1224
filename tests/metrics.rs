//! What the host counts: exact after known calls, bounded whatever clients send, shown by `top`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "metrics/top.rs"]
mod top;

use std::collections::BTreeMap;

use support::metrics::{ask, calls, ended, of, scrape};
use support::process::{eventually, kill_hard};
use support::{Functions, Host};

/// Waits until this many calls have been buried.
fn settle(host: &Host, function: &str, burials: f64) {
    let series = of("burials_total", function);
    eventually(&format!("{burials} of {series}"), || {
        scrape(host)[&series] >= burials
    });
}

fn some() -> Functions {
    let functions = Functions::new();
    functions
        .shell("echo", "  pool: 2\n", "exec cat")
        .shell("fail", "", "exit 3")
        .shell("slow", "  limits: {timeout: 300ms}\n", "exec sleep 30")
        .shell("small", "  limits: {requestBody: 16}\n", "exec cat")
        .add(
            "broken",
            "  runtime: exec\n  command: [./none]\n  profile: none",
            &[],
        );
    functions
}

/// Five calls of `echo`, three of `fail`, two of `slow` and of `small` each, one of `broken`, and four
/// of what is not there.
fn known_calls(host: &Host) {
    for _ in 0..5 {
        assert_eq!(host.call("echo", "abcdefg").text(), "abcdefg");
    }
    for _ in 0..3 {
        assert_eq!(host.call("fail", "").outcome(), Some("Failed"));
    }
    for _ in 0..2 {
        assert_eq!(host.call("slow", "").outcome(), Some("TimedOut"));
        assert_eq!(host.call("small", [0; 17]).status, 413);
    }
    assert_eq!(host.call("broken", "").status, 503);
    for path in ["/", "/function/none", "/function/ech", "/metrics"] {
        assert_eq!(host.request("GET", path, &[], &[]).status, 404);
    }
    for (function, burials) in [("echo", 5.0), ("fail", 3.0), ("slow", 2.0)] {
        settle(host, function, burials);
    }
}

#[test]
fn known_calls_are_counted_exactly() {
    let functions = some();
    let host = Host::start(functions.path());
    known_calls(&host);
    let series = scrape(&host);
    let expected = [
        (calls("echo", "Replied"), 5.0),
        (calls("fail", "Failed"), 3.0),
        (calls("slow", "TimedOut"), 2.0),
        (calls("small", "OverLimit"), 2.0),
        (calls("broken", "NotReady"), 1.0),
        (calls("-", "NotFound"), 4.0),
    ];
    let expected: BTreeMap<&str, f64> = expected.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    assert_eq!(ended(&series), expected);
    for (name, function, value) in [
        ("call_duration_seconds_count", "echo", 5.0),
        ("call_duration_seconds_count", "slow", 2.0),
        // Refused by its length, before it needed a worker.
        ("call_duration_seconds_count", "small", 0.0),
        ("queue_duration_seconds_count", "fail", 3.0),
        ("burial_duration_seconds_count", "fail", 3.0),
        ("burials_total", "echo", 5.0),
        ("request_bytes_total", "echo", 35.0),
        ("response_bytes_total", "echo", 35.0),
        ("refill_failures_total", "echo", 0.0),
        ("zygote_restarts_total", "echo", 0.0),
        ("queued", "slow", 0.0),
        ("in_flight", "slow", 0.0),
        ("function_ready", "echo", 1.0),
        ("function_ready", "broken", 0.0),
    ] {
        assert_eq!(series[&of(name, function)], value, "{name} of {function}");
    }
    let slow = of("call_duration_seconds_sum", "slow");
    assert!((0.6..10.0).contains(&series[&slow]), "{}", series[&slow]);
    let bucket = |bound: &str| {
        let bound = format!("le=\"{bound}\"");
        let is = |name: &str| name.contains("call_duration") && name.contains("\"slow\"");
        let mut buckets = series.iter();
        *buckets
            .find(|(name, _)| is(name) && name.contains(&bound))
            .unwrap()
            .1
    };
    assert_eq!(
        (bucket("0.25"), bucket("60"), bucket("+Inf")),
        (0.0, 2.0, 2.0)
    );
    assert!(series[&of("refills_total", "echo")] >= 5.0);
    let parked = of("parked", "echo");
    eventually("two parked workers", || scrape(&host)[&parked] == 2.0);
    assert!(
        series
            .keys()
            .any(|name| name.starts_with("leasehold_build_info{version="))
    );
}

#[test]
fn gauges_follow_a_call_and_restarts_are_counted() {
    let functions = some();
    let host = Host::start(functions.path());
    let held = support::gate::Gate::begin(&host, "echo", "held");
    let in_flight = of("in_flight", "echo");
    eventually("a running call", || scrape(&host)[&in_flight] == 1.0);
    assert_eq!(held.finish().unwrap().0, 200);
    eventually("its end", || scrape(&host)[&in_flight] == 0.0);
    let zygote = host.zygote("fail", &[]);
    kill_hard(zygote);
    host.zygote("fail", &[zygote]);
    let series = scrape(&host);
    assert_eq!(series[&of("zygote_restarts_total", "fail")], 1.0);
    assert_eq!(series[&of("zygote_restarts_total", "echo")], 0.0);
}

#[test]
fn clients_cannot_make_series() {
    let functions = some();
    let host = Host::start(functions.path());
    let before = scrape(&host);
    for number in 0..1000_u32 {
        let name = number.wrapping_mul(2_654_435_761);
        let (method, path) = match number % 4 {
            0 => ("GET", format!("/function/{name}")),
            1 => ("PUT", format!("/{name}?{name}")),
            2 => ("X-RANDOM", format!("/function/{name}/echo")),
            _ => ("POST", format!("/function/%22%7d{name}")),
        };
        let id = format!("id-{name}");
        let reply = host.request(method, &path, &[("x-call-id", &id)], &[]);
        assert_eq!(reply.status, 404, "{method} {path}");
    }
    let odd = [("x-call-id", "odd"), ("user-agent", "odd")];
    let reply = host.request("ODD", "/function/echo/odd?odd", &odd, b"x");
    assert_eq!(reply.status, 200);
    settle(&host, "echo", 1.0);
    let after = scrape(&host);
    assert!(before.keys().eq(after.keys()), "{after:?}");
    assert_eq!(after[&calls("-", "NotFound")], 1000.0);
    assert_eq!(after[&calls("echo", "Replied")], 1.0);
}

#[test]
fn metrics_are_served_in_the_form_that_is_asked_for() {
    let functions = some();
    let host = Host::start(functions.path());
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let prometheus = "text/plain; version=0.0.4; charset=utf-8";
    for (accept, kind) in [
        (open, open),
        ("*/*", prometheus),
        ("text/plain", prometheus),
    ] {
        let reply = ask(&host, "GET", "/metrics", accept);
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some(kind))
        );
        assert_eq!(reply.text().ends_with("# EOF\n"), kind == open);
        let head = ask(&host, "HEAD", "/metrics", accept);
        assert_eq!(
            (head.status, head.header("content-type")),
            (200, Some(kind))
        );
        assert!(head.body.is_empty());
    }
    assert_eq!(ask(&host, "POST", "/metrics", "*/*").status, 405);
    assert_eq!(ask(&host, "GET", "/metric", "*/*").status, 404);
}

#[test]
fn the_line_of_a_call_has_all_its_fields() {
    let functions = some();
    let host = Host::start(functions.path());
    host.request("POST", "/function/echo", &[("x-call-id", "good")], b"abc");
    host.request("POST", "/function/fail", &[("x-call-id", "bad")], &[]);
    host.request(
        "POST",
        "/function/small",
        &[("x-call-id", "large")],
        &[0; 17],
    );
    let good = host.burial("good");
    for field in [
        "timestamp",
        "level",
        "target",
        "message",
        "function",
        "call",
        "method",
        "outcome",
        "status",
        "bytes_in",
        "bytes_out",
        "queue_ms",
        "run_ms",
        "burial_ms",
        "cpu_ms",
        "peak_rss_kib",
    ] {
        assert!(!good[field].is_null(), "{field} in {good}");
    }
    assert_eq!(
        (&good["status"], &good["bytes_in"]),
        (&200.into(), &3.into())
    );
    for field in ["queue_ms", "run_ms", "burial_ms", "cpu_ms"] {
        let text = good[field].to_string();
        let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals);
        assert!(decimals.len() <= 3, "{field}: {text}");
    }
    assert_eq!(host.burial("bad")["detail"], "failed: exit status 3");
    assert_eq!(host.burial("large")["outcome"], "OverLimit");
}
