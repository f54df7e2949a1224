//! `leasehold profile explain`: everything that a profile comes to, and who granted each of it.

use std::fmt;
use std::process::ExitCode;

use clap::Args;
use leasehold_sandbox::policy::bpf::disassemble;
use leasehold_sandbox::policy::explain::Explanation;
use leasehold_sandbox::policy::provenance::Grantor;
use leasehold_sandbox::policy::syscalls::{Derived, Row};
use serde::Serialize;

use super::subject::{Subject, Whose};
use super::{ProfileError, print_json};

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Print both filters as disassembled programs instead
    #[arg(long)]
    bpf: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "bpf")]
    json: bool,
    /// A profile's name, or a file NAME.yaml; with --function the function's is explained
    #[arg(value_name = "PROFILE", required_unless_present = "function")]
    profile: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    profile: &'a str,
    function: Option<&'a str>,
    extends: Vec<&'a str>,
    limits: Vec<LimitReport>,
    paths: Vec<PathReport<'a>>,
    ports: Vec<PortReport<'a>>,
    filter: Vec<CallReport<'a>>,
    worker_filter: Vec<CallReport<'a>>,
    remains: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitReport {
    limit: &'static str,
    value: String,
    granted_by: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PathReport<'a> {
    path: &'a str,
    allows: String,
    rights: &'a [&'static str],
    zygote_only: bool,
    skipped: bool,
    #[serde(flatten)]
    by: By<'a>,
}

#[derive(Debug, Serialize)]
struct PortReport<'a> {
    port: u16,
    allows: &'static str,
    #[serde(flatten)]
    by: By<'a>,
}

#[derive(Debug, Serialize)]
struct CallReport<'a> {
    syscall: String,
    action: String,
    condition: Option<String>,
    #[serde(flatten)]
    by: By<'a>,
}

/// Who decided: the place of an entry, or a rule of Leasehold's, and the reason.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct By<'a> {
    granted_by: String,
    why: Option<&'a str>,
}

impl<'a> By<'a> {
    pub(super) fn of(grantor: &'a Grantor) -> Self {
        Self {
            granted_by: grantor.to_string(),
            why: grantor.why(),
        }
    }
}

/// Where it was granted and why.
impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Some(why) => write!(f, "{}: {why}", self.granted_by),
            None => f.write_str(&self.granted_by),
        }
    }
}

