//! What a call leaves, what it can reach, and how much of a process it is.

use std::fs;

use super::command::{ECHO, add, command, data};
use crate::support::raw::Raw;
use crate::support::{Functions, Host, descendants};

/// WASI's errno.
const SUCCESS: u8 = 0;
const BADF: u8 = 8;
const EXIST: u8 = 20;
const NOENT: u8 = 44;
const NOTSOCK: u8 = 57;
const PERM: u8 = 63;

#[test]
fn the_second_call_finds_nothing_of_the_first() {
    let functions = Functions::new();
    // Finds and plants a file, a word of memory and a global; then does so once more, as the control.
    let pass = "(i32.store8 (i32.const 256) (call $path_open (i32.const 3) (i32.const 0)
             (i32.const 512) (i32.const 1) (i32.const 5) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
         (i32.store8 (i32.const 257) (i32.load (i32.const 40000)))
         (i32.store8 (i32.const 258) (global.get $planted))
         (i32.store (i32.const 40000) (i32.const 1))
         (global.set $planted (i32.const 1))
         (call $put (i32.const 256) (i32.const 3))";
    let module = command(
        "(global $planted (mut i32) (i32.const 0)) (data (i32.const 512) \"x\")",
        &format!("{pass} {pass}"),
    );
    add(&functions, "leak", "  pool: 2\n  concurrency: 1\n", &module);
    let host = Host::start(functions.path());
    for call in 0..6 {
        let expected = [SUCCESS, 0, 0, EXIST, 1, 1];
        assert_eq!(host.call("leak", "").body, expected, "call {call}");
    }
}

#[test]
fn random_numbers_differ() {
    let functions = Functions::new();
    let start = "(if (call $random_get (i32.const 64) (i32.const 32)) (then unreachable)) (call $put (i32.const 64) (i32.const 32))";
    add(&functions, "random", "  pool: 4\n", &command("", start));
    let host = Host::start(functions.path());
    let mut seen: Vec<_> = (0..8).map(|_| host.call("random", "").body).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 8);
    assert!(seen.iter().all(|bytes| bytes.len() == 32));
}

