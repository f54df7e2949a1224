//! `/proc/PID/status`: the kernel's own word on a process.

use std::io::{self, Read};

/// The fields of `/proc/PID/status` that are used, see proc_pid_status(5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// `PPid:`
    pub parent: u32,
    /// `Threads:`
    pub threads: u32,
    /// `NoNewPrivs:`
    pub no_new_privs: bool,
    /// `Seccomp:` 0 none, 1 strict, 2 filter.
    pub seccomp: u32,
    /// `Seccomp_filters:`
    pub seccomp_filters: u32,
    /// `State:` is `Z` or `X`.
    pub dead: bool,
}

/// Reads the status of this process.
///
/// # Errors
/// When procfs is not mounted or has an unknown form.
pub fn read_self() -> io::Result<Status> {
    read_path("/proc/self/status")
}

/// Reads the status of the process `pid`.
///
/// # Errors
/// `ENOENT`/`ESRCH` when it is gone; [`io::ErrorKind::InvalidData`] when a field is missing.
pub fn read(pid: u32) -> io::Result<Status> {
    read_path(&format!("/proc/{pid}/status"))
}

fn read_path(path: &str) -> io::Result<Status> {
    let mut text = Vec::with_capacity(4096);
    std::fs::File::open(path)?
        .take(64 * 1024)
        .read_to_end(&mut text)?;
    parse(&text).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{path} lacks a field that is needed"),
        )
    })
}

fn parse(text: &[u8]) -> Option<Status> {
    let field = |name: &str| -> Option<&str> {
        text.split(|&byte| byte == b'\n').find_map(|line| {
            let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
            std::str::from_utf8(value).ok().map(str::trim)
        })
    };
    Some(Status {
        parent: field("PPid")?.parse().ok()?,
        threads: field("Threads")?.parse().ok()?,
        no_new_privs: field("NoNewPrivs")? == "1",
        seccomp: field("Seccomp")?.parse().ok()?,
        seccomp_filters: field("Seccomp_filters")?.parse().ok()?,
        dead: field("State")?.starts_with(['Z', 'X']),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process() {
        let status = read_self().unwrap();
        assert!(status.threads >= 1);
        assert!(!status.dead);
        assert_eq!(status.parent, std::os::unix::process::parent_id());
    }

    #[test]
    fn a_name_cannot_forge_a_field() {
        // The kernel escapes newlines in `Name:`; a name that looks like a field stays in its line.
        let text = b"Name:\tSeccomp: 2\\nSeccomp:\nState:\tS (sleeping)\nPPid:\t1\nThreads:\t1\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n";
        assert_eq!(parse(text).unwrap().seccomp, 0);
        assert_eq!(parse(b"garbage\xff"), None);
    }
}
