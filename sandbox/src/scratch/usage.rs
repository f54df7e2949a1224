//! What is in a scratch while its call runs, counted without trusting it.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;

use nix::dir::Dir;
use nix::fcntl::{AtFlags, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};

use super::DIRECTORY;

/// The contents of a directory tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of storage, as `st_blocks` counts them.
    pub bytes: u64,
    /// Directories, files and everything else, the top excepted.
    pub entries: u64,
}

/// Counts what is below `top`, stopping once there are more than `most` entries.
///
/// Holds two descriptors whatever the depth, and follows no link. The tree changes while it is
/// counted: an entry that goes is not counted, and the count ends in any case.
pub(super) fn count(top: OwnedFd, most: u64) -> io::Result<Usage> {
    let mut usage = Usage::default();
    let mut here = top;
    let mut pending = vec![count_directory(&here, &mut usage, most)?];
    while let Some(names) = pending.last_mut() {
        if usage.entries > most {
            break;
        }
        if let Some(name) = names.pop() {
            // One that is gone, or may not be read by us and so was not filled by its owner either.
            if let Ok(inner) = openat(&here, name.as_c_str(), DIRECTORY, Mode::empty()) {
                here = inner;
                pending.push(count_directory(&here, &mut usage, most)?);
            }
        } else {
            pending.pop();
            if !pending.is_empty() {
                here = openat(&here, c"..", DIRECTORY, Mode::empty())?;
            }
        }
    }
    Ok(usage)
}

/// Counts the entries of one directory; returns the names of its subdirectories.
fn count_directory(directory: &OwnedFd, usage: &mut Usage, most: u64) -> io::Result<Vec<CString>> {
    let mut subdirectories = Vec::new();
    let mut listing = Dir::from_fd(openat(directory, c".", DIRECTORY, Mode::empty())?)?;
    for entry in listing.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        usage.entries += 1;
        if usage.entries > most {
            break;
        }
        let Ok(stat) = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) else {
            continue;
        };
        usage.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR {
            subdirectories.push(name.to_owned());
        }
    }
    Ok(subdirectories)
}
