//! Functions and profiles that change while the host serves.

#![allow(clippy::unwrap_used)]

mod support;
#[path = "reload/swaps.rs"]
mod swaps;

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;
use support::{Functions, Host, leasehold};
use swaps::ConfigMap;

const SWITCHED: &str = "a new version serves from now on";
const KEPT: &str = "a new version is refused; the old one serves on";
const RETIRED: &str = "a version was retired";

fn python(version: &str) -> String {
    format!("def handle(event, context):\n    return {version:?}\n")
}

fn admin(host: &Host) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut response = agent.get(format!("{}/readyz", host.admin)).call().unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), text)
}

/// What `leasehold list` says of a running host.
fn listed(host: &Host) -> Vec<Value> {
    let address = host.admin.trim_start_matches("http://");
    let mut list = leasehold();
    let output = list.args(["list", "--json", "--admin", address]).output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

/// Replaces a file as editors and careful deployments do.
fn replace(path: &Path, content: &str) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, path).unwrap();
}

#[test]
fn an_edit_takes_effect_and_leaves_other_functions_alone() {
    let functions = Functions::new();
    functions.python("f", "", &python("1"));
    functions.python("other", "", &python("other"));
    let host = Host::start(functions.path());
    assert_eq!(host.call("f", "").text(), "1");
    fs::write(functions.path().join("f/handler.py"), python("2")).unwrap();
    host.wait_for(1, &[SWITCHED, "\"f\""]);
    assert_eq!(host.call("f", "").text(), "2");
    host.wait_for(1, &[RETIRED, "\"f\""]);
    assert_eq!(host.call("other", "").text(), "other");
    let log = host.log();
    assert_eq!(log.matches("a new version is being loaded").count(), 1);
    let zygotes = host.wait_for(3, &["\"ready\""]);
    assert!(!Path::new(&format!("/proc/{}", zygote(&zygotes, "f", 0))).exists());
    let scratches = fs::read_dir(host.state.join("scratch")).unwrap();
    assert_eq!(scratches.count(), 2);
    assert!(host.stop().success());
}

/// The zygote of the `nth` line about this function.
fn zygote(lines: &[String], function: &str, nth: usize) -> u64 {
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let mut lines = lines.filter(|line: &serde_json::Value| line["function"] == function);
    lines.nth(nth).unwrap()["zygote"].as_u64().unwrap()
}

#[test]
fn a_bad_version_leaves_the_old_one_serving_until_it_is_mended() {
    let functions = Functions::new();
    functions.python("f", "", &python("1"));
    // What cannot be read has only its folder's name.
    let folder = functions.path().join("folder");
    fs::rename(functions.path().join("f"), &folder).unwrap();
    let host = Host::start(functions.path());
    let good = fs::read_to_string(folder.join("function.yaml")).unwrap();
    let mut refused = 0;
    let mut bad = |why: &str| {
        refused += 1;
        let lines = host.wait_for(refused, &[KEPT]);
        assert!(lines[refused - 1].contains(why), "{}", lines[refused - 1]);
        assert_eq!(host.call("f", "").text(), "1");
        let (status, text) = admin(&host);
        assert_eq!(status, 200, "{text}");
        assert!(
            text.contains("f: ready\nf: the newest version is refused: "),
            "{text}"
        );
        let row = &listed(&host)[0];
        assert!(row["refused"].as_str().unwrap().contains(why), "{row}");
        assert_eq!(
            (&row["error"], &row["runtime"]),
            (&Value::Null, &"python".into())
        );
    };
    replace(&folder.join("handler.py"), "import no_such_module\n");
    bad("no_such_module");
    replace(&folder.join("function.yaml"), "{");
    bad("function.yaml");
    replace(
        &folder.join("function.yaml"),
        &good.replace("profile: python", "profile: pyhton"),
    );
    bad("pyhton");
    replace(&folder.join("function.yaml"), &good);
    replace(&folder.join("handler.py"), &python("2"));
    host.wait_for(1, &[SWITCHED]);
    assert_eq!(host.call("f", "").text(), "2");
    assert_eq!(admin(&host), (200, "f: ready\n".to_owned()));
    assert_eq!(listed(&host)[0]["refused"], Value::Null);
    assert!(host.stop().success());
}

#[test]
fn functions_come_and_go() {
    let functions = Functions::new();
    functions.shell("old", "", "echo old");
    let host = Host::start(functions.path());
    let wait_for_old = host.wait_for(1, &["\"ready\"", "\"old\""]);
    // One that cannot be loaded does not make the host unready for the others.
    functions.python("bad", "", "import no_such_module\n");
    host.wait_for(1, &["refused", "\"bad\""]);
    let (status, text) = admin(&host);
    assert_eq!(status, 200, "{text}");
    assert!(
        text.contains("bad: the function cannot be loaded"),
        "{text}"
    );
    assert_eq!(host.call("bad", "").status, 503);
    let error = listed(&host)[0]["error"].to_string();
    assert!(error.contains("cannot be loaded"), "{error}");
    functions.shell("new", "", "echo new");
    host.wait_for(1, &[SWITCHED, "\"new\""]);
    assert_eq!(host.call("new", "").text(), "new\n");
    fs::remove_dir_all(functions.path().join("old")).unwrap();
    host.wait_for(1, &["\"removed\"", "\"old\""]);
    assert_eq!(host.call("old", "").status, 404);
    host.wait_for(1, &[RETIRED, "\"old\""]);
    assert!(!Path::new(&format!("/proc/{}", zygote(&wait_for_old, "old", 0))).exists());
    fs::write(functions.path().join("bad/handler.py"), python("good")).unwrap();
    host.wait_for(1, &[SWITCHED, "\"bad\""]);
    assert_eq!(host.call("bad", "").text(), "good");
    assert!(host.stop().success());
}

