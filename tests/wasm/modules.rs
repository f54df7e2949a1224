//! What is no command is refused, in words that help, and never compiled or run.

use std::fs;
use std::os::unix::fs::symlink;

use super::command::{add, assemble, command};
use crate::support::process::eventually;
use crate::support::{Functions, Host, descendants};

/// Asserts that `function` is not ready, for a reason that contains `why`.
fn assert_refused(host: &Host, function: &str, why: &str) {
    let reply = host.call(function, "");
    assert_eq!(reply.status, 503, "{function}: {}", reply.text());
    let told = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(told.contains(why), "{function}: {told}");
}

#[test]
fn what_is_no_command_is_refused_by_name() {
    let functions = Functions::new();
    let bad: [(&str, &[u8], &str); 8] = [
        ("garbage", b"\x00\x01garbage", "no WebAssembly module"),
        ("empty", b"", "no WebAssembly module"),
        ("text", b"(module)", "no WebAssembly module"),
        ("torn", b"\0asm\x01\0\0\0\x01\x7f", "cannot be compiled"),
        (
            "component",
            &wat::parse_str("(component)").unwrap(),
            "it is a component",
        ),
        ("elf", b"\x7fELF\x02\x01\x01", "compiled already"),
        (
            "library",
            &assemble("(func (export \"run\"))"),
            "no command of WASI preview 1",
        ),
        (
            "starts",
            &assemble("(func $f) (start $f) (func (export \"_start\"))"),
            "start function",
        ),
    ];
    for (name, module, _) in bad {
        add(&functions, name, "", module);
    }
    let imports =
        "(import \"env\" \"system\" (func (param i32) (result i32))) (func (export \"_start\"))";
    add(&functions, "imports", "", &assemble(imports));
    let sockets =
        "(import \"wasi_snapshot_preview1\" \"sock_open\" (func (param i32 i32 i32) (result i32)))";
    add(
        &functions,
        "sockets",
        "",
        &assemble(&format!("{sockets} (func (export \"_start\"))")),
    );
    let shared = "(memory 1 1 shared) (func (export \"_start\"))";
    add(&functions, "threads", "", &assemble(shared));
    let large = "(memory 2048) (func (export \"_start\"))";
    add(
        &functions,
        "large",
        "  limits: {memory: 64Mi}\n",
        &assemble(large),
    );
    // The good one beside them is not disturbed.
    add(&functions, "good", "", &command("", ""));
    let host = Host::start(functions.path());
    for (name, _, why) in bad {
        assert_refused(&host, name, why);
    }
    assert_refused(&host, "imports", "unknown import: `env::system`");
    assert_refused(
        &host,
        "sockets",
        "unknown import: `wasi_snapshot_preview1::sock_open`",
    );
    assert_refused(&host, "threads", "cannot be compiled");
    assert_refused(&host, "large", "memory");
    assert_eq!(host.call("good", "").status, 200);
}

/// An artefact of this very host, taken out of its cache, is native code, and no function's module.
#[test]
fn what_is_compiled_already_is_refused() {
    let functions = Functions::new();
    add(&functions, "good", "", &command("", ""));
    let host = Host::start(functions.path());
    assert_eq!(host.call("good", "").status, 200);
    let kept = host.state.join("artefacts").read_dir().unwrap();
    let entry = kept
        .map(|it| it.unwrap().path())
        .find(|path| !path.ends_with("key"));
    // Behind the magic number and the tag.
    let artefact = fs::read(entry.unwrap()).unwrap().split_off(40);
    assert!(artefact.starts_with(b"\x7fELF"));
    drop(host);
    add(&functions, "native", "", &artefact);
    let host = Host::start(functions.path());
    assert_refused(&host, "native", "compiled already");
    assert_eq!(host.call("good", "").status, 200);
}

#[test]
fn a_module_is_a_file_of_bounded_size_in_the_folder() {
    let functions = Functions::new();
    let module = command("", "");
    add(
        &functions,
        "linked",
        "  command: [./inside.wasm]\n",
        &module,
    );
    symlink("it.wasm", functions.path().join("linked/inside.wasm")).unwrap();
    add(
        &functions,
        "absolute",
        "  command: [/etc/passwd]\n",
        &module,
    );
    add(&functions, "escapes", "  command: [./out.wasm]\n", &module);
    symlink("/etc/passwd", functions.path().join("escapes/out.wasm")).unwrap();
    add(
        &functions,
        "climbs",
        "  command: [../linked/it.wasm]\n",
        &module,
    );
    add(&functions, "missing", "  command: [./none.wasm]\n", &module);
    add(&functions, "nowhere", "  command: [it.wasm]\n", &module);
    add(&functions, "huge", "", &module);
    let file = fs::File::options()
        .write(true)
        .open(functions.path().join("huge/it.wasm"));
    file.unwrap().set_len((64 << 20) + 1).unwrap();
    add(&functions, "swapped", "", &module);
    let host = Host::start(functions.path());
    assert_eq!(host.call("linked", "").status, 200);
    assert_refused(&host, "absolute", "from the function's folder only");
    assert_refused(&host, "escapes", "leads out of the function's folder");
    assert_refused(&host, "climbs", "leads out of the function's folder");
    assert_refused(&host, "missing", "cannot find the module");
    assert_refused(&host, "nowhere", "looked for nowhere");
    assert_refused(&host, "huge", "it is over 64 MiB");
}

/// While a module is compiled that takes long to compile, the kernel says in what sandbox, and the host
/// goes on serving.
#[test]
fn the_compiler_is_restricted() {
    let functions = Functions::new();
    add(&functions, "good", "", &command("", ""));
    let host = Host::start(functions.path());
    assert_eq!(host.call("good", "").status, 200);
    let before = descendants(host.pid());

    // One long function of which every value depends on the one before.
    let step =
        "(local.set 0 (i32.rotl (i32.xor (local.get 0) (i32.load (local.get 0))) (i32.const 7)))";
    let slow = command("", &format!("(local i32) {}", step.repeat(300_000)));
    add(&functions, "slow", "  limits: {memory: 64Mi}\n", &slow);
    let read = |pid: u32, file: &str| fs::read_to_string(format!("/proc/{pid}/{file}"));
    let is = |text: &str, name: &str, value: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.is_some_and(|rest| rest.split_whitespace().next() == Some(value))
    };
    eventually("a restricted compiler", || {
        descendants(host.pid()).into_iter().any(|pid| {
            let (Ok(status), Ok(limits)) = (read(pid, "status"), read(pid, "limits")) else {
                return false;
            };
            !before.contains(&pid)
                && is(&status, "NoNewPrivs:", "1")
                && is(&status, "Seccomp:", "2")
                && is(&status, "Threads:", "1")
                // The limits of compiling, which no worker and no zygote has.
                && is(&limits, "Max data size", "1073741824")
                && is(&limits, "Max cpu time", "60")
                && is(&limits, "Max file size", "536870912")
        })
    });
    assert_eq!(host.call("good", "").status, 200);
}
