//! Every outcome, as the client and the log see it.

use crate::support::raw::Raw;
use crate::support::{Functions, Host, Reply};

/// Calls a function that does not reply, and checks what client and log are told.
fn ended(host: &Host, function: &str, status: u16, outcome: &str, kind: &str) -> Reply {
    let id = format!("{function}-{outcome}");
    let path = format!("/function/{function}");
    let reply = host.request("POST", &path, &[("x-call-id", &id)], b"");
    assert_eq!(reply.status, status, "{function}: {}", reply.text());
    assert_eq!(reply.outcome(), Some(outcome));
    assert_eq!(reply.header("leasehold-call-id"), Some(id.as_str()));
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    let problem = reply.json();
    let kind = format!("https://leasehold.dev/problems/{kind}");
    assert_eq!(problem["type"], kind.as_str());
    assert_eq!(problem["status"], status);
    assert_eq!(problem["function"], function);
    assert_eq!(problem["callId"], id.as_str());
    assert_eq!(problem["outcome"], outcome);
    for field in ["title", "detail", "hint"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()));
    }
    let record = host.burial(&id);
    assert_eq!(record["outcome"], outcome);
    assert_eq!(record["function"], function);
    reply
}

fn detail(reply: &Reply) -> String {
    reply.json()["detail"].as_str().unwrap().to_owned()
}

#[test]
fn exec_functions_end_in_every_way() {
    let functions = Functions::new();
    functions
        .shell("exits", "", "exit 3")
        .shell("crashes", "", "kill -SEGV $$")
        .shell("denied", "", "kill -SYS $$")
        .shell(
            "slow",
            "  limits: {timeout: 300ms}",
            "read -r never_comes; exec tail -f /dev/null",
        )
        .shell(
            "large",
            "  limits: {responseBody: 1000}",
            "head -c 1001 /dev/zero",
        )
        .shell("quiet", "", ":")
        .add(
            "nothing",
            "  runtime: exec\n  command: [./run]\n  profile: shell",
            &[("run", "#!/no/such/interpreter\n")],
        );
    let host = Host::start(functions.path());
    let exits = ended(&host, "exits", 500, "Failed", "failed");
    assert_eq!(detail(&exits), "exits failed: exit status 3");
    let crashes = ended(&host, "crashes", 502, "Crashed", "crashed");
    assert_eq!(detail(&crashes), "crashes crashed: killed by signal 11");
    ended(&host, "denied", 500, "Denied", "denied");
    let slow = ended(&host, "slow", 504, "TimedOut", "timed-out");
    assert_eq!(detail(&slow), "slow killed after 0.3 s");
    let large = ended(&host, "large", 502, "OverLimit", "over-limit");
    assert_eq!(detail(&large), "large went over limits.responseBody");
    let nothing = ended(&host, "nothing", 500, "Failed", "failed");
    assert!(
        detail(&nothing).contains("cannot execute"),
        "{}",
        nothing.text()
    );
    let quiet = host.call("quiet", "");
    assert_eq!((quiet.status, quiet.body.len()), (200, 0));
    assert_eq!(quiet.outcome(), Some("Replied"));
}

#[test]
fn python_functions_end_in_every_way() {
    let functions = Functions::new();
    functions
        .python("raises", "", "def handle(e, c):\n    return 1 / 0\n")
        .python(
            "exits",
            "",
            "import sys\ndef handle(e, c):\n    sys.exit(4)\n",
        )
        .python(
            "leaves",
            "",
            "import os\ndef handle(e, c):\n    os._exit(0)\n",
        )
        .python(
            "crashes",
            "",
            "import ctypes\ndef handle(e, c):\n    ctypes.string_at(8)\n",
        )
        .python(
            "traces",
            "",
            "import ctypes\ndef handle(e, c):\n    ctypes.CDLL(None).ptrace(0, 0, 0, 0)\n",
        )
        .python(
            "slow",
            "  limits: {timeout: 300ms}",
            "import signal\ndef handle(e, c):\n    while True: signal.pause()\n",
        )
        .python(
            "spins",
            "  limits: {cpu: 1s}",
            "def handle(e, c):\n    while True: pass\n",
        )
        .python(
            "large",
            "  limits: {responseBody: 1000}",
            "def handle(e, c):\n    return b'x' * 1001\n",
        );
    let host = Host::start(functions.path());
    let raises = ended(&host, "raises", 500, "Failed", "failed");
    assert!(detail(&raises).contains("ZeroDivisionError"));
    let exits = ended(&host, "exits", 500, "Failed", "failed");
    assert!(detail(&exits).contains("sys.exit(4)"));
    ended(&host, "leaves", 502, "Crashed", "crashed");
    ended(&host, "crashes", 502, "Crashed", "crashed");
    ended(&host, "traces", 500, "Denied", "denied");
    ended(&host, "slow", 504, "TimedOut", "timed-out");
    let spins = ended(&host, "spins", 502, "OverLimit", "over-limit");
    assert_eq!(detail(&spins), "spins went over limits.cpu");
    ended(&host, "large", 502, "OverLimit", "over-limit");
}

