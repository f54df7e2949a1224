//! What a function's import has left in its zygote, by the kernel's word.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// A writable mapping that every fork of the zygote would share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shared {
    /// Its size in bytes.
    pub(super) size: u64,
    /// What is mapped, printable.
    pub(super) name: String,
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "anonymous"
        } else {
            &self.name
        };
        write!(f, "{name} ({} bytes)", self.size)
    }
}

/// The most of `/proc/PID/maps` that is read: a process of a sane size has far less.
const MAX_MAPS: u64 = 64 << 20;

/// The first shared mapping of the process `pid` that may be written, or made writable.
///
/// # Errors
/// When its maps cannot be read.
pub(super) fn check(pid: u32) -> io::Result<Option<Shared>> {
    let maps = std::fs::File::open(format!("/proc/{pid}/maps"))?;
    for line in BufReader::new(maps.take(MAX_MAPS)).split(b'\n') {
        if let Some(shared) = shared(&String::from_utf8_lossy(&line?)) {
            return Ok(Some(shared));
        }
    }
    Ok(None)
}

/// `address perms offset dev inode pathname`, proc_pid_maps(5).
fn shared(line: &str) -> Option<Shared> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let permissions = fields.next()?;
    if !(permissions.contains('w') && permissions.ends_with('s')) {
        return None;
    }
    let name = fields.skip(3).collect::<Vec<_>>().join(" ");
    let size = u64::from_str_radix(end, 16)
        .ok()?
        .checked_sub(u64::from_str_radix(start, 16).ok()?)?;
    Some(Shared {
        size,
        name: name.escape_debug().take(200).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_writable_and_shared() {
        let anonymous = "7f0000000000-7f0000001000 rw-s 00000000 00:01 1025 /dev/zero (deleted)";
        let shared = shared(anonymous).unwrap();
        assert_eq!(
            shared,
            Shared {
                size: 4096,
                name: "/dev/zero (deleted)".into()
            }
        );
        for line in [
            "7f0000000000-7f0000001000 r--s 00000000 00:01 1025 /usr/lib/gconv/gconv-modules.cache",
            "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 [heap]",
            "",
            "nonsense",
        ] {
            assert_eq!(super::shared(line), None, "{line}");
        }
    }

    #[test]
    fn this_process_has_none() {
        assert_eq!(check(std::process::id()).unwrap(), None);
    }
}
