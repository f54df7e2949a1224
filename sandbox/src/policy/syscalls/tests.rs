#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::*;
use crate::enforce::program::Program;
use crate::names::syscalls::{all, is_known};
use crate::policy::bpf::compile;
use crate::policy::interpreter::{SeccompData, run_chain};
use crate::profile::SeccompAction;

const NONE: Intents<'_> = Intents {
    arch: Arch::X86_64,
    connect: false,
    listen: false,
    processes: false,
    exec: false,
    signal_scope: true,
    grants: &[],
};
const CONNECT: Intents<'_> = Intents {
    connect: true,
    ..NONE
};
const LISTEN: Intents<'_> = Intents {
    listen: true,
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

#[test]
fn only_the_caller_is_a_permitted_pid() {
    let worker = Filters::worker(&NONE);
    for (name, refusal) in [
        ("prlimit64", ENOSYS),
        ("get_robust_list", ENOSYS),
        ("getpgid", ENOSYS),
        ("getsid", ENOSYS),
        ("sched_getaffinity", ENOSYS),
        ("sched_getattr", ENOSYS),
        ("sched_getparam", ENOSYS),
        ("sched_getscheduler", ENOSYS),
        ("sched_rr_get_interval", ENOSYS),
        ("sched_setaffinity", EPERM),
        ("sched_setattr", EPERM),
        ("sched_setparam", EPERM),
        ("sched_setscheduler", EPERM),
    ] {
        assert_eq!(worker.int(name, &[0]), ALLOW, "{name}");
        for pid in [1, 2, 4_194_304, 0x8000_0000, 0xffff_ffff] {
            assert_eq!(worker.int(name, &[pid]), refusal, "{name} {pid}");
        }
    }
    for (name, refusal) in [("getpriority", ENOSYS), ("setpriority", EPERM)] {
        assert_eq!(worker.int(name, &[0, 0]), ALLOW);
        for others in [[0, 1], [1, 0], [2, 0]] {
            assert_eq!(worker.int(name, &others), refusal);
        }
    }
    for (name, refusal) in [("ioprio_get", ENOSYS), ("ioprio_set", EPERM)] {
        assert_eq!(worker.int(name, &[1, 0]), ALLOW);
        for others in [[1, 1], [0, 0], [2, 0], [3, 0]] {
            assert_eq!(worker.int(name, &others), refusal);
        }
    }
}

#[test]
fn clocks_of_other_processes_do_not_exist() {
    let worker = Filters::worker(&NONE);
    for name in [
        "clock_gettime",
        "clock_getres",
        "clock_nanosleep",
        "timer_create",
    ] {
        for clock in [0, 1, 2, 3, 7, 11, 15] {
            assert_eq!(worker.int(name, &[clock]), ALLOW);
        }
        // 16; the CPU clock of pid 1; of the caller by number; one made of descriptor 3.
        for clock in [16, 0xffff_fff2, 0xffff_fffa, 0xffff_ffe3, 0x8000_0000] {
            assert_eq!(worker.int(name, &[clock]), EINVAL, "{name} {clock:#x}");
        }
    }
}

#[test]
fn threads_yes_processes_only_where_granted_namespaces_never() {
    let thread = 0x003d_0f00; // glibc's pthread_create
    let fork = 0x0120_0011; // glibc's fork
    let spawn = 0x4111; // glibc's posix_spawn
    let (zygote, worker) = (Filters::zygote(&NONE), Filters::worker(&NONE));
    let forking = Filters::worker(&Intents {
        processes: true,
        ..NONE
    });
    assert_eq!(worker.int("clone", &[thread]), ALLOW);
    for flags in [fork, spawn] {
        assert_eq!(zygote.int("clone", &[flags]), ALLOW);
        assert_eq!(forking.int("clone", &[flags]), ALLOW);
        assert_eq!(worker.int("clone", &[flags]), EPERM);
    }
    for name in ["fork", "vfork"] {
        let answers = [&zygote, &forking, &worker].map(|filters| filters.answer(name, &[]));
        assert_eq!(answers, [ALLOW, ALLOW, EPERM]);
    }
    for shift in [13, 15, 17, 25, 26, 27, 28, 29, 30, 7] {
        for filters in [&zygote, &forking, &worker] {
            for flags in [thread, fork, spawn, 0x11] {
                assert_eq!(
                    filters.int("clone", &[flags | 1 << shift]),
                    EPERM,
                    "bit {shift}"
                );
            }
        }
    }
}

