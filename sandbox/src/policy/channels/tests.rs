#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use super::*;
use crate::names::channels::ACCEPTABLE;
use crate::policy::{Burial, CompileError};
use crate::profile::{Catalog, ProfileSource};
use crate::{Policy, sys};

/// The ABIs that there are, and one more: what it brings is not known here.
const ABIS: std::ops::RangeInclusive<u32> = 1..=11;

pub(in crate::policy) fn kernel(landlock_abi: u32) -> Kernel {
    Kernel {
        landlock_abi,
        seccomp: true,
        inherited_filters: 0,
        release: "simulated".to_owned(),
    }
}

/// A place that exists, with what an interpreter needs if the function is an interpreter's.
pub(in crate::policy) fn site(directory: &Path, interpreter: bool) -> Site {
    Site {
        function_dir: directory.to_owned(),
        scratches: directory.to_owned(),
        python_prefix: vec![directory.to_owned()],
        interpreter: interpreter.then(|| PathBuf::from("/bin/sh")),
        ..Site::default()
    }
}

pub(in crate::policy) fn shipped(name: &str) -> Profile {
    let source = ProfileSource::load(&Catalog::default(), name).unwrap();
    source.inherit().unwrap()
}

/// A profile of this `spec`, which extends nothing.
fn written(spec: &str) -> Profile {
    let text = format!(
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: p}}\nspec:\n  {spec}\n"
    );
    ProfileSource::parse(&text, "p.yaml")
        .unwrap()
        .inherit()
        .unwrap()
}

fn compile(profile: &Profile, abi: u32, interpreter: bool) -> Result<Policy, CompileError> {
    let directory = tempfile::tempdir().unwrap();
    let site = site(directory.path(), interpreter);
    Policy::compile(profile, profile.ceiling.limits(), &kernel(abi), &site)
}

/// The channel that refuses it, if one does.
fn refusal(profile: &Profile, abi: u32, interpreter: bool) -> Option<&'static str> {
    match compile(profile, abi, interpreter) {
        Ok(_) => None,
        Err(CompileError::NotEnforceable(gap)) => Some(gap.channel.name),
        Err(other) => panic!("{other}"),
    }
}

fn open(profile: &Profile, abi: u32) -> Vec<&'static str> {
    let policy = compile(profile, abi, false).unwrap_or_else(|error| panic!("{error}"));
    policy.open_channels().map(|it| it.channel.name).collect()
}

#[test]
fn every_channel_but_the_foundations_can_be_accepted() {
    let names = channels().iter().map(|channel| channel.name);
    let acceptable: Vec<_> = names
        .filter(|name| !["landlock", "seccomp", "refer"].contains(name))
        .collect();
    assert_eq!(acceptable, ACCEPTABLE);
    assert!(channels().is_sorted_by_key(|channel| channel.abi.max(1)));
}

#[test]
fn computing_is_enforced_in_full_on_every_kernel_with_landlock() {
    let own = sys::landlock::abi().unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (name, interpreter) in [("compute", false), ("compute", true), ("python", true)] {
        let profile = shipped(name);
        for abi in ABIS {
            let site = site(directory.path(), interpreter);
            let limits = profile.ceiling.limits();
            let policy = Policy::compile(&profile, limits, &kernel(abi), &site).unwrap();
            assert_eq!(policy.open_channels().count(), 0, "{name} {abi}");
            assert_eq!(policy.burial(), Burial::Worker);
            // This kernel takes what is compiled for an older one.
            if abi <= own {
                policy.zygote_ruleset().unwrap();
                policy.worker_ruleset(directory.path()).unwrap();
            }
        }
    }
}

#[test]
fn without_landlock_or_seccomp_there_is_nothing_to_accept() {
    let everything = written(&format!("acceptGaps: [{}]", ACCEPTABLE.join(", ")));
    assert_eq!(refusal(&everything, 0, false), Some("landlock"));
    let directory = tempfile::tempdir().unwrap();
    let unfiltered = Kernel {
        seccomp: false,
        ..kernel(7)
    };
    let limits = everything.ceiling.limits();
    let site = site(directory.path(), false);
    let error = Policy::compile(&everything, limits, &unfiltered, &site).unwrap_err();
    assert!(error.to_string().contains("seccomp is missing"), "{error}");
    assert!(!error.to_string().contains("acceptGaps"), "{error}");
}

#[test]
fn ports_need_a_kernel_that_tells_them_apart() {
    for spec in ["connect: [{port: 5432}]", "listen: [{port: 8080}]"] {
        for abi in ABIS {
            let refused = (abi < 4).then_some("tcp");
            assert_eq!(refusal(&written(spec), abi, false), refused, "{spec} {abi}");
        }
        let accepting = written(&format!("{spec}\n  acceptGaps: [tcp]"));
        assert_eq!(open(&accepting, 3), ["tcp"]);
        assert_eq!(open(&accepting, 4), [""; 0]);
    }
    let error = compile(&written("connect: [{port: 5432}]"), 2, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this kernel cannot enforce it in full: tcp is missing, so every TCP port can be bound and \
         connected to, the host's and other calls' included; p.yaml:5:20 lists ports under `connect`, \
         and a filter cannot tell ports apart; it takes Linux 6.7 or later (Landlock ABI 4), or \
         `acceptGaps: [tcp]` in the profile"
    );
}

