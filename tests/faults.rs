//! Processes that die at any moment: only the calls in flight there are lost, and nothing is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::gate::Gate;
use support::process::{
    children, descriptors, eventually, hold, hold_children, hold_marked, kill_hard, mark, marked,
    parent, settles, state,
};
use support::{Functions, Host, Reply, descendants, leasehold, log, metrics};

/// Says on standard error that it runs, and who it is, and waits for the end of the request.
const PROGRAM: &str = "echo running $$ >&2; cat; echo done";
const HANDLER: &str = "
import os, signal, sys

def handle(event, context):
    if event['data'] == b'wait':
        print('running', os.getpid(), file=sys.stderr)
        signal.pause()
    return 'done'
";

/// Three functions: programs with undertakers, interpreters without, and one that nobody harms.
fn functions(pool: usize) -> Functions {
    let functions = Functions::new();
    let more = format!("  pool: {pool}\n  limits: {{timeout: 10s}}\n");
    functions.shell("program", &more, PROGRAM);
    functions.python("interpreter", &more, HANDLER);
    functions.shell("other", &more, PROGRAM);
    functions
}

fn assert_serves(host: &Host, function: &str) {
    let reply = host.call(function, "");
    assert_eq!(reply.status, 200, "{function}: {}", reply.text());
}

/// Calls until the function answers, for a bounded time.
fn serves_again(host: &Host, function: &str) {
    eventually(&format!("an answer of {function}"), || {
        host.call(function, "").status == 200
    });
}

