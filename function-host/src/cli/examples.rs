//! What is served when nothing is named: the examples beside us, or those built in.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use include_dir::{Dir, DirEntry, include_dir};

use crate::state::State;

static BUILT_IN: Dir<'_> = include_dir!("$OUT_DIR/examples");

/// `./examples` if it holds functions, else a copy of the built-in ones in the state directory.
pub(super) fn directory(state: &State) -> io::Result<PathBuf> {
    let beside = PathBuf::from("examples");
    if beside.join("hello/function.yaml").is_file() {
        return Ok(beside);
    }
    let target = state.path().join("examples");
    leasehold_sandbox::scratch::remove_tree(&target)?;
    fs::create_dir(&target)?;
    unpack(&BUILT_IN, &target)?;
    Ok(target)
}

fn unpack(directory: &Dir<'_>, target: &std::path::Path) -> io::Result<()> {
    for entry in directory.entries() {
        let path = target.join(entry.path());
        match entry {
            DirEntry::Dir(inner) => {
                fs::create_dir_all(&path)?;
                unpack(inner, target)?;
            }
            DirEntry::File(file) => {
                fs::write(&path, file.contents())?;
                if file.contents().starts_with(b"#!") {
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
                }
            }
        }
    }
    Ok(())
}
