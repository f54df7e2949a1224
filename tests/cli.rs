//! The command line: what it prints, and how it exits.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use support::{Functions, Host, leasehold, memory};

/// Runs it to its end, with `input` as standard input.
fn run(args: &[&str], input: &[u8]) -> Output {
    let mut child = leasehold()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that ends early does not read all of it.
    let _unread = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Runs a command on a folder of functions.
fn on(functions: &Path, args: &[&str], input: &[u8]) -> Output {
    let state = tempfile::tempdir_in(memory()).unwrap();
    let places = [
        "--functions",
        functions.to_str().unwrap(),
        "--state",
        state.path().to_str().unwrap(),
    ];
    run(&[args, &places].concat(), input)
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn some() -> Functions {
    let functions = Functions::new();
    functions
        .shell("cat", "", "echo to the log >&2; exec cat")
        .shell(
            "call",
            "",
            "echo \"$Http_Method $Http_Path $Http_Query $Http_X_A\"",
        )
        .shell("fails", "", "exit 3")
        .python(
            "teapot",
            "",
            "def handle(e, c):\n    return 'short', 418, {'x-kind': 'stout'}\n",
        );
    functions
}

#[test]
fn every_command_explains_itself() {
    for command in [
        "serve",
        "check",
        "run",
        "list",
        "profile",
        "completions",
        "man",
    ] {
        let output = run(&[command, "--help"], b"");
        assert!(output.status.success());
        assert!(out(&output).contains("Usage: leasehold "), "{command}");
        assert!(out(&run(&["--help"], b"")).contains(command));
    }
    for (option, variable) in [
        ("--listen", "LEASEHOLD_LISTEN"),
        ("--functions", "LEASEHOLD_FUNCTIONS"),
        ("--state", "LEASEHOLD_STATE"),
        ("--allow-unisolated", "LEASEHOLD_ALLOW_UNISOLATED"),
    ] {
        let help = out(&run(&["serve", "--help"], b""));
        assert!(help.contains(option) && help.contains(variable), "{help}");
    }
    assert!(out(&run(&["--version"], b"")).starts_with("leasehold "));
    let wrong = run(&["sirve"], b"");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).contains("serve"), "{}", err(&wrong));
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell], b"");
        assert!(output.status.success());
        assert!(out(&output).contains("allow-unisolated"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    assert!(run(&["man", path], b"").status.success());
    for (page, part) in [
        ("leasehold.1", "Serves functions"),
        ("leasehold-serve.1", "admin"),
        ("leasehold-profile-explain.1", "disassembled"),
    ] {
        let text = std::fs::read_to_string(directory.path().join(page)).unwrap();
        assert!(
            text.starts_with(".ie") || text.contains(".TH"),
            "{page}: {text}"
        );
        assert!(text.contains(part), "{page}: {text}");
    }
    let nowhere = run(&["man", "/nonexistent"], b"");
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(err(&nowhere).contains("cannot write the manual pages"));
}

#[test]
fn list_names_functions_and_mistakes() {
    let functions = some();
    functions.add("wrong", "  runtime: exec\n  comand: [x]", &[]);
    let output = on(functions.path(), &["list"], b"");
    assert!(output.status.success());
    let text = out(&output);
    let row = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.unwrap().split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(
        row("NAME"),
        ["NAME", "RUNTIME", "PROFILE", "ISOLATION", "POOL"]
    );
    assert_eq!(row("cat"), ["cat", "exec", "shell", "call", "2–8"]);
    assert_eq!(row("teapot"), ["teapot", "python", "python", "call", "2–8"]);
    assert_eq!(row("wrong"), ["wrong", "-", "-", "-", "-"]);
    assert!(text.contains("    unknown field `comand`"), "{text}");

    let output = on(functions.path(), &["list", "--json"], b"");
    assert!(output.status.success());
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let named = |name: &str| {
        let rows = rows.as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap().clone()
    };
    assert_eq!(named("cat")["path"], "/function/cat");
    assert_eq!(named("cat")["error"], Value::Null);
    assert_eq!(named("teapot")["runtime"], "python");
    assert!(named("wrong")["error"].as_str().unwrap().contains("comand"));
}

#[test]
fn check_tells_whether_all_is_enforced() {
    let functions = some();
    let output = on(functions.path(), &["check"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).starts_with("Linux "), "{}", out(&output));
    let full = out(&output)
        .lines()
        .filter(|line| line.split_whitespace().any(|word| word == "full"))
        .count();
    assert_eq!(full, 4);

    functions
        .python("broken", "", "raise ValueError('no luck')\n")
        .add("wrong", "  runtime: exec\n  comand: [x]", &[])
        .shell("plain", "  isolation: none\n", "echo");
    let output = on(functions.path(), &["check", "--json"], b"");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["kernel"]["landlockAbi"].as_u64().unwrap() > 0);
    let named = |name: &str| {
        let functions = report["functions"].as_array().unwrap();
        functions
            .iter()
            .find(|f| f["name"] == name)
            .unwrap()
            .clone()
    };
    for (name, enforcement, trouble) in [
        ("broken", "not-ready", "ValueError: no luck"),
        ("wrong", "refused", "comand"),
        ("plain", "refused", "--allow-unisolated"),
    ] {
        assert_eq!(named(name)["enforcement"], enforcement);
        let told = named(name)["trouble"].as_str().unwrap().to_owned();
        assert!(told.contains(trouble), "{told}");
    }
    assert_eq!(named("cat")["enforcement"], "full");
    assert_eq!(named("cat")["trouble"], Value::Null);
    assert!(out(&on(functions.path(), &["check"], b"")).contains("ValueError: no luck"));
}

