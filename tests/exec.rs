//! The contract of `exec` functions: what a program finds, and what becomes of what it does.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use support::raw::Raw;
use support::{Functions, Host, descendants, leasehold, memory};

/// Prints its environment, NUL-separated.
const ENVIRONMENT: &str = "exec env -0";

fn environment(reply: &support::Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = reply.text();
    let mut variables: BTreeMap<_, _> = text
        .split_terminator('\0')
        .map(|variable| variable.split_once('=').expect("NAME=VALUE"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    // The shell's own.
    for name in ["PWD", "SHLVL", "_", "OLDPWD"] {
        variables.remove(name);
    }
    variables
}

#[test]
fn the_environment_is_the_contracts_and_nothing_of_the_hosts() {
    let functions = Functions::new();
    functions
        .shell(
            "env",
            "  env: {GREETING: hello, LANG: C.UTF-8}\n",
            ENVIRONMENT,
        )
        .shell("own", "  env: {HOME: /home, PATH: /usr/bin}\n", ENVIRONMENT);
    let mut command = leasehold();
    command.env("HOST_SECRET", "s3cr3t").env("GREETING", "bad");
    let state = tempfile::tempdir_in(memory()).unwrap();
    let host = Host::start_as(command, functions.path(), &[], state);

    let sent = "PUT /function/env/a%20b//c%zz?q=%20&r HTTP/1.1\r\nhost: h:1\r\nx-call-id: id\r\n\
                x-MIXED-case: 1\r\nx-twice: first\r\nx-twice: second\r\nunder_score: u\r\n\
                content-type: text/plain\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n";
    let reply = Raw::send_to(&host, sent).response();
    let variables = environment(&reply);
    let scratch = variables["HOME"].clone();
    let expected = [
        ("GREETING", "hello"),
        ("HOME", &scratch),
        ("Http_Call_Id", "id"),
        ("Http_Content_Length", "0"),
        ("Http_Content_Type", "text/plain"),
        ("Http_Host", "h:1"),
        ("Http_Method", "PUT"),
        ("Http_Path", "/a b//c%zz"),
        ("Http_Query", "q=%20&r"),
        ("Http_Under_score", "u"),
        ("Http_X_Call_Id", "id"),
        ("Http_X_Mixed_Case", "1"),
        ("Http_X_Twice", "first"),
        ("LANG", "C.UTF-8"),
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("TEMP", &scratch),
        ("TMP", &scratch),
        ("TMPDIR", &scratch),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(variables, BTreeMap::from(expected));

    // A header cannot pass for the call's own fields, nor for a proxy, in whatever case.
    let hostile: Vec<_> = [
        "proxy", "method", "path", "query", "call-id", "PROXY", "call_id",
    ]
    .into_iter()
    .map(|name| (name, "evil"))
    .collect();
    let reply = host.request("GET", "/function/env", &hostile, b"");
    assert!(!reply.text().contains("evil"), "{}", reply.text());
    let variables = environment(&reply);
    assert_eq!(variables["Http_Path"], "/");
    assert!(!variables.contains_key("Http_Query"));

    let chunked =
        "POST /function/env HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let variables = environment(&Raw::send_to(&host, chunked).response());
    assert_eq!(variables["Http_Transfer_Encoding"], "chunked");
    assert!(!variables.contains_key("Http_Content_Length"));

    let variables = environment(&host.call("own", ""));
    assert_eq!(variables["HOME"], "/home");
    assert_eq!(variables["PATH"], "/usr/bin");
    assert!(variables["TMPDIR"].starts_with('/'));
}

#[test]
fn arguments_arrive_as_they_are_written() {
    let functions = Functions::new();
    let spec = |command: &str| format!("  runtime: exec\n  profile: shell\n  command: {command}");
    functions
        .add(
            "script",
            &spec(r#"[./run.sh, "two words", "", "*", "$HOME", "ü\n"]"#),
            &[("run.sh", "#!/bin/sh\nprintf '<%s>' \"$@\"\n")],
        )
        .add("absolute", &spec(r#"[/bin/echo, "-n", a, "b  c"]"#), &[])
        .add(
            "named",
            &spec("[/bin/sh, -c, 'printf %s \"$0\"', zero]"),
            &[],
        );
    let host = Host::start(functions.path());
    assert_eq!(
        host.call("script", "").text(),
        "<two words><><*><$HOME><ü\n>"
    );
    assert_eq!(host.call("absolute", "").text(), "a b  c");
    assert_eq!(host.call("named", "").text(), "zero");
}

#[test]
fn the_scratch_is_the_calls_own_and_goes_with_it() {
    let functions = Functions::new();
    functions.shell(
        "scratch",
        "",
        "pwd -P; printf '%s\\n' \"$HOME\" \"$TMPDIR\" \"$TMP\" \"$TEMP\"; ls -A | wc -l\n\
         mkdir -p deep/er && echo x >deep/er/file && ln -s / link && mktemp >/dev/null\n\
         chmod 0 deep; umask; umask 0; : >open; stat -c %a open",
    );
    let host = Host::start(functions.path());
    let mut seen = Vec::new();
    for call in ["one", "two", "three"] {
        let path = "/function/scratch";
        let reply = host.request("POST", path, &[("x-call-id", call)], b"");
        let text = reply.text();
        let lines: Vec<_> = text.lines().collect();
        let scratch = lines[0].to_owned();
        assert_eq!(lines[1..5], [&scratch, &scratch, &scratch, &scratch]);
        assert_eq!(lines[5..], ["0", "0022", "666"], "{text}");
        assert!(scratch.starts_with(host.state.to_str().unwrap()));
        host.burial(call);
        assert!(!fs::exists(&scratch).unwrap(), "{scratch} is still there");
        assert!(!seen.contains(&scratch));
        seen.push(scratch);
    }
}

#[test]
fn standard_input_is_the_body_to_its_end() {
    let functions = Functions::new();
    functions
        .shell("count", "", "wc -c; wc -c")
        .shell("deaf", "", "exec <&-; echo heard nothing")
        .shell("cat", "", "exec cat");
    let host = Host::start(functions.path());
    let counted = host.call("count", [0; 100_000]).text();
    assert_eq!(
        counted.split_whitespace().collect::<Vec<_>>(),
        ["100000", "0"]
    );
    assert_eq!(host.call("count", "").text().trim(), "0\n0");
    // A function that reads nothing answers all the same, however much there would be.
    for _ in 0..3 {
        let reply = host.call("deaf", vec![b'x'; 4 << 20]);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, "heard nothing\n")
        );
    }
    let every: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    assert!(host.call("cat", &every).body == every);
}

#[test]
fn standard_error_is_the_log_line_by_line_and_bounded() {
    let functions = Functions::new();
    functions
        .shell(
            "speaks",
            "",
            "echo one >&2; printf 'two\\033[2J\\n' >&2; echo out; printf 'no end' >&2",
        )
        .shell(
            "shouts",
            "  limits: {stderr: 1000, processes: 4}\n",
            "yes 123456789 | head -n 1000 >&2; echo done",
        )
        .shell("fails", "", "echo why >&2; exit 1");
    let host = Host::start(functions.path());
    let call = |name: &str, id: &str| {
        host.request(
            "POST",
            &format!("/function/{name}"),
            &[("x-call-id", id)],
            b"",
        )
    };
    assert_eq!(call("speaks", "s").text(), "out\n");
    assert_eq!(host.printed("s"), ["one", "two\\u{1b}[2J", "no end"]);
    let record = host.record("the first line", |record| record["line"] == "one");
    assert_eq!(record["function"], "speaks");
    assert_eq!(record["message"], "stderr");

    // What is over the bound is swallowed; the function does not notice.
    assert_eq!(call("shouts", "loud").text(), "done\n");
    let printed = host.printed("loud");
    assert_eq!(printed.len(), 101);
    assert!(printed[..100].iter().all(|line| line == "123456789"));
    assert!(printed[100].contains("limits.stderr"));

    assert_eq!(call("fails", "f").status, 500);
    assert_eq!(host.printed("f"), ["why"]);
}

#[test]
fn a_child_that_holds_the_output_open_delays_nothing() {
    let functions = Functions::new();
    functions.shell(
        "leaves",
        "",
        "tail -f /dev/null & setsid tail -f /dev/null & echo answered",
    );
    let host = Host::start(functions.path());
    for call in ["one", "two"] {
        let path = "/function/leaves";
        let reply = host.request("POST", path, &[("x-call-id", call)], b"");
        assert_eq!((reply.status, reply.text().as_str()), (200, "answered\n"));
        assert_eq!(host.burial(call)["outcome"], "Replied");
        let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let left = descendants(host.pid()).into_iter().map(name);
        assert_eq!(left.filter(|name| name.trim() == "tail").count(), 0);
    }
}

#[test]
fn only_the_three_streams_are_open() {
    let functions = Functions::new();
    // Without /proc, a shell can tell an open descriptor by duplicating it.
    functions.shell(
        "open",
        "",
        "n=0; while [ $n -lt 256 ]; do (eval \": <&$n\") 2>/dev/null && echo $n; n=$((n+1)); done",
    );
    functions.python(
        "python",
        "  profile: python-shell\n",
        "import os, subprocess\nASK = '''\nn=0; while [ $n -lt 256 ]\ndo (eval \": <&$n\") \
         2>/dev/null && echo $n; n=$((n+1)); done'''\ndef handle(e, c):\n    \
         return subprocess.run(['/bin/sh', '-c', ASK], close_fds=False, stdout=subprocess.PIPE).stdout\n",
    );
    let host = Host::start(functions.path());
    for function in ["open", "python"] {
        let reply = host.call(function, "");
        // A shell reads its script by a descriptor of its own, which no command of it inherits.
        let open: Vec<_> = reply.text().lines().map(ToOwned::to_owned).collect();
        assert_eq!(
            open.iter().filter(|fd| *fd != "10").collect::<Vec<_>>(),
            ["0", "1", "2"]
        );
    }
}

#[test]
fn what_is_printed_just_before_the_end_arrives() {
    let functions = Functions::new();
    let spec = "  runtime: exec\n  command: [/bin/echo, answered]\n  profile: shell\n  pool: 8";
    functions.add("echo", spec, &[]);
    let host = Host::start(functions.path());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for round in 0..40 {
                    let reply = host.call("echo", "");
                    assert_eq!(
                        (reply.status, reply.text().as_str()),
                        (200, "answered\n"),
                        "in round {round}"
                    );
                }
            });
        }
    });
}
