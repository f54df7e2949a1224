//! The way to a function that is an HTTP server: a listening socket that the host has made and the
//! worker inherits.
//!
//! It is a unix socket below the host's state directory. Nobody else gets there: functions can make no unix
//! socket, and its name cannot be guessed. It goes with its worker.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use leasehold_sandbox::scratch::unguessable_name;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use tokio::net::UnixStream;

/// The first and the longest pause between two looks at whether a server accepts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// The host's side of a worker's listening socket.
#[derive(Debug)]
pub(super) struct Door {
    directory: OwnedFd,
    name: String,
    /// Kept until the server accepts: only then is a failed connection the server's.
    listener: Option<OwnedFd>,
}

impl Door {
    /// Makes one in `directory`. Returns the listening socket as well, which blocks.
    pub(super) fn open(directory: &Path) -> io::Result<(Self, OwnedFd)> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = openat(AT_FDCWD, directory, flags, Mode::empty())?;
        let mut door = Self {
            directory,
            name: unguessable_name()?,
            listener: None,
        };
        let listener: OwnedFd = UnixListener::bind(door.path())?.into();
        door.listener = Some(listener.try_clone()?);
        Ok((door, listener))
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.path()).await
    }

    /// Waits until the server has accepted a connection, which is then closed. Does not end if it never
    /// does.
    pub(super) async fn until_accepts(&mut self) -> io::Result<()> {
        let Some(listener) = &self.listener else {
            return Ok(());
        };
        let probe = self.connect().await?;
        let (mut pause, longest) = PAUSES;
        while is_waiting(listener)? {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
        drop(probe);
        self.listener = None;
        Ok(())
    }

    /// By way of the directory's descriptor: the address of a unix socket is at most 108 bytes.
    fn path(&self) -> PathBuf {
        let directory = self.directory.as_raw_fd();
        PathBuf::from(format!("/proc/self/fd/{directory}/{}", self.name))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // What cannot be removed now is swept with the directory.
        let name = self.name.as_str();
        let _left = unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
    }
}

/// Whether a connection waits to be accepted.
fn is_waiting(listener: &OwnedFd) -> io::Result<bool> {
    let mut polled = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    match poll(&mut polled, PollTimeout::ZERO) {
        Err(nix::Error::EINTR) => Ok(true),
        ready => Ok(ready? > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_door_is_open_once_its_server_accepts_and_goes_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(200));
        std::fs::create_dir(&deep).unwrap();
        let (mut door, listener) = Door::open(&deep).unwrap();
        let listener = UnixListener::from(listener);
        let server = std::thread::spawn(move || {
            let first = listener.accept().unwrap();
            (first, listener.accept().unwrap())
        });
        door.until_accepts().await.unwrap();
        door.connect().await.unwrap();
        drop(server.join().unwrap());
        assert!(door.connect().await.is_err(), "nobody listens any more");
        assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 1);
        drop(door);
        assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0);
    }
}
