//! What the filters close in Landlock's place on older kernels.

use super::*;

const EACCES: Action = Action::Errno(libc::EACCES as u16);
const IMPORTING: Intents<'_> = Intents {
    imports: true,
    ..OLD
};

/// Only the parts that are missing are made up for.
fn only(substitutes: Substitutes) -> Filters {
    Filters::worker(&Intents {
        substitutes,
        ..NONE
    })
}

#[test]
fn files_are_not_emptied_without_the_right_to_write_them() {
    let old = only(Substitutes {
        truncate: true,
        ..Substitutes::default()
    });
    assert_eq!(old.answer("truncate", &[0, 0]), EACCES);
    assert_eq!(old.answer("openat2", &[0, 0, 0, 24]), ENOSYS);
    assert_eq!(old.answer("ftruncate", &[3, 0]), ALLOW);
    let trunc = 0o1000;
    for (name, before) in [("open", &[0][..]), ("openat", &[0, 0])] {
        let open = |flags| old.int(name, &[before, &[flags]].concat());
        for mode in [0, 1, 2, 3] {
            for rest in [0, 0o100, 0o2_000_000, 0o40_000] {
                assert_eq!(open(mode | rest), ALLOW, "{name} {mode} {rest:o}");
                let emptied = if mode == 1 || mode == 2 {
                    ALLOW
                } else {
                    EACCES
                };
                assert_eq!(open(mode | rest | trunc), emptied, "{name} {mode} {rest:o}");
            }
        }
    }
    let new = Filters::worker(&NONE);
    for name in ["truncate", "openat2"] {
        assert_eq!(new.answer(name, &[]), ALLOW);
    }
}

#[test]
fn files_are_not_opened_for_ioctl_alone() {
    let old = only(Substitutes {
        ioctl_dev: true,
        ..Substitutes::default()
    });
    for (flags, answer) in [
        (0, ALLOW),
        (1, ALLOW),
        (0o1002, ALLOW),
        (3, EACCES),
        (0o4003, EACCES),
    ] {
        assert_eq!(old.int("open", &[0, flags]), answer, "{flags:o}");
        assert_eq!(old.int("openat", &[0, 0, flags]), answer, "{flags:o}");
    }
    assert_eq!(old.answer("openat2", &[0, 0, 0, 24]), ENOSYS);
    assert_eq!(old.answer("truncate", &[]), ALLOW);
}

/// The answers to process 4711, which leads its group.
#[test]
fn signals_reach_the_call_itself_and_nobody_else() {
    let worker = Filters::worker(&OLD);
    let worker = Filters(
        worker.0,
        worker.1.iter().map(|it| it.of_process(4711)).collect(),
    );
    for name in [
        "kill",
        "tkill",
        "tgkill",
        "rt_sigqueueinfo",
        "rt_tgsigqueueinfo",
    ] {
        assert_eq!(worker.int(name, &[4711, 15]), ALLOW, "{name}");
        let group = if name == "kill" { ALLOW } else { EPERM };
        assert_eq!(worker.int(name, &[0, 15]), group, "{name} 0");
        assert_eq!(
            worker.int(name, &[-4711_i64 as u64, 15]),
            group,
            "{name} -4711"
        );
        for other in [1, 2, 4710, 4712, -1, -4710, -4712, i64::from(i32::MIN)] {
            assert_eq!(
                worker.int(name, &[other as u64, 15]),
                EPERM,
                "{name} {other}"
            );
        }
    }
    assert_eq!(worker.answer("pidfd_send_signal", &[3, 15]), ENOSYS);
    for name in ["setsid", "setpgid"] {
        assert_eq!(worker.answer(name, &[]), EPERM);
    }
}

#[test]
fn no_number_stands_for_oneself_before_it_is_known() {
    let program = compile(&worker_delta(&OLD).unwrap()).unwrap();
    let stands = |k| k == Program::OWN_PID || k == Program::OWN_GROUP;
    let (mut before, after) = (0, program.of_process(4711));
    for (instruction, bound) in program.0.iter().zip(&after.0) {
        if stands(instruction.k) {
            before += 1;
            assert_eq!(instruction.code, 0x15, "compared in another way than bound");
        }
        assert!(!stands(bound.k));
    }
    assert!(before > 0);
}

#[test]
fn what_an_interpreter_imports_signals_nobody() {
    for filters in [Filters::zygote(&IMPORTING), Filters::worker(&IMPORTING)] {
        for name in [
            "kill",
            "tkill",
            "tgkill",
            "rt_sigqueueinfo",
            "rt_tgsigqueueinfo",
        ] {
            for target in [0, 1, 4711, -1_i64 as u64] {
                assert_ne!(filters.int(name, &[target, 9]), ALLOW, "{name} {target}");
            }
        }
    }
    // Our own fork loop may: it buries.
    assert_eq!(Filters::zygote(&OLD).answer("kill", &[4711, 9]), ALLOW);
    // By EPERM it would take the signal scope to be in force.
    assert_eq!(Filters::zygote(&IMPORTING).answer("kill", &[1, 0]), EACCES);
}

#[test]
fn a_grant_lifts_none_of_it() {
    let names: Vec<_> = ["truncate", "openat", "openat2", "kill", "pidfd_send_signal"]
        .map(String::from)
        .into();
    let grants = [SeccompGrant {
        names,
        action: crate::profile::SeccompAction::Allow,
        args: Vec::new(),
        why: None,
        origin: Origin {
            file: "f".into(),
            line: 1,
            column: 1,
            length: 1,
        },
    }];
    let worker = Filters::worker(&Intents {
        grants: &grants,
        ..OLD
    });
    assert_eq!(worker.answer("truncate", &[]), EACCES);
    assert_eq!(worker.answer("openat", &[0, 0, 3]), EACCES);
    assert_eq!(worker.answer("openat2", &[]), ENOSYS);
    assert_eq!(worker.answer("kill", &[1, 9]), EPERM);
    assert_eq!(worker.answer("pidfd_send_signal", &[]), ENOSYS);
}
