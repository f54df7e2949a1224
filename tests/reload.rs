//! Functions and profiles that change while the host serves.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use support::{Functions, Host};

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

/// A folder as Kubernetes mounts it: links into a directory that is swapped as a whole.
struct ConfigMap<'a>(&'a Path);

impl ConfigMap<'_> {
    fn swap(&self, version: u64, files: &[(&str, &str)]) {
        let new = format!("..{version}");
        fs::create_dir_all(self.0.join(&new)).unwrap();
        for (name, content) in files {
            fs::write(self.0.join(&new).join(name), content).unwrap();
            let link = self.0.join(name);
            if link.symlink_metadata().is_err() {
                symlink(format!("..data/{name}"), link).unwrap();
            }
        }
        let data = self.0.join("..data");
        let old = data.read_link().ok();
        symlink(new, self.0.join("..data_tmp")).unwrap();
        fs::rename(self.0.join("..data_tmp"), data).unwrap();
        if let Some(old) = old {
            fs::remove_dir_all(self.0.join(old)).unwrap();
        }
    }

    /// A function whose reply is its version, from two files.
    fn version(&self, version: u64) {
        let number = version.to_string();
        let yaml = "apiVersion: leasehold.dev/v1alpha1\nkind: Function\nmetadata: {name: f}\nspec:\n  \
                    runtime: python\n  handler: handler.handle\n  profile: python\n  pool: 4\n";
        let code = "import first, second\ndef handle(event, context):\n    \
                    return first.VERSION + ' ' + second.VERSION\n";
        let module = format!("VERSION = {number:?}\n");
        self.swap(
            version,
            &[
                ("function.yaml", yaml),
                ("handler.py", code),
                ("first.py", &module),
                ("second.py", &module),
            ],
        );
    }
}

/// Calls until it is told to stop; every reply is a whole version, and no older than what was
/// announced before the call, nor than the reply before it.
fn client(base: &str, announced: &AtomicU64, stop: &AtomicBool) -> u64 {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into();
    let (mut calls, mut newest) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        newest = newest.max(announced.load(Ordering::SeqCst));
        let response = agent.post(format!("{base}/function/f")).send("");
        let mut response = response.unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status(), 200, "{text}");
        let (first, second) = text.split_once(' ').unwrap();
        assert_eq!(first, second, "half a version");
        let version: u64 = first.parse().unwrap();
        assert!(version >= newest, "{version} after {newest}");
        newest = version;
        calls += 1;
    }
    calls
}

#[test]
fn a_reload_under_load_fails_no_call_and_shows_no_half_version() {
    const VERSIONS: u64 = 10;
    let functions = Functions::new();
    let folder = functions.path().join("f");
    fs::create_dir(&folder).unwrap();
    let map = ConfigMap(&folder);
    map.version(0);
    let host = Host::start(functions.path());
    let (announced, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let calls: u64 = std::thread::scope(|scope| {
        let client = || client(&host.base, &announced, &stop);
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(client)).collect();
        for version in 1..=VERSIONS {
            map.version(version);
            let times = usize::try_from(version).unwrap();
            host.wait_for(times, &[SWITCHED]);
            announced.store(version, Ordering::SeqCst);
        }
        stop.store(true, Ordering::SeqCst);
        clients.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert!(calls > VERSIONS, "{calls}");
    eprintln!("{calls} calls over {VERSIONS} swaps");
    let times = usize::try_from(VERSIONS).unwrap();
    host.wait_for(times, &[RETIRED]);
    let ready = host.wait_for(times + 1, &["\"ready\""]);
    for old in 0..times {
        let pid = zygote(&ready, "f", old);
        assert!(
            !Path::new(&format!("/proc/{pid}")).exists(),
            "{pid} is left"
        );
    }
    let scratches = fs::read_dir(host.state.join("scratch")).unwrap();
    assert_eq!(scratches.count(), 1);
    assert_eq!(host.call("f", "").text(), "10 10");
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
