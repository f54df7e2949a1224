//! What an import leaves, and how one fails.

use crate::support::python::EachPython;

const ANSWER: &str = "def handle(e, c):\n    return 'answered'\n";

#[test]
fn an_import_that_fails_is_shown() {
    for (code, cause) in [
        (
            "def inner():\n    raise ValueError('no luck')\ninner()\n",
            "ValueError: no luck",
        ),
        ("import no_such_module\n", "ModuleNotFoundError"),
        ("def handle(:\n", "SyntaxError"),
        ("handle = 7\n", "is not callable"),
        ("other = 7\n", "AttributeError"),
        ("import sys\nsys.exit(0)\n", "SystemExit"),
    ] {
        EachPython::serve("", code).each(|host, function| {
            let reply = host.call(function, "");
            assert_eq!(reply.status, 503, "{}", reply.text());
            let detail = reply.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("cannot be loaded"), "{detail}");
            assert!(detail.contains(cause), "{detail}");
            host.record("the traceback", |record| {
                record["function"] == *function
                    && record["line"]
                        .as_str()
                        .is_some_and(|line| line.contains("Traceback"))
            });
        });
    }
}

#[test]
fn a_zygote_that_dies_is_told_apart() {
    let each = EachPython::serve("", "import os\nos._exit(5)\n");
    each.each(|host, function| {
        let reply = host.call(function, "");
        assert_eq!(reply.status, 503);
        assert!(reply.text().contains("exit status 5"), "{}", reply.text());
    });
    let traces = "import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)\n";
    EachPython::serve("", traces).each(|host, function| {
        let reply = host.call(function, "");
        assert_eq!(reply.status, 503);
        assert!(
            reply.text().contains("system call filter"),
            "{}",
            reply.text()
        );
    });
}

#[test]
fn writable_shared_memory_refuses_the_function() {
    for (code, size) in [
        (
            "import mmap\nshared = mmap.mmap(-1, 4096)\n",
            Some("4096 bytes"),
        ),
        (
            "import mmap\nshared = mmap.mmap(-1, 8192, prot=mmap.PROT_WRITE)\n",
            Some("8192 bytes"),
        ),
        (
            "import multiprocessing\nshared = multiprocessing.Value('i', 0)\n",
            None,
        ),
    ] {
        let code = format!("{code}{ANSWER}");
        EachPython::serve("", &code).each(|host, function| {
            let reply = host.call(function, "");
            assert_eq!(reply.status, 503, "{}", reply.text());
            let detail = reply.json()["detail"].as_str().unwrap().to_owned();
            if let Some(size) = size {
                assert!(detail.contains("writable shared memory"), "{detail}");
                assert!(detail.contains(size), "{detail}");
            }
            host.record("the refusal", |record| {
                record["function"] == *function && record["level"] == "ERROR"
            });
        });
    }
    // What cannot join calls does not matter.
    let code = "import mmap\nmade = mmap.mmap(-1, 4096)\nmade.close()\n\
                private = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n";
    EachPython::serve("", &format!("{code}{ANSWER}")).each(|host, function| {
        assert_eq!(host.call(function, "").text(), "answered");
    });
}

#[test]
fn threads_of_an_import_are_warned_of() {
    let code = format!(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n\
         {ANSWER}"
    );
    EachPython::serve("", &code).each(|host, function| {
        let record = host.record("the warning", |record| {
            record["function"] == *function && record["threads"].is_u64()
        });
        assert_eq!(
            (&record["threads"], &record["level"]),
            (&2.into(), &"WARN".into())
        );
        for _ in 0..3 {
            assert_eq!(host.call(function, "").text(), "answered");
        }
    });
}

#[test]
fn children_of_an_import_are_killed_and_counted() {
    let code = format!(
        "import subprocess\nchildren = [subprocess.Popen(['/usr/bin/tail', '-f', '/dev/null'], \
         start_new_session=bool(n)) for n in range(2)]\n{ANSWER}"
    );
    EachPython::serve("  profile: python-shell\n", &code).each(|host, function| {
        let record = host.record("the warning", |record| {
            record["function"] == *function && record["killed"].is_u64()
        });
        assert_eq!(
            (&record["killed"], &record["level"]),
            (&2.into(), &"WARN".into())
        );
        assert_eq!(host.call(function, "").text(), "answered");
        let left = crate::support::descendants(host.pid())
            .into_iter()
            .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok())
            .filter(|name| name.trim() == "tail");
        assert_eq!(left.count(), 0);
    });
}

