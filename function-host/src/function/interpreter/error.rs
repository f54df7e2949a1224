//! [`InterpreterError`]: why a file is no interpreter for functions, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{MIN_GLIBC, MIN_PYTHON};

/// Why there is no interpreter. Can be cloned, since what an interpreter answers is remembered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InterpreterError {
    /// No directory of `PATH` has an executable of this name.
    #[error("there is no `{name}` on PATH")]
    NotOnPath {
        /// What was looked for.
        name: String,
    },
    /// There is no such file, or it is out of reach.
    #[error("cannot find the interpreter {}: {source}", path.display())]
    Find {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: Arc<io::Error>,
    },
    /// It lies where authors or functions can write, and would be executed outside of the sandbox.
    #[error("the interpreter {} lies in {}, from where nothing is executed unsandboxed", path.display(), place.display())]
    Distrusted {
        /// The canonical file.
        path: PathBuf,
        /// The function's folder, or another directory that is not trusted.
        place: PathBuf,
    },
    /// Its file is not called like an interpreter's.
    #[error("{} is not called python", path.display())]
    Name {
        /// The canonical file.
        path: PathBuf,
    },
    /// It could not be asked what it is.
    #[error("cannot ask {} what it is: {source}", path.display())]
    Run {
        /// The canonical file.
        path: PathBuf,
        /// What went wrong.
        source: Arc<io::Error>,
    },
    /// Its answer is not understood.
    #[error("{} gave no sensible answer when asked what it is: {source}", path.display())]
    Answer {
        /// The canonical file.
        path: PathBuf,
        /// What is wrong with the answer.
        source: Arc<serde_json::Error>,
    },
    /// It is not CPython.
    #[error("{} is {found}, not CPython", path.display())]
    Implementation {
        /// The canonical file.
        path: PathBuf,
        /// What it calls itself.
        found: String,
    },
    /// It is too old.
    #[error("{} is CPython {found}, older than {}.{}", path.display(), MIN_PYTHON.0, MIN_PYTHON.1)]
    Version {
        /// The canonical file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// Its C library is another or too old.
    #[error("{} runs on {found}, not on glibc {}.{} or later", path.display(), MIN_GLIBC.0, MIN_GLIBC.1)]
    Libc {
        /// The canonical file.
        path: PathBuf,
        /// Its C library.
        found: String,
    },
}

/// Makes an error of the kernel's one that can be remembered.
pub(super) fn shared(error: io::Error) -> Arc<io::Error> {
    Arc::new(error)
}

impl InterpreterError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let (major, minor) = MIN_PYTHON;
        match self {
            Self::NotOnPath { .. } | Self::Find { .. } => {
                format!(
                    "install CPython {major}.{minor} or later, or write `interpreter: /PATH/TO/python3`"
                )
            }
            Self::Distrusted { .. } => {
                "make the virtual environment with `python3 -m venv --symlinks`, from \
                                        an interpreter outside"
                    .to_owned()
            }
            Self::Name { .. } => {
                "name the interpreter itself: its file is called python, python3, \
                                  python3.13 or the like"
                    .to_owned()
            }
            Self::Run { .. } | Self::Answer { .. } => {
                "see whether it runs by itself; else name another by `interpreter:`".to_owned()
            }
            Self::Implementation { .. } | Self::Version { .. } => format!(
                "name CPython {major}.{minor} or later by `interpreter:`, or put one first on PATH"
            ),
            Self::Libc { .. } => format!(
                "use a CPython for glibc {}.{} or later: of Debian 12, Ubuntu 22.04, Fedora 35 or newer",
                MIN_GLIBC.0, MIN_GLIBC.1
            ),
        }
    }
}
