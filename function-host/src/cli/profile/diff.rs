//! `leasehold profile diff`: what one profile allows that another does not.

use std::process::ExitCode;

use clap::Args;
use leasehold_sandbox::policy::difference::{Difference, additions};
use leasehold_sandbox::profile::Limits;
use serde::Serialize;

use super::explain::By;
use super::subject::Subject;
use super::{ProfileError, Profiles, print_json};

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// A profile's name, or a file NAME.yaml
    before: String,
    /// Another: what it allows beyond the first is shown
    after: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profiles: Profiles,
}

#[derive(Debug, Serialize)]
struct Addition<'a> {
    allows: String,
    #[serde(flatten)]
    by: By<'a>,
}

#[derive(Debug, Serialize)]
struct Raised {
    limit: &'static str,
    before: String,
    after: String,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    additions: Vec<Addition<'a>>,
    limits: Vec<Raised>,
}

impl Diff {
    /// As diff(1): exit code 0 if the second allows no more than the first, 1 if it does.
    pub(super) fn run(self) -> Result<ExitCode, ProfileError> {
        let folders = &self.profiles.profiles;
        let before = Subject::plain(folders, &self.before)?.explanation;
        let after = Subject::plain(folders, &self.after)?.explanation;
        let found = additions(&before, &after);
        let report = Report {
            additions: found.iter().map(Addition::of).collect(),
            limits: raised(&before.limits, &after.limits),
        };
        let none = report.additions.is_empty() && report.limits.is_empty();
        if self.json {
            print_json(&report);
        } else if none {
            println!(
                "{} allows nothing that {} does not",
                self.after, self.before
            );
        } else {
            report.print();
        }
        Ok(match none {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}

impl<'a> Addition<'a> {
    fn of(difference: &'a Difference) -> Self {
        Self {
            allows: difference.what.clone(),
            by: By::of(&difference.by),
        }
    }
}

fn raised(before: &Limits, after: &Limits) -> Vec<Raised> {
    let higher = after.higher_than(before);
    let values = before.listed().into_iter().zip(after.listed());
    values
        .filter(|((limit, _), _)| higher.contains(limit))
        .map(|((limit, before), (_, after))| Raised {
            limit,
            before,
            after,
        })
        .collect()
}

impl Report<'_> {
    fn print(&self) {
        for Addition { allows, by } in &self.additions {
            println!("+ {allows}  ({by})");
        }
        for Raised {
            limit,
            before,
            after,
        } in &self.limits
        {
            println!("+ {limit} {after}, instead of {before}");
        }
    }
}
