//! One small question to a host's admin port, as `leasehold top` asks it.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The longest that an answer may take, all of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// Nobody listens there.
    #[error("{0}")]
    Connect(#[source] io::Error),
    /// Whoever listens does not speak HTTP, or has broken off.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// The address is none that a request can name.
    #[error("{0}")]
    Request(#[from] http::Error),
    /// The body broke off or was too large.
    #[error("{0}")]
    Body(Box<dyn Error + Send + Sync>),
    /// The answer is no success.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// There was none in time.
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    Slow,
    /// It is not text.
    #[error("its answer is no text")]
    NotText,
}

/// The text at `path` of the server at `address`, `HOST:PORT`, up to `limit` bytes.
///
/// # Errors
/// When there is no answer, or not this one.
pub async fn get(
    address: &str,
    path: &str,
    accept: &str,
    limit: usize,
) -> Result<String, GetError> {
    let answer = ask(address, path, accept, limit);
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    String::from_utf8(answer.map_err(|_| GetError::Slow)??.into()).map_err(|_| GetError::NotText)
}

async fn ask(address: &str, path: &str, accept: &str, limit: usize) -> Result<Bytes, GetError> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(GetError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(HOST, address)
        .header(ACCEPT, accept)
        .body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(GetError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), limit);
        Ok(body.collect().await.map_err(GetError::Body)?.to_bytes())
    };
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // Its end, good or bad, is seen by whoever waits for the answer.
        _ended = connection => answer.await,
    }
}
