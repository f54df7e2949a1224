//! What a call is given and what it gives back, whoever asks: HTTP or the command line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::upgrade::OnUpgrade;
use tokio::sync::{mpsc, oneshot};

use crate::outcome::Outcome;

/// A request's body; an error means that its sender went away.
pub type RequestBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// The host's side of a call: the body to send, and whom to tell of the reply.
#[derive(Debug)]
pub struct Exchange {
    /// The request's body.
    pub body: RequestBody,
    /// Takes the reply; closed when the client is gone.
    pub reply: oneshot::Sender<Reply>,
    /// What the client would have its connection become.
    pub upgrade: Option<Upgrade>,
}

/// A connection that its client asks to switch to another protocol, RFC 9110 section 7.8.
#[derive(Debug)]
pub struct Upgrade {
    /// The header of the same name.
    pub protocol: HeaderValue,
    /// The connection, once a 101 has gone out.
    pub connection: OnUpgrade,
}

/// What came of a call, as far as it is known when its status is fixed.
#[derive(Debug)]
pub enum Reply {
    /// The function's own answer.
    Function(ReplyParts),
    /// Its connection switches protocols, with these headers.
    Switched(HeaderMap),
    /// It has none.
    Ended(Outcome),
}

/// A function's answer, validated.
#[derive(Debug)]
pub struct ReplyParts {
    /// 200–599.
    pub status: StatusCode,
    /// Without those that frame a message on a connection.
    pub headers: HeaderMap,
    /// The body, all of it or as it comes.
    pub body: ReplyBody,
}

/// A reply's body.
#[derive(Debug)]
pub enum ReplyBody {
    /// All of it.
    Full(Bytes),
    /// Piece by piece.
    Stream(Pieces),
}

/// A body that comes piece by piece, and ends in order only if the call did.
#[derive(Debug)]
pub struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    complete: Arc<AtomicBool>,
}

/// The other end of [`Pieces`].
#[derive(Debug)]
pub(super) struct PieceSender {
    pieces: mpsc::Sender<Bytes>,
    complete: Arc<AtomicBool>,
}

/// The call failed after its reply had begun: the connection has to be broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call failed after its reply had begun")]
pub struct Aborted;

/// Both ends of a body of which at most `in_flight` pieces wait for a slow client.
pub(super) fn pieces(in_flight: usize) -> (PieceSender, Pieces) {
    let (sender, receiver) = mpsc::channel(in_flight);
    let complete = Arc::new(AtomicBool::new(false));
    (
        PieceSender {
            pieces: sender,
            complete: Arc::clone(&complete),
        },
        Pieces {
            pieces: receiver,
            complete,
        },
    )
}

impl PieceSender {
    /// Sends a piece; fails when the client is gone.
    pub(super) async fn send(&self, piece: Bytes) -> Result<(), Outcome> {
        self.pieces
            .send(piece)
            .await
            .map_err(|_| Outcome::Abandoned)
    }

    /// Resolves when the client is gone.
    pub(super) async fn abandoned(&self) {
        self.pieces.closed().await;
    }

    /// Ends the body in order. A sender that is dropped instead breaks it off.
    pub(super) fn complete(self) {
        self.complete.store(true, Ordering::Release);
    }
}

impl Pieces {
    /// The next piece; `None` at an orderly end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(piece) => Some(Ok(piece)),
            None if self.complete.load(Ordering::Acquire) => None,
            None => Some(Err(Aborted)),
        })
    }
}
