//! System calls that a profile gives an answer by name (`advanced.seccomp`).
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::SyscallsError;
use crate::names::{errno, syscalls};
use crate::policy::bpf::Action;
use crate::profile::{Origin, SeccompAction, SeccompGrant};

/// One answer per name.
pub(super) struct Grants<'a>(BTreeMap<&'a str, (Action, &'a Origin)>);

impl<'a> Grants<'a> {
    pub(super) fn allows(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|(action, _)| *action == Action::Allow)
    }

    pub(super) fn allowed(&self) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(|(_, (action, _))| *action == Action::Allow)
            .map(|(&name, _)| name)
    }

    pub(super) fn refusals(&self) -> impl Iterator<Item = (&'a str, Action)> {
        self.0
            .iter()
            .filter(|(_, (action, _))| *action != Action::Allow)
            .map(|(&name, &(action, _))| (name, action))
    }
}

/// Allowances are unions, so `allow` wins over refusals; two different refusals are an error.
///
/// The order of the grants does not matter.
pub(super) fn resolve(grants: &[SeccompGrant]) -> Result<Grants<'_>, SyscallsError> {
    let mut answers: BTreeMap<&str, (Action, &Origin)> = BTreeMap::new();
    let refusals = |grant: &&SeccompGrant| grant.action != SeccompAction::Allow;
    let (refused, allowed): (Vec<_>, Vec<_>) = grants.iter().partition(refusals);
    for grant in allowed.into_iter().chain(refused) {
        let action = action(grant)?;
        for name in &grant.names {
            if !syscalls::is_known(name) {
                return Err(SyscallsError::UnknownCall {
                    name: name.clone(),
                    origin: grant.origin.clone(),
                });
            }
            let &mut (known, first) = answers.entry(name).or_insert((action, &grant.origin));
            if known != action && known != Action::Allow {
                return Err(SyscallsError::Conflict {
                    name: name.clone(),
                    first: first.clone(),
                    second: grant.origin.clone(),
                });
            }
        }
    }
    Ok(Grants(answers))
}

fn action(grant: &SeccompGrant) -> Result<Action, SyscallsError> {
    match &grant.action {
        SeccompAction::Allow => Ok(Action::Allow),
        SeccompAction::Kill => Ok(Action::KillProcess),
        SeccompAction::Errno(name) => errno::value(name)
            .and_then(|value| u16::try_from(value).ok())
            .map(Action::Errno)
            .ok_or_else(|| SyscallsError::UnknownErrno {
                name: name.clone(),
                origin: grant.origin.clone(),
            }),
    }
}
