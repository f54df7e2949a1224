//! The tables of attacks by raw system calls, each run as a call beside the calls it is aimed at.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use leasehold_attacks::attack::{Answer, Attack, By, Profile};
use leasehold_attacks::tables;

use super::functions;
use super::report::{Control, Finding, Form, Layer, Mode, Verdict};
use super::session::{self, Names, Session};
use super::target::{Held, Target};

/// Names that only the tests of the tables can fill in.
const ELSEWHERE: [&str; 2] = ["{program}", "{attacker}"];

/// The attacks on these channels that a call can make: with `more` on top of the profile under test.
///
/// What a grant opens by its nature is no attack on a profile that does not have it.
pub(super) fn attacks(wanted: impl Fn(u8) -> bool, more: Profile) -> Vec<Attack> {
    let mut attacks = tables::all();
    attacks.retain(|attack| {
        attack.row != 0
            && wanted(attack.row)
            && attack.profile == more
            && (attack.by != By::Nobody || more == Profile::Base)
            && !ELSEWHERE.iter().any(|name| attack.calls.contains(name))
    });
    attacks
}

/// What the controls have said, each asked once.
#[derive(Debug)]
pub(super) struct Controls<'a> {
    session: &'a Session,
    /// The attacker without isolation.
    pub(super) target: &'a Target,
    capabilities: u64,
    known: HashMap<&'static str, Result<Option<String>, String>>,
}

/// Attacks under one profile.
#[derive(Debug)]
pub(super) struct Native<'a> {
    pub(super) session: &'a Session,
    pub(super) target: &'a Target,
    victim: Option<Held>,
    host: Option<Held>,
}

impl<'a> Controls<'a> {
    pub(super) fn new(session: &'a Session, target: &'a Target) -> Self {
        Self {
            session,
            target,
            capabilities: effective_capabilities(),
            known: HashMap::new(),
        }
    }

    /// Whether the attack works without the sandbox: `None`, or why it cannot here.
    ///
    /// # Errors
    /// Why nobody can tell.
    async fn of(&mut self, attack: &Attack) -> Result<Option<String>, String> {
        if let Some(known) = self.known.get(attack.name) {
            return known.clone();
        }
        let said = match attack.control.hindrance(self.capabilities) {
            Some(skip) => Ok(Some(skip.to_string())),
            None => self.run(attack).await,
        };
        self.known.insert(attack.name, said.clone());
        said
    }

    async fn run(&self, attack: &Attack) -> Result<Option<String>, String> {
        let failed = |error: std::io::Error| error.to_string();
        let arena = self.session.directory().map_err(failed)?;
        for name in ["own", "other", "scratches", "function"] {
            session::private(&arena.join(name)).map_err(failed)?;
        }
        functions::furnish(&arena.join("function")).map_err(failed)?;
        session::furnish(&arena.join("other")).map_err(failed)?;
        let wait = |name: &str| format!("within {} ; wait", arena.join(name).display());
        let victim = match names_a_victim(attack) {
            true => Some(self.target.hold(&wait("other")).await?),
            false => None,
        };
        let host = match attack.calls.contains("{host}") {
            true => Some(self.target.hold(&wait("own")).await?),
            false => None,
        };
        let names = Names {
            session: self.session,
            function: &arena.join("function"),
            scratches: &arena.join("scratches"),
            victim: victim.as_ref(),
            host: host.as_ref(),
            number: self.session.next(),
        };
        let prefix = match attack.control.in_namespace {
            true => " ; namespace",
            false => "",
        };
        let prefix = format!("within {}{prefix} ; ", arena.join("own").display());
        let said = run(self.target, &names, attack, &prefix).await;
        for held in [victim, host].into_iter().flatten() {
            held.release().await;
        }
        let (answer, effect) = said?;
        match attack.control.judge(&answer) {
            Ok(None) if attack.leaves.is_some() && !effect => {
                Err("the control had no effect".to_owned())
            }
            Ok(skip) => Ok(skip.map(|skip| skip.to_string())),
            Err(answer) => Err(format!("the control met {answer}")),
        }
    }
}

impl<'a> Native<'a> {
    pub(super) fn new(session: &'a Session, target: &'a Target) -> Self {
        Self {
            session,
            target,
            victim: None,
            host: None,
        }
    }

