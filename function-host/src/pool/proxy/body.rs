//! A request's body on its way to a server, counted.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::outcome::{Limit, Outcome};
use crate::pool::RequestBody;

/// A body that ends in an error where it is over its limit or its client goes away.
pub(in crate::pool) struct Counted {
    body: RequestBody,
    tally: Arc<Tally>,
}

/// What has come of a body.
#[derive(Debug)]
pub(super) struct Tally {
    received: Arc<AtomicU64>,
    limit: u64,
    /// Whether the call is over because of it.
    pub(super) over: AtomicBool,
    client_gone: AtomicBool,
}

/// The body is not passed on any further.
#[derive(Debug, thiserror::Error)]
#[error("the request's body ends here")]
pub(in crate::pool) struct Stopped;

impl Counted {
    /// Counts into `received`, up to `limit` bytes.
    pub(in crate::pool) fn new(body: RequestBody, limit: u64, received: &Arc<AtomicU64>) -> Self {
        let tally = Tally {
            received: Arc::clone(received),
            limit,
            over: AtomicBool::new(false),
            client_gone: AtomicBool::new(false),
        };
        Self {
            body,
            tally: Arc::new(tally),
        }
    }

    pub(super) fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }
}

impl Tally {
    /// Counts bytes that have come; fails where they are too many.
    pub(super) fn count(&self, len: usize) -> Result<(), Outcome> {
        let before = self.received.fetch_add(len as u64, Ordering::Relaxed);
        if before + len as u64 > self.limit {
            self.over.store(true, Ordering::Relaxed);
            return Err(self.outcome());
        }
        Ok(())
    }

    /// What a body that ends the call makes of it.
    pub(super) fn outcome(&self) -> Outcome {
        if self.client_gone.load(Ordering::Relaxed) {
            Outcome::Abandoned
        } else {
            Outcome::OverLimit(Limit::RequestBody)
        }
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => match self.tally.count(frame.data_ref().map_or(0, Bytes::len)) {
                Ok(()) => Ok(frame),
                Err(_) => Err(Stopped),
            },
            Err(_) => {
                self.tally.client_gone.store(true, Ordering::Relaxed);
                self.tally.over.store(true, Ordering::Relaxed);
                Err(Stopped)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
