//! The end of a host that serves: nothing that was accepted is lost.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::{Functions, Host, metrics};

/// A connection that is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(base: &str) -> Self {
        let stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The head of the response, in lower case.
    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "closed: {head}");
        }
        head.to_ascii_lowercase()
    }

    /// Head and body of a response with a length.
    fn response(&mut self) -> (String, String) {
        let head = self.head();
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    fn call(&mut self, function: &str) -> (String, String) {
        self.send(&format!(
            "GET /function/{function} HTTP/1.1\r\nHost: f\r\n\r\n"
        ));
        self.response()
    }
}

fn readiness(host: &Host) -> (String, String) {
    let mut connection = Connection::open(&host.admin);
    connection.send("GET /readyz HTTP/1.1\r\nHost: f\r\n\r\n");
    connection.response()
}

fn functions() -> Functions {
    let functions = Functions::new();
    functions.shell("cat", "", "exec cat");
    functions.python(
        "f",
        "  pool: 4\n",
        "def handle(event, context):\n    return 'f'\n",
    );
    functions
}

#[test]
fn what_has_begun_is_finished_and_the_rest_is_refused_in_words() {
    let functions = functions();
    let mut host = Host::start(functions.path());
    let mut kept = Connection::open(&host.base);
    assert_eq!(kept.call("f").1, "f");
    let mut running = Connection::open(&host.base);
    running.send("POST /function/cat HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n");
    running.send("6\r\nfirst\n\r\n");
    assert!(running.head().starts_with("http/1.1 200"));
    let mut line = String::new();
    while line.trim() != "first" {
        line.clear();
        assert_ne!(running.0.read_line(&mut line).unwrap(), 0);
    }
    // A second call that has not answered yet, so that the server has something to wait for.
    let mut waiting = Connection::open(&host.base);
    waiting.send("POST /function/cat HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n");
    waiting.send("4\r\nhalf\r\n");
    assert_eq!(kept.call("f").1, "f");

    host.signal(Signal::SIGTERM);
    host.wait_for(1, &["accepting no more calls"]);
    let (head, body) = readiness(&host);
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(body, "draining\n");
    let (head, body) = kept.call("f");
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(head.contains("connection: close\r\n"), "{head}");
    assert!(head.contains("application/problem+json"), "{head}");
    assert!(body.contains("going-down"), "{body}");
    assert_eq!(kept.0.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert_eq!(
        metrics::scrape(&host)[&metrics::calls("-", "GoingDown")],
        1.0
    );
    let address = host.base.trim_start_matches("http://");
    assert!(TcpStream::connect(address).is_err());

    for (connection, text) in [(&mut running, "last"), (&mut waiting, "rest")] {
        connection.send(&format!("4\r\n{text}\r\n0\r\n\r\n"));
        let mut answer = String::new();
        connection.0.read_to_string(&mut answer).unwrap();
        assert!(
            answer.contains(text) && answer.ends_with("0\r\n\r\n"),
            "{answer}"
        );
    }
    assert_eq!(host.child.wait().unwrap().code(), Some(0));
    assert_eq!(host.log().matches("\"outcome\":\"Replied\"").count(), 4);
}

#[test]
fn a_delay_serves_on_though_it_is_not_ready_and_a_second_signal_ends_at_once() {
    let functions = functions();
    let mut host = Host::start_with(functions.path(), &["--drain-delay", "1h"]);
    host.signal(Signal::SIGTERM);
    host.wait_for(1, &["not ready any more"]);
    assert_eq!(readiness(&host).1, "draining\n");
    assert_eq!(host.call("f", "").text(), "f");
    host.signal(Signal::SIGTERM);
    assert_eq!(host.child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_grace_ends() {
    let functions = functions();
    let mut host = Host::start_with(functions.path(), &["--grace", "10ms"]);
    let mut running = Connection::open(&host.base);
    running.send("POST /function/cat HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n");
    running.send("4\r\nhalf\r\n");
    assert!(running.head().starts_with("http/1.1 200"));
    host.signal(Signal::SIGTERM);
    host.wait_for(1, &["still running at the end of the grace period"]);
    assert_eq!(host.child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_end_under_load_loses_no_call() {
    const CLIENTS: usize = 8;
    let functions = functions();
    let mut host = Host::start(functions.path());
    let begun = Barrier::new(CLIENTS + 1);
    let client = || {
        let mut connection = Connection::open(&host.base);
        let mut calls = 0;
        loop {
            let (head, body) = connection.call("f");
            if head.starts_with("http/1.1 503") {
                assert!(body.contains("going-down"), "{body}");
                assert!(head.contains("connection: close\r\n"), "{head}");
                return calls;
            }
            assert!(head.starts_with("http/1.1 200"), "{head}\n{body}");
            assert_eq!(body, "f");
            calls += 1;
            if calls == 20 {
                begun.wait();
            }
            if head.contains("connection: close\r\n") {
                return calls;
            }
        }
    };
    let calls: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        begun.wait();
        host.signal(Signal::SIGTERM);
        clients.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(host.child.wait().unwrap().code(), Some(0));
    let logged = host.log().matches("\"outcome\":\"Replied\"").count();
    assert_eq!(logged, calls);
}
