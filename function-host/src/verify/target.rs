//! A function that is attacked: calls through its pool, as they come by HTTP.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use leasehold_attacks::attack::Answer;
use leasehold_sandbox::scratch::unguessable_name;
use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::wait::Exit;
use leasehold_zygote::wire::CallHead;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::function::Function;
use crate::host::Host;
use crate::pool::{Exchange, Outcome, Pieces, Pool, Reply, ReplyBody, RequestBody};

/// How long one attack may take, waiting for its worker included.
const PATIENCE: Duration = Duration::from_secs(60);

/// A function with workers.
#[derive(Debug)]
pub(super) struct Target {
    pool: Arc<Pool>,
}

/// How a call ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) exit: Option<Exit>,
    /// What it replied.
    pub(super) text: String,
}

/// A call that has said who it is and waits to be let go: a victim.
#[derive(Debug)]
pub(super) struct Held {
    /// Where its files are.
    pub(super) directory: PathBuf,
    /// Of a page of its memory.
    pub(super) address: String,
    /// Its process.
    pub(super) pid: u32,
    process: PidFd,
    body: mpsc::Sender<Bytes>,
    /// Kept: a reply that nobody takes ends a call.
    _reply: Pieces,
    task: JoinHandle<()>,
}

impl Target {
    /// Starts a pool and waits for its first worker.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn start(host: &Arc<Host>, function: Function) -> Result<Self, String> {
        let pool = Pool::start(host, Arc::new(function)).map_err(|error| error.to_string())?;
        match pool.warm().await {
            Ok(()) => Ok(Self { pool }),
            Err(why) => {
                pool.close().await;
                Err(why)
            }
        }
    }

    pub(super) fn directory(&self) -> &std::path::Path {
        &self.pool.function().directory
    }

    /// Where the scratches of its calls come and go.
    pub(super) fn scratches(&self) -> &std::path::Path {
        self.pool.scratches()
    }

    /// Makes a call and buries it.
    ///
    /// # Errors
    /// When there was no worker for it.
    pub(super) async fn call(&self, input: &str) -> Result<Ended, String> {
        self.ask("", input).await
    }

    /// As [`Self::call`], with a query.
    ///
    /// # Errors
    /// When there was no worker for it.
    pub(super) async fn ask(&self, query: &str, input: &str) -> Result<Ended, String> {
        let (sender, body) = mpsc::channel(1);
        let (reply, answer) = oneshot::channel();
        // Room for one: it does not wait.
        let _sent = sender.try_send(Bytes::from(format!("{input}\n")));
        drop(sender);
        let exchange = Exchange {
            body: input_of(body),
            upgrade: None,
            reply,
        };
        let deadline = Instant::now() + PATIENCE;
        let parked = self.pool.take(deadline).await;
        let parked = parked.map_err(|error| error.to_string())?;
        match parked.start(head(query)).await {
            Ok(running) => {
                let ((outcome, remains), text) =
                    tokio::join!(running.finish(exchange, deadline), text_of(answer));
                let exit = self.pool.bury(remains).await;
                Ok(Ended {
                    outcome,
                    exit,
                    text,
                })
            }
            Err((outcome, remains)) => {
                remains.bury().await;
                Err(outcome.to_string())
            }
        }
    }

    /// Makes a call of a program that waits, and comes back when it has said who it is.
    ///
    /// # Errors
    /// When it has not.
    pub(super) async fn hold(&self, program: &str) -> Result<Held, String> {
        let (sender, body) = mpsc::channel(1);
        let _sent = sender.try_send(Bytes::from(format!("{program}\n")));
        let (reply, answer) = oneshot::channel();
        let exchange = Exchange {
            body: input_of(body),
            upgrade: None,
            reply,
        };
        let parked = self.pool.take(Instant::now() + PATIENCE).await;
        let parked = parked.map_err(|error| error.to_string())?;
        let running = match parked.start(head("")).await {
            Ok(running) => running,
            Err((outcome, remains)) => {
                remains.bury().await;
                return Err(outcome.to_string());
            }
        };
        let pool = Arc::clone(&self.pool);
        let deadline = Instant::now() + Duration::from(pool.function().limits.timeout);
        let task = tokio::spawn(async move {
            let (_outcome, remains) = running.finish(exchange, deadline).await;
            let _exit = pool.bury(remains).await;
        });
        let Ok(Reply::Function(parts)) = answer.await else {
            return Err("a victim ended at once".to_owned());
        };
        let ReplyBody::Stream(mut pieces) = parts.body else {
            return Err("a victim did not wait".to_owned());
        };
        let mut text = Vec::new();
        while !text.contains(&b'\n') {
            match next(&mut pieces).await {
                Some(piece) => text.extend_from_slice(&piece),
                None => return Err("a victim ended before it was ready".to_owned()),
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let words: Vec<_> = text.split_whitespace().collect();
        match words.as_slice() {
            ["ready", directory, address, pid] => {
                let pid = pid.parse().map_err(|_| format!("a victim said {text:?}"))?;
                // It waits for the body that we hold: the number is its own still.
                let process = PidFd::open(pid).map_err(|error| error.to_string())?;
                Ok(Held {
                    directory: directory.into(),
                    address: (*address).to_owned(),
                    pid,
                    process,
                    body: sender,
                    _reply: pieces,
                    task,
                })
            }
            _ => Err(format!("a victim said {text:?}")),
        }
    }

    /// Ends the pool.
    pub(super) async fn close(self) {
        self.pool.close().await;
        self.pool.remove_scratches().await;
    }
}

impl Held {
    /// Whether it still waits.
    pub(super) fn waits(&self) -> bool {
        !self.task.is_finished()
    }

    /// Ends it, and waits until it is buried.
    pub(super) async fn release(self) {
        // An attack may have stopped it for good, or ended it.
        let _gone = self.process.kill();
        drop(self.body);
        // Only a panic could be lost here.
        let _ended = self.task.await;
    }
}

impl Ended {
    /// What the attacker answered: an error, a signal, success.
    ///
    /// # Errors
    /// When it is no answer: the attack is broken.
    pub(super) fn answer(&self) -> Result<Answer, String> {
        let line = self.text.lines().last().unwrap_or_default();
        let (code, signal) = self
            .exit
            .map_or((None, None), |exit| (exit.code, exit.signal));
        Answer::of(code, signal, line).ok_or_else(|| format!("no answer: {}", self.outcome))
    }

    /// The words behind `verb` of the lines that begin with it.
    pub(super) fn said<'a>(&'a self, verb: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.text.lines();
        lines.filter_map(move |line| line.strip_prefix(verb)?.strip_prefix(' '))
    }
}

fn head(query: &str) -> CallHead {
    CallHead {
        id: unguessable_name().unwrap_or_else(|_| "verify".to_owned()),
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: query.to_owned(),
        ..CallHead::default()
    }
}

/// The body of a reply as far as it came.
async fn text_of(answer: oneshot::Receiver<Reply>) -> String {
    let Ok(Reply::Function(parts)) = answer.await else {
        return String::new();
    };
    let mut bytes = Vec::new();
    match parts.body {
        ReplyBody::Full(body) => bytes.extend_from_slice(&body),
        ReplyBody::Stream(mut pieces) => {
            while let Some(piece) = next(&mut pieces).await {
                bytes.extend_from_slice(&piece);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn next(pieces: &mut Pieces) -> Option<Bytes> {
    match std::future::poll_fn(|cx| pieces.poll_next(cx)).await {
        Some(Ok(piece)) => Some(piece),
        Some(Err(_)) | None => None,
    }
}

/// A request's body that ends when its sender is dropped.
struct Input(mpsc::Receiver<Bytes>);

fn input_of(receiver: mpsc::Receiver<Bytes>) -> RequestBody {
    Input(receiver).boxed_unsync()
}

impl Body for Input {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let data = ready!(self.0.poll_recv(cx));
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }
}
