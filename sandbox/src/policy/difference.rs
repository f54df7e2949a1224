//! What one profile allows that another does not.
//!
//! Paths and ports are compared as rules; system calls are put to both filters with the arguments that
//! their conditions turn on, so that two ways to write one rule are no difference.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use super::bpf::{Action, Entry};
use super::explain::{Explanation, words};
use super::interpreter::SeccompData;
use super::provenance::Grantor;
use crate::names::syscalls;

/// One thing that is allowed on one side only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What, as a profile would name it: `write /srv`, `connect 443`, `mbind`.
    pub what: String,
    /// Who allows it.
    pub by: Grantor,
}

/// What `after` allows that `before` does not, limits left out.
#[must_use]
pub fn additions(before: &Explanation, after: &Explanation) -> Vec<Difference> {
    let mut found = paths(before, after);
    let new_port = |rule: &&super::explain::PortRule| {
        let mut known = before.ports.iter();
        !known.any(|known| (known.port, known.right) == (rule.port, rule.right))
    };
    found.extend(after.ports.iter().filter(new_port).map(|rule| Difference {
        what: format!("{} {}", rule.right, rule.port),
        by: rule.by.clone(),
    }));
    found.extend(calls(before, after));
    found
}

fn paths(before: &Explanation, after: &Explanation) -> Vec<Difference> {
    let mut found = Vec::new();
    for rule in after.paths.iter().filter(|rule| !rule.zygote_only) {
        let covered = |right: &&str| {
            let mut known = before.paths.iter().filter(|known| !known.zygote_only);
            known.any(|known| is_below(&rule.path, &known.path) && known.rights.contains(right))
        };
        let new: Vec<&'static str> = rule
            .rights
            .iter()
            .copied()
            .filter(|right| !covered(right))
            .collect();
        if !new.is_empty() {
            found.push(Difference {
                what: format!("{} {}", words(&new), rule.path),
                by: rule.by.clone(),
            });
        }
    }
    found
}

fn is_below(path: &str, rule: &str) -> bool {
    std::path::Path::new(path).starts_with(rule)
}

/// So many argument vectors are tried for one call; no rule here comes near it.
const MAX_VECTORS: usize = 4096;

fn calls(before: &Explanation, after: &Explanation) -> Vec<Difference> {
    let arch = after.function.table().arch();
    let numbers: BTreeSet<u32> = syscalls::all()
        .filter_map(|name| syscalls::number(arch, name))
        .collect();
    let mut found = Vec::new();
    for number in numbers {
        let Some(name) = syscalls::name(arch, number) else {
            continue;
        };
        let derived = [
            &before.function,
            &before.worker,
            &after.function,
            &after.worker,
        ];
        let entries = derived.map(|derived| derived.table().entries().get(&number));
        let vectors = vectors(&entries.into_iter().flatten().collect::<Vec<_>>());
        let allowed = |side: &Explanation, args: &[u64; 6]| {
            let data = SeccompData {
                nr: number as i32,
                arch: arch.audit(),
                instruction_pointer: 0,
                args: *args,
            };
            let tables = [&side.function, &side.worker];
            let answers = tables.map(|derived| derived.table().evaluate(&data) == Action::Allow);
            answers.into_iter().all(|allowed| allowed).then_some(data)
        };
        let new: Vec<SeccompData> = vectors
            .iter()
            .filter(|args| allowed(before, args).is_none())
            .filter_map(|args| allowed(after, args))
            .collect();
        let Some(example) = new.first() else {
            continue;
        };
        let what = match new.len() == vectors.len() {
            true => name.to_owned(),
            false => {
                let last = example
                    .args
                    .iter()
                    .rposition(|arg| *arg != 0)
                    .map_or(1, |at| at + 1);
                let shown: Vec<String> = example
                    .args
                    .iter()
                    .take(last)
                    .map(|arg| format!("{arg:#x}"))
                    .collect();
                format!("{name}, for one with ({})", shown.join(", "))
            }
        };
        let entry = after.function.table().entries().get(&number);
        let clause = entry.and_then(|entry| entry.deciding_clause(example));
        found.push(Difference {
            what,
            by: after.function.grantor(number, clause).clone(),
        });
    }
    found
}

/// Arguments in front of which entries differ, if they differ at all: every combination of values at
/// and around what an argument is compared with.
pub(super) fn vectors(entries: &[&Entry]) -> Vec<[u64; 6]> {
    let mut vectors = vec![[0; 6]];
    for arg in 0..6_u8 {
        let mut values: BTreeSet<u64> = entries
            .iter()
            .flat_map(|entry| entry.values_of(arg))
            .collect();
        if values.is_empty() {
            continue;
        }
        values.insert(0);
        vectors = vectors
            .iter()
            .flat_map(|vector| values.iter().map(move |value| (vector, value)))
            .take(MAX_VECTORS)
            .map(|(vector, value)| {
                let mut vector = *vector;
                vector[usize::from(arg)] = *value;
                vector
            })
            .collect();
    }
    vectors
}

#[cfg(test)]
mod tests;
