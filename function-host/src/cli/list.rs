//! `leasehold list`.

use std::process::ExitCode;

use clap::Args;

use super::{CliError, Places, admin};
use crate::services::Listing;

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Ask the host with this admin port what it serves, instead of reading the folders: only a host
    /// that runs knows which new versions it has refused [default: 127.0.0.1:8081]
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8081"
    )]
    admin: Option<String>,
    #[command(flatten)]
    places: Places,
}

impl List {
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        let rows = match &self.admin {
            Some(address) => served(address).await?,
            None => {
                let (_host, found) = self.places.open().await?;
                found.iter().map(Listing::from).collect()
            }
        };
        if self.json {
            println!(
                "{}",
                serde_json::to_string_pretty(&rows).unwrap_or_default()
            );
        } else {
            print(&rows);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The functions of the host that has this admin port.
async fn served(address: &str) -> Result<Vec<Listing>, CliError> {
    let text = admin::ask(address, "/functions", "application/json").await?;
    let rows = serde_json::from_str(&text);
    Ok(rows.map_err(|_| admin::no_host(address, "it has no list of functions"))?)
}

fn print(rows: &[Listing]) {
    println!(
        "{:<20} {:<8} {:<16} {:<10} {:>4}",
        "NAME", "RUNTIME", "PROFILE", "ISOLATION", "POOL"
    );
    for row in rows {
        println!(
            "{:<20} {:<8} {:<16} {:<10} {:>4}",
            row.name,
            row.runtime.as_deref().unwrap_or("-"),
            row.profile.as_deref().unwrap_or("-"),
            row.isolation.as_deref().unwrap_or("-"),
            row.pool.as_deref().unwrap_or("-"),
        );
        if let Some(error) = &row.error {
            println!("{}", indent(error));
        }
        if let Some(why) = &row.refused {
            println!("    the newest version is refused:\n{}", indent(why));
        }
    }
}

/// A text of several lines, set in.
pub(super) fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
