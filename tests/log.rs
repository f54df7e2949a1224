//! The log and whoever reads it, or does not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use support::{Functions, Host, log, memory, metrics};

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
    let mut reader = options
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

    let read = std::thread::spawn(move || {
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        rest(&mut reader)
    });
    host.signal(Signal::SIGTERM);
    assert!(host.child.wait().unwrap().success());
    let text = read.join().unwrap();
    assert_eq!(
        log::records(&text).len(),
        text.lines().count(),
        "whole lines"
    );
    assert!(text.contains("the log was not read in time and has a gap"));
    assert!(
        text.lines()
            .last()
            .unwrap()
            .contains("all calls are finished")
    );
}

fn rest(reader: &mut File) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}