#[test]
fn mappings_and_advice() {
    let worker = Filters::worker(&NONE);
    assert_eq!(worker.int("mmap", &[0, 4096, 3, 0x22]), ALLOW);
    assert_eq!(worker.int("mmap", &[0, 4096, 3, 0x21]), ALLOW);
    assert_eq!(worker.int("mmap", &[0, 4096, 3, 0x122]), EPERM);
    for (advice, answer) in [
        (4, ALLOW),
        (14, ALLOW),
        (12, EINVAL),
        (20, EINVAL),
        (21, EINVAL),
        (26, EINVAL),
    ] {
        assert_eq!(
            worker.int("madvise", &[0, 4096, advice]),
            answer,
            "{advice}"
        );
    }
    for (command, answer) in [
        (0, ALLOW),
        (8, ALLOW),
        (16, ALLOW),
        (1, EPERM),
        (2, EPERM),
        (4, EPERM),
        (9, EPERM),
    ] {
        assert_eq!(worker.int("membarrier", &[command]), answer, "{command}");
    }
    assert_eq!(worker.int("personality", &[0xffff_ffff]), ALLOW);
    assert_eq!(worker.int("personality", &[0x0004_0000]), EPERM);
}

#[test]
fn commands_of_prctl_fcntl_and_ioctl() {
    let (zygote, worker) = (Filters::zygote(&NONE), Filters::worker(&NONE));
    for zygotes in [1, 4, 22, 36] {
        assert_eq!(zygote.int("prctl", &[zygotes]), ALLOW, "{zygotes}");
        assert_eq!(worker.int("prctl", &[zygotes]), EPERM, "{zygotes}");
    }
    for own in [15, 16, 3, 21, 38, 39, 23, 0x5356_4d41] {
        assert_eq!(worker.int("prctl", &[own]), ALLOW, "{own}");
    }
    for refused in [0, 26, 33, 35, 53, 59, 62, 67, 0x5961_6d61, 0xffff_ffff] {
        assert_eq!(zygote.int("prctl", &[refused]), EPERM, "{refused}");
    }
    for own in [0, 1, 2, 3, 4, 6, 7, 1030, 1032, 1034] {
        assert_eq!(worker.int("fcntl", &[3, own]), ALLOW, "{own}");
    }
    for refused in [
        5, 8, 9, 10, 15, 36, 37, 38, 1024, 1025, 1026, 1029, 1031, 1036, 1038,
    ] {
        assert_eq!(worker.int("fcntl", &[3, refused]), EPERM, "{refused}");
    }
    for own in [0x5401, 0x802c_542a, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451] {
        assert_eq!(worker.int("ioctl", &[3, own]), ALLOW, "{own:#x}");
    }
    // TIOCSTI, TIOCLINUX, TCSETS, FIOASYNC, TIOCSCTTY, FS_IOC_SETFLAGS, FS_IOC_SETVERSION, FICLONE.
    for (refused, answer) in [
        (0x5412, ENOTTY),
        (0x541c, ENOTTY),
        (0x5402, ENOTTY),
        (0x5452, ENOTTY),
        (0x540e, ENOTTY),
        (0x4008_6602, ENOTTY),
        (0x4008_7602, ENOTTY),
        (0x4004_9409, EOPNOTSUPP),
    ] {
        assert_eq!(worker.int("ioctl", &[3, refused]), answer, "{refused:#x}");
    }
    assert_eq!(zygote.int("seccomp", &[1, 0]), ALLOW);
    assert_eq!(zygote.int("seccomp", &[1, 8]), EPERM);
    assert_eq!(zygote.int("seccomp", &[0, 0]), EPERM);
    assert_eq!(worker.int("seccomp", &[1, 0]), EPERM);
}

#[test]
fn files_that_are_not_files_and_reads_with_flags() {
    let worker = Filters::worker(&NONE);
    for (mode, answer) in [
        (0o644, ALLOW),
        (0o100_644, ALLOW),
        (0o010_600, ALLOW),
        (0o140_600, EPERM),
        (0o020_666, EPERM),
        (0o060_660, EPERM),
    ] {
        assert_eq!(worker.int("mknod", &[0, mode]), answer, "{mode:o}");
        assert_eq!(worker.int("mknodat", &[0, 0, mode]), answer, "{mode:o}");
    }
    for name in ["preadv2", "pwritev2"] {
        assert_eq!(worker.int(name, &[3, 0, 1, 0, 0, 0]), ALLOW);
        assert_eq!(worker.int(name, &[3, 0, 1, 0, 0, 8]), EOPNOTSUPP);
    }
}

