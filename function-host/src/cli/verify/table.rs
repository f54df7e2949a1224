//! The report for a terminal: a line for each channel, and what leaks in full.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};

use leasehold_attacks::channels::{self, Channel};
use serde::Serialize;

use crate::verify::{Control, Finding, Plan, Report, Verdict};

/// Prints the channels.
pub(super) fn list(channels: &[Channel]) {
    for channel in channels {
        println!("{:>3}  {}", channel.row, channel.name);
        println!("     closed by {}", channel.closed_by);
        if let Some(remains) = channel.remains {
            println!("     remains: {remains}");
        }
    }
}

/// Prints the report.
pub(super) fn print(report: &Report, plan: &Plan, release: &str, abi: u32) {
    let profiles = plan.profiles.join(", ");
    println!("Linux {release}, Landlock ABI {abi}; profiles: {profiles}");
    println!("ROW  VERDICT   CONTROLLED  BY                  CHANNEL");
    let rows: BTreeSet<u8> = report.rows.iter().map(|finding| finding.row).collect();
    for &row in &rows {
        line(report, row);
        let verdict = report.verdict(row);
        for finding in report.of(row) {
            let told = match verdict {
                Verdict::Leaked => finding.verdict == Verdict::Leaked,
                Verdict::Residual => finding.verdict == Verdict::Residual,
                Verdict::NotRun => true,
                Verdict::Stopped => false,
            };
            if told || rows.len() == 1 {
                println!("       {}", described(finding));
            }
        }
    }
    println!(
        "{} stopped, {} residual, {} not run, {} leaks; {} channels attacked by what works here without \
         the sandbox",
        report.stopped,
        report.residual,
        report.not_run,
        report.leaks,
        report.controlled()
    );
}

fn line(report: &Report, row: u8) {
    let name = channels::of(row).map_or("", |channel| channel.name);
    let verdict = report.verdict(row);
    let controlled = report
        .of(row)
        .filter(|it| it.control == Control::Succeeds)
        .count();
    let layers: BTreeSet<String> = report
        .of(row)
        .filter_map(|finding| finding.layer.map(spelled))
        .collect();
    let layers: Vec<_> = layers.into_iter().collect();
    println!(
        "{row:>3}  {}  {:<10}  {:<18}  {name}",
        coloured(verdict),
        format!("{controlled}/{}", report.of(row).count()),
        layers.join(", "),
    );
}

fn described(finding: &Finding) -> String {
    let mut text = format!("{}: {}", finding.name, spelled(finding.verdict));
    for more in [&finding.evidence, &finding.reason].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(more);
    }
    text
}

fn coloured(verdict: Verdict) -> String {
    let text = format!("{:<8}", spelled(verdict));
    if !io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text;
    }
    let colour = match verdict {
        Verdict::Stopped => 32,
        Verdict::Residual => 33,
        Verdict::NotRun => 90,
        Verdict::Leaked => 31,
    };
    format!("\x1b[{colour}m{text}\x1b[0m")
}

/// As JSON spells it.
pub(super) fn spelled(value: impl Serialize) -> String {
    let text = serde_json::to_string(&value).unwrap_or_default();
    text.trim_matches('"').to_owned()
}
