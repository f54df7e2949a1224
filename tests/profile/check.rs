//! Mistakes and warnings, as they are shown and as JSON.

use super::*;

const WRONG: &str = "  raed: []\n  read: [{path: usr}, {path: /x, ifExist: true}]\n  advanced:\n    \
                     seccomp: [{names: [opnat2], action: allow}]\n";
const DOUBTFUL: &str = "  extends: [parent]\n  write: [{path: /etc, why: settings}]\n  connect: \
                        [{port: 8080, why: the API}]\n  read: [{path: /nowhere, why: data}]\n";

#[test]
fn all_mistakes_of_all_files_are_shown_with_their_places() {
    let directory = profiles(&[("wrong", WRONG), ("good", "  extends: [base]\n")]);
    let output = profile(directory.path(), &["check", "wrong.yaml", "good.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    for part in [
        "error: unknown field `raed`\n --> wrong.yaml:5:3\n",
        "= help: did you mean `read`?",
        "error: `usr` is not an absolute path\n --> wrong.yaml:6:17\n",
        "error: unknown field `ifExist`\n --> wrong.yaml:6:34\n",
        "8 |     seccomp: [{names: [opnat2], action: allow}]\n  |                        ^^^^^^\n",
        "= help: did you mean `openat2`?",
        "wrong.yaml: 4 errors\n",
        "good.yaml: fine\n",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
}

#[test]
fn warnings_are_no_errors_unless_strict() {
    let parent = "  read: [{path: /usr/share}]\n";
    let directory = profiles(&[("doubtful", DOUBTFUL), ("parent", parent)]);
    let check = |more: &[&str]| {
        let args = [&["check", "doubtful.yaml", "--json"], more].concat();
        let output = profile(directory.path(), &args);
        (output.status.code(), json(&output))
    };
    let (code, report) = check(&[]);
    assert_eq!(code, Some(0));
    assert_eq!(report[0]["errors"], Value::Array(Vec::new()));
    let warnings: Vec<_> = report[0]["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| {
            let text = |field: &str| warning[field].as_str().unwrap().to_owned();
            (
                text("kind"),
                text("file"),
                warning["line"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        // What is inherited is looked at too, and shown where it stands.
        ("no-why", "parent.yaml", 5),
        ("missing-path", "doubtful.yaml", 8),
        ("broad-write", "doubtful.yaml", 6),
        ("own-port", "doubtful.yaml", 7),
    ];
    let expected = expected.map(|(kind, file, line)| (kind.to_owned(), file.to_owned(), line));
    assert_eq!(warnings, expected);
    assert_eq!(check(&["--strict"]).0, Some(1));

    // On another port the host is not met.
    let (_, report) = check(&["--host-port", "9000"]);
    assert!(!report.to_string().contains("own-port"));

    let text = out(&profile(directory.path(), &["check", "doubtful.yaml"]));
    assert!(
        text.contains("6 |   write: [{path: /etc, why: settings}]\n"),
        "{text}"
    );
    assert!(text.ends_with("doubtful.yaml: 4 warnings\n"), "{text}");
}

#[test]
fn what_contradicts_itself_or_cannot_be_found_is_an_error() {
    let answers = "  extends: [allows]\n  run: [{path: /bin/sh, why: w}]\n  advanced: {seccomp: \
                   [{names: [mbind, chmod], action: kill, why: w}]}\n";
    let allows = "  advanced: {seccomp: [{names: [mbind, chmod], action: allow, why: w}]}\n";
    let directory = profiles(&[
        ("answers", answers),
        ("allows", allows),
        ("orphan", "  extends: [pyhton]\n"),
    ]);
    let messages = |file: &str| {
        let output = profile(directory.path(), &["check", file, "--json"]);
        assert_eq!(output.status.code(), Some(1), "{file}");
        let report = json(&output);
        let errors = report[0]["errors"].as_array().unwrap().iter();
        errors
            .map(|error| error["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let expected = [
        "`answers` may run programs but has only one process",
        "`mbind` has another answer already",
        "`chmod` has another answer already",
    ];
    assert_eq!(messages("answers.yaml"), expected);
    assert_eq!(messages("orphan.yaml"), ["there is no profile `pyhton`"]);
    assert!(messages("missing.yaml")[0].contains("cannot read missing.yaml"));
}

#[test]
fn the_shipped_profiles_pass_strictly() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles");
    let files: Vec<String> = shipped
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    let mut args = vec!["check", "--strict"];
    args.extend(files.iter().map(String::as_str));
    let output = profile(&shipped, &args);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(files.len() >= 5);
}
