//! The reply of a program on its standard output: the body as it is, or a CGI document.

use bytes::BytesMut;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use leasehold_zygote::wire::Kind;
use tokio::io::AsyncReadExt;
use tokio::net::unix::ReadHalf;
use tokio::net::unix::pipe;

use super::Outcome;
use super::cgi;
use super::frames;
use super::keeper::{Fate, Keeper};
use super::replier::{CHUNK, FIRST, Replier};

/// What a program's output is read as.
pub(super) enum Document {
    /// All of it is the body of a reply, which has begun with the first byte.
    Body,
    /// A head, of which this much has come; then a body.
    Cgi(cgi::Head),
}

impl Document {
    pub(super) fn body() -> Self {
        Self::Body
    }

    pub(super) fn cgi() -> Self {
        Self::Cgi(cgi::Head::default())
    }

    /// Takes what is in `buffer`.
    async fn output(
        &mut self,
        replier: &mut Replier,
        buffer: &mut BytesMut,
    ) -> Result<(), Outcome> {
        let mut piece = buffer.split();
        match self {
            _ if replier.has_head() => {}
            Self::Body => succeed(replier),
            Self::Cgi(head) => match head.push(piece)? {
                Some((status, headers, body)) => {
                    replier.head(status, headers);
                    piece = body;
                }
                None => return Ok(()),
            },
        }
        if piece.is_empty() {
            return Ok(());
        }
        replier.body(piece.freeze()).await
    }

    /// The program has ended well: so must its output have.
    fn end(self, replier: &mut Replier) -> Result<(), Outcome> {
        match self {
            _ if replier.has_head() => Ok(()),
            Self::Body => {
                succeed(replier);
                Ok(())
            }
            Self::Cgi(_) => Err(cgi::incomplete()),
        }
    }
}

/// Makes it a reply of bytes of whatever kind.
fn succeed(replier: &mut Replier) {
    let kind = HeaderValue::from_static("application/octet-stream");
    replier.head(StatusCode::OK, HeaderMap::from_iter([(CONTENT_TYPE, kind)]));
}

/// The reply of a worker whose standard output it is: complete if the worker ends with exit code 0.
pub(super) async fn relay(
    stdout: &mut pipe::Receiver,
    mut document: Document,
    socket: &mut ReadHalf<'_>,
    keeper: &mut Keeper,
    replier: &mut Replier,
) -> Outcome {
    let mut buffer = BytesMut::new();
    let fate = loop {
        buffer.reserve(if replier.is_streaming() { CHUNK } else { FIRST });
        // What is there already is taken without waiting, so that a short reply goes out whole.
        let read = match stdout.try_read_buf(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if let Err(outcome) = replier.flush().await {
                    return outcome;
                }
                tokio::select! {
                    biased;
                    read = stdout.read_buf(&mut buffer) => read,
                    fate = keeper.exited() => break Some(fate),
                    () = replier.abandoned() => return Outcome::Abandoned,
                }
            }
            read => read,
        };
        match read {
            Ok(1..) => {
                if let Err(outcome) = document.output(replier, &mut buffer).await {
                    return outcome;
                }
            }
            Ok(0) | Err(_) => break None,
        }
    };
    // It may have ended with output still in the pipe, which a descendant may hold open for ever.
    let fate = match fate {
        Some(fate) => {
            while read_now(stdout, &mut buffer) > 0 {
                if let Err(outcome) = document.output(replier, &mut buffer).await {
                    return outcome;
                }
            }
            fate
        }
        None => tokio::select! {
            fate = keeper.exited() => fate,
            () = replier.abandoned() => return Outcome::Abandoned,
        },
    };
    match fate {
        Fate::Exited(exit) if exit.code == Some(0) => document
            .end(replier)
            .map_or_else(|outcome| outcome, |()| Outcome::Replied),
        Fate::Exited(exit) => match frames::first(socket).await {
            Some((Kind::Failed, payload)) => frames::failed(&payload),
            _ => Outcome::of_exit(&exit),
        },
        Fate::Unknown => Outcome::Crashed("ended with its zygote".to_owned()),
    }
}

/// Reads what is in the pipe by the kernel's word, and returns how much that was.
///
/// The event loop may have heard of the worker's end, by another descriptor, before it has heard of its
/// last output: asked through it, the pipe would seem empty.
fn read_now(pipe: &pipe::Receiver, buffer: &mut BytesMut) -> usize {
    let at = buffer.len();
    buffer.resize(at + CHUNK, 0);
    let read = loop {
        match nix::unistd::read(pipe, &mut buffer[at..]) {
            Err(nix::Error::EINTR) => {}
            other => break other.unwrap_or(0),
        }
    };
    buffer.truncate(at + read);
    read
}
