//! Calls whose answer depends on their arguments.
//!
//! Commands and options are lists of what is allowed, never of what is not: the kernel gains new ones.
//! Where the kernel takes 32 bits, 32 bits are compared; what it takes is its own signature
//! (`SYSCALL_DEFINE*`), not the C library's. Constants are from the uapi headers named beside them.
#![forbid(unsafe_code)]

use super::{Intents, Substitutes, sockets};
use crate::names::syscalls::Arch;
use crate::policy::bpf::{Action, BpfError, Clause, Compare, Condition, Entry, Width};

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);
const EINVAL: Action = Action::Errno(libc::EINVAL as u16);
const ENOTTY: Action = Action::Errno(libc::ENOTTY as u16);
const EOPNOTSUPP: Action = Action::Errno(libc::EOPNOTSUPP as u16);

pub(super) type Rule = (&'static str, Entry);

/// The entries of these calls, in the filter that a function's processes share.
pub(super) fn rules(intents: &Intents<'_>) -> Result<Vec<Rule>, BpfError> {
    let mut rules = memory_and_threads()?;
    rules.extend(own_process_only()?);
    rules.extend(clocks()?);
    rules.extend(commands()?);
    rules.extend(files()?);
    rules.extend(sockets::rules(intents)?);
    Ok(rules)
}

/// Whether the answer to this call depends on its arguments, as long as no profile says otherwise.
#[must_use]
pub fn has_argument_rules(name: &str) -> bool {
    const ALL: Intents<'_> = Intents {
        arch: Arch::X86_64,
        connect: true,
        listen: true,
        listener: true,
        processes: true,
        exec: true,
        imports: false,
        group_burial: false,
        substitutes: Substitutes::NONE,
        grants: &[],
    };
    let rules = rules(&ALL).unwrap_or_default();
    let mut rules = rules.iter();
    rules.any(|(known, entry)| *known == name && entry.is_conditional())
}

pub(super) fn dword(arg: u8, value: u32) -> Result<Condition, BpfError> {
    Condition::new(arg, Width::Dword, Compare::Eq(u64::from(value)))
}

pub(super) fn bits(arg: u8, mask: u32, value: u32) -> Result<Condition, BpfError> {
    let (mask, value) = (u64::from(mask), u64::from(value));
    Condition::new(arg, Width::Dword, Compare::MaskedEq { mask, value })
}

/// One answer if all conditions hold, another otherwise.
pub(super) fn when(
    conditions: Vec<Condition>,
    then: Action,
    otherwise: Action,
) -> Result<Entry, BpfError> {
    Entry::new(vec![Clause::new(conditions, then)?], otherwise)
}

/// One answer for these values of an argument, another for the rest.
pub(super) fn values(
    arg: u8,
    values: &[u32],
    then: Action,
    otherwise: Action,
) -> Result<Entry, BpfError> {
    Entry::new(cases(arg, values, then)?, otherwise)
}

fn cases(arg: u8, values: &[u32], action: Action) -> Result<Vec<Clause>, BpfError> {
    values
        .iter()
        .map(|&value| Clause::new(vec![dword(arg, value)?], action))
        .collect()
}

/// `<linux/sched.h>`: every namespace (CLONE_NEW*), CLONE_PARENT (a child of the zygote, which
/// escapes the worker's burial) and CLONE_PTRACE. CLONE_NEWTIME shares its bit with the exit signal
/// and means nothing to clone, only to clone3.
const CLONE_REFUSED: u32 = 0x7e02_0000 | 0x80 | 0x8000 | 0x2000;

/// `<asm-generic/mman-common.h>`. Not MERGEABLE, which lets timing tell equal pages of two calls
/// apart; not COLD and PAGEOUT, which evict shared pages; not HWPOISON and SOFT_OFFLINE.
const MADVISE: &[u32] = &[
    0, 1, 2, 3, 4, // NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED
    8, 9, 10, 11, // FREE, REMOVE, DONTFORK, DOFORK
    13, 14, 15, 16, 17, 18,
    19, // UNMERGEABLE, (NO)HUGEPAGE, DONTDUMP, DODUMP, WIPEONFORK, KEEPONFORK
    22, 23, 24, 25, // POPULATE_READ, POPULATE_WRITE, DONTNEED_LOCKED, COLLAPSE
    102, 103, // GUARD_INSTALL, GUARD_REMOVE
];

/// `<linux/membarrier.h>`: QUERY, the PRIVATE_EXPEDITED commands with their registrations, and
/// GET_REGISTRATIONS. The GLOBAL ones interrupt other processes.
const MEMBARRIER: &[u32] = &[0, 8, 16, 32, 64, 128, 256, 512];

