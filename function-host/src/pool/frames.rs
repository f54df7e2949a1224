//! The frames of a worker that speaks in them, and of one that has not become its program.

use bytes::{Buf, Bytes, BytesMut};
use leasehold_zygote::wire::{Failure, FailureKind, HEADER_LEN, Header, Kind, ReplyHead, decode};
use tokio::io::AsyncReadExt;
use tokio::net::unix::ReadHalf;

use super::headers;
use super::keeper::{Fate, Keeper};
use super::replier::{CHUNK, FIRST, Replier};
use super::{Limit, Outcome};

/// The reply of a worker that speaks in frames.
pub(super) async fn relay(
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

/// What a worker had to say before it became its program, if anything: it has ended.
pub(super) async fn first(socket: &mut ReadHalf<'_>) -> Option<(Kind, Bytes)> {
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

pub(super) fn failed(payload: &[u8]) -> Outcome {
    decode::<Failure>(payload).map_or_else(
        |error| protocol(&error.to_string()),
        |Failure { kind, message }| {
            let message = message.chars().filter(|c| !c.is_control());
            let message = message.take(1000).collect();
            match kind {
                FailureKind::Failed => Outcome::Failed(message),
                FailureKind::Crashed => Outcome::Crashed(message),
                FailureKind::OverMemory => Outcome::OverLimit(Limit::Memory),
            }
        },
    )
}

pub(super) fn protocol(what: &str) -> Outcome {
    Outcome::Crashed(format!("its worker broke the protocol: {what}"))
}
