//! Whatever a call starts is dead, and whatever it writes is gone, when it is buried.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use support::gate::Gate;
use support::process::{Held, eventually, hold_marked, kill_hard, mark, marked, settles};
use support::{Functions, Host};

/// A bomb takes the whole machine for a while: beside it, calls run out of time that have nothing to do
/// with it, and two of them take long to be noticed.
static MACHINE: RwLock<()> = RwLock::new(());

fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves five processes and ends in the way that the query names: daemons by double fork, deaf to
/// every signal that one can be deaf to, stopped, with children, all of them with the call's pipes.
const LEAVE: &str = r#"#!/usr/bin/perl
use strict;
use POSIX ();
$| = 1;
my $end = $ENV{Http_Query};
print "scratch=$ENV{TMPDIR};";
sub deaf { $SIG{$_} = "IGNORE" for keys %SIG; sleep 1000 while 1 }
sub stopped { kill STOP => $$ while 1 }
sub child { my $act = shift; my $pid = fork; defined $pid or die "fork: $!"; $pid or $act->(); $pid }
sub daemon {
    my $act = shift;
    waitpid child(sub { POSIX::setsid(); child($act); POSIX::_exit(0) }), 0;
}
if ($end ne "nothing") {
    daemon(\&deaf);
    child(\&deaf);
    child(\&stopped);
    child(sub { child(\&deaf); stopped() });
}
print "ready;";
deaf() if $end eq "deaf";
stopped() if $end eq "stopped";
1 while <STDIN>;
POSIX::_exit(3) if $end eq "failed";
kill KILL => $$ if $end eq "killed";
print "done";
POSIX::_exit(0);
"#;
/// With the main process.
const LEFT: usize = 6;

/// Five processes that each go on in a child and end, for ever, in ever new sessions.
const HYDRAS: &str = r#"#!/usr/bin/perl
use strict;
use POSIX ();
$| = 1;
pipe my $moved, my $tell;
for (1 .. 5) {
    next if fork;
    for (my $moves = 1; ; $moves++) {
        my $pid = fork;
        POSIX::_exit(0) if $pid;
        POSIX::setsid() if defined $pid;
        syswrite $tell, "." if $moves == 5;
    }
}
sysread $moved, my $byte, 1 for 1 .. 5;
print "ready;";
1 while <STDIN>;
print "done";
POSIX::_exit(0);
"#;

/// A thousand processes, each of which goes on in a child and ends, for ever: never more than two
/// thousand at a time, and long before that more than the call may have.
const BOMB: &str = r#"#!/usr/bin/perl
use strict;
use POSIX ();
my $main = $$;
for (1 .. 10) { fork }
sleep 1000 while $$ == $main;
while (1) {
    my $pid = fork;
    POSIX::_exit(0) if $pid;
    POSIX::setsid() if defined $pid and rand() < 0.1;
}
"#;

const PYTHON_BOMB: &str = "
import ctypes, os, signal

def handle(event, context):
    ctypes.CDLL(None).prctl(15, event['query'].encode(), 0, 0, 0)
    main = os.getpid()
    for _ in range(7):
        os.fork()
    while os.getpid() == main:
        signal.pause()
    while True:
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            pass
";

fn add_program(functions: &Functions, name: &str, mark: &str, program: &str, timeout: &str) {
    let spec = format!(
        "  runtime: exec\n  command: [./run.pl, {mark}]\n  profile: shell\n  pool: 1\n  \
         limits: {{timeout: {timeout}, processes: 32}}"
    );
    functions.add(name, &spec, &[("run.pl", program)]);
}

fn add_victim(functions: &Functions) {
    let more = "  pool: 1\n  limits: {timeout: 20s}\n";
    functions.shell("victim", more, "echo ready; cat; echo done");
}