#[test]
fn a_worker_has_one_thread() {
    let functions = Functions::new();
    // Files, clocks, random numbers and both streams, and then it waits for more of its body.
    let before = "(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 1)
             (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
         (drop (call $path_create_directory (i32.const 3) (i32.const 513) (i32.const 1)))
         (drop (call $random_get (i32.const 64) (i32.const 32)))
         (call $sleep (i64.const 1000000))
         (call $put (i32.const 512) (i32.const 2))";
    let module = command("(data (i32.const 512) \"xy\")", &format!("{before} {ECHO}"));
    add(&functions, "busy", "  pool: 3\n", &module);
    let host = Host::start(functions.path());
    let mut client = Raw::send_to(
        &host,
        "POST /function/busy HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    assert_eq!(client.head().status, 200);
    assert_eq!(client.chunks(2), b"xy");
    let processes = descendants(host.pid());
    assert!(processes.len() >= 2, "a zygote and a worker: {processes:?}");
    for pid in processes {
        // One that ends meanwhile has none to count.
        let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(1, Iterator::count);
        assert_eq!(threads, 1, "process {pid}");
    }
    client.send_chunk(b"the end");
    client.send_chunk(b"");
    assert_eq!(client.chunks(7), b"the end");
    assert_eq!(client.chunk(), Some(Vec::new()));
}

/// A module that makes `calls`, each of which leaves an errno, and prints them as bytes.
fn probe(strings: &[&str], calls: &[String]) -> Vec<u8> {
    let strings = strings.iter().enumerate();
    let strings: String = strings
        .map(|(at, text)| data(1024 + at * 64, text))
        .collect();
    let stores = calls.iter().enumerate();
    let stores: String = stores
        .map(|(at, call)| format!("(i32.store8 (i32.const {}) {call})\n", 256 + at))
        .collect();
    let put = format!("(call $put (i32.const 256) (i32.const {}))", calls.len());
    command(&strings, &format!("{stores}{put}"))
}

#[test]
fn files_outside_of_the_scratch_are_out_of_reach() {
    let functions = Functions::new();
    let strings = [
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
        "link",
        "/",
        "up",
        "..",
        "link/etc/passwd",
        "up/../../../../../../../etc/passwd",
        "own",
        "moved",
        "a/../own",
        "/tmp/own",
        "/proc/self/fd/0",
        "hard",
        "self",
        "own-link",
    ];
    let at = |text: &str| {
        let index = strings.iter().position(|it| *it == text).unwrap();
        format!(
            "(i32.const {}) (i32.const {})",
            1024 + index * 64,
            text.len()
        )
    };
    let open = |text: &str, create: u8| {
        format!(
            "(call $path_open (i32.const 3) (i32.const 1) {} (i32.const {create}) (i64.const 2)
                (i64.const 0) (i32.const 0) (i32.const 16))",
            at(text)
        )
    };
    let link = |old: &str, new: &str| {
        format!("(call $path_symlink {} (i32.const 3) {})", at(old), at(new))
    };
    let calls = [
        // The control: what is its own.
        open("own", 1),
        open("a/../own", 0),
        link("own", "own-link"),
        open("own-link", 0),
        // By name.
        open("/etc/passwd", 0),
        open("/tmp/own", 0),
        open("../../../../../../../../etc/passwd", 0),
        open("..", 0),
        open("/proc/self/fd/0", 0),
        // By links of its own.
        link("/", "link"),
        open("link/etc/passwd", 0),
        link("..", "up"),
        open("up", 0),
        open("up/../../../../../../../etc/passwd", 0),
        // By other ways of giving a file a name.
        format!(
            "(call $path_link (i32.const 3) (i32.const 0) {} (i32.const 3) {})",
            at("/etc/passwd"),
            at("hard")
        ),
        format!(
            "(call $path_rename (i32.const 3) {} (i32.const 3) {})",
            at("own"),
            at("..")
        ),
        format!(
            "(call $path_create_directory (i32.const 3) {})",
            at("/tmp/own")
        ),
        // The scratch is all that is open.
        "(call $fd_prestat_get (i32.const 3) (i32.const 16))".to_owned(),
        "(call $fd_prestat_get (i32.const 4) (i32.const 16))".to_owned(),
    ];
    add(&functions, "probe", "", &probe(&strings, &calls));
    let host = Host::start(functions.path());
    for _ in 0..2 {
        let reply = host.call("probe", "");
        assert_eq!(
            reply.body,
            [
                SUCCESS, NOENT, SUCCESS, SUCCESS, // its own
                PERM, PERM, PERM, PERM, PERM, // by name
                PERM, NOENT, SUCCESS, PERM, PERM, // by links
                PERM, PERM, PERM, // other ways
                SUCCESS, BADF,
            ]
        );
    }
}

#[test]
fn there_are_no_sockets() {
    let functions = Functions::new();
    let calls: Vec<_> = (0..8)
        .flat_map(|fd| {
            [
                format!("(call $sock_accept (i32.const {fd}) (i32.const 0) (i32.const 16))"),
                format!("(call $sock_shutdown (i32.const {fd}) (i32.const 3))"),
            ]
        })
        .collect();
    add(&functions, "probe", "", &probe(&[], &calls));
    let host = Host::start(functions.path());
    let reply = host.call("probe", "");
    assert_eq!(reply.body.len(), 16);
    assert!(
        reply
            .body
            .iter()
            .all(|errno| [BADF, NOTSOCK].contains(errno)),
        "{:?}",
        reply.body
    );
}

/// No guest can make a system call of its own choice. What the runtime makes for it is filtered all the
/// same: here a profile forbids one, on pain of death.
#[test]
fn a_call_that_the_profile_forbids_is_denied() {
    let functions = Functions::new();
    let profiles = tempfile::tempdir().unwrap();
    fs::write(
        profiles.path().join("strict.yaml"),
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: strict}\nspec:\n  extends: [wasm]\n  \
         advanced: {seccomp: [{names: [mkdirat], action: kill, why: a test}]}\n",
    )
    .unwrap();
    let module = command(
        "(data (i32.const 512) \"x\")",
        "(drop (call $path_create_directory (i32.const 3) (i32.const 512) (i32.const 1)))",
    );
    add(&functions, "free", "", &module);
    add(&functions, "strict", "  profile: strict\n", &module);
    let host = Host::start_with(
        functions.path(),
        &["--profiles", profiles.path().to_str().unwrap()],
    );
    assert_eq!(host.call("free", "").outcome(), Some("Replied"));
    let reply = host.call("strict", "");
    assert_eq!((reply.status, reply.outcome()), (500, Some("Denied")));
}
