#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::policy::bpf::{Entry, compile};
use crate::policy::difference::vectors;
use crate::policy::interpreter::SeccompData;
use crate::policy::syscalls::{Intents, Substitutes, derive_stated};
use crate::profile::oci::Circumstances;
use crate::profile::{
    ArgumentCheck, ArgumentCompare, Origin, ProfileSource, SeccompAction, SeccompGrant, write,
};

fn table(arch: Arch, grants: &[SeccompGrant]) -> RuleTable {
    let intents = Intents {
        arch,
        connect: true,
        listen: false,
        listener: false,
        processes: false,
        exec: true,
        imports: false,
        group_burial: false,
        substitutes: Substitutes::NONE,
        grants,
    };
    derive_stated(&intents).unwrap().into_table()
}

/// Through JSON, the import, YAML and the reader of profiles.
fn round(table: &RuleTable) -> (Vec<SeccompGrant>, Vec<String>) {
    let json = serde_json::to_string(&export(table).document).unwrap();
    let document: Document = serde_json::from_str(&json).unwrap();
    reread(&document, &Circumstances::default())
}

fn reread(document: &Document, circumstances: &Circumstances) -> (Vec<SeccompGrant>, Vec<String>) {
    let imported = document.import("x.json", circumstances);
    let yaml = write::of_seccomp("p", &imported.notes, &imported.grants);
    let source =
        ProfileSource::parse(&yaml, "p.yaml").unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    (source.inherit().unwrap().seccomp, imported.notes)
}

fn call(arch: Arch, number: u32, args: [u64; 6]) -> SeccompData {
    SeccompData {
        nr: number as i32,
        arch: arch.audit(),
        instruction_pointer: 0,
        args,
    }
}

/// The first call, if any, that two tables answer differently.
fn differ(a: &RuleTable, b: &RuleTable) -> Option<String> {
    let arch = a.arch();
    syscalls::all().find_map(|name| {
        let number = syscalls::number(arch, name)?;
        let entries = [a, b].map(|table| table.entries().get(&number));
        let entries: Vec<&Entry> = entries.into_iter().flatten().collect();
        vectors(&entries).into_iter().find_map(|args| {
            let data = call(arch, number, args);
            let (first, second) = (a.evaluate(&data), b.evaluate(&data));
            (first != second).then(|| format!("{name} {args:x?}: {first} and {second}"))
        })
    })
}

#[test]
fn ranges_are_the_fewest_masks() {
    let word = u64::from(u32::MAX);
    assert_eq!(blocks(0, 15), [(0xffff_fff0, 0)]);
    assert_eq!(blocks(16, 16), [(word, 16)]);
    assert_eq!(blocks(5, 8), [(word, 5), (0xffff_fffe, 6), (word, 8)]);
    for (first, last) in [
        (0, word),
        (1, word),
        (0, word - 1),
        (1 << 31, word),
        (77, 77_777),
    ] {
        let blocks = blocks(first, last);
        assert!(blocks.len() <= 62, "{blocks:?}");
        let inside = |value: u64| {
            blocks
                .iter()
                .filter(|(mask, of)| value & mask == *of)
                .count()
        };
        for value in [first, last, first + (last - first) / 3] {
            assert_eq!(inside(value), 1, "{value:#x} of {first:#x} to {last:#x}");
        }
        let outside = [first.checked_sub(1), (last < word).then_some(last + 1)];
        assert!(
            outside
                .into_iter()
                .flatten()
                .all(|value| inside(value) == 0)
        );
    }
}

#[test]
fn our_own_rules_survive() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let table = table(arch, &[]);
        let (grants, _) = round(&table);
        let again = self::table(arch, &grants);
        assert_eq!(differ(&table, &again), None);
        // From there on nothing changes: the same grants are the same program.
        let (twice, _) = round(&again);
        assert_eq!(compile(&self::table(arch, &twice)), compile(&again));
    }
}

