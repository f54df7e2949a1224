//! `leasehold verify`: does the isolation hold here? Attacks every channel, as the host would serve.

mod junit;
mod table;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use leasehold_attacks::channels::CHANNELS;
use leasehold_sandbox::Kernel;
use serde::Serialize;

use super::check::KernelReport;
use super::{CliError, Places};
use crate::function::{Found, Function, Isolation, Runtime};
use crate::state::State;
use crate::verify::{self, Plan, Report};

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Attack this channel only; may be given several times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=93))]
    row: Vec<u8>,
    /// Attack under this profile; may be given several times [default: those of the functions]
    #[arg(long, value_name = "NAME")]
    profile: Vec<String>,
    /// Attack in this form only: by raw system calls, or by handlers
    #[arg(long, value_name = "RUNTIME")]
    runtime: Option<RuntimeName>,
    /// List the channels and attack nothing
    #[arg(long)]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a JUnit report to this file as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Attack although another host serves in this container
    #[arg(long)]
    beside: bool,
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RuntimeName {
    Exec,
    Python,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Output<'a> {
    kernel: KernelReport,
    #[serde(flatten)]
    report: &'a Report,
}

impl Verify {
    /// Exit code 0 only if nothing leaks.
    pub(super) async fn run(mut self) -> Result<ExitCode, CliError> {
        if self.list {
            table::list(CHANNELS);
            return Ok(ExitCode::SUCCESS);
        }
        if let (false, None, Some(path)) = (self.beside, &self.places.state, State::of_another()) {
            return Err(CliError::Beside(path));
        }
        // The controls.
        self.places.allow_unisolated = true;
        let (host, found) = self.places.open().await?;
        let plan = self.plan(&found)?;
        let terminal = !self.json && io::stderr().is_terminal();
        let mut progress = |attacks: usize| {
            if terminal {
                eprint!("\r{attacks} attacks");
                // Progress that cannot be shown is not missed.
                let _shown = io::stderr().flush();
            }
        };
        let report = verify::run(&host, &plan, &mut progress).await?;
        if terminal {
            eprint!("\r\x1b[K");
        }
        if let Some(path) = &self.junit {
            junit::write(path, &report).map_err(|source| CliError::Act {
                act: "cannot write the JUnit report",
                source,
            })?;
        }
        let kernel = KernelReport::of(&host.kernel, Kernel::probe()?.landlock_abi);
        if self.json {
            let output = Output {
                kernel,
                report: &report,
            };
            println!(
                "{}",
                serde_json::to_string_pretty(&output).unwrap_or_default()
            );
        } else {
            table::print(&report, &plan, &kernel.release, kernel.landlock_abi);
        }
        Ok(match report.leaks {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }

    fn plan(&self, found: &[Found]) -> Result<Plan, CliError> {
        let functions = || {
            let read = found.iter().filter_map(|found| found.result.as_ref().ok());
            let isolated = read.filter(|function| function.isolation == Isolation::Call);
            // No attacker is a module, nor can a native one start where only modules run.
            isolated.filter(|function| !matches!(function.runtime, Runtime::Wasm { .. }))
        };
        let mut profiles = self.profile.clone();
        if profiles.is_empty() {
            let names: BTreeSet<_> = functions().map(|it| it.profile.name.clone()).collect();
            profiles = names.into_iter().collect();
        }
        let interpreter = functions().find_map(|function: &Function| match &function.runtime {
            Runtime::Python { interpreter, .. } => Some(interpreter),
            _ => None,
        });
        if self.runtime == Some(RuntimeName::Python) && interpreter.is_none() {
            return Err(CliError::NoInterpreter);
        }
        if profiles.is_empty() {
            return Err(CliError::NoProfile);
        }
        Ok(Plan {
            rows: self.row.iter().copied().collect(),
            profiles,
            folders: self.places.profiles.clone(),
            native: self.runtime != Some(RuntimeName::Python),
            python: self.runtime != Some(RuntimeName::Exec),
            interpreter: interpreter.map(|it| it.program.clone()),
            prefixes: interpreter.map_or_else(Vec::new, |it| it.prefixes.clone()),
        })
    }
}
