//! A filter as a seccomp profile of OCI runtimes: the inverse of [`crate::profile::oci`].
//!
//! Their comparisons are of 64 bits, and several of one argument in a rule are alternatives. So a
//! comparison of 32 bits becomes one under a mask, and a range of them as many masks as it takes.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::bpf::{Action, Clause, Compare, Condition, RuleTable, Width};
use crate::names::syscalls::{self, Arch};
use crate::profile::oci::{Argument, Document, Rule};

/// A document, and what in it holds less than it does here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The document.
    pub document: Document,
    /// What runtimes will do otherwise.
    pub notes: Vec<String>,
}

/// The table as a document. Numbers without a name are left to its default.
#[must_use]
pub fn export(table: &RuleTable) -> Exported {
    let default = table.default_action();
    // Calls with the same rules share them, and so their order.
    let mut alike: BTreeMap<Vec<(Vec<Argument>, Action)>, Vec<String>> = BTreeMap::new();
    let mut notes = Vec::new();
    for (&number, entry) in table.entries() {
        let Some(name) = syscalls::name(table.arch(), number) else {
            continue;
        };
        let mut rules = Vec::new();
        for clause in entry.clauses() {
            let (alternatives, exact) = alternatives(clause);
            if !exact {
                let action = clause.action();
                notes.push(format!(
                    "{name}: `{clause}: {action}` compares one argument twice; {}",
                    if action.is_allow() {
                        "left out"
                    } else {
                        "it refuses more"
                    }
                ));
            }
            rules.extend(alternatives.into_iter().map(|args| (args, clause.action())));
        }
        if entry.otherwise() != default {
            if let Some((_, action)) = rules.first() {
                notes.push(format!(
                    "{name}: {action} with certain arguments, {} otherwise; libseccomp lets the latter \
                     hold for all",
                    entry.otherwise()
                ));
            }
            rules.push((Vec::new(), entry.otherwise()));
        }
        alike.entry(rules).or_default().push(name.to_owned());
    }
    let rules = alike.into_iter().flat_map(|(rules, names)| {
        let of_all = move |(args, action)| rule(names.clone(), action, args);
        rules.into_iter().map(of_all).collect::<Vec<_>>()
    });
    let rules: Vec<Rule> = rules.collect();
    let (default_action, default_errno_ret) = words(default);
    let architecture = match table.arch() {
        Arch::X86_64 => "SCMP_ARCH_X86_64",
        Arch::Aarch64 => "SCMP_ARCH_AARCH64",
    };
    Exported {
        document: Document {
            default_action,
            default_errno_ret,
            architectures: Some(vec![architecture.to_owned()]),
            syscalls: Some(rules),
        },
        notes,
    }
}

fn rule(names: Vec<String>, action: Action, args: Vec<Argument>) -> Rule {
    let (action, errno_ret) = words(action);
    Rule {
        names,
        action,
        errno_ret,
        args: (!args.is_empty()).then_some(args),
        ..Rule::default()
    }
}

fn words(action: Action) -> (String, Option<u32>) {
    let (action, errno_ret) = match action {
        Action::Allow => ("SCMP_ACT_ALLOW", None),
        Action::Errno(number) => ("SCMP_ACT_ERRNO", Some(u32::from(number))),
        Action::KillProcess => ("SCMP_ACT_KILL_PROCESS", None),
        Action::Notify => ("SCMP_ACT_NOTIFY", None),
    };
    (action.to_owned(), errno_ret)
}

/// The clause as rules of which one must hold, and whether they say the same.
///
/// Two comparisons of one argument cannot be said; the rules then refuse more or allow less.
fn alternatives(clause: &Clause) -> (Vec<Vec<Argument>>, bool) {
    let mut rules: Vec<Vec<Argument>> = vec![Vec::new()];
    let mut exact = true;
    for condition in clause.conditions() {
        if rules
            .iter()
            .flatten()
            .any(|arg| arg.index == condition.arg())
        {
            exact = false;
            continue;
        }
        let comparisons = comparisons(condition);
        let with = |rule: &Vec<Argument>| {
            let extended = |arg: &Argument| rule.iter().chain([arg]).cloned().collect();
            comparisons.iter().map(extended).collect::<Vec<_>>()
        };
        rules = rules.iter().flat_map(with).collect();
    }
    if !exact && clause.action().is_allow() {
        rules.clear();
    }
    (rules, exact)
}

fn comparisons(condition: &Condition) -> Vec<Argument> {
    const WORD: u64 = u32::MAX as u64;
    let index = condition.arg();
    let argument = |op: &str, value, value_two| Argument {
        index,
        value,
        value_two,
        op: format!("SCMP_CMP_{op}"),
    };
    let masked = |mask, value| argument("MASKED_EQ", mask, value);
    let range = |first: u64, last: u64| {
        let blocks = blocks(first, last).into_iter();
        blocks
            .map(|(mask, value)| masked(mask, value))
            .collect::<Vec<_>>()
    };
    match (condition.width(), condition.compare()) {
        (_, Compare::MaskedEq { mask, value }) => vec![masked(mask, value)],
        (Width::Qword, Compare::Eq(value)) => vec![argument("EQ", value, 0)],
        (Width::Qword, Compare::Ne(value)) => vec![argument("NE", value, 0)],
        (Width::Qword, Compare::AtLeast(value)) => vec![argument("GE", value, 0)],
        (Width::Qword, Compare::AtMost(value)) => vec![argument("LE", value, 0)],
        (Width::Dword, Compare::Eq(value)) => vec![masked(WORD, value)],
        (Width::Dword, Compare::AtMost(value)) => range(0, value),
        (Width::Dword, Compare::AtLeast(value)) => range(value, WORD),
        (Width::Dword, Compare::Ne(value)) => {
            let below = value.checked_sub(1).map(|last| range(0, last));
            let above = (value < WORD).then(|| range(value + 1, WORD));
            below.into_iter().chain(above).flatten().collect()
        }
    }
}

/// The 32-bit numbers from `first` to `last` as the fewest masks and values under them.
fn blocks(first: u64, last: u64) -> Vec<(u64, u64)> {
    let mut blocks = Vec::new();
    let mut start = first;
    while start <= last {
        let aligned = if start == 0 {
            32
        } else {
            start.trailing_zeros().min(32)
        };
        let fits = (last - start + 1).ilog2();
        let bits = aligned.min(fits);
        let mask = u64::from(u32::MAX) & !((1_u64 << bits) - 1);
        blocks.push((mask, start));
        start += 1_u64 << bits;
    }
    blocks
}

#[cfg(test)]
mod tests;
