//! The numbered channels: every known way in which one call could leave something for another, talk to
//! it, or harm it or the host. docs/channels.md is this table for readers.

/// One channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// Its number. Numbers are never given to another channel.
    pub row: u8,
    /// What it is.
    pub name: &'static str,
    /// What closes it: Landlock with the ABI that brought the right, the filter, the burial, the
    /// scratch, limits, or the way in which the host does things.
    pub closed_by: &'static str,
    /// What of it remains open by nature, if anything: it never counts as stopped.
    pub remains: Option<&'static str>,
}

/// The channel of this number.
#[must_use]
pub fn of(row: u8) -> Option<&'static Channel> {
    CHANNELS.iter().find(|channel| channel.row == row)
}

macro_rules! channels {
    ($($row:literal $name:literal, $by:literal $(, remains $remains:literal)?;)+) => {
        &[$(Channel { row: $row, name: $name, closed_by: $by, remains: channels!(@ $($remains)?) },)+]
    };
    (@) => { None };
    (@ $remains:literal) => { Some($remains) };
}

/// All of them, by number.
pub const CHANNELS: &[Channel] = channels! {
    1 "files in shared temporary directories, the working directory and other scratches", "Landlock 1; scratch";
    2 "a directory that is used again", "scratch: a new one for each call, removed after the burial";
    3 "truncating a file that was not granted", "Landlock 3";
    4 "modes, owners, times, attributes and inode flags of a shared file as a notice board", "filter";
    5 "existence, size and times of paths; O_PATH; file handles", "filter: handles; the rest remains", remains "stat and O_PATH need no right; scratches have random names";
    6 "the working directory as a way in", "Landlock 1: what lies there", remains "chdir itself needs no right";
    7 "watching a directory: inotify, fanotify", "filter";
    8 "locks on a file that two calls may read", "filter: flock, locks of open files, F_GETLK", remains "record locks (F_SETLK) are needed by SQLite";
    9 "links and renames from one scratch to another", "Landlock 1 and 2";
    10 "links and deep trees against whoever removes the scratch", "scratch: a walk that follows no link";
    11 "a file without a name that somebody holds open", "burial";
    12 "named pipes, devices, terminals", "Landlock 1; filter";
    13 "POSIX message queues", "filter; Landlock 1";
    14 "using up the disk", "limits";
    15 "probing the page cache", "filter (time remains, 71)";
    16 "core dumps", "limits";
    17 "descriptors that the host had open", "host: closed before any function code";
    18 "flags and offsets of shared standard streams", "host: pipes of its own for each call";
    19 "a copy of the host's memory", "host: zygotes are executed, never forked from it";
    20 "writable shared mappings that an import leaves to all calls", "host: the function is refused";
    21 "one memory layout and hash seed for all calls of a zygote", "nothing", remains "a fork has the layout of its parent";
    22 "memory without a path: memfd", "filter; Landlock 1";
    23 "merging of equal pages: KSM", "filter";
    24 "userfaultfd", "filter";
    25 "futexes in a file that two calls may read", "nothing", remains "threads need futexes";
    26 "quotas of the user: processes, signals, pipe pages, watches", "filter: pipe sizes; the rest remains", remains "the kernel counts for the user";
    27 "signals to another process", "Landlock 6";
    28 "signals by way of a descriptor's owner", "filter; Landlock 6";
    29 "tracing another process", "filter; Landlock 1";
    30 "reading and writing another process's memory", "filter; Landlock 1";
    31 "taking descriptors of another process; comparing its resources", "filter; Landlock 1";
    32 "another process's futex lists, lock owners and memory placement", "filter; Landlock 1";
    33 "advice on another process's memory", "filter; Landlock 1";
    34 "waiting for another process's end by a pidfd", "filter";
    35 "another process in /proc: memory, environment, descriptors, paths", "Landlock 1";
    36 "another process in /proc: command line, state, numbers", "Landlock 1";
    37 "writing to another process's files in /proc", "Landlock 1";
    38 "another process's resource limits, the host's included", "filter";
    39 "another process's priority, affinity and scheduling policy", "filter";
    40 "another process's priority, session, group and CPU clock, read", "filter";
    41 "a process that outlives its call", "burial";
    42 "a fork bomb", "limits; burial";
    43 "typing on a terminal that was inherited", "filter; Landlock 1";
    44 "performance counters of another process", "filter; Landlock 1";
    45 "other attributes of processes by prctl", "filter";
    46 "timers", "host: a process for each call";
    47 "umask, working directory, personality, resource limits", "host: a process for each call; filter";
    48 "System V shared memory", "filter";
    49 "System V messages and semaphores", "filter";
    50 "abstract unix sockets", "filter; Landlock 6";
    51 "unix sockets with a path", "filter; Landlock 9";
    52 "TCP on the loopback interface", "filter; Landlock 4";
    53 "MPTCP, SCTP, SMC and protocols layered on TCP", "filter";
    54 "TCP Fast Open, which connects without connect(2)", "filter";
    55 "listening without binding", "filter";
    56 "UDP", "filter; Landlock 10";
    57 "the host's own ports", "filter; Landlock 4";
    58 "netlink", "filter";
    59 "sockets of other families", "filter";
    60 "raw and ICMP sockets", "filter";
    61 "keyrings", "filter";
    62 "io_uring", "filter";
    63 "contexts of asynchronous I/O, which the kernel counts for everybody", "filter";
    64 "bpf", "filter";
    65 "namespaces", "filter";
    66 "mounts", "filter; Landlock 1";
    67 "/proc/sys and /sys", "Landlock 1";
    68 "the kernel's log", "Landlock 1";
    69 "setuid programs", "no_new_privs";
    70 "load, free memory and space, process numbers", "nothing", remains "they are the container's";
    71 "timing of caches and processors", "nothing", remains "time can be measured";
    72 "memory, until the kernel kills a neighbour", "limits";
    73 "one state of random numbers for all calls of a zygote", "host: after-fork hooks";
    74 "the host's environment", "host: made from nothing";
    75 "secrets of another function", "Landlock 1";
    76 "forged responses", "host: statuses and headers are validated";
    77 "shared configuration that could be written", "Landlock 1";
    78 "endless output", "limits";
    79 "descriptors that an import has opened", "host: closed before the call";
    80 "threads and children that an import has started", "host: none lives when the first worker parks";
    81 "the zygote as a messenger", "host: a worker cannot reach it";
    82 "a name or number that is used again", "scratch: 128-bit names";
    83 "signals when a directory is read: dnotify", "filter";
    84 "leases and write hints on a file", "filter";
    85 "the sockets of everybody in /proc/self/net", "Landlock 1";
    86 "the sharing of pages in /proc/self/pagemap and smaps", "Landlock 1";
    87 "counts of descriptors and threads by stat in /proc", "nothing", remains "stat needs no right";
    88 "an import that lies in wait for its workers", "filter: it kills";
    89 "a child that is given to the zygote: CLONE_PARENT", "filter";
    90 "descriptors sent to the host", "host: it takes none from workers";
    91 "flushing everybody's data; interrupting every processor", "filter";
    92 "arguments whose high words the kernel ignores", "filter: the low 32 bits count";
    93 "a rule that goes when its inode is evicted", "fails closed";
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_have_no_gaps_and_the_document_says_the_same() {
        let document = include_str!("../../../docs/channels.md");
        for (index, channel) in CHANNELS.iter().enumerate() {
            assert_eq!(usize::from(channel.row), index + 1);
            let Channel {
                row,
                name,
                closed_by,
                remains,
            } = channel;
            let line = format!(
                "| {row} | {name} | {closed_by} | {} |",
                remains.unwrap_or_default()
            );
            assert!(
                document.lines().any(|known| known == line),
                "missing: {line}"
            );
        }
    }
}
