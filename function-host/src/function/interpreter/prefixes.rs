//! `${PYTHON_PREFIX}`: the directories that an interpreter loads itself from.

use std::path::{Path, PathBuf};

use super::probe::Answer;

/// Installations that share their prefix with the whole system: all of it would be granted.
const SYSTEM: [&str; 2] = ["/", "/usr"];

/// What Python needs of a prefix or a virtual environment.
const PARTS: [&str; 4] = ["bin", "lib", "lib64", "pyvenv.cfg"];

/// Where Debian and Fedora keep what Python loads, beside the standard library itself.
fn of_system(version: (u8, u8, u8)) -> [PathBuf; 6] {
    let python = format!("python{}.{}", version.0, version.1);
    [
        Path::new("/usr/lib").join(&python),
        Path::new("/usr/lib64").join(&python),
        PathBuf::from("/usr/lib/python3"),
        Path::new("/usr/local/lib").join(&python),
        Path::new("/usr/local/lib64").join(&python),
        PathBuf::from("/usr/share/python3"),
    ]
}

/// What this interpreter loads itself from: what exists, none of it below another. Where a path is a
/// link, or below one, both spellings are there.
///
/// A prefix of which `is_shared` says that other functions live in it is not granted whole.
pub(super) fn of(
    answer: &Answer,
    version: (u8, u8, u8),
    venv: Option<PathBuf>,
    is_shared: impl Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    let bases = [&answer.base_prefix, &answer.base_exec_prefix]
        .into_iter()
        .cloned();
    let (system, own): (Vec<PathBuf>, Vec<PathBuf>) = bases.partition(|base| is_system(base));
    let mut wanted = Vec::new();
    for prefix in own.into_iter().chain(venv) {
        match prefix.canonicalize() {
            Ok(canonical) if is_shared(&canonical) => {
                wanted.extend(PARTS.iter().map(|part| prefix.join(part)));
            }
            _ => wanted.push(prefix),
        }
    }
    if !system.is_empty() {
        wanted.extend(of_system(version));
    }
    wanted.extend(answer.paths.iter().filter(|path| !is_system(path)).cloned());
    let mut prefixes: Vec<PathBuf> = Vec::new();
    for path in wanted {
        let Ok(canonical) = path.canonicalize() else {
            continue;
        };
        for spelling in [path, canonical] {
            if spelling.is_absolute() && !prefixes.iter().any(|have| spelling.starts_with(have)) {
                prefixes.push(spelling);
            }
        }
    }
    prefixes
}

fn is_system(path: &Path) -> bool {
    let is = |path: &Path| SYSTEM.iter().any(|system| path == Path::new(system));
    is(path) || path.canonicalize().is_ok_and(|canonical| is(&canonical))
}
