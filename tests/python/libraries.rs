//! What ships with CPython works in a call: randomness, threads, processes, databases.

use crate::support::python::EachPython;

#[test]
fn randomness_differs_from_call_to_call() {
    let code = r#"
import os, random, secrets, ssl, tempfile, uuid
random.seed(1)
ssl.RAND_bytes(1)
own = random.Random(2)
names = tempfile._get_candidate_names()
next(names)

def handle(event, context):
    return {
        "random": random.random(), "system": random.SystemRandom().random(),
        "secrets": secrets.token_hex(8), "uuid1": str(uuid.uuid1()), "uuid4": str(uuid.uuid4()),
        "urandom": os.urandom(8).hex(), "ssl": ssl.RAND_bytes(8).hex(), "name": next(names),
    }
"#;
    EachPython::serve("", code).each(|host, function| {
        let told: Vec<_> = (0..4).map(|_| host.call(function, "").json()).collect();
        for source in told[0].as_object().unwrap().keys() {
            for (at, one) in told.iter().enumerate() {
                for other in &told[..at] {
                    assert_ne!(one[source], other[source], "{source}");
                }
            }
        }
    });
}

#[test]
fn threads_queues_and_event_loops() {
    let code = r#"
import asyncio, concurrent.futures, queue, threading

async def double(n):
    await asyncio.sleep(0)
    return 2 * n

async def main():
    loop = asyncio.get_running_loop()
    inner = await loop.run_in_executor(None, lambda: threading.current_thread() is threading.main_thread())
    return inner, await asyncio.gather(*(double(n) for n in range(5)))

def handle(event, context):
    words, answers = queue.Queue(), []
    thread = threading.Thread(target=lambda: answers.append(words.get()))
    thread.start()
    words.put("heard")
    thread.join()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        squares = list(pool.map(lambda n: n * n, range(20)))
    inner, doubles = asyncio.run(main())
    assert threading.current_thread() is threading.main_thread()
    return {"answers": answers, "squares": sum(squares), "doubles": doubles, "inner": inner}
"#;
    EachPython::serve("", code).each(|host, function| {
        for _ in 0..2 {
            let reply = host.call(function, "");
            assert_eq!(reply.status, 200, "{}", reply.text());
            let expected = serde_json::json!({
                "answers": ["heard"], "squares": 2470, "doubles": [0, 2, 4, 6, 8], "inner": false,
            });
            assert_eq!(reply.json(), expected);
        }
    });
}

#[test]
fn processes_where_the_profile_has_them() {
    let code = r#"
import multiprocessing, os, subprocess, sys

def square(n):
    return n * n

def handle(event, context):
    run = lambda *args, **more: subprocess.run(args, capture_output=True, text=True, **more)
    told = {
        "piped": run("/usr/bin/tr", "a-z", "A-Z", input="shout").stdout,
        "kept": run("/usr/bin/env", close_fds=False, env={"A": "1"}).stdout,
        "shell": subprocess.check_output("echo one | sed s/one/two/", shell=True).decode(),
        "session": run("/bin/echo", "x", start_new_session=True).stdout,
        "python": run(sys.executable, "-c", "import json; print(json.dumps([1]))").stdout,
        "code": run("/bin/sh", "-c", "exit 7").returncode,
    }
    pid = os.fork()
    if pid == 0:
        os._exit(5)
    told["forked"] = os.WEXITSTATUS(os.waitpid(pid, 0)[1])
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(square(7)))
    child.start()
    told["process"] = ours.recv()
    child.join()
    return told
"#;
    EachPython::serve("  profile: python-shell\n", code).each(|host, function| {
        let reply = host.call(function, "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        let expected = serde_json::json!({
            "piped": "SHOUT", "kept": "A=1\n", "shell": "two\n", "session": "x\n",
            "python": "[1]\n", "code": 7, "forked": 5, "process": 49,
        });
        assert_eq!(reply.json(), expected);
    });
}

#[test]
fn no_processes_where_it_has_none() {
    let code = r#"
import os, subprocess

def handle(event, context):
    refused = []
    for attempt in (os.fork, lambda: subprocess.run(["/bin/true"])):
        try:
            attempt()
        except OSError as error:
            refused.append(type(error).__name__)
    return refused
"#;
    EachPython::serve("", code).each(|host, function| {
        let expected = serde_json::json!(["PermissionError", "PermissionError"]);
        assert_eq!(host.call(function, "").json(), expected);
    });
}

#[test]
fn databases_archives_and_files_in_the_scratch() {
    let code = r#"
import os, pathlib, shutil, sqlite3, tarfile, tempfile, zipfile

def handle(event, context):
    base = sqlite3.connect("base.sqlite")
    # Without it a write-ahead log is shared by F_GETLK, which tells of other calls' locks.
    base.execute("pragma locking_mode = exclusive")
    assert base.execute("pragma journal_mode = wal").fetchone() == ("wal",)
    base.execute("create table t (n integer)")
    base.executemany("insert into t values (?)", [(n,) for n in range(1000)])
    base.commit()
    total = base.execute("select sum(n) from t").fetchone()[0]
    base.close()
    with tempfile.TemporaryDirectory() as directory:
        (pathlib.Path(directory) / "a").write_bytes(b"x" * 100_000)
        with tarfile.open("a.tar.gz", "w:gz") as tar:
            tar.add(directory, "inner")
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("b", "text")
    os.rename("a.zip", "renamed.zip")
    os.link("renamed.zip", "linked.zip")
    os.symlink("linked.zip", "link.zip")
    shutil.copy("link.zip", "copied.zip")
    with zipfile.ZipFile("copied.zip") as archive:
        text = archive.read("b").decode()
    return {"total": total, "text": text, "tar": tarfile.open("a.tar.gz").getnames()}
"#;
    EachPython::serve("", code).each(|host, function| {
        let reply = host.call(function, "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        let expected = serde_json::json!({
            "total": 499_500, "text": "text", "tar": ["inner", "inner/a"],
        });
        assert_eq!(reply.json(), expected);
    });
}
