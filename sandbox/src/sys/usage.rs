//! What a tree of processes uses, by the kernel's word in procfs.

use std::fs;
use std::io::{self, Read};

/// The sum over a call's processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Living processes.
    pub processes: u64,
    /// Their threads.
    pub threads: u64,
    /// RssAnon + RssShmem + VmSwap, in bytes: what is theirs alone or shared with no file.
    pub memory: u64,
    /// User and system time, that of ended and reaped descendants included, in milliseconds.
    pub cpu_millis: u64,
}

/// Sums up the process `root` and all its descendants; with `root_counts` false, root itself only for
/// the time of those that it has reaped.
///
/// Stops once there are more than `most` processes.
#[must_use]
pub fn of_tree(root: u32, root_counts: bool, most: u64) -> Usage {
    let mut usage = Usage::default();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        // A process that ends while it is looked at is not counted.
        if pid != root || root_counts {
            if let Some((threads, memory)) = status(pid) {
                usage.processes += 1;
                usage.threads += threads;
                usage.memory += memory;
            }
            usage.cpu_millis += cpu_millis(pid, true).unwrap_or(0);
        } else {
            usage.cpu_millis += cpu_millis(pid, false).unwrap_or(0);
        }
        if usage.processes > most {
            break;
        }
        open.extend(children(pid));
    }
    usage
}

/// The living children of every thread of `pid`.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = threads.flatten().filter_map(|thread| {
        let mut list = String::new();
        let file = fs::File::open(thread.path().join("children")).ok()?;
        file.take(1 << 20).read_to_string(&mut list).ok()?;
        Some(list)
    });
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

fn read(path: &str) -> io::Result<String> {
    let mut text = Vec::with_capacity(2048);
    fs::File::open(path)?
        .take(64 * 1024)
        .read_to_end(&mut text)?;
    // The name of a process is its own choice.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Threads and bytes of memory, from `/proc/PID/status`.
fn status(pid: u32) -> Option<(u64, u64)> {
    let text = read(&format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.split_whitespace().next()?.parse().ok()
    };
    // A zombie has no memory any more, and no such fields.
    let kib: u64 = ["RssAnon", "RssShmem", "VmSwap"]
        .into_iter()
        .filter_map(field)
        .sum();
    Some((field("Threads")?, kib * 1024))
}

/// Milliseconds of CPU from `/proc/PID/stat`: fields 14–17 of proc_pid_stat(5), in ticks of 10 ms
/// (USER_HZ is 100 wherever Linux runs this).
fn cpu_millis(pid: u32, own: bool) -> Option<u64> {
    const TICK_MILLIS: u64 = 10;
    let text = read(&format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; it ends at the last one.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| {
        fields
            .get(field - 3)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let reaped = ticks(16)? + ticks(17)?;
    Some((reaped + if own { ticks(14)? + ticks(15)? } else { 0 }) * TICK_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_this_process_and_a_child() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let all = of_tree(std::process::id(), true, 1000);
        let others = of_tree(std::process::id(), false, 1000);
        let found = children(std::process::id()).contains(&child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found);
        assert!(all.processes >= 2 && others.processes >= 1);
        assert!(all.threads > others.threads && all.memory > others.memory);
        assert_eq!(of_tree(std::process::id(), true, 0).processes, 1);
    }
}
