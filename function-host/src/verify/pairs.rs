//! Sequential pairs: call A leaves something, is buried, and call B or the host looks for it.

use leasehold_attacks::attack::Profile;

use super::report::{Layer, Mode};

/// One pair. `{left}` in what comes second is where the first call was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) row: u8,
    pub(super) name: &'static str,
    pub(super) mode: Mode,
    /// What must be granted on top of the profile for it to begin.
    pub(super) more: Profile,
    pub(super) first: &'static str,
    pub(super) then: Then,
    pub(super) layer: Layer,
    pub(super) control: Beside,
}

/// How it is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Then {
    /// By a call: it leaks if it succeeds.
    Call(&'static str),
    /// It leaks if the next call is in the same place.
    SamePlace,
    /// By the host: it leaks if a process that the first call left still lives.
    Alive,
    /// By the host: it leaks if the first call's place is still there, or what its links lead to is not.
    There,
    /// It leaks if the call has a descriptor open beside its streams and the one that leads to its scratch.
    Open,
    /// It leaks if the call names a variable of this process.
    Environment,
    /// It leaks if its reply comes to its end.
    Complete,
    /// By the host: it leaks if the kernel would let the process gain privileges.
    Privileges,
}

/// Without the sandbox.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beside {
    /// The same pair leaks.
    Same,
    /// This first program does.
    Instead(&'static str),
    /// There is nothing to compare with, for this reason.
    Impossible(&'static str),
}

const PAIR: Pair = Pair {
    row: 0,
    name: "",
    mode: Mode::Sequential,
    more: Profile::Base,
    first: "where",
    then: Then::SamePlace,
    layer: Layer::Scratch,
    control: Beside::Same,
};

const BOMB: &str =
    "daemon ; daemon ; daemon ; daemon ; daemon ; daemon ; daemon ; daemon ; daemon ; daemon";

pub(super) const PAIRS: &[Pair] = &[
    Pair {
        row: 1,
        name: "a file in the working directory is not there for the next call",
        first: "open str:left O_WRONLY|O_CREAT 0o600",
        then: Then::Call("open str:left O_RDONLY"),
        ..PAIR
    },
    Pair {
        row: 1,
        name: "a file in /tmp is not there for the next call",
        first: "open str:{tmp}/left O_WRONLY|O_CREAT 0o600",
        then: Then::Call("open str:{tmp}/left O_RDONLY"),
        layer: Layer::Landlock,
        ..PAIR
    },
    Pair {
        row: 2,
        name: "the next call has another directory",
        ..PAIR
    },
    Pair {
        row: 2,
        name: "the directory of a call goes with it",
        first: "where ; mkdir str:d 0o700",
        then: Then::There,
        ..PAIR
    },
    Pair {
        row: 2,
        name: "a directory is not entered again by name",
        first: "where ; open str:kept O_WRONLY|O_CREAT 0o600",
        then: Then::Call("open str:{left}/kept O_RDONLY"),
        ..PAIR
    },
    Pair {
        row: 10,
        name: "links lead the remover nowhere",
        first: "where ; mkdir str:d 0o700 ; symlink str:{target} str:d/out ; symlink str:{target}/inside str:d/file",
        then: Then::There,
        ..PAIR
    },
    Pair {
        row: 10,
        name: "a tree deeper than there are descriptors is removed",
        first: "where ; deep 1200",
        then: Then::There,
        ..PAIR
    },
    Pair {
        row: 11,
        name: "a file without a name goes with who holds it",
        more: Profile::Forking,
        first: "open str:held O_RDWR|O_CREAT 0o600 ; unlink str:held ; daemon",
        then: Then::Alive,
        layer: Layer::Burial,
        ..PAIR
    },
    Pair {
        row: 17,
        name: "nothing is open but the streams",
        first: "descriptors",
        then: Then::Open,
        layer: Layer::Host,
        control: Beside::Instead("open str:/dev/null O_RDONLY ; descriptors"),
        ..PAIR
    },
    Pair {
        row: 41,
        name: "a daemon does not outlive its call",
        more: Profile::Forking,
        first: "daemon",
        then: Then::Alive,
        layer: Layer::Burial,
        ..PAIR
    },
    Pair {
        row: 42,
        name: "a bomb is bounded and buried",
        more: Profile::Forking,
        first: BOMB,
        then: Then::Alive,
        layer: Layer::Burial,
        ..PAIR
    },
    Pair {
        row: 69,
        name: "no program gains privileges",
        mode: Mode::Host,
        then: Then::Privileges,
        layer: Layer::Host,
        ..PAIR
    },
    Pair {
        row: 74,
        name: "no variable of the host is there",
        mode: Mode::Host,
        first: "environment",
        then: Then::Environment,
        layer: Layer::Host,
        control: Beside::Impossible("no worker has the host's environment, isolated or not"),
        ..PAIR
    },
    Pair {
        row: 75,
        name: "a secret that was not listed is unreadable",
        mode: Mode::Host,
        then: Then::Call("open str:{secrets}/token O_RDONLY"),
        layer: Layer::Landlock,
        ..PAIR
    },
    Pair {
        row: 78,
        name: "output ends at its limit",
        mode: Mode::Host,
        first: "flood 1048576",
        then: Then::Complete,
        layer: Layer::Limits,
        ..PAIR
    },
    Pair {
        row: 82,
        name: "no name is used again",
        ..PAIR
    },
];
