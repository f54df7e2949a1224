//! What a profile's intents mean as system calls.
//!
//! Two filters: a large one for everything that belongs to a function, installed once in its zygote
//! and inherited, and a small one that takes from a worker what the zygote needs. What neither lists
//! is refused. Knows calls by name; [`super::bpf`] knows none.
//!
//! What the filters close is what Landlock does not see. What they cannot close (a futex in a shared
//! file's page, stat, the machine's load) they do not pretend to.
#![forbid(unsafe_code)]

mod arguments;
mod delta;
mod derived;
mod floor;
mod grants;
mod reasons;
mod sockets;
mod substitutes;

pub use arguments::has_argument_rules;
pub use delta::{derive_worker, pin_descriptor, worker_delta};
pub use derived::{Derived, Row};
pub use floor::{Group, groups};
#[cfg(test)]
pub(super) use reasons::UNKNOWN;
pub use substitutes::Substitutes;

use crate::names::syscalls::Arch;
use crate::policy::bpf::{Action, BpfError, Entry, RuleTable};
use crate::profile::{Origin, SeccompGrant};

/// What a profile, and the kernel it is compiled for, mean for system calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intents<'a> {
    /// Whose numbers.
    pub arch: Arch,
    /// Some TCP port may be connected to; Landlock knows which.
    pub connect: bool,
    /// Some TCP port may be bound and listened on; Landlock knows which.
    pub listen: bool,
    /// A worker has a listening socket that the host made.
    pub listener: bool,
    /// A worker may start processes (its ceiling is above one). Threads it may start anyway.
    pub processes: bool,
    /// A worker may execute programs after its filter is in place.
    pub exec: bool,
    /// The zygote runs the function's code, whose imports an interpreter makes there.
    pub imports: bool,
    /// Calls that fork are buried by process group (below ABI 6), which nobody may leave then.
    pub group_burial: bool,
    /// What is closed here because this kernel's Landlock does not.
    pub substitutes: Substitutes,
    /// The profile's `advanced.seccomp`.
    pub grants: &'a [SeccompGrant],
}

/// Why intents have no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyscallsError {
    /// No architecture has a call of this name.
    #[error("{origin}: there is no system call {name:?}")]
    UnknownCall {
        /// As written.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// The error's name is not one of the kernel's.
    #[error("{origin}: there is no error {name:?}")]
    UnknownErrno {
        /// As written.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// Two refusals that differ.
    #[error("{second}: {name} has already another answer, given at {first}")]
    Conflict {
        /// The system call.
        name: String,
        /// Where the one answer was given.
        first: Origin,
        /// Where the other.
        second: Origin,
    },
    /// A rule that cannot be written down.
    #[error(transparent)]
    Rule(#[from] BpfError),
}

/// The filter of all processes of a function, its zygote included.
///
/// A grant of the profile without `args` replaces the entry of its call as a whole, so an `allow` lifts
/// the rules on its arguments too; one with `args` adds to it. What [`worker_delta`] takes away stays taken away.
///
/// # Errors
/// When a grant names what does not exist, or two grants refuse one call differently.
pub fn function_filter(intents: &Intents<'_>) -> Result<RuleTable, SyscallsError> {
    Ok(derive_function(intents)?.into_table())
}

/// As [`function_filter`], with who decided what.
///
/// # Errors
/// As [`function_filter`].
pub fn derive_function(intents: &Intents<'_>) -> Result<Derived, SyscallsError> {
    derive(intents, |name| !delta::ZYGOTE.contains(&name))
}

/// What the profile states of all calls, also where a refusal is the worker's matter. For export: no
/// process has it as a filter.
///
/// # Errors
/// As [`function_filter`].
pub fn derive_stated(intents: &Intents<'_>) -> Result<Derived, SyscallsError> {
    derive(intents, |_| true)
}

fn derive(intents: &Intents<'_>, refuses: impl Fn(&str) -> bool) -> Result<Derived, SyscallsError> {
    let granted = grants::resolve(intents.grants)?;
    let refused = Action::Errno(libc::EPERM as u16);
    let mut derived = Derived::new(intents.arch, refused, reasons::UNKNOWN)?;
    for group in groups() {
        for name in group.calls {
            derived.of_function(name, Entry::always(group.answer)?)?;
        }
    }
    for (name, entry) in arguments::rules(intents)? {
        derived.of_function(name, entry)?;
    }
    for (name, answer) in granted.iter() {
        if answer.allows() || refuses(name) {
            derived.give(name, answer)?;
        }
    }
    for (name, entry) in substitutes::of_function(intents)? {
        derived.set(name, entry, reasons::SUBSTITUTE)?;
    }
    // Calls younger than the table are answered as by an older kernel, which newer C libraries expect.
    for number in FIRST_UNKNOWN..END_OF_UNKNOWN {
        let entry = Entry::always(Action::Errno(libc::ENOSYS as u16))?;
        derived.set_number(number, entry, reasons::FUTURE)?;
    }
    Ok(derived)
}

/// The first number that Linux 6.18 has not assigned; new calls have one number everywhere.
const FIRST_UNKNOWN: u32 = 470;
/// Where x86-64 keeps x32's own numbers.
const END_OF_UNKNOWN: u32 = 512;

#[cfg(test)]
mod tests;
