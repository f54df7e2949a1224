//! Why a call's arguments are looked at, and why a worker loses what it loses: for `explain`.
//!
//! The rules themselves, with a reason for every value, are beside the values.
#![forbid(unsafe_code)]

use super::floor::groups;
use crate::policy::provenance::Grantor;

/// Calls with one reason.
struct Reason {
    rule: &'static str,
    why: &'static str,
    calls: &'static [&'static str],
}

const ARGUMENTS: &[Reason] = &[
    Reason {
        rule: "threads and memory",
        why: "threads without namespaces, mappings that do not grow by faults, advice and fences that \
              stay within the process",
        calls: &[
            "clone",
            "futex",
            "madvise",
            "membarrier",
            "mmap",
            "personality",
        ],
    },
    Reason {
        rule: "own process only",
        why: "a pid must be 0, the caller: with the host's user a worker could otherwise set its limits \
              or watch its neighbours",
        calls: &[
            "get_robust_list",
            "getpgid",
            "getpriority",
            "getsid",
            "ioprio_get",
            "ioprio_set",
            "prlimit64",
            "sched_getaffinity",
            "sched_getattr",
            "sched_getparam",
            "sched_getscheduler",
            "sched_rr_get_interval",
            "sched_setaffinity",
            "sched_setattr",
            "sched_setparam",
            "sched_setscheduler",
            "setpriority",
        ],
    },
    Reason {
        rule: "clocks",
        why: "the machine's clocks and one's own; the others read another process's CPU time",
        calls: &[
            "clock_getres",
            "clock_gettime",
            "clock_nanosleep",
            "timer_create",
        ],
    },
    Reason {
        rule: "commands",
        why: "commands that stay within the process, listed one by one: the kernel gains new ones",
        calls: &["fcntl", "ioctl", "prctl", "seccomp"],
    },
    Reason {
        rule: "files",
        why: "no devices or sockets by path; no flags that tell what other calls have read",
        calls: &["mknod", "mknodat", "preadv2", "pwritev2"],
    },
    Reason {
        rule: "sockets",
        why: "Landlock rules TCP ports and nothing else that a socket reaches; so TCP only, only where \
              the profile grants a port, and nothing that connects past its rule",
        calls: &[
            "bind",
            "connect",
            "getsockopt",
            "listen",
            "sendmmsg",
            "sendmsg",
            "sendto",
            "setsockopt",
            "socket",
            "socketpair",
        ],
    },
];

const WORKER: &[Reason] = &[
    Reason {
        rule: "restriction is over",
        why: "its zygote restricted it with these; from here on a worker cannot, nor undo it",
        calls: &["landlock_restrict_self", "prctl", "seccomp"],
    },
    Reason {
        rule: "one process",
        why: "`ceiling.processes` is 1: threads may be started, processes not",
        calls: &["clone", "clone3", "fork", "vfork"],
    },
    Reason {
        rule: "no programs",
        why: "the profile has no `run`",
        calls: &["execve", "execveat"],
    },
    Reason {
        rule: "one group",
        why: "a call is buried by its process group, which nobody may leave",
        calls: &["setpgid", "setsid"],
    },
];

/// What the filter closes because this kernel's Landlock does not.
pub(super) const SUBSTITUTE: Grantor = Grantor::Leasehold {
    rule: "in place of Landlock",
    why: "this kernel's Landlock does not bound it, so the filter does",
};

/// Calls that Linux 6.18 does not have.
pub(super) const FUTURE: Grantor = Grantor::Leasehold {
    rule: "future calls",
    why: "answered as by an older kernel, which newer C libraries expect",
};

/// What holds for a call that nothing names.
pub(in crate::policy) const UNKNOWN: Grantor = Grantor::Leasehold {
    rule: "unknown",
    why: "what is not known is refused",
};

/// What holds for a call that is not taken from a worker.
pub(super) const FUNCTIONS: Grantor = Grantor::Leasehold {
    rule: "as for the function",
    why: "the filter that a function's processes share decides",
};

/// Who decided the answer to this call in the filter that a function's processes share, where no
/// profile did.
pub(super) fn of_function(name: &str) -> Grantor {
    let group = groups().iter().find(|group| group.calls.contains(&name));
    match group {
        Some(group) => Grantor::Leasehold {
            rule: group.name,
            why: group.why,
        },
        None => find(ARGUMENTS, name),
    }
}

/// As [`of_function`], in a worker's filter.
pub(super) fn of_worker(name: &str) -> Grantor {
    find(WORKER, name)
}

fn find(reasons: &[Reason], name: &str) -> Grantor {
    let found = reasons.iter().find(|reason| reason.calls.contains(&name));
    found.map_or(SUBSTITUTE, |reason| Grantor::Leasehold {
        rule: reason.rule,
        why: reason.why,
    })
}
