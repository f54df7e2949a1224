//! System calls that a profile gives an answer by name (`advanced.seccomp`).
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::SyscallsError;
use crate::names::{errno, syscalls};
use crate::policy::bpf::{Action, BpfError, Clause, Compare, Condition, Entry, Width};
use crate::policy::provenance::Grantor;
use crate::profile::{ArgumentCheck, ArgumentCompare, Granted, SeccompAction, SeccompGrant, What};

/// The answers that a profile gives, by name.
pub(super) struct Grants<'a>(BTreeMap<&'a str, Answer<'a>>);

/// The answers that a profile gives to one call.
#[derive(Default)]
pub(super) struct Answer<'a> {
    /// For certain arguments, in the order of the profile: the first whose conditions hold.
    conditional: Vec<(Vec<Condition>, Given<'a>)>,
    /// For all others; without it, what holds anyway.
    otherwise: Option<Given<'a>>,
}

type Given<'a> = (Action, &'a SeccompGrant);

impl<'a> Grants<'a> {
    /// Whether the call is allowed with some arguments.
    pub(super) fn allows(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Answer::allows)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &Answer<'a>)> {
        self.0.iter().map(|(&name, answer)| (name, answer))
    }
}

impl<'a> Answer<'a> {
    /// Whether it allows the call with some arguments.
    pub(super) fn allows(&self) -> bool {
        let conditional = self.conditional.iter().map(|(_, given)| given);
        let mut all = conditional.chain(&self.otherwise);
        all.any(|(action, _)| action.is_allow())
    }

    /// The answer over an entry that it adds to, or replaces where it says what holds otherwise.
    pub(super) fn over(
        &self,
        beneath: &Entry,
        beneath_by: &[Grantor],
    ) -> Result<(Entry, Vec<Grantor>), BpfError> {
        let (mut clauses, mut by) = (Vec::new(), Vec::new());
        for (conditions, (action, grant)) in &self.conditional {
            clauses.push(Clause::new(conditions.clone(), *action)?);
            by.push(grantor(grant));
        }
        match self.otherwise {
            Some((otherwise, grant)) => {
                by.push(grantor(grant));
                Ok((Entry::new(clauses, otherwise)?, by))
            }
            None => {
                clauses.extend_from_slice(beneath.clauses());
                by.extend_from_slice(beneath_by);
                Ok((Entry::new(clauses, beneath.otherwise())?, by))
            }
        }
    }

    /// What is known of these conditions; new ones become known.
    fn given(&mut self, conditions: &[Condition], new: Given<'a>) -> &mut Given<'a> {
        if conditions.is_empty() {
            return self.otherwise.get_or_insert(new);
        }
        let mut known = self.conditional.iter();
        let at = known.position(|(known, _)| known == conditions);
        let at = at.unwrap_or_else(|| {
            self.conditional.push((conditions.to_vec(), new));
            self.conditional.len() - 1
        });
        &mut self.conditional[at].1
    }
}

fn grantor(grant: &SeccompGrant) -> Grantor {
    Granted::from(What::Seccomp(grant)).into()
}

/// Allowances are unions, so of two answers to the same arguments `allow` wins; two different refusals
/// are an error. What is said of certain arguments goes before what is said of all, in the order in
/// which it is written; but for that, the order of the grants does not matter.
pub(super) fn resolve(grants: &[SeccompGrant]) -> Result<Grants<'_>, SyscallsError> {
    let mut answers: BTreeMap<&str, Answer<'_>> = BTreeMap::new();
    for grant in grants {
        let action = action(grant)?;
        let conditions = conditions(&grant.args)?;
        for name in &grant.names {
            if !syscalls::is_known(name) {
                return Err(SyscallsError::UnknownCall {
                    name: name.clone(),
                    origin: grant.origin.clone(),
                });
            }
            let answer = answers.entry(name).or_default();
            let known = answer.given(&conditions, (action, grant));
            match (known.0, action) {
                (first, second) if first == second || first.is_allow() => {}
                (_, Action::Allow) => *known = (action, grant),
                _ if is_allowed(grants, name, &conditions)? => {}
                _ => {
                    return Err(SyscallsError::Conflict {
                        name: name.clone(),
                        first: known.1.origin.clone(),
                        second: grant.origin.clone(),
                    });
                }
            }
        }
    }
    Ok(Grants(answers))
}

/// Whether one of the grants, which may be still to come, allows the call under these conditions.
fn is_allowed(
    grants: &[SeccompGrant],
    name: &str,
    under: &[Condition],
) -> Result<bool, SyscallsError> {
    for grant in grants {
        let allows = grant.action == SeccompAction::Allow;
        if allows
            && grant.names.iter().any(|known| known == name)
            && conditions(&grant.args)? == under
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn action(grant: &SeccompGrant) -> Result<Action, SyscallsError> {
    match &grant.action {
        SeccompAction::Allow => Ok(Action::Allow),
        SeccompAction::Kill => Ok(Action::KillProcess),
        SeccompAction::Errno(name) => {
            errno::written(name)
                .map(Action::Errno)
                .ok_or_else(|| SyscallsError::UnknownErrno {
                    name: name.clone(),
                    origin: grant.origin.clone(),
                })
        }
    }
}

/// In one order, each once.
fn conditions(args: &[ArgumentCheck]) -> Result<Vec<Condition>, BpfError> {
    let mut conditions: Vec<_> = args.iter().map(condition).collect::<Result<_, _>>()?;
    conditions.sort();
    conditions.dedup();
    Ok(conditions)
}

/// All 64 bits are compared, as by OCI runtimes; under a mask of 32 bits the high word does not count.
fn condition(check: &ArgumentCheck) -> Result<Condition, BpfError> {
    let wide = |compare| Condition::new(check.index, Width::Qword, compare);
    match check.compare {
        ArgumentCompare::Equal(value) => wide(Compare::Eq(value)),
        ArgumentCompare::NotEqual(value) => wide(Compare::Ne(value)),
        ArgumentCompare::Less(value) => wide(Compare::AtMost(value.wrapping_sub(1))),
        ArgumentCompare::AtMost(value) => wide(Compare::AtMost(value)),
        ArgumentCompare::AtLeast(value) => wide(Compare::AtLeast(value)),
        ArgumentCompare::Greater(value) => wide(Compare::AtLeast(value.wrapping_add(1))),
        ArgumentCompare::Masked { mask, value } => {
            let (width, compare) = match u32::try_from(mask) {
                Ok(u32::MAX) => (Width::Dword, Compare::Eq(value)),
                Ok(_) => (Width::Dword, Compare::MaskedEq { mask, value }),
                Err(_) => (Width::Qword, Compare::MaskedEq { mask, value }),
            };
            Condition::new(check.index, width, compare)
        }
    }
}
