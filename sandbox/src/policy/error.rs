//! Why a profile could not be compiled.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::bpf::BpfError;
use super::channels::{Assessment, Channel, Closure};
use super::syscalls::SyscallsError;
use crate::names::channels::ACCEPTABLE;
use crate::profile::Origin;

/// A channel that is open on this kernel and that the profile leaves closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The channel.
    pub channel: &'static Channel,
    /// Why the filter cannot close it.
    pub why: String,
}

impl Gap {
    /// The gap that an assessment finds, if it finds one.
    #[must_use]
    pub fn of(assessment: &Assessment) -> Option<Self> {
        match &assessment.closure {
            Closure::Missing(why) => Some(Self {
                channel: assessment.channel,
                why: why.clone(),
            }),
            Closure::Kernel | Closure::Filter | Closure::Accepted(_) => None,
        }
    }

    /// Whether a profile can accept it.
    #[must_use]
    pub fn is_acceptable(&self) -> bool {
        ACCEPTABLE.contains(&self.channel.name)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Channel {
            name,
            consequence,
            remedy,
            ..
        } = self.channel;
        write!(
            f,
            "{name} is missing, so {consequence}; {}; it takes {remedy}",
            self.why
        )?;
        if self.is_acceptable() {
            write!(f, ", or `acceptGaps: [{name}]` in the profile")?;
        }
        Ok(())
    }
}

/// Why a profile could not be compiled for this kernel and this place.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Anything less than full enforcement is an error.
    #[error("this kernel cannot enforce it in full: {0}")]
    NotEnforceable(Gap),
    /// A granted path does not exist.
    #[error("{origin}: {path} does not exist; correct the path, or say `ifExists: true`")]
    MissingPath {
        /// The path after expansion.
        path: PathBuf,
        /// Who granted it.
        origin: Origin,
    },
    /// A granted path cannot be opened.
    #[error("{origin}: cannot open {path}: {source}")]
    OpenPath {
        /// The path after expansion.
        path: PathBuf,
        /// Who granted it.
        origin: Origin,
        /// Why.
        source: io::Error,
    },
    /// A program that the function starts with cannot be opened.
    #[error("cannot open the program {path}: {source}")]
    OpenProgram {
        /// The program, or the interpreter that its first line or its ELF header names.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A secret that the function lists cannot be opened.
    #[error("cannot open the secret {path}: {source}; is it in the folder of secrets?")]
    Secret {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A variable has no value here.
    #[error("{origin}: {variable} has no value for this function; only `runtime: python` has one")]
    NoValue {
        /// `${NAME}`.
        variable: &'static str,
        /// Who used it.
        origin: Origin,
    },
    /// `${SCRATCH}` is new and empty for each call, so nothing below it can be granted ahead.
    #[error("{origin}: only ${{SCRATCH}} itself can be granted, not a path below it")]
    BelowScratch {
        /// Who granted it.
        origin: Origin,
    },
    /// A right that is known, but not to this kernel.
    #[error("{origin}: this kernel's Landlock (ABI {abi}) does not know the right `{access}`")]
    UnknownRight {
        /// The right.
        access: String,
        /// The ABI at hand.
        abi: i32,
        /// Who granted it.
        origin: Origin,
    },
    /// `run` starts processes, and the limit on processes lets none start.
    #[error("{origin}: `run` needs more than one process; set `processes` to 2 or more")]
    RunWithoutProcesses {
        /// The first `run` entry.
        origin: Origin,
    },
    /// Landlock refused the ruleset or a rule.
    #[error("Landlock refused: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// There is no table of system calls for this machine.
    #[error(
        "there is no table of system calls for this architecture; there is for x86_64 and aarch64"
    )]
    UnknownArchitecture,
    /// The kernel gave no ruleset where one was required.
    #[error("the kernel gave no Landlock ruleset")]
    NoRuleset,
    /// The system calls contradict each other.
    #[error(transparent)]
    Syscalls(#[from] SyscallsError),
    /// The filter could not be built.
    #[error("cannot build the seccomp program: {0}")]
    Bpf(#[from] BpfError),
}