#[test]
fn run_is_one_call_by_pipe() {
    let functions = some();
    let call =
        |args: &[&str], input: &[u8]| on(functions.path(), &[&["run"], args].concat(), input);
    let body: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let output = call(&["cat"], &body);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(output.stdout == body);
    assert!(err(&output).contains("to the log"));

    let told = call(
        &[
            "call",
            "--method",
            "GET",
            "--path",
            "/a%20b?q=1",
            "-H",
            "X-A: 7",
        ],
        b"",
    );
    assert_eq!(out(&told), "GET /a b q=1 7\n");

    let teapot = call(&["teapot", "--include"], b"");
    assert_eq!(
        (teapot.status.code(), out(&teapot).as_str()),
        (Some(1), "short")
    );
    assert!(err(&teapot).contains("418"), "{}", err(&teapot));
    assert!(err(&teapot).contains("x-kind: stout"), "{}", err(&teapot));

    let fails = call(&["fails"], b"");
    assert_eq!((fails.status.code(), out(&fails).as_str()), (Some(1), ""));
    assert!(err(&fails).contains("leasehold: fails failed: exit status 3"));

    let unknown = call(&["dog"], b"");
    assert_eq!(unknown.status.code(), Some(1));
    let told = err(&unknown);
    assert!(told.contains("there is no function `dog`"), "{told}");
    assert!(told.contains("cat") && told.contains("teapot"), "{told}");
    assert_eq!(
        call(&["call", "-H", "no colon"], b"").status.code(),
        Some(2)
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let functions = some();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (option, other) in [("--listen", "--admin"), ("--admin", "--listen")] {
        let args = ["serve", option, &address, other, "127.0.0.1:0"];
        let output = on(functions.path(), &args, b"");
        assert_eq!(output.status.code(), Some(1));
        let told = err(&output);
        assert!(
            told.contains(&format!("cannot listen on {address}")),
            "{told}"
        );
        assert!(told.contains(option), "no hint at {option}: {told}");
    }
}

#[test]
fn two_hosts_cannot_share_a_state_directory() {
    let functions = some();
    let host = Host::start(functions.path());
    let state = host.state.to_str().unwrap();
    let folder = functions.path().to_str().unwrap();
    for command in [
        &["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"][..],
        &["run", "cat"],
        &["check"],
    ] {
        let output = run(
            &[command, &["--functions", folder, "--state", state]].concat(),
            b"",
        );
        assert_eq!(output.status.code(), Some(1));
        let told = err(&output);
        assert!(told.contains("is in use by another leasehold"), "{told}");
        assert!(told.contains("--state"), "{told}");
    }
    // The first has not noticed.
    assert_eq!(host.call("cat", "still here").text(), "still here");
}

#[test]
fn without_isolation_only_if_the_operator_says_so() {
    let functions = Functions::new();
    functions
        .python(
            "plain",
            "  isolation: none\n  pool: 1\n",
            "count = 0\ndef handle(e, c):\n    global count\n    count += 1\n    return str(count)\n",
        )
        .shell("fine", "", "echo fine");
    let host = Host::start(functions.path());
    let refused = host.call("plain", "");
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("--allow-unisolated"));
    assert_eq!(host.call("fine", "").text(), "fine\n");
    drop(host);

    let host = Host::start_with(functions.path(), &["--allow-unisolated"]);
    assert_eq!(host.call("plain", "").text(), "1");
    assert_eq!(host.call("plain", "").text(), "2");
    assert_eq!(host.call("fine", "").text(), "fine\n");
}

#[test]
fn a_mistake_is_shown_where_it_stands_and_spares_the_others() {
    let functions = some();
    functions.add("wrong", "  runtime: exec\n  comand: [./x]\n", &[]);
    let host = Host::start(functions.path());
    let record = host.record("the mistake", |record| record["function"] == "wrong");
    let why = record["why"].as_str().unwrap();
    let file = functions.path().join("wrong/function.yaml");
    let file = file.canonicalize().unwrap();
    let expected = format!(
        "unknown field `comand`\n --> {}:6:3\n  |\n6 |   comand: [./x]\n  |   ^^^^^^\n  |\n  = help: did \
         you mean `command`?",
        file.display()
    );
    assert_eq!(why, expected);
    assert_eq!(host.call("wrong", "").status, 503);
    assert_eq!(host.call("cat", "others").text(), "others");
}
