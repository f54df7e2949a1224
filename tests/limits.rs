//! The limits of a whole call: whoever goes over one is killed, and the outcome names it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{Functions, Host};

/// Calls `function`, which must be ended for being over the limit of this name.
fn assert_over(host: &Host, function: &str, limit: &str) {
    let reply = host.call(function, "");
    assert_eq!(
        reply.outcome(),
        Some("OverLimit"),
        "{function}: {}",
        reply.text()
    );
    assert_eq!(reply.status, 502, "{function}");
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(limit), "{function}: {detail}");
}

#[test]
fn each_limit_of_a_call_ends_it_by_name() {
    let functions = Functions::new();
    let python =
        |limits: &str| format!("  profile: python-shell\n  limits: {{timeout: 20s, {limits}}}\n");
    functions
        .python(
            "memory",
            &python("memory: 64Mi, processes: 8"),
            // Each process is below the limit that the kernel knows; together they are over.
            "import os, time\ndef handle(event, context):\n    for _ in range(6):\n        if os.fork() == 0:\n            held = bytearray(os.urandom(1)) * (20 << 20)\n            time.sleep(60)\n    time.sleep(60)\n",
        )
        .python(
            "shared",
            &python("memory: 64Mi"),
            "import mmap, time\ndef handle(event, context):\n    held = mmap.mmap(-1, 200 << 20)\n    for at in range(0, 200 << 20, 4096):\n        held[at] = 1\n    time.sleep(60)\n",
        )
        .python(
            "processes",
            &python("processes: 4"),
            "import os, time\ndef handle(event, context):\n    for _ in range(10):\n        if os.fork() == 0:\n            time.sleep(60)\n    time.sleep(60)\n",
        )
        .python(
            "threads",
            &python("threads: 8"),
            "import threading, time\ndef handle(event, context):\n    for _ in range(20):\n        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    time.sleep(60)\n",
        )
        .python(
            "cpu",
            &python("cpu: 1s, processes: 4"),
            "import os\ndef handle(event, context):\n    os.fork()\n    while True:\n        pass\n",
        )
        .python(
            "scratch",
            &python("scratch: 8Mi"),
            "import time\ndef handle(event, context):\n    for number in range(4):\n        open(f'{number}', 'wb').write(b'x' * (4 << 20))\n    time.sleep(60)\n",
        )
        .python(
            "files",
            &python("scratchFiles: 100"),
            "import os, time\ndef handle(event, context):\n    for number in range(60):\n        os.makedirs(f'deep/{number}/{number}')\n    time.sleep(60)\n",
        )
        .python("one-file", &python("scratch: 1Mi"), "def handle(event, context):\n    open('f', 'wb').write(b'x' * (2 << 20))\n");
    let host = Host::start(functions.path());
    assert_over(&host, "memory", "limits.memory");
    assert_over(&host, "shared", "limits.memory");
    assert_over(&host, "processes", "limits.processes");
    assert_over(&host, "threads", "limits.threads");
    assert_over(&host, "cpu", "limits.cpu");
    assert_over(&host, "scratch", "limits.scratch");
    assert_over(&host, "files", "limits.scratchFiles");
    // CPython ignores SIGXFSZ, so the write fails instead.
    let reply = host.call("one-file", "");
    assert_eq!(reply.outcome(), Some("Failed"));
    assert!(
        reply.json()["detail"]
            .as_str()
            .unwrap()
            .contains("File too large"),
        "{}",
        reply.text()
    );
}

#[test]
fn within_its_limits_a_call_is_left_alone() {
    let functions = Functions::new();
    functions.python(
        "good",
        "  profile: python-shell\n  limits: {timeout: 20s, memory: 256Mi, processes: 4, threads: 8, scratch: 64Mi, scratchFiles: 200}\n",
        // Long enough to be looked at several times.
        "import os, threading\ndef handle(event, context):\n    held = bytearray(64 << 20)\n    for number in range(100):\n        open(f'{number}', 'wb').write(b'x' * 1000)\n    threads = [threading.Thread(target=sum, args=(range(1000),)) for _ in range(4)]\n    [t.start() for t in threads]; [t.join() for t in threads]\n    pid = os.fork()\n    if pid == 0:\n        os._exit(0)\n    os.waitpid(pid, 0)\n    total = sum(range(10_000_000))\n    return str(total)\n",
    );
    let host = Host::start(functions.path());
    for _ in 0..3 {
        let reply = host.call("good", "");
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, "49999995000000")
        );
    }
}
