//! CPython on this machine: which one runs a function, and what it loads itself from.
//!
//! An interpreter is executed here, unsandboxed, to ask it what it is. The path to it comes from a
//! hostile `function.yaml`, so what is executed is always the canonical file, is called python, and
//! lies outside of every directory that authors or functions can write to. A virtual environment
//! is recognised by its files; nothing of it is executed.

mod error;
mod prefixes;
mod probe;
mod venv;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::{AccessFlags, access};

pub use error::InterpreterError;
pub use probe::{PROBE_OUTPUT, PROBE_TIME, Run, run_plainly};

use probe::Answer;

/// The oldest CPython that runs functions.
pub const MIN_PYTHON: (u8, u8) = (3, 9);

/// The oldest GNU C library that the fork loop can be loaded under.
pub const MIN_GLIBC: (u8, u8) = (2, 34);

/// What is looked for where a function names no interpreter.
const DEFAULT_NAME: &str = "python3";

/// A CPython that can run functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// What is executed: absolute. In a virtual environment its `bin/python`, a link, by which CPython
    /// finds the environment; else the interpreter itself, never a shim.
    pub program: PathBuf,
    /// What it loads itself from: `${PYTHON_PREFIX}`. Each exists; a link and its target are both here.
    pub prefixes: Vec<PathBuf>,
    /// Major, minor, micro.
    pub version: (u8, u8, u8),
}

/// Finds interpreters. Each is asked only once, however many functions use it.
pub struct Interpreters {
    run: Box<Run>,
    /// The directories of `PATH`, the absolute ones.
    search: Vec<PathBuf>,
    /// What the probe's environment holds beside `PATH`.
    environment: Vec<(&'static str, OsString)>,
    /// Canonical directories from which nothing is executed.
    distrusted: Mutex<Vec<PathBuf>>,
    answers: Mutex<HashMap<PathBuf, Result<Answer, InterpreterError>>>,
}

/// What a shim of pyenv goes by.
const KEPT: [&str; 3] = ["HOME", "PYENV_ROOT", "PYENV_VERSION"];

impl fmt::Debug for Interpreters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreters")
            .field("search", &self.search)
            .finish_non_exhaustive()
    }
}

impl Interpreters {
    /// The first file of this name on the `PATH` that may be executed. It is not asked what it is.
    pub(super) fn program_on_path(&self, name: &str) -> Option<PathBuf> {
        let mut candidates = self.search.iter().map(|directory| directory.join(name));
        candidates.find(|path| path.is_file() && access(path, AccessFlags::X_OK).is_ok())
    }

    /// A resolver that executes by `run`, and searches the `PATH` of this process.
    ///
    /// `run` takes a command whose standard input and error are set, runs it to its end and gives its
    /// standard output. It must fail for another exit than 0, and bound time ([`PROBE_TIME`]) and
    /// output ([`PROBE_OUTPUT`]), as [`run_plainly`] does.
    #[must_use]
    pub fn new(run: Box<Run>) -> Self {
        let kept = KEPT.into_iter();
        Self {
            run,
            search: Vec::new(),
            environment: kept
                .filter_map(|name| Some((name, std::env::var_os(name)?)))
                .collect(),
            distrusted: Mutex::default(),
            answers: Mutex::default(),
        }
        .searching(&std::env::var_os("PATH").unwrap_or_default())
    }

    /// Searches this `PATH` instead. Relative entries would depend on where the host was started and
    /// are left out.
    #[must_use]
    pub fn searching(mut self, path: &OsString) -> Self {
        let directories = std::env::split_paths(path);
        self.search = directories
            .filter(|directory| directory.is_absolute())
            .collect();
        self
    }

    /// Executes nothing from below `directory`, from now on: authors or functions write there.
    pub fn distrust(&self, directory: &Path) {
        if let Ok(directory) = directory.canonicalize() {
            let mut distrusted = locked(&self.distrusted);
            if !distrusted.contains(&directory) {
                distrusted.push(directory);
            }
        }
    }

