//! `leasehold profile check`: every mistake in files of profiles at once, and what may not be meant.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use leasehold_sandbox::Kernel;
use leasehold_sandbox::policy::lint::{Surroundings, lint};
use leasehold_sandbox::profile::{InheritError, LoadError, OpenError, SourceError};
use serde::Serialize;

use super::{ProfileError, Profiles, kernel, print_json};
use crate::cli::serve::DEFAULT_PORTS;

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Files of profiles, each called NAME.yaml after its profile. What they extend is looked for
    /// beside them first
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Fail for warnings too
    #[arg(long)]
    strict: bool,
    /// A port that the host listens on; may be given several times [default: 8080 and 8081]
    #[arg(long, value_name = "PORT")]
    host_port: Vec<u16>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profiles: Profiles,
}

#[derive(Debug, Serialize)]
struct Report {
    file: String,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// One mistake or warning. Without a place, `line` and `column` are 0.
#[derive(Debug, Serialize)]
struct Diagnostic {
    kind: &'static str,
    message: String,
    file: String,
    line: u32,
    column: u32,
    length: u32,
    hint: Option<String>,
    #[serde(skip)]
    shown: String,
}

impl Check {
    /// Exit code 0 if nothing is wrong; with `--strict`, if there is nothing to say at all.
    pub(super) fn run(self) -> Result<ExitCode, ProfileError> {
        let kernel = kernel()?;
        let reports: Vec<Report> = self
            .files
            .iter()
            .map(|file| self.report(file, &kernel))
            .collect();
        if self.json {
            print_json(&reports);
        } else {
            reports.iter().for_each(Report::print);
        }
        let good = |report: &Report| {
            report.errors.is_empty() && (!self.strict || report.warnings.is_empty())
        };
        Ok(match reports.iter().all(good) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    fn report(&self, file: &Path, kernel: &Kernel) -> Report {
        let (errors, warnings) = match self.warnings(file, kernel) {
            Ok(warnings) => (Vec::new(), warnings),
            Err(errors) => (errors, Vec::new()),
        };
        Report {
            file: file.display().to_string(),
            errors,
            warnings,
        }
    }

    fn warnings(&self, file: &Path, kernel: &Kernel) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let source = super::open(&self.profiles.profiles, file).map_err(|error| match error {
            OpenError::Mistakes(mistakes) => mistakes.iter().map(Diagnostic::mistake).collect(),
            OpenError::Load(LoadError::Source(mistake)) => vec![Diagnostic::mistake(&mistake)],
            OpenError::Load(error) => vec![Diagnostic::without_place(file, &error.to_string())],
        })?;
        let profile = source.inherit_or_tell_all().map_err(|errors| {
            let mistakes = errors.iter().map(InheritError::source_error);
            mistakes.map(Diagnostic::mistake).collect::<Vec<_>>()
        })?;
        let own_ports = match self.host_port.as_slice() {
            [] => &DEFAULT_PORTS,
            ports => ports,
        };
        let surroundings = Surroundings {
            landlock_abi: kernel.landlock_abi,
            own_ports,
            exists: &|path| path.exists(),
        };
        Ok(lint(&profile, &surroundings)
            .iter()
            .map(|warning| {
                let shown = source.show(&warning.origin, &warning.message, &warning.hint);
                Diagnostic::new(warning.kind, "warning: ", &shown)
            })
            .collect())
    }
}

impl Diagnostic {
    fn new(kind: &'static str, prefix: &str, error: &SourceError) -> Self {
        Self {
            kind,
            message: error.message.clone(),
            file: error.file.to_string(),
            line: error.span.line,
            column: error.span.column,
            length: error.span.length,
            hint: error.hint.clone(),
            shown: format!("{prefix}{error}"),
        }
    }

    fn mistake(error: &SourceError) -> Self {
        Self::new("mistake", "error: ", error)
    }

    fn without_place(file: &Path, message: &str) -> Self {
        Self {
            kind: "unreadable",
            message: message.to_owned(),
            file: file.display().to_string(),
            line: 0,
            column: 0,
            length: 0,
            hint: None,
            shown: format!("error: {message}"),
        }
    }
}

impl Report {
    fn print(&self) {
        for diagnostic in self.errors.iter().chain(&self.warnings) {
            println!("{}\n", diagnostic.shown);
        }
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            _ => format!("{number} {what}s"),
        };
        let (errors, warnings) = (self.errors.len(), self.warnings.len());
        match (errors, warnings) {
            (0, 0) => println!("{}: fine", self.file),
            (0, _) => println!("{}: {}", self.file, count(warnings, "warning")),
            _ => println!("{}: {}", self.file, count(errors, "error")),
        }
    }
}