    /// Runs one attack and its control.
    pub(super) async fn attack(&mut self, controls: &mut Controls<'_>, attack: &Attack) -> Finding {
        let control = controls.of(attack).await;
        let mut finding = Finding {
            row: attack.row,
            name: attack.name.replace('_', " "),
            form: Form::Native,
            mode: mode(attack),
            control: match control {
                Ok(None) => Control::Succeeds,
                Ok(Some(_)) | Err(_) => Control::Impossible,
            },
            reason: control.clone().unwrap_or_else(Some),
            verdict: Verdict::NotRun,
            layer: None,
            evidence: None,
        };
        match self.run(controls.target, attack).await {
            Err(why) => {
                finding.reason.get_or_insert(why);
            }
            Ok((answer, effect)) => {
                let (verdict, layer) = judge(attack, &answer, effect);
                // A refusal of what never works proves nothing; a success is one all the same.
                finding.verdict = match control {
                    Err(_) if verdict != Verdict::Leaked => Verdict::NotRun,
                    _ => verdict,
                };
                finding.layer = layer;
                finding.evidence = Some(match verdict {
                    Verdict::Stopped if answer == Answer::Ok => "no effect".to_owned(),
                    _ => answer.to_string(),
                });
                if verdict == Verdict::NotRun {
                    let why = format!("{} was expected", attack.expected);
                    finding.reason.get_or_insert(why);
                }
            }
        }
        finding
    }

    async fn run(&mut self, outside: &Target, attack: &Attack) -> Result<(Answer, bool), String> {
        if names_a_victim(attack) && !self.victim.as_ref().is_some_and(Held::waits) {
            let victim = self.target.hold("wait").await?;
            session::furnish(&victim.directory).map_err(|error| error.to_string())?;
            self.victim = Some(victim);
        }
        if attack.calls.contains("{host}") && !self.host.as_ref().is_some_and(Held::waits) {
            self.host = Some(outside.hold("wait").await?);
        }
        let scratches = self.target.scratches();
        let names = Names {
            session: self.session,
            function: self.target.directory(),
            scratches,
            victim: self.victim.as_ref(),
            host: self.host.as_ref(),
            number: self.session.next(),
        };
        run(self.target, &names, attack, "").await
    }

    /// Lets the victims go.
    pub(super) async fn end(self) {
        for held in [self.victim, self.host].into_iter().flatten() {
            held.release().await;
        }
    }
}

/// Makes the call. Also whether the file that it aims at has changed.
async fn run(
    target: &Target,
    names: &Names<'_>,
    attack: &Attack,
    prefix: &str,
) -> Result<(Answer, bool), String> {
    let calls = names.fill_in(attack.calls)?;
    let aim = attack.leaves.map(|file| names.fill_in(file)).transpose()?;
    let state = || {
        let metadata = fs::metadata(aim.as_deref().map(Path::new)?).ok()?;
        Some((metadata.mode(), metadata.mtime(), metadata.mtime_nsec()))
    };
    let before = state();
    let answer = target.call(&format!("{prefix}{calls}")).await?.answer()?;
    Ok((answer, state() != before))
}

/// What an answer within the sandbox says.
fn judge(attack: &Attack, answer: &Answer, effect: bool) -> (Verdict, Option<Layer>) {
    let layer = match attack.by {
        By::Landlock => Some(Layer::Landlock),
        By::Filter => Some(Layer::Seccomp),
        By::Limits => Some(Layer::Limits),
        By::Nobody => None,
    };
    match answer {
        Answer::Ok if attack.leaves.is_some() && !effect => (Verdict::Stopped, layer),
        Answer::Ok if attack.by == By::Nobody => (Verdict::Residual, None),
        Answer::Ok => (Verdict::Leaked, None),
        answer if *answer == attack.expected => (Verdict::Stopped, layer),
        // Another layer was first, or an earlier call of the attack met one.
        Answer::Errno(name) if name == "EACCES" => (Verdict::Stopped, Some(Layer::Landlock)),
        Answer::Errno(name) if ["EPERM", "ENOSYS"].contains(&name.as_str()) => {
            (Verdict::Stopped, Some(Layer::Seccomp))
        }
        Answer::Signal(libc::SIGSYS) => (Verdict::Stopped, Some(Layer::Seccomp)),
        Answer::Errno(_) | Answer::Signal(_) => (Verdict::NotRun, None),
    }
}

fn mode(attack: &Attack) -> Mode {
    if attack.calls.contains("{host}") {
        Mode::Host
    } else if attack.calls.contains("getppid") {
        Mode::Zygote
    } else if names_a_victim(attack) {
        Mode::Concurrent
    } else {
        Mode::Sequential
    }
}

fn names_a_victim(attack: &Attack) -> bool {
    ["{victim}", "{other}", "{address}", "{clock}"]
        .iter()
        .any(|name| attack.calls.contains(name))
}

fn effective_capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .unwrap_or(0)
}
