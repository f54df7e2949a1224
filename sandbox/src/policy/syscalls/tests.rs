#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod granted;
mod laws;
mod network;
mod rules;
mod substitutes;
mod worker;

use std::collections::BTreeSet;

use super::*;
use crate::enforce::Program;
use crate::names::syscalls::{all, is_known, number};
use crate::policy::bpf::compile;
use crate::policy::interpreter::{SeccompData, run_chain};

const NONE: Intents<'_> = Intents {
    arch: Arch::X86_64,
    connect: false,
    listen: false,
    listener: false,
    processes: false,
    exec: false,
    imports: false,
    group_burial: false,
    substitutes: Substitutes::NONE,
    grants: &[],
};
/// On a kernel whose Landlock knows files only.
const OLD: Intents<'_> = Intents {
    group_burial: true,
    substitutes: Substitutes {
        truncate: true,
        ioctl_dev: true,
        signals: true,
    },
    ..NONE
};
const CONNECT: Intents<'_> = Intents {
    connect: true,
    ..NONE
};
const LISTEN: Intents<'_> = Intents {
    listen: true,
    ..NONE
};
const LISTENER: Intents<'_> = Intents {
    listener: true,
    ..NONE
};

const ALLOW: Action = Action::Allow;
const KILL: Action = Action::KillProcess;
const DONE: Action = Action::Errno(0);
const EPERM: Action = Action::Errno(libc::EPERM as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);
const EINVAL: Action = Action::Errno(libc::EINVAL as u16);
const ENOTTY: Action = Action::Errno(libc::ENOTTY as u16);
const EBUSY: Action = Action::Errno(libc::EBUSY as u16);
const EOPNOTSUPP: Action = Action::Errno(libc::EOPNOTSUPP as u16);
const ENOPROTOOPT: Action = Action::Errno(libc::ENOPROTOOPT as u16);

fn data(arch: Arch, name: &str, args: &[u64]) -> SeccompData {
    let mut all = [0; 6];
    all[..args.len()].copy_from_slice(args);
    let nr = number(arch, name).unwrap_or_else(|| panic!("{name}")) as i32;
    SeccompData {
        nr,
        arch: arch.audit(),
        instruction_pointer: 0,
        args: all,
    }
}

/// The filters of an actor, compiled and in the kernel's order.
struct Filters(Arch, Vec<Program>);

impl Filters {
    fn zygote(intents: &Intents<'_>) -> Self {
        Self(
            intents.arch,
            vec![compile(&function_filter(intents).unwrap()).unwrap()],
        )
    }

    fn worker(intents: &Intents<'_>) -> Self {
        let delta = compile(&worker_delta(intents).unwrap()).unwrap();
        Self(
            intents.arch,
            vec![delta, compile(&function_filter(intents).unwrap()).unwrap()],
        )
    }

    fn answer(&self, name: &str, args: &[u64]) -> Action {
        let chain: Vec<_> = self.1.iter().collect();
        Action::from_verdict(run_chain(&chain, &data(self.0, name, args)).unwrap()).unwrap()
    }

    /// The answer, which must not change with what the kernel ignores: the high words of arguments.
    fn int(&self, name: &str, args: &[u64]) -> Action {
        let answer = self.answer(name, args);
        for high in [1 << 32, 1 << 63, 0xffff_ffff_0000_0000] {
            for changed in 0..args.len() {
                let mut args = args.to_vec();
                args[changed] |= high;
                assert_eq!(self.answer(name, &args), answer, "{name} {args:x?}");
            }
        }
        answer
    }
}

#[test]
fn every_call_is_decided_exactly_once() {
    let mut decided = BTreeSet::new();
    for name in groups()
        .iter()
        .flat_map(|group| group.calls.iter().copied())
    {
        assert!(is_known(name), "{name} does not exist");
        assert!(decided.insert(name), "{name} is in two groups");
    }
    for (name, _) in arguments::rules(&NONE).unwrap() {
        assert!(is_known(name), "{name} does not exist");
        assert!(decided.insert(name), "{name} has a rule and a group");
    }
    let open: Vec<_> = all().filter(|name| !decided.contains(name)).collect();
    assert!(open.is_empty(), "{open:?}");
    assert!(delta::ZYGOTE.iter().all(|name| is_known(name)));
}

#[test]
fn the_programs_are_short() {
    let python = Intents {
        connect: true,
        ..NONE
    };
    let length = |table: RuleTable| compile(&table).unwrap().0.len();
    let (large, small) = (
        length(function_filter(&python).unwrap()),
        length(worker_delta(&python).unwrap()),
    );
    let mut pinned = worker_delta(&python).unwrap();
    pin_descriptor(&mut pinned, 1000).unwrap();
    let pinned = length(pinned);
    println!("function {large}, worker {small}, with a pinned descriptor {pinned}");
    assert!(
        large <= 500 && small <= 32 && pinned <= 60,
        "{large} {small} {pinned}"
    );
}

