//! A control socket on the event loop: whole messages, descriptors beside those that go out, none
//! taken from those that come in.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use leasehold_sandbox::sys::socket;
use leasehold_zygote::wire::{decode, encode};
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// The largest message that a zygote or undertaker has to say.
const MAX: usize = 8 * 1024;

/// One end of a `SOCK_SEQPACKET` pair; tokio's type for datagrams carries whole messages just as well.
#[derive(Debug)]
pub(super) struct Messages(UnixDatagram);

impl Messages {
    /// Must be called on a runtime.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        let socket = std::os::unix::net::UnixDatagram::from(socket);
        socket.set_nonblocking(true)?;
        UnixDatagram::from_std(socket).map(Self)
    }

    /// Sends a message.
    pub(super) async fn send<T: Serialize>(
        &self,
        message: &T,
        fds: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let bytes = encode(message).map_err(io::Error::other)?;
        self.0
            .async_io(Interest::WRITABLE, || {
                socket::send(self.0.as_fd(), &bytes, fds)
            })
            .await
    }

    /// The next message; `None` at the end. What is too large or no message is an error.
    pub(super) async fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        let mut buffer = [0; MAX];
        let received = self
            .0
            .async_io(Interest::READABLE, || {
                socket::receive_bytes(self.0.as_fd(), &mut buffer)
            })
            .await?;
        match received {
            0 => Ok(None),
            len => decode(&buffer[..len]).map(Some).map_err(io::Error::other),
        }
    }
}
