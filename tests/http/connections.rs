//! Connections: keep-alive, pipelining, what is no request, and HTTP/2.

use crate::support::raw::Raw;
use crate::support::{Functions, Host};

fn serve() -> (Functions, Host) {
    let functions = Functions::new();
    functions.shell("cat", "  pool: 4\n", "exec cat").shell(
        "path",
        "  pool: 4\n",
        "printf %s \"$Http_Path\"",
    );
    let host = Host::start(functions.path());
    (functions, host)
}

#[test]
fn one_connection_carries_many_requests_in_order() {
    let (_functions, host) = serve();
    let mut raw = Raw::connect(&host);
    for n in 0..3 {
        raw.send(format!(
            "GET /function/path/{n} HTTP/1.1\r\nhost: x\r\n\r\n"
        ));
        let reply = raw.response();
        assert_eq!((reply.status, reply.text()), (200, format!("/{n}")));
    }
    // All at once.
    let mut all = String::new();
    for n in 0..3 {
        all += &format!("GET /function/path/{n} HTTP/1.1\r\nhost: x\r\n\r\n");
        all += &format!("POST /function/cat HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n{n}");
    }
    raw.send(all);
    for n in 0..3 {
        assert_eq!(raw.response().text(), format!("/{n}"));
        assert_eq!(raw.response().text(), n.to_string());
    }
    raw.send("GET /function/path HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(raw.response().text(), "/");
    assert_eq!(raw.rest(), "");
}

#[test]
fn a_request_whose_end_is_in_doubt_is_refused() {
    let (_functions, host) = serve();
    let smuggled = "GET /function/path/smuggled HTTP/1.1\r\nhost: x\r\nx-call-id: smuggled\r\n\r\n";
    for framing in [
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "content-length: 5, 6\r\n\r\nhello",
        "content-length: +5\r\n\r\nhello",
        "content-length: -5\r\n\r\nhello",
        "content-length: 0x5\r\n\r\nhello",
        "content-length: 18446744073709551621\r\n\r\nhello",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: gzip\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "content-length : 5\r\n\r\nhello",
        "x: a\r\n folded: b\r\ncontent-length: 5\r\n\r\nhello",
        "x\0y: a\r\n\r\n",
    ] {
        let request = format!("POST /function/cat HTTP/1.1\r\nhost: x\r\n{framing}{smuggled}");
        let mut raw = Raw::send_to(&host, request);
        assert_eq!(raw.response().status, 400, "{framing:?}");
        assert_eq!(raw.rest(), "", "the connection goes on: {framing:?}");
    }
    // Broken chunks: the call's body has no end, and the connection ends.
    for chunks in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "-1\r\n\r\n",
    ] {
        let request = format!(
            "POST /function/cat HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{smuggled}"
        );
        let rest = Raw::send_to(&host, request).rest();
        assert!(!rest.contains("smuggled"), "{chunks:?}: {rest}");
        assert!(!rest.ends_with("\r\n0\r\n\r\n"), "{chunks:?}: {rest}");
    }
    assert!(!host.log().contains("smuggled"));
}

/// RFC 9112 6.3: chunked overrides a length, or the message is refused; never the length.
#[test]
fn a_length_beside_chunks_never_counts() {
    let (_functions, host) = serve();
    for headers in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
    ] {
        let request = format!(
            "POST /function/cat HTTP/1.1\r\nhost: x\r\n{headers}\r\n5\r\nhello\r\n0\r\n\r\n\
             GET /function/path/next HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        );
        let mut raw = Raw::send_to(&host, request);
        let reply = raw.response();
        if reply.status == 400 {
            assert_eq!(raw.rest(), "");
        } else {
            assert_eq!(reply.text(), "hello");
            // The RFC has the host close the connection then.
            assert_eq!(raw.rest(), "");
        }
    }
}

#[test]
fn heads_are_bounded() {
    let (_functions, host) = serve();
    let get = |more: &str| format!("GET /function/path HTTP/1.1\r\nhost: x\r\n{more}\r\n");
    let fits = get(&format!("x-large: {}\r\n", "x".repeat(30_000)));
    assert_eq!(Raw::send_to(&host, fits).response().status, 200);
    let mut raw = Raw::connect(&host);
    raw.try_send(get(&format!("x-huge: {}\r\n", "x".repeat(1 << 20))));
    assert_eq!(raw.response().status, 431);
    let many: String = (0..101).map(|n| format!("x-{n}: x\r\n")).collect();
    assert_eq!(Raw::send_to(&host, get(&many)).response().status, 431);
    // It goes on for others.
    assert_eq!(Raw::send_to(&host, get("")).response().status, 200);
}

#[test]
fn a_body_that_nobody_reads_does_not_disturb_the_next_request() {
    let (_functions, host) = serve();
    let body = "GET /function/path/smuggled HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2000);
    let mut raw = Raw::send_to(
        &host,
        format!(
            "POST /function/path HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ),
    );
    raw.try_send(body);
    assert_eq!(raw.response().text(), "/");
    // The connection goes on behind the body's end, or not at all.
    raw.try_send("GET /function/path/next HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let rest = raw.rest();
    assert!(rest.is_empty() || rest.contains("/next"), "{rest}");
    assert!(!rest.contains("smuggled"), "{rest}");
}

#[test]
fn http_1_0_is_served() {
    let (_functions, host) = serve();
    let mut raw = Raw::send_to(&host, "GET /function/path/old HTTP/1.0\r\n\r\n");
    let head = raw.head();
    assert_eq!((head.status, head.header("transfer-encoding")), (200, None));
    // Its end is the connection's.
    assert_eq!(raw.rest(), "/old");
}

#[test]
fn expect_continue_is_answered_before_the_body() {
    let (_functions, host) = serve();
    let mut raw = Raw::send_to(
        &host,
        "POST /function/cat HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n",
    );
    assert_eq!(raw.head().status, 100);
    raw.send("body");
    assert_eq!(raw.response().text(), "body");
    // Where nobody wants it, it is not asked for.
    let mut raw = Raw::send_to(
        &host,
        "POST /function/none HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n",
    );
    assert_eq!(raw.head().status, 404);
}
