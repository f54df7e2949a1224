//! Tests of profiles: what ships, how mistakes are shown, and the laws that inheritance keeps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod errors;
mod laws;
mod reading;
mod shipped;

use std::path::Path;

use super::*;

/// A profile's text with this `spec`.
fn document(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: {name}}}\nspec:\n{spec}"
    )
}

/// A directory that holds profiles of these names and specs.
fn directory(profiles: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, spec) in profiles {
        write(directory.path(), name, &document(name, spec));
    }
    directory
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(format!("{name}.yaml")), text).unwrap();
}

fn load(directory: &tempfile::TempDir, name: &str) -> Result<ProfileSource, LoadError> {
    ProfileSource::load(&Catalog::new([directory.path().to_owned()]), name)
}
