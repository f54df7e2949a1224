//! `leasehold verify`: nothing leaks under what ships, and what a profile opens is reported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{Functions, Host, leasehold, memory};

/// Channels of which something remains open by nature.
const RESIDUAL: [u64; 9] = [5, 6, 8, 21, 25, 26, 70, 71, 87];
/// Channels that no attack can be made on here, with or without the sandbox.
const NOT_RUN: [u64; 3] = [19, 90, 93];

fn verify(functions: &Path, args: &[&str]) -> Output {
    let state = tempfile::tempdir_in(memory()).unwrap();
    let mut command = leasehold();
    command.env("HOST_SECRET", "s3cr3t").arg("verify");
    command.arg("--functions").arg(functions);
    command.arg("--state").arg(state.path().join("state"));
    command.args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Channel → the findings of it.
fn by_row(report: &Value) -> BTreeMap<u64, Vec<&Value>> {
    let mut rows: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for finding in report["rows"].as_array().unwrap() {
        rows.entry(finding["row"].as_u64().unwrap())
            .or_default()
            .push(finding);
    }
    rows
}

fn served() -> Functions {
    let functions = Functions::new();
    functions.python(
        "handler",
        "",
        "def handle(event, context):\n    return ''\n",
    );
    functions
}

/// A folder with one profile, `loose`: `base` and this.
fn loose(additions: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: loose}}\nspec:\n  \
         extends: [base]\n  {additions}\n"
    );
    fs::write(folder.path().join("loose.yaml"), text).unwrap();
    folder
}

#[test]
fn nothing_leaks_under_the_profile_of_a_function() {
    let functions = served();
    let output = verify(functions.path(), &["--json"]);
    let report = json(&output);
    let rows = by_row(&report);
    assert_eq!(
        rows.keys().copied().collect::<Vec<_>>(),
        (1..=93).collect::<Vec<_>>()
    );

    let of = |verdict: &str| -> Vec<&Value> {
        let all = report["rows"].as_array().unwrap();
        all.iter()
            .filter(|finding| finding["verdict"] == verdict)
            .collect()
    };
    assert_eq!(of("leaked"), Vec::<&Value>::new());
    assert_eq!(report["leaks"], 0);
    assert!(output.status.success());
    assert_eq!(report["residual"], RESIDUAL.len());
    assert_eq!(report["notRun"], NOT_RUN.len(), "{:#?}", of("not-run"));

    // What is not run, or has no control, says why; what is stopped says by what.
    for finding in report["rows"].as_array().unwrap() {
        let explained = finding["reason"].is_string() && finding["reason"] != "";
        assert_eq!(explained, finding["control"] == "impossible", "{finding}");
        assert!(finding["verdict"] != "not-run" || explained, "{finding}");
        let stopped = finding["verdict"] == "stopped";
        assert!(!stopped || finding["layer"].is_string(), "{finding}");
        assert!(!stopped || finding["evidence"] != "", "{finding}");
    }
    for row in NOT_RUN {
        assert!(
            rows[&row]
                .iter()
                .all(|finding| finding["verdict"] == "not-run")
        );
    }
    let controlled = rows.values().filter(|findings| {
        findings
            .iter()
            .any(|it| it["control"] == "succeeds" && it["verdict"] != "not-run")
    });
    let controlled = controlled.count();
    // What this kernel lacks, an ordinary user may not do, or a container has taken away already.
    assert!(controlled >= 76, "{controlled} channels with a control");

    for (mode, form) in [
        ("sequential", "native"),
        ("concurrent", "native"),
        ("host", "native"),
        ("zygote", "native"),
        ("sequential", "python"),
        ("zygote", "python"),
    ] {
        let all = report["rows"].as_array().unwrap();
        assert!(
            all.iter()
                .any(|it| it["mode"] == mode && it["form"] == form),
            "{mode} {form}"
        );
    }
}

/// A layer that is weakened by a profile shows in the rows that it closed, and in no others.
#[test]
fn what_a_profile_opens_is_reported() {
    let functions = served();
    for (additions, asked, leaks) in [
        (
            "advanced: {seccomp: [{names: [inotify_init, inotify_init1, inotify_add_watch], action: allow, why: a test}]}",
            ["7", "91", "27"],
            vec![7],
        ),
        (
            "advanced: {seccomp: [{names: [sync, syncfs], action: allow, why: a test}]}",
            ["7", "91", "27"],
            vec![91],
        ),
        (
            "write: [{path: /tmp, why: a test}]",
            ["1", "7", "13"],
            vec![1],
        ),
        (
            "read: [{path: /proc, why: a test}]",
            ["36", "85", "38"],
            vec![36, 85],
        ),
    ] {
        let profiles = loose(additions);
        let mut args = vec!["--json", "--profile", "loose", "--profiles"];
        args.push(profiles.path().to_str().unwrap());
        args.extend(asked.iter().flat_map(|row| ["--row", row]));
        let output = verify(functions.path(), &args);
        let report = json(&output);
        let found: BTreeSet<u64> = by_row(&report)
            .into_iter()
            .filter(|(_, findings)| findings.iter().any(|it| it["verdict"] == "leaked"))
            .map(|(row, _)| row)
            .collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), leaks, "{additions}");
        assert_eq!(report["leaks"], leaks.len(), "{additions}");
        assert_eq!(output.status.code(), Some(1), "{additions}");
        let evidence = by_row(&report)[&leaks[0]].iter().any(|it| {
            it["evidence"]
                .as_str()
                .is_some_and(|text| text.ends_with("under `loose`"))
        });
        assert!(evidence, "{report:#}");
    }
}

#[test]
fn one_channel_in_words_and_as_junit() {
    let functions = served();
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("report.xml");
    let junit_arg = junit.to_str().unwrap();
    let args = ["--profile", "base", "--row", "27", "--junit", junit_arg];
    let output = verify(functions.path(), &args);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("another call cannot be signalled: stopped; EPERM"),
        "{text}"
    );
    assert!(
        text.contains("1 stopped, 0 residual, 0 not run, 0 leaks"),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "colour where there is no terminal");

    let xml = fs::read_to_string(junit).unwrap();
    assert!(xml.contains("failures=\"0\" skipped=\"0\""), "{xml}");
    let case = "<testcase classname=\"channel 27 (native concurrent)\" name=\"another call cannot be signalled\">";
    assert!(xml.contains(case), "{xml}");
}

#[test]
fn the_channels_are_listed() {
    let output = verify(Path::new("/nowhere"), &["--list"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(
        text.contains(" 93  a rule that goes when its inode is evicted"),
        "{text}"
    );
    assert_eq!(text.matches("closed by").count(), 93);
}

#[test]
fn it_refuses_beside_a_host_and_says_what_is_missing() {
    let functions = served();
    let host = Host::start(functions.path());
    let mut command = leasehold();
    command
        .arg("verify")
        .arg("--functions")
        .arg(functions.path());
    let output = command.arg("--state").arg(&host.state).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("is in use by another leasehold"), "{text}");

    let output = verify(functions.path(), &["--profile", "nonesuch"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("`nonesuch`"), "{text}");

    let empty = Functions::new();
    let output = verify(empty.path(), &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("name one with --profile"), "{text}");
}
