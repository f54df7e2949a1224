//! Answers that a profile gives by name.

use super::*;
use crate::profile::SeccompAction;

fn grant(line: u32, names: &[&str], action: SeccompAction) -> SeccompGrant {
    SeccompGrant {
        names: names.iter().map(ToString::to_string).collect(),
        action,
        args: Vec::new(),
        why: None,
        origin: Origin {
            file: "p.yaml".into(),
            line,
            column: 5,
            length: 0,
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
        ..OLD
    });
    for name in names {
        if name != "prctl" {
            assert_ne!(worker.answer(name, &[0x20_0000]), ALLOW, "{name}");
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
