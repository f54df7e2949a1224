//! A call's conversation: the request's body goes in while the reply comes out, until the end, the
//! deadline or the client's leaving.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use leasehold_zygote::wire::{CallHead, HEADER_LEN, Header, Kind, MAX_PAYLOAD, write_frames};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::WriteHalf;
use tokio::net::unix::pipe;
use tokio::time::Instant;

use super::Outcome;
use super::exchange::{Exchange, RequestBody};
use super::frames;
use super::keeper::Keeper;
use super::log::drain;
use super::proxy::{self, Counted};
use super::replier::Replier;
use super::stdout::{self, Document};
use super::watcher::Watch;
use super::worker::Streams;
use crate::function::{Function, Protocol};
use crate::outcome::{Limit, Traffic};

/// Holds the conversation. The client has been told when it returns.
pub(super) async fn hold(
    function: &Function,
    streams: &mut Streams,
    keeper: &mut Keeper,
    watch: Option<Watch>,
    exchange: Exchange,
    deadline: Instant,
    call: &CallHead,
) -> (Outcome, Traffic) {
    let Streams {
        socket,
        stdin,
        stdout,
        stderr,
        door,
        lines,
    } = streams;
    let mut replier = Replier::new(exchange.reply, function.limits.response_body.0);
    let (mut reader, mut writer) = socket.split();
    let received = Arc::new(AtomicU64::new(0));
    let outcome = {
        let sink = match stdin.take() {
            Some(stdin) => Sink::Pipe(stdin),
            None => Sink::Frames(&mut writer),
        };
        let limit = function.limits.request_body.0;
        // A server reads its request's body from the connection that its reply comes on.
        let (body, passed_on) = match door {
            Some(_) => (None, Some(exchange.body)),
            None => (Some(exchange.body), None),
        };
        let upload = async {
            match body {
                Some(body) => upload(body, sink, limit, &received).await,
                None => Ok(()),
            }
        };
        let log = drain(stderr, lines, &function.name, &call.id);
        let download = async {
            if let (Some(door), Some(body)) = (door.as_ref(), passed_on) {
                let request = proxy::Request {
                    call,
                    body: Counted::new(body, limit, &received),
                    upgrade: exchange.upgrade,
                };
                return proxy::relay(door, request, keeper, &mut replier).await;
            }
            match stdout {
                Some(stdout) => {
                    let document = match function.protocol() {
                        Some(Protocol::Cgi) => Document::cgi(),
                        Some(Protocol::Stdio | Protocol::Http) | None => Document::body(),
                    };
                    stdout::relay(stdout, document, &mut reader, keeper, &mut replier).await
                }
                None => frames::relay(&mut reader, keeper, &mut replier).await,
            }
        };
        let timer = tokio::time::sleep_until(deadline);
        let over = async {
            match watch {
                Some(watch) => watch.until_over(&function.limits).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(upload, log, download, timer, over);
        let (mut uploading, mut logging) = (true, true);
        loop {
            tokio::select! {
                biased;
                outcome = &mut download => break outcome,
                ended = &mut upload, if uploading => match ended {
                    Ok(()) => uploading = false,
                    Err(outcome) => break outcome,
                },
                _ended = &mut log, if logging => logging = false,
                limit = &mut over => break Outcome::OverLimit(limit),
                () = &mut timer => {
                    break Outcome::TimedOut(function.limits.timeout.into());
                }
            }
        }
    };
    let traffic = Traffic {
        received: received.load(Ordering::Relaxed),
        sent: replier.sent(),
        status: replier.status(),
    };
    replier.close(&outcome);
    (outcome, traffic)
}

enum Sink<'a, 'b> {
    Pipe(pipe::Sender),
    Frames(&'a mut WriteHalf<'b>),
}

/// Sends the request's body to its end. A worker that does not want it is no error.
async fn upload(
    mut body: RequestBody,
    mut sink: Sink<'_, '_>,
    limit: u64,
    received: &AtomicU64,
) -> Result<(), Outcome> {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Outcome::Abandoned);
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let len = data.len() as u64;
        if received.fetch_add(len, Ordering::Relaxed) + len > limit {
            return Err(Outcome::OverLimit(Limit::RequestBody));
        }
        if sink.send(&data).await.is_err() {
            return Ok(());
        }
    }
    // The worker may have ended without reading: its own end tells what to make of it.
    let _unread = sink.end().await;
    Ok(())
}

impl Sink<'_, '_> {
    async fn send(&mut self, data: &Bytes) -> std::io::Result<()> {
        match self {
            Self::Pipe(stdin) => stdin.write_all(data).await,
            Self::Frames(writer) => {
                for chunk in data.chunks(MAX_PAYLOAD) {
                    let header = Header {
                        kind: Kind::Body,
                        len: chunk.len(),
                    }
                    .encode();
                    writer
                        .write_all_buf(&mut Buf::chain(&header[..], chunk))
                        .await?;
                }
                Ok(())
            }
        }
    }

    async fn end(self) -> std::io::Result<()> {
        match self {
            Self::Pipe(stdin) => drop(stdin),
            Self::Frames(writer) => {
                let mut frame = Vec::with_capacity(HEADER_LEN);
                write_frames(&mut frame, &[(Kind::End, b"")])?;
                writer.write_all(&frame).await?;
            }
        }
        Ok(())
    }
}
