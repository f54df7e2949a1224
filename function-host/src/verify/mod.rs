//! `leasehold verify`: attacks on every channel, in real workers of the pools and zygotes that calls
//! have, under the profiles that are served, each beside a control without the sandbox.
//!
//! The host's own binary is the attacker: an `exec` function whose command it is runs one attack a call
//! ([`leasehold_attacks::attacker`]). Python handlers attack what interpreters keep. Knows pools and
//! functions, nothing of HTTP or of terminals.

mod functions;
mod look;
mod native;
mod pairs;
mod python;
mod report;
mod session;
mod target;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use leasehold_attacks::attack::{Answer, Profile};

use crate::host::Host;
use functions::Functions;
use native::{Controls, Native};
use pairs::PAIRS;
use report::Findings;
use session::Session;
use target::Target;

pub use report::{Control, Finding, Form, Layer, Mode, Report, Verdict};

/// What is to be attacked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// These channels; all if it is empty.
    pub rows: BTreeSet<u8>,
    /// Under these profiles, by name.
    pub profiles: Vec<String>,
    /// Folders of profiles, searched before the shipped ones.
    pub folders: Vec<PathBuf>,
    /// Whether by raw system calls.
    pub native: bool,
    /// Whether by Python handlers.
    pub python: bool,
    /// The interpreter of the functions that are served, if there is one.
    pub interpreter: Option<PathBuf>,
    /// What it loads itself from.
    pub prefixes: Vec<PathBuf>,
}

/// Why nothing could be attacked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no place for it.
    #[error("cannot prepare the attacks: {0}")]
    Prepare(#[from] io::Error),
    /// No attacker came up without the sandbox.
    #[error("cannot start a control: {0}")]
    Control(String),
    /// A profile is wrong, or none of its functions can be served here.
    #[error("cannot attack the profile `{profile}`: {why}")]
    Profile {
        /// Its name.
        profile: String,
        /// Why.
        why: String,
    },
}

/// One run.
#[derive(Debug)]
struct Verifier<'a> {
    host: &'a Arc<Host>,
    plan: &'a Plan,
    session: &'a Session,
    functions: &'a Functions<'a>,
}

/// Attacks, and says how many attacks there were so far each time.
///
/// The host must allow `isolation: none` for the controls, and must serve nothing else: it is attacked.
///
/// # Errors
/// When nothing can be attacked.
pub async fn run(
    host: &Arc<Host>,
    plan: &Plan,
    progress: &mut dyn FnMut(usize),
) -> Result<Report, VerifyError> {
    let session = Session::open(host.state.path())?;
    let (interpreter, prefixes) = (plan.interpreter.clone(), plan.prefixes.clone());
    let functions = Functions::new(host, &session, &plan.folders, interpreter, prefixes)?;
    let verifier = Verifier {
        host,
        plan,
        session: &session,
        functions: &functions,
    };
    let control = functions.control().map_err(VerifyError::Control)?;
    let control = Target::start(host, control).await;
    let control = control.map_err(VerifyError::Control)?;
    let mut controls = Controls::new(&session, &control);
    let mut findings = Findings::default();
    for profile in &plan.profiles {
        if plan.native {
            let attacked = verifier.native(profile, &mut controls, &mut findings, progress);
            attacked.await.map_err(|why| VerifyError::Profile {
                profile: profile.clone(),
                why,
            })?;
        }
        if plan.python && functions.serves_python(profile).unwrap_or(false) {
            verifier.python(profile, &mut findings).await;
            progress(findings.len());
        }
    }
    control.close().await;
    Ok(findings.report(|row| verifier.wants(row)))
}

impl Verifier<'_> {
    fn wants(&self, row: u8) -> bool {
        self.plan.rows.is_empty() || self.plan.rows.contains(&row)
    }

    /// All attacks by raw system calls: under the profile itself, and with what attacks need to begin.
    async fn native(
        &self,
        profile: &str,
        controls: &mut Controls<'_>,
        findings: &mut Findings,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(), String> {
        for more in Profile::ALL {
            let attacks = native::attacks(|row| self.wants(row), more);
            let pairs = PAIRS
                .iter()
                .filter(|pair| pair.more == more && self.wants(pair.row));
            let pairs: Vec<_> = pairs.collect();
            if attacks.is_empty() && pairs.is_empty() {
                continue;
            }
            let function = self.functions.native(profile, more)?;
            let target = Target::start(self.host, function).await?;
            let started = target.call("where").await?.answer();
            if started != Ok(Answer::Ok) {
                let said = started.map_or_else(|why| why, |answer| answer.to_string());
                target.close().await;
                return Err(format!(
                    "the attacker, a dynamic program, does not start: {said}"
                ));
            }
            let mut native = Native::new(self.session, &target);
            for attack in &attacks {
                findings.add(profile, native.attack(controls, attack).await);
                progress(findings.len());
            }
            native.end().await;
            for pair in pairs {
                findings.add(
                    profile,
                    pair.run(self.session, controls.target, &target).await,
                );
                progress(findings.len());
            }
            target.close().await;
        }
        Ok(())
    }
}