/// A process of the same user that has nothing to do with the host, and ends with the test.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(cat.stderr(Stdio::null()).spawn().unwrap())
    }

    fn assert_untouched(&mut self) {
        assert_eq!(self.0.try_wait().unwrap(), None, "the bystander was killed");
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The scratch that a reply of [`LEAVE`] tells of.
fn scratch(reply: &str) -> PathBuf {
    let path = reply.split("scratch=").nth(1).unwrap();
    let path = PathBuf::from(path.split(';').next().unwrap());
    assert!(path.is_absolute(), "{reply}");
    path
}

/// One call of [`LEAVE`] with a bystander, from its processes' birth to the next call in its slot.
fn leave(end: &str, timeout: &str, conclude: impl FnOnce(Gate, &Held) -> Option<(u16, String)>) {
    let _turn = beside_others();
    let mut bystander = Bystander::start();
    let functions = Functions::new();
    let mark = mark();
    add_program(&functions, "leave", &mark, LEAVE, timeout);
    let host = Host::start(functions.path());
    let zygote = host.zygote("leave", &[]);

    let mut call = Gate::begin(&host, &format!("leave?{end}"), "first");
    call.wait("ready;");
    let held = hold_marked(&mark, LEFT);
    let reply = conclude(call, &held);
    held.wait();
    let record = host.burial("first");
    assert_eq!(marked(&mark), [0; 0], "buried, and yet: {record}");
    if let Some((_, reply)) = reply {
        let scratch = scratch(&reply);
        assert!(!scratch.exists(), "{} is left", scratch.display());
    }

    let again = host.request("POST", "/function/leave?nothing", &[], b"");
    assert_eq!(again.status, 200, "{}", again.text());
    settles(host.pid(), &[(zygote, 1, 2)]);
    bystander.assert_untouched();
    assert!(host.stop().success());
}

#[test]
fn what_a_call_leaves_is_buried_with_it() {
    leave("exit", "10s", |call, held| {
        let reply = call.finish().unwrap();
        assert_eq!(reply.0, 200, "{}", reply.1);
        assert!(reply.1.contains("done"), "{}", reply.1);
        assert_eq!(held.len(), LEFT);
        Some(reply)
    });
}

#[test]
fn what_a_failed_call_leaves_is_buried_with_it() {
    // Its status was fixed by its first byte: the failure breaks the stream off.
    leave("failed", "10s", |call, _| {
        assert!(
            call.finish()
                .is_ok_and(|(_, text)| !text.ends_with("0\r\n\r\n"))
        );
        None
    });
}

#[test]
fn what_a_killed_call_leaves_is_buried_with_it() {
    leave("killed", "10s", |call, _| {
        assert!(
            call.finish()
                .is_ok_and(|(_, text)| !text.ends_with("0\r\n\r\n"))
        );
        None
    });
}

#[test]
fn a_call_that_ignores_every_signal_is_buried_when_its_time_is_up() {
    leave("deaf", "1s", |call, _| {
        let _broken_off = call.end();
        None
    });
}

#[test]
fn a_call_that_has_stopped_itself_is_buried_when_its_time_is_up() {
    leave("stopped", "1s", |call, _| {
        let _broken_off = call.end();
        None
    });
}

#[test]
fn a_call_whose_client_has_left_is_buried() {
    leave("deaf", "20s", |call, held| {
        assert_eq!(held.living().len(), LEFT);
        drop(call);
        None
    });
}

/// The control: without isolation nobody buries, and the marks find what is left.
#[test]
fn without_isolation_everything_is_left() {
    let _turn = beside_others();
    let functions = Functions::new();
    let mark = mark();
    let spec = format!(
        "  runtime: exec\n  command: [./run.pl, {mark}]\n  profile: shell\n  isolation: none"
    );
    functions.add("leave", &spec, &[("run.pl", LEAVE)]);
    let host = Host::start_with(functions.path(), &["--allow-unisolated"]);
    let mut call = Gate::begin(&host, "leave?exit", "first");
    call.wait("ready;");
    let held = hold_marked(&mark, LEFT);
    assert_eq!(call.finish().unwrap().0, 200);
    host.burial("first");
    let left = held.living();
    for pid in &left {
        kill_hard(*pid);
    }
    assert_eq!(left.len(), LEFT - 1, "all but the main process live on");
    held.wait();
}

#[test]
fn processes_that_never_stay_are_buried_whole() {
    let _turn = beside_others();
    let mut bystander = Bystander::start();
    let functions = Functions::new();
    let mark = mark();
    add_program(&functions, "hydras", &mark, HYDRAS, "10s");
    let host = Host::start(functions.path());
    for round in 0..5 {
        let id = format!("round-{round}");
        let mut call = Gate::begin(&host, "hydras", &id);
        call.wait("ready;");
        assert_eq!(call.finish().unwrap().0, 200);
        host.burial(&id);
        assert_eq!(marked(&mark), [0; 0], "{id}");
    }
    settles(host.pid(), &[(host.zygote("hydras", &[]), 1, 2)]);
    bystander.assert_untouched();
}

/// Runs a bomb until it has too many processes, beside a call of another function, and expects nothing
/// of it to be left.
fn explode(functions: &Functions, mark: &str, path: &str) {
    let _turn = alone();
    let mut bystander = Bystander::start();
    add_victim(functions);
    let host = Host::start(functions.path());
    let zygotes = [host.zygote("bomb", &[]), host.zygote("victim", &[])];
    let mut beside = Gate::begin(&host, "victim", "beside");
    beside.wait("ready");

    let reply = host.request("POST", path, &[("X-Call-Id", "bomb")], b"");
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert_eq!(reply.outcome(), Some("OverLimit"));
    assert!(
        reply.text().contains("limits.processes"),
        "{}",
        reply.text()
    );
    let record = host.burial("bomb");
    assert_eq!(marked(mark), [0; 0], "buried, and yet: {record}");

    let (status, text) = beside.finish().unwrap();
    assert!(status == 200 && text.contains("done"), "{status}: {text}");
    assert_eq!(host.call("victim", "").status, 200);
    assert_eq!(zygotes[0], host.zygote("bomb", &[]), "its zygote lives on");
    settles(host.pid(), &[(zygotes[0], 1, 2), (zygotes[1], 1, 2)]);
    bystander.assert_untouched();
    assert!(host.stop().success());
}

#[test]
fn a_bomb_of_programs_is_buried_whole() {
    let functions = Functions::new();
    let mark = mark();
    add_program(&functions, "bomb", &mark, BOMB, "10s");
    explode(&functions, &mark, "/function/bomb");
}

#[test]
fn a_bomb_of_interpreters_is_buried_whole() {
    let functions = Functions::new();
    let more = "  profile: python-shell\n  pool: 1\n  limits: {timeout: 10s, processes: 32}\n";
    functions.python("bomb", more, PYTHON_BOMB);
    let mark = mark();
    explode(&functions, &mark, &format!("/function/bomb?{mark}"));
}

/// Fills the scratch with what is hard to remove, and says where it is.
const LITTER: &str = "
import os

def handle(event, context):
    top, outside = os.environ['TMPDIR'], event['query']
    if event['data'] == b'deep':
        for _ in range(6000):
            os.mkdir('d')
            os.chdir('d')
    elif event['data'] == b'many':
        for number in range(20000):
            os.close(os.open('f%d' % number, os.O_CREAT | os.O_WRONLY, 0))
    elif event['data'] == b'closed':
        for name in ('a', 'b', 'leasehold-removing-0'):
            os.mkdir(name)
            os.mkdir(name + '/sub')
            open(name + '/sub/file', 'w').close()
            os.mkdir(name + '/sub/closed', 0)
            os.umask(0o777)
            os.mkdir(name + '/sub/closed-too')
            os.umask(0)
    elif event['data'] == b'links':
        os.mkdir('sub')
        for name in ('link', 'sub/link'):
            os.symlink(outside, name)
        os.symlink('/nonexistent', 'dangling')
        os.symlink('loop', 'loop')
    return top
";

#[test]
fn whatever_a_call_writes_is_gone() {
    let _turn = beside_others();
    let functions = Functions::new();
    functions.python("litter", "  pool: 1\n  limits: {timeout: 10s}\n", LITTER);
    let host = Host::start(functions.path());
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("kept"), "kept").unwrap();
    let path = format!("/function/litter?{}", outside.path().display());
    for what in ["deep", "many", "closed", "links"] {
        let reply = host.request("POST", &path, &[("X-Call-Id", what)], what.as_bytes());
        assert_eq!(reply.status, 200, "{what}: {}", reply.text());
        let scratch = PathBuf::from(reply.text());
        assert!(scratch.starts_with(&host.state), "{}", scratch.display());
        host.burial(what);
        assert!(!scratch.exists(), "{what}: {} is left", scratch.display());
    }
    assert!(outside.path().join("kept").exists());
    assert_eq!(host.call("litter", "nothing").status, 200);
    settles(host.pid(), &[(host.zygote("litter", &[]), 1, 1)]);
    // The zygote's own, and that of the one parked worker; a scratch goes after its processes.
    let root = fs::read_dir(host.state.join("scratch")).unwrap().next();
    let root = root.unwrap().unwrap().path();
    eventually("two scratches", || {
        fs::read_dir(&root).unwrap().count() == 2
    });
    let log = host.log();
    assert!(!log.contains("could not be removed"), "{log}");
}
