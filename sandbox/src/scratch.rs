//! The scratch: a worker's private directory, made anew and removed whole.
//!
//! Landlock's rules bind to inodes, so a directory is never used twice. Removal meets what hostile
//! code has left: trees far deeper than there are descriptors, directories without permissions,
//! links to anywhere. It follows no link and holds three descriptors whatever the depth.
#![forbid(unsafe_code)]

mod usage;

use std::ffi::{CStr, CString};
use std::fs::Permissions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat, renameat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

pub use usage::Usage;

/// The descriptor that leads a worker to its scratch where `/tmp` is a link to `/proc/self/fd/1000`.
/// Shells and interpreters use none so high (bash: 255), and it is below the usual limit of 1024.
pub const TMP_DESCRIPTOR: RawFd = 1000;

const DIRECTORY: OFlag = OFlag::O_DIRECTORY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_RDONLY);

/// The directory in which one function's scratches come and go.
#[derive(Debug, Clone)]
pub struct ScratchRoot {
    path: PathBuf,
    fd: Arc<OwnedFd>,
}

impl ScratchRoot {
    /// Makes the directory `name` below `parent`, mode 0700, under a name that nobody can guess.
    ///
    /// # Errors
    /// Those of mkdir(2) and open(2).
    pub fn create(parent: &Path, name: &str) -> io::Result<Self> {
        let path = parent.join(format!("{name}-{}", unguessable_name()?));
        mkdirat(AT_FDCWD, &path, Mode::S_IRWXU)?;
        let fd = openat(AT_FDCWD, &path, DIRECTORY, Mode::empty())?;
        Ok(Self {
            path,
            fd: Arc::new(fd),
        })
    }

    /// The absolute path, if `parent` was.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a new scratch.
    ///
    /// # Errors
    /// Those of mkdir(2): `ENOSPC`, `EDQUOT`, and so on.
    pub fn make(&self) -> io::Result<Scratch> {
        let name = unguessable_name()?;
        mkdirat(self.fd.as_fd(), name.as_str(), Mode::S_IRWXU)?;
        Ok(Scratch {
            path: self.path.join(&name),
            root: Arc::clone(&self.fd),
            name,
        })
    }

    /// Removes it and everything in it.
    ///
    /// # Errors
    /// The first that was not mended by trying again.
    pub fn remove(self) -> io::Result<()> {
        remove_tree(&self.path)
    }
}

/// One call's private directory. Dropping it leaves it: [`Scratch::remove`] is said explicitly.
#[derive(Debug)]
#[must_use = "a scratch that is dropped stays on disk"]
pub struct Scratch {
    path: PathBuf,
    root: Arc<OwnedFd>,
    name: String,
}

impl Scratch {
    /// The path, below that of its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it if it is empty, which costs one system call; gives it back if it is not.
    ///
    /// # Errors
    /// Gives the scratch back; [`Scratch::remove`] then tells what is wrong, if anything is.
    pub fn remove_if_empty(self) -> Result<(), Self> {
        match unlinkat(
            self.root.as_fd(),
            self.name.as_str(),
            UnlinkatFlags::RemoveDir,
        ) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(_) => Err(self),
        }
    }

    /// Removes it and everything in it, however deep or forbidding.
    ///
    /// Nothing that the call has started may be alive any more.
    ///
    /// # Errors
    /// The first that was not mended by trying again; what is left stays below the root.
    pub fn remove(self) -> io::Result<()> {
        let name = CString::new(self.name)?;
        remove_entry(self.root.as_fd(), &name)
    }
}

/// Removes the directory `path` and everything below it; a missing one is no error.
///
/// # Errors
/// The first that was not mended by trying again, `ENOTDIR` if it is something else.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = match openat(AT_FDCWD, parent, DIRECTORY, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(()),
        other => other?,
    };
    let name = CString::new(name.as_bytes())?;
    remove_entry(parent.as_fd(), &name)
}

