//! Rules on arguments, with values around each and high words set.

use super::*;

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
fn futexes_name_no_owner() {
    let worker = Filters::worker(&NONE);
    for flags in [0, 0x80, 0x100, 0x180] {
        for command in [0, 1, 3, 4, 5, 9, 10] {
            assert_eq!(
                worker.int("futex", &[0, command | flags]),
                ALLOW,
                "{command}"
            );
        }
        // FD, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, CMP_REQUEUE_PI, LOCK_PI2, unknown ones.
        for command in [2, 6, 7, 8, 11, 12, 13, 14, 0x46, 0x206, 0x8000_0000] {
            assert_eq!(
                worker.int("futex", &[0, command | flags]),
                ENOSYS,
                "{command}"
            );
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
