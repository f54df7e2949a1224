//! [`Survey`]: what a function's folder looks like, so that a change of it is noticed.
//!
//! Looks at files and never opens one. Imports functions as plain data.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{FileType, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Function, Runtime};

/// The most entries of a folder that are looked at, the shallow ones first.
pub const MAX_ENTRIES: usize = 10_000;

/// Where CPython keeps what it has compiled: it is checked against the source, and no part of it.
const CACHE: &str = "__pycache__";

/// What a function's folder looks like.
///
/// Two surveys are equal if each file has the same path, size, time of change (in nanoseconds), inode
/// and mode, and each link leads to the same place. What a profile lets the function write is data,
/// not code, and is left out; so is `__pycache__`. A program or interpreter outside of the folder is in
/// it, and so are the secrets that the function lists.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    hash: u64,
    /// Whether all of it was looked at.
    pub complete: bool,
    /// The directories in which a change matters: the folder, where it really is, and those below it.
    pub directories: Vec<PathBuf>,
}

impl PartialEq for Survey {
    fn eq(&self, other: &Self) -> bool {
        (self.hash, self.complete) == (other.hash, other.complete)
    }
}

impl Eq for Survey {}

impl Survey {
    /// Looks at `folder`, which holds `function` if it holds one, and at what that lists of `secrets`.
    #[must_use]
    pub fn of(folder: &Path, function: Option<&Function>, secrets: &Path) -> Self {
        let mut walk = Walk::default();
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        root.hash(&mut walk.hasher);
        if let Some(function) = function {
            let grants = function.profile.write.iter();
            walk.data = grants.map(|grant| expand(&grant.path, &root)).collect();
            let program = match &function.runtime {
                Runtime::Exec { program, .. } | Runtime::Node { program, .. } => Some(program),
                Runtime::Python { interpreter, .. } => Some(&interpreter.program),
                // In the folder.
                Runtime::Wasm { .. } => None,
            };
            if let Some(program) = program {
                walk.file(program.metadata().ok().as_ref());
            }
            for name in &function.secrets {
                walk.entry(secrets.join(name), None);
            }
        }
        walk.open.push_back(root);
        walk.run();
        Self {
            hash: walk.hasher.finish(),
            complete: walk.left > 0,
            directories: walk.directories,
        }
    }
}

struct Walk {
    hasher: DefaultHasher,
    left: usize,
    open: VecDeque<PathBuf>,
    directories: Vec<PathBuf>,
    /// What the function itself may change.
    data: Vec<PathBuf>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            hasher: DefaultHasher::new(),
            left: MAX_ENTRIES,
            open: VecDeque::new(),
            directories: Vec::new(),
            data: Vec::new(),
        }
    }
}

impl Walk {
    /// Level by level, so that a bound cuts off what is deep.
    fn run(&mut self) {
        while let Some(directory) = self.open.pop_front() {
            if self.left == 0 {
                return;
            }
            let mut entries: Vec<(OsString, Option<FileType>)> = directory
                .read_dir()
                .into_iter()
                .flatten()
                .flatten()
                .take(self.left)
                .map(|entry| (entry.file_name(), entry.file_type().ok()))
                .collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            self.left = self.left.saturating_sub(entries.len());
            for (name, kind) in entries {
                if name != CACHE {
                    self.entry(directory.join(name), kind);
                }
            }
            self.directories.push(directory);
        }
    }

    fn entry(&mut self, path: PathBuf, kind: Option<FileType>) {
        if self.data.contains(&path) {
            return;
        }
        path.hash(&mut self.hasher);
        match kind.or_else(|| Some(path.symlink_metadata().ok()?.file_type())) {
            Some(kind) if kind.is_dir() => self.open.push_back(path),
            Some(kind) if kind.is_symlink() => {
                path.read_link().ok().hash(&mut self.hasher);
                path.canonicalize().ok().hash(&mut self.hasher);
                // A directory changes with its files, which are looked at where they are, or not at all.
                let target = path.metadata().ok().filter(|target| !target.is_dir());
                self.file(target.as_ref());
            }
            _ => self.file(path.symlink_metadata().ok().as_ref()),
        }
    }

    fn file(&mut self, metadata: Option<&Metadata>) {
        let facts =
            metadata.map(|it| (it.size(), it.mtime(), it.mtime_nsec(), it.ino(), it.mode()));
        facts.hash(&mut self.hasher);
    }
}

/// A grant's path, as far as it can lie in the folder.
fn expand(grant: &str, root: &Path) -> PathBuf {
    match grant.strip_prefix("${FUNCTION_DIR}/") {
        Some(below) => root.join(below),
        None => PathBuf::from(grant),
    }
}
