//! Processes as the kernel tells of them to anybody: whose children, by what name, alive or not.

use std::fs;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use leasehold_sandbox::sys::pidfd::PidFd;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::log::PATIENCE;

/// A mark that no other test's processes bear: short enough for a process name, PR_SET_NAME(2const).
pub fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("lh{:x}m{next:x}z", std::process::id())
}

/// The living processes of this machine that bear a mark: as their name, or within an argument.
pub fn marked(mark: &str) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    numbers
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| bears(*pid, mark) && state(*pid) != 'Z')
        .collect()
}

fn bears(pid: u32, mark: &str) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    name.trim_end() == mark || String::from_utf8_lossy(&arguments).contains(mark)
}

/// Waits until exactly `count` processes bear the mark, and takes hold of them.
pub fn hold_marked(mark: &str, count: usize) -> Held {
    let mut pids = Vec::new();
    eventually(&format!("{count} processes marked {mark}"), || {
        pids = marked(mark);
        pids.len() == count
    });
    hold(pids)
}

/// Handles on processes that live now.
#[derive(Debug)]
pub struct Held(Vec<(u32, PidFd)>);

/// Takes hold of processes; those that are gone meanwhile are left out.
pub fn hold(pids: impl IntoIterator<Item = u32>) -> Held {
    let open = |pid| PidFd::open(pid).ok().map(|handle| (pid, handle));
    Held(pids.into_iter().filter_map(open).collect())
}

impl Held {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Waits until all of them have ended.
    pub fn wait(&self) {
        let end = Instant::now() + PATIENCE;
        for (pid, handle) in &self.0 {
            let left = end.saturating_duration_since(Instant::now());
            let left = PollTimeout::try_from(left).unwrap();
            let mut polled = [PollFd::new(handle.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut polled, left).unwrap();
            assert!(ready == 1, "process {pid} lives on: {}", describe(*pid));
        }
    }

    /// Those that live, without waiting.
    pub fn living(&self) -> Vec<u32> {
        let living = self.0.iter().filter(|(_, handle)| !handle.ended());
        living.map(|(pid, _)| *pid).collect()
    }
}

/// Kills a process that the test has started, one way or the other, and waits until it is dead.
pub fn kill_hard(pid: u32) {
    let held = hold([pid]);
    assert_eq!(held.len(), 1, "there is no process {pid} to kill");
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    held.wait();
}

/// The parent of a process, 0 if there is no such process.
pub fn parent(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    parent
        .and_then(|pid| pid.trim().parse().ok())
        .unwrap_or_default()
}

/// The living children of a process, zombies left out.
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .filter(|pid| state(*pid) != 'Z')
        .collect()
}

/// Waits until a zygote has exactly this many children, undertakers or workers without one.
pub fn hold_children(zygote: u32, count: usize) -> Vec<u32> {
    let mut found = Vec::new();
    eventually(&format!("{count} children of process {zygote}"), || {
        found = children(zygote);
        found.len() == count
    });
    found
}

/// The number of descriptors that a process has open, proc_pid_fd(5): the size of that directory
/// since Linux 6.2, which needs no right on the process.
pub fn descriptors(pid: u32) -> u64 {
    fs::metadata(format!("/proc/{pid}/fd")).unwrap().len()
}

/// The state letter of a process, `X` if there is none.
pub fn state(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it may hold anything, brackets too.
    let rest = stat.rsplit_once(") ").map(|(_, rest)| rest);
    rest.and_then(|rest| rest.chars().next()).unwrap_or('X')
}

fn describe(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    format!("{}\n{status}", String::from_utf8_lossy(&arguments))
}

/// Waits for what the kernel tells of by no event, for a bounded time.
pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "there never was or were {what}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Waits until a host has no other descendants than these zygotes, their guards where they have one,
/// and so many parked workers each, `deep` processes to a worker: 2 with an undertaker, 1 without.
pub fn settles(host: u32, zygotes: &[(u32, usize, usize)]) {
    let guards = zygotes
        .iter()
        .filter(|(zygote, ..)| parent(*zygote) != host);
    let workers = zygotes.iter().map(|(_, parked, deep)| 1 + parked * deep);
    let expected = guards.count() + workers.sum::<usize>();
    eventually(&format!("{expected} descendants of the host"), || {
        let living = super::descendants(host);
        living.iter().filter(|pid| state(**pid) != 'Z').count() == expected
            && zygotes.iter().all(|(zygote, parked, deep)| {
                let keepers = children(*zygote);
                keepers.len() == *parked
                    && keepers
                        .iter()
                        .all(|keeper| children(*keeper).len() == deep - 1)
            })
    });
}
