//! Virtual environments, recognised by their files (PEP 405). Executes nothing.

use std::path::{Path, PathBuf};

use leasehold_sandbox::profile::read;

/// The file that makes a directory a virtual environment.
const FILE_NAME: &str = "pyvenv.cfg";

/// The virtual environment that CPython would find itself in, started by this path.
///
/// As CPython looks for it: beside the path as it is written, links not followed, then one level up.
/// What its `home` says is not used: where the base interpreter is, the path's link tells.
pub(super) fn of(program: &Path) -> Option<PathBuf> {
    let bin = program.parent()?;
    let above = bin.parent();
    [Some(bin), above]
        .into_iter()
        .flatten()
        .find(|place| is_one(place))
        .map(Path::to_owned)
}

fn is_one(place: &Path) -> bool {
    // Hostile: bounded, and a pipe is not waited for.
    read(&place.join(FILE_NAME)).is_ok_and(|text| {
        text.lines().any(|line| {
            line.split_once('=')
                .is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case("home"))
        })
    })
}