#[test]
fn a_profile_reaches_the_functions_that_use_it() {
    let (functions, profiles) = (Functions::new(), Functions::new());
    let secret = Functions::new();
    fs::write(secret.path().join("word"), "secret").unwrap();
    let word = secret.path().join("word");
    let profile = |more: &str| {
        let text = format!(
            "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: mine}}\n\
             spec:\n  extends: [python]\n{more}"
        );
        replace(&profiles.path().join("mine.yaml"), &text);
    };
    profile("");
    let code = format!(
        "def handle(event, context):\n    try:\n        return open({word:?}).read()\n    \
         except OSError as error:\n        return str(error.errno)\n"
    );
    functions.python("f", "  profile: mine\n", &code);
    functions.python("other", "", &python("other"));
    let directory = profiles.path().to_str().unwrap().to_owned();
    let host = Host::start_with(functions.path(), &["--profiles", &directory]);
    assert_eq!(host.call("f", "").text(), "13");
    profile(&format!(
        "  read: [{{path: {}, why: a test}}]\n",
        word.display()
    ));
    host.wait_for(1, &[SWITCHED, "\"f\""]);
    assert_eq!(host.call("f", "").text(), "secret");
    profile("  raed: []\n");
    host.wait_for(1, &[KEPT, "raed"]);
    assert_eq!(host.call("f", "").text(), "secret");
    profile("");
    host.wait_for(2, &[SWITCHED, "\"f\""]);
    assert_eq!(host.call("f", "").text(), "13");
    let log = host.log();
    let mut switched = log.lines().filter(|line| line.contains(SWITCHED));
    assert!(switched.all(|line| !line.contains("\"other\"")), "{log}");
    assert!(host.stop().success());
}

#[test]
fn without_a_watch_a_signal_has_everything_looked_at() {
    const LOOKED: &str = "as SIGHUP asks";
    let functions = Functions::new();
    functions.python("f", "", &python("1"));
    let host = Host::start_with(functions.path(), &["--no-watch"]);
    host.signal(Signal::SIGHUP);
    host.wait_for(1, &[LOOKED]);
    assert!(!host.log().contains("is being loaded"));
    fs::write(functions.path().join("f/handler.py"), python("2")).unwrap();
    assert_eq!(host.call("f", "").text(), "1");
    host.signal(Signal::SIGHUP);
    host.wait_for(1, &[SWITCHED]);
    assert_eq!(host.call("f", "").text(), "2");
    assert!(host.stop().success());
}

#[test]
fn a_call_in_flight_ends_on_the_version_that_it_began_on() {
    use std::io::{BufRead, BufReader, Read, Write};
    let functions = Functions::new();
    functions.shell("f", "", "echo old; cat");
    let host = Host::start(functions.path());
    let mut stream = std::net::TcpStream::connect(host.base.trim_start_matches("http://")).unwrap();
    let head =
        "POST /function/f HTTP/1.1\r\nHost: f\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while line.trim() != "old" {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0);
    }
    replace(&functions.path().join("f/new.sh"), "#!/bin/sh\necho new\n");
    let yaml = functions.path().join("f/function.yaml");
    let text = fs::read_to_string(&yaml).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(functions.path().join("f/new.sh"), mode).unwrap();
    replace(&yaml, &text.replace("./run.sh", "./new.sh"));
    host.wait_for(1, &[SWITCHED]);
    assert_eq!(host.call("f", "").text(), "new\n");
    assert!(!host.log().contains(RETIRED), "its call goes on");
    stream.write_all(b"rest").unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("rest"), "{rest}");
    host.wait_for(1, &[RETIRED]);
    assert!(host.stop().success());
}

#[test]
fn a_secret_that_is_rotated_is_taken_up() {
    let (functions, secrets) = (Functions::new(), Functions::new());
    let map = ConfigMap(secrets.path());
    map.swap(1, &[("key", "old")]);
    let key = secrets.path().join("key");
    let code = format!("def handle(event, context):\n    return open({key:?}).read()\n");
    functions.python("f", "  secrets: [key]\n", &code);
    functions.python("other", "", &python("other"));
    let directory = secrets.path().to_str().unwrap().to_owned();
    let host = Host::start_with(functions.path(), &["--secrets", &directory]);
    assert_eq!(host.call("f", "").text(), "old");
    map.swap(2, &[("key", "new")]);
    host.wait_for(1, &[SWITCHED, "\"f\""]);
    assert_eq!(host.call("f", "").text(), "new");
    assert_eq!(host.log().matches(SWITCHED).count(), 1);
    assert!(host.stop().success());
}