#[test]
fn imports_that_fork_need_the_signal_scope() {
    for profile in ["shell", "python-shell"].map(shipped) {
        for abi in ABIS {
            assert_eq!(
                refusal(&profile, abi, false),
                None,
                "{} {abi}",
                profile.name
            );
            let refused = (abi < 6).then_some("signal-scope");
            assert_eq!(
                refusal(&profile, abi, true),
                refused,
                "{} {abi}",
                profile.name
            );
        }
        let burial = |abi| compile(&profile, abi, false).unwrap().burial();
        assert_eq!((burial(5), burial(6)), (Burial::Group, Burial::Domain));
    }
}

#[test]
fn calls_allowed_by_name_are_not_closed_behind_ones_back() {
    let allowing = |names: &str| {
        written(&format!(
            "advanced: {{seccomp: [{{names: [{names}], action: allow}}]}}"
        ))
    };
    for (names, last, channel) in [
        ("truncate", 2, "truncate"),
        ("openat", 2, "truncate"),
        ("ioctl", 4, "ioctl-dev"),
        ("fcntl", 5, "signal-scope"),
        ("kill", 5, "signal-scope"),
        ("socketpair", 5, "abstract-unix"),
        ("socketpair", 8, "resolve-unix"),
        ("socket", 3, "tcp"),
        ("socket", 9, "udp"),
        ("io_uring_setup", 2, "truncate"),
    ] {
        assert_eq!(
            refusal(&allowing(names), last, false),
            Some(channel),
            "{names}"
        );
        assert_ne!(
            refusal(&allowing(names), last + 1, false),
            Some(channel),
            "{names}"
        );
    }
    let refused = written("advanced: {seccomp: [{names: [socket, kill], action: kill}]}");
    assert_eq!(refusal(&refused, 1, false), None);
}

#[test]
fn who_may_write_but_not_empty_needs_a_kernel_that_knows_the_difference() {
    let spec = |access: &str| {
        written(&format!(
            "advanced: {{landlock: [{{path: /dev/null, access: [{access}]}}]}}"
        ))
    };
    assert_eq!(refusal(&spec("write_file"), 2, false), Some("truncate"));
    assert_eq!(refusal(&spec("write_file"), 3, false), None);
    // What this kernel does not deny needs no permission.
    assert_eq!(
        refusal(&spec("write_file, truncate, ioctl_dev"), 1, false),
        None
    );
    let error = compile(&spec("refer"), 1, false).unwrap_err();
    assert!(
        matches!(error, CompileError::UnknownRight { .. }),
        "{error}"
    );
}

#[test]
fn an_accepted_gap_takes_nothing_from_the_function() {
    let accepting = written("acceptGaps: [truncate, signal-scope]");
    assert_eq!(open(&accepting, 2), ["truncate", "signal-scope"]);
    assert_eq!(open(&accepting, 3), ["signal-scope"]);
    assert_eq!(open(&accepting, 6), [""; 0]);
    let directory = tempfile::tempdir().unwrap();
    let limits = accepting.ceiling.limits();
    let assessments = assess(
        &accepting,
        &limits,
        &kernel(2),
        &site(directory.path(), true),
    );
    assert_eq!(
        substitutes(&assessments),
        Substitutes {
            ioctl_dev: true,
            ..Substitutes::default()
        }
    );
    // What costs nothing is closed all the same.
    assert_eq!(
        open(&written("acceptGaps: [tcp, abstract-unix, udp]"), 1),
        [""; 0]
    );
}

#[test]
fn gaps_are_accepted_by_the_profile_itself() {
    let directory = tempfile::tempdir().unwrap();
    for (name, spec) in [
        ("parent", "connect: [{port: 1}]\n  acceptGaps: [tcp]"),
        ("child", "extends: [parent]"),
    ] {
        let text = format!(
            "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n"
        );
        std::fs::write(directory.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let catalog = Catalog::new([directory.path().to_owned()]);
    let load = |name| {
        let source = ProfileSource::load(&catalog, name).unwrap();
        source.inherit().unwrap()
    };
    assert_eq!(refusal(&load("parent"), 3, false), None);
    assert_eq!(refusal(&load("child"), 3, false), Some("tcp"));
}

/// Whether a shipped profile is for functions under an interpreter.
pub(in crate::policy) fn is_interpreters(profile: &Profile) -> bool {
    let of = |grant: &crate::profile::PathGrant| grant.path.starts_with("${PYTHON_PREFIX}");
    profile.read.iter().any(of)
}

/// Shipped profile × ABI: `full`, or the channel that refuses it.
fn table() -> String {
    let mut table = format!(
        "| profile | {} |\n| --- |{}\n",
        ABIS.map(|abi| abi.to_string())
            .collect::<Vec<_>>()
            .join(" | "),
        " --- |".repeat(ABIS.count())
    );
    for name in Catalog::default().names() {
        let profile = shipped(&name);
        let interpreter = is_interpreters(&profile);
        let cells: Vec<_> = ABIS
            .map(|abi| refusal(&profile, abi, interpreter).unwrap_or("full"))
            .collect();
        table.push_str(&format!("| `{name}` | {} |\n", cells.join(" | ")));
    }
    table
}

#[test]
fn the_table_of_the_documentation_is_true() {
    const MARKS: [&str; 2] = ["<!-- profiles by ABI -->\n", "<!-- end -->"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(MARKS[0]).unwrap();
    let (shown, after) = rest.split_once(MARKS[1]).unwrap();
    if std::env::var_os("LEASEHOLD_WRITE_TABLES").is_some() {
        let text = [before, MARKS[0], &table(), MARKS[1], after].concat();
        std::fs::write(path, text).unwrap();
        return;
    }
    let message = "run this test with LEASEHOLD_WRITE_TABLES=1 to write the table anew";
    assert_eq!(shown, table(), "{message}");
}
