//! One question to a policy, its answer, and the line that decides it.
//!
//! Paths and ports are looked up as Landlock does; system calls are put to the compiled programs.
//! A path stands for what it leads to, as it does in a rule.
#![forbid(unsafe_code)]

mod place;

use std::fmt;
use std::str::FromStr;

use super::bpf::{Action, RuleTable};
use super::explain::{Explanation, PathRule};
use super::interpreter::{InterpretError, SeccompData, run_chain};
use super::provenance::Grantor;
use super::syscalls::Derived;
use crate::names::syscalls;
use crate::profile::VARIABLES;
use place::Place;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Opening for reading, or listing.
    Read(String),
    /// Opening for writing, or making.
    Write(String),
    /// `execve`.
    Run(String),
    /// Connecting to a TCP port.
    Connect(u16),
    /// Binding a TCP port.
    Listen(u16),
    /// A system call; without arguments it is asked whether they matter.
    Syscall {
        /// Its name.
        name: String,
        /// Up to six arguments; the others are 0.
        args: Option<Vec<u64>>,
    },
}

/// A text that is no question. Says what would be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no question; ask `read:PATH`, `write:PATH`, `run:PATH`, `connect:PORT`, `listen:PORT`, \
     `syscall:NAME` or `syscall:NAME(1,0x2)`, with absolute paths"
)]
pub struct QuestionError(String);

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// What decided it, the decisive first; none where nothing grants what would be needed.
    pub by: Vec<Grantor>,
    /// What the verdict rests on, in a sentence.
    pub because: String,
    /// What would allow it.
    pub remedy: Option<String>,
}

/// Whether something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Allowed,
    /// It fails with this error, or ends the process. Landlock's refusals are EACCES.
    Denied(Action),
    /// It depends on the arguments.
    Depends,
}

impl FromStr for Question {
    type Err = QuestionError;

    fn from_str(text: &str) -> Result<Self, QuestionError> {
        let wrong = || QuestionError(text.to_owned());
        let (kind, what) = text.split_once(':').ok_or_else(wrong)?;
        let path = || {
            let variable = VARIABLES.iter().any(|variable| what.starts_with(variable));
            let path = (what.starts_with('/') || variable).then(|| what.to_owned());
            path.ok_or_else(wrong)
        };
        let port = || {
            what.parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(wrong)
        };
        match kind {
            "read" => Ok(Self::Read(path()?)),
            "write" => Ok(Self::Write(path()?)),
            "run" | "exec" => Ok(Self::Run(path()?)),
            "connect" => Ok(Self::Connect(port()?)),
            "listen" | "bind" => Ok(Self::Listen(port()?)),
            "syscall" => {
                let (name, args) = match what.strip_suffix(')').and_then(|it| it.split_once('(')) {
                    Some((name, args)) => (name, Some(arguments(args).ok_or_else(wrong)?)),
                    None => (what, None),
                };
                let known = syscalls::is_known(name).then(|| name.to_owned());
                let name = known.ok_or_else(wrong)?;
                Ok(Self::Syscall { name, args })
            }
            _ => Err(wrong()),
        }
    }
}

fn arguments(list: &str) -> Option<Vec<u64>> {
    let items = list
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let number = |item: &str| match item.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => item
            .parse()
            .ok()
            .or_else(|| Some(item.parse::<i64>().ok()? as u64)),
    };
    let args: Vec<u64> = items.map(number).collect::<Option<_>>()?;
    (args.len() <= 6).then_some(args)
}

impl Explanation {
    /// Answers a question about a worker, which is where a function's calls run.
    ///
    /// # Errors
    /// Never for programs that were compiled here.
    pub fn ask(&self, question: &Question) -> Result<Answer, InterpretError> {
        match question {
            Question::Read(path) => Ok(self.path(path, "read")),
            Question::Write(path) => Ok(self.path(path, "write")),
            Question::Run(path) => match self.call("execve", &[])? {
                refused if refused.verdict != Verdict::Allowed => Ok(Answer {
                    remedy: Some(format!("run: [{{path: {path}, why: …}}]")),
                    ..refused
                }),
                _ => Ok(self.path(path, "run")),
            },
            Question::Connect(port) => self.port(*port, "connect"),
            Question::Listen(port) => self.port(*port, "listen"),
            Question::Syscall {
                name,
                args: Some(args),
            } => self.call(name, args),
            Question::Syscall { name, args: None } => {
                if conditional(self.function.table(), name)
                    || conditional(self.worker.table(), name)
                {
                    return Ok(self.depends(name));
                }
                self.call(name, &[])
            }
        }
    }

    /// Landlock adds up the rights of every rule on the way from the path to the root.
    fn path(&self, path: &str, doing: &str) -> Answer {
        let place = Place::of(path);
        let needed = place.needed(doing);
        let on_the_way: Vec<&PathRule> = self
            .paths
            .iter()
            .filter(|rule| !rule.zygote_only && !rule.skipped && place.is_below(&rule.path))
            .collect();
        let gives = |rule: &&&PathRule| needed.iter().any(|right| rule.rights.contains(right));
        let by: Vec<Grantor> = on_the_way
            .iter()
            .filter(gives)
            .map(|rule| rule.by.clone())
            .collect();
        let missing: Vec<&str> = needed
            .iter()
            .copied()
            .filter(|right| !on_the_way.iter().any(|rule| rule.rights.contains(right)))
            .collect();
        let shown = place.shown(path);
        if missing.is_empty() {
            return Answer {
                verdict: Verdict::Allowed,
                by,
                because: format!("Landlock allows {} on {shown}", needed.join(" and ")),
                remedy: None,
            };
        }
        Answer {
            verdict: Verdict::Denied(Action::Errno(libc::EACCES as u16)),
            by,
            because: format!(
                "no entry grants {} on {shown} or above it",
                missing.join(" and ")
            ),
            remedy: Some(format!("{doing}: [{{path: \"{path}\", why: …}}]")),
        }
    }

