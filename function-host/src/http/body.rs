//! Response bodies: whole, or piece by piece as they come.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::pool::{Aborted, Pieces, ReplyBody};

/// A response's body.
#[derive(Debug)]
pub(super) enum ResponseBody {
    /// All of it; `None` once it was taken.
    Full(Option<Bytes>),
    /// Piece by piece; an error breaks the connection off.
    Stream(Pieces),
    /// Nothing, though there would be something.
    Unsent,
}

impl ResponseBody {
    /// The body of a response that has none on the wire. The call goes on to its end all the same:
    /// to drop its pieces would be to say that the client is gone.
    pub(super) fn unsent(self) -> Self {
        match self {
            Self::Stream(mut pieces) => {
                tokio::spawn(async move {
                    while let Some(Ok(_)) = poll_fn(|cx| pieces.poll_next(cx)).await {}
                });
                Self::Unsent
            }
            other => other,
        }
    }
}

impl From<ReplyBody> for ResponseBody {
    fn from(body: ReplyBody) -> Self {
        match body {
            ReplyBody::Full(bytes) => bytes.into(),
            ReplyBody::Stream(pieces) => Self::Stream(pieces),
        }
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self::Full((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match &mut *self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(pieces) => pieces
                .poll_next(cx)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
            Self::Unsent => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Stream(_) | Self::Unsent => SizeHint::default(),
        }
    }
}
