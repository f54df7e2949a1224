//! A private /tmp: hard-coded names lead each call to its own scratch, by links as in the images.
//!
//! The links are made in a mount namespace; where there is none for this user, tests say so.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::raw::Raw;
use support::{Functions, Host, leasehold};
use tempfile::TempDir;

/// Debian's ldconfig is linked statically.
const PROFILE: &str = "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: static}\n\
                       spec:\n  extends: [shell]\n  run: [{path: /sbin/ldconfig, why: a test}]\n";

/// A host under a root whose /tmp is such a link.
struct Linked {
    host: Host,
    _directories: [TempDir; 2],
}

impl Linked {
    /// `None` where this user cannot have a mount namespace.
    fn start(functions: &Functions) -> Option<Self> {
        let unshare: &[&str] = if nix::unistd::geteuid().is_root() {
            &["--mount"]
        } else {
            &["--mount", "--user", "--map-root-user"]
        };
        let tried = Command::new("unshare")
            .args(unshare)
            .args(["mount", "-t", "tmpfs", "none", "/mnt"])
            .output()
            .unwrap();
        if !tried.status.success() {
            let why = String::from_utf8_lossy(&tried.stderr).into_owned();
            let strict = std::env::var_os("LEASEHOLD_TEST_STRICT").is_some_and(|it| it == "1");
            assert!(!strict, "no mount namespace: {why}");
            // Not `eprintln!`, which the test harness keeps to itself where the test passes.
            let line = format!("not tried: no mount namespace: {why}");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        }
        let (root, state) = (in_memory(), in_memory());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tmp/root.sh");
        let mut command = Command::new("unshare");
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
            .args(unshare)
            .arg("sh")
            .arg(script)
            .arg(root.path())
            .arg(state.path().join("state"))
            .arg(inside(Path::new(leasehold().get_program())));
        let profiles = tempfile::tempdir().unwrap();
        std::fs::write(profiles.path().join("static.yaml"), PROFILE).unwrap();
        let profile = inside(profiles.path());
        let args = ["--profiles", profile.to_str().unwrap()];
        let host = Host::start_as(command, &inside(functions.path()), &args, state);
        let _directories = [root, profiles];
        Some(Self { host, _directories })
    }
}

fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap()
}

/// What a path is called under that root.
fn inside(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap();
    if path.starts_with("/tmp") || path.starts_with("/var/tmp") {
        Path::new("/outside").join(path.strip_prefix("/").unwrap())
    } else {
        path
    }
}

#[test]
fn calls_that_use_one_name_at_once_do_not_meet() {
    let functions = Functions::new();
    functions
        .shell(
            "shell",
            "",
            "ls -A /tmp/ /var/tmp/ | grep -c x; printf %s \"$Http_Query\" >/tmp/x\n\
             echo written >&2; read go; cat /tmp/x /var/tmp/x",
        )
        .python(
            "python",
            "",
            "import os, sys\nopen('/tmp/x', 'w').write('the import')\n\
             def handle(event, context):\n    left = os.listdir('/tmp')\n    \
             open('/tmp/x', 'x').write(event.query)\n    print('written', file=sys.stderr, flush=True)\n    \
             return f'{left} {open(\"/var/tmp/x\").read()}'\n",
        );
    let Some(linked) = Linked::start(&functions) else {
        return;
    };
    let host = &linked.host;
    let mut calls: Vec<Raw> = ["one", "two"]
        .map(|call| {
            let head = format!(
                "POST /function/shell?{call} HTTP/1.1\r\nhost: a\r\nx-call-id: {call}\r\n\
                 transfer-encoding: chunked\r\n\r\n"
            );
            Raw::send_to(host, head)
        })
        .into();
    for call in ["one", "two"] {
        host.line(call, "written");
    }
    for (call, raw) in ["one", "two"].into_iter().zip(&mut calls) {
        raw.send_chunk(b"go\n");
        raw.send("0\r\n\r\n");
        let reply = raw.response();
        assert_eq!(reply.text(), format!("0\n{call}{call}"));
    }
    for call in ["one", "two", "three"] {
        let reply = host.call(&format!("python?{call}"), "");
        assert_eq!(reply.text(), format!("[] {call}"));
    }
}

