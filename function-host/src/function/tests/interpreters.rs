//! Which interpreters are asked, and how they are judged: with stubs in their place.

use std::io;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// What a CPython that can run functions would say, with these fields in place of its own.
fn answer(changes: &[(&str, serde_json::Value)]) -> Vec<u8> {
    let mut answer = serde_json::json!({
        "executable": "/bin/sh", "basePrefix": "/", "baseExecPrefix": "/usr",
        "version": [3, 11, 2], "implementation": "cpython", "libc": "glibc 2.36",
        "platform": "x86_64-linux-gnu", "paths": ["/usr", "/etc", "relative", "/nowhere"],
    });
    for (field, value) in changes {
        answer[field] = value.clone();
    }
    serde_json::to_vec(&answer).unwrap()
}

/// A folder with an executable `python3`, and interpreters that answer so.
fn stub(answer: Vec<u8>) -> (tempfile::TempDir, Interpreters) {
    let place = tempfile::tempdir().unwrap();
    executable(&place.path().join("python3"), "#!/bin/false\n");
    let interpreters = Interpreters::new(Box::new(move |_| Ok(answer.clone())));
    let interpreters = interpreters.searching(&place.path().into());
    (place, interpreters)
}

#[test]
fn what_cannot_run_functions_is_named() {
    let refusal = |field: &str, value: serde_json::Value| {
        let (place, interpreters) = stub(answer(&[(field, value)]));
        let error = interpreters
            .resolve(None, Path::new("/nowhere"))
            .unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string().replace(
            place.path().canonicalize().unwrap().to_str().unwrap(),
            "DIR",
        )
    };
    assert_eq!(
        refusal("implementation", "pypy".into()),
        "DIR/python3 is pypy, not CPython"
    );
    let too_old = "DIR/python3 is CPython 3.8.18, older than 3.9";
    assert_eq!(refusal("version", vec![3, 8, 18].into()), too_old);
    let libc = |found: &str| format!("DIR/python3 runs on {found}, not on glibc 2.34 or later");
    assert_eq!(refusal("libc", "glibc 2.31".into()), libc("glibc 2.31"));
    let silent = libc("a C library that does not say which it is");
    assert_eq!(refusal("libc", serde_json::Value::Null), silent);
    let (_place, interpreters) = stub(answer(&[
        ("libc", "".into()),
        ("platform", "x86_64-linux-musl".into()),
    ]));
    let error = interpreters
        .resolve(None, Path::new("/nowhere"))
        .unwrap_err();
    assert!(
        error.to_string().contains("runs on musl, not on glibc"),
        "{error}"
    );
    let (_place, interpreters) = stub(b"hello".to_vec());
    let error = interpreters
        .resolve(None, Path::new("/nowhere"))
        .unwrap_err();
    assert!(matches!(error, InterpreterError::Answer { .. }), "{error}");
}

#[test]
fn the_whole_system_is_never_a_prefix() {
    let (_place, interpreters) = stub(answer(&[]));
    let found = interpreters.resolve(None, Path::new("/nowhere")).unwrap();
    assert_eq!(found.version, (3, 11, 2));
    assert_eq!(found.program, Path::new("/bin/sh"));
    assert!(found.prefixes.contains(&"/etc".into()), "{found:?}");
    for path in &found.prefixes {
        assert!(path.exists() && path.is_absolute(), "{path:?}");
        assert!(
            !["/", "/usr", "/usr/lib"]
                .map(Path::new)
                .contains(&path.as_path())
        );
    }
}

#[test]
fn a_prefix_that_is_a_link_is_given_twice_and_a_shared_one_in_parts() {
    let home = tempfile::tempdir().unwrap();
    let real = home.path().canonicalize().unwrap().join("real");
    fs::create_dir_all(real.join("lib")).unwrap();
    fs::create_dir_all(real.join("functions/hello")).unwrap();
    let link = real.with_file_name("link");
    symlink(&real, &link).unwrap();
    let prefix = serde_json::json!(link);
    let says = [
        ("basePrefix", prefix.clone()),
        ("baseExecPrefix", prefix),
        ("paths", vec![""; 0].into()),
    ];
    let (_place, interpreters) = stub(answer(&says));
    let found = interpreters.resolve(None, Path::new("/nowhere")).unwrap();
    assert_eq!(found.prefixes, [link.clone(), real.clone()]);
    let inside = real.join("functions/hello");
    let found = interpreters.resolve(None, &inside).unwrap();
    assert_eq!(found.prefixes, [link.join("lib"), real.join("lib")]);
    interpreters.distrust(&real.join("functions"));
    let found = interpreters.resolve(None, Path::new("/nowhere")).unwrap();
    assert_eq!(found.prefixes, [link.join("lib"), real.join("lib")]);
}

