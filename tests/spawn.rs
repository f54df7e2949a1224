//! `start: spawn`: workers that were executed ahead of their call, restricted from their first
//! instruction, and have loaded the function for themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use support::raw::Raw;
use support::{Functions, Host, descendants};

const SPAWN: &str = "  start: spawn\n";

#[test]
fn what_an_import_opens_and_starts_is_its_calls_alone() {
    let functions = Functions::new();
    let code = "
import mmap, os, threading
shared = mmap.mmap(-1, 4096)            # a forked function would be refused for it
pair = os.pipe()
asked, answered = threading.Event(), []
def work():
    asked.wait()
    answered.append(threading.current_thread().name)
thread = threading.Thread(target=work, name='of the import')
thread.start()
calls = 0
def handle(event, context):
    global calls
    calls += 1
    before = shared[0]
    shared[0] += 1
    os.write(pair[1], b'x')
    asked.set()
    thread.join()
    inside = os.path.samefile(os.getcwd(), os.environ['TMPDIR'])
    return {'calls': calls, 'before': before, 'read': len(os.read(pair[0], 9)), 'answered': answered,
            'pid': os.getpid(), 'inside': inside, 'left': os.listdir('.')}
";
    functions.python("private", &format!("{SPAWN}  pool: 1\n"), code);
    let host = Host::start(functions.path());
    let mut pids = Vec::new();
    for round in 0..4 {
        let reply = host.call("private", "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        let mut answer = reply.json();
        pids.push(answer["pid"].take().as_u64().unwrap());
        let expected = serde_json::json!({
            "calls": 1, "before": 0, "read": 1, "answered": ["of the import"], "pid": null,
            "inside": true, "left": [],
        });
        assert_eq!(answer, expected, "call {round}");
    }
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 4, "each call had a process of its own");
}

#[test]
fn sixteen_at_once_each_have_their_own() {
    let functions = Functions::new();
    let code = "
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
seen = []
def handle(event, context):
    seen.append(event.data.decode())
    return seen
";
    functions
        .python("own", &format!("{SPAWN}  pool: {{min: 2, max: 8}}\n  concurrency: 16\n"), code)
        .add(
            "cat",
            "  runtime: exec\n  command: [/bin/cat]\n  profile: base\n  start: spawn\n  concurrency: 16\n",
            &[],
        );
    let host = Host::start(functions.path());
    std::thread::scope(|scope| {
        for client in 0..16 {
            let host = &host;
            scope.spawn(move || {
                for round in 0..6 {
                    let mark = format!("{client}-{round}");
                    let reply = host.call("own", &mark);
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    assert_eq!(reply.json(), serde_json::json!([mark]));
                    assert_eq!(host.call("cat", &mark).text(), mark);
                }
            });
        }
    });
}

/// A parked worker is what it will be, and restricted by the kernel's word.
#[test]
fn a_parked_worker_is_executed_and_restricted_already() {
    let functions = Functions::new();
    functions
        .add(
            "cat",
            "  runtime: exec\n  command: [/bin/cat]\n  profile: base\n  start: spawn\n  pool: 1\n",
            &[],
        )
        .python(
            "py",
            &format!("{SPAWN}  pool: 1\n"),
            "def handle(e, c): return 'x'\n",
        )
        .shell(
            "sh",
            &format!("{SPAWN}  pool: 1\n  limits: {{processes: 4}}\n"),
            "read -r line",
        );
    let host = Host::start(functions.path());
    let own = leasehold_sandbox::Kernel::probe()
        .unwrap()
        .inherited_filters;
    for (function, name) in [("cat", "cat"), ("py", "python"), ("sh", "run.sh")] {
        let of = |pid: &u32, file: &str| {
            fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
        };
        let workers = descendants(host.zygote(function, &[]));
        let is = |pid: &&u32| of(pid, "comm").starts_with(name);
        let worker = workers.iter().find(is).expect("a parked worker");
        let status = of(worker, "status");
        let field = |name: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
            line.unwrap().to_owned()
        };
        assert_eq!(field("NoNewPrivs"), "1", "{name}");
        assert_eq!(field("Seccomp"), "2", "{name}");
        assert_eq!(field("Seccomp_filters"), (own + 2).to_string(), "{name}");
    }
}

#[test]
fn an_import_that_fails_is_shown_and_not_served() {
    let functions = Functions::new();
    for (name, code) in [
        ("raises", "raise ValueError('no luck')\n"),
        ("exits", "import os\nos._exit(5)\n"),
        (
            "denied",
            "import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)\n",
        ),
        (
            "hogs",
            "hoard = []\nwhile True: hoard.append(bytearray(1 << 20))\n",
        ),
    ] {
        functions.python(name, &format!("{SPAWN}  limits: {{memory: 64Mi}}\n"), code);
    }
    let host = Host::start(functions.path());
    for (name, why) in [
        ("raises", "ValueError: no luck"),
        ("exits", "exit status 5"),
        ("denied", "system call filter"),
        ("hogs", "MemoryError"),
    ] {
        let reply = host.call(name, "");
        assert_eq!(reply.status, 503, "{name}");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("cannot be loaded"), "{name}: {detail}");
        assert!(detail.contains(why), "{name}: {detail}");
    }
}

