//! Container engines whose own filter hides Landlock, as old ones and gVisor do.

use std::os::unix::process::CommandExt;
use std::process::Command;

use leasehold_sandbox::enforce::Program;
use leasehold_sandbox::names::syscalls::{Arch, number};
use leasehold_sandbox::policy::bpf::{Action, Entry, RuleTable, compile};
use leasehold_sandbox::sys::process::set_no_new_privs;
use serde_json::Value;

use crate::admin;
use crate::support::{Functions, Host, leasehold, memory};

/// The binary under test behind a filter that answers `errno` to these calls.
fn behind_a_filter(calls: &[&str], errno: i32) -> Command {
    let arch = Arch::native().unwrap();
    let mut table = RuleTable::new(arch, Action::Allow).unwrap();
    for call in calls {
        let refused = Entry::always(Action::Errno(errno.try_into().unwrap())).unwrap();
        table.insert(number(arch, call).unwrap(), refused).unwrap();
    }
    let filter: Program = compile(&table).unwrap();
    let mut command = leasehold();
    let install = move || set_no_new_privs().and_then(|()| filter.install());
    // SAFETY: between fork and exec it makes system calls and allocates, which glibc's fork allows.
    unsafe { command.pre_exec(install) };
    command
}

const LANDLOCK: [&str; 3] = [
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
];

fn refused(calls: &[&str], errno: i32, why: &str) {
    let functions = Functions::new();
    functions
        .shell("closed", "", "echo ran")
        .shell("plain", "  isolation: none\n", "echo ran");
    let state = tempfile::tempdir_in(memory()).unwrap();
    let command = behind_a_filter(calls, errno);
    let host = Host::start_as(command, functions.path(), &["--allow-unisolated"], state);
    let reply = host.call("closed", "");
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.text().contains(why), "{}", reply.text());
    assert!(!reply.text().contains("ran"));
    // What claims nothing loses nothing.
    assert_eq!(host.call("plain", "").text(), "ran\n");
    let ready = admin(&host, "/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains(why), "{}", ready.text());
}

#[test]
fn a_function_is_refused_where_landlock_is_absent() {
    let why = "landlock is missing, so files and processes of other calls are in reach";
    refused(&LANDLOCK, libc::ENOSYS, why);
}

#[test]
fn a_function_is_refused_where_landlock_is_forbidden() {
    let why = "landlock is missing, so files and processes of other calls are in reach";
    refused(&LANDLOCK, libc::EPERM, why);
}

#[test]
fn a_function_is_refused_where_only_the_last_step_is_forbidden() {
    let why = "cannot enforce the Landlock ruleset";
    refused(&LANDLOCK[2..], libc::EPERM, why);
}

#[test]
fn check_names_what_is_hidden() {
    let functions = Functions::new();
    functions.shell("closed", "", "echo ran");
    let state = tempfile::tempdir_in(memory()).unwrap();
    let check = |command: Command| {
        let mut command = command;
        command
            .arg("check")
            .arg("--functions")
            .arg(functions.path());
        command.arg("--state").arg(state.path()).arg("--json");
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    let (code, report) = check(leasehold());
    assert_eq!(code, Some(0), "the control: {report}");
    let (code, report) = check(behind_a_filter(&LANDLOCK, libc::ENOSYS));
    assert_eq!(code, Some(1));
    assert_eq!(report["kernel"]["landlockAbi"], 0);
    assert_eq!(report["kernel"]["inheritedFilters"], 1);
    let function = &report["functions"][0];
    assert_eq!(function["enforcement"], "refused");
    assert_eq!(function["channels"][0]["channel"], "landlock");
    assert_eq!(function["channels"][0]["state"], "missing");
    let remedy = function["channels"][0]["remedy"].as_str().unwrap();
    assert!(
        remedy.contains("an engine whose seccomp profile allows landlock_*"),
        "{remedy}"
    );
}