/// `<linux/futex.h>`: WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET, WAKE_BITSET. Not the ones
/// with priority inheritance: they take any thread of the machine for a lock's owner, and so tell
/// whether a process is there and, to the moment, when it ends.
const FUTEX: &[u32] = &[0, 1, 3, 4, 5, 9, 10];

/// ENOSYS: the answer of a kernel without CONFIG_FUTEX_PI, after which glibc has no such mutexes.
fn futex() -> Result<Entry, BpfError> {
    /// FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
    const FLAGS: u32 = 0x80 | 0x100;
    let commands = FUTEX
        .iter()
        .map(|&command| Clause::new(vec![bits(1, !FLAGS, command)?], Action::Allow));
    Entry::new(commands.collect::<Result<_, _>>()?, ENOSYS)
}

fn memory_and_threads() -> Result<Vec<Rule>, BpfError> {
    /// MAP_GROWSDOWN: a mapping that grows by faults, next to which others can be placed.
    const GROWSDOWN: u32 = 0x100;
    Ok(vec![
        (
            "clone",
            when(vec![bits(0, CLONE_REFUSED, 0)?], Action::Allow, EPERM)?,
        ),
        (
            "mmap",
            when(vec![bits(3, GROWSDOWN, 0)?], Action::Allow, EPERM)?,
        ),
        ("futex", futex()?),
        // EINVAL: the answer of a kernel that does not know the advice.
        ("madvise", values(2, MADVISE, Action::Allow, EINVAL)?),
        ("membarrier", values(0, MEMBARRIER, Action::Allow, EPERM)?),
        // 0xffffffff asks; anything else would change how this process's memory is laid out.
        ("personality", values(0, &[u32::MAX], Action::Allow, EPERM)?),
    ])
}

/// A pid must be 0: the caller. With the uid of the host, a worker could set RLIMIT_CPU on the host
/// and so kill it, or read how its neighbours are doing.
///
/// Reading answers ENOSYS: glibc's `pthread_getattr_np`, which Rust and the JVM call at start, asks
/// sched_getaffinity about its thread's number and goes on after that answer only.
fn own_process_only() -> Result<Vec<Rule>, BpfError> {
    /// PRIO_PROCESS; with PRIO_PGRP and PRIO_USER, 0 means a crowd.
    const PRIO_PROCESS: u32 = 0;
    /// IOPRIO_WHO_PROCESS of `<linux/ioprio.h>`.
    const IOPRIO_PROCESS: u32 = 1;
    let caller = |otherwise| values(0, &[0], Action::Allow, otherwise);
    let which = |which, otherwise| {
        when(
            vec![dword(0, which)?, dword(1, 0)?],
            Action::Allow,
            otherwise,
        )
    };
    Ok(vec![
        ("prlimit64", caller(ENOSYS)?),
        ("get_robust_list", caller(ENOSYS)?),
        ("getpgid", caller(ENOSYS)?),
        ("getsid", caller(ENOSYS)?),
        ("sched_getaffinity", caller(ENOSYS)?),
        ("sched_getattr", caller(ENOSYS)?),
        ("sched_getparam", caller(ENOSYS)?),
        ("sched_getscheduler", caller(ENOSYS)?),
        ("sched_rr_get_interval", caller(ENOSYS)?),
        ("sched_setaffinity", caller(EPERM)?),
        ("sched_setattr", caller(EPERM)?),
        ("sched_setparam", caller(EPERM)?),
        ("sched_setscheduler", caller(EPERM)?),
        ("getpriority", which(PRIO_PROCESS, ENOSYS)?),
        ("setpriority", which(PRIO_PROCESS, EPERM)?),
        ("ioprio_get", which(IOPRIO_PROCESS, ENOSYS)?),
        ("ioprio_set", which(IOPRIO_PROCESS, EPERM)?),
    ])
}

/// Clock numbers below 16 are the system's and one's own (`<linux/time.h>`); negative ones are made
/// of a pid or a descriptor and read another's CPU time to the nanosecond. EINVAL is what the
/// kernel says of a clock it does not have.
fn clocks() -> Result<Vec<Rule>, BpfError> {
    let system = || {
        let clock = Condition::new(0, Width::Dword, Compare::AtMost(15))?;
        when(vec![clock], Action::Allow, EINVAL)
    };
    Ok(vec![
        ("clock_getres", system()?),
        ("clock_gettime", system()?),
        ("clock_nanosleep", system()?),
        ("timer_create", system()?),
    ])
}

