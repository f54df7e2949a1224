//! Real programs under the shipped profiles that are for them.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;

/// Whether a program is installed; says so where it is not.
fn installed(program: &str) -> bool {
    let there = Path::new(program).exists();
    if !there {
        println!("skipped: there is no {program}");
    }
    there
}

/// A function of one command under a profile.
fn command(functions: &Functions, name: &str, profile: &str, command: &str) {
    let spec = format!("  runtime: exec\n  command: {command}\n  profile: {profile}\n  pool: 1\n");
    functions.add(name, &spec, &[]);
}

#[test]
fn a_go_program_runs_under_managed_runtime() {
    // fzf is Go, and with --filter from stdin to stdout.
    if !installed("/usr/bin/fzf") {
        return;
    }
    let functions = Functions::new();
    command(
        &functions,
        "go",
        "managed-runtime",
        "[/usr/bin/fzf, --filter, pl]",
    );
    let host = Host::start(functions.path());
    let reply = host.call("go", "apple\nberry\nplum\n");
    assert_eq!(reply.status, 200, "{} {}", reply.text(), host.log());
    let mut found: Vec<String> = reply.text().lines().map(str::to_owned).collect();
    found.sort();
    assert_eq!(found, ["apple", "plum"]);
}

#[test]
fn a_jvm_runs_under_managed_runtime() {
    if !installed("/usr/bin/java") {
        return;
    }
    let functions = Functions::new();
    let java = "[/usr/bin/java, \"-XX:-UsePerfData\", -Xmx64m, --list-modules]";
    command(&functions, "jvm", "managed-runtime", java);
    let host = Host::start(functions.path());
    let reply = host.call("jvm", "");
    assert_eq!(reply.status, 200, "{} {}", reply.text(), host.log());
    assert!(reply.text().contains("java.base@"), "{}", reply.text());
}

#[test]
fn imagemagick_runs_under_media() {
    if !installed("/usr/bin/convert-im6.q16") {
        return;
    }
    let directory = profiles(&[("picture", "  extends: [python, media]\n")]);
    let functions = Functions::new();
    let code = r#"
import subprocess

def handle(event, context):
    run = subprocess.run(["/usr/bin/convert-im6.q16", "-size", "8x6", "xc:red", "ppm:-"], capture_output=True)
    return {"head": run.stdout[:11].decode(), "size": len(run.stdout), "error": run.stderr.decode()}
"#;
    functions.python("picture", "  profile: picture\n", code);
    let host = Host::start_with(
        functions.path(),
        &["--profiles", directory.path().to_str().unwrap()],
    );
    let told = host.call("picture", "").json();
    assert_eq!(told["head"], "P6\n8 6\n6553", "{told}");
    assert_eq!(told["error"], "");
}

/// Answers one HTTP request.
fn answer_once() -> (u16, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() == 1 {
            request.extend(byte);
        }
        client
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
            .unwrap();
    });
    (port, server)
}

#[test]
fn clients_reach_the_port_that_is_granted_under_network_client() {
    let (port, server) = answer_once();
    let own =
        format!("  extends: [network-client]\n  connect: [{{port: {port}, why: the service}}]\n");
    let directory = profiles(&[("own", &own)]);
    let functions = Functions::new();
    if !installed("/usr/bin/curl") {
        return;
    }
    let curl = |name: &str, profile: &str| {
        let url = format!("http://127.0.0.1:{port}/");
        command(
            &functions,
            name,
            profile,
            &format!("[/usr/bin/curl, -sS, \"{url}\"]"),
        );
    };
    curl("client", "own");
    curl("ungranted", "network-client");
    let host = Host::start_with(
        functions.path(),
        &["--profiles", directory.path().to_str().unwrap()],
    );
    // Landlock's EACCES, which curl takes for a failure to connect (7).
    let refused = host.call("ungranted", "");
    assert_eq!(refused.status, 500, "{}", refused.text());
    assert!(
        refused.text().contains("exit status 7"),
        "{}",
        refused.text()
    );
    let reply = host.call("client", "");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "hello"),
        "{}",
        host.log()
    );
    server.join().unwrap();
}

#[test]
fn certificates_are_there_under_network_client_and_not_without() {
    if !installed("/etc/ssl/certs/ca-certificates.crt") {
        return;
    }
    let directory = profiles(&[("client", "  extends: [python, network-client]\n")]);
    let functions = Functions::new();
    let code = r#"
import ssl

def handle(event, context):
    try:
        return str(len(ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt").get_ca_certs()))
    except PermissionError:
        return "closed"
"#;
    functions.python("with", "  profile: client\n", code);
    functions.python("without", "", code);
    let host = Host::start_with(
        functions.path(),
        &["--profiles", directory.path().to_str().unwrap()],
    );
    assert!(host.call("with", "").text().parse::<u32>().unwrap() > 10);
    assert_eq!(host.call("without", "").text(), "closed");
}
