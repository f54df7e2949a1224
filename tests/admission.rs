//! How many calls run, how many wait, and who is refused; secrets and at-exit hooks.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use support::gate::Gate;
use support::process::eventually;
use support::{Functions, Host, metrics};

/// A call whose function has begun and waits for the end of its body.
struct Held(TcpStream);

impl Held {
    /// Sends a request whose body has not ended, and waits for the first byte of the reply.
    fn begin(host: &Host, function: &str, id: &str) -> Self {
        let address = host.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST /function/{function} HTTP/1.1\r\nHost: x\r\nX-Call-Id: {id}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
        )
        .unwrap();
        let mut held = Self(stream);
        held.read_until("\r\n\r\n");
        held
    }

    fn read_until(&mut self, mark: &str) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(mark.as_bytes()) {
            self.0.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Ends the body, and waits for the reply's end.
    fn end(mut self) {
        self.0.write_all(b"0\r\n\r\n").unwrap();
        self.read_until("0\r\n\r\n");
    }
}

#[test]
fn beyond_concurrency_and_queue_calls_are_refused_and_others_are_not() {
    let functions = Functions::new();
    let more = "  limits: {timeout: 20s, processes: 4}\n  pool: {min: 1, max: 2}\n  concurrency: 2\n  queue: 0\n";
    functions.shell("held", more, "exec cat").shell(
        "other",
        "  limits: {processes: 4}\n",
        "echo other",
    );
    let host = Host::start(functions.path());
    let (one, two) = (
        Held::begin(&host, "held", "one"),
        Held::begin(&host, "held", "two"),
    );
    let refused = host.call("held", "");
    assert_eq!(
        (refused.status, refused.outcome()),
        (429, Some("Overloaded"))
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(
        refused.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(host.call("other", "").text(), "other\n");
    one.end();
    two.end();
    // The places are free once the calls are buried.
    for call in ["one", "two"] {
        host.burial(call);
    }
    assert_eq!(host.call("held", "again").text(), "again");
}

#[test]
fn a_call_in_the_queue_waits_its_turn() {
    let functions = Functions::new();
    let more = "  limits: {timeout: 20s, processes: 4}\n  pool: 1\n  concurrency: 1\n  queue: 8\n";
    functions.shell("held", more, "exec cat");
    let host = Host::start(functions.path());
    let first = Held::begin(&host, "held", "first");
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| host.call("held", "later")))
            .collect();
        first.end();
        for call in waiting {
            assert_eq!(call.join().unwrap().text(), "later");
        }
    });
}

#[test]
fn the_hosts_workers_are_shared() {
    let functions = Functions::new();
    let more = "  limits: {timeout: 20s, processes: 4}\n  pool: {min: 1, max: 8}\n";
    for name in ["a", "b", "c"] {
        functions.shell(name, more, "exec cat");
    }
    // One worker fewer than there are functions: whoever is called still gets one.
    let host = Host::start_with(functions.path(), &["--max-workers", "2"]);
    for round in 0..3 {
        for name in ["a", "b", "c"] {
            assert_eq!(host.call(name, "x").text(), "x", "{name}, round {round}");
        }
    }
}

#[test]
fn a_function_that_takes_all_it_can_leaves_others_what_they_need() {
    let functions = Functions::new();
    let more = "  limits: {timeout: 20s, processes: 4}\n  pool: {min: 1, max: 8}\n";
    functions
        .shell("greedy", more, "exec cat")
        .shell("quiet", more, "exec cat");
    let host = Host::start_with(functions.path(), &["--max-workers", "4"]);
    let parked = metrics::of("parked", "quiet");
    eventually("a worker of its own", || {
        metrics::scrape(&host)[&parked] == 1.0
    });
    // All workers but that one, and calls that wait for more.
    let held = ["one", "two", "three"].map(|id| Held::begin(&host, "greedy", id));
    let waiting = ["four", "five"].map(|id| Gate::begin(&host, "greedy", id));
    let queued = metrics::of("queued", "greedy");
    eventually("calls that wait", || metrics::scrape(&host)[&queued] == 2.0);
    for round in 0..20 {
        assert_eq!(host.call("quiet", "x").text(), "x", "round {round}");
    }
    assert_eq!(metrics::scrape(&host)[&queued], 2.0, "they wait no more");
    held.into_iter().for_each(Held::end);
    for call in waiting {
        assert_eq!(call.finish().unwrap().0, 200);
    }
}

#[test]
fn a_secret_is_readable_to_those_that_list_it_only() {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), "s3cret").unwrap();
    std::fs::write(secrets.path().join("other"), "0ther").unwrap();
    let path = secrets.path().display().to_string();
    let functions = Functions::new();
    let code = format!(
        "def handle(event, context):\n    said = []\n    for name in ('token', 'other'):\n        try:\n            said.append(open('{path}/' + name).read())\n        except OSError as error:\n            said.append(type(error).__name__)\n    return said\n"
    );
    functions
        .python("listed", "  secrets: [token]\n", &code)
        .python("unlisted", "", &code)
        .python("missing", "  secrets: [nowhere]\n", &code);
    let host = Host::start_with(functions.path(), &["--secrets", &path]);
    assert_eq!(
        host.call("listed", "").text(),
        "[\"s3cret\", \"PermissionError\"]\n"
    );
    assert_eq!(
        host.call("unlisted", "").text(),
        "[\"PermissionError\", \"PermissionError\"]\n"
    );
    let refused = host.call("missing", "");
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("secret"), "{}", refused.text());
}

#[test]
fn lingering_lets_hooks_run_after_the_reply() {
    let code = "import atexit, sys\ndef handle(event, context):\n    atexit.register(lambda: print('flushed', flush=True))\n    return 'ok'\n";
    let functions = Functions::new();
    functions
        .python("patient", "  linger: 2s\n", code)
        .python("hasty", "", code);
    let host = Host::start(functions.path());
    for name in ["patient", "hasty"] {
        let path = format!("/function/{name}");
        let reply = host.request("POST", &path, &[("x-call-id", name)], b"");
        assert_eq!(reply.text(), "ok");
        host.burial(name);
    }
    let log = host.log();
    let flushed: Vec<_> = log
        .lines()
        .filter(|line| line.contains("flushed"))
        .collect();
    assert_eq!(flushed.len(), 1, "{log}");
    assert!(flushed[0].contains("patient"));
}
