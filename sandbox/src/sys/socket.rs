//! Unix sockets that carry descriptors.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recv,
    recvmsg, sendmsg, socketpair,
};

/// The most descriptors that one message may carry.
pub const MAX_DESCRIPTORS: usize = 8;

/// The kind of a socket pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A stream of bytes.
    Stream,
    /// Whole messages, in order.
    SeqPacket,
}

/// A pair of connected unix sockets, both close-on-exec.
///
/// # Errors
/// `EMFILE`/`ENFILE`.
pub fn pair(kind: Kind) -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = match kind {
        Kind::Stream => SockType::Stream,
        Kind::SeqPacket => SockType::SeqPacket,
    };
    Ok(socketpair(
        AddressFamily::Unix,
        kind,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?)
}

/// Sends one message with descriptors, whole or not at all; never raises SIGPIPE.
///
/// # Errors
/// `EAGAIN` on a full non-blocking socket, `EMSGSIZE`, `EPIPE`.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
    let sent = sendmsg::<()>(
        socket.as_raw_fd(),
        &[IoSlice::new(bytes)],
        control,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    if sent == bytes.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// Waits for the next message and tells its size in bytes; it stays there. 0 is the end.
///
/// # Errors
/// `EAGAIN` on an empty non-blocking socket.
pub fn next_len(socket: BorrowedFd<'_>) -> io::Result<usize> {
    loop {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
        match recv(socket.as_raw_fd(), &mut [], flags) {
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::ECONNRESET) => {}
            other => return Ok(other?),
        }
    }
}

/// Receives one message and its descriptors (close-on-exec) into `buffer`; 0 bytes is the end.
///
/// # Errors
/// `EAGAIN` on an empty non-blocking socket; [`io::ErrorKind::InvalidData`] when the message or
/// its descriptors did not fit.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut control = nix::cmsg_space!([RawFd; MAX_DESCRIPTORS]);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = loop {
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags) {
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::ECONNRESET) => {}
            other => break other?,
        }
    };
    let mut fds = Vec::new();
    for item in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = item {
            // SAFETY: the kernel has just installed these descriptors for us alone.
            fds.extend(
                received
                    .iter()
                    .map(|&fd| unsafe { OwnedFd::from_raw_fd(fd) }),
            );
        }
    }
    if message
        .flags
        .intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC)
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message was too large",
        ));
    }
    Ok((message.bytes, fds))
}

/// Receives one message's bytes; descriptors beside it are discarded by the kernel, unseen.
///
/// # Errors
/// As for [`receive`].
pub fn receive_bytes(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let mut slices = [IoSliceMut::new(buffer)];
    let message = loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut slices, None, MsgFlags::empty()) {
            // The peer died with messages of ours unread. The kernel says so once, ahead of what the
            // peer had sent before: that is still to be read, and then the end.
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::ECONNRESET) => {}
            other => break other?,
        }
    };
    if message.flags.contains(MsgFlags::MSG_TRUNC) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message was too large",
        ));
    }
    Ok(message.bytes)
}
