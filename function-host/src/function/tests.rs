//! Tests of functions: what is read, how mistakes are shown, interpreters and discovery.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod errors;
mod interpreters;
mod reading;
mod references;
mod registry;
mod shims;
mod survey;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

/// A function's text with this `spec`.
fn document(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: leasehold.dev/v1alpha1\nkind: Function\nmetadata: {{name: {name}}}\nspec:\n{spec}"
    )
}

/// A folder with a function of this spec.
fn folder(spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), document("hello", spec)).unwrap();
    folder
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn interpreters() -> Interpreters {
    Interpreters::new(Box::new(run_plainly))
}

fn load(folder: &Path) -> Result<Function, FunctionError> {
    Function::load(folder, &Catalog::default(), &interpreters())
}

/// How what is wrong with a folder is shown, its path replaced.
fn failure(folder: &Path) -> String {
    let canonical = folder.canonicalize().unwrap();
    let shown = load(folder).expect_err("it is wrong").to_string();
    let shown = shown.replace(canonical.to_str().unwrap(), "DIR");
    shown.replace(folder.to_str().unwrap(), "DIR")
}

const EXEC: &str = "  runtime: exec\n  command: [/bin/cat]\n  profile: compute\n";

/// How this spec's mistake is shown, without the file's name.
#[track_caller]
fn assert_shown(spec: &str, expected: &str) {
    let shown = failure(folder(spec).path());
    assert_eq!(shown, expected.trim_start_matches('\n'), "\n{shown}\n");
}
