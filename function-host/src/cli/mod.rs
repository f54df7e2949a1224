//! The command line.

mod admin;
mod check;
mod examples;
mod list;
mod profile;
mod run;
mod serve;
mod top;
mod verify;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory, Parser, Subcommand};
use leasehold_sandbox::kernel::KernelError;

use crate::function::Found;
use crate::host::{Host, HostError, Options};
use crate::reload::Sources;
use crate::state::{State, StateError};
use crate::telemetry::{self, LogFormat};
use crate::verify::VerifyError;

/// Serves functions, each call in a process of its own that Landlock and seccomp restrict.
#[derive(Debug, Parser)]
#[command(name = "leasehold", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How the log looks; it goes to standard error
    #[arg(
        long,
        global = true,
        env = "LEASEHOLD_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "pretty"
    )]
    log_format: LogFormat,
    /// What is logged, as in `info,call=warn,function=debug`
    #[arg(
        long,
        global = true,
        env = "LEASEHOLD_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    log: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve functions over HTTP
    Serve(serve::Serve),
    /// Say of each function whether it can be enforced in full here, and what is missing if not
    Check(check::Check),
    /// Attack every known channel between calls, here and now, and say what stops each attack
    Verify(verify::Verify),
    /// Call a function once, without HTTP: standard input is the request's body
    Run(run::Run),
    /// List the functions
    List(list::List),
    /// Show what the functions of a running host do, as a live table
    Top(top::Top),
    Profile(profile::Profile),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each command
    Man {
        /// An existing folder
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// Where things are.
#[derive(Debug, Args)]
struct Places {
    /// A folder of functions, or one function's folder; may be given several times [default:
    /// ./examples, or the built-in ones]
    #[arg(
        long,
        env = "LEASEHOLD_FUNCTIONS",
        value_name = "DIR",
        value_delimiter = ':'
    )]
    functions: Vec<PathBuf>,
    /// A folder of profiles, searched before the shipped ones; may be given several times
    #[arg(
        long,
        env = "LEASEHOLD_PROFILES",
        value_name = "DIR",
        value_delimiter = ':'
    )]
    profiles: Vec<PathBuf>,
    /// Where scratches are made: best in memory [default: /run/leasehold or a place like it]
    #[arg(long, env = "LEASEHOLD_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// The folder of secrets: each function may read those that its `secrets` list
    #[arg(
        long,
        env = "LEASEHOLD_SECRETS",
        value_name = "DIR",
        default_value = "/var/openfaas/secrets"
    )]
    secrets: PathBuf,
    /// The most workers of all functions together, parked or running
    #[arg(long, env = "LEASEHOLD_MAX_WORKERS", value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_workers: u32,
    /// Let functions ask for `isolation: none`
    #[arg(long, env = "LEASEHOLD_ALLOW_UNISOLATED")]
    allow_unisolated: bool,
    /// Use no more of Landlock than kernels with this ABI have, as if this were one of them
    #[arg(long, env = "LEASEHOLD_KERNEL_ABI", value_name = "ABI")]
    kernel_abi: Option<u32>,
}

/// Why a command failed. `Display` says what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Admin(#[from] admin::AdminError),
    #[error(transparent)]
    Profile(Box<profile::ProfileError>),
    #[error(transparent)]
    Kernel(#[from] KernelError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(
        "{0} is in use: another leasehold serves here, and what runs beside attacks is attacked; stop it, \
         use a container of its own, or say --beside"
    )]
    Beside(PathBuf),
    #[error("there is no function to take a profile from; name one with --profile")]
    NoProfile,
    #[error("no python function is served here, so there is no interpreter; see --functions")]
    NoInterpreter,
    #[error("cannot listen on {address}: {source}; give another with {option}")]
    Listen {
        option: &'static str,
        address: std::net::SocketAddr,
        source: io::Error,
    },
    #[error("cannot unpack the built-in examples: {0}")]
    Examples(#[source] io::Error),
    #[error("there is no function `{name}`; there are: {known}")]
    NoSuchFunction { name: String, known: String },
    #[error("`{name}` cannot be called: {why}")]
    Unavailable { name: String, why: String },
    #[error("{act}: {source}")]
    Act {
        act: &'static str,
        source: io::Error,
    },
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = match (&cli.command, cli.log.as_str()) {
        // Attacks are refused all the time: what they make the host say is no news, unless asked for.
        (Command::Verify(_), "info") => "off",
        (_, filter) => filter,
    };
    let log = match telemetry::init(cli.log_format, filter) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("leasehold: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("leasehold: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve.run().await,
            Command::Check(check) => check.run().await,
            Command::Verify(verify) => verify.run().await,
            Command::Run(run) => run.run().await,
            Command::List(list) => list.run().await,
            Command::Top(top) => top.run().await,
            Command::Profile(profile) => profile
                .run()
                .await
                .map_err(|error| CliError::Profile(Box::new(error))),
            Command::Man { directory } => {
                clap_mangen::generate_to(Cli::command(), directory).map_err(|source| {
                    CliError::Act {
                        act: "cannot write the manual pages",
                        source,
                    }
                })?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Cli::command(), "leasehold", &mut io::stdout());
                Ok(ExitCode::SUCCESS)
            }
        }
    });
    // Reading standard input may be under way on a thread that cannot be interrupted.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    // The last word of a command comes after its log.
    drop(log);
    result.unwrap_or_else(|error| {
        eprintln!("leasehold: {error}");
        ExitCode::FAILURE
    })
}

impl Places {
    /// Makes a host and finds its functions.
    async fn open(&self) -> Result<(Arc<Host>, Vec<Found>), CliError> {
        let (host, _, found) = self.open_to_reload().await?;
        Ok((host, found))
    }

    /// As [`Self::open`], with what is needed to find them again.
    async fn open_to_reload(&self) -> Result<(Arc<Host>, Arc<Sources>, Vec<Found>), CliError> {
        let options = Options {
            allow_unisolated: self.allow_unisolated,
            max_workers: usize::try_from(self.max_workers).unwrap_or(usize::MAX),
            secrets: self.secrets.clone(),
            kernel_abi: self.kernel_abi,
        };
        let host = Host::new(State::open(self.state.as_deref())?, options)?;
        let functions = if self.functions.is_empty() {
            vec![examples::directory(&host.state).map_err(CliError::Examples)?]
        } else {
            self.functions.clone()
        };
        let sources = Arc::new(Sources::new(&host, functions, self.profiles.clone()));
        let reader = Arc::clone(&sources);
        let found = tokio::task::spawn_blocking(move || reader.discover(false)).await;
        let found = found.map_err(|error| CliError::Act {
            act: "cannot read the functions",
            source: io::Error::other(error),
        })?;
        Ok((host, sources, found))
    }
}
