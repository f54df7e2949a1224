//! `leasehold check`: is every function enforced in full on this kernel, in this container?
//!
//! It does not stop at compiling policies: each function is started, so that what the kernel or an
//! engine's filter refuses only in practice is found as well.

use std::process::ExitCode;

use clap::Args;
use leasehold_sandbox::Kernel;
use leasehold_sandbox::policy::missing_features;
use serde::Serialize;

use super::list::indent;
use super::{CliError, Places};
use crate::function::Isolation;
use crate::services::{Service, ServiceState, Services};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    kernel: KernelReport,
    functions: Vec<FunctionReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KernelReport {
    release: String,
    landlock_abi: u32,
    seccomp: bool,
    inherited_filters: u32,
    missing: Vec<Missing>,
}

#[derive(Debug, Serialize)]
struct Missing {
    feature: &'static str,
    consequence: &'static str,
    remedy: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionReport {
    name: String,
    enforcement: &'static str,
    trouble: Option<String>,
}

impl Check {
    /// Exit code 0 only if every function is enforced in full.
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        let (host, found) = self.places.open().await?;
        let services = Services::start(&host, found);
        services.settled().await;
        let report = Report {
            kernel: KernelReport::of(&host.kernel),
            functions: services
                .iter()
                .map(|service| FunctionReport::of(&service))
                .collect(),
        };
        services.close().await;
        if self.json {
            println!(
                "{}",
                serde_json::to_string_pretty(&report).unwrap_or_default()
            );
        } else {
            report.print();
        }
        let full = report
            .functions
            .iter()
            .all(|function| function.enforcement == "full");
        Ok(if full {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

impl KernelReport {
    fn of(kernel: &Kernel) -> Self {
        Self {
            release: kernel.release.clone(),
            landlock_abi: kernel.landlock_abi,
            seccomp: kernel.seccomp,
            inherited_filters: kernel.inherited_filters,
            missing: missing_features(kernel)
                .into_iter()
                .map(|missing| Missing {
                    feature: missing.name,
                    consequence: missing.consequence,
                    remedy: missing.remedy,
                })
                .collect(),
        }
    }
}

impl FunctionReport {
    fn of(service: &Service) -> Self {
        let trouble = service.trouble();
        let enforcement = match (&service.state, &trouble) {
            (ServiceState::Pool(pool), None) => match pool.function().isolation {
                Isolation::Call => "full",
                Isolation::None => "none",
            },
            (ServiceState::Pool(_), Some(_)) => "not-ready",
            (ServiceState::Refused(_), _) => "refused",
        };
        Self {
            name: service.name.clone(),
            enforcement,
            trouble,
        }
    }
}

impl Report {
    fn print(&self) {
        let kernel = &self.kernel;
        println!(
            "Linux {}, Landlock ABI {}, seccomp {}, {} filters inherited",
            kernel.release,
            kernel.landlock_abi,
            if kernel.seccomp {
                "available"
            } else {
                "missing"
            },
            kernel.inherited_filters,
        );
        for Missing {
            feature,
            consequence,
            remedy,
        } in &kernel.missing
        {
            println!("  missing {feature}: {consequence}; it takes {remedy}");
        }
        for FunctionReport {
            name,
            enforcement,
            trouble,
        } in &self.functions
        {
            println!("{name:<20} {enforcement}");
            if let Some(trouble) = trouble {
                println!("{}", indent(trouble));
            }
        }
    }
}
