//! `leasehold profile`: the real binary on real files.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "profile/check.rs"]
mod check;
mod support;

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::leasehold;

/// Profiles of these names and specs in a directory of their own.
fn profiles(specs: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, spec) in specs {
        let text = format!(
            "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: {name}}}\nspec:\n{spec}"
        );
        std::fs::write(directory.path().join(format!("{name}.yaml")), text).unwrap();
    }
    directory
}

/// Runs `leasehold profile` in a directory.
fn profile(directory: &Path, args: &[&str]) -> Output {
    let mut command = leasehold();
    command.current_dir(directory).arg("profile").args(args);
    command.output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    let text = out(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