impl Explain {
    pub(super) async fn run(self) -> Result<ExitCode, ProfileError> {
        let subject = self.whose.resolve(self.profile.as_deref()).await?;
        if self.bpf {
            print_programs(&subject.explanation);
            return Ok(ExitCode::SUCCESS);
        }
        let report = Report::of(&subject);
        if self.json {
            print_json(&report);
        } else {
            report.print();
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_programs(explanation: &Explanation) {
    let (function, worker) = &explanation.programs;
    for (title, program) in [
        ("the filter of all processes of a function", function),
        (
            "the filter on top of each worker; of both answers the stricter holds",
            worker,
        ),
    ] {
        println!("; {title}: {} instructions", program.0.len());
        disassemble(program)
            .iter()
            .for_each(|line| println!("{line}"));
    }
}

impl<'a> Report<'a> {
    fn of(subject: &'a Subject) -> Self {
        let explanation = &subject.explanation;
        Self {
            profile: &subject.profile.name,
            function: subject.function.as_deref(),
            extends: subject.source.parents().collect(),
            limits: limits(subject),
            paths: explanation
                .paths
                .iter()
                .map(|rule| PathReport {
                    path: &rule.path,
                    allows: rule.words(),
                    rights: &rule.rights,
                    zygote_only: rule.zygote_only,
                    skipped: rule.skipped,
                    by: By::of(&rule.by),
                })
                .collect(),
            ports: explanation
                .ports
                .iter()
                .map(|rule| PortReport {
                    port: rule.port,
                    allows: rule.right,
                    by: By::of(&rule.by),
                })
                .collect(),
            filter: calls(&explanation.function),
            worker_filter: calls(&explanation.worker),
            remains: &explanation.remains,
        }
    }

    fn print(&self) {
        match self.function {
            Some(function) => println!("{} as the function {function} meets it", self.profile),
            None => println!("{}", self.profile),
        }
        if !self.extends.is_empty() {
            println!("  extends {}", self.extends.join(", "));
        }
        section("Limits of a call");
        table(&self.limits, |limit| {
            [limit.limit, &limit.value, &limit.granted_by, ""].map(str::to_owned)
        });
        section("Files: what Landlock allows on a path and below it; nothing else can be opened");
        table(&self.paths, |rule| {
            let note = match (rule.skipped, rule.zygote_only) {
                (true, _) => " (not here)",
                (_, true) => " (while the function is loaded)",
                _ => "",
            };
            [
                format!("{}{note}", rule.path),
                rule.allows.clone(),
                rule.by.granted_by.clone(),
                why(&rule.by),
            ]
        });
        section(
            "Network: the TCP ports that Landlock allows, at any address; there is no other network",
        );
        table(&self.ports, |rule| {
            [
                rule.allows.to_owned(),
                rule.port.to_string(),
                rule.by.granted_by.clone(),
                why(&rule.by),
            ]
        });
        section(
            "System calls: the filter of all processes of a function; of a call's rows the first that holds",
        );
        let row = |call: &CallReport<'_>| {
            [
                call.syscall.clone(),
                call.action.clone(),
                call.condition.clone().unwrap_or_default(),
                call.by.granted_by.clone(),
            ]
        };
        table(&self.filter, row);
        section("System calls that are taken from each worker; of both answers the stricter holds");
        table(&self.worker_filter, row);
        self.print_reasons();
        section("What a hostile call could still do");
        self.remains.iter().for_each(|what| println!("  - {what}"));
    }

    /// Why system calls are answered as they are: each reason once.
    fn print_reasons(&self) {
        section("Who granted which system calls, and why");
        let mut said: Vec<&By<'_>> = Vec::new();
        for call in self.filter.iter().chain(&self.worker_filter) {
            if !said.iter().any(|by| by.granted_by == call.by.granted_by) {
                said.push(&call.by);
            }
        }
        table(&said, |by| {
            [by.granted_by.clone(), why(by), String::new(), String::new()]
        });
    }
}

fn calls(derived: &Derived) -> Vec<CallReport<'_>> {
    let rows = derived.rows();
    let conditional = |row: &Row<'_>| {
        rows.iter()
            .any(|it| it.name == row.name && it.clause.is_some())
    };
    let default = CallReport {
        syscall: "any other".to_owned(),
        action: derived.table().default_action().to_string(),
        condition: None,
        by: By::of(derived.default_grantor()),
    };
    let reports = rows.iter().map(|row| CallReport {
        syscall: match (row.name, row.numbers) {
            (Some(name), _) => name.to_owned(),
            (None, (first, last)) if first == last => format!("number {first}"),
            (None, (first, last)) => format!("{first} to {last}"),
        },
        action: row.action.to_string(),
        condition: match row.clause {
            Some(clause) => Some(clause.to_string()),
            None => conditional(row).then(|| "otherwise".to_owned()),
        },
        by: By::of(row.by),
    });
    reports.chain([default]).collect()
}

/// Each limit, and whose it is: the function's, a profile's, or nobody's.
fn limits(subject: &Subject) -> Vec<LimitReport> {
    let limits = &subject.explanation.limits;
    let ceiling = &subject.profile.ceiling.limits();
    let under: Vec<_> = ceiling.listed();
    let listed = limits.listed().into_iter().zip(under);
    listed
        .map(|((limit, value), (_, allowed))| LimitReport {
            limit,
            granted_by: match subject.source.limited_by(limit) {
                _ if value != allowed => "the function".to_owned(),
                Some(profile) => profile.to_owned(),
                None => "default".to_owned(),
            },
            value,
        })
        .collect()
}

fn why(by: &By<'_>) -> String {
    by.why.unwrap_or("(no reason given)").to_owned()
}

fn section(title: &str) {
    println!("\n{title}\n");
}

/// Columns as wide as what is in them, up to a bound; nothing behind the last word of a line.
fn table<T>(rows: &[T], cells: impl Fn(&T) -> [String; 4]) {
    const WIDEST: usize = 44;
    let rows: Vec<[String; 4]> = rows.iter().map(cells).collect();
    if rows.is_empty() {
        println!("  none");
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .min(WIDEST)
    };
    let (a, b, c) = (width(0), width(1), width(2));
    for [first, second, third, fourth] in &rows {
        let line = format!("  {first:a$}  {second:b$}  {third:c$}  {fourth}");
        println!("{}", line.trim_end());
    }
}
