//! A path that a question is about, and the rules that it lies below.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A path on this machine, or one under a variable, which only meets its own kind.
pub(super) struct Place {
    path: PathBuf,
    kind: Kind,
}

#[derive(PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Missing,
}

impl Place {
    pub(super) fn of(path: &str) -> Self {
        let written = Path::new(path);
        if !written.is_absolute() {
            return Self {
                path: written.to_owned(),
                kind: Kind::Missing,
            };
        }
        let path = resolve(written);
        let kind = match path.metadata() {
            Ok(metadata) if metadata.is_dir() => Kind::Directory,
            Ok(_) => Kind::File,
            Err(_) => Kind::Missing,
        };
        Self { path, kind }
    }

    pub(super) fn needed(&self, doing: &str) -> &'static [&'static str] {
        match (doing, &self.kind) {
            ("read", Kind::Directory) => &["read_dir"],
            ("write", Kind::File) => &["write_file"],
            // Something new in it, or itself new.
            ("write", Kind::Directory | Kind::Missing) => &["make_reg", "write_file"],
            ("run", _) => &["read_file", "execute"],
            _ => &["read_file"],
        }
    }

    pub(super) fn is_below(&self, rule: &str) -> bool {
        let rule = Path::new(rule);
        match rule.is_absolute() {
            true => self.path.starts_with(resolve(rule)),
            false => self.path.starts_with(rule),
        }
    }

    pub(super) fn shown(&self, asked: &str) -> String {
        match self.path == Path::new(asked) {
            true => asked.to_owned(),
            false => format!("{} (which is {})", asked, self.path.display()),
        }
    }
}

/// Follows links as far as there are files.
fn resolve(path: &Path) -> PathBuf {
    let mut below: Vec<OsString> = Vec::new();
    let mut there = path;
    loop {
        if let Ok(found) = there.canonicalize() {
            return below.iter().rev().fold(found, |path, name| path.join(name));
        }
        match (there.parent(), there.file_name()) {
            (Some(parent), Some(name)) => {
                below.push(name.to_owned());
                there = parent;
            }
            _ => return path.to_owned(),
        }
    }
}