#[test]
fn programs_find_what_they_need_at_start() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let worker = Filters::worker(&Intents {
            arch,
            exec: true,
            ..NONE
        });
        // glibc's start-up, CPython's and a shell's, in the order in which strace shows them.
        let calls = [
            "execve",
            "brk",
            "openat",
            "newfstatat",
            "fstat",
            "read",
            "pread64",
            "mmap",
            "mprotect",
            "munmap",
            "close",
            "set_tid_address",
            "set_robust_list",
            "rseq",
            "prlimit64",
            "getrandom",
            "rt_sigaction",
            "rt_sigprocmask",
            "sysinfo",
            "getcwd",
            "readlinkat",
            "faccessat2",
            "getdents64",
            "statx",
            "futex",
            "lseek",
            "gettid",
            "getpid",
            "geteuid",
            "getuid",
            "uname",
            "sigaltstack",
            "sched_getaffinity",
            "clock_gettime",
            "epoll_create1",
            "eventfd2",
            "pipe2",
            "dup3",
            "wait4",
            "exit_group",
            "rt_sigreturn",
            "restart_syscall",
            "write",
            "getppid",
        ];
        for name in calls {
            assert_eq!(worker.answer(name, &[]), ALLOW, "{arch:?} {name}");
        }
    }
    assert_eq!(
        Filters::worker(&NONE).answer("arch_prctl", &[0x1002]),
        ALLOW
    );
}

#[test]
fn c_libraries_and_runtimes_fall_back() {
    let worker = Filters::worker(&NONE);
    for name in [
        "clone3",
        "memfd_create",
        "landlock_create_ruleset",
        "landlock_restrict_self",
        "io_uring_setup",
        "flock",
    ] {
        assert_eq!(worker.answer(name, &[]), ENOSYS, "{name}");
    }
    for future in [470, 511] {
        let mut call = data(Arch::X86_64, "read", &[]);
        call.nr = future;
        assert_eq!(function_filter(&NONE).unwrap().evaluate(&call), ENOSYS);
    }
}

#[test]
fn whoever_tries_to_get_out_is_killed() {
    let worker = Filters::worker(&Intents {
        connect: true,
        listen: true,
        processes: true,
        exec: true,
        ..NONE
    });
    for name in [
        "ptrace",
        "bpf",
        "keyctl",
        "mount",
        "setns",
        "pidfd_getfd",
        "process_vm_readv",
        "process_vm_writev",
    ] {
        assert_eq!(worker.answer(name, &[]), KILL, "{name}");
    }
}

#[test]
fn what_landlock_does_not_see_is_refused() {
    let zygote = Filters::zygote(&Intents {
        connect: true,
        listen: true,
        ..NONE
    });
    for name in [
        "chmod",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "utime",
        "utimes",
        "utimensat",
        "futimesat",
    ] {
        assert_eq!(zygote.answer(name, &[1, 2, 3, 4]), DONE, "{name}");
    }
    for name in [
        "setxattr",
        "lsetxattr",
        "fsetxattr",
        "removexattr",
        "setxattrat",
        "getxattr",
        "file_setattr",
    ] {
        assert_eq!(zygote.answer(name, &[]), EOPNOTSUPP, "{name}");
    }
    for name in [
        "chown",
        "fchownat",
        "inotify_init1",
        "inotify_add_watch",
        "fanotify_init",
        "fadvise64",
        "mincore",
        "mq_open",
        "shmget",
        "msgget",
        "semget",
        "io_setup",
        "sync",
        "syncfs",
        "unshare",
        "name_to_handle_at",
        "kcmp",
        "move_pages",
        "perf_event_open",
    ] {
        assert_eq!(zygote.answer(name, &[]), EPERM, "{name}");
    }
}

/// The compiled filters answer as their tables, for every call and for values around every rule.

#[test]
fn the_programs_answer_as_their_tables() {
    let values = [
        0,
        1,
        2,
        5,
        6,
        10,
        15,
        16,
        0x100,
        0x5401,
        0x1_0000,
        0x2000_0000,
        0xffff_ffff,
        1 << 32,
        u64::MAX,
    ];
    for arch in [Arch::X86_64, Arch::Aarch64] {
        for intents in [
            NONE,
            CONNECT,
            LISTEN,
            OLD,
            LISTENER,
            Intents {
                imports: true,
                ..OLD
            },
        ] {
            let intents = Intents { arch, ..intents };
            for table in [
                function_filter(&intents).unwrap(),
                worker_delta(&intents).unwrap(),
            ] {
                let program = compile(&table).unwrap();
                for nr in (0..520).chain([0x3fff_ffff, 0x4000_0000, 0x4000_003b, -1]) {
                    for (i, &v) in values.iter().enumerate() {
                        let w = values[(i * 4 + 1) % values.len()];
                        for args in [[v; 6], [v, w, v, w, v, w], [w, w, v, v, w, v]] {
                            let data = SeccompData {
                                nr,
                                arch: arch.audit(),
                                instruction_pointer: 0,
                                args,
                            };
                            let answer = run_chain(&[&program], &data).unwrap();
                            assert_eq!(answer, table.evaluate(&data).verdict(), "{data:x?}");
                        }
                    }
                }
            }
        }
    }
}
