//! Runs an attack and compares; and is tested itself, by attacks that are not stopped.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::attack::{Answer, Attack, By, Profile, Skip, attack};
use crate::world::{ATTACKER, World};

/// Why an attack does not prove what its row says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It does not work without the sandbox either.
    Control(Answer),
    /// It worked without the sandbox, and left no trace where it should have.
    ControlWithoutEffect,
    /// The sandbox gave another answer.
    Sandboxed(Answer),
    /// It left a trace in spite of the sandbox.
    Effect,
    /// The layer that is credited gave another answer when it was alone.
    Layer(Answer),
    /// `LEASEHOLD_TEST_STRICT`: a kernel without what the control needs.
    Weak(Skip),
}

/// Runs the attack of the test `name`.
pub(crate) fn check(name: &str, attack: &Attack) {
    let strict = std::env::var_os("LEASEHOLD_TEST_STRICT").is_some_and(|value| value == "1");
    match verify(attack, strict) {
        Ok(None) => {}
        // Not `eprintln!`, which the test harness keeps to itself where the test passes.
        Ok(Some(skip)) => {
            let line = format!("{name}: no control: {skip}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
        Err(problem) => panic!(
            "{}: expected {}: {problem:?}",
            attack.channel, attack.expected
        ),
    }
}

fn verify(attack: &Attack, strict: bool) -> Result<Option<Skip>, Problem> {
    let skip = control(attack)?;
    let (answer, effect) = run(attack, &["--sandboxed", attack.profile.name()], &[]);
    if answer != attack.expected {
        return Err(Problem::Sandboxed(answer));
    }
    if effect {
        return Err(Problem::Effect);
    }
    let alone: &[&str] = match attack.by {
        By::Landlock => &["--only", "landlock"],
        By::Filter => &["--only", "filter"],
        By::Limits | By::Nobody => &[],
    };
    if !alone.is_empty() {
        let (answer, effect) = run(attack, &["--sandboxed", attack.profile.name()], alone);
        if answer != attack.expected || effect {
            return Err(Problem::Layer(answer));
        }
    }
    match skip {
        Some(skip @ Skip::Feature(_)) if strict => Err(Problem::Weak(skip)),
        // An excuse of ordinary users, and of nobody else.
        Some(skip @ Skip::Capability(_)) if strict && is_root() => Err(Problem::Weak(skip)),
        skip => Ok(skip),
    }
}

/// The attack without a sandbox: it succeeds, or there is a reason why it cannot.
fn control(attack: &Attack) -> Result<Option<Skip>, Problem> {
    if let Some(skip) = attack.control.hindrance(effective_capabilities()) {
        return Ok(Some(skip));
    }
    let (answer, effect) = run(attack, &[], &[]);
    let skip = attack.control.judge(&answer).map_err(Problem::Control)?;
    if skip.is_none() && attack.leaves.is_some() && !effect {
        return Err(Problem::ControlWithoutEffect);
    }
    Ok(skip)
}

/// Runs it once in a world of its own. Also whether the file that it aims at has changed.
fn run(attack: &Attack, options: &[&str], layers: &[&str]) -> (Answer, bool) {
    let mut world = World::new(attack.profile);
    let mut calls = world.fill_in(attack.calls);
    let target = attack.leaves.map(|file| world.fill_in(file));
    let state = || {
        target.as_ref().map(|file| {
            let metadata = std::fs::metadata(file).unwrap();
            (metadata.mode(), metadata.mtime(), metadata.mtime_nsec())
        })
    };
    let mut command = Command::new(ATTACKER);
    command.current_dir(world.outside()).stdin(Stdio::null());
    if options.is_empty() {
        if attack.control.in_namespace {
            calls = format!("namespace ; {calls}");
        }
    } else {
        command.args(options).arg(world.state()).args(layers);
    }
    let before = state();
    let output = command.args(["calls", &calls]).output().unwrap();
    let effect = state() != before;
    let said = String::from_utf8_lossy(&output.stdout);
    let answer = Answer::of(output.status.code(), output.status.signal(), said.trim());
    let answer = answer.unwrap_or_else(|| panic!("a broken attack: {calls}\n{output:?}"));
    (answer, effect)
}

fn effective_capabilities() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
}

fn is_root() -> bool {
    // SAFETY: geteuid reads a number and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Needs no Landlock right, so that only the filter can stop it.
const WATCH: &str = "inotify_init1 0 ; inotify_add_watch $0 str:/usr 1";

#[test]
fn an_attack_that_is_not_stopped_is_reported() {
    let row = attack(0, "watching", WATCH).refused(By::Filter, "EPERM");
    assert_eq!(verify(&row, false), Ok(None));
    let granted = row.under(Profile::Watching);
    assert_eq!(verify(&granted, false), Err(Problem::Sandboxed(Answer::Ok)));
}

#[test]
#[should_panic(expected = "watching: expected EPERM: Sandboxed(Ok)")]
fn a_test_of_an_attack_that_is_not_stopped_fails() {
    let row = attack(0, "watching", WATCH).refused(By::Filter, "EPERM");
    check("watching", &row.under(Profile::Watching));
}

#[test]
fn an_attack_that_is_stopped_otherwise_is_reported() {
    let row = attack(0, "watching", WATCH).refused(By::Filter, "EACCES");
    let got = Answer::Errno("EPERM".to_owned());
    assert_eq!(verify(&row, false), Err(Problem::Sandboxed(got)));
}

#[test]
fn an_attack_that_is_stopped_by_another_layer_is_reported() {
    let row = attack(0, "watching", WATCH).refused(By::Landlock, "EPERM");
    assert_eq!(verify(&row, false), Err(Problem::Layer(Answer::Ok)));
}

#[test]
fn an_attack_that_never_works_is_reported() {
    let row = attack(0, "nothing", "close 1000000").refused(By::Filter, "EBADF");
    let got = Answer::Errno("EBADF".to_owned());
    assert_eq!(verify(&row, false), Err(Problem::Control(got)));
}

#[test]
fn an_attack_that_leaves_its_trace_is_reported() {
    let row = attack(
        0,
        "a file",
        "open str:{function}/data O_RDONLY ; fchmod $0 0o640",
    );
    let without_effect = row.clone().without_effect_on("{function}/data");
    assert_eq!(verify(&without_effect, false), Ok(None));
    let elsewhere = row.without_effect_on("{function}");
    assert_eq!(
        verify(&elsewhere, false),
        Err(Problem::ControlWithoutEffect)
    );
}

#[test]
fn a_strict_run_excuses_no_kernel() {
    let row = attack(0, "nothing", "syscall:100000").refused(By::Filter, "EPERM");
    let row = row.needs_feature("the future", &["ENOSYS"]);
    let skip = || Skip::Feature("the future");
    assert_eq!(verify(&row, false), Ok(Some(skip())));
    assert_eq!(verify(&row, true), Err(Problem::Weak(skip())));
}
