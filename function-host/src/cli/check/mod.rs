//! `leasehold check`: is every function enforced in full on this kernel, in this container?
//!
//! It does not stop at compiling policies: each function is started, so that what the kernel or an
//! engine's filter refuses only in practice is found as well. For a kernel that has more of Landlock
//! than this one, compiling is all that can be done.

mod report;
mod table;

use std::process::ExitCode;

use clap::Args;
use leasehold_sandbox::kernel::Kernel;
use leasehold_sandbox::policy::channels::{Assessment, assess};
use leasehold_sandbox::scratch::ScratchRoot;
use leasehold_sandbox::{Policy, policy};

use super::{CliError, Places};
use crate::function::{Found, Function, Isolation};
use crate::host::Host;
use crate::services::{Service, ServiceState, Services};
use crate::tmp;
use report::{FunctionReport, Report};

pub(super) use report::KernelReport;

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// A function and what closes each channel for it, as far as it could be read.
struct Assessed {
    name: String,
    tmp: Option<&'static str>,
    channels: Vec<Assessment>,
}

impl Check {
    /// Exit code 0 only if every function is enforced in full, but for gaps that its profile accepts.
    pub(super) async fn run(mut self) -> Result<ExitCode, CliError> {
        let own = Kernel::probe()?.landlock_abi;
        let above = self.places.kernel_abi.take_if(|abi| *abi > own);
        let (host, found) = self.places.open().await?;
        let mut kernel = host.kernel.clone();
        if let Some(abi) = above {
            kernel = kernel.with_landlock_abi(abi);
        }
        let assessed = assess_all(&host, &kernel, &found);
        let functions = match above {
            Some(_) => found
                .iter()
                .zip(assessed)
                .map(|(found, assessed)| {
                    let trouble = compile(&host, &kernel, found);
                    assessed.report(found_enforcement(found, trouble.as_ref()), trouble, &kernel)
                })
                .collect(),
            None => start_all(&host, found, assessed).await,
        };
        let report = Report {
            kernel: KernelReport::of(&kernel, own),
            no_private_tmp: host.private_tmp.as_ref().err().map(ToString::to_string),
            functions,
        };
        if self.json {
            println!("{}", report.to_json());
        } else {
            print!("{report}");
        }
        Ok(if report.is_fine() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn assess_all(host: &Host, kernel: &Kernel, found: &[Found]) -> Vec<Assessed> {
    let channels = |function: &Function| match function.isolation {
        Isolation::None => Vec::new(),
        Isolation::Call => {
            let site = function.site(host.state.scratches(), &host.secrets);
            assess(&function.profile, &function.limits, kernel, &site)
        }
    };
    let tmp = |function: &Function| match tmp::leads(function.tmp, &host.private_tmp) {
        Ok(true) => Some("link"),
        Ok(false) => Some("env"),
        Err(_) => None,
    };
    let of = |found: &Found| Assessed {
        name: found.name.clone(),
        tmp: found.result.as_ref().ok().and_then(tmp),
        channels: found.result.as_ref().map(channels).unwrap_or_default(),
    };
    found.iter().map(of).collect()
}

/// Starts every function, and says what came of it.
async fn start_all(
    host: &std::sync::Arc<Host>,
    found: Vec<Found>,
    assessed: Vec<Assessed>,
) -> Vec<FunctionReport> {
    let services = Services::start(host, found);
    services.settled().await;
    let mut assessed = assessed;
    let reports = services.iter().map(|service| {
        let at = assessed.iter().position(|it| it.name == service.name);
        let assessed = at.map_or_else(
            || Assessed {
                name: service.name.clone(),
                tmp: None,
                channels: Vec::new(),
            },
            |at| assessed.swap_remove(at),
        );
        assessed.report(enforcement(&service), service.trouble(), &host.kernel)
    });
    let reports = reports.collect();
    services.close().await;
    reports
}

fn enforcement(service: &Service) -> &'static str {
    match (&service.state, service.trouble()) {
        (ServiceState::Pool(pool), None) => match pool.function().isolation {
            Isolation::Call if pool.open_channels().is_empty() => "full",
            Isolation::Call => "gaps",
            Isolation::None => "none",
        },
        (ServiceState::Pool(_), Some(_)) => "not-ready",
        (ServiceState::Refused(_), _) => "refused",
    }
}

/// Why the function cannot be compiled for this kernel, if it cannot.
fn compile(host: &Host, kernel: &Kernel, found: &Found) -> Option<String> {
    let function = match &found.result {
        Ok(function) => function,
        Err(error) => return Some(error.to_string()),
    };
    if function.isolation == Isolation::None {
        return None;
    }
    let scratches = match ScratchRoot::create(&host.state.scratches(), &function.name) {
        Ok(scratches) => scratches,
        Err(error) => return Some(error.to_string()),
    };
    let site: policy::Site = function.site(scratches.path().to_owned(), &host.secrets);
    Policy::compile(&function.profile, function.limits.clone(), kernel, &site)
        .err()
        .map(|error| error.to_string())
}

fn found_enforcement(found: &Found, trouble: Option<&String>) -> &'static str {
    match (&found.result, trouble) {
        (Ok(function), None) if function.isolation == Isolation::None => "none",
        (Ok(_), None) => "full",
        _ => "refused",
    }
}

impl Assessed {
    fn report(
        self,
        enforcement: &'static str,
        trouble: Option<String>,
        kernel: &Kernel,
    ) -> FunctionReport {
        let open = self.channels.iter().any(Assessment::is_open);
        FunctionReport {
            name: self.name,
            enforcement: if enforcement == "full" && open {
                "gaps"
            } else {
                enforcement
            },
            tmp: self.tmp,
            trouble,
            channels: self
                .channels
                .iter()
                .map(|it| report::ChannelReport::of(it, kernel))
                .collect(),
        }
    }
}
