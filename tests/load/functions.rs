//! The functions that the load calls.

use super::command;
use super::support::Functions;

/// The limit of `small`.
pub(super) const SMALL: usize = 64;

/// Workers that each function has parked: a fixed number, so that it can be told when all is as before.
pub(super) const POOL: usize = 2;

/// A function, and how many processes a parked worker of it is.
pub(super) const FUNCTIONS: &[(&str, usize)] = &[
    ("cat", 1),
    ("upper", 2),
    ("reverse", 1),
    ("wasm", 1),
    ("faulty", 1),
    ("suicide", 2),
    ("sleepy", 1),
    ("idle", 2),
    ("tracer", 2),
    ("small", 1),
    ("wide", 1),
    ("endless", 2),
    ("patient", 1),
];

/// All that the cases call.
pub(super) fn all() -> Functions {
    let functions = Functions::new();
    // As many as there are clients may run, so that none is refused.
    let with = |limits: &str| {
        format!("  pool: {POOL}\n  concurrency: 64\n  queue: 64\n  limits: {{{limits}}}\n")
    };
    let (long, short) = (with("timeout: 30s"), with("timeout: 2s"));
    let cat = format!("  runtime: exec\n  command: [/bin/cat]\n  profile: compute\n{long}");
    functions
        .add("cat", &cat, &[])
        .shell("upper", &long, "exec tr a-z A-Z")
        .shell("suicide", &long, "sleep 1000 & kill -9 $$")
        .shell("idle", &short, "sleep 1000 & sleep 1000")
        .shell("tracer", &long, "exec perl -e 'syscall 101, 0, 0, 0, 0'")
        .shell(
            "endless",
            &with("timeout: 30s, responseBody: 4096"),
            "head -c 5; cat >/dev/null; exec head -c 8192 /dev/zero",
        )
        .python(
            "reverse",
            &long,
            "def handle(event, context):\n    return event.data[::-1]\n",
        )
        .python("faulty", &long, FAULTY)
        .python("sleepy", &short, SLEEP)
        .python("patient", &long, SLEEP)
        .python(
            "small",
            &with(&format!("timeout: 30s, requestBody: {SMALL}")),
            "def handle(event, context):\n    return event.data\n",
        )
        .python(
            "wide",
            &with("timeout: 30s, responseBody: 1024"),
            "def handle(event, context):\n    return '.' * 1025\n",
        );
    let echo = command::command("", command::ECHO);
    command::add(&functions, "wasm", &long, &echo);
    functions
}

const SLEEP: &str = "import time\ndef handle(event, context):\n    time.sleep(1000)\n";
const FAULTY: &str = "
import ctypes, os, signal

libc = ctypes.CDLL(None)

def handle(event, context):
    if event.data == b'crash':
        os.kill(os.getpid(), signal.SIGSEGV)
    if event.data == b'ptrace':
        libc.ptrace(0, 0, 0, 0)
    return 'alive'
";
