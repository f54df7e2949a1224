//! What modules are compiled to is kept, and believed only where it is what was kept.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::command::{add, command};
use crate::support::{Functions, Host, memory};

/// A command that prints a text of five bytes.
fn says(text: &str) -> Vec<u8> {
    let text = format!("(data (i32.const 64) \"{text}\")");
    command(&text, "(call $put (i32.const 64) (i32.const 5))")
}

/// Two functions, of which each must answer with its own text.
fn two() -> Functions {
    let functions = Functions::new();
    add(&functions, "one", "", &says("right"));
    add(&functions, "other", "", &says("wrong"));
    functions
}

/// Serves both from `state`; says how often something was compiled, and gives the state back.
fn serve(functions: &Functions, args: &[&str], state: TempDir) -> (usize, TempDir) {
    let host = Host::start_at(functions.path(), args, state);
    assert_eq!(host.call("one", "").text(), "right");
    assert_eq!(host.call("other", "").text(), "wrong");
    let compiled = host
        .records()
        .iter()
        .filter(|record| record["message"] == "compiled")
        .count();
    let (state, _held) = host.die();
    (compiled, state)
}

fn directory(state: &TempDir) -> PathBuf {
    state.path().join("state/artefacts")
}

/// Every artefact that is kept.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = directory
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.filter(|path| !path.ends_with("key")).collect();
    entries.sort();
    entries
}

#[test]
fn a_module_is_compiled_once_for_all_hosts_and_zygotes() {
    let functions = two();
    let state = tempfile::tempdir_in(memory()).unwrap();
    let (compiled, state) = serve(&functions, &[], state);
    assert_eq!(compiled, 2);
    let (compiled, state) = serve(&functions, &[], state);
    assert_eq!(compiled, 0);
    // A module that was replaced is another.
    fs::write(
        functions.path().join("one/it.wasm"),
        [says("right"), b"\0\x02\x01a".to_vec()].concat(),
    )
    .unwrap();
    let (compiled, state) = serve(&functions, &[], state);
    assert_eq!(compiled, 1);
    assert_eq!(entries(&directory(&state)).len(), 3);
}

#[test]
fn what_is_corrupted_or_foreign_is_compiled_anew() {
    let functions = two();
    let state = tempfile::tempdir_in(memory()).unwrap();
    let (_, state) = serve(&functions, &[], state);
    let kept = entries(&directory(&state));
    assert_eq!(kept.len(), 2);
    let good = fs::read(&kept[0]).unwrap();

    // Every tampering with one of the two has that one compiled, and the answers stay right.
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let tampered = [
        flipped(0),
        flipped(20),
        flipped(41),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
        good[..good.len() - 1].to_vec(),
        Vec::new(),
        // The other module's, whole and with its tag.
        fs::read(&kept[1]).unwrap(),
    ];
    let mut state = state;
    for (number, bytes) in tampered.into_iter().enumerate() {
        fs::write(&kept[0], bytes).unwrap();
        let compiled;
        (compiled, state) = serve(&functions, &[], state);
        assert_eq!(compiled, 1, "tampering {number}");
        assert_eq!(fs::read(&kept[0]).unwrap().len(), good.len());
    }

    // Under another key everything is foreign.
    fs::write(directory(&state).join("key"), [7; 32]).unwrap();
    let (compiled, state) = serve(&functions, &[], state);
    assert_eq!(compiled, 2);
    fs::write(directory(&state).join("key"), "short").unwrap();
    let (compiled, state) = serve(&functions, &[], state);
    assert_eq!(compiled, 2);
    let (compiled, _state) = serve(&functions, &[], state);
    assert_eq!(compiled, 0);
}

/// A function without isolation has the host's own access to files, and could forge an entry and its key.
#[test]
fn where_functions_may_be_unisolated_nothing_is_kept() {
    let functions = two();
    let state = tempfile::tempdir_in(memory()).unwrap();
    let (_, state) = serve(&functions, &[], state);
    for _ in 0..2 {
        fs::remove_dir_all(directory(&state)).ok();
    }
    let (compiled, state) = serve(&functions, &["--allow-unisolated"], state);
    assert_eq!(compiled, 2);
    assert!(!directory(&state).exists());
}

#[test]
fn no_function_can_read_or_write_what_is_kept() {
    let functions = two();
    functions.shell(
        "thief",
        "",
        "exec 2>&1; read -r at; ls $at; ls $at/artefacts; cat $at/artefacts/key; \
         echo x > $at/artefacts/key; echo x > $at/artefacts/new; mv $at/artefacts/key key; echo done",
    );
    let host = Host::start(functions.path());
    assert_eq!(host.call("one", "").text(), "right");
    let said = host
        .call("thief", format!("{}\n", host.state.display()))
        .text();
    assert!(said.ends_with("done\n"), "{said}");
    let refused = said.lines().filter(|line| line.ends_with("denied")).count();
    assert_eq!((refused, said.lines().count()), (6, 7), "{said}");
    assert!(host.state.join("artefacts/key").is_file());
}
