//! A call of a function that is an HTTP server: its request goes on over a connection of its own, and the
//! reply comes back as it comes. What the server says is hostile: parsed with bounds, and validated.

mod body;
mod switched;

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use http::response::Parts;
use http::{Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use leasehold_zygote::wire::{CallHead, ReplyHead};

use super::Outcome;
use super::door::Door;
use super::exchange::Upgrade;
use super::headers;
use super::keeper::{Fate, Keeper};
use super::replier::Replier;

pub(super) use body::Counted;

/// The largest head of a reply, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// The longest that a server which has closed its connection may take to end, if that is why.
const ENDING: Duration = Duration::from_millis(200);
/// 101
const SWITCHED: u16 = StatusCode::SWITCHING_PROTOCOLS.as_u16();
/// The call's id, for the server.
const CALL_ID: HeaderName = HeaderName::from_static("leasehold-call-id");
/// The path that the server does not see, for the links that it makes.
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// What goes on to the server.
pub(super) struct Request<'a> {
    pub(super) call: &'a CallHead,
    pub(super) body: Counted,
    pub(super) upgrade: Option<Upgrade>,
}

/// Carries the call to its end.
pub(super) async fn relay(
    door: &Door,
    request: Request<'_>,
    keeper: &mut Keeper,
    replier: &mut Replier,
) -> Outcome {
    let Request {
        call,
        body,
        upgrade,
    } = request;
    let tally = body.tally();
    let outcome = match rewritten(call, body, upgrade.as_ref()) {
        Ok(request) => exchange(door, request, upgrade, &tally, replier).await,
        Err(error) => return Outcome::Failed(format!("its request cannot be passed on: {error}")),
    };
    match outcome {
        // Nothing tells the orderly end of another protocol from the server's death but its own end.
        Ok(Outcome::Replied) if replier.status() == Some(SWITCHED) => {
            match tokio::time::timeout(ENDING, keeper.exited()).await {
                Ok(Fate::Exited(exit)) if exit.signal.is_some() => Outcome::of_exit(&exit),
                _ => Outcome::Replied,
            }
        }
        Ok(outcome) => outcome,
        Err(_) if tally.over.load(Ordering::Relaxed) => tally.outcome(),
        Err(Broken::Malformed(why)) => Outcome::Failed(why),
        Err(Broken::Closed) => closed(keeper).await,
    }
}

/// Why there is no whole reply.
enum Broken {
    /// What came is none.
    Malformed(String),
    /// The connection has ended before it.
    Closed,
}

impl From<hyper::Error> for Broken {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse() || error.is_parse_too_large() {
            Self::Malformed(format!("its answer is no HTTP: {error}"))
        } else {
            Self::Closed
        }
    }
}

async fn exchange(
    door: &Door,
    request: http::Request<Counted>,
    upgrade: Option<Upgrade>,
    tally: &body::Tally,
    replier: &mut Replier,
) -> Result<Outcome, Broken> {
    let stream = door.connect().await.map_err(|_| Broken::Closed)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await?;
    let connection = connection.with_upgrades();
    let talk = async {
        let response = tokio::select! {
            response = sender.send_request(request) => response?,
            () = replier.abandoned() => return Ok(Outcome::Abandoned),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return switch(response, upgrade, tally, replier).await;
        }
        let (head, body) = response.into_parts();
        let (status, headers) = validated(&head, head.status)?;
        replier.head(status, headers);
        stream_back(body, replier).await
    };
    tokio::pin!(talk, connection);
    let mut connected = true;
    loop {
        tokio::select! {
            biased;
            // What it has read is there for whoever waits for it; its end is seen there too.
            _ended = &mut connection, if connected => connected = false,
            outcome = &mut talk => return outcome,
        }
    }
}

/// The body of a reply, piece by piece as it comes.
async fn stream_back(mut body: Incoming, replier: &mut Replier) -> Result<Outcome, Broken> {
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            // Nothing more is there at the moment.
            () = std::future::ready(()) => {
                if let Err(outcome) = replier.flush().await {
                    return Ok(outcome);
                }
                tokio::select! {
                    frame = body.frame() => frame,
                    () = replier.abandoned() => return Ok(Outcome::Abandoned),
                }
            }
        };
        let Some(frame) = frame else {
            return Ok(Outcome::Replied);
        };
        if let Ok(data) = frame?.into_data()
            && let Err(outcome) = replier.body(data).await
        {
            return Ok(outcome);
        }
    }
}

/// The server agrees to another protocol.
async fn switch(
    response: Response<Incoming>,
    upgrade: Option<Upgrade>,
    tally: &body::Tally,
    replier: &mut Replier,
) -> Result<Outcome, Broken> {
    let (Some(upgrade), Some(protocol)) = (upgrade, response.headers().get(UPGRADE).cloned())
    else {
        let why = "its answer switches protocols, which its client has not asked for";
        return Err(Broken::Malformed(why.to_owned()));
    };
    let (head, body) = response.into_parts();
    let (_, mut headers) = validated(&head, StatusCode::OK)?;
    headers.insert(UPGRADE, protocol);
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Err(outcome) = replier.switch(headers) {
        return Ok(outcome);
    }
    let server = hyper::upgrade::on(Response::from_parts(head, body)).await?;
    let Ok(client) = upgrade.connection.await else {
        return Ok(Outcome::Abandoned);
    };
    Ok(switched::relay(client, server, tally, replier).await)
}

/// The request as the server sees it: its own path, and no header of the connection that it came on.
fn rewritten(
    call: &CallHead,
    body: Counted,
    upgrade: Option<&Upgrade>,
) -> Result<http::Request<Counted>, http::Error> {
    let target = match call.query.as_str() {
        "" => call.path.clone(),
        query => format!("{}?{query}", call.path),
    };
    let mut request = http::Request::builder()
        .method(call.method.as_str())
        .uri(Uri::try_from(target)?)
        .body(body)?;
    let headers = request.headers_mut();
    for (name, value) in &call.headers {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        // The length is the body's own; whether it is awaited has been settled.
        if ![CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT].contains(&name) {
            headers.append(name, HeaderValue::from_bytes(value)?);
        }
    }
    if !headers.contains_key(HOST) {
        headers.insert(HOST, HeaderValue::from_static("localhost"));
    }
    headers.insert(CALL_ID, HeaderValue::from_str(&call.id)?);
    headers.insert(PREFIX, HeaderValue::from_str(&call.script)?);
    if let Some(upgrade) = upgrade {
        headers.insert(UPGRADE, upgrade.protocol.clone());
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    Ok(request)
}

fn validated(head: &Parts, status: StatusCode) -> Result<(StatusCode, http::HeaderMap), Broken> {
    let headers = head.headers.iter();
    let head = ReplyHead {
        status: status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
    };
    headers::validate(&head).map_err(Broken::Malformed)
}

/// The connection has ended before the reply: because the server has, as a rule.
async fn closed(keeper: &mut Keeper) -> Outcome {
    match tokio::time::timeout(ENDING, keeper.exited()).await {
        Ok(Fate::Exited(exit)) => match exit.code {
            Some(code) => Outcome::Crashed(format!("exited with {code} and no whole reply")),
            None => Outcome::of_exit(&exit),
        },
        Ok(Fate::Unknown) => Outcome::Crashed("ended with its zygote".to_owned()),
        Err(_) => Outcome::Crashed("closed its connection without a whole reply".to_owned()),
    }
}
