//! `leasehold serve`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use leasehold_sandbox::profile::Millis;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::{CliError, Places};
use crate::function::Isolation;
use crate::http;
use crate::reload::{Reloader, Watch};
use crate::services::{ServiceState, Services};

/// The ports of the two addresses below, where nobody says otherwise.
pub(super) const DEFAULT_PORTS: [u16; 2] = [8080, 8081];

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where functions are called
    #[arg(
        long,
        env = "LEASEHOLD_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
    /// Where /healthz, /readyz and /metrics are
    #[arg(
        long,
        env = "LEASEHOLD_ADMIN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8081"
    )]
    admin: SocketAddr,
    /// Load functions and profiles anew only at SIGHUP, not when their files change
    #[arg(long, env = "LEASEHOLD_NO_WATCH")]
    no_watch: bool,
    /// How long to go on accepting calls after SIGTERM, when /readyz says no already
    #[arg(
        long,
        env = "LEASEHOLD_DRAIN_DELAY",
        value_name = "DURATION",
        default_value = "0s"
    )]
    drain_delay: Millis,
    /// How long calls may go on after that
    #[arg(
        long,
        env = "LEASEHOLD_GRACE",
        value_name = "DURATION",
        default_value = "30s"
    )]
    grace: Millis,
    #[command(flatten)]
    places: Places,
}

impl Serve {
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        // Before anything is started: until then each of these signals would end the process.
        let hangup = signal(SignalKind::hangup()).map_err(unhandled)?;
        let ends = ends()?;
        tokio::select! {
            biased;
            ended = self.serve(hangup, ends.clone()) => ended,
            // At the second: what has begun is dropped, and dies with the process.
            () = wait_for(ends, 2) => Ok(ExitCode::FAILURE),
        }
    }

    /// Serves until the first of `ends`, and finishes what has begun.
    async fn serve(self, hangup: Signal, ends: watch::Receiver<u32>) -> Result<ExitCode, CliError> {
        let listener = listen("--listen", self.listen).await?;
        let admin = listen("--admin", self.admin).await?;
        let (host, sources, found) = self.places.open_to_reload().await?;
        let services = Arc::new(Services::start(&host, found));
        let (address, admin_address) = (local(&listener), local(&admin));
        let limits = http::Limits {
            grace: self.grace.into(),
            ..http::Limits::default()
        };
        let admin = http::run_admin(
            admin,
            Arc::clone(&services),
            host.metrics.clone(),
            limits,
            // To the very end: not being ready is for others to see.
            std::future::pending(),
        );
        let admin = tokio::spawn(admin);
        let announcement = tokio::spawn(announce(address, admin_address, Arc::clone(&services)));
        let metrics = host.metrics.clone();
        let reloader = Reloader {
            host,
            services: Arc::clone(&services),
            sources,
            watch: (!self.no_watch).then(Watch::new),
            hangup,
        };
        let reloader = tokio::spawn(reloader.run());

        let no_more_calls = async {
            wait_for(ends, 1).await;
            tracing::info!("going down: finishing what has begun");
            services.drain();
            tracing::info!("not ready any more");
            tokio::time::sleep(self.drain_delay.into()).await;
        };
        http::run(
            listener,
            Arc::clone(&services),
            metrics,
            limits,
            no_more_calls,
        )
        .await;
        announcement.abort();
        reloader.abort();
        services.close().await;
        admin.abort();
        tracing::info!("all calls are finished");
        Ok(ExitCode::SUCCESS)
    }
}

async fn listen(option: &'static str, address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| CliError::Listen {
            option,
            address,
            source,
        })
}

fn local(listener: &TcpListener) -> String {
    listener.local_addr().map_or_else(
        |_| "127.0.0.1:8080".to_owned(),
        |address| address.to_string(),
    )
}

/// Counts each SIGTERM and SIGINT.
fn ends() -> Result<watch::Receiver<u32>, CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(unhandled)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unhandled)?;
    let (count, counted) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            count.send_modify(|count| *count += 1);
        }
    });
    Ok(counted)
}

fn unhandled(source: std::io::Error) -> CliError {
    CliError::Act {
        act: "cannot handle signals",
        source,
    }
}

async fn wait_for(mut ends: watch::Receiver<u32>, count: u32) {
    // The sender lives until the process ends.
    let _ended = ends.wait_for(|ends| *ends >= count).await;
}

/// Says what can be called, and how, once it is known.
async fn announce(address: String, admin: String, services: Arc<Services>) {
    services.settled().await;
    let first = format!("Serving on http://{address}, admin port http://{admin}; try:");
    let mut lines = vec![first, String::new()];
    for service in services.iter() {
        match (service.trouble(), &service.state) {
            (None, ServiceState::Pool(pool)) => {
                lines.push(curl(&address, &service.name, &service.directory));
                if pool.function().isolation == Isolation::None {
                    lines.push("      (without isolation)".to_owned());
                }
            }
            (why, _) => {
                let why = why.unwrap_or_default();
                lines.push(format!(
                    "  # {}: {}",
                    service.name,
                    why.lines().next().unwrap_or_default()
                ));
            }
        }
    }
    lines.push(String::new());
    println!("{}", lines.join("\n"));
}

/// A line to paste: with the function's sample as the body, if it has one.
fn curl(address: &str, name: &str, directory: &std::path::Path) -> String {
    let sample = directory.join("sample/input");
    let headers = std::fs::read_to_string(directory.join("sample/headers")).unwrap_or_default();
    let mut line = "  curl -sS".to_owned();
    for header in headers.lines().filter(|header| !header.trim().is_empty()) {
        line.push_str(&format!(" -H '{}'", header.replace('\'', "'\\''")));
    }
    if sample.is_file() {
        let sample = sample
            .strip_prefix(std::env::current_dir().unwrap_or_default())
            .unwrap_or(&sample);
        line.push_str(&format!(" --data-binary @{}", sample.display()));
    }
    format!("{line} http://{address}/function/{name}")
}