    fn port(&self, port: u16, doing: &'static str) -> Result<Answer, InterpretError> {
        let mut ports = self.ports.iter();
        let rule = ports.find(|rule| rule.port == port && rule.right == doing);
        let name = if doing == "connect" {
            "connect"
        } else {
            "bind"
        };
        let through = self.call(name, &[])?;
        let remedy = Some(format!("{doing}: [{{port: {port}, why: …}}]"));
        Ok(match rule {
            Some(rule) if through.verdict == Verdict::Allowed => Answer {
                verdict: Verdict::Allowed,
                by: vec![rule.by.clone()],
                because: format!("Landlock allows it on TCP port {port}, at any address"),
                remedy: None,
            },
            Some(_) => through,
            None if through.verdict == Verdict::Allowed => Answer {
                verdict: Verdict::Denied(Action::Errno(libc::EACCES as u16)),
                by: Vec::new(),
                because: format!(
                    "no entry grants TCP port {port}, and Landlock refuses the others"
                ),
                remedy,
            },
            None => Answer {
                because: format!("no entry grants a port, so the filter refuses {name}"),
                remedy,
                ..through
            },
        })
    }

    fn call(&self, name: &str, args: &[u64]) -> Result<Answer, InterpretError> {
        let arch = self.function.table().arch();
        let Some(number) = syscalls::number(arch, name) else {
            return Ok(Answer {
                verdict: Verdict::Denied(Action::Errno(libc::ENOSYS as u16)),
                by: Vec::new(),
                because: format!("this architecture has no {name}"),
                remedy: None,
            });
        };
        let mut data = SeccompData {
            nr: number as i32,
            arch: arch.audit(),
            instruction_pointer: 0,
            args: [0; 6],
        };
        data.args
            .iter_mut()
            .zip(args)
            .for_each(|(to, from)| *to = *from);
        let (function, worker) = &self.programs;
        let verdict = run_chain(&[worker, function], &data)?;
        let action = Action::from_verdict(verdict).unwrap_or(Action::KillProcess);
        let decides = |derived: &Derived| {
            let entry = derived.table().entries().get(&number);
            let clause = entry.and_then(|entry| entry.deciding_clause(&data));
            let by = derived.grantor(number, clause).clone();
            (derived.table().evaluate(&data) == action).then_some(by)
        };
        let of_worker = decides(&self.worker).filter(|_| !action.is_allow());
        let by: Vec<Grantor> = of_worker
            .or_else(|| decides(&self.function))
            .into_iter()
            .collect();
        let because = match by.first().and_then(Grantor::why) {
            Some(why) => why.to_owned(),
            None => format!("an entry names {name}"),
        };
        let verdict = match action {
            Action::Allow => Verdict::Allowed,
            refused => Verdict::Denied(refused),
        };
        let remedy = (!action.is_allow()).then(|| {
            format!("advanced: {{seccomp: [{{names: [{name}], action: allow, why: …}}]}}")
        });
        // What is taken from a worker no entry gives back.
        let remedy = remedy.filter(|_| decides(&self.worker).is_none());
        Ok(Answer {
            verdict,
            by,
            because,
            remedy,
        })
    }

    fn depends(&self, name: &str) -> Answer {
        let mut cases = Vec::new();
        let mut by: Vec<Grantor> = Vec::new();
        for derived in [&self.worker, &self.function] {
            let taken = std::ptr::eq(derived, &self.worker);
            let rows = derived.rows();
            for row in rows.iter().filter(|row| row.name == Some(name)) {
                let when = match (row.clause, row.action) {
                    (Some(clause), _) => clause.to_string(),
                    // Then the other filter is asked.
                    (None, Action::Allow) if taken => continue,
                    (None, _) => "otherwise".to_owned(),
                };
                cases.push(format!("{}: {}", when, row.action));
                if !by.contains(row.by) {
                    by.push(row.by.clone());
                }
            }
        }
        Answer {
            verdict: Verdict::Depends,
            by,
            because: cases.join("; "),
            remedy: Some(format!(
                "ask `syscall:{name}(ARG0,ARG1,…)` about certain arguments"
            )),
        }
    }
}

fn conditional(table: &RuleTable, name: &str) -> bool {
    let number = syscalls::number(table.arch(), name);
    let entry = number.and_then(|number| table.entries().get(&number));
    entry.is_some_and(super::bpf::Entry::is_conditional)
}

/// `allowed`, `denied: EACCES`, `denied: the process is killed`, `depends on the arguments`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => f.write_str("allowed"),
            Self::Denied(Action::KillProcess) => f.write_str("denied: the process is killed"),
            Self::Denied(Action::Errno(0)) => f.write_str("denied: reports success without effect"),
            Self::Denied(action) => write!(f, "denied: {action}"),
            Self::Depends => f.write_str("depends on the arguments"),
        }
    }
}

#[cfg(test)]
mod tests;
