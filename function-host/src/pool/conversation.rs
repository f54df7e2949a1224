//! A call's conversation: the request's body goes in while the reply comes out, until the end, the
//! deadline or the client's leaving.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use leasehold_zygote::wire::{
    Failure, HEADER_LEN, Header, Kind, MAX_PAYLOAD, ReplyHead, decode, write_frames,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::Outcome;
use super::exchange::{Exchange, RequestBody};
use super::headers;
use super::keeper::{Fate, Keeper};
use super::log::drain;
use super::replier::Replier;
use super::watcher::Watch;
use super::worker::Streams;
use crate::function::Function;
use crate::outcome::{Limit, Traffic};

/// What is read at once of a long reply.
const CHUNK: usize = 64 * 1024;
/// What is read at once while the reply may yet be short.
const FIRST: usize = 4 * 1024;

/// Holds the conversation. The client has been told when it returns.
pub(super) async fn hold(
    function: &Function,
    streams: &mut Streams,
    keeper: &mut Keeper,
    watch: Option<Watch>,
    exchange: Exchange,
    deadline: Instant,
    call: &str,
) -> (Outcome, Traffic) {
    let Streams {
        socket,
        stdin,
        stdout,
        stderr,
        lines,
    } = streams;
    let mut replier = Replier::new(exchange.reply, function.limits.response_body.0);
    let (mut reader, mut writer) = socket.split();
    let received = AtomicU64::new(0);
    let outcome = {
        let sink = match stdin.take() {
            Some(stdin) => Sink::Pipe(stdin),
            None => Sink::Frames(&mut writer),
        };
        let upload = upload(
            exchange.body,
            sink,
            function.limits.request_body.0,
            &received,
        );
        let log = drain(stderr, lines, &function.name, call);
        let download = async {
            match stdout {
                Some(stdout) => from_pipe(stdout, &mut reader, keeper, &mut replier).await,
                None => from_frames(&mut reader, keeper, &mut replier).await,
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

/// The reply of a worker that speaks in frames.
async fn from_frames(
    reader: &mut ReadHalf<'_>,
    keeper: &mut Keeper,
    replier: &mut Replier,
) -> Outcome {
    let mut buffer = BytesMut::new();
    loop {
        match next_frame(&mut buffer) {
            Ok(Some((Kind::Head, payload))) => {
                let head = decode::<ReplyHead>(&payload).map_err(|error| error.to_string());
                match head.and_then(|head| headers::validate(&head)) {
                    Ok((status, headers)) if !replier.has_head() => replier.head(status, headers),
                    Ok(_) => return protocol("a second head"),
                    Err(message) => return Outcome::Failed(message),
                }
            }
            Ok(Some((Kind::Body, payload))) if replier.has_head() => {
                if let Err(outcome) = replier.body(payload).await {
                    return outcome;
                }
            }
            Ok(Some((Kind::End, _))) if replier.has_head() => return Outcome::Replied,
            Ok(Some((Kind::Failed, payload))) => return failed(&payload),
            Ok(Some(_)) => return protocol("a frame out of order"),
            Err(message) => return protocol(&message),
            Ok(None) => {
                if let Err(outcome) = replier.flush().await {
                    return outcome;
                }
                buffer.reserve(if replier.is_streaming() { CHUNK } else { FIRST });
                let read = tokio::select! {
                    read = reader.read_buf(&mut buffer) => read,
                    () = replier.abandoned() => return Outcome::Abandoned,
                };
                if !matches!(read, Ok(1..)) {
                    return silent_end(keeper).await;
                }
            }
        }
    }
}

/// The first whole frame in `buffer`, taken out of it.
fn next_frame(buffer: &mut BytesMut) -> Result<Option<(Kind, Bytes)>, String> {
    let Some(header) = buffer.first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let header = Header::decode(*header).map_err(|error| error.to_string())?;
    if buffer.len() < HEADER_LEN + header.len {
        buffer.reserve(HEADER_LEN + header.len - buffer.len());
        return Ok(None);
    }
    buffer.advance(HEADER_LEN);
    Ok(Some((header.kind, buffer.split_to(header.len).freeze())))
}

/// The reply of a worker whose standard output is the body: it has begun with the first byte, and is
/// complete if the worker ends with exit code 0.
async fn from_pipe(
    stdout: &mut pipe::Receiver,
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
                if let Err(outcome) = replier.output(buffer.split().freeze()).await {
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
                if let Err(outcome) = replier.output(buffer.split().freeze()).await {
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
        Fate::Exited(exit) if exit.code == Some(0) => {
            replier.succeed();
            Outcome::Replied
        }
        Fate::Exited(exit) => match first_frame(socket).await {
            Some((Kind::Failed, payload)) => failed(&payload),
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

/// What a worker had to say before it became its program, if anything: it has ended.
async fn first_frame(socket: &mut ReadHalf<'_>) -> Option<(Kind, Bytes)> {
    let mut buffer = BytesMut::new();
    loop {
        if let Some(frame) = next_frame(&mut buffer).ok()? {
            return Some(frame);
        }
        if !matches!(socket.read_buf(&mut buffer).await, Ok(1..)) {
            return None;
        }
    }
}

async fn silent_end(keeper: &mut Keeper) -> Outcome {
    match keeper.exited().await {
        Fate::Exited(exit) if exit.code.is_some() => Outcome::Crashed(format!(
            "exited with {} and no reply",
            exit.code.unwrap_or(0)
        )),
        Fate::Exited(exit) => Outcome::of_exit(&exit),
        Fate::Unknown => Outcome::Crashed("ended with its zygote".to_owned()),
    }
}

fn failed(payload: &[u8]) -> Outcome {
    decode::<Failure>(payload).map_or_else(
        |error| protocol(&error.to_string()),
        |Failure { message }| {
            Outcome::Failed(
                message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(1000)
                    .collect(),
            )
        },
    )
}

fn protocol(what: &str) -> Outcome {
    Outcome::Crashed(format!("its worker broke the protocol: {what}"))
}
