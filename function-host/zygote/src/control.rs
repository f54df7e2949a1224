//! The control socket between host and zygote, or host and undertaker: whole messages with
//! descriptors beside them, on a blocking `SOCK_SEQPACKET` socket.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use leasehold_sandbox::sys::socket;
use serde::{Serialize, de::DeserializeOwned};

use crate::wire::{decode, encode};

/// Where an interpreter finds the control socket.
pub const CONTROL_FD: RawFd = 3;
/// Where an interpreter finds the library with the fork loop.
pub const LIBRARY_FD: RawFd = 4;

/// The largest message; a filter of 4096 instructions and an environment fit.
pub const MAX_MESSAGE: usize = 192 * 1024;

/// One end of a control socket.
#[derive(Debug)]
pub struct Control(OwnedFd);

impl Control {
    /// Speaks over `socket`.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Sends one message.
    ///
    /// # Errors
    /// Those of sendmsg(2).
    pub fn send<T: Serialize>(&self, message: &T, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        socket::send(
            self.0.as_fd(),
            &encode(message).map_err(io::Error::other)?,
            fds,
        )
    }

    /// Waits for one message; `None` when the peer is gone.
    ///
    /// # Errors
    /// Those of recvmsg(2); [`io::ErrorKind::InvalidData`] when it is no such message.
    pub fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        // No larger than the message: a zygote pays for each page that it writes after a fork.
        let len = socket::next_len(self.0.as_fd())?;
        if len == 0 {
            return Ok(None);
        }
        let mut buffer = vec![0; len.min(MAX_MESSAGE)];
        let (len, fds) = socket::receive(self.0.as_fd(), &mut buffer)?;
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        Ok(Some((decode(&buffer[..len]).map_err(invalid)?, fds)))
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<Control> for OwnedFd {
    fn from(control: Control) -> Self {
        control.0
    }
}