#[test]
fn programs_that_look_closely_at_tmp_work() {
    let functions = Functions::new();
    functions
        .shell(
            "shell",
            "  limits: {openFiles: 64}\n",
            "set -e; exec 2>&1\n\
             [ -L /tmp ]; [ -d /tmp ]; [ -d /tmp/ ]; [ -w /tmp ]; stat -f /tmp >/dev/null\n\
             cd /tmp; [ \"$(pwd -P)\" = \"$HOME\" ]; [ \"$(realpath /tmp/x)\" = \"$HOME/x\" ]; cd /\n\
             file=$(mktemp -p /tmp); dir=$(mktemp -d /var/tmp/XXXXXX); [ -f \"$file\" ]; [ -d \"$dir\" ]\n\
             mkdir -p /tmp/a/b; echo x >/tmp/a/b/x; mv /tmp/a/b/x /tmp/y; ln -s y /tmp/link; cat /tmp/link\n\
             find /tmp/ -name y | wc -l; seq 100000 | sort -S 100k -r -T /tmp | tail -n 1\n\
             tar -C /tmp -cf /tmp/tar a y; mkdir /tmp/t; tar --no-same-owner -C /tmp/t -xf /tmp/tar; cat /tmp/t/y\n\
             mkfifo /tmp/pipe; (echo piped >/tmp/pipe) & cat /tmp/pipe; wait\n\
             cp -r /tmp/a /tmp/c; sh -c 'exec 3>&- 9>&-; cat /tmp/y'; rm -rf /tmp/* /var/tmp/*; ls -A /tmp/",
        )
        .python(
            "python",
            "  profile: python-shell\n",
            "import glob, os, shutil, sqlite3, subprocess, tempfile\n\
             def handle(event, context):\n    \
             os.closerange(900, 5000)\n    os.close(1000)\n    os.set_inheritable(1000, False)\n    \
             with tempfile.TemporaryDirectory(dir='/tmp') as d:\n        \
             open(d + '/f', 'w').write('f')\n        shutil.move(d + '/f', '/tmp/f')\n    \
             with tempfile.NamedTemporaryFile(dir='/var/tmp') as f:\n        \
             assert os.path.samefile(f.name, os.path.realpath(f.name))\n    \
             shutil.copytree('/tmp', 'copy', ignore=shutil.ignore_patterns('copy'))\n    \
             db = sqlite3.connect('/tmp/db')\n    db.execute('create table t (x)')\n    \
             db.execute('insert into t values (7)')\n    db.commit()\n    db.close()\n    \
             again = sqlite3.connect('/tmp/db').execute('select x from t').fetchall()\n    \
             out = [subprocess.run(['/bin/cat', '/tmp/f'], close_fds=close, capture_output=True, check=True).stdout\n        \
             for close in (True, False)]\n    \
             shutil.rmtree('copy')\n    return f'{again} {out} {sorted(glob.glob(\"/tmp/*\"))}'\n",
        );
    let spec = "  runtime: exec\n  command: [./run.sh]\n  profile: static\n";
    let script = "#!/bin/sh\n/sbin/ldconfig -X -C /tmp/cache -f /dev/null; ls /tmp/ && \
                  cmp /tmp/cache \"$HOME/cache\"\n";
    functions.add("static", spec, &[("run.sh", script)]);
    let Some(linked) = Linked::start(&functions) else {
        return;
    };
    let reply = linked.host.call("shell", "");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "x\n1\n1\nx\npiped\nx\n")
    );
    let reply = linked.host.call("python", "");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "[(7,)] [b'f', b'f'] ['/tmp/db', '/tmp/f']")
    );
    assert_eq!(linked.host.call("static", "").text(), "cache\n");
}

#[test]
fn a_function_may_do_without() {
    let functions = Functions::new();
    functions
        .shell(
            "env",
            "  tmp: env\n",
            "echo x 2>&1 >/tmp/x; echo x >\"$TMPDIR/x\"; ls",
        )
        .shell("auto", "", "echo x >/tmp/x; ls")
        .shell("link", "  tmp: link\n", "echo x >/tmp/x; ls");
    let Some(linked) = Linked::start(&functions) else {
        return;
    };
    let text = linked.host.call("env", "").text();
    assert!(
        text.contains("cannot create /tmp/x") && text.ends_with("\nx\n"),
        "{text}"
    );
    for function in ["auto", "link"] {
        assert_eq!(linked.host.call(function, "").text(), "x\n");
    }
}

#[test]
fn without_the_link_it_is_said_so() {
    let functions = Functions::new();
    functions
        .shell("auto", "", "echo x >/tmp/x; :")
        .shell("link", "  tmp: link\n", ":");
    let state = tempfile::tempdir().unwrap();
    let mut check = leasehold();
    check
        .args(["check", "--json", "--functions"])
        .arg(functions.path());
    let output = check.arg("--state").arg(state.path()).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let why = "/tmp is no link; it takes an image in which it leads to tmp in the state directory";
    assert_eq!(report["noPrivateTmp"], why);
    let [auto, link] = [&report["functions"][0], &report["functions"][1]];
    assert_eq!(
        (&auto["enforcement"], &auto["tmp"]),
        (&"full".into(), &"env".into())
    );
    assert_eq!(link["enforcement"], "refused");
    assert_eq!(
        link["trouble"],
        format!("`tmp: link` cannot be had here: {why}")
    );
    assert!(!output.status.success());
    // The host's own link, for an image's to lead to.
    let link = std::fs::read_link(state.path().join("tmp")).unwrap();
    assert_eq!(link, Path::new("/proc/self/fd/1000"));
}