/// `<linux/prctl.h>`. The zygote's are among them; the worker's filter takes those away.
const PRCTL: &[u32] = &[
    1,
    2,
    3,
    4,
    7, // SET_PDEATHSIG (zygote), GET_PDEATHSIG, GET_DUMPABLE, SET_DUMPABLE (zygote), GET_KEEPCAPS
    15,
    16, // SET_NAME, GET_NAME
    21,
    22, // GET_SECCOMP, SET_SECCOMP (zygote)
    23,
    24, // CAPBSET_READ, CAPBSET_DROP: only ever less
    25,
    27, // GET_TSC, GET_SECUREBITS
    29,
    30, // SET_TIMERSLACK, GET_TIMERSLACK
    36,
    37, // SET_CHILD_SUBREAPER (zygote), GET_CHILD_SUBREAPER
    38,
    39, // SET_NO_NEW_PRIVS, GET_NO_NEW_PRIVS: cannot be undone
    41,
    42, // SET_THP_DISABLE, GET_THP_DISABLE
    47, // CAP_AMBIENT: nothing is permitted that could be raised
    52, // GET_SPECULATION_CTRL
    56, // GET_TAGGED_ADDR_CTRL
    65,
    66,          // SET_MDWE, GET_MDWE: cannot be undone
    68,          // GET_MEMORY_MERGE, not SET_MEMORY_MERGE
    0x4155_5856, // GET_AUXV
    0x5356_4d41, // SET_VMA: names of anonymous memory
];

/// `<linux/fcntl.h>`. SETLK and SETLKW are what SQLite's databases need. Not GETLK and the locks of
/// open files, which show read locks that other calls hold on a shared file (so SQLite's
/// write-ahead log needs `locking_mode=EXCLUSIVE`); not SETOWN, SETSIG,
/// SETLEASE, NOTIFY and the write hints, which reach beyond the process; not SETPIPE_SZ, which
/// spends the user's quota.
const FCNTL: &[u32] = &[
    0, 1, 2, 3, 4, // DUPFD, GETFD, SETFD, GETFL, SETFL
    6, 7, // SETLK, SETLKW
    1027, 1028, // DUPFD_QUERY, CREATED_QUERY
    1030, // DUPFD_CLOEXEC
    1032, 1034, // GETPIPE_SZ, GET_SEALS
];

/// `<asm-generic/ioctls.h>`; TCGETS2 is how glibc 2.42 asks whether a descriptor is a terminal.
const IOCTL: &[u32] = &[
    0x5401,
    0x802c_542a,
    0x5413, // TCGETS, TCGETS2, TIOCGWINSZ
    0x541b,
    0x5421, // FIONREAD, FIONBIO
    0x5450,
    0x5451, // FIONCLEX, FIOCLEX
];

/// FICLONE and FICLONERANGE of `<linux/fs.h>`.
const CLONE_FILE: &[u32] = &[0x4004_9409, 0x4020_940d];

fn commands() -> Result<Vec<Rule>, BpfError> {
    let mut ioctl = cases(1, IOCTL, Action::Allow)?;
    // cp and Python's pathlib copy the bytes after this answer, and not after every other.
    ioctl.extend(cases(1, CLONE_FILE, EOPNOTSUPP)?);
    let seccomp = vec![
        // SET_MODE_FILTER with TSYNC, LOG, SPEC_ALLOW: the zygote's. No listener: it would let the
        // function's code decide what the filter leaves to the host.
        Clause::new(vec![dword(0, 1)?, bits(1, !0b111, 0)?], Action::Allow)?,
        Clause::new(vec![dword(0, 2)?], Action::Allow)?, // GET_ACTION_AVAIL
    ];
    Ok(vec![
        ("prctl", values(0, PRCTL, Action::Allow, EPERM)?),
        ("fcntl", values(1, FCNTL, Action::Allow, EPERM)?),
        // ENOTTY: every program that tries an ioctl lives with a descriptor that does not have it.
        ("ioctl", Entry::new(ioctl, ENOTTY)?),
        ("seccomp", Entry::new(seccomp, EPERM)?),
    ])
}

fn files() -> Result<Vec<Rule>, BpfError> {
    /// S_IFMT, and regular files (0 and S_IFREG) and FIFOs under it. No sockets, no devices.
    const TYPE: u32 = 0o170_000;
    let make = |arg| {
        let kinds = [0, 0o100_000, 0o010_000];
        let clauses = kinds.map(|kind| Clause::new(vec![bits(arg, TYPE, kind)?], Action::Allow));
        Entry::new(clauses.into_iter().collect::<Result<_, _>>()?, EPERM)
    };
    // RWF_NOWAIT tells whether a page is cached, so whether another call has read it. EOPNOTSUPP is
    // the kernel's answer to a flag it does not know.
    let no_flags = || values(5, &[0], Action::Allow, EOPNOTSUPP);
    Ok(vec![
        ("mknod", make(1)?),
        ("mknodat", make(2)?),
        ("preadv2", no_flags()?),
        ("pwritev2", no_flags()?),
    ])
}
