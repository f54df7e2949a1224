//! Gaps: refused by name, or accepted and said to be open.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use serde_json::{Value, json};

use crate::admin;
use crate::support::{Functions, Host, leasehold, memory};

/// A function that connects to the port of its body, and a profile that grants it port 1.
fn client(accepts: &str) -> Functions {
    let functions = Functions::new();
    let profiles = functions.path().join("profiles");
    fs::create_dir(&profiles).unwrap();
    let profile = format!(
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: client}}\nspec:\n  \
         extends: [python]\n  connect: [{{port: 1, why: a test}}]\n  acceptGaps: [{accepts}]\n"
    );
    fs::write(profiles.join("client.yaml"), profile).unwrap();
    let code = "import errno, socket\n\
        def handle(event, context):\n    \
            try:\n        \
                socket.create_connection(('127.0.0.1', int(event.body))).close()\n        \
                return 'connected'\n    \
            except OSError as error:\n        \
                return errno.errorcode[error.errno]\n";
    functions.python("client", "  profile: client\n  pool: 1\n", code);
    functions
}

fn start(functions: &Functions, abi: &str) -> Host {
    let profiles = functions.path().join("profiles");
    let options = [
        "--kernel-abi",
        abi,
        "--profiles",
        profiles.to_str().unwrap(),
    ];
    Host::start_with(functions.path(), &options)
}

fn check(functions: &Functions, options: &[&str]) -> Output {
    let state = tempfile::tempdir_in(memory()).unwrap();
    let mut command = leasehold();
    command
        .arg("check")
        .arg("--functions")
        .arg(functions.path());
    command
        .arg("--profiles")
        .arg(functions.path().join("profiles"));
    command.arg("--state").arg(state.path()).args(options);
    command.output().unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn channel(report: &Value, name: &str) -> Value {
    let channels = report["functions"][0]["channels"].as_array().unwrap();
    channels
        .iter()
        .find(|it| it["channel"] == name)
        .unwrap()
        .clone()
}

#[test]
fn a_gap_refuses_its_function_by_name() {
    let functions = client("");
    let host = start(&functions, "3");
    let reply = host.call("client", "1");
    assert_eq!(reply.status, 503);
    for words in [
        "tcp is missing",
        "Linux 6.7 or later",
        "`acceptGaps: [tcp]`",
        "client.yaml:6",
    ] {
        assert!(reply.text().contains(words), "{words}: {}", reply.text());
    }
    drop(host);
    let output = check(&functions, &["--kernel-abi", "3", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    assert_eq!(report["functions"][0]["enforcement"], "refused");
    assert_eq!(channel(&report, "tcp")["state"], "missing");
    assert_eq!(channel(&report, "abstract-unix")["state"], "filter");
    assert_eq!(report["kernel"]["landlockAbi"], 3);
}

#[test]
fn an_accepted_gap_is_open_and_said_to_be() {
    let functions = client("tcp");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();

    let host = start(&functions, "3");
    assert_eq!(host.call("client", &port).text(), "connected");
    let ready = admin(&host, "/readyz");
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.text(),
        "client: ready\nclient: open as accepted: tcp\n"
    );
    let metrics = admin(&host, "/metrics").text();
    let series = "leasehold_channel_open{function=\"client\",channel=\"tcp\"} 1";
    assert!(metrics.contains(series), "{metrics}");
    let record = host.record("the gap", |record| record["message"] == "a channel is open");
    assert_eq!(
        (&record["function"], &record["channel"]),
        (&json!("client"), &json!("tcp"))
    );
    drop(host);

    let output = check(&functions, &["--kernel-abi", "3", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let open = report(&output);
    assert_eq!(open["functions"][0]["enforcement"], "gaps");
    assert_eq!(channel(&open, "tcp")["state"], "open");
    let table = check(&functions, &["--kernel-abi", "3"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("taken for a kernel with ABI 3"), "{table}");
    assert!(table.contains("tcp is open: every TCP port"), "{table}");

    // Nothing is open where the kernel can close it.
    let host = start(&functions, "4");
    assert_eq!(host.call("client", &port).text(), "EACCES");
    assert_eq!(admin(&host, "/readyz").text(), "client: ready\n");
    assert!(!admin(&host, "/metrics").text().contains("channel=\"tcp\""));
}

#[test]
fn kernels_are_simulated_downwards_and_checked_upwards() {
    let functions = client("");
    let own = leasehold_sandbox::Kernel::probe().unwrap().landlock_abi;
    let state = tempfile::tempdir_in(memory()).unwrap();
    let mut command = leasehold();
    command.args(["run", "client", "--kernel-abi", "1000", "--state"]);
    command
        .arg(state.path())
        .arg("--functions")
        .arg(functions.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains(&format!("this kernel has Landlock ABI {own}")),
        "{told}"
    );

    let output = check(&functions, &["--kernel-abi", "11", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let report = report(&output);
    assert_eq!(report["kernel"]["ownLandlockAbi"], own);
    assert_eq!(report["functions"][0]["enforcement"], "full");
    assert_eq!(channel(&report, "udp")["state"], "kernel");
}
