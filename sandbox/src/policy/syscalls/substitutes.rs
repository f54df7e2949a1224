//! What the filters close in Landlock's place, on kernels whose Landlock does not.
//!
//! Files cannot be told apart by path here, nor the processes of a call from others, so each of these
//! rules takes more than Landlock would.
#![forbid(unsafe_code)]

use super::Intents;
use super::arguments::{Rule, bits, dword};
use crate::enforce::Program;
use crate::policy::bpf::{Action, BpfError, Clause, Entry};

/// What Landlock answers.
const EACCES: Action = Action::Errno(libc::EACCES as u16);
const EPERM: Action = Action::Errno(libc::EPERM as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);

/// The channels that the filters close in Landlock's place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Substitutes {
    /// Emptying files without the right to write them (below ABI 3).
    pub truncate: bool,
    /// ioctl on devices without any right on them (below ABI 5).
    pub ioctl_dev: bool,
    /// Signals to other processes (below ABI 6).
    pub signals: bool,
}

impl Substitutes {
    /// Landlock closes all of them.
    pub const NONE: Self = Self {
        truncate: false,
        ioctl_dev: false,
        signals: false,
    };
}

/// Calls that signal processes by number, the target first.
const SIGNALS: [&str; 5] = [
    "kill",
    "tkill",
    "tgkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
];

/// Entries of the filter that all processes of a function share.
pub(super) fn of_function(intents: &Intents<'_>) -> Result<Vec<Rule>, BpfError> {
    let Substitutes {
        truncate,
        ioctl_dev,
        signals,
    } = intents.substitutes;
    let mut rules = Vec::new();
    if truncate {
        rules.push(("truncate", Entry::always(EACCES)?));
    }
    if truncate || ioctl_dev {
        rules.push(("open", open(1, intents.substitutes)?));
        rules.push(("openat", open(2, intents.substitutes)?));
        // Its flags lie in memory. C libraries take ENOSYS for an older kernel and use openat.
        rules.push(("openat2", Entry::always(ENOSYS)?));
    }
    if signals && intents.imports {
        // Its number is not its workers', who inherit this filter: so it is to signal nobody. Not EPERM,
        // by which the fork loop would take the signal scope to be in force.
        for name in SIGNALS {
            rules.push((name, Entry::always(EACCES)?));
        }
    }
    Ok(rules)
}

/// Entries of the filter that each worker adds.
pub(super) fn of_worker(intents: &Intents<'_>) -> Result<Vec<Rule>, BpfError> {
    if !intents.substitutes.signals {
        return Ok(Vec::new());
    }
    // The worker leads its process group, which nobody may leave, so the group is the call. Numbers of
    // its other processes cannot be known ahead.
    let own = |targets: &[u32]| {
        let allowed = targets
            .iter()
            .map(|&target| Clause::new(vec![dword(0, target)?], Action::Allow));
        Entry::new(allowed.collect::<Result<_, _>>()?, EPERM)
    };
    SIGNALS
        .into_iter()
        .map(|name| {
            let entry = match name {
                "kill" => own(&[0, Program::OWN_PID, Program::OWN_GROUP]),
                _ => own(&[Program::OWN_PID]),
            };
            Ok((name, entry?))
        })
        .collect()
}

/// Below ABI 3 a file that may be read, or with access mode 3 any file at all, can be emptied by
/// opening it; who opens for writing has the right to write, and so to empty. Access mode 3 gives a
/// descriptor for ioctl only, and below ABI 5 no right is asked for it (`hook_file_open` of
/// `security/landlock/fs.c`).
fn open(flags: u8, substitutes: Substitutes) -> Result<Entry, BpfError> {
    /// `<asm-generic/fcntl.h>`.
    const ACCESS_MODE: u32 = 3;
    const TRUNCATE: u32 = 0o1000;
    let mut refused = Vec::new();
    if substitutes.ioctl_dev {
        refused.push(bits(flags, ACCESS_MODE, 3)?);
    }
    if substitutes.truncate {
        refused.push(bits(flags, ACCESS_MODE | TRUNCATE, TRUNCATE)?);
        refused.push(bits(flags, ACCESS_MODE | TRUNCATE, TRUNCATE | 3)?);
    }
    let clauses = refused
        .into_iter()
        .map(|condition| Clause::new(vec![condition], EACCES));
    Entry::new(clauses.collect::<Result<_, _>>()?, Action::Allow)
}
