//! `protocol: cgi`: what a script is told by RFC 3875, and what its output becomes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;

use support::raw::Raw;
use support::{Functions, Host, Reply};

fn cgi(functions: &Functions, name: &str, more: &str, script: &str) {
    let limits = if more.contains("limits:") {
        ""
    } else {
        "  limits: {processes: 8, timeout: 20s}\n"
    };
    functions.shell(name, &format!("  protocol: cgi\n{limits}{more}"), script);
}

/// A document of the environment, NUL-separated.
const ENVIRONMENT: &str = "printf 'Content-Type: a/b\\n\\n'; exec env -0";

fn environment(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = reply.text();
    let variables = text
        .split_terminator('\0')
        .map(|variable| variable.split_once('=').expect("NAME=VALUE"))
        // The shell's own, and what every function has.
        .filter(|(name, _)| !["PWD", "SHLVL", "_", "OLDPWD", "PATH"].contains(name))
        .filter(|(name, _)| !["HOME", "TMPDIR", "TMP", "TEMP"].contains(name));
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_environment_is_that_of_rfc_3875() {
    let functions = Functions::new();
    cgi(
        &functions,
        "env",
        "  env: {SERVER_NAME: mine}\n",
        ENVIRONMENT,
    );
    cgi(&functions, "bare", "", ENVIRONMENT);
    let host = Host::start(functions.path());
    let sent = "PUT /function/env/a%20b//c?q=%20&r HTTP/1.1\r\nhost: books.test:8080\r\n\
                x-call-id: id\r\nx-Twice: 1\r\nx-twice: 2\r\nx_twice: evil\r\nproxy: evil\r\n\
                PROXY: evil\r\ncookie: a=1\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\
                connection: keep-alive\r\n\r\nabc";
    let variables = environment(&Raw::send_to(&host, sent).response());
    let version = concat!("leasehold/", env!("CARGO_PKG_VERSION"));
    let expected = [
        ("CONTENT_LENGTH", "3"),
        ("CONTENT_TYPE", "text/plain"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("HTTP_COOKIE", "a=1"),
        ("HTTP_HOST", "books.test:8080"),
        ("HTTP_X_CALL_ID", "id"),
        ("HTTP_X_TWICE", "1, 2"),
        ("LEASEHOLD_CALL_ID", "id"),
        ("PATH_INFO", "/a b//c"),
        ("QUERY_STRING", "q=%20&r"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REQUEST_METHOD", "PUT"),
        ("SCRIPT_NAME", "/function/env"),
        // What the function sets for itself stays.
        ("SERVER_NAME", "mine"),
        ("SERVER_PORT", "8080"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_SOFTWARE", version),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(variables, BTreeMap::from(expected));

    // Neither a length nor a kind that the client has not sent; a query always.
    let sent = "GET /function/bare HTTP/1.1\r\nhost: x\r\n\r\n";
    let variables = environment(&Raw::send_to(&host, sent).response());
    assert!(!variables.contains_key("CONTENT_LENGTH"), "{variables:?}");
    assert!(!variables.contains_key("CONTENT_TYPE"), "{variables:?}");
    assert_eq!(variables["QUERY_STRING"], "");
    assert_eq!(variables["PATH_INFO"], "/");
    assert_eq!(variables["SERVER_NAME"], "x");
}

#[test]
fn a_document_has_a_head_and_a_body() {
    let functions = Functions::new();
    cgi(
        &functions,
        "document",
        "",
        "printf 'Status: 418 Teapot\\r\\nContent-Ty'; printf 'pe: text/tea\\r\\nX-A: 1\\r\\nX-A: 2\\r\\n'
         printf 'Content-Length: 9999\\r\\nLeasehold-Outcome: Evil\\r\\nConnection: close\\r\\n\\r\\n'
         printf '%s\\n\\n' \"$REQUEST_METHOD\"; exec cat",
    );
    cgi(
        &functions,
        "local",
        "",
        "printf 'Location: /function/document?x\\n\\n'",
    );
    cgi(
        &functions,
        "away",
        "",
        "printf 'Location: http://a.test/\\nStatus: 303 See Other\\nContent-Type: a/b\\n\\nover there'",
    );
    cgi(&functions, "nothing", "", "printf 'Status: 204\\n\\n'");
    cgi(
        &functions,
        "streams",
        "",
        "printf 'Content-Type: a/b\\n\\nfirst'; read -r line; printf '%s' \"$line\"",
    );
    let host = Host::start(functions.path());

    let reply = host.call("document", "the body");
    assert_eq!((reply.status, reply.outcome()), (418, Some("Replied")));
    assert_eq!(reply.text(), "POST\n\nthe body");
    assert_eq!(reply.header("content-type"), Some("text/tea"));
    let twice = reply.headers.iter().filter(|(name, _)| name == "x-a");
    assert_eq!(twice.count(), 2);
    // What frames the message is the host's own, and so is what it says of the call.
    assert_ne!(reply.header("content-length"), Some("9999"));
    // A redirect goes to the client, a local one as well: the host follows none.
    let raw = |name| {
        let sent = format!("GET /function/{name} HTTP/1.1\r\nhost: x\r\n\r\n");
        Raw::send_to(&host, sent).response()
    };
    let local = raw("local");
    assert_eq!(local.status, 302);
    assert_eq!(local.header("location"), Some("/function/document?x"));
    let away = raw("away");
    assert_eq!((away.status, away.text().as_str()), (303, "over there"));
    assert_eq!(host.call("nothing", "").status, 204);

    // The head is out before the script has ended: it waits for the body.
    let mut raw = Raw::send_to(
        &host,
        "POST /function/streams HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    assert_eq!(raw.head().header("content-type"), Some("a/b"));
    assert_eq!(raw.chunks(5), b"first");
    raw.send_chunk(b"second\n");
    raw.send_chunk(b"");
    assert_eq!(raw.chunks(6), b"second");
    assert_eq!(raw.chunk(), Some(Vec::new()));
}

#[test]
fn a_head_that_is_none_fails_the_call() {
    let functions = Functions::new();
    let heads = [
        ("empty", "exit 0", "ended without a whole head"),
        (
            "unended",
            "printf 'Content-Type: a/b\\n'",
            "ended without a whole head",
        ),
        ("bodyonly", "printf '\\nbody'", "none of Content-Type"),
        ("plain", "echo just text; echo", "is no header"),
        (
            "split",
            "printf 'X-A: 1\\rX-B: 2\\nContent-Type: a/b\\n\\n'",
            "control characters",
        ),
        (
            "twice",
            "printf 'Status: 200\\nStatus: 201\\n\\n'",
            "Status twice",
        ),
        ("informal", "printf 'Status: 100 Continue\\n\\n'", "200–599"),
        (
            "long",
            "yes 'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
            "longer than 65536",
        ),
    ];
    for (name, script, _) in heads {
        cgi(&functions, name, "", script);
    }
    let host = Host::start(functions.path());
    for (name, _, why) in heads {
        let reply = host.call(name, "");
        assert_eq!(
            (reply.status, reply.outcome()),
            (500, Some("Failed")),
            "{name}"
        );
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{name}: {detail}");
    }
}

#[test]
fn a_script_that_ends_badly_has_no_reply_of_its_own() {
    let functions = Functions::new();
    cgi(
        &functions,
        "fails",
        "",
        "printf 'Content-Type: a/b\\n'; exit 3",
    );
    cgi(
        &functions,
        "crashes",
        "",
        "printf 'Content-Type: a/b\\n'; kill -SEGV $$",
    );
    cgi(
        &functions,
        "hangs",
        "  limits: {processes: 8, timeout: 300ms}\n",
        "printf 'Content-Type: a/b\\n'; exec tail -f /dev/null",
    );
    cgi(
        &functions,
        "floods",
        "  limits: {processes: 8, responseBody: 100}\n",
        // One write: the head is not out before the body is seen.
        "printf 'Content-Type: a/b\\n\\n%0200d' 0",
    );
    cgi(
        &functions,
        "late",
        "",
        "printf 'Content-Type: a/b\\n\\nbegun'; read -r line; exit 3",
    );
    let host = Host::start(functions.path());
    for (name, status, outcome) in [
        ("fails", 500, "Failed"),
        ("crashes", 502, "Crashed"),
        ("hangs", 504, "TimedOut"),
        ("floods", 502, "OverLimit"),
    ] {
        let reply = host.call(name, "");
        assert_eq!(
            (reply.status, reply.outcome()),
            (status, Some(outcome)),
            "{name}"
        );
    }
    // After the first byte the connection is broken off.
    let mut raw = Raw::send_to(
        &host,
        "POST /function/late HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    assert_eq!(raw.head().status, 200);
    assert_eq!(raw.chunks(5), b"begun");
    raw.send_chunk(b"go on\n");
    assert_eq!(raw.chunk(), None);
}

#[test]
fn sixteen_at_once_each_have_their_own() {
    let functions = Functions::new();
    cgi(
        &functions,
        "echo",
        "  pool: {min: 2, max: 16}\n  concurrency: 16\n",
        "printf 'Content-Type: a/b\\nX-Query: %s\\n\\n' \"$QUERY_STRING\"; ls -A | wc -l; touch left; exec cat",
    );
    let host = Host::start(functions.path());
    std::thread::scope(|scope| {
        for client in 0..16 {
            let host = &host;
            scope.spawn(move || {
                for round in 0..12 {
                    let mark = format!("{client}-{round}");
                    let path = format!("/function/echo?{mark}");
                    let reply = host.request("POST", &path, &[], mark.as_bytes());
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    assert_eq!(reply.header("x-query"), Some(mark.as_str()));
                    assert_eq!(reply.text(), format!("0\n{mark}"));
                }
            });
        }
    });
}
