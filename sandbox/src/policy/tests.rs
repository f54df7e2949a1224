//! How much of the kernel a function reaches: every call that its filters let pass.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use super::bpf::{Action, RuleTable};
use super::channels::tests::{is_interpreters, kernel, shipped, site};
use super::*;
use crate::names::syscalls::{all, number};
use crate::profile::Catalog;

/// Names of calls that a worker under the profile can make, with `*` where it depends on arguments.
fn reachable(name: &str, arch: Arch) -> BTreeMap<&'static str, String> {
    let profile = shipped(name);
    let directory = tempfile::tempdir().unwrap();
    let interpreter = is_interpreters(&profile);
    let site = Site {
        program: (!interpreter).then(|| "/bin/true".into()),
        ..site(directory.path(), interpreter)
    };
    let (limits, kernel) = (profile.ceiling.limits(), kernel(10));
    let assessments = channels::assess(&profile, &limits, &kernel, &site);
    let intents = intents(&profile, &limits, &kernel, &site, &assessments, arch);
    let tables = [
        syscalls::function_filter(&intents).unwrap(),
        syscalls::worker_delta(&intents).unwrap(),
    ];
    all()
        .filter_map(|call| {
            let number = number(arch, call)?;
            let answers = tables.each_ref().map(|table| answers(table, number));
            let passes = answers.iter().all(|all| all.contains(&Action::Allow));
            let always = answers.iter().all(|all| all == &[Action::Allow]);
            let mark = if always { "" } else { "*" };
            passes.then(|| (call, format!("{call}{mark}")))
        })
        .collect()
}

fn answers(table: &RuleTable, number: u32) -> Vec<Action> {
    let entry = table.entries().get(&number);
    entry.map_or_else(
        || vec![table.default_action()],
        |entry| entry.answers().collect(),
    )
}

fn wrapped(words: impl IntoIterator<Item = String>) -> String {
    let mut lines = vec![String::new()];
    for word in words {
        let line = lines.last_mut().unwrap();
        if line.len() + word.len() > 98 {
            lines.push(word);
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(&word);
        }
    }
    lines.join("\n")
}

/// The list of the first profile, and how the others differ from it.
fn listing() -> String {
    let mut text = "System calls that a worker can make under each shipped profile; those of other profiles than `base` as\n\
        they differ from it. * says that it depends on the arguments. The tests compare this file with what\n\
        is compiled, and write it with LEASEHOLD_WRITE_TABLES=1. A measure of the kernel within reach, and no\n\
        boundary against its flaws.\n"
        .to_owned();
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let base = reachable("base", arch);
        for name in Catalog::default().names() {
            let calls = reachable(&name, arch);
            let conditional = calls.values().filter(|call| call.ends_with('*')).count();
            text.push_str(&format!(
                "\n{name}, {arch:?}: {} calls, {conditional} of them by their arguments\n",
                calls.len()
            ));
            let differing = if name == "base" {
                wrapped(calls.into_values())
            } else {
                let more = calls
                    .iter()
                    .filter(|(call, shown)| base.get(*call) != Some(shown));
                let less = base.keys().filter(|call| !calls.contains_key(*call));
                let more = more.map(|(_, shown)| format!("+{shown}"));
                wrapped(more.chain(less.map(|call| format!("-{call}"))))
            };
            if !differing.is_empty() {
                text.push_str(&differing);
                text.push('\n');
            }
        }
    }
    text
}

#[test]
fn the_calls_within_reach_are_those_on_record() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/system-calls.txt");
    if std::env::var_os("LEASEHOLD_WRITE_TABLES").is_some() {
        std::fs::write(&path, listing()).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap();
    let message = "more or less of the kernel is within reach than profiles/system-calls.txt says; if that \
        is meant, run this test with LEASEHOLD_WRITE_TABLES=1";
    assert_eq!(recorded, listing(), "{message}");
}