#[test]
fn each_is_asked_once_and_the_first_usable_one_is_taken() {
    let asked = Arc::new(AtomicUsize::new(0));
    let places = [(); 3].map(|()| tempfile::tempdir().unwrap());
    // Not executable; cannot be asked; good.
    fs::write(places[0].path().join("python3"), "").unwrap();
    executable(&places[1].path().join("python3"), "");
    executable(&places[2].path().join("python3"), "");
    let (count, bad) = (Arc::clone(&asked), places[1].path().canonicalize().unwrap());
    let run = move |command: Command| {
        count.fetch_add(1, Ordering::Relaxed);
        match Path::new(command.get_program()).starts_with(&bad) {
            true => Err(io::Error::other("no")),
            false => Ok(answer(&[])),
        }
    };
    let path = std::env::join_paths(places.iter().map(tempfile::TempDir::path)).unwrap();
    let interpreters = Interpreters::new(Box::new(run)).searching(&path);
    for _ in 0..3 {
        interpreters.resolve(None, Path::new("/nowhere")).unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let error = interpreters
        .resolve(Some("python3.99"), Path::new("/nowhere"))
        .unwrap_err();
    assert_eq!(error.to_string(), "there is no `python3.99` on PATH");
    // Of those that all fail, the first tells why.
    let interpreters =
        Interpreters::new(Box::new(|_| Err(io::Error::other("no")))).searching(&path);
    let error = interpreters
        .resolve(None, Path::new("/nowhere"))
        .unwrap_err();
    assert!(
        error.to_string().ends_with("python3 what it is: no"),
        "{error}"
    );
}

/// Interpreters that must not execute anything.
fn idle() -> Interpreters {
    Interpreters::new(Box::new(|command| panic!("executed {command:?}")))
}

#[test]
fn nothing_hostile_is_executed() {
    let functions = tempfile::tempdir().unwrap();
    let root = functions.path().canonicalize().unwrap();
    let (mine, other) = (root.join("mine"), root.join("other"));
    for folder in [&mine, &other] {
        fs::create_dir_all(folder.join("venv/bin")).unwrap();
        executable(&folder.join("python3"), "#!/bin/sh\n");
        // A virtual environment of copies, and one whose `home` is hostile.
        executable(&folder.join("venv/bin/python"), "#!/bin/sh\n");
        fs::write(
            folder.join("venv/pyvenv.cfg"),
            format!("home = {}\n", root.display()),
        )
        .unwrap();
    }
    symlink("../other/python3", mine.join("python")).unwrap();
    let interpreters = idle().searching(&mine.clone().into());
    interpreters.distrust(&root);
    let hostile = [
        "./python3",
        "./python",
        "../other/python3",
        "venv/bin/python",
        "python3",
    ];
    for asked in hostile.map(Some).into_iter().chain([None]) {
        let error = interpreters.resolve(asked, &mine).unwrap_err();
        assert!(
            matches!(error, InterpreterError::Distrusted { .. }),
            "{asked:?}: {error}"
        );
    }
    // The function's own folder is never trusted.
    let error = idle().resolve(Some("./python3"), &mine).unwrap_err();
    assert!(
        matches!(error, InterpreterError::Distrusted { .. }),
        "{error}"
    );
    // Neither is a program that only a link calls python.
    fs::remove_file(mine.join("python")).unwrap();
    symlink("/bin/cat", mine.join("python")).unwrap();
    for asked in ["./python", "/bin/cat"] {
        let error = idle().resolve(Some(asked), &mine).unwrap_err();
        assert!(
            matches!(error, InterpreterError::Name { .. }),
            "{asked}: {error}"
        );
    }
    for asked in ["", "./missing/python3"] {
        let error = idle().resolve(Some(asked), &mine).unwrap_err();
        assert!(
            matches!(error, InterpreterError::Find { .. }),
            "{asked}: {error}"
        );
    }
}

#[test]
fn a_shim_may_not_lead_to_what_is_distrusted() {
    let function = tempfile::tempdir().unwrap();
    let directory = function.path().canonicalize().unwrap();
    executable(&directory.join("python3"), "");
    let inside = serde_json::json!(directory.join("python3"));
    let (_place, interpreters) = stub(answer(&[("executable", inside)]));
    let error = interpreters.resolve(None, &directory).unwrap_err();
    assert!(
        matches!(error, InterpreterError::Distrusted { .. }),
        "{error}"
    );
}

#[test]
fn a_mistake_is_shown_where_the_interpreter_is_named() {
    let spec = "  runtime: python\n  handler: a.b\n  profile: python\n  interpreter: ./python3\n";
    let folder = folder(spec);
    executable(&folder.path().join("python3"), "#!/bin/sh\n");
    let shown = failure(folder.path());
    let expected = "\
the interpreter DIR/python3 lies in DIR, from where nothing is executed unsandboxed
 --> DIR/function.yaml:8:16
  |
8 |   interpreter: ./python3
  |                ^^^^^^^^^
  |
  = help: make the virtual environment with `python3 -m venv --symlinks`, from an interpreter outside";
    assert_eq!(shown, expected, "\n{shown}");
}
