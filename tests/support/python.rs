//! Every CPython that can be found, each to be tried.

use std::path::Path;
use std::process::Command;

use super::{Functions, Host};

/// The interpreters of `LEASEHOLD_TEST_PYTHONS` (a list with colons), every one of which must run; or
/// else those that are found here: on PATH, the system's, pyenv's 3.11 and 3.13.
pub fn interpreters() -> Vec<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |path: &str, must: bool| match facts(path) {
        Some(facts) if !found.iter().any(|known| known.0 == facts.0) => found.push(facts),
        Some(_) => {}
        None => assert!(!must, "{path} of LEASEHOLD_TEST_PYTHONS does not run"),
    };
    if let Ok(list) = std::env::var("LEASEHOLD_TEST_PYTHONS") {
        list.split(':').for_each(|path| add(path, true));
    } else {
        add("python3", false);
        add("/usr/bin/python3", false);
        let home = std::env::var("HOME").unwrap_or_default();
        let versions = Path::new(&home).join(".pyenv/versions");
        let mut versions: Vec<_> = std::fs::read_dir(versions)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.starts_with("3.11") || name.starts_with("3.13")
            })
            .map(|entry| entry.path().join("bin/python"))
            .collect();
        versions.sort();
        for version in versions {
            add(&version.to_string_lossy(), false);
        }
    }
    assert!(!found.is_empty(), "there is no CPython to try");
    for (path, version) in &found {
        eprintln!("tried on CPython {version}, {path}");
    }
    found.into_iter().map(|(path, _)| path).collect()
}

/// Where an interpreter really is, and its version.
fn facts(path: &str) -> Option<(String, String)> {
    const ASK: &str = "import os, sys; print(os.path.realpath(sys.executable)); \
                       print(*sys.version_info[:3], sep='.')";
    let output = Command::new(path).args(["-c", ASK]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (path, version) = text.trim_end().split_once('\n')?;
    output
        .status
        .success()
        .then(|| (path.to_owned(), version.to_owned()))
}

/// Serves a function once for each interpreter.
pub struct EachPython {
    pub host: Host,
    pub functions: Vec<String>,
    _folder: Functions,
}

impl EachPython {
    /// `more` and `code` as in [`Functions::python`].
    pub fn serve(more: &str, code: &str) -> Self {
        Self::serve_files(more, &[("handler.py", code)])
    }

    pub fn serve_files(more: &str, files: &[(&str, &str)]) -> Self {
        let folder = Functions::new();
        let mut functions = Vec::new();
        let profile = if more.contains("profile:") {
            ""
        } else {
            "  profile: python\n"
        };
        for (number, interpreter) in interpreters().into_iter().enumerate() {
            let name = format!("python-{number}");
            let spec = format!(
                "  runtime: python\n  handler: handler.handle\n  interpreter: {interpreter}\n\
                 {profile}{more}"
            );
            folder.add(&name, &spec, files);
            functions.push(name);
        }
        Self {
            host: Host::start(folder.path()),
            functions,
            _folder: folder,
        }
    }

    /// Tries something with each.
    pub fn each(&self, test: impl Fn(&Host, &str)) {
        for function in &self.functions {
            eprintln!("trying {function}");
            test(&self.host, function);
        }
    }
}
