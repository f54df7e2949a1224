//! `leasehold run`: one call without HTTP, on the same path otherwise.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use leasehold_sandbox::scratch::unguessable_name;
use leasehold_zygote::wire::CallHead;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{CliError, Places};
use crate::function::{Admission, Found};
use crate::pool::{
    Exchange, Outcome, Pool, Reply, ReplyBody, ReplyParts, RequestBody, Unavailable,
};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The function's name
    function: String,
    /// The request's method
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: String,
    /// The path below the function, with a query if there is one
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// A request header; may be given several times
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Print the reply's status and headers to standard error
    #[arg(long, short)]
    include: bool,
    #[command(flatten)]
    places: Places,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

impl Run {
    /// Exit code 0 if the function answered with a status below 400.
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        let (host, found) = self.places.open().await?;
        let mut function = self.choose(found)?;
        function.admission = Admission {
            pool_min: 1,
            pool_max: 1,
            concurrency: 1,
            queue: 0,
        };
        let timeout = Duration::from(function.limits.timeout);
        let unavailable = |why: String| CliError::Unavailable {
            name: self.function.clone(),
            why,
        };
        let pool = Pool::start(&host, Arc::new(function))
            .map_err(|error| unavailable(error.to_string()))?;
        let patience = Instant::now() + Duration::from_secs(60);
        let parked = pool.take(patience).await.map_err(|error| match error {
            Unavailable::NotReady(why) => unavailable(why),
            Unavailable::Overloaded => unavailable(error.to_string()),
        });
        let code = match parked {
            Ok(parked) => {
                let (reply, answer) = oneshot::channel();
                let exchange = Exchange {
                    body: stdin(),
                    reply,
                    upgrade: None,
                };
                match parked.start(self.call()).await {
                    Ok(running) => {
                        let call = running.finish(exchange, Instant::now() + timeout);
                        let ((outcome, remains), printed) = tokio::join!(call, self.print(answer));
                        remains.bury().await;
                        if outcome != Outcome::Replied {
                            eprintln!("leasehold: {} {outcome}", self.function);
                        }
                        let good = outcome == Outcome::Replied
                            && printed.map_err(|source| CliError::Act {
                                act: "cannot print",
                                source,
                            })?;
                        Ok(if good {
                            ExitCode::SUCCESS
                        } else {
                            ExitCode::FAILURE
                        })
                    }
                    Err((outcome, remains)) => {
                        remains.bury().await;
                        Err(unavailable(outcome.to_string()))
                    }
                }
            }
            Err(error) => Err(error),
        };
        pool.close().await;
        code
    }

    fn choose(&self, found: Vec<Found>) -> Result<crate::function::Function, CliError> {
        let known: Vec<_> = found.iter().map(|found| found.name.clone()).collect();
        let wanted = found
            .into_iter()
            .find(|found| found.name == self.function)
            .ok_or_else(|| CliError::NoSuchFunction {
                name: self.function.clone(),
                known: known.join(", "),
            })?;
        wanted.result.map_err(|error| CliError::Unavailable {
            name: self.function.clone(),
            why: error.to_string(),
        })
    }

    fn call(&self) -> CallHead {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        CallHead {
            id: unguessable_name().unwrap_or_else(|_| "run".to_owned()),
            method: self.method.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            script: format!("/function/{}", self.function),
            version: "HTTP/1.1".to_owned(),
            client: "127.0.0.1".to_owned(),
            headers: self
                .header
                .iter()
                .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
                .collect(),
        }
    }

    /// Prints the reply as it comes; whether its status was below 400.
    async fn print(&self, answer: oneshot::Receiver<Reply>) -> io::Result<bool> {
        let Ok(Reply::Function(ReplyParts {
            status,
            headers,
            body,
        })) = answer.await
        else {
            return Ok(false);
        };
        if self.include {
            eprintln!("{status}");
            for (name, value) in &headers {
                eprintln!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
            }
        }
        let mut out = tokio::io::stdout();
        match body {
            ReplyBody::Full(bytes) => out.write_all(&bytes).await?,
            ReplyBody::Stream(mut pieces) => {
                while let Some(Ok(piece)) = poll_fn(|cx| pieces.poll_next(cx)).await {
                    out.write_all(&piece).await?;
                    out.flush().await?;
                }
            }
        }
        out.flush().await?;
        Ok(status.as_u16() < 400)
    }
}

/// Standard input as a body; a terminal is an empty one.
fn stdin() -> RequestBody {
    if io::IsTerminal::is_terminal(&io::stdin()) {
        return Full::new(Bytes::new()).map_err(Into::into).boxed_unsync();
    }
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut input = tokio::io::stdin();
        loop {
            let mut chunk = vec![0; 64 * 1024];
            let read = input.read(&mut chunk).await;
            let item = match read {
                Ok(0) => return,
                Ok(len) => {
                    chunk.truncate(len);
                    Ok(Frame::data(Bytes::from(chunk)))
                }
                Err(error) => Err(Failure::from(error)),
            };
            let end = item.is_err();
            if send.send(item).await.is_err() || end {
                return;
            }
        }
    });
    Input(receive).boxed_unsync()
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A body that a task reads.
struct Input(mpsc::Receiver<Result<Frame<Bytes>, Failure>>);

impl Body for Input {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.0.poll_recv(cx)
    }
}
