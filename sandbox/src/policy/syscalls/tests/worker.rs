//! What the small filter takes from a worker, and the pinned descriptor.

use super::*;

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
fn a_worker_executes_and_signals_only_where_that_is_bounded() {
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
        let stranger = [4_000_000, 4_000_000];
        assert_eq!(
            Filters::worker(&OLD).answer(name, &stranger),
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