/// A handler's end is told as for a forked worker.
#[test]
fn outcomes_are_those_of_forked_workers() {
    let functions = Functions::new();
    let code = "
import os, signal, time
def handle(event, context):
    what = event.data.decode()
    if what == 'raise': raise KeyError('gone')
    if what == 'exit': os._exit(7)
    if what == 'crash': os.kill(os.getpid(), signal.SIGSEGV)
    if what == 'hang': time.sleep(1000)
    if what == 'stream': return (c for c in ['a', 'b'])
    return os.listdir('/proc')
";
    functions.python(
        "ends",
        &format!("{SPAWN}  limits: {{timeout: 700ms}}\n"),
        code,
    );
    let host = Host::start(functions.path());
    for (body, status, outcome) in [
        ("raise", 500, "Failed"),
        ("exit", 502, "Crashed"),
        ("crash", 502, "Crashed"),
        ("hang", 504, "TimedOut"),
        ("stream", 200, "Replied"),
        ("proc", 500, "Failed"),
    ] {
        let reply = host.call("ends", body);
        let got = (reply.status, reply.outcome());
        assert_eq!(got, (status, Some(outcome)), "{body}: {}", reply.text());
    }
}

/// Its environment is fixed before there is a request, and holds none of it.
#[test]
fn a_program_that_is_started_ahead_has_its_input_only() {
    let functions = Functions::new();
    functions
        .shell(
            "ahead",
            &format!("{SPAWN}  pool: 1\n  env: {{GREETING: hello}}\n  limits: {{processes: 8}}\n"),
            "env | sed -n 's/^\\(Http_[A-Za-z_]*\\|GREETING\\|REQUEST_METHOD\\)=.*/\\1/p'
             [ \"$PWD\" = \"$TMPDIR\" ] && ls -A | wc -l; touch left; (sleep 1000 &) ; exec cat",
        )
        .shell(
            "status",
            &format!("{SPAWN}  limits: {{processes: 8}}\n"),
            "read -r code; exit \"$code\"",
        );
    let host = Host::start(functions.path());
    for _ in 0..3 {
        let reply = host.request("POST", "/function/ahead/x?y", &[("x-a", "1")], b"body");
        assert_eq!(reply.text(), "GREETING\n0\nbody");
    }
    let reply = host.call("status", "3\n");
    assert_eq!((reply.status, reply.outcome()), (500, Some("Failed")));
    assert!(reply.text().contains("exit status 3"), "{}", reply.text());
    // The input goes on while the answer comes.
    let mut raw = Raw::send_to(
        &host,
        "POST /function/ahead HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    assert_eq!(raw.head().status, 200);
    assert_eq!(raw.chunks(11), b"GREETING\n0\n");
    raw.send_chunk(b"late");
    assert_eq!(raw.chunks(4), b"late");
    raw.send_chunk(b"");
    assert_eq!(raw.chunk(), Some(Vec::new()));
}

/// What it does before it reads is done before the call, and is the call's all the same.
#[test]
fn a_program_that_does_not_wait_answers_too() {
    let functions = Functions::new();
    let exec = |command: &str| {
        format!("  runtime: exec\n  command: {command}\n  profile: base\n  start: spawn\n")
    };
    functions
        .add("hasty", &exec("[/bin/echo, hello]"), &[])
        .add("fails", &exec("[/bin/false]"), &[])
        .add(
            "none",
            &exec("[./none]"),
            &[("none", "#!/no/such/interpreter\n")],
        );
    let host = Host::start(functions.path());
    for _ in 0..6 {
        assert_eq!(host.call("hasty", "unread").text(), "hello\n");
        let reply = host.call("fails", "");
        assert_eq!((reply.status, reply.outcome()), (500, Some("Failed")));
    }
    let reply = host.call("none", "");
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.text().contains("cannot execute"), "{}", reply.text());
}

/// Every worker is its own witness, and has a layer of its own.
#[test]
fn nothing_of_a_call_is_in_the_next() {
    let functions = Functions::new();
    let handler = fs::read_to_string(support::examples().join("leak/handler.py")).unwrap();
    let more = "  profile: python-shell\n  limits: {timeout: 10s, processes: 8}\n  pool: 1\n  concurrency: 1\n  \
                start: spawn\n";
    functions.python("leak", more, &handler);
    let host = Host::start(functions.path());
    let key = support::process::mark();
    let mut earlier = 0;
    for round in 0..3 {
        let path = format!("/function/leak?key={key}&pid={earlier}");
        let answer = host.request("GET", &path, &[], b"").json();
        assert_eq!(
            answer["found"],
            serde_json::json!([]),
            "call {round}: {answer}"
        );
        assert!(
            answer["planted"].as_array().unwrap().len() >= 6,
            "it did try: {answer}"
        );
        earlier = answer["daemon"].as_u64().unwrap();
    }
}
