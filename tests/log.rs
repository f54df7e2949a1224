//! The log and whoever reads it, or does not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::sync::mpsc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use support::{Functions, Host, log, memory, metrics};

/// What the log says where lines are missing.
const GAP: &str = "the log was not read in time and has a gap";

const LOUD: &str = "
import sys

def handle(event, context):
    for _ in range(1000):
        print('x' * 1000, file=sys.stderr)
    return 'said'
";

#[test]
fn a_reader_that_is_stuck_holds_nobody_up() {
    let functions = Functions::new();
    functions.python("loud", "  limits: {timeout: 20s}\n", LOUD);
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("log");
    nix::unistd::mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let mut options = OpenOptions::new();
    let reader = options
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(&pipe)
        .unwrap();
    let mut command = Command::new("sh");
    let script = format!("exec \"$@\" 2>{}", pipe.display());
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_leasehold")]);
    let state = tempfile::tempdir_in(memory()).unwrap();
    let mut host = Host::start_as(command, functions.path(), &[], state);

    // A megabyte each, and nobody reads: more than waits in the pipe, on the way and in the queue.
    for _ in 0..16 {
        assert_eq!(host.call("loud", "").text(), "said");
    }
    let dropped = || metrics::scrape(&host)["leasehold_log_dropped_lines_total"];
    assert!(dropped() > 1000.0, "{}", dropped());

    fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let (told, gap) = mpsc::channel();
    let read = std::thread::spawn(move || {
        let lines = BufReader::new(reader).lines().map(Result::unwrap);
        let told = |line: &String| {
            if line.contains(GAP) {
                told.send(()).unwrap();
            }
        };
        lines.inspect(told).collect::<Vec<_>>()
    });
    // All that was waiting is read by then.
    gap.recv().unwrap();
    host.signal(Signal::SIGTERM);
    assert!(host.child.wait().unwrap().success());
    let lines = read.join().unwrap();
    let whole = lines.iter().flat_map(|line| log::records(line)).count();
    assert_eq!(whole, lines.len());
    assert!(lines.last().unwrap().contains("all calls are finished"));
}
