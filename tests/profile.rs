//! `leasehold profile`: the real binary on real files.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "profile/check.rs"]
mod check;
#[path = "profile/diff.rs"]
mod diff;
#[path = "profile/exchange.rs"]
mod exchange;
#[path = "profile/explain.rs"]
mod explain;
#[path = "profile/shipped.rs"]
mod shipped;
mod support;
#[path = "profile/why.rs"]
mod why;

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{Functions, Host, leasehold};

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
