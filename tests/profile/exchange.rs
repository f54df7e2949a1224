//! Seccomp profiles of container engines, in and out.

use super::*;

/// As Debian's golang-github-containers-common installs it.
const ENGINES_DEFAULT: &str = "/usr/share/containers/seccomp.json";

#[test]
fn an_imported_profile_can_be_checked_explained_exported_and_imported_again() {
    if !Path::new(ENGINES_DEFAULT).exists() {
        println!("skipped: there is no {ENGINES_DEFAULT}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let here = |args: &[&str]| profile(directory.path(), args);
    let write =
        |name: &str, text: String| std::fs::write(directory.path().join(name), text).unwrap();

    let imported = here(&["import", ENGINES_DEFAULT, "--name", "engine"]);
    assert!(imported.status.success());
    let told = String::from_utf8(imported.stderr.clone()).unwrap();
    assert!(told.contains("not calls of x86-64 or arm64"), "{told}");
    write("engine.yaml", out(&imported));
    // It lifts rules, and that is told.
    let checked = json(&here(&["check", "engine.yaml", "--json"]));
    assert_eq!(checked[0]["errors"], serde_json::json!([]));
    let lifted = checked[0]["warnings"].as_array().unwrap();
    assert!(
        lifted
            .iter()
            .any(|warning| warning["kind"] == "lifted-rule")
    );
    let verdicts = |file: &str| {
        let explained = json(&here(&["explain", file, "--json"]));
        let rows = explained["filter"].as_array().unwrap().iter();
        rows.map(|row| {
            (
                row["syscall"].to_string(),
                row["action"].to_string(),
                row["condition"].to_string(),
            )
        })
        .collect::<Vec<_>>()
    };
    let before = verdicts("./engine.yaml");
    assert!(before.len() > 350);

    let exported = here(&["export", "./engine.yaml"]);
    assert!(exported.status.success());
    write("engine.json", out(&exported));
    let again = here(&["import", "engine.json", "--name", "again"]);
    assert!(again.status.success());
    write("again.yaml", out(&again));
    assert_eq!(verdicts("./again.yaml"), before);
    for (before, after) in [
        ("./engine.yaml", "./again.yaml"),
        ("./again.yaml", "./engine.yaml"),
    ] {
        assert_eq!(here(&["diff", before, after]).status.code(), Some(0));
    }

    // With a capability more is allowed.
    let ask = |file: &str| here(&["why", file, "syscall:kcmp"]).status.code();
    assert_eq!(ask("./engine.yaml"), Some(1));
    write(
        "engine.yaml",
        out(&here(&[
            "import",
            ENGINES_DEFAULT,
            "--name",
            "engine",
            "--cap",
            "CAP_SYS_PTRACE",
        ])),
    );
    assert_eq!(ask("./engine.yaml"), Some(0));
}

#[test]
fn what_is_no_seccomp_profile_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let import = |text: &str, name: &str| {
        std::fs::write(directory.path().join("x.json"), text).unwrap();
        let output = profile(directory.path(), &["import", "x.json", "--name", name]);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        import("{}", "p")
            .contains("x.json is not a seccomp profile: missing field `defaultAction`")
    );
    assert!(import("[", "p").contains("is not a seccomp profile"));
    let good = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
    assert!(import(good, "../p").contains("is not the name of a profile"));
}
