//! The host as the first process of a container: the kernel drops every signal that PID 1 does not
//! handle, and gives it every orphan.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use support::process::{children, eventually, kill_hard, state};
use support::{Functions, Host, descendants, memory};

/// A host that is PID 1 of a namespace of its own.
struct Init {
    /// `unshare`, which is deaf to signals and ends with the host.
    host: Host,
    /// The host, as it is numbered here.
    pid: u32,
}

/// `unshare` with what this user needs to have a PID namespace.
fn unshare() -> Command {
    let mut unshare = Command::new("unshare");
    if !geteuid().is_root() {
        unshare.args(["--user", "--map-current-user"]);
    }
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    unshare
}

/// Whether there can be a PID namespace; says why not.
fn is_possible() -> bool {
    let probe = unshare().arg("true").stdin(Stdio::null()).output();
    let told = match probe {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("not run, as it needs a PID namespace (and a user namespace, but for root): {told}");
    assert!(!geteuid().is_root(), "root has PID namespaces: {told}");
    false
}

impl Init {
    fn start(functions: &Functions) -> Self {
        let mut command = unshare();
        command.arg(env!("CARGO_BIN_EXE_leasehold"));
        let state = tempfile::tempdir_in(memory()).unwrap();
        let host = Host::start_as(command, functions.path(), &[], state);
        let [pid] = children(host.pid())[..] else {
            panic!("unshare has one child");
        };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let numbers = status.lines().find(|line| line.starts_with("NSpid:"));
        assert!(numbers.unwrap().ends_with("\t1"), "{status}");
        Self { host, pid }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid.try_into().unwrap()), signal).unwrap();
    }

    fn exit(&mut self) -> Option<i32> {
        self.host.child.wait().unwrap().code()
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        if let Ok(None) = self.host.child.try_wait() {
            self.signal(Signal::SIGKILL);
            let _ended = self.host.child.wait();
        }
    }
}

fn functions() -> Functions {
    let functions = Functions::new();
    functions.shell("cat", "  pool: 1\n", "sleep 1000 & exec cat");
    functions
}

#[test]
fn an_init_drains_at_sigterm_and_at_sigint() {
    if !is_possible() {
        return;
    }
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let functions = functions();
        let mut init = Init::start(&functions);
        assert_eq!(init.host.call("cat", "meow").text(), "meow");
        init.signal(signal);
        init.host.wait_for(1, &["all calls are finished"]);
        assert_eq!(init.exit(), Some(0), "{signal}");
    }
}

#[test]
fn an_init_ends_at_once_at_a_second_signal() {
    if !is_possible() {
        return;
    }
    let functions = functions();
    let mut init = Init::start(&functions);
    let _held = support::gate::Gate::begin(&init.host, "cat", "held");
    init.signal(Signal::SIGTERM);
    init.host.wait_for(1, &["going down"]);
    init.signal(Signal::SIGTERM);
    assert_eq!(init.exit(), Some(1));
}

#[test]
fn an_init_reloads_at_sighup() {
    if !is_possible() {
        return;
    }
    let functions = functions();
    let init = Init::start(&functions);
    init.signal(Signal::SIGHUP);
    init.host.wait_for(1, &["as SIGHUP asks"]);
    assert_eq!(init.host.call("cat", "meow").text(), "meow");
}

#[test]
fn an_init_reaps_what_becomes_its_own() {
    if !is_possible() {
        return;
    }
    let functions = functions();
    let init = Init::start(&functions);
    // An undertaker that is killed leaves its worker, and that its child, to PID 1.
    let call = support::gate::Gate::begin(&init.host, "cat", "lost");
    let below = |pid| children(pid).first().copied().unwrap_or(0);
    let undertaker = || below(below(init.pid));
    let program = || below(undertaker());
    eventually("a program with a child", || below(program()) != 0);
    let (undertaker, left) = (undertaker(), descendants(undertaker()));
    kill_hard(undertaker);
    assert_eq!(call.end().unwrap().0, 502);
    init.host.burial("lost");
    assert!(left.len() >= 2, "a program and its child: {left:?}");
    eventually("an end of all of them", || {
        left.iter().all(|pid| state(*pid) == 'X')
    });
    assert_eq!(init.host.call("cat", "meow").text(), "meow");
    eventually("no zombies", || {
        descendants(init.pid).iter().all(|pid| state(*pid) != 'Z')
    });
}