#[test]
fn without_a_port_there_is_no_network() {
    let worker = Filters::worker(&NONE);
    for family in 0..46 {
        assert_eq!(worker.int("socket", &[family, 1, 0]), EPERM);
    }
    for name in ["connect", "bind", "listen"] {
        assert_eq!(worker.answer(name, &[3]), EPERM);
        assert_eq!(
            Filters::worker(&LISTEN).answer(name, &[3]),
            if name == "connect" { EPERM } else { ALLOW }
        );
        assert_eq!(
            Filters::worker(&CONNECT).answer(name, &[3]),
            if name == "connect" { ALLOW } else { EPERM }
        );
    }
}

#[test]
fn with_ports_only_tcp() {
    for intents in [CONNECT, LISTEN] {
        let worker = Filters::worker(&intents);
        for family in [2, 10] {
            for kind in [1, 0x8_0001, 0x8_0801] {
                assert_eq!(worker.int("socket", &[family, kind, 0]), ALLOW);
                assert_eq!(worker.int("socket", &[family, kind, 6]), ALLOW);
                for protocol in [1, 17, 132, 256, 262, 255] {
                    assert_eq!(
                        worker.int("socket", &[family, kind, protocol]),
                        EPERM,
                        "{protocol}"
                    );
                }
            }
            for kind in [0, 2, 3, 4, 5, 6, 10, 0x8_0002] {
                assert_eq!(worker.int("socket", &[family, kind, 0]), EPERM, "{kind}");
            }
        }
        for family in (0..46).filter(|family| ![2, 10].contains(family)) {
            for protocol in [0, 6] {
                assert_eq!(
                    worker.int("socket", &[family, 1, protocol]),
                    EPERM,
                    "{family}"
                );
            }
        }
    }
}

#[test]
fn pairs_options_and_flags() {
    let worker = Filters::worker(&CONNECT);
    for (family, kind, answer) in [
        (1, 1, ALLOW),
        (1, 0x8_0805, ALLOW),
        (1, 2, EPERM),
        (1, 3, EPERM),
        (1, 0x8_0002, EPERM),
        (2, 1, EPERM),
        (30, 5, EPERM),
    ] {
        assert_eq!(
            worker.int("socketpair", &[family, kind, 0]),
            answer,
            "{family} {kind:#x}"
        );
    }
    for (name, flags) in [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)] {
        let call = |value| {
            let mut args = [0; 4];
            args[flags] = value;
            worker.int(name, &args)
        };
        assert_eq!(call(0x4000), ALLOW); // MSG_NOSIGNAL
        assert_eq!(call(0x2000_0000), EOPNOTSUPP);
        assert_eq!(call(0x2000_4040), EOPNOTSUPP);
    }
    for (level, option, answer) in [
        (6, 1, ALLOW),
        (6, 23, EOPNOTSUPP),
        (6, 30, EOPNOTSUPP),
        (6, 31, EOPNOTSUPP),
        (1, 30, ALLOW),
        (1, 2, ALLOW),
        (1, 15, ENOPROTOOPT),
        (1, 76, ENOPROTOOPT),
    ] {
        assert_eq!(
            worker.int("setsockopt", &[3, level, option]),
            answer,
            "{level} {option}"
        );
    }
}

#[test]
fn a_worker_executes_and_signals_only_where_that_is_bounded() {
    let unscoped = Intents {
        signal_scope: false,
        ..NONE
    };
    for name in ["execve", "execveat"] {
        assert_eq!(Filters::zygote(&NONE).answer(name, &[]), ALLOW);
        assert_eq!(Filters::worker(&NONE).answer(name, &[]), EPERM);
        assert_eq!(
            Filters::worker(&Intents { exec: true, ..NONE }).answer(name, &[]),
            ALLOW
        );
    }
    for name in [
        "kill",
        "tkill",
        "tgkill",
        "rt_sigqueueinfo",
        "rt_tgsigqueueinfo",
        "setsid",
        "setpgid",
    ] {
        assert_eq!(Filters::worker(&NONE).answer(name, &[]), ALLOW, "{name}");
        assert_eq!(
            Filters::worker(&unscoped).answer(name, &[]),
            EPERM,
            "{name}"
        );
    }
}

