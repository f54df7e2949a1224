//! The witness that looks for what the call before it has left: nothing, or without isolation
//! everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use serde_json::Value;
use support::process::{hold, mark};
use support::{Functions, Host, examples};

/// Adds a copy of the example under a name of its own, with one call at a time: the next begins when
/// the one before is buried.
fn add_leak(functions: &Functions, name: &str, isolation: &str) {
    let handler = fs::read_to_string(examples().join("leak/handler.py")).unwrap();
    let more = format!(
        "  profile: python-shell\n  limits: {{timeout: 10s, processes: 8}}\n  pool: 1\n  concurrency: 1\n  \
         isolation: {isolation}"
    );
    functions.python(name, &more, &handler);
}

fn ask(host: &Host, function: &str, query: &str) -> Value {
    let reply = host.request("GET", &format!("/function/{function}?{query}"), &[], b"");
    assert_eq!(reply.status, 200, "{function}?{query}: {}", reply.text());
    reply.json()
}

/// Removes what was planted, also when the test fails.
struct Sweep<'a>(&'a Host, &'a str, String);

impl Drop for Sweep<'_> {
    fn drop(&mut self) {
        let Self(host, function, key) = self;
        let path = format!("/function/{function}?key={key}&sweep=1");
        let _swept = host.try_request("POST", &path, &[], b"");
    }
}

fn names(answer: &Value, field: &str) -> Vec<String> {
    serde_json::from_value(answer[field].clone()).unwrap()
}

fn daemon(answer: &Value) -> u32 {
    let pid = answer["daemon"].as_u64();
    u32::try_from(pid.unwrap_or_else(|| panic!("no daemon was planted: {answer}"))).unwrap()
}

/// The ways in which the example tries to leave something.
const CHANNELS: usize = 20;

#[test]
fn the_example_finds_nothing() {
    let host = Host::start(&examples());
    let key = mark();
    // Its pool is two: the third call has a slot that was used.
    let mut earlier = 0;
    for round in 0..4 {
        let answer = ask(&host, "leak", &format!("key={key}&pid={earlier}"));
        assert_eq!(names(&answer, "found"), [""; 0], "call {round}: {answer}");
        earlier = daemon(&answer);
    }
}

#[test]
fn nothing_is_left_in_the_same_place() {
    let functions = Functions::new();
    add_leak(&functions, "leak", "call");
    let host = Host::start(functions.path());
    let key = mark();
    let mut earlier = 0;
    for round in 0..3 {
        let answer = ask(&host, "leak", &format!("key={key}&pid={earlier}"));
        assert_eq!(names(&answer, "found"), [""; 0], "call {round}: {answer}");
        assert!(names(&answer, "planted").len() >= 6, "it did try: {answer}");
        // This call had to wait until the call before was buried.
        if earlier != 0 {
            let alive = hold([earlier]).living();
            assert_eq!(alive, [0; 0], "call {round}: a daemon outlived its call");
        }
        earlier = daemon(&answer);
    }
}

#[test]
fn two_functions_at_once_leave_nothing_to_each_other() {
    let functions = Functions::new();
    add_leak(&functions, "one", "call");
    add_leak(&functions, "other", "call");
    let host = Host::start(functions.path());
    let key = mark();
    std::thread::scope(|scope| {
        for function in ["one", "other"] {
            let (host, key) = (&host, &key);
            scope.spawn(move || {
                let mut earlier = 0;
                for round in 0..4 {
                    let answer = ask(host, function, &format!("key={key}&pid={earlier}"));
                    let found = names(&answer, "found");
                    assert_eq!(found, [""; 0], "{function}, call {round}: {answer}");
                    earlier = daemon(&answer);
                }
            });
        }
    });
}

/// The control: without isolation every channel works.
#[test]
fn everything_is_left_without_isolation_but_not_to_an_isolated_neighbour() {
    let functions = Functions::new();
    add_leak(&functions, "open", "none");
    add_leak(&functions, "closed", "call");
    let host = Host::start_with(functions.path(), &["--allow-unisolated"]);
    let key = mark();
    let sweep = Sweep(&host, "open", key.clone());

    let first = ask(&host, "open", &format!("key={key}"));
    assert_eq!(names(&first, "found"), [""; 0], "{first}");
    assert_eq!(names(&first, "planted").len(), CHANNELS, "{first}");
    let daemon = hold([daemon(&first)]);

    let neighbour = ask(
        &host,
        "closed",
        &format!("key={key}&pid={}", first["daemon"]),
    );
    assert_eq!(names(&neighbour, "found"), [""; 0], "{neighbour}");

    let second = ask(&host, "open", &format!("key={key}"));
    assert_eq!(
        names(&second, "found"),
        names(&first, "planted"),
        "{second}"
    );
    assert_eq!(daemon.living().len(), 1, "the daemon lives on");

    let swept = ask(&host, "open", &format!("key={key}&sweep=1"));
    assert_eq!(names(&swept, "swept"), names(&first, "planted"), "{swept}");
    daemon.wait();
    drop(sweep);
    let after = ask(&host, "closed", &format!("key={key}"));
    assert_eq!(names(&after, "found"), [""; 0], "{after}");
}
