//! Load: thousands of calls of every kind at once. Each has the right answer, and nothing is left; nor
//! if processes are killed meanwhile, which costs the calls in flight there and no others.
//!
//! `LEASEHOLD_LOAD_CALLS` sets how many calls there are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "load/blows.rs"]
mod blows;
#[path = "load/cases.rs"]
mod cases;
#[path = "load/census.rs"]
mod census;
#[path = "load/client.rs"]
mod client;
#[path = "wasm/command.rs"]
#[allow(dead_code)]
mod command;
#[path = "load/functions.rs"]
mod functions;

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

use blows::Blows;
use cases::Case;
use client::{Answer, Client};
use functions::FUNCTIONS;
use support::{Host, metrics};

/// Clients at once.
const CLIENTS: usize = 64;
/// Calls of each test, unless the environment says otherwise.
const CALLS: usize = 2000;
/// Calls of every kind, made before anything is counted: what is opened once, for the first call of a
/// kind, is not left over from it.
const WARM: Range<usize> = 0..300;

/// Two loads at once would be twice the load.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn calls() -> usize {
    let calls = std::env::var("LEASEHOLD_LOAD_CALLS");
    calls.map_or(CALLS, |calls| calls.parse().unwrap())
}

/// Makes the calls with these numbers, and shows each answer to `see`, until that returns false.
fn load(address: &str, numbers: Range<usize>, see: impl Fn(usize, &Case, Answer) -> bool + Sync) {
    let next = AtomicUsize::new(numbers.start);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::of(address);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let case = cases::of(number);
                    if !see(number, case, client.call(case, number)) {
                        return;
                    }
                }
            });
        }
    });
}

/// Answers that are not what they have to be.
#[derive(Default)]
struct Wrong(Mutex<Vec<String>>);

impl Wrong {
    fn add(&self, number: usize, case: &Case, answer: &Answer) {
        let name = case.name;
        let wrong = format!("{number} ({name}): {answer:?}");
        self.0.lock().unwrap().push(wrong);
    }

    #[track_caller]
    fn assert_none(self) {
        let wrong = self.0.into_inner().unwrap();
        let first = &wrong[..wrong.len().min(10)];
        assert!(first.is_empty(), "{} are wrong: {first:#?}", wrong.len());
    }
}

/// Makes the calls with these numbers, each of which has to have the right answer.
#[track_caller]
fn right(host: &Host, numbers: Range<usize>) {
    let wrong = Wrong::default();
    load(host.address(), numbers, |number, case, answer| {
        if !answer.is_right(case, number) {
            wrong.add(number, case, &answer);
        }
        true
    });
    wrong.assert_none();
}

/// The calls with these numbers by function and outcome, as the host has to have counted them.
fn counted(numbers: Range<usize>) -> BTreeMap<String, f64> {
    let mut counted = BTreeMap::new();
    for case in numbers.map(cases::of) {
        let series = metrics::calls(case.function, case.outcome());
        *counted.entry(series).or_default() += 1.0;
    }
    counted
}

#[test]
fn every_answer_is_the_right_one_and_nothing_is_left() {
    let _alone = alone();
    let functions = functions::all();
    let host = Host::start(functions.path());
    // For bench/soak, which looks on.
    println!("{}", host.admin);
    let numbers = WARM.end..WARM.end + calls();
    right(&host, WARM);
    let zygote = |function| host.zygote(function, &[]);
    let before = census::at_rest(&host, zygote);
    right(&host, numbers.clone());

    census::at_rest(&host, zygote);
    before.is_all_that(&host);
    let series = metrics::scrape(&host);
    let expected = counted(0..numbers.end);
    let expected: BTreeMap<&str, f64> = expected.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    assert_eq!(metrics::ended(&series), expected);
    assert!(!host.log().contains("\"ERROR\""), "it tells of errors");
    assert!(host.stop().success());
}

/// A shell or a container engine that leaves the soft limit low has not said that few calls shall run.
#[test]
fn a_low_soft_limit_of_descriptors_fails_no_call() {
    let _alone = alone();
    let functions = functions::all();
    let mut command = Command::new("sh");
    let script = "ulimit -Sn 128 && exec \"$@\"";
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_leasehold")]);
    let state = tempfile::tempdir_in(support::memory()).unwrap();
    let host = Host::start_as(command, functions.path(), &[], state);
    right(&host, WARM);
    assert!(host.stop().success());
}

#[test]
fn processes_that_are_killed_cost_the_calls_in_flight_there() {
    /// Calls between two blows.
    const STEP: usize = 50;
    let _alone = alone();
    let functions = functions::all();
    let host = Host::start(functions.path());
    right(&host, WARM);
    let before = census::at_rest(&host, |function| host.zygote(function, &[]));

    let (answered, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (blows, wrong) = (Mutex::new(Blows::new(&host, 1)), Wrong::default());
    let numbers = WARM.end..WARM.end + calls();
    load(host.address(), numbers, |number, case, answer| {
        if answer.is_right(case, number) {
        } else if answer.is_lost() {
            lost.fetch_add(1, Ordering::Relaxed);
        } else {
            wrong.add(number, case, &answer);
        }
        if (answered.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(STEP) {
            blows.lock().unwrap().strike();
        }
        true
    });
    wrong.assert_none();
    let blows = blows.into_inner().unwrap();
    let (lost, in_flight) = (lost.into_inner(), blows.in_flight);
    println!("{lost} calls were lost of at most {in_flight}");
    assert!(lost <= in_flight, "{lost} calls were lost, not {in_flight}");

    census::at_rest(&host, |function| blows.zygote(function));
    before.is_all_that(&host);
    right(&host, WARM);
    assert!(!host.log().contains("panicked"), "the host panicked");
    assert!(host.stop().success());
}

#[test]
fn nothing_outlives_a_host_that_is_killed_under_load() {
    let _alone = alone();
    let functions = functions::all();
    let host = Host::start(functions.path());
    let address = host.address().to_owned();
    let (answered, answers) = mpsc::channel();
    let wrong = Wrong::default();
    let (directory, held) = std::thread::scope(|scope| {
        scope.spawn(|| {
            load(&address, 0..usize::MAX, |number, case, answer| {
                if answered.send(()).is_ok() && !answer.is_right(case, number) {
                    wrong.add(number, case, &answer);
                }
                // Nobody listens any more.
                !matches!(answer, Answer::Nothing)
            });
        });
        assert_eq!(answers.iter().take(calls() / 2).count(), calls() / 2);
        drop(answers);
        host.die()
    });
    wrong.assert_none();
    assert!(held.len() > FUNCTIONS.len(), "it had no workers");
    held.wait();
    let host = Host::start_at(functions.path(), &[], directory);
    right(&host, WARM);
    census::at_rest(&host, |function| host.zygote(function, &[]));
    assert!(host.stop().success());
}
