//! What a profile comes to, and who granted each of it.

use super::*;

const OWN: &str = "  extends: [base]\n  read: [{path: /usr/share/zoneinfo/UTC, why: the clock}]\n  connect: \
                   [{port: 443, why: the API}]\n  ceiling: {timeout: 5s}\n  advanced: {seccomp: [{names: \
                   [mbind], action: errno, errno: ENOSYS, why: NUMA probe}]}\n";

#[test]
fn every_allowance_names_its_file_line_and_reason() {
    let directory = profiles(&[("own", OWN)]);
    let output = profile(directory.path(), &["explain", "--profiles", ".", "own"]);
    assert!(output.status.success());
    let text = out(&output);
    let line = |parts: &[&str]| {
        let words = |line: &str| parts.iter().all(|part| line.contains(part));
        assert!(text.lines().any(words), "{parts:?} in {text}");
    };
    line(&[
        "/usr/lib ",
        " read ",
        "<base>:",
        "locales and character sets",
    ]);
    line(&[
        "/dev/null ",
        " read, write ",
        "<base>:",
        "output that nobody wants",
    ]);
    line(&["zoneinfo/UTC", " read ", "./own.yaml:6:17", "the clock"]);
    line(&["connect", "443", "./own.yaml:7:20", "the API"]);
    line(&["timeout", "5s", "own"]);
    line(&["memory", "512Mi", "default"]);
    line(&["mbind ", " ENOSYS ", "./own.yaml:9:"]);
    line(&["./own.yaml:9:", "NUMA probe"]);
    line(&[
        "socket ",
        " allow ",
        "arg0 == 0x2 and arg1 & 0xf == 0x1",
        "./own.yaml:7:20",
    ]);
    line(&["ptrace ", " kill ", "leasehold: escapes"]);
    line(&["fork ", " EPERM ", "leasehold: one process"]);
    line(&["send what it knows to port 443 of any address"]);
}

#[test]
fn json_has_every_row_of_the_filter() {
    let report = json(&profile(Path::new("/"), &["explain", "python", "--json"]));
    assert_eq!(report["extends"], serde_json::json!(["base"]));
    let rows = report["filter"].as_array().unwrap();
    let mut calls: Vec<_> = rows
        .iter()
        .map(|row| row["syscall"].as_str().unwrap())
        .collect();
    calls.dedup();
    assert!(calls.len() > 350, "{}", calls.len());
    assert!(
        rows.iter()
            .all(|row| row["why"].is_string() && row["grantedBy"].is_string())
    );
    let paths = report["paths"].as_array().unwrap();
    let prefix = paths
        .iter()
        .find(|rule| rule["path"] == "${PYTHON_PREFIX}")
        .unwrap();
    assert_eq!(
        prefix["rights"],
        serde_json::json!(["read_file", "read_dir"])
    );
}

#[test]
fn a_function_gives_variables_their_values() {
    let functions = Functions::new();
    functions.python(
        "f",
        "  limits: {timeout: 3s}\n",
        "def handle(e, c):\n    return ''\n",
    );
    let state = tempfile::tempdir_in(support::memory()).unwrap();
    let (folder, state) = (
        functions.path().to_str().unwrap(),
        state.path().to_str().unwrap(),
    );
    let args = [
        "explain",
        "--function",
        "f",
        "--functions",
        folder,
        "--state",
        state,
        "--json",
    ];
    let report = json(&profile(Path::new("/"), &args));
    assert_eq!(report["profile"], "python");
    let timeout = &report["limits"][0];
    assert_eq!(
        (timeout["value"].as_str(), timeout["grantedBy"].as_str()),
        (Some("3s"), Some("the function"))
    );
    let paths = report["paths"].as_array().unwrap();
    let find = |path: &str| paths.iter().find(|rule| rule["path"] == path);
    let own = functions.path().join("f").canonicalize().unwrap();
    assert_eq!(find(own.to_str().unwrap()).unwrap()["allows"], "read");
    assert!(find("${PYTHON_PREFIX}").is_none());
    let interpreter = paths
        .iter()
        .find(|rule| rule["zygoteOnly"] == true)
        .unwrap();
    assert_eq!(interpreter["grantedBy"], "leasehold: interpreter");
}

#[test]
fn the_programs_are_those_that_the_kernel_gets() {
    let text = out(&profile(Path::new("/"), &["explain", "base", "--bpf"]));
    let instructions: Vec<&str> = text.lines().filter(|line| !line.starts_with(';')).collect();
    assert_eq!(instructions[0], "   0: load architecture");
    assert!(
        instructions[1].contains("= 0xc000003e goto"),
        "{}",
        instructions[1]
    );
    assert!(!text.contains("code 0x"), "an instruction without words");
    for ending in [
        "return allow",
        "return kill",
        "return EPERM",
        "return ENOSYS",
        "return no effect",
    ] {
        assert!(
            instructions.iter().any(|line| line.ends_with(ending)),
            "{ending}"
        );
    }
}
