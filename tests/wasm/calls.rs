//! What a command is given, and the outcome for each way in which it may end.

use std::collections::BTreeMap;

use super::command::{ECHO, add, command, data};
use crate::support::{Functions, Host, Reply};

/// Prints the strings that `sizes` and `get` tell of.
fn strings(sizes: &str, get: &str) -> String {
    format!(
        "(if (call {sizes} (i32.const 16) (i32.const 20)) (then unreachable))
         (if (call {get} (i32.const 1024) (i32.const 8192)) (then unreachable))
         (call $put (i32.const 8192) (i32.load (i32.const 20)))"
    )
}

fn lines(reply: &Reply) -> Vec<String> {
    let text = reply.text();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn the_body_comes_in_and_the_output_is_the_response() {
    let functions = Functions::new();
    add(&functions, "echo", "", &command("", ECHO));
    add(&functions, "mute", "", &command("", ""));
    add(
        &functions,
        "deaf",
        "",
        &command(
            "(data (i32.const 64) \"heard nothing\")",
            "(call $put (i32.const 64) (i32.const 13))",
        ),
    );
    let host = Host::start(functions.path());
    for body in [
        Vec::new(),
        b"a".to_vec(),
        (0..=255).cycle().take(300_000).collect(),
    ] {
        let reply = host.call("echo", &body);
        assert_eq!((reply.status, reply.outcome()), (200, Some("Replied")));
        assert!(reply.body == body, "{} bytes", body.len());
    }
    assert_eq!(host.call("mute", "x").body, b"");
    assert_eq!(host.call("deaf", vec![0; 4 << 20]).text(), "heard nothing");
}

#[test]
fn arguments_and_environment_are_the_contracts() {
    let functions = Functions::new();
    let args = "  command: [./it.wasm, \"two words\", \"\", ü]\n";
    add(
        &functions,
        "args",
        args,
        &command("", &strings("$args_sizes_get", "$args_get")),
    );
    let environment = command("", &strings("$environ_sizes_get", "$environ_get"));
    add(
        &functions,
        "env",
        "  env: {GREETING: hello, TMP: /elsewhere}\n",
        &environment,
    );
    let host = Host::start(functions.path());
    assert_eq!(
        lines(&host.call("args", "")),
        ["./it.wasm", "two words", "", "ü"]
    );
    let headers = [
        ("x-shelf", "lower left"),
        ("x-call-id", "id"),
        ("proxy", "evil"),
    ];
    let reply = host.request("PUT", "/function/env/a%20b?q=1", &headers, b"");
    let variables: BTreeMap<_, _> = lines(&reply)
        .into_iter()
        .map(|it| {
            it.split_once('=')
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .unwrap()
        })
        .filter(|(name, _)| {
            ![
                "Http_Host",
                "Http_Accept",
                "Http_User_Agent",
                "Http_Accept_Encoding",
            ]
            .contains(&name.as_str())
        })
        .collect();
    let expected = [
        ("GREETING", "hello"),
        ("HOME", "/tmp"),
        ("Http_Call_Id", "id"),
        ("Http_Content_Length", "0"),
        ("Http_Method", "PUT"),
        ("Http_Path", "/a b"),
        ("Http_Query", "q=1"),
        ("Http_X_Call_Id", "id"),
        ("Http_X_Shelf", "lower left"),
        ("TEMP", "/tmp"),
        ("TMP", "/elsewhere"),
        ("TMPDIR", "/tmp"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(variables, BTreeMap::from(expected));
}

/// Calls `function`, and checks outcome, status and what the detail contains.
fn assert_ends(host: &Host, function: &str, outcome: &str, status: u16, detail: &str) {
    let reply = host.call(function, "");
    assert_eq!(
        reply.outcome(),
        Some(outcome),
        "{function}: {}",
        reply.text()
    );
    assert_eq!(reply.status, status, "{function}");
    let told = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(told.contains(detail), "{function}: {told}");
}

#[test]
fn every_end_has_its_outcome() {
    /// Grows by 16 MiB until that is refused.
    const GROW: &str =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 256)) (i32.const -1))))";
    let functions = Functions::new();
    let of = |name: &str, more: &str, start: &str| {
        add(
            &functions,
            name,
            more,
            &command("(func $deep (call $deep) (call $deep))", start),
        );
    };
    of("exits", "", "(call $proc_exit (i32.const 3))");
    of("exits-well", "", "(call $proc_exit (i32.const 0))");
    of("exits-badly", "", "(call $proc_exit (i32.const 1000))");
    of("unreachable", "", "unreachable");
    of(
        "divides",
        "",
        "(drop (i32.div_u (i32.const 1) (i32.load (i32.const 64))))",
    );
    of("outside", "", "(i32.store (i32.const 65536) (i32.const 1))");
    of("deep", "", "(call $deep)");
    let limits = "  limits: {timeout: 20s, memory: 64Mi}\n";
    of("grows", limits, &format!("{GROW} unreachable"));
    of(
        "grows-and-exits",
        limits,
        &format!("{GROW} (call $proc_exit (i32.const 1))"),
    );
    of("grows-and-copes", limits, GROW);
    // What is within the limit of the guest, and with the worker's own memory is not within the kernel's.
    of(
        "grows-to-it",
        limits,
        "(if (i32.eq (memory.grow (i32.const 1020)) (i32.const -1)) (then unreachable))",
    );
    of(
        "loops",
        "  limits: {timeout: 500ms}\n",
        "(loop $for_ever (br $for_ever))",
    );
    of(
        "sleeps",
        "  limits: {timeout: 500ms}\n",
        "(call $sleep (i64.const 3600000000000))",
    );
    of("naps", "", "(call $sleep (i64.const 20000000))");
    of(
        "computes",
        "  limits: {cpu: 1s}\n",
        "(loop $for_ever (br $for_ever))",
    );
    let host = Host::start(functions.path());
    assert_ends(&host, "exits", "Failed", 500, "exit status 3");
    assert_ends(&host, "exits-badly", "Crashed", 502, "exit status");
    assert_ends(&host, "unreachable", "Crashed", 502, "unreachable");
    assert_ends(&host, "divides", "Crashed", 502, "divide by zero");
    assert_ends(
        &host,
        "outside",
        "Crashed",
        502,
        "out of bounds memory access",
    );
    assert_ends(&host, "deep", "Crashed", 502, "call stack exhausted");
    for function in ["grows", "grows-and-exits", "grows-to-it"] {
        assert_ends(&host, function, "OverLimit", 502, "limits.memory");
    }
    assert_ends(&host, "loops", "TimedOut", 504, "killed");
    assert_ends(&host, "sleeps", "TimedOut", 504, "killed");
    assert_ends(&host, "computes", "OverLimit", 502, "limits.cpu");
    for function in ["exits-well", "grows-and-copes", "naps"] {
        assert_eq!(
            host.call(function, "").outcome(),
            Some("Replied"),
            "{function}"
        );
    }
}

