//! Makes the pairs of calls, and looks for what the first of them has left.

use std::fs;
use std::path::{Path, PathBuf};

use leasehold_attacks::attack::Answer;
use leasehold_sandbox::scratch::{TMP_DESCRIPTOR, remove_tree};
use leasehold_sandbox::sys::status;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::functions::SMALL;
use super::pairs::{Beside, Pair, Then};
use super::report::{Control, Finding, Form, Verdict};
use super::session::{Names, Session};
use super::target::{Ended, Target};
use crate::pool::{Limit, Outcome};

/// What was seen.
struct Seen {
    leaked: bool,
    evidence: String,
    /// Processes and places that a control has left.
    left: (Vec<i32>, Option<PathBuf>),
}

impl Pair {
    /// Runs the pair, and without the sandbox.
    pub(super) async fn run(
        &self,
        session: &Session,
        outside: &Target,
        target: &Target,
    ) -> Finding {
        let control = match self.control {
            Beside::Same => self.control(session, outside, self.first).await,
            Beside::Instead(first) => self.control(session, outside, first).await,
            Beside::Impossible(why) => Ok(Some(why.to_owned())),
        };
        let mut finding = Finding {
            row: self.row,
            name: self.name.to_owned(),
            form: Form::Native,
            mode: self.mode,
            control: match control {
                Ok(None) => Control::Succeeds,
                Ok(Some(_)) | Err(_) => Control::Impossible,
            },
            reason: control.clone().unwrap_or_else(Some),
            verdict: Verdict::NotRun,
            layer: None,
            evidence: None,
        };
        match self.look(session, target, self.first).await {
            Err(why) => {
                finding.reason.get_or_insert(why);
            }
            Ok(seen) => {
                finding.evidence = Some(seen.evidence);
                finding.verdict = match (seen.leaked, &control) {
                    (true, _) => Verdict::Leaked,
                    (false, Ok(_)) => Verdict::Stopped,
                    (false, Err(_)) => Verdict::NotRun,
                };
                finding.layer = (finding.verdict == Verdict::Stopped).then_some(self.layer);
            }
        }
        finding
    }

    /// Whether it leaks without the sandbox: `None`, or why that cannot be.
    async fn control(
        &self,
        session: &Session,
        outside: &Target,
        first: &str,
    ) -> Result<Option<String>, String> {
        let seen = self.look(session, outside, first).await?;
        for pid in seen.left.0 {
            // It may be gone.
            let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if let Some(place) = seen.left.1 {
            for name in ["d", "left", "kept"] {
                let _left = remove_tree(&place.join(name));
                let _left = fs::remove_file(place.join(name));
            }
        }
        match (seen.leaked, self.then) {
            (true, _) => Ok(None),
            (false, Then::Privileges) => Ok(Some(
                "this container has set no_new_privs already".to_owned(),
            )),
            (false, _) => Err(format!("the control met {}", seen.evidence)),
        }
    }

    async fn look(&self, session: &Session, target: &Target, first: &str) -> Result<Seen, String> {
        let names = Names {
            session,
            function: target.directory(),
            scratches: target.scratches(),
            victim: None,
            host: None,
            number: session.next(),
        };
        if let Then::Privileges = self.then {
            let held = target.hold("wait").await?;
            let status = status::read(held.pid);
            held.release().await;
            let set = status.map_err(|error| error.to_string())?.no_new_privs;
            return Ok(Seen::new(!set, format!("NoNewPrivs: {}", u8::from(set))));
        }
        let ended = target.call(&names.fill_in(first)?).await?;
        let place = ended.said("at").next().map(PathBuf::from);
        let seen = match self.then {
            Then::Privileges => return Err("no call is made".to_owned()),
            Then::Call(then) => {
                let then = match &place {
                    Some(place) => then.replace("{left}", &place.to_string_lossy()),
                    None => then.to_owned(),
                };
                let answer = target.call(&names.fill_in(&then)?).await?.answer()?;
                Seen::new(answer == Answer::Ok, answer.to_string())
            }
            Then::SamePlace => {
                let next = target.call(first).await?;
                let next = next.said("at").next().map(PathBuf::from);
                if place.is_none() {
                    return Err("the call did not say where it was".to_owned());
                }
                Seen::new(next == place, "another".to_owned())
            }
            Then::Alive => alive(&ended),
            Then::There => {
                let place = place.clone().ok_or("the call did not say where it was")?;
                there(session, &ended, &place)?
            }
            Then::Open => {
                require(&ended)?;
                let tmp = TMP_DESCRIPTOR.to_string();
                let open = ended.said("open").filter(|number| *number != tmp);
                Seen::new(open.count() > 0, "none".to_owned())
            }
            Then::Environment => {
                require(&ended)?;
                environment(&ended)
            }
            Then::Complete => match &ended.outcome {
                Outcome::OverLimit(Limit::ResponseBody) if (ended.text.len() as u64) <= SMALL => {
                    Seen::new(false, ended.outcome.to_string())
                }
                outcome => Seen::new(*outcome == Outcome::Replied, outcome.to_string()),
            },
        };
        Ok(Seen {
            left: (seen.left.0, place),
            ..seen
        })
    }
}

impl Seen {
    fn new(leaked: bool, evidence: String) -> Self {
        Self {
            evidence: if leaked {
                "success".to_owned()
            } else {
                evidence
            },
            leaked,
            left: (Vec::new(), None),
        }
    }
}

/// That the call did all that it was to do.
fn require(ended: &Ended) -> Result<(), String> {
    match ended.answer()? {
        Answer::Ok => Ok(()),
        answer => Err(format!("the call met {answer}")),
    }
}

/// Which of the processes that the call left still live.
fn alive(ended: &Ended) -> Seen {
    let pids: Vec<i32> = ended
        .said("daemon")
        .filter_map(|pid| pid.parse().ok())
        .collect();
    let lives = |pid: &&i32| {
        // Another process with its number is none of it.
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.ends_with(format!("\0{}\0", leasehold_attacks::attacker::ARGUMENT).as_bytes())
    };
    let living: Vec<i32> = pids.iter().filter(lives).copied().collect();
    let evidence = match (pids.len(), ended.answer()) {
        (0, Ok(answer)) => answer.to_string(),
        (0, Err(why)) => why,
        (left, _) => format!("{left} left, none alive"),
    };
    Seen {
        left: (living.clone(), None),
        ..Seen::new(!living.is_empty(), evidence)
    }
}

/// Whether the tree that the call made is still there, and what its links lead to.
fn there(session: &Session, ended: &Ended, place: &Path) -> Result<Seen, String> {
    require(ended)?;
    let intact = session.target().join("inside").is_file();
    let there = place.join("d").symlink_metadata().is_ok() || !intact;
    Ok(Seen::new(there, "absent".to_owned()))
}

/// Whether the call has named a variable of this process that no contract gives it.
fn environment(ended: &Ended) -> Seen {
    const CONTRACT: [&str; 5] = ["PATH", "HOME", "TMPDIR", "TMP", "TEMP"];
    let host: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| !CONTRACT.contains(&name.as_str()))
        .collect();
    let leaked = ended
        .said("variable")
        .any(|name| host.iter().any(|known| known == name));
    Seen::new(leaked, format!("none of {}", host.len()))
}
