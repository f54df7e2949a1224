//! `leasehold top`, against a running host.

use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::support::{Host, leasehold};
use super::{known_calls, some};

fn top(admin: &str, args: &[&str]) -> Output {
    let mut command = leasehold();
    command.args(["top", "--admin", admin, "--interval", "100ms"]);
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

fn address(host: &Host) -> &str {
    host.admin.trim_start_matches("http://")
}

#[test]
fn top_reports_the_counters() {
    let functions = some();
    let host = Host::start(functions.path());
    known_calls(&host);
    let output = top(address(&host), &["--once", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let find = |name: &str| {
        let mut functions = shown["functions"].as_array().unwrap().iter();
        functions.find(|row| row["function"] == name).unwrap()
    };
    assert!(shown["intervalSeconds"].as_f64().unwrap() >= 0.1);
    assert_eq!(find("echo")["calls"]["Replied"], 5);
    assert_eq!(find("fail")["calls"]["Failed"], 3);
    assert_eq!(find("slow")["calls"]["TimedOut"], 2);
    assert_eq!(find("small")["calls"]["OverLimit"], 2);
    assert_eq!(find("-")["calls"]["NotFound"], 4);
    assert_eq!(
        (&find("echo")["ready"], &find("broken")["ready"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        (&find("echo")["inFlight"], &find("-")["ready"]),
        (&0.into(), &Value::Null)
    );

    let output = top(address(&host), &["--once"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        table.contains("FUNCTION") && !table.contains('\u{1b}'),
        "{table}"
    );
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("broken") && line.contains("NO"))
    );
}

#[test]
fn top_goes_on_until_it_is_interrupted() {
    let functions = some();
    let host = Host::start(functions.path());
    let mut child = leasehold()
        .args([
            "top",
            "--json",
            "--interval",
            "100ms",
            "--admin",
            address(&host),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = 0.0;
    for _ in 0..100 {
        host.call("echo", "x");
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let mut rows = line["functions"].as_array().unwrap().iter();
        let row = rows.find(|row| row["function"] == "echo").unwrap();
        if row["callsPerSecond"].as_f64().unwrap() > 0.0 && row["p99Seconds"].is_f64() {
            seen += 1.0;
        }
        if seen >= 3.0 {
            break;
        }
    }
    assert!(seen >= 3.0, "calls were not seen");
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn top_without_a_host_says_what_to_do() {
    let functions = some();
    let host = Host::start(functions.path());
    // The port of functions is no admin port.
    let output = top(host.address(), &["--once"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        error.contains("no admin port") && error.contains("--admin"),
        "{error}"
    );
    let gone = address(&host).to_owned();
    assert!(host.stop().success());
    let output = top(&gone, &[]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        error.contains("no host answers") && error.contains("leasehold serve"),
        "{error}"
    );
}
