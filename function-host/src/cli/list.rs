//! `leasehold list`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::{CliError, Places};
use crate::function::{Admission, Found, Function, Isolation, Runtime};

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    path: String,
    directory: String,
    runtime: Option<&'static str>,
    profile: Option<String>,
    isolation: Option<&'static str>,
    pool: Option<String>,
    concurrency: Option<usize>,
    error: Option<String>,
}

impl List {
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        let (_host, found) = self.places.open().await?;
        let rows: Vec<Row> = found.iter().map(Row::of).collect();
        if self.json {
            println!(
                "{}",
                serde_json::to_string_pretty(&rows).unwrap_or_default()
            );
            return Ok(ExitCode::SUCCESS);
        }
        println!(
            "{:<20} {:<8} {:<16} {:<10} {:>4}",
            "NAME", "RUNTIME", "PROFILE", "ISOLATION", "POOL"
        );
        for row in &rows {
            println!(
                "{:<20} {:<8} {:<16} {:<10} {:>4}",
                row.name,
                row.runtime.unwrap_or("-"),
                row.profile.as_deref().unwrap_or("-"),
                row.isolation.unwrap_or("-"),
                row.pool.as_deref().unwrap_or("-"),
            );
            if let Some(error) = &row.error {
                println!("{}", indent(error));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A text of several lines, set in.
pub(super) fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

impl Row {
    fn of(found: &Found) -> Self {
        let function = found.result.as_ref().ok();
        Self {
            name: found.name.clone(),
            path: format!("/function/{}", found.name),
            directory: found.directory.display().to_string(),
            runtime: function.map(runtime),
            profile: function.map(|function| function.profile.name.clone()),
            isolation: function.map(|function| match function.isolation {
                Isolation::Call => "call",
                Isolation::None => "none",
            }),
            pool: function.map(|function| {
                let Admission {
                    pool_min, pool_max, ..
                } = function.admission;
                if pool_min == pool_max {
                    pool_min.to_string()
                } else {
                    format!("{pool_min}–{pool_max}")
                }
            }),
            concurrency: function.map(|function| function.admission.concurrency),
            error: found.result.as_ref().err().map(ToString::to_string),
        }
    }
}

fn runtime(function: &Function) -> &'static str {
    match function.runtime {
        Runtime::Exec { .. } => "exec",
        Runtime::Python { .. } => "python",
    }
}
