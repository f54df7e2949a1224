//! `leasehold profile import` and `export`: seccomp profiles of container engines.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use leasehold_sandbox::policy::oci::{Exported, export};
use leasehold_sandbox::profile::oci::{Circumstances, Document};
use leasehold_sandbox::profile::{is_dns_label, read, write};

use super::subject::Subject;
use super::{ProfileError, Profiles, kernel, print_json};

/// It answers every system call, so it takes the place of Leasehold's own rules for all of them: `check`
/// tells which of those it lifts.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// A seccomp profile in JSON, as container engines read it
    file: PathBuf,
    /// The name of the profile that is printed
    #[arg(long, default_value = "imported")]
    name: String,
    /// A capability that is assumed, such as CAP_SYS_PTRACE; may be given several times. Functions have none
    #[arg(long, value_name = "CAP")]
    cap: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// A profile's name, or a file NAME.yaml
    profile: String,
    #[command(flatten)]
    profiles: Profiles,
}

impl Import {
    pub(super) fn run(self) -> Result<ExitCode, ProfileError> {
        if !is_dns_label(&self.name) {
            return Err(ProfileError::Name { name: self.name });
        }
        let file = self.file.display().to_string();
        let document: Document =
            serde_json::from_str(&read(&self.file)?).map_err(|source| ProfileError::Json {
                file: file.clone(),
                source,
            })?;
        let release = kernel()?.release;
        let circumstances = Circumstances {
            capabilities: self.cap.into_iter().collect::<BTreeSet<_>>(),
            arch: go_arch().to_owned(),
            kernel: version(&release).unwrap_or((0, 0)),
        };
        let imported = document.import(&file, &circumstances);
        let mut comments = vec![format!("Imported from {file}.")];
        comments.extend(imported.notes.iter().cloned());
        print!(
            "{}",
            write::of_seccomp(&self.name, &comments, &imported.grants)
        );
        tell(&imported.notes);
        Ok(ExitCode::SUCCESS)
    }
}

impl Export {
    pub(super) fn run(self) -> Result<ExitCode, ProfileError> {
        let subject = Subject::plain(&self.profiles.profiles, &self.profile)?;
        let Exported { document, notes } = export(subject.explanation.stated.table());
        print_json(&document);
        tell(&notes);
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(notes: &[String]) {
    notes.iter().for_each(|note| eprintln!("note: {note}"));
}

/// The architecture as Go and so container engines call it.
fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The first two numbers of a release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