fn running(host: &Host, call: &str) -> u32 {
    let record = host.record(&format!("call {call} running"), |record| {
        let line = record["line"].as_str().unwrap_or_default();
        record["call"] == call && line.starts_with("running ")
    });
    let line = record["line"].as_str().unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Calls a Python function that waits to be killed, and kills what `victim` says.
fn lost_call(host: &Host, victim: impl FnOnce(u32) -> u32) -> Reply {
    std::thread::scope(|scope| {
        let call = scope.spawn(|| {
            let headers = [("X-Call-Id", "lost")];
            host.request("POST", "/function/interpreter", &headers, b"wait")
        });
        kill_hard(victim(running(host, "lost")));
        call.join().unwrap()
    })
}

#[test]
fn a_parked_worker_that_is_killed_costs_no_call() {
    let functions = functions(2);
    let host = Host::start(functions.path());
    let (program, interpreter) = (host.zygote("program", &[]), host.zygote("interpreter", &[]));
    for round in 0..3 {
        let undertakers = hold_children(program, 2);
        eventually("a worker", || children(undertakers[0]).len() == 1);
        kill_hard(children(undertakers[0])[0]);
        kill_hard(hold_children(interpreter, 2)[round % 2]);
        for function in ["program", "interpreter", "program", "interpreter"] {
            assert_serves(&host, function);
        }
        settles(host.pid(), &zygotes(&host, 2));
    }
}

fn zygotes(host: &Host, pool: usize) -> [(u32, usize, usize); 3] {
    [("program", 2), ("interpreter", 1), ("other", 2)]
        .map(|(function, deep)| (host.zygote(function, &[]), pool, deep))
}

#[test]
fn an_idle_undertaker_that_is_killed_costs_no_call() {
    let functions = functions(2);
    let host = Host::start(functions.path());
    settles(host.pid(), &zygotes(&host, 2));
    let undertaker = children(host.zygote("program", &[]))[0];
    let worker = hold(children(undertaker));
    kill_hard(undertaker);
    worker.wait();
    for _ in 0..4 {
        assert_serves(&host, "program");
    }
    settles(host.pid(), &zygotes(&host, 2));
}

#[test]
fn a_running_worker_that_is_killed_costs_its_call() {
    let functions = functions(1);
    let host = Host::start(functions.path());
    let beside = Gate::begin(&host, "other", "beside");
    running(&host, "beside");

    let call = Gate::begin(&host, "program", "lost-program");
    kill_hard(running(&host, "lost-program"));
    let (status, text) = call.end().unwrap();
    assert!(status == 502 && text.contains("Crashed"), "{text}");
    assert_serves(&host, "program");

    let reply = lost_call(&host, |worker| worker);
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert_eq!(reply.outcome(), Some("Crashed"));
    assert_serves(&host, "interpreter");

    assert_eq!(beside.finish().unwrap().0, 200);
    settles(host.pid(), &zygotes(&host, 1));
}

#[test]
fn a_running_undertaker_that_is_killed_costs_its_call_and_leaves_nothing() {
    let functions = functions(1);
    let mark = mark();
    // Four processes beside the main one: two in sessions of their own, two that merely wait.
    let script = format!(
        "#!/bin/sh\nperl -e 'fork; use POSIX; setsid; sleep 1000' {mark} &\n\
         perl -e 'fork; sleep 1000' {mark} &\necho running $$ >&2\ncat\n"
    );
    let spec = "  runtime: exec\n  command: [./run.sh]\n  profile: shell\n  pool: 1";
    functions.add("busy", spec, &[("run.sh", &script)]);
    let host = Host::start(functions.path());
    let beside = Gate::begin(&host, "other", "beside");
    running(&host, "beside");
    let call = Gate::begin(&host, "busy", "lost");
    let undertaker = parent(running(&host, "lost"));
    assert_eq!(parent(undertaker), host.zygote("busy", &[]));
    let held = hold_marked(&mark, 4);
    kill_hard(undertaker);
    let (status, text) = call.end().unwrap();
    assert!(status == 502 && text.contains("Crashed"), "{text}");
    host.burial("lost");
    held.wait();
    assert_eq!(marked(&mark), [0; 0]);
    assert_serves(&host, "program");
    assert_eq!(beside.finish().unwrap().0, 200);
}

#[test]
fn a_zygote_that_stands_still_holds_no_slot() {
    let functions = functions(1);
    let host = Host::start(functions.path());
    let zygote = host.zygote("interpreter", &[]);
    let signal = |signal: Signal| kill(Pid::from_raw(zygote.try_into().unwrap()), signal).unwrap();
    let parked = metrics::of("parked", "interpreter");
    eventually("a parked worker", || metrics::scrape(&host)[&parked] == 1.0);
    signal(Signal::SIGSTOP);
    eventually("a zygote that stands still", || state(zygote) == 'T');
    let headers = [("X-Call-Id", "untold")];
    let reply = host.request("POST", "/function/interpreter", &headers, b"");
    assert_eq!(reply.status, 200, "{}", reply.text());
    // Nobody tells of its worker's end.
    let record = host.burial("untold");
    assert!(record["cpu_ms"].is_null(), "{record}");
    signal(Signal::SIGCONT);
    assert_serves(&host, "interpreter");
    settles(host.pid(), &zygotes(&host, 1));
}

#[test]
fn an_idle_zygote_that_is_killed_is_replaced() {
    let functions = functions(2);
    let host = Host::start(functions.path());
    settles(host.pid(), &zygotes(&host, 2));
    let other = host.zygote("other", &[]);
    for function in ["program", "interpreter"] {
        let mut before = Vec::new();
        for _ in 0..2 {
            let zygote = host.zygote(function, &before);
            kill_hard(zygote);
            before.push(zygote);
            host.zygote(function, &before);
            for _ in 0..3 {
                assert_serves(&host, function);
            }
        }
    }
    assert_serves(&host, "other");
    assert_eq!(hold([other]).living(), [other], "it is another's zygote");
}

#[test]
fn a_running_call_outlives_its_zygote_if_it_has_an_undertaker() {
    let functions = functions(1);
    let host = Host::start(functions.path());
    let call = Gate::begin(&host, "program", "first");
    running(&host, "first");
    let reply = lost_call(&host, |_| host.zygote("interpreter", &[]));
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert_eq!(reply.outcome(), Some("Crashed"));
    kill_hard(host.zygote("program", &[]));
    let (status, text) = call.finish().unwrap();
    assert!(status == 200 && text.contains("done"), "{text}");
    serves_again(&host, "program");
    serves_again(&host, "interpreter");
}

/// Ten connections that call `function` until told to end; returns how many calls failed.
fn under_load(host: &Host, function: &str, blow: impl FnOnce(&AtomicUsize)) -> usize {
    let (over, served, lost) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let path = format!("/function/{function}");
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    match host.try_request("POST", &path, &[], b"") {
                        Ok(reply) if reply.status == 200 => served.fetch_add(1, Ordering::Relaxed),
                        Ok(reply) if reply.status == 502 => lost.fetch_add(1, Ordering::Relaxed),
                        Err(_) => lost.fetch_add(1, Ordering::Relaxed),
                        Ok(reply) => panic!("{}: {}", reply.status, reply.text()),
                    };
                }
            });
        }
        let blow = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| blow(&served)));
        over.store(true, Ordering::Relaxed);
        blow.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    lost.into_inner()
}

fn more(served: &AtomicUsize, calls: usize) {
    let before = served.load(Ordering::Relaxed);
    eventually("answers", || {
        served.load(Ordering::Relaxed) >= before + calls
    });
}

