//! Mistakes in what a `function.yaml` refers to.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn commands() {
    let command =
        |command: &str| format!("  runtime: exec\n  command: {command}\n  profile: compute\n");
    assert_shown(
        &command("[]"),
        r#"
the command is empty
 --> DIR/function.yaml:6:12
  |
6 |   command: []
  |            ^
  |
  = help: write the program first, then its arguments: `[./PROGRAM, --flag]`"#,
    );
    assert_shown(
        &command("[cat, -n]"),
        r#"
`cat` is looked for nowhere: a function has no search path here
 --> DIR/function.yaml:6:13
  |
6 |   command: [cat, -n]
  |             ^^^
  |
  = help: write `./cat` for a file beside function.yaml, or an absolute path"#,
    );
    assert_shown(
        &command("[./missing]"),
        r#"
cannot find the program `./missing`: No such file or directory (os error 2)
 --> DIR/function.yaml:6:13
  |
6 |   command: [./missing]
  |             ^^^^^^^^^
  |
  = help: it is looked for in DIR"#,
    );
    assert_shown(
        &command("[./function.yaml]"),
        r#"
`./function.yaml` cannot be executed: Permission denied
 --> DIR/function.yaml:6:13
  |
6 |   command: [./function.yaml]
  |             ^^^^^^^^^^^^^^^
  |
  = help: run `chmod +x DIR/function.yaml`"#,
    );
    assert_shown(
        &command("[./.]"),
        r#"
`./.` is not a file
 --> DIR/function.yaml:6:13
  |
6 |   command: [./.]
  |             ^^^
  |
  = help: name the program itself"#,
    );
    assert_shown(
        &command("cat"),
        r#"
a list is expected here
 --> DIR/function.yaml:6:12
  |
6 |   command: cat
  |            ^^^
  |
  = help: write `[…]`, or each item on a line of its own after `- `"#,
    );
    assert_shown(
        &command(r#"[/bin/cat, "a\0b"]"#),
        r#"
an argument has a NUL in it
 --> DIR/function.yaml:6:23
  |
6 |   command: [/bin/cat, "a\0b"]
  |                       ^^^^^^
  |
  = help: remove it"#,
    );
}

#[test]
fn profiles_and_limits() {
    assert_shown(
        "  runtime: exec\n  command: [/bin/cat]\n  profile: compte\n",
        r#"
there is no profile `compte` in the shipped profiles
 --> DIR/function.yaml:7:12
  |
7 |   profile: compte
  |            ^^^^^^
  |
  = help: did you mean `compute`?"#,
    );
    assert_shown(
        "  runtime: exec\n  command: [/bin/cat]\n  profile: ../base\n",
        r#"
`../base` is not the name of a profile
 --> DIR/function.yaml:7:12
  |
7 |   profile: ../base
  |            ^^^^^^^
  |
  = help: a profile is given by name: its file is NAME.yaml in a directory of profiles"#,
    );
    assert_shown(
        &format!("{EXEC}  limits: {{timeout: 1h}}\n"),
        r#"
`limits.timeout` is 1h
 --> DIR/function.yaml:8:21
  |
8 |   limits: {timeout: 1h}
  |                     ^^
  |
  = help: the profile `compute` allows 30s; a function may only lower it"#,
    );
    assert_shown(
        &format!("{EXEC}  limits: {{timeout: 0s}}\n"),
        r#"
zero leaves no room to run
 --> DIR/function.yaml:8:21
  |
8 |   limits: {timeout: 0s}
  |                     ^^
  |
  = help: leave the limit out for its default"#,
    );
}

#[test]
fn a_wrong_profile_is_shown_in_its_own_file() {
    let profiles = tempfile::tempdir().unwrap();
    let text =
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: compute}\nspec:\n";
    let catalog = Catalog::new([profiles.path().to_owned()]);
    let folder = folder(EXEC);
    let failed = |spec: &str| {
        fs::write(
            profiles.path().join("compute.yaml"),
            format!("{text}{spec}"),
        )
        .unwrap();
        Function::load(folder.path(), &catalog, &interpreters()).unwrap_err()
    };
    let error = failed("  raed: []\n");
    assert!(matches!(error, FunctionError::ProfileLoad { .. }));
    assert!(error.to_string().contains("compute.yaml:5:3"), "{error}");
    let error = failed("  extends: [missing]\n");
    assert!(matches!(error, FunctionError::ProfileInherit { .. }));
    assert!(error.to_string().contains("compute.yaml:5:13"), "{error}");
}

#[test]
fn a_folder_without_a_function_or_with_a_link_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let expected = "cannot find DIR/function.yaml: No such file or directory (os error 2)";
    assert_eq!(failure(folder.path()), expected);
    symlink("/etc/passwd", folder.path().join(FILE_NAME)).unwrap();
    let expected =
        "DIR/function.yaml leads out of its folder, to /etc/passwd; put a function.yaml there";
    assert_eq!(failure(folder.path()), expected);
}

#[test]
fn a_program_outside_is_named_by_its_absolute_path() {
    let folder = folder("  runtime: exec\n  command: [./link]\n  profile: compute\n");
    symlink("/etc/../bin/sh", folder.path().join("link")).unwrap();
    let shown = failure(folder.path());
    assert!(
        shown.starts_with("`./link` leads out of the function's folder\n"),
        "{shown}"
    );
}
