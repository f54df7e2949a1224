//! What holds for the filters of all profiles.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::policy::bpf::oracle::Oracle;
use crate::profile::SeccompAction;

/// Intents that own their grants.
#[derive(Debug, Clone)]
struct Any {
    arch: Arch,
    flags: [bool; 10],
    grants: Vec<SeccompGrant>,
}

impl Any {
    fn intents(&self) -> Intents<'_> {
        let [
            connect,
            listen,
            listener,
            processes,
            exec,
            imports,
            group_burial,
            rest @ ..,
        ] = self.flags;
        let [truncate, ioctl_dev, signals] = rest;
        Intents {
            arch: self.arch,
            connect,
            listen,
            listener,
            processes,
            exec,
            imports,
            group_burial,
            substitutes: Substitutes {
                truncate,
                ioctl_dev,
                signals,
            },
            grants: &self.grants,
        }
    }

    fn tables(&self) -> Result<[RuleTable; 2], SyscallsError> {
        let intents = self.intents();
        Ok([function_filter(&intents)?, worker_delta(&intents)?])
    }
}

fn grant() -> impl Strategy<Value = SeccompGrant> {
    let names: Vec<_> = all().map(ToOwned::to_owned).collect();
    let action = prop_oneof![
        3 => Just(SeccompAction::Allow),
        1 => Just(SeccompAction::Kill),
        1 => Just(SeccompAction::Errno("EPERM".into())),
    ];
    let names = prop::collection::vec(prop::sample::select(names), 1..4);
    (names, action).prop_map(|(names, action)| SeccompGrant {
        names,
        action,
        args: Vec::new(),
        why: None,
        origin: Origin {
            file: "f".into(),
            line: 1,
            column: 1,
            length: 1,
        },
    })
}

fn any_intents() -> impl Strategy<Value = Any> {
    let arch = prop_oneof![Just(Arch::X86_64), Just(Arch::Aarch64)];
    (
        arch,
        any::<[bool; 10]>(),
        prop::collection::vec(grant(), 0..4),
    )
        .prop_map(|(arch, flags, grants)| Any {
            arch,
            flags,
            grants,
        })
        .prop_filter("two refusals that differ", |any| any.tables().is_ok())
}

/// Calls at and around everything that the tables compare with.
fn calls(tables: &[RuleTable]) -> Vec<SeccompData> {
    let mut calls = Vec::new();
    let numbers: BTreeSet<u32> = tables
        .iter()
        .flat_map(|table| table.entries().keys().copied())
        .collect();
    for nr in numbers {
        let entries = tables.iter().filter_map(|table| table.entries().get(&nr));
        let values: Vec<u64> = entries.flat_map(Entry::values_around).collect();
        for (i, &v) in values.iter().enumerate() {
            let w = values[(i * 7 + 3) % values.len()];
            for args in [[v; 6], [v, w, v, w, v, w], [w, v, v, v, w, w]] {
                calls.push(SeccompData {
                    nr: nr.cast_signed(),
                    arch: tables[0].arch().audit(),
                    instruction_pointer: 0,
                    args,
                });
            }
        }
    }
    calls
}

fn passes(tables: &[RuleTable], call: &SeccompData) -> bool {
    tables.iter().all(|table| table.evaluate(call) == ALLOW)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn adding_an_allowance_never_removes_one(
        before in any_intents(), more in 0..4_usize, mut granted in grant(), by_name: bool,
    ) {
        let mut after = before.clone();
        if by_name {
            granted.action = SeccompAction::Allow;
            after.grants.push(granted);
        } else {
            after.flags[more] = true;
        }
        let (before, after) = (before.tables().unwrap(), after.tables().unwrap());
        let both = [before.clone(), after.clone()].concat();
        for call in calls(&both) {
            if passes(&before, &call) {
                prop_assert!(passes(&after, &call), "{:x?} is lost", call);
            }
        }
    }

    #[test]
    fn seccompiler_lets_the_same_calls_pass(intents in any_intents()) {
        for table in intents.tables().unwrap() {
            let (ours, theirs) = (compile(&table).unwrap(), Oracle::of(&table));
            for call in calls(std::slice::from_ref(&table)) {
                let passed = run_chain(&[&ours], &call).unwrap() == ALLOW.verdict();
                prop_assert_eq!(passed, theirs.passes(&call), "{:x?}", call);
            }
        }
    }
}