#[test]
fn a_zygote_that_is_killed_under_load_costs_the_calls_in_flight() {
    let functions = functions(4);
    let host = Host::start(functions.path());
    for function in ["interpreter", "program"] {
        let mut harmed = 0;
        let lost = under_load(&host, function, |served| {
            more(served, 30);
            harmed = under_load(&host, "other", |others| {
                more(others, 10);
                let zygote = host.zygote(function, &[]);
                kill_hard(zygote);
                host.zygote(function, &[zygote]);
                more(others, 10);
            });
            more(served, 30);
        });
        assert!(
            lost <= 10,
            "{function}: {lost} calls lost, at most ten were in flight"
        );
        assert_eq!(harmed, 0, "another function's calls");
    }
}

#[test]
fn nothing_outlives_a_host_that_is_killed() {
    let functions = functions(2);
    let host = Host::start(functions.path());
    settles(host.pid(), &zygotes(&host, 2));
    let (directory, held) = host.die();
    // Three zygotes, a guard for the interpreter's, and the workers, most with undertakers.
    assert_eq!(held.len(), 3 + 1 + 2 * 2 * 2 + 2);
    held.wait();
    restarts_clean(&functions, directory);
}

fn restarts_clean(functions: &Functions, directory: tempfile::TempDir) {
    let scratches = directory.path().join("state/scratch");
    let names = || {
        let roots = fs::read_dir(&scratches).unwrap();
        roots
            .map(|root| root.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let before = names();
    assert_eq!(before.len(), 3, "the dead host's");
    let host = Host::start_at(functions.path(), &[], directory);
    let after = names();
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(!after.iter().any(|name| before.contains(name)), "{after:?}");
    for function in ["program", "interpreter", "other"] {
        assert_serves(&host, function);
    }
    assert!(host.stop().success());
}

#[test]
fn nothing_outlives_a_host_that_is_killed_under_load() {
    let functions = functions(4);
    let host = Host::start(functions.path());
    let calls: Vec<_> = (0..4)
        .map(|number| {
            let id = format!("call-{number}");
            let call = Gate::begin(&host, "program", &id);
            (running(&host, &id), call)
        })
        .collect();
    let programs = hold(calls.iter().map(|(pid, _)| *pid));
    assert_eq!(programs.len(), 4);
    let address = host.base.trim_start_matches("http://").to_owned();
    let over = AtomicBool::new(false);
    let served = AtomicUsize::new(0);
    let (directory, held) = std::thread::scope(|scope| {
        for function in ["interpreter", "other"].into_iter().cycle().take(10) {
            let (address, over, served) = (&address, &over, &served);
            scope.spawn(move || {
                let url = format!("http://{address}/function/{function}");
                while !over.load(Ordering::Relaxed) {
                    let answer = ureq::post(&url).send("");
                    served.fetch_add(usize::from(answer.is_ok()), Ordering::Relaxed);
                }
            });
        }
        more(&served, 30);
        let died = host.die();
        over.store(true, Ordering::Relaxed);
        died
    });
    held.wait();
    programs.wait();
    for (_, call) in calls {
        assert!(call.end().is_err(), "a call was answered by a dead host");
    }
    restarts_clean(&functions, directory);
}

/// An after-fork hook runs in a worker before it is parked. One that says nonsense to the host and
/// hangs leaves nothing, however often it is tried.
#[test]
fn a_worker_that_does_not_park_is_killed() {
    let functions = functions(1);
    let mark = mark();
    let code = format!(
        "import ctypes, os, signal\ndef hook():\n    ctypes.CDLL(None).prctl(15, b'{mark}')\n    \
         for fd in range(3, 64):\n        try:\n            os.write(fd, b'nonsense')\n        except \
         OSError:\n            pass\n    signal.pause()\n\
         os.register_at_fork(after_in_child=hook)\ndef handle(event, context):\n    return ''\n"
    );
    functions.python("stubborn", "  pool: 1\n", &code);
    let host = Host::start(functions.path());
    host.wait_for(3, &["stubborn", "did not say what a worker says"]);
    let reply = host.call("stubborn", "");
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(marked(&mark).len() <= 1, "{:?}", marked(&mark));
    let root = fs::read_dir(host.state.join("scratch")).unwrap();
    let scratches = root.map(|root| fs::read_dir(root.unwrap().path()).unwrap().count());
    // Its zygote's own, and that of a worker that is being tried.
    assert!(scratches.sum::<usize>() <= 3 * 2 + 2);
    assert_serves(&host, "program");
}

/// While a function is imported, what it starts has no undertaker: its zygote's guard kills it.
#[test]
fn nothing_outlives_a_host_that_is_killed_during_an_import() {
    let functions = Functions::new();
    let mark = mark();
    let script = "trap '' HUP INT TERM; (setsid sleep 1000 &); while :; do sleep 1000; done";
    let code = format!(
        "import signal, subprocess\nfor new in True, False:\n    subprocess.Popen(['/bin/sh', '-c', \
         \"{script}\", '{mark}'], start_new_session=new)\nsignal.pause()\n"
    );
    functions.python(
        "endless",
        "  profile: python-shell\n  limits: {processes: 16}\n",
        &code,
    );
    let state = tempfile::tempdir().unwrap();
    let mut host = leasehold()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--functions",
        ])
        .arg(functions.path())
        .arg("--state")
        .arg(state.path().join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    hold_marked(&mark, 2);
    // The guard, the zygote, two scripts, what each of them waits for, and what each has sent away.
    eventually("all that the import starts", || {
        descendants(host.id()).len() >= 8
    });
    let all = hold(descendants(host.id()));
    kill_hard(host.id());
    host.wait().unwrap();
    all.wait();
}

#[test]
fn a_host_that_is_told_to_end_finishes_its_calls() {
    let functions = functions(2);
    let mut host = Host::start(functions.path());
    let call = Gate::begin(&host, "program", "last");
    running(&host, "last");
    let held = hold(descendants(host.pid()));
    host.signal(Signal::SIGTERM);
    host.record("the end to come", |record| {
        let message = record["message"].as_str().unwrap_or_default();
        message.starts_with("going down")
    });
    assert_eq!(host.child.try_wait().unwrap(), None);
    let (status, text) = call.finish().unwrap();
    assert!(status == 200 && text.contains("done"), "{text}");
    assert!(host.child.wait().unwrap().success());
    held.wait();
    assert!(!host.state.join("scratch").exists(), "scratches are left");
}

/// Failing again and again costs ever less, and leaves nothing each time.
#[test]
fn an_import_that_fails_is_tried_ever_more_rarely() {
    let functions = functions(1);
    let mark = mark();
    let code = format!(
        "import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 1000', '{mark}'], \
         start_new_session=True)\nraise RuntimeError('no')\n"
    );
    functions.python(
        "broken",
        "  profile: python-shell\n  limits: {processes: 8}\n",
        &code,
    );
    let begun = Instant::now();
    let host = Host::start(functions.path());
    let attempts = || {
        log::records(&host.log())
            .iter()
            .filter(|record| {
                let message = record["message"].as_str().unwrap_or_default();
                record["function"] == "broken" && message.starts_with("cannot be started")
            })
            .count()
    };
    while attempts() < 4 {
        let reply = host.call("broken", "");
        assert_eq!(reply.status, 503, "{}", reply.text());
        for _ in 0..5 {
            assert_serves(&host, "program");
        }
    }
    // Pauses of 100, 200, 400, … ms between them.
    let count = u32::try_from(attempts()).unwrap();
    let least = Duration::from_millis(100) * (2u32.pow(count - 1) - 1);
    assert!(
        begun.elapsed() >= least,
        "{count} attempts in {:?}",
        begun.elapsed()
    );
    eventually("an end of what the imports left", || {
        marked(&mark).is_empty()
    });
    settles(host.pid(), &zygotes(&host, 1));
}

#[test]
fn two_hundred_calls_leave_no_descriptor_and_no_scratch() {
    let functions = functions(2);
    let host = Host::start(functions.path());
    let calls = |count| {
        for _ in 0..count {
            for function in ["program", "interpreter"] {
                assert_serves(&host, function);
            }
        }
        settles(host.pid(), &zygotes(&host, 2));
    };
    let scratches = || {
        let roots = fs::read_dir(host.state.join("scratch")).unwrap();
        roots
            .map(|root| fs::read_dir(root.unwrap().path()).unwrap().count())
            .sum::<usize>()
    };
    calls(5);
    // Each function has two workers' scratches and its zygote's.
    eventually("scratches as before", || scratches() == 3 * 3);
    eventually("no connections", || {
        let before = descriptors(host.pid());
        std::thread::sleep(Duration::from_millis(20));
        before == descriptors(host.pid())
    });
    let before = descriptors(host.pid());
    assert!(before > 10, "the kernel tells how many there are: {before}");
    calls(100);
    eventually("scratches as before", || scratches() == 3 * 3);
    eventually("descriptors as before", || {
        descriptors(host.pid()) <= before
    });
}
