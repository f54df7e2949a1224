//! Seccomp profiles of OCI runtimes and Docker, as `advanced.seccomp` and back.
//!
//! The format is that of Docker and Podman (`/usr/share/containers/seccomp.json`): the OCI runtime
//! specification's `linux.seccomp`, and rules that are `includes` or `excludes` by capability,
//! architecture and kernel. What cannot be said on the other side is refused where it would be more, and
//! told in any case. Knows serde; who reads and writes JSON brings the reader.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::diagnostic::printable;
use super::entries::comparison;
use super::{ArgumentCheck, Origin, SeccompAction, SeccompGrant};
use crate::names::{errno, syscalls};

/// A document: what is answered to every call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The answer to a call that no rule is about, or whose rules do not hold.
    pub default_action: String,
    /// The error of that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_errno_ret: Option<u32>,
    /// Architectures whose calls are meant, as libseccomp names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architectures: Option<Vec<String>>,
    /// The rules.
    #[serde(default)]
    pub syscalls: Option<Vec<Rule>>,
}

/// One answer to some calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The calls.
    #[serde(default)]
    pub names: Vec<String>,
    /// One call, in documents of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The answer.
    pub action: String,
    /// The error of that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno_ret: Option<u32>,
    /// What must hold of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<Argument>>,
    /// The rule is there only if all of this is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub includes: Option<When>,
    /// The rule is there only if nothing of this is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excludes: Option<When>,
}

/// A comparison of one argument, all 64 bits of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Argument {
    /// Which, counted from 0.
    pub index: u8,
    /// What it is compared with; a mask for `SCMP_CMP_MASKED_EQ`.
    pub value: u64,
    /// What it is compared with under the mask.
    #[serde(default)]
    pub value_two: u64,
    /// `SCMP_CMP_*`.
    pub op: String,
}

/// When a rule is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct When {
    /// Capabilities: `CAP_SYS_ADMIN`.
    #[serde(default)]
    pub caps: Option<Vec<String>>,
    /// Architectures by Go's names: `amd64`.
    #[serde(default)]
    pub arches: Option<Vec<String>>,
    /// The oldest kernel: `4.8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_kernel: Option<String>,
}

/// For whom a document is imported.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Capabilities that are assumed; functions have none.
    pub capabilities: BTreeSet<String>,
    /// The architecture by Go's name: `amd64`, `arm64`.
    pub arch: String,
    /// The kernel: 6, 18.
    pub kernel: (u32, u32),
}

/// What a document comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Entries of `advanced.seccomp`; together they answer every known call.
    pub grants: Vec<SeccompGrant>,
    /// What could not be said, or is said more strictly.
    pub notes: Vec<String>,
}

impl Document {
    /// Translates the document, which `file` names.
    #[must_use]
    pub fn import(&self, file: &str, circumstances: &Circumstances) -> Imported {
        let mut import = Import {
            file,
            rules: BTreeMap::new(),
            unknown: BTreeSet::new(),
            notes: BTreeSet::new(),
        };
        if let Some(architectures) = &self.architectures {
            for name in architectures {
                if !["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"].contains(&name.as_str()) {
                    import.note(format!(
                        "{name}: calls of other architectures are never made"
                    ));
                }
            }
        }
        let default = import.action(&self.default_action, self.default_errno_ret);
        for rule in self.syscalls.iter().flatten() {
            if circumstances.hold(rule) {
                import.rule(rule);
            }
        }
        import.finish(&default)
    }
}

impl Circumstances {
    /// As Docker and Podman decide whether a rule is there.
    fn hold(&self, rule: &Rule) -> bool {
        let has = |capability: &String| self.capabilities.contains(capability);
        let lists = |when: &When| {
            let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
            (list(&when.caps), list(&when.arches))
        };
        let new_enough = |when: &When| {
            let (major, minor) = when.min_kernel.as_deref()?.split_once('.')?;
            Some(self.kernel >= (major.parse().ok()?, minor.parse().ok()?))
        };
        let included = rule.includes.as_ref().is_none_or(|when| {
            let (caps, arches) = lists(when);
            caps.iter().all(has)
                && (arches.is_empty() || arches.contains(&self.arch))
                && new_enough(when) != Some(false)
        });
        let excluded = rule.excludes.as_ref().is_some_and(|when| {
            let (caps, arches) = lists(when);
            caps.iter().any(has) || arches.contains(&self.arch) || new_enough(when) == Some(true)
        });
        included && !excluded
    }
}

/// The longest note, in characters.
const MAX_NOTE: usize = 2000;

type Checks = Vec<ArgumentCheck>;

struct Import<'a> {
    file: &'a str,
    /// By call: what must hold, and the answer then.
    rules: BTreeMap<String, Vec<(Checks, SeccompAction)>>,
    unknown: BTreeSet<String>,
    notes: BTreeSet<String>,
}

