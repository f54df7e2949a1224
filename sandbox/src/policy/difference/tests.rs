use super::*;
use crate::policy::explain::tests::explain;

fn found(before: &str, after: &str) -> Vec<String> {
    let additions = additions(&explain(before), &explain(after));
    additions.into_iter().map(|found| found.what).collect()
}

const NONE: &str = "  read: []\n";

#[test]
fn only_what_is_more_is_told() {
    let narrow = "  read: [{path: /usr/share/x, why: w}]\n  connect: [{port: 80, why: w}]\n";
    let wide =
        "  read: [{path: /usr, why: w}]\n  connect: [{port: 80, why: w}, {port: 443, why: w}]\n";
    assert_eq!(found(narrow, wide), ["read /usr", "connect 443"]);
    assert!(found(wide, narrow).is_empty());
    assert!(found(wide, wide).is_empty());
    let write = "  write: [{path: /usr, why: w}]\n";
    assert_eq!(found(wide, write), ["write, make and remove /usr"]);
}

#[test]
fn calls_are_compared_by_what_they_do() {
    let mbind = "  advanced: {seccomp: [{names: [mbind], action: allow, why: w}]}\n";
    assert_eq!(found(NONE, mbind), ["mbind"]);
    assert!(found(mbind, NONE).is_empty());
    // Another refusal allows nothing.
    let kill = "  advanced: {seccomp: [{names: [mbind], action: kill, why: w}]}\n";
    assert!(found(NONE, kill).is_empty());
    // The rule that holds anyway, written out.
    let same = "  advanced: {seccomp: [{names: [personality], action: allow, args: [{index: 0, value: \
                0xffffffff, mask: 0xffffffff}], why: w}]}\n";
    assert!(found(NONE, same).is_empty());
    let more = "  advanced: {seccomp: [{names: [personality], action: allow, args: [{index: 0, value: \
                8}], why: w}]}\n";
    assert_eq!(found(NONE, more), ["personality, for one with (0x8)"]);
    let connect = "  connect: [{port: 80, why: w}]\n";
    assert_eq!(
        found(NONE, connect),
        ["connect 80", "socket, for one with (0x2, 0x1)", "connect"]
    );
}

#[test]
fn processes_and_programs_are_calls_too() {
    let run = "  run: [{path: /bin/true, why: w}]\n  ceiling: {processes: 2}\n";
    let found = found(NONE, run);
    for call in ["fork", "execve", "vfork"] {
        assert!(found.iter().any(|what| what == call), "{call} {found:?}");
    }
}