#[test]
fn what_an_import_made_is_there_and_what_a_call_changes_is_gone() {
    let code = r#"
import os, tempfile
FIXED = tempfile.gettempdir()
with open(os.path.join(FIXED, "made-by-import"), "w") as file:
    file.write("x")
made, count = [1, 2, 3], 0

def handle(event, context):
    global count
    count += 1
    made.append(count)
    os.environ["LEFT"] = "x"
    left = os.listdir(".")
    with open("left", "w") as file:
        file.write("x")
    with tempfile.NamedTemporaryFile() as named:
        directory = os.path.dirname(named.name)
    return {"count": count, "made": made, "left": left, "cwd": os.getcwd(), "named": directory,
            "temporary": tempfile.gettempdir(), "home": os.path.expanduser("~"), "umask": os.umask(0)}
"#;
    EachPython::serve("", code).each(|host, function| {
        let mut before = None;
        for _ in 0..3 {
            let told = host.call(function, "").json();
            assert_eq!(told["count"], 1);
            assert_eq!(told["made"], serde_json::json!([1, 2, 3, 1]));
            assert_eq!(told["left"], serde_json::json!([]));
            let scratch = &told["cwd"];
            for place in ["temporary", "named", "home"] {
                assert_eq!(&told[place], scratch, "{place}");
            }
            assert_eq!(told["umask"], 0o022);
            assert_ne!(before.as_ref(), Some(scratch));
            before = Some(scratch.clone());
        }
    });
}

/// A pipe or an offset that all calls share would be a channel between them.
#[test]
fn descriptors_of_an_import_are_closed() {
    let code = r#"
import os, socket
pair = socket.socketpair()
opened = [*os.pipe(), os.open("/dev/null", os.O_RDWR), *(end.fileno() for end in pair)]

def errno(number):
    try:
        os.fstat(number)
    except OSError as error:
        return error.errno

before = [errno(number) for number in opened]

def handle(event, context):
    return {"before": before, "now": [errno(number) for number in opened]}
"#;
    EachPython::serve("", code).each(|host, function| {
        let told = host.call(function, "").json();
        let (none, ebadf) = (serde_json::Value::Null, serde_json::Value::from(9));
        assert_eq!(
            told["before"],
            serde_json::json!([none, none, none, none, none])
        );
        assert_eq!(
            told["now"],
            serde_json::json!([ebadf, ebadf, ebadf, ebadf, ebadf])
        );
    });
}

/// The way of a call is rehearsed, but not with what is the function's own.
#[test]
fn a_function_may_replace_what_is_rehearsed() {
    let code = r#"
import json

def dumps(value, **options):
    raise SystemError("not to be rehearsed")

json.dumps = dumps
count = 0

def handle(event, context):
    global count
    count += 1
    return str(count)
"#;
    EachPython::serve("", code).each(|host, function| {
        for _ in 0..2 {
            let reply = host.call(function, "");
            assert_eq!((reply.status, reply.text().as_str()), (200, "1"));
        }
    });
}

#[test]
fn what_an_import_leaves_is_told_of_by_file_and_line() {
    let code = "
import socket, threading
import mmap
closed = socket.socketpair()
for one in closed: one.close()
pair = socket.socketpair()
def work():
    threading.Event().wait()
threading.Thread(target=work, daemon=True).start()
finished = threading.Thread(target=str)
finished.start()
finished.join()
def handle(e, c):
    return 'answered'
";
    EachPython::serve("", code).each(|host, function| {
        assert_eq!(host.call(function, "").text(), "answered");
        for (place, what) in [
            ("handler.py:6", "a socket open"),
            ("handler.py:7", "a thread running"),
        ] {
            host.record(what, |record| {
                let line = record["line"].as_str().unwrap_or_default();
                record["function"] == *function
                    && line.contains(&format!("{place}: the import has left {what}"))
                    && line.contains("`start: spawn`")
            });
        }
        let told = host.records().into_iter().any(|record| {
            let line = record["line"].as_str().unwrap_or_default().to_owned();
            record["function"] == *function && line.contains("handler.py:4")
        });
        assert!(!told, "what was closed again is not left");
    });
    let shares = "import mmap\n\nshared = mmap.mmap(-1, 4096)\n";
    EachPython::serve("", &format!("{shares}{ANSWER}")).each(|host, function| {
        assert_eq!(host.call(function, "").status, 503);
        host.record("where it was made", |record| {
            let line = record["line"].as_str().unwrap_or_default();
            record["function"] == *function
                && line.contains("handler.py:3: the import has left a mapping")
        });
    });
}
