//! What a function may say in its response's head, and what is made of what it may not.

use crate::support::raw::Raw;
use crate::support::{Functions, Host};

/// Evaluates its request's body as its result.
const EVALUATE: &str = "def handle(e, c):\n    return eval(e.body)\n";

fn evaluate() -> (Functions, Host) {
    let functions = Functions::new();
    functions.python("evaluate", "  pool: 4\n", EVALUATE);
    let host = Host::start(functions.path());
    (functions, host)
}

#[test]
fn statuses_and_headers_of_the_functions_own() {
    let (_functions, host) = evaluate();
    let reply = host.call(
        "evaluate",
        r#"("body", 201, [("X-A", "1"), ("x-a", "2"), ("Content-Type", "text/x"), ("location", "/é")])"#,
    );
    assert_eq!((reply.status, reply.text().as_str()), (201, "body"));
    let all: Vec<_> = reply.headers.iter().filter(|h| h.0 == "x-a").collect();
    assert_eq!(all.len(), 2);
    assert_eq!(reply.header("content-type"), Some("text/x"));
    assert_eq!(reply.header("location"), Some("/é"));
    for status in [200, 204, 304, 404, 418, 599] {
        let reply = host.call("evaluate", format!("('', {status})"));
        assert_eq!(reply.status, status);
        assert_eq!(reply.outcome(), Some("Replied"));
    }
}

#[test]
fn a_head_that_is_not_one_fails_the_call() {
    let (_functions, host) = evaluate();
    for (result, cause) in [
        ("('', 99)", "the status 99"),
        ("('', 100)", "the status 100"),
        ("('', 199)", "the status 199"),
        ("('', 600)", "the status 600"),
        ("('', 1000)", "the status 1000"),
        ("('', 65736)", "status"),
        ("('', -1)", "status"),
        ("('', 'abc')", "ValueError"),
        (
            "('', 200, {'x': 'a\\r\\nset-cookie: evil'})",
            "control characters",
        ),
        ("('', 200, {'x': 'a\\nb'})", "control characters"),
        ("('', 200, {'x': 'a\\0b'})", "NUL"),
        ("('', 200, {'x\\r\\ny': 'a'})", "not the name of a header"),
        ("('', 200, {'x y': 'a'})", "not the name of a header"),
        ("('', 200, {'': 'a'})", "not the name of a header"),
        ("('', 200, [('x', str(n)) for n in range(129)])", "headers"),
    ] {
        let reply = host.call("evaluate", result);
        assert_eq!(reply.status, 500, "{result}: {}", reply.text());
        assert_eq!(reply.outcome(), Some("Failed"), "{result}");
        assert_eq!(reply.header("set-cookie"), None);
        let problem = reply.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(cause), "{result}: {detail}");
    }
}

#[test]
fn framing_is_the_hosts() {
    let (_functions, host) = evaluate();
    for header in [
        "'Content-Length': '3'",
        "'content-length': '300'",
        "'Transfer-Encoding': 'chunked'",
        "'Transfer-Encoding': 'identity'",
        "'Connection': 'close'",
        "'Keep-Alive': 'timeout=1'",
        "'Upgrade': 'h2c'",
        "'Trailer': 'x'",
        "'Leasehold-Outcome': 'Crashed'",
        "'Leasehold-Call-Id': 'forged'",
    ] {
        let body = format!("('whole body', 200, {{{header}}})");
        let mut raw = Raw::connect(&host);
        // Twice on one connection: the second proves where the first has ended.
        for _ in 0..2 {
            raw.send(format!(
                "POST /function/evaluate HTTP/1.1\r\nhost: x\r\nx-call-id: mine\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            ));
            let reply = raw.response();
            assert_eq!((reply.status, reply.text().as_str()), (200, "whole body"));
            assert_eq!(reply.header("content-length"), Some("10"), "{header}");
            assert_eq!(reply.outcome(), Some("Replied"));
            assert_eq!(reply.header("leasehold-call-id"), Some("mine"));
            for dropped in [
                "transfer-encoding",
                "connection",
                "keep-alive",
                "upgrade",
                "trailer",
            ] {
                assert_eq!(reply.header(dropped), None, "{header}");
            }
        }
    }
}