#[test]
fn what_cannot_be_said_is_told_and_is_never_more() {
    let document = serde_json::json!({
        "defaultAction": "SCMP_ACT_TRAP",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
        "syscalls": [
            {"names": ["read", "arm_fadvise64_64", "evil\nspec: {}"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["mbind"], "action": "SCMP_ACT_LOG"},
            {"names": ["kcmp"], "action": "SCMP_ACT_NOTIFY"},
            {"names": ["chmod"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]},
            {"names": ["fchmod"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_WHAT"}]},
            {"name": "time", "action": "SCMP_ACT_ALLOW", "args": null, "includes": {"minKernel": "99.0"}},
            {"name": "times", "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "99.0"}}
        ]
    });
    let document: Document = serde_json::from_value(document).unwrap();
    let circumstances = Circumstances {
        kernel: (6, 18),
        ..Circumstances::default()
    };
    let (grants, notes) = reread(&document, &circumstances);
    let table = table(Arch::X86_64, &grants);
    let answer = |name: &str| {
        let number = syscalls::number(Arch::X86_64, name).unwrap();
        table
            .evaluate(&call(Arch::X86_64, number, [1; 6]))
            .to_string()
    };
    for (name, expected) in [
        ("read", "allow"),
        ("times", "allow"),
        ("time", "kill"),
        ("mbind", "EPERM"),
        ("kcmp", "EPERM"),
        ("chmod", "kill"),
        ("fchmod", "kill"),
        ("openat", "kill"),
    ] {
        assert_eq!(answer(name), expected, "{name}");
    }
    let notes = notes.join("\n");
    for part in [
        "SCMP_ARCH_X86",
        "SCMP_ACT_TRAP",
        "SCMP_ACT_LOG",
        "SCMP_ACT_NOTIFY",
        "argument 9",
        "SCMP_CMP_WHAT",
        "arm_fadvise64_64",
        "evil\\u{a}spec",
    ] {
        assert!(notes.contains(part), "{part} is not in\n{notes}");
    }
}

/// What an engine would answer, from its document and by its rules: of several that hold, which has
/// `setns` in it twice, the first.
fn by_engine(
    document: &Value,
    capabilities: &BTreeSet<String>,
    name: &str,
    args: &[u64; 6],
) -> Action {
    let texts = |when: &Value, field: &str| -> Vec<String> {
        let list = when[field].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let action = |action: &Value, errno: &Value| match action.as_str().unwrap() {
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_ERRNO" => Action::Errno(errno.as_u64().unwrap_or(1) as u16),
        other => panic!("{other}"),
    };
    let holds = |arg: &Value| {
        let actual = args[arg["index"].as_u64().unwrap() as usize];
        let (value, two) = (
            arg["value"].as_u64().unwrap(),
            arg["valueTwo"].as_u64().unwrap(),
        );
        match arg["op"].as_str().unwrap() {
            "SCMP_CMP_EQ" => actual == value,
            "SCMP_CMP_NE" => actual != value,
            "SCMP_CMP_MASKED_EQ" => actual & value == two,
            other => panic!("{other}"),
        }
    };
    let mut first = None;
    for rule in document["syscalls"].as_array().unwrap() {
        let (includes, excludes) = (&rule["includes"], &rule["excludes"]);
        let arches = texts(includes, "arches");
        let there = texts(includes, "caps")
            .iter()
            .all(|cap| capabilities.contains(cap))
            && (arches.is_empty() || arches.iter().any(|arch| arch == "amd64"))
            && !texts(excludes, "caps")
                .iter()
                .any(|cap| capabilities.contains(cap));
        let args = rule["args"].as_array().cloned().unwrap_or_default();
        if there && texts(rule, "names").iter().any(|known| known == name) && args.iter().all(holds)
        {
            first = first.or(Some(action(&rule["action"], &rule["errnoRet"])));
        }
    }
    let default = action(&document["defaultAction"], &document["defaultErrnoRet"]);
    first.unwrap_or(default)
}

/// The default of Podman and Buildah, as Debian's golang-github-containers-common installs it.
#[test]
fn an_engines_default_keeps_every_verdict_with_and_without_capabilities() {
    let path = Path::new("/usr/share/containers/seccomp.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: there is no {}", path.display());
        return;
    };
    let json: Value = serde_json::from_str(&text).unwrap();
    let document: Document = serde_json::from_str(&text).unwrap();
    let rules = json["syscalls"].as_array().unwrap().iter();
    let named = rules.flat_map(|rule| {
        rule["includes"]["caps"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    });
    let all: BTreeSet<String> = named.map(|cap| cap.as_str().unwrap().to_owned()).collect();
    assert!(all.len() > 5);
    let mut sets: Vec<BTreeSet<String>> = all
        .iter()
        .map(|cap| BTreeSet::from([cap.clone()]))
        .collect();
    sets.extend([BTreeSet::new(), all]);
    for capabilities in sets {
        let circumstances = Circumstances {
            capabilities: capabilities.clone(),
            arch: "amd64".to_owned(),
            kernel: (6, 18),
        };
        let (grants, _) = reread(&document, &circumstances);
        let imported = table(Arch::X86_64, &grants);
        for name in syscalls::all() {
            let Some(number) = syscalls::number(Arch::X86_64, name) else {
                continue;
            };
            for args in vectors(&[&imported.entries()[&number]]) {
                let expected = by_engine(&json, &capabilities, name, &args);
                let answer = imported.evaluate(&call(Arch::X86_64, number, args));
                assert_eq!(answer, expected, "{name} {args:x?} with {capabilities:?}");
            }
        }
        let (again, _) = round(&imported);
        assert_eq!(differ(&imported, &table(Arch::X86_64, &again)), None);
    }
}

fn check() -> impl Strategy<Value = ArgumentCompare> {
    let value = prop_oneof![1..70_u64, any::<u64>(), Just(u64::from(u32::MAX))];
    (0..7, value.clone(), value).prop_map(|(kind, value, mask)| match kind {
        0 => ArgumentCompare::Equal(value),
        1 => ArgumentCompare::NotEqual(value),
        2 => ArgumentCompare::Less(value.max(1)),
        3 => ArgumentCompare::AtMost(value.min(u64::MAX - 1)),
        4 => ArgumentCompare::AtLeast(value.max(1)),
        5 => ArgumentCompare::Greater(value.min(u64::MAX - 1)),
        _ => ArgumentCompare::Masked {
            mask: mask.max(1),
            value: value & mask.max(1),
        },
    })
}

fn grant() -> impl Strategy<Value = SeccompGrant> {
    let action = prop_oneof![
        3 => Just(SeccompAction::Allow),
        1 => Just(SeccompAction::Kill),
        1 => Just(SeccompAction::Errno("ENOSYS".into())),
        1 => Just(SeccompAction::Errno("0".into())),
    ];
    let names = prop::collection::vec(
        "mbind|personality|clone|socket|openat|execve|clock_gettime",
        1..3,
    );
    let args = prop::collection::btree_map(0..6_u8, check(), 0..3);
    (names, action, args).prop_map(|(names, action, args)| SeccompGrant {
        names,
        action,
        args: args
            .into_iter()
            .map(|(index, compare)| ArgumentCheck { index, compare })
            .collect(),
        why: Some("\"a\\b\" #: ".into()),
        origin: Origin {
            file: "p".into(),
            line: 1,
            column: 1,
            length: 0,
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn export_and_import_give_the_same_filter(grants in prop::collection::vec(grant(), 0..5)) {
        let intents = Intents {
            arch: Arch::X86_64, connect: false, listen: false, listener: false, processes: false, exec: false,
            imports: false, group_burial: false, substitutes: Substitutes::NONE, grants: &grants,
        };
        // Two refusals of one call that differ are an error of its own.
        let Ok(stated) = derive_stated(&intents) else { return Ok(()) };
        let table = stated.into_table();
        let (imported, _) = round(&table);
        let again = self::table(Arch::X86_64, &imported);
        prop_assert_eq!(differ(&table, &again), None);
        let (twice, _) = round(&again);
        prop_assert_eq!(compile(&self::table(Arch::X86_64, &twice)), compile(&again));
    }
}
