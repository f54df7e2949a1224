//! The state directory: everything that the host writes, below one locked directory.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use leasehold_sandbox::scratch::remove_tree;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};

use crate::tmp;

/// A state directory that this host alone uses.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    /// Whether nobody else will use the directory, which then goes with us.
    own: bool,
    _lock: Flock<File>,
}

/// Why there is no state directory.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be made or written to.
    #[error("cannot use {path} as state directory: {source}; give another with --state")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another host has it.
    #[error("{0} is in use by another leasehold; give another with --state")]
    InUse(PathBuf),
    /// Nowhere to put it.
    #[error("found no writable directory for the state; give one with --state")]
    Nowhere,
}

impl State {
    /// Opens `path`, or a place of our choice: memory-backed where there is one. What an earlier
    /// host left in it is removed: holding the lock proves that it is dead.
    ///
    /// # Errors
    /// When the place is taken or cannot be written to.
    pub fn open(path: Option<&Path>) -> Result<Self, StateError> {
        let state = match path {
            Some(path) => Self::lock(path)?,
            None => Self::choose()?,
        };
        state
            .sweep()
            .map_err(|source| unusable(&state.path, source))?;
        Ok(state)
    }

    /// The directory, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory below which the functions' scratches are.
    #[must_use]
    pub fn scratches(&self) -> PathBuf {
        self.path.join("scratch")
    }

    /// The directory of compiled modules, which outlives the host if the state does.
    #[must_use]
    pub fn artefacts(&self) -> PathBuf {
        self.path.join("artefacts")
    }

    /// The directory of a host that serves already, if it is one of those that hosts choose themselves.
    #[must_use]
    pub fn of_another() -> Option<PathBuf> {
        candidates().into_iter().find(|path| {
            let lock = File::open(path.join("lock"));
            // A shared lock, for a moment: it fails where somebody has the exclusive one.
            lock.is_ok_and(|lock| {
                let locked = Flock::lock(lock, FlockArg::LockSharedNonblock);
                matches!(locked, Err((_, nix::Error::EWOULDBLOCK)))
            })
        })
    }

    /// The directory of the sockets on which functions that are HTTP servers listen.
    #[must_use]
    pub fn sockets(&self) -> PathBuf {
        self.path.join("sockets")
    }

    fn choose() -> Result<Self, StateError> {
        let in_memory = |path: &PathBuf| path.parent().is_some_and(is_tmpfs);
        let (fast, slow): (Vec<_>, Vec<_>) = candidates().into_iter().partition(in_memory);
        let process = std::process::id();
        fast.into_iter()
            .chain(slow)
            .filter(|path| path.parent().is_some_and(Path::is_dir))
            .flat_map(|path| {
                // Several hosts of one user each find a place of their own.
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let own = path.with_file_name(format!("{name}-{process}"));
                [(path, false), (own, true)]
            })
            .find_map(|(path, own)| {
                let mut state = Self::lock(&path).ok()?;
                state.own = own;
                Some(state)
            })
            .ok_or(StateError::Nowhere)
    }

    fn lock(path: &Path) -> Result<Self, StateError> {
        let failed = |source| unusable(path, source);
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let metadata = fs::metadata(&path).map_err(failed)?;
        let owner = std::os::unix::fs::MetadataExt::uid(&metadata);
        if owner != nix::unistd::geteuid().as_raw() {
            return Err(failed(io::Error::other(format!(
                "it belongs to uid {owner}"
            ))));
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(failed)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options
            .custom_flags(libc::O_NOFOLLOW)
            .open(path.join("lock"))
            .map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self {
                path,
                own: false,
                _lock: lock,
            }),
            Err((_, nix::Error::EWOULDBLOCK)) => Err(StateError::InUse(path)),
            Err((_, error)) => Err(failed(error.into())),
        }
    }

    fn sweep(&self) -> io::Result<()> {
        for directory in [self.scratches(), self.sockets()] {
            remove_tree(&directory)?;
            fs::DirBuilder::new().mode(0o700).create(directory)?;
        }
        let link = self.path.join(tmp::NAME);
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => symlink(tmp::target(), link),
        }
    }
}

/// Where a host puts its state if it is not told, best first.
fn candidates() -> Vec<PathBuf> {
    let uid = nix::unistd::geteuid();
    let mut candidates = vec![PathBuf::from("/run/leasehold")];
    candidates
        .extend(std::env::var_os("XDG_RUNTIME_DIR").map(|dir| Path::new(&dir).join("leasehold")));
    candidates.push(PathBuf::from(format!("/dev/shm/leasehold-{uid}")));
    candidates.push(std::env::temp_dir().join(format!("leasehold-{uid}")));
    candidates
}

impl Drop for State {
    fn drop(&mut self) {
        // What cannot be removed now is swept at the next start.
        if self.own {
            let _left = remove_tree(&self.path);
        } else {
            let _left = (remove_tree(&self.scratches()), remove_tree(&self.sockets()));
        }
    }
}

fn unusable(path: &Path, source: io::Error) -> StateError {
    StateError::Unusable {
        path: path.to_owned(),
        source,
    }
}

fn is_tmpfs(path: &Path) -> bool {
    statfs(path).is_ok_and(|stat| stat.filesystem_type() == TMPFS_MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_at_a_time_and_a_clean_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let state = State::open(Some(&path)).unwrap();
        assert!(matches!(
            State::open(Some(&path)),
            Err(StateError::InUse(_))
        ));
        fs::write(state.scratches().join("left"), "x").unwrap();
        drop(state);
        fs::create_dir_all(path.join("scratch/function/left")).unwrap();
        let state = State::open(Some(&path)).unwrap();
        assert!(fs::read_dir(state.scratches()).unwrap().next().is_none());
    }
}
