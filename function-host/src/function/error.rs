//! [`FunctionError`]: why a folder is not a function. Imports what its variants carry.

use std::io;
use std::path::PathBuf;

use leasehold_sandbox::profile::{InheritError, LoadError, ReadError, SourceError};

use super::interpreter::InterpreterError;
use super::{FILE_NAME, MAX_FUNCTIONS};

/// Why there is no function.
///
/// What stands in `function.yaml` is shown there, with a caret: such variants hold a [`SourceError`].
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// A directory of functions cannot be listed.
    #[error("cannot list the functions in {}: {source}", path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The function's folder, or its `function.yaml`, cannot be found.
    #[error("cannot find {}: {source}", path.display())]
    Find {
        /// The folder or file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// `function.yaml` is a link that leads out of the function's folder: to a file that its author
    /// may not be allowed to read.
    #[error("{} leads out of its folder, to {}; put a {FILE_NAME} there", path.display(), target.display())]
    Outside {
        /// The link.
        path: PathBuf,
        /// Where it ends.
        target: PathBuf,
    },
    /// `function.yaml` cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// `function.yaml` is wrong.
    #[error(transparent)]
    Source(Box<SourceError>),
    /// `spec.profile` names no profile.
    #[error(transparent)]
    ProfileName(Box<SourceError>),
    /// The profile, or one that it extends, cannot be loaded.
    #[error("cannot load the profile of {file}: {source}")]
    ProfileLoad {
        /// The `function.yaml` that names the profile.
        file: String,
        /// What is wrong with it.
        source: Box<LoadError>,
    },
    /// The profile cannot be joined with those that it extends.
    #[error("cannot use the profile of {file}: {source}")]
    ProfileInherit {
        /// The `function.yaml` that names the profile.
        file: String,
        /// What is wrong with it.
        source: InheritError,
    },
    /// `spec.limits` asks for more than the profile's ceiling.
    #[error(transparent)]
    Ceiling(Box<SourceError>),
    /// `spec.command` names no program that can be executed.
    #[error(transparent)]
    Program(Box<SourceError>),
    /// There is no interpreter that can run the function.
    #[error("{shown}")]
    Interpreter {
        /// The cause, where it is written.
        shown: Box<SourceError>,
        /// The cause.
        source: InterpreterError,
    },
    /// Another function has the name.
    #[error(
        "`{name}` is the name of two functions, in {} and in {}; rename one in its {FILE_NAME}",
        first.display(), second.display()
    )]
    Duplicate {
        /// `metadata.name` of both.
        name: String,
        /// The folder that keeps the name.
        first: PathBuf,
        /// The folder that is refused.
        second: PathBuf,
    },
    /// There are more functions than [`MAX_FUNCTIONS`].
    #[error("there are more than {MAX_FUNCTIONS} functions; {} and others are left out", path.display())]
    TooMany {
        /// The first folder that was left out.
        path: PathBuf,
    },
}

impl From<SourceError> for FunctionError {
    fn from(error: SourceError) -> Self {
        Self::Source(Box::new(error))
    }
}
