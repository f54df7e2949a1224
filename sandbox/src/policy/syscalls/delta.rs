//! The small filter on top of a worker: what its zygote needed and a call must not have.
//!
//! It allows by default and is installed once per call, so every instruction is paid for by
//! requests. Of two filters the stricter answer holds, and of two errors the newer filter's: an
//! entry here must not meet a call that the large filter notifies.
#![forbid(unsafe_code)]

use super::arguments::{bits, dword, values, when};
use super::{Derived, Intents, SyscallsError, grants, reasons, substitutes};
use crate::names::syscalls::{Arch, number};
use crate::policy::bpf::{Action, BpfError, Clause, Compare, Condition, Entry, RuleTable, Width};

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);
const EBUSY: Action = Action::Errno(libc::EBUSY as u16);
/// Reports success, does nothing.
const UNCHANGED: Action = Action::Errno(0);

/// `<linux/prctl.h>`: SET_PDEATHSIG, SET_DUMPABLE, SET_SECCOMP, SET_CHILD_SUBREAPER. A dumpable worker
/// would be open to the domain around it; a subreaper would keep what the undertaker must find.
/// What can only be reduced and never undone (NO_NEW_PRIVS, the bounding set) a worker may go on with.
const PRCTL_OF_ZYGOTES: &[u32] = &[1, 4, 22, 36];
/// CLONE_THREAD of `<linux/sched.h>`.
const CLONE_THREAD: u32 = 0x1_0000;

/// Calls that a zygote makes under the large filter. A profile's refusal of one of them is the
/// worker's matter, or there would be no worker.
pub(super) const ZYGOTE: &[&str] = &[
    "clone",
    "execve",
    "execveat",
    "fork",
    "kill",
    "landlock_restrict_self",
    "prctl",
    "seccomp",
    "setpgid",
    "setsid",
    "vfork",
];

/// What is taken from a worker.
///
/// A profile's `allow` gives none of it back: those entries protect the sandbox, not the operator's
/// taste. Where it allows a call that would do the same by another name, that is taken as well.
///
/// # Errors
/// As [`super::function_filter`].
pub fn worker_delta(intents: &Intents<'_>) -> Result<RuleTable, SyscallsError> {
    Ok(derive_worker(intents)?.into_table())
}

/// As [`worker_delta`], with who decided what.
///
/// # Errors
/// As [`super::function_filter`].
pub fn derive_worker(intents: &Intents<'_>) -> Result<Derived, SyscallsError> {
    let granted = grants::resolve(intents.grants)?;
    let mut derived = Derived::new(intents.arch, Action::Allow, reasons::FUNCTIONS)?;
    let mut take = |name: &str, entry: Entry| derived.of_worker(name, entry);
    take("seccomp", Entry::always(EPERM)?)?;
    // The answer of a kernel without Landlock: programs that would restrict themselves go on.
    take("landlock_restrict_self", Entry::always(ENOSYS)?)?;
    take("prctl", values(0, PRCTL_OF_ZYGOTES, EPERM, Action::Allow)?)?;
    if !intents.processes {
        // EPERM rather than EAGAIN, after which shells try again for seconds.
        for name in ["fork", "vfork"] {
            take(name, Entry::always(EPERM)?)?;
        }
        take(
            "clone",
            when(
                vec![bits(0, CLONE_THREAD, CLONE_THREAD)?],
                Action::Allow,
                EPERM,
            )?,
        )?;
        if granted.allows("clone3") {
            take("clone3", Entry::always(ENOSYS)?)?;
        }
    }
    if !intents.exec {
        for name in ["execve", "execveat"] {
            take(name, Entry::always(EPERM)?)?;
        }
    }
    if intents.group_burial {
        // Who left the process group would survive its burial.
        for name in ["setpgid", "setsid"] {
            take(name, Entry::always(EPERM)?)?;
        }
    }
    for (name, entry) in substitutes::of_worker(intents)? {
        take(name, entry)?;
    }
    if intents.substitutes.signals && granted.allows("pidfd_send_signal") {
        take("pidfd_send_signal", Entry::always(ENOSYS)?)?;
    }
    for (name, answer) in granted.iter() {
        if !answer.allows() && ZYGOTE.contains(&name) {
            derived.give(name, answer)?;
        }
    }
    Ok(derived)
}

/// Pins a descriptor in a worker's table: it stays open, stays what it is, and survives `execve`.
///
/// Closing it and setting its close-on-exec flag report success and do nothing, as programs that
/// close all descriptors expect; duplicating another onto it is EBUSY. A `close_range` over it does
/// nothing, and never reports ENOSYS, after which `closefrom` would loop. The ioctl FIOCLEX is not
/// stopped: the descriptor must be opened O_PATH, which ioctl does not accept.
///
/// # Errors
/// Never for descriptors and calls that exist; the constructors' errors otherwise.
pub fn pin_descriptor(table: &mut RuleTable, fd: u32) -> Result<(), BpfError> {
    const F_SETFD: u32 = 2;
    let arch: Arch = table.arch();
    let at = |arg, compare| Condition::new(arg, Width::Dword, compare);
    let spans = vec![
        at(0, Compare::AtMost(u64::from(fd)))?,
        at(1, Compare::AtLeast(u64::from(fd)))?,
    ];
    let entries = [
        (
            "close",
            when(vec![dword(0, fd)?], UNCHANGED, Action::Allow)?,
        ),
        ("close_range", when(spans, UNCHANGED, Action::Allow)?),
        ("dup2", when(vec![dword(1, fd)?], EBUSY, Action::Allow)?),
        ("dup3", when(vec![dword(1, fd)?], EBUSY, Action::Allow)?),
        (
            "fcntl",
            Entry::new(
                vec![Clause::new(
                    vec![dword(0, fd)?, dword(1, F_SETFD)?],
                    UNCHANGED,
                )?],
                Action::Allow,
            )?,
        ),
    ];
    for (name, entry) in entries {
        if let Some(number) = number(arch, name) {
            table.insert(number, entry)?;
        }
    }
    Ok(())
}
