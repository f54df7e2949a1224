//! The kinds of calls of the load, and what has to come of each.

use super::functions::SMALL;

/// A kind of call.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) function: &'static str,
    pub(super) act: Act,
    /// The request's body, from the number of the call.
    pub(super) body: fn(usize) -> String,
    pub(super) expected: Expected,
}

/// What the client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Sends the body with its length.
    Send,
    /// Sends the body without telling its length.
    Stream,
    /// Sends the body without its end, waits for the first bytes of the reply, then ends the request.
    Converse,
    /// Goes away in the middle of the body.
    LeaveSending,
    /// Goes away once all is sent.
    LeaveWaiting,
    /// Goes away when the reply has begun.
    LeaveReading,
}

/// What has to come of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// This body, made from the request's, with 200 and `Replied`.
    Reply(fn(&str) -> String),
    /// Another status and outcome.
    Problem(u16, &'static str),
    /// A reply that is broken off when the call ends with this outcome.
    BrokenOff(&'static str),
    /// The client does not look: `Abandoned`.
    Left,
}

impl Case {
    /// As in `Leasehold-Outcome` and in the metrics.
    pub(super) fn outcome(&self) -> &'static str {
        match self.expected {
            Expected::Reply(_) => "Replied",
            Expected::Problem(_, outcome) | Expected::BrokenOff(outcome) => outcome,
            Expected::Left => "Abandoned",
        }
    }
}

const fn case(
    name: &'static str,
    function: &'static str,
    act: Act,
    body: fn(usize) -> String,
    expected: Expected,
) -> Case {
    Case {
        name,
        function,
        act,
        body,
        expected,
    }
}

/// What most calls are, in turn: one of each runtime and way of burial at least. Another runtime has a
/// line here, and its function in `functions`.
const GOOD: &[Case] = &[
    case("exec", "cat", Act::Send, words, Expected::Reply(same)),
    case(
        "exec, streamed",
        "cat",
        Act::Stream,
        words,
        Expected::Reply(same),
    ),
    case(
        "exec, both ways",
        "cat",
        Act::Converse,
        words,
        Expected::Reply(same),
    ),
    case("shell", "upper", Act::Send, words, Expected::Reply(upper)),
    case(
        "python",
        "reverse",
        Act::Send,
        words,
        Expected::Reply(reverse),
    ),
    case(
        "python, streamed",
        "reverse",
        Act::Stream,
        words,
        Expected::Reply(reverse),
    ),
    case("wasm", "wasm", Act::Send, words, Expected::Reply(same)),
    case(
        "wasm, streamed",
        "wasm",
        Act::Stream,
        words,
        Expected::Reply(same),
    ),
];

/// One call in a hundred is each of these, its variants in turn.
const FAULTS: &[&[Case]] = &[
    &[
        case(
            "crash",
            "faulty",
            Act::Send,
            |_| "crash".into(),
            Expected::Problem(502, "Crashed"),
        ),
        case(
            "crash of a shell",
            "suicide",
            Act::Send,
            words,
            Expected::Problem(502, "Crashed"),
        ),
    ],
    &[
        case(
            "timeout",
            "sleepy",
            Act::Send,
            words,
            Expected::Problem(504, "TimedOut"),
        ),
        case(
            "timeout of a shell",
            "idle",
            Act::Send,
            words,
            Expected::Problem(504, "TimedOut"),
        ),
    ],
    &[
        case(
            "denied",
            "faulty",
            Act::Send,
            |_| "ptrace".into(),
            Expected::Problem(500, "Denied"),
        ),
        case(
            "denied to a program",
            "tracer",
            Act::Send,
            words,
            Expected::Problem(500, "Denied"),
        ),
    ],
    &[
        case(
            "too large by its length",
            "small",
            Act::Send,
            long,
            Expected::Problem(413, "OverLimit"),
        ),
        case(
            "too large at last",
            "small",
            Act::Stream,
            long,
            Expected::Problem(413, "OverLimit"),
        ),
    ],
    &[
        case(
            "too much",
            "wide",
            Act::Send,
            words,
            Expected::Problem(502, "OverLimit"),
        ),
        case(
            "too much at last",
            "endless",
            Act::Converse,
            words,
            Expected::BrokenOff("OverLimit"),
        ),
    ],
    &[
        case(
            "gone while sending",
            "reverse",
            Act::LeaveSending,
            words,
            Expected::Left,
        ),
        case(
            "gone while waiting",
            "patient",
            Act::LeaveWaiting,
            words,
            Expected::Left,
        ),
        case(
            "gone while reading",
            "cat",
            Act::LeaveReading,
            words,
            Expected::Left,
        ),
    ],
];

/// The case of a call: the faults are spread evenly over each hundred.
pub(super) fn of(number: usize) -> &'static Case {
    let place = number * 37 % 100;
    match FAULTS.get(place) {
        Some(variants) => &variants[number / 100 % variants.len()],
        None => &GOOD[number % GOOD.len()],
    }
}

fn words(number: usize) -> String {
    format!("the words of call {number}")
}

fn long(number: usize) -> String {
    words(number) + &".".repeat(SMALL)
}

fn same(body: &str) -> String {
    body.to_owned()
}

fn upper(body: &str) -> String {
    body.to_ascii_uppercase()
}

fn reverse(body: &str) -> String {
    body.chars().rev().collect()
}
