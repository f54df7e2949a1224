//! What the kernel says of a worker, asked from outside.

use std::fs;

use crate::attack::Profile;
use crate::world::World;

fn proc_of_a_worker(file: &str) -> String {
    let mut world = World::new(Profile::Base);
    let pid = world.worker().pid();
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap()
}

fn status() -> impl Fn(&str) -> String {
    let text = proc_of_a_worker("status");
    move |field| {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap().trim().to_owned()
    }
}

#[test]
fn a_worker_has_no_capabilities() {
    let status = status();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(u64::from_str_radix(&status(set), 16), Ok(0), "{set}");
    }
    // Emptied where that was allowed; where it was not, no_new_privs makes it meaningless.
    let ours = fs::read_to_string("/proc/self/status").unwrap();
    let may_drop = ours.lines().any(|line| {
        let set = line.strip_prefix("CapEff:").map(str::trim);
        set.is_some_and(|set| u64::from_str_radix(set, 16).unwrap() & (1 << 8) != 0)
    });
    if may_drop {
        assert_eq!(u64::from_str_radix(&status("CapBnd"), 16), Ok(0));
    }
}

#[test]
fn a_worker_gains_no_privileges_by_exec() {
    assert_eq!(status()("NoNewPrivs"), "1");
}

#[test]
fn a_worker_has_both_filters() {
    let ours = leasehold_sandbox::Kernel::probe()
        .unwrap()
        .inherited_filters;
    let status = status();
    assert_eq!(status("Seccomp"), "2");
    assert_eq!(status("Seccomp_filters"), (ours + 2).to_string());
}

#[test]
fn a_worker_has_its_limits() {
    let limits = proc_of_a_worker("limits");
    for (name, soft, hard) in [
        ("Max core file size", "1", "1"),
        ("Max data size", "536870912", "536870912"),
        ("Max cpu time", "10", "11"),
        ("Max open files", "256", "256"),
        ("Max file size", "268435456", "268435456"),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        let words: Vec<_> = line.unwrap().split_whitespace().take(2).collect();
        assert_eq!(words, [soft, hard], "{name}");
    }
}
