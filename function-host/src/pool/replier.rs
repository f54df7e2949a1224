//! The client's side of a reply: held back while it may still be whole, then streamed.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::sync::oneshot;

use super::Outcome;
use super::exchange::{PieceSender, Reply, ReplyBody, ReplyParts, pieces};
use crate::outcome::Limit;

/// What is read at once of a long reply.
pub(super) const CHUNK: usize = 64 * 1024;
/// What is read at once while the reply may yet be short.
pub(super) const FIRST: usize = 4 * 1024;
/// Pieces between the worker and a slow client.
const IN_FLIGHT: usize = 4;
/// More than this is not held back.
const HELD: usize = 64 * 1024;

/// Takes a reply piece by piece.
pub(super) struct Replier {
    stage: Stage,
    sent: u64,
    limit: u64,
    status: Option<StatusCode>,
}

enum Stage {
    /// Nothing has come.
    Waiting(oneshot::Sender<Reply>),
    /// The head has come; nothing has gone out.
    Held(oneshot::Sender<Reply>, StatusCode, HeaderMap, BytesMut),
    /// The head has gone out.
    Streaming(PieceSender),
    /// The client has been told, or is gone.
    Over,
}

impl Replier {
    pub(super) fn new(client: oneshot::Sender<Reply>, limit: u64) -> Self {
        Self {
            stage: Stage::Waiting(client),
            sent: 0,
            limit,
            status: None,
        }
    }

    pub(super) fn has_head(&self) -> bool {
        !matches!(self.stage, Stage::Waiting(_))
    }

    /// Bytes of body so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// The status, once there is a head.
    pub(super) fn status(&self) -> Option<u16> {
        self.status.map(|status| status.as_u16())
    }

    /// Fixes status and headers; the first time counts.
    pub(super) fn head(&mut self, status: StatusCode, headers: HeaderMap) {
        self.status = self.status.or(Some(status));
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waiting(client) => Stage::Held(client, status, headers, BytesMut::new()),
            other => other,
        };
    }

    /// Adds a piece of the body.
    pub(super) async fn body(&mut self, piece: Bytes) -> Result<(), Outcome> {
        self.count(piece.len())?;
        match &mut self.stage {
            Stage::Held(_, _, _, held) => {
                held.extend_from_slice(&piece);
                if held.len() > HELD {
                    self.flush().await
                } else {
                    Ok(())
                }
            }
            Stage::Streaming(client) => client.send(piece).await,
            Stage::Waiting(_) | Stage::Over => Ok(()),
        }
    }

    /// Tells the client that its connection switches protocols. There is no body, but what passes counts.
    pub(super) fn switch(&mut self, headers: HeaderMap) -> Result<(), Outcome> {
        self.status = Some(StatusCode::SWITCHING_PROTOCOLS);
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waiting(client) => client
                .send(Reply::Switched(headers))
                .map_err(|_| Outcome::Abandoned),
            other => {
                self.stage = other;
                Ok(())
            }
        }
    }

    /// Counts what passes to the client.
    pub(super) fn count(&mut self, len: usize) -> Result<(), Outcome> {
        if len as u64 > self.limit - self.sent {
            return Err(Outcome::OverLimit(Limit::ResponseBody));
        }
        self.sent += len as u64;
        Ok(())
    }

    /// Sends what is held: nothing more is there at the moment.
    pub(super) async fn flush(&mut self) -> Result<(), Outcome> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Held(client, status, headers, held) => {
                let (sender, body) = pieces(IN_FLIGHT);
                let body = ReplyBody::Stream(body);
                let parts = ReplyParts {
                    status,
                    headers,
                    body,
                };
                client
                    .send(Reply::Function(parts))
                    .map_err(|_| Outcome::Abandoned)?;
                if !held.is_empty() {
                    sender.send(held.freeze()).await?;
                }
                self.stage = Stage::Streaming(sender);
            }
            other => self.stage = other,
        }
        Ok(())
    }

    /// Resolves when the client is gone.
    pub(super) async fn abandoned(&mut self) {
        match &mut self.stage {
            Stage::Waiting(client) | Stage::Held(client, ..) => client.closed().await,
            Stage::Streaming(client) => client.abandoned().await,
            Stage::Over => std::future::pending().await,
        }
    }

    pub(super) fn is_streaming(&self) -> bool {
        matches!(self.stage, Stage::Streaming(_))
    }

    /// Tells the client the end: the whole reply, the outcome instead of one, or a stream broken off.
    pub(super) fn close(self, outcome: &Outcome) {
        // A client that is gone need not be told.
        match (self.stage, outcome) {
            (Stage::Held(client, status, headers, held), Outcome::Replied) => {
                let body = ReplyBody::Full(held.freeze());
                let _gone = client.send(Reply::Function(ReplyParts {
                    status,
                    headers,
                    body,
                }));
            }
            (Stage::Waiting(client) | Stage::Held(client, ..), _) => {
                let _gone = client.send(Reply::Ended(outcome.clone()));
            }
            (Stage::Streaming(client), Outcome::Replied) => client.complete(),
            (Stage::Streaming(_) | Stage::Over, _) => {}
        }
    }
}