    /// The interpreter of a function in `directory` (canonical): the one that it asks for, or else
    /// `python3`.
    ///
    /// A name without a slash is looked for on `PATH`; the first that is usable is taken. Another is
    /// a path, relative to `directory`.
    ///
    /// # Errors
    /// When there is none, or it may not be executed, or cannot run functions.
    pub fn resolve(
        &self,
        asked: Option<&str>,
        directory: &Path,
    ) -> Result<Interpreter, InterpreterError> {
        match asked {
            Some("") => Err(InterpreterError::Find {
                path: PathBuf::new(),
                source: error::shared(std::io::ErrorKind::NotFound.into()),
            }),
            Some(path) if path.contains('/') => self.at(&directory.join(path), directory),
            name => self.on_path(name.unwrap_or(DEFAULT_NAME), directory),
        }
    }

    fn on_path(&self, name: &str, directory: &Path) -> Result<Interpreter, InterpreterError> {
        let mut first = None;
        for entry in &self.search {
            let path = entry.join(name);
            if !path.is_file() || access(&path, AccessFlags::X_OK).is_err() {
                continue;
            }
            match self.at(&path, directory) {
                Ok(interpreter) => return Ok(interpreter),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| InterpreterError::NotOnPath {
            name: name.to_owned(),
        }))
    }

    /// The interpreter at this absolute path.
    fn at(&self, path: &Path, directory: &Path) -> Result<Interpreter, InterpreterError> {
        let canonical = self.trusted(path, directory)?;
        if !is_called_python(&canonical) {
            return Err(InterpreterError::Name { path: canonical });
        }
        let answer = self.ask(&canonical)?;
        let version = answer.check(&canonical)?;
        let program = match venv::of(path) {
            Some(_) => path.components().collect(),
            None => answer.executable.clone(),
        };
        // A shim knows where its interpreter is; so it too is looked at.
        self.trusted(&program, directory)?;
        let distrusted = locked(&self.distrusted);
        let prefixes = prefixes::of(&answer, version, venv::of(&program), |prefix| {
            let below = |place: &PathBuf| place.starts_with(prefix);
            distrusted.iter().any(below) || (directory.starts_with(prefix) && directory != prefix)
        });
        Ok(Interpreter {
            program,
            prefixes,
            version,
        })
    }

    /// The canonical file behind a path, if it may be executed.
    fn trusted(&self, path: &Path, directory: &Path) -> Result<PathBuf, InterpreterError> {
        let canonical = path
            .canonicalize()
            .map_err(|source| InterpreterError::Find {
                path: path.to_owned(),
                source: error::shared(source),
            })?;
        let distrusted = locked(&self.distrusted);
        let mut places = distrusted.iter().map(PathBuf::as_path).chain([directory]);
        match places.find(|place| canonical.starts_with(place)) {
            Some(place) => Err(InterpreterError::Distrusted {
                place: place.to_owned(),
                path: canonical,
            }),
            None => Ok(canonical),
        }
    }

    /// Asks the interpreter, or remembers what it said. Others wait meanwhile: they may want the same.
    fn ask(&self, canonical: &Path) -> Result<Answer, InterpreterError> {
        let mut answers = locked(&self.answers);
        if let Some(known) = answers.get(canonical) {
            return known.clone();
        }
        let command = probe::command(canonical, &self.search, &self.environment);
        let answer = (self.run)(command)
            .map_err(|source| InterpreterError::Run {
                path: canonical.to_owned(),
                source: error::shared(source),
            })
            .and_then(|output| Answer::parse(canonical, &output));
        answers.insert(canonical.to_owned(), answer.clone());
        answer
    }
}

/// `python`, `python3`, `python3.13`, `python3.13t`, `python3-dbg`'s `python3.11d`.
///
/// Without this an author could have any program of this machine executed, if only with our arguments.
fn is_called_python(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.strip_prefix("python").is_some_and(|rest| {
        let flags = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        flags.len() <= 2 && flags.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

/// What a panic elsewhere left is still true: entries are inserted whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
