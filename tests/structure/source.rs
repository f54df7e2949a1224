//! The sources and the lock file, read as text: enough for what is asserted, and tested by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A crate's sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crate {
    /// Their folder, from the workspace's root.
    pub(crate) path: &'static str,
}

/// A source file without its tests and comments.
pub(crate) struct File {
    /// From the workspace's root.
    pub(crate) path: String,
    pub(crate) code: String,
}

impl Crate {
    pub(crate) const fn at(path: &'static str) -> Self {
        Self { path }
    }

    /// All files that are not tests.
    pub(crate) fn files(&self) -> Vec<File> {
        let mut files = Vec::new();
        let mut open = vec![PathBuf::from(self.path)];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(root().join(&directory)).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let path = directory.join(&name);
                if entry.file_type().unwrap().is_dir() {
                    if name != "tests" {
                        open.push(path);
                    }
                } else if name.ends_with(".rs") && name != "tests.rs" {
                    let text = fs::read_to_string(entry.path()).unwrap();
                    let path = path.to_str().unwrap().to_owned();
                    files.push(File {
                        path,
                        code: code(&text),
                    });
                }
            }
        }
        files
    }

    /// Which top-level module imports which.
    pub(crate) fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let files = self.files();
        let is_root = |file: &File| file.path == format!("{}/lib.rs", self.path);
        let lib = files.iter().find(|file| is_root(file)).unwrap();
        let exports = exports(&lib.code);
        let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in files.iter().filter(|file| !is_root(file)) {
            let inner = &file.path[self.path.len() + 1..];
            let module = inner.split('/').next().unwrap().trim_end_matches(".rs");
            for name in named(&file.code) {
                let other = exports.get(&name).unwrap_or(&name);
                if other != module {
                    imports
                        .entry(module.to_owned())
                        .or_default()
                        .insert(other.clone());
                }
            }
        }
        imports
    }
}

/// A text without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The first names behind every `crate::`, alone or in braces.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split(';').next().unwrap_or_default();
            let mut depth = 0;
            let mut item = String::new();
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.extend(word(&std::mem::take(&mut item))),
                    _ if depth == 0 => item.push(character),
                    _ => {}
                }
            }
            names.extend(word(&item));
        } else {
            names.extend(word(rest));
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// Name → module, of what the crate's root exports again.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for line in lib
        .split(';')
        .filter_map(|line| line.split("pub use ").nth(1))
    {
        let Some((path, last)) = line.rsplit_once("::") else {
            continue;
        };
        // `a::{b, c}` has its last `::` before the brace.
        let module = word(path).unwrap_or_default();
        for name in last.trim_matches(['{', '}', ' ', '\n']).split(',') {
            exports.extend(word(name).map(|name| (name, module.clone())));
        }
    }
    exports
}

/// Package → the packages that it depends on, by a Cargo.lock.
pub(crate) fn dependencies(lock: &str) -> BTreeMap<String, Vec<String>> {
    let quoted = |line: &str| {
        let name = line.split('"').nth(1)?;
        Some(name.split(' ').next()?.to_owned())
    };
    let packages = lock.split("[[package]]").skip(1).filter_map(|package| {
        let name = quoted(package.lines().find(|line| line.starts_with("name = "))?)?;
        let list = package.split("dependencies = [").nth(1).unwrap_or_default();
        let list = list.split(']').next().unwrap_or_default();
        Some((name, list.lines().filter_map(quoted).collect()))
    });
    packages.collect()
}

/// Everything that a package depends on.
pub(crate) fn closure(packages: &BTreeMap<String, Vec<String>>, package: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(name) = open.pop() {
        for next in packages.get(&name).into_iter().flatten() {
            if all.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    all
}
