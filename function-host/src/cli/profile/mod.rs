//! `leasehold profile`: what profiles say, and what follows from it.
//!
//! Reads profiles and asks the kernel what it knows; starts nothing and needs no state directory.

mod check;
mod diff;
mod exchange;
mod explain;
mod subject;
mod why;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use leasehold_sandbox::kernel::{Kernel, KernelError};
use leasehold_sandbox::policy::CompileError;
use leasehold_sandbox::policy::interpreter::InterpretError;
use leasehold_sandbox::policy::question::QuestionError;
use leasehold_sandbox::profile::{
    Catalog, InheritError, LoadError, OpenError, ProfileSource, ReadError,
};

use super::CliError;

/// Look into profiles
#[derive(Debug, Args)]
pub(super) struct Profile {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find all mistakes in files of profiles, and what in them may not be meant
    Check(check::Check),
    /// Show everything that a profile comes to, and who granted each of it
    Explain(Box<explain::Explain>),
    /// Say whether something may be done, and which line decides it
    Why(Box<why::Why>),
    /// Show what one profile allows that another does not
    Diff(diff::Diff),
    /// Translate a seccomp profile of Docker, Podman or the OCI into a profile
    Import(exchange::Import),
    /// Translate a profile's system calls into a seccomp profile of the OCI
    Export(exchange::Export),
}

/// Where profiles are looked for by name.
#[derive(Debug, Args)]
struct Profiles {
    /// A folder of profiles, searched before the shipped ones; may be given several times
    #[arg(
        long,
        env = "LEASEHOLD_PROFILES",
        value_name = "DIR",
        value_delimiter = ':'
    )]
    profiles: Vec<PathBuf>,
}

/// Why a question about profiles has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    #[error(transparent)]
    Kernel(#[from] KernelError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Inherit(#[from] InheritError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{file} is not a seccomp profile: {source}")]
    Json {
        file: String,
        source: serde_json::Error,
    },
    #[error("`{name}` is not the name of a profile; give another with --name")]
    Name { name: String },
    #[error(transparent)]
    Interpret(#[from] InterpretError),
    #[error(transparent)]
    Places(Box<CliError>),
    #[error(transparent)]
    Question(#[from] QuestionError),
    #[error("say which profile, or which --function")]
    NoProfile,
    #[error(
        "ask something: read:PATH, write:PATH, run:PATH, connect:PORT, listen:PORT, syscall:NAME"
    )]
    NoQuestion,
    #[error("there is no function `{name}`; there are: {known}")]
    NoSuchFunction { name: String, known: String },
    #[error("`{name}` is not in order: {why}")]
    Function { name: String, why: String },
}

impl Profile {
    pub(super) async fn run(self) -> Result<ExitCode, ProfileError> {
        match self.command {
            Command::Check(check) => check.run(),
            Command::Explain(explain) => explain.run().await,
            Command::Why(why) => why.run().await,
            Command::Diff(diff) => diff.run(),
            Command::Import(import) => import.run(),
            Command::Export(export) => export.run(),
        }
    }
}

/// Opens a file; what it extends is looked for beside it first.
fn open(folders: &[PathBuf], file: &Path) -> Result<ProfileSource, OpenError> {
    let beside = file.parent().unwrap_or(Path::new(".")).to_owned();
    let folders = [beside].into_iter().chain(folders.iter().cloned());
    ProfileSource::open(&Catalog::new(folders), file)
}

fn kernel() -> Result<Kernel, ProfileError> {
    Ok(Kernel::probe()?)
}

/// Prints a value as JSON.
fn print_json(value: &impl serde::Serialize) {
    println!(
        "{}",
        serde_json::to_string_pretty(value).unwrap_or_default()
    );
}