impl Import<'_> {
    fn note(&mut self, note: String) {
        // What the document says goes into comments and onto terminals.
        self.notes.insert(printable(&note, MAX_NOTE));
    }

    fn action(&mut self, action: &str, errno_ret: Option<u32>) -> SeccompAction {
        match action {
            "SCMP_ACT_ALLOW" => SeccompAction::Allow,
            "SCMP_ACT_KILL_PROCESS" => SeccompAction::Kill,
            "SCMP_ACT_ERRNO" => {
                let number = errno_ret.unwrap_or(libc::EPERM as u32);
                let number = u16::try_from(number).ok().filter(|number| *number <= 4095);
                if number.is_none() {
                    self.note("an error above 4095 does not exist: 4095 is answered".to_owned());
                }
                SeccompAction::Errno(errno::to_written(number.unwrap_or(4095)))
            }
            "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" | "SCMP_ACT_TRAP" => {
                self.note(format!(
                    "{action} has no counterpart: the process is killed instead"
                ));
                SeccompAction::Kill
            }
            other => {
                self.note(format!(
                    "{other} has no counterpart: refused with EPERM instead"
                ));
                SeccompAction::Errno("EPERM".to_owned())
            }
        }
    }

    fn rule(&mut self, rule: &Rule) {
        let action = self.action(&rule.action, rule.errno_ret);
        let alternatives = self.alternatives(rule.args.as_deref().unwrap_or_default());
        for name in rule.names.iter().chain(&rule.name) {
            if !syscalls::is_known(name) {
                self.unknown.insert(name.clone());
                continue;
            }
            let rules = self.rules.entry(name.clone()).or_default();
            for checks in &alternatives {
                let rule = (checks.clone(), action.clone());
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }

    /// What must hold, as alternatives: two comparisons of one argument are two rules, as in runc.
    fn alternatives(&mut self, args: &[Argument]) -> Vec<Checks> {
        let indexes: BTreeSet<u8> = args.iter().map(|arg| arg.index).collect();
        let apart = indexes.len() < args.len();
        let mut checks = Vec::new();
        for arg in args {
            match self.check(arg) {
                Some(check) => checks.push(check),
                // It holds for ever, so that nothing else has to; or never.
                None if apart && always(arg) => return vec![Vec::new()],
                None if always(arg) => {}
                None if apart => {}
                None => return Vec::new(),
            }
        }
        checks.sort();
        checks.dedup();
        match apart {
            true => checks.into_iter().map(|check| vec![check]).collect(),
            false => vec![checks],
        }
    }

    fn check(&mut self, arg: &Argument) -> Option<ArgumentCheck> {
        let (op, value, mask) = match arg.op.as_str() {
            "SCMP_CMP_EQ" => ("eq", arg.value, None),
            "SCMP_CMP_NE" => ("ne", arg.value, None),
            "SCMP_CMP_LT" => ("lt", arg.value, None),
            "SCMP_CMP_LE" => ("le", arg.value, None),
            "SCMP_CMP_GE" => ("ge", arg.value, None),
            "SCMP_CMP_GT" => ("gt", arg.value, None),
            "SCMP_CMP_MASKED_EQ" => ("eq", arg.value_two, Some(arg.value)),
            other => {
                self.note(format!("`{other}` is no comparison: its rule is left out"));
                return None;
            }
        };
        if arg.index > 5 {
            self.note(format!(
                "there is no argument {}: its rule is left out",
                arg.index
            ));
            return None;
        }
        Some(ArgumentCheck {
            index: arg.index,
            compare: comparison(op, value, mask)?,
        })
    }

    /// What no rule is about gets the default, call by call: a profile has none of its own.
    fn finish(mut self, default: &SeccompAction) -> Imported {
        // Calls with the same rules share their entries, and so the order of these.
        let mut alike: BTreeMap<Vec<(Checks, SeccompAction)>, Vec<String>> = BTreeMap::new();
        for name in syscalls::all() {
            let rules = self.rules.remove(name).unwrap_or_default();
            let (mut rules, mut unconditional): (Vec<_>, Vec<_>) = rules
                .into_iter()
                .partition(|(checks, _)| !checks.is_empty());
            if unconditional.len() > 1 {
                self.note(format!(
                    "{name}: several answers without arguments; the first is taken"
                ));
            }
            if !unconditional.is_empty() && !rules.is_empty() {
                self.note(format!(
                    "{name}: rules with and without arguments; those with arguments go first, where \
                     libseccomp would leave them out"
                ));
            }
            unconditional.push((Vec::new(), default.clone()));
            rules.extend(unconditional.into_iter().take(1));
            alike.entry(rules).or_default().push(name.to_owned());
        }
        let entries = alike.into_iter().flat_map(|(rules, names)| {
            let entry = move |rule| (rule, names.clone());
            rules.into_iter().map(entry).collect::<Vec<_>>()
        });
        let entries: Vec<((Checks, SeccompAction), Vec<String>)> = entries.collect();
        if !self.unknown.is_empty() {
            let names: Vec<String> = std::mem::take(&mut self.unknown).into_iter().collect();
            self.note(format!(
                "not calls of x86-64 or arm64, and left out: {}",
                names.join(", ")
            ));
        }
        let grants = entries
            .into_iter()
            .map(|((args, action), names)| SeccompGrant {
                names,
                action,
                args,
                why: Some(format!("imported from {}", self.file)),
                origin: Origin {
                    file: self.file.into(),
                    line: 0,
                    column: 0,
                    length: 0,
                },
            });
        Imported {
            grants: grants.collect(),
            notes: self.notes.into_iter().collect(),
        }
    }
}

/// Of comparisons that can only have one result: whether they always hold.
fn always(arg: &Argument) -> bool {
    match (arg.op.as_str(), arg.value) {
        ("SCMP_CMP_GE", 0) | ("SCMP_CMP_LE", u64::MAX) => true,
        ("SCMP_CMP_MASKED_EQ", 0) => arg.value_two == 0,
        _ => false,
    }
}