#[test]
fn a_request_over_its_limit_is_refused_in_either_framing() {
    let functions = Functions::new();
    let limit = "  limits: {requestBody: 1000}";
    functions
        .shell("echo", limit, "exec cat")
        .shell("count", limit, "wc -c")
        .python(
            "data",
            limit,
            "def handle(e, c):\n    return str(len(e.data))\n",
        );
    let host = Host::start(functions.path());
    for function in ["count", "data"] {
        let fits = host.call(function, [b'x'; 1000]);
        assert_eq!((fits.status, fits.text().trim()), (200, "1000"));
        let over = host.call(function, [b'x'; 1001]);
        assert_eq!(over.status, 413, "{function}: {}", over.text());
        assert_eq!(over.outcome(), Some("OverLimit"));
        assert_eq!(
            over.json()["detail"],
            format!("{function} went over limits.requestBody")
        );

        let head = format!(
            "POST /function/{function} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let mut raw = Raw::send_to(&host, head);
        raw.send_chunk(&[b'x'; 1000]);
        raw.send_chunk(b"x");
        let over = raw.response();
        assert_eq!(over.status, 413);
        assert_eq!(over.outcome(), Some("OverLimit"));
    }
    // A client that sends all of it before it listens is told as well, whoever refuses.
    for (path, status) in [("count", 413), ("data", 413), ("none", 404)] {
        let path = format!("/function/{path}");
        for _ in 0..3 {
            let refused = host.request("POST", &path, &[], &vec![b'x'; 4 << 20]);
            assert_eq!(refused.status, status);
        }
    }
    // The announced length alone is enough: no byte of the body is sent.
    let announced = "POST /function/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n";
    assert_eq!(Raw::send_to(&host, announced).response().status, 413);

    // Once the reply has begun, the stream is broken off instead.
    let head = "POST /function/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
                x-call-id: late\r\n\r\n";
    let mut raw = Raw::send_to(&host, head);
    raw.send_chunk(&[b'x'; 1000]);
    assert_eq!(raw.head().status, 200);
    assert_eq!(raw.chunks(1000).len(), 1000);
    raw.send_chunk(b"x");
    assert_eq!(raw.chunk(), None);
    assert_eq!(host.burial("late")["outcome"], "OverLimit");
}

#[test]
fn what_fails_after_the_head_breaks_the_stream_off() {
    let functions = Functions::new();
    functions
        .shell("exits", "", "echo first; read -r line; exit 1")
        .shell("crashes", "", "echo first; read -r line; kill -SEGV $$")
        .shell(
            "large",
            "  limits: {responseBody: 1000}",
            "echo first; read -r line; head -c 1000 /dev/zero",
        )
        .shell(
            "slow",
            "  limits: {timeout: 500ms}",
            "echo first; read -r line; exec tail -f /dev/null",
        )
        .python(
            "raises",
            "",
            "def handle(e, c):\n    yield 'first\\n'\n    yield 'x' * 100_000\n    1 / 0\n",
        );
    let host = Host::start(functions.path());
    for (function, outcome) in [
        ("exits", "Failed"),
        ("crashes", "Crashed"),
        ("large", "OverLimit"),
        ("slow", "TimedOut"),
        ("raises", "Failed"),
    ] {
        let head = format!(
            "POST /function/{function} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
             x-call-id: {function}\r\n\r\n"
        );
        let mut raw = Raw::send_to(&host, head);
        if function == "raises" {
            raw.send("0\r\n\r\n");
        }
        let head = raw.head();
        assert_eq!((head.status, head.outcome()), (200, Some("Replied")));
        assert_eq!(raw.chunks(6)[..6], *b"first\n");
        raw.try_send("1\r\n\n\r\n");
        let rest = raw.rest();
        assert!(!rest.ends_with("0\r\n\r\n"), "{function} ended in order");
        let record = host.burial(function);
        assert_eq!(record["outcome"], outcome, "{function}");
        assert_eq!(record["status"], 200);
    }
}