#[test]
fn a_pinned_descriptor_stays() {
    let fd = 1000;
    let mut delta = worker_delta(&NONE).unwrap();
    pin_descriptor(&mut delta, fd).unwrap();
    let worker = Filters(
        Arch::X86_64,
        vec![
            compile(&delta).unwrap(),
            compile(&function_filter(&NONE).unwrap()).unwrap(),
        ],
    );
    let (fd, low, high) = (u64::from(fd), u64::from(fd) - 1, u64::from(fd) + 1);
    for (name, pinned) in [
        ("close", vec![fd]),
        ("fcntl", vec![fd, 2]),
        ("close_range", vec![3, 0xffff_ffff, 4]),
    ] {
        assert_eq!(worker.int(name, &pinned), DONE, "{name}");
    }
    for name in ["dup2", "dup3"] {
        assert_eq!(worker.int(name, &[3, fd]), EBUSY);
        assert_eq!(worker.int(name, &[fd, low]), ALLOW);
    }
    for other in [low, high] {
        assert_eq!(worker.int("close", &[other]), ALLOW);
        assert_eq!(worker.int("fcntl", &[other, 2]), ALLOW);
    }
    assert_eq!(worker.int("fcntl", &[fd, 1]), ALLOW);
    assert_eq!(worker.int("fcntl", &[fd, 1026]), EPERM);
    for (first, last, answer) in [
        (3, low, ALLOW),
        (high, 0xffff_ffff, ALLOW),
        (fd, fd, DONE),
        (low, fd, DONE),
        (fd, high, DONE),
        (0, 0xffff_ffff, DONE),
    ] {
        assert_eq!(
            worker.int("close_range", &[first, last, 0]),
            answer,
            "{first} {last}"
        );
    }
}

fn grant(line: u32, names: &[&str], action: SeccompAction) -> SeccompGrant {
    SeccompGrant {
        names: names.iter().map(ToString::to_string).collect(),
        action,
        why: None,
        origin: Origin {
            file: "p.yaml".into(),
            line,
            column: 5,
        },
    }
}

#[test]
fn a_grant_replaces_an_entry_and_allow_wins_in_any_order() {
    let enosys = || SeccompAction::Errno("ENOSYS".into());
    let mut grants = vec![
        grant(1, &["chmod", "uname"], SeccompAction::Kill),
        grant(2, &["chmod", "mknod"], SeccompAction::Allow),
        grant(3, &["chmod", "sysinfo"], enosys()),
        grant(4, &["sysinfo"], enosys()),
    ];
    for _ in 0..grants.len() {
        grants.rotate_left(1);
        let worker = Filters::worker(&Intents {
            grants: &grants,
            ..NONE
        });
        assert_eq!(worker.answer("chmod", &[]), ALLOW);
        assert_eq!(worker.answer("mknod", &[0, 0o020_666]), ALLOW);
        assert_eq!(worker.answer("uname", &[]), KILL);
        assert_eq!(worker.answer("sysinfo", &[]), ENOSYS);
    }
}

#[test]
fn a_grant_does_not_give_back_what_a_worker_loses() {
    let names: Vec<_> = delta::ZYGOTE
        .iter()
        .copied()
        .chain(["clone3", "pidfd_send_signal", "tgkill"])
        .collect();
    let grants = [grant(1, &names, SeccompAction::Allow)];
    let worker = Filters::worker(&Intents {
        grants: &grants,
        signal_scope: false,
        ..NONE
    });
    for name in names {
        if name != "prctl" {
            assert_ne!(worker.answer(name, &[]), ALLOW, "{name}");
        }
    }
    assert_eq!(worker.int("prctl", &[4]), EPERM);
}

#[test]
fn refusing_what_a_zygote_needs_concerns_its_workers() {
    let grants = [grant(1, &["execve", "clone"], SeccompAction::Kill)];
    let intents = Intents {
        exec: true,
        processes: true,
        grants: &grants,
        ..NONE
    };
    for name in ["execve", "clone"] {
        assert_eq!(Filters::zygote(&intents).answer(name, &[]), ALLOW);
        assert_eq!(Filters::worker(&intents).answer(name, &[]), KILL);
    }
}

#[test]
fn grants_that_cannot_be_followed_are_errors_with_their_origin() {
    let of = |grants: &[SeccompGrant]| {
        let intents = Intents { grants, ..NONE };
        let error = function_filter(&intents).unwrap_err();
        assert_eq!(worker_delta(&intents).unwrap_err(), error);
        error.to_string()
    };
    let unknown = of(&[grant(7, &["opne"], SeccompAction::Allow)]);
    assert_eq!(unknown, "p.yaml:7:5: there is no system call \"opne\"");
    let unknown = of(&[grant(8, &["open"], SeccompAction::Errno("EWHAT".into()))]);
    assert_eq!(unknown, "p.yaml:8:5: there is no error \"EWHAT\"");
    let conflict = of(&[
        grant(1, &["open"], SeccompAction::Kill),
        grant(2, &["open"], SeccompAction::Errno("EPERM".into())),
    ]);
    assert_eq!(
        conflict,
        "p.yaml:2:5: open has already another answer, given at p.yaml:1:5"
    );
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
            Intents {
                signal_scope: false,
                ..NONE
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