/// Sixteen random bytes as 32 hexadecimal digits.
///
/// # Errors
/// When the kernel has no randomness to give.
pub fn unguessable_name() -> io::Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn remove_entry(parent: impl AsFd + Copy, name: &CStr) -> io::Result<()> {
    let top = match open_forcibly(parent, name) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(()),
        other => other?,
    };
    Flattening { top, moved: 0 }.run()?;
    match unlinkat(parent, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Empties `top` by moving every subdirectory of its subdirectories up into it, so that the tree is
/// never more than two levels deep for us and each directory is moved once.
struct Flattening {
    top: OwnedFd,
    moved: u64,
}

impl Flattening {
    fn run(mut self) -> io::Result<()> {
        let top = self.top.try_clone()?;
        loop {
            let mut found = false;
            for name in names(&top)? {
                found = true;
                if let Leaf::Directory = remove_leaf(&top, &name)? {
                    self.empty(&top, &name)?;
                }
            }
            if !found {
                return Ok(());
            }
        }
    }

    /// Empties the directory `name` of `top` and removes it.
    fn empty(&mut self, top: &OwnedFd, name: &CStr) -> io::Result<()> {
        let directory = open_forcibly(top, name)?;
        // A directory may be read while its entries go; some systems then skip entries.
        loop {
            for entry in names(&directory)? {
                if let Leaf::Directory = remove_leaf(&directory, &entry)? {
                    self.move_up(&directory, &entry)?;
                }
            }
            match unlinkat(top, name, UnlinkatFlags::RemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => return Ok(()),
                Err(Errno::ENOTEMPTY | Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn move_up(&mut self, from: &OwnedFd, entry: &CStr) -> io::Result<()> {
        // Moving a directory changes its "..", which needs write permission on itself.
        drop(open_forcibly(from, entry)?);
        loop {
            let target = CString::new(format!("leasehold-removing-{}", self.moved))?;
            self.moved += 1;
            match renameat(from, entry, &self.top, target.as_c_str()) {
                Ok(()) | Err(Errno::ENOENT) => return Ok(()),
                // Hostile code has used our name: try the next.
                Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::ENOTDIR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

enum Leaf {
    Gone,
    Directory,
}

/// Removes what is not a directory, and a directory that is empty.
fn remove_leaf(parent: &OwnedFd, name: &CStr) -> io::Result<Leaf> {
    match unlinkat(parent, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => return Ok(Leaf::Gone),
        Err(Errno::EISDIR | Errno::EPERM) => {}
        Err(error) => return Err(error.into()),
    }
    match unlinkat(parent, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(Leaf::Gone),
        Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::EACCES) => Ok(Leaf::Directory),
        Err(error) => Err(error.into()),
    }
}

/// Opens a directory of ours, giving ourselves permission first where it was taken away.
fn open_forcibly(parent: impl AsFd + Copy, name: &CStr) -> io::Result<OwnedFd> {
    // O_PATH needs no permission on the directory itself, and NOFOLLOW makes sure that it is one.
    let pin = openat(parent, name, DIRECTORY | OFlag::O_PATH, Mode::empty())?;
    let by_descriptor = format!("/proc/self/fd/{}", pin.as_raw_fd());
    if std::fs::metadata(&by_descriptor)?.permissions().mode() & 0o700 != 0o700 {
        std::fs::set_permissions(&by_descriptor, Permissions::from_mode(0o700))?;
    }
    Ok(openat(parent, name, DIRECTORY, Mode::empty())?)
}

/// The names in a directory, at most [`BATCH`] of them.
fn names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    // A description of its own, so that reading starts at the beginning each time.
    let copy = openat(directory, c".", DIRECTORY, Mode::empty())?;
    let mut listing = Dir::from_fd(copy)?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
            if names.len() == BATCH {
                break;
            }
        }
    }
    Ok(names)
}

/// Names held in memory at once: bounds what a directory with millions of entries can cost.
const BATCH: usize = 4096;

/// Counts what is in the directory `path`, stopping once there are more than `most` entries.
///
/// # Errors
/// When it cannot be read.
pub fn usage(path: &Path, most: u64) -> io::Result<Usage> {
    usage::count(openat(AT_FDCWD, path, DIRECTORY, Mode::empty())?, most)
}

#[cfg(test)]
mod tests;
