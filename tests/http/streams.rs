//! Bodies that are streamed both ways, and clients that go away.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::raw::Raw;
use crate::support::{Functions, Host};

const CHUNKED: &str = "HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n";

fn echo() -> (Functions, Host) {
    let functions = Functions::new();
    let spec =
        "  runtime: exec\n  command: [/bin/cat]\n  profile: compute\n  limits: {timeout: 20s}";
    functions.add("echo", spec, &[]);
    let host = Host::start(functions.path());
    (functions, host)
}

#[test]
fn an_answer_comes_while_the_request_is_still_being_sent() {
    let (_functions, host) = echo();
    let mut raw = Raw::send_to(&host, format!("POST /function/echo {CHUNKED}\r\n"));
    for round in 0..20 {
        let sent = format!("round {round}\n");
        raw.send_chunk(sent.as_bytes());
        if round == 0 {
            let head = raw.head();
            assert_eq!(head.status, 200);
            assert_eq!(head.header("content-length"), None);
        }
        // The next round is not sent before this one is back.
        assert_eq!(raw.chunks(sent.len()), sent.as_bytes());
    }
    raw.send("0\r\n\r\n");
    assert_eq!(raw.chunk().as_deref(), Some(&b""[..]));
}

#[test]
fn large_bodies_arrive_as_they_went() {
    let functions = Functions::new();
    functions
        .add(
            "echo",
            "  runtime: exec\n  command: [/bin/cat]\n  profile: compute",
            &[],
        )
        .python("python", "", "def handle(e, c):\n    return e.body\n")
        .python(
            "pieces",
            "",
            "def handle(e, c):\n    for at in range(0, len(e.body), 70_000):\n        \
             yield e.body[at:at + 70_000]\n",
        );
    let host = Host::start(functions.path());
    // Never the same twice within it, so that nothing can be lost, doubled or moved.
    let body: Vec<u8> = (0..1u64 << 20).flat_map(u64::to_le_bytes).collect();
    for function in ["echo", "python", "pieces"] {
        let reply = host.call(function, &body);
        assert_eq!(reply.status, 200, "{function}");
        assert!(reply.body == body, "{function}: {} bytes", reply.body.len());
    }
}

#[test]
fn a_slow_client_holds_the_function_back() {
    // It counts what it has been able to write on its standard error, which is the log.
    let functions = Functions::new();
    functions.python(
        "pours",
        "  limits: {timeout: 20s}",
        "def handle(e, c):\n    for n in range(256):\n        yield b'x' * 65536\n        print(n)\n",
    );
    let host = Host::start(functions.path());
    let mut raw = Raw::send_to(
        &host,
        "GET /function/pours HTTP/1.1\r\nhost: x\r\nx-call-id: pours\r\n\r\n",
    );
    assert_eq!(raw.head().status, 200);
    // Nothing else of the reply is read. That the function stalls cannot be waited for, but others
    // like it can, that go on to their end meanwhile.
    for _ in 0..3 {
        assert_eq!(host.call("pours", "").body.len(), 256 * 65536);
    }
    let written = host
        .records()
        .iter()
        .filter(|record| record["target"] == "function" && record["call"] == "pours")
        .count();
    assert!(written < 256, "nothing held it back: {written} pieces");
    assert_eq!(raw.chunks(256 * 65536).len(), 256 * 65536);
    assert_eq!(raw.chunk().as_deref(), Some(&b""[..]));
    assert_eq!(host.burial("pours")["outcome"], "Replied");
}

#[test]
fn a_generators_pieces_go_out_one_by_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let functions = Functions::new();
    // It yields a piece, then waits for the client's word that the piece has come.
    let code = format!(
        "import socket\ndef handle(e, c):\n    word = socket.create_connection((\"127.0.0.1\", {port}))\n    \
         for n in range(5):\n        yield f\"piece {{n}}\\n\"\n        assert word.recv(1) == b\"x\"\n"
    );
    functions.python("pieces", "  profile: talks\n", &code);
    let profiles = tempfile::tempdir().unwrap();
    std::fs::write(
        profiles.path().join("talks.yaml"),
        format!(
            "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: talks}}\nspec:\n  \
             extends: [python]\n  connect: [{{port: {port}, why: its client's word}}]\n"
        ),
    )
    .unwrap();
    let host = Host::start_with(
        functions.path(),
        &["--profiles", profiles.path().to_str().unwrap()],
    );
    let mut raw = Raw::send_to(&host, "GET /function/pieces HTTP/1.1\r\nhost: x\r\n\r\n");
    let (mut word, _) = listener.accept().unwrap();
    assert_eq!(raw.head().status, 200);
    for n in 0..5 {
        let piece = format!("piece {n}\n");
        assert_eq!(raw.chunks(piece.len()), piece.as_bytes());
        word.write_all(b"x").unwrap();
    }
    assert_eq!(raw.chunk().as_deref(), Some(&b""[..]));
    // The function's end is the end of all that it holds.
    assert_eq!(word.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_client_that_goes_away_ends_its_call() {
    let functions = Functions::new();
    functions
        .shell("waits", "", "echo begun >&2; exec tail -f /dev/null")
        .shell("streams", "", "echo begun >&2; echo first; exec tail -f /dev/null")
        .shell("reads", "", "echo begun >&2; exec cat >/dev/null")
        .python(
            "python",
            "",
            "import signal\ndef handle(e, c):\n    print('begun')\n    while True: signal.pause()\n",
        );
    let host = Host::start(functions.path());
    for function in ["waits", "streams", "reads", "python"] {
        let head =
            format!("POST /function/{function} HTTP/1.1\r\nhost: x\r\nx-call-id: {function}\r\n");
        let body = if function == "reads" {
            "content-length: 10\r\n\r\nhalf"
        } else {
            "content-length: 0\r\n\r\n"
        };
        let mut raw = Raw::send_to(&host, head + body);
        host.line(function, "begun");
        if function == "streams" {
            assert_eq!(raw.head().status, 200);
            assert_eq!(raw.chunks(6), b"first\n");
        }
        drop(raw);
        assert_eq!(host.burial(function)["outcome"], "Abandoned", "{function}");
    }
}

#[test]
fn head_runs_a_streaming_function_to_its_end() {
    let functions = Functions::new();
    functions.shell("streams", "", "head -c 200000 /dev/zero; echo end >&2");
    let host = Host::start(functions.path());
    let path = "/function/streams";
    let reply = host.request("HEAD", path, &[("x-call-id", "head")], b"");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(host.burial("head")["outcome"], "Replied");
    assert_eq!(host.printed("head"), ["end"]);
}
