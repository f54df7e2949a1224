//! `leasehold profile`: what profiles say, and what follows from it.
//!
//! Reads profiles and asks the kernel what it knows; starts nothing and needs no state directory.

mod check;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use leasehold_sandbox::kernel::{Kernel, KernelError};

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
}

impl Profile {
    pub(super) fn run(self) -> Result<ExitCode, ProfileError> {
        match self.command {
            Command::Check(check) => check.run(),
        }
    }
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