#[test]
fn a_trap_is_logged_with_its_stack() {
    let functions = Functions::new();
    let module = command("(func $inner unreachable)", "(call $inner)");
    add(&functions, "traps", "", &module);
    let host = Host::start(functions.path());
    let reply = host.request("POST", "/function/traps", &[("x-call-id", "t")], b"");
    assert_eq!(reply.outcome(), Some("Crashed"));
    let printed = host.printed("t").join("\n");
    for word in ["inner", "wasm trap"] {
        assert!(printed.contains(word), "{printed}");
    }
}

#[test]
fn a_reply_that_has_begun_is_broken_off() {
    let functions = Functions::new();
    let start = "(call $put (i32.const 64) (i32.const 64000)) (call $put (i32.const 64) (i32.const 64000)) unreachable";
    add(&functions, "begins", "", &command("", start));
    let host = Host::start(functions.path());
    assert!(
        host.try_request("POST", "/function/begins", &[("x-call-id", "b")], b"")
            .is_err()
    );
    assert_eq!(host.burial("b")["outcome"], "Crashed");
}

#[test]
fn a_command_may_speak_cgi() {
    let functions = Functions::new();
    let text = "Status: 418 short\nContent-Type: text/plain\n\nand stout";
    let print = format!("(call $put (i32.const 512) (i32.const {}))", text.len());
    let protocol = "  protocol: cgi\n";
    add(
        &functions,
        "pot",
        protocol,
        &command(&data(512, text), &print),
    );
    let environment = strings("$environ_sizes_get", "$environ_get");
    let head = "Content-Type: text/plain\n\n";
    let print = format!("(call $put (i32.const 512) (i32.const {}))", head.len());
    let start = format!("{print} {environment}");
    add(
        &functions,
        "env",
        protocol,
        &command(&data(512, head), &start),
    );
    let host = Host::start(functions.path());
    let reply = host.call("pot", "");
    assert_eq!((reply.status, reply.text().as_str()), (418, "and stout"));
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    let reply = host.request("GET", "/function/env/a?q", &[], b"");
    for variable in [
        "GATEWAY_INTERFACE=CGI/1.1",
        "REQUEST_METHOD=GET",
        "QUERY_STRING=q",
    ] {
        assert!(
            lines(&reply).contains(&variable.to_owned()),
            "{}",
            reply.text()
        );
    }
}

#[test]
fn sixteen_at_once_get_their_own_answers() {
    let functions = Functions::new();
    add(&functions, "echo", "  pool: 8\n", &command("", ECHO));
    let host = Host::start(functions.path());
    std::thread::scope(|scope| {
        for client in 0..16 {
            let host = &host;
            scope.spawn(move || {
                for call in 0..25 {
                    let body = format!("{client} {call} ").repeat(1 + client * 100);
                    let reply = host.call("echo", &body);
                    assert_eq!((reply.status, reply.text()), (200, body));
                }
            });
        }
    });
}

#[test]
fn without_isolation_calls_work_too() {
    let functions = Functions::new();
    add(
        &functions,
        "echo",
        "  isolation: none\n",
        &command("", ECHO),
    );
    add(
        &functions,
        "traps",
        "  isolation: none\n",
        &command("", "unreachable"),
    );
    let host = Host::start_with(functions.path(), &["--allow-unisolated"]);
    for body in ["one", "two"] {
        assert_eq!(host.call("echo", body).text(), body);
        assert_ends(&host, "traps", "Crashed", 502, "unreachable");
    }
}
