#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::policy::syscalls::Row;
use crate::profile::{Catalog, ProfileSource};

pub(in crate::policy) const KERNEL: Kernel = Kernel {
    landlock_abi: 7,
    seccomp: true,
    inherited_filters: 0,
    release: String::new(),
};

/// The explanation of a profile with this `spec`.
pub(in crate::policy) fn explain(spec: &str) -> Explanation {
    let head = "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: p}\nspec:\n";
    let source = ProfileSource::parse(&format!("{head}{spec}"), "p.yaml").unwrap();
    of(&source.inherit().unwrap_or_else(|error| panic!("{error}")))
}

fn of(profile: &Profile) -> Explanation {
    Explanation::of(profile, profile.ceiling.limits(), &KERNEL, None).unwrap()
}

#[test]
fn every_answer_of_every_shipped_profile_has_a_reason() {
    let catalog = Catalog::default();
    for name in catalog.names() {
        let source = ProfileSource::load(&catalog, &name).unwrap();
        let explanation = of(&source.inherit().unwrap());
        for derived in [&explanation.function, &explanation.worker] {
            let rows = derived.rows();
            let unexplained = |row: &&Row<'_>| {
                row.by.why().is_none() || row.by == &crate::policy::syscalls::UNKNOWN
            };
            let without: Vec<_> = rows.iter().filter(unexplained).collect();
            assert!(without.is_empty(), "{name}: {without:?}");
        }
        let paths = explanation.paths.iter();
        assert!(paths.clone().all(|rule| rule.by.why().is_some()), "{name}");
        assert!(paths.clone().all(|rule| !rule.rights.is_empty()), "{name}");
    }
}

#[test]
fn rows_are_the_table_and_name_who_decided() {
    let explanation = explain(
        "  connect: [{port: 443, why: the API}]\n  advanced:\n    seccomp:\n      - {names: [mbind], \
         action: allow, why: NUMA}\n      - {names: [personality], action: allow, args: [{index: 0, \
         value: 8}], why: old programs}\n",
    );
    let rows = explanation.function.rows();
    let of = |name: &str| -> Vec<String> {
        let rows = rows.iter().filter(|row| row.name == Some(name));
        rows.map(|row| {
            let when = row.clause.map_or_else(String::new, ToString::to_string);
            format!("{} [{when}] {}", row.action, row.by)
        })
        .collect()
    };
    assert_eq!(of("mbind"), ["allow [] p.yaml:8:18"]);
    assert_eq!(
        of("personality"),
        [
            "allow [arg0:64 == 0x8] p.yaml:9:18",
            "allow [arg0 == 0xffffffff] leasehold: threads and memory",
            "EPERM [] leasehold: threads and memory",
        ]
    );
    assert_eq!(of("connect"), ["allow [] p.yaml:5:20"]);
    assert_eq!(of("bind"), ["EPERM [] leasehold: sockets"]);
    assert_eq!(of("openat"), ["allow [] leasehold: paths"]);
    assert_eq!(of("ptrace"), ["kill [] leasehold: escapes"]);
    let future: Vec<_> = rows.iter().filter(|row| row.name.is_none()).collect();
    assert!(future.iter().any(|row| row.numbers.1 == 511), "{future:?}");
}

#[test]
fn rights_are_said_in_words() {
    assert_eq!(words(&["read_file", "read_dir"]), "read");
    assert_eq!(
        words(&["execute", "read_file", "read_dir"]),
        "read, execute"
    );
    assert_eq!(
        words(&["read_file", "write_file", "truncate"]),
        "read, write"
    );
    assert_eq!(words(&["read_file", "ioctl_dev"]), "read, ioctl_dev");
    assert_eq!(
        words(&right_names(filesystem::SCRATCH)),
        "read, write, make and remove, make_sock, make_fifo"
    );
}
