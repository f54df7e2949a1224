//! The HTTP server, and the way of a call.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::body::ResponseBody;
use super::drain::{Drain, LAST_REQUESTS};
use super::problem::Problem;
use super::reply;
use super::router::{self, Client};
use super::upgrade;
use super::upload::Upload;
use crate::pool::{Exchange, Limit, Outcome, Pool, Remains, Reply, Unavailable, Upgrade};
use crate::services::Services;
use crate::telemetry::{CallRecord, Metrics};

/// What a client may cost before it has a call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest from a connection's (or its next request's) beginning to the end of its headers.
    pub header_time: Duration,
    /// The largest head of a request, in bytes.
    pub header_size: usize,
    /// The longest that calls may go on once the server is told to end.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(10),
            header_size: 64 * 1024,
            grace: Duration::from_secs(30),
        }
    }
}

/// Serves HTTP/1.1 and HTTP/2 without TLS until `shutdown` resolves; then finishes what has begun.
pub async fn run(
    listener: TcpListener,
    services: Arc<Services>,
    metrics: Metrics,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let server = Server {
        connections: connections(limits),
        open: GracefulShutdown::new(),
        services,
        metrics,
        drain: Arc::default(),
    };
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            stream = accept(&listener) => server.serve(stream),
            () = &mut shutdown => break,
        }
    }
    server.drain.refuse();
    server.accept_waiting(listener);
    tracing::info!("accepting no more calls");
    if tokio::time::timeout(limits.grace, server.end())
        .await
        .is_err()
    {
        tracing::warn!("calls were still running at the end of the grace period");
    }
}

/// The next connection. Safe to cancel.
pub(super) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Out of descriptors, most likely: others have to close some first.
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The connections of a server.
struct Server {
    connections: auto::Builder<TokioExecutor>,
    open: GracefulShutdown,
    services: Arc<Services>,
    metrics: Metrics,
    drain: Arc<Drain>,
}

impl Server {
    fn serve(&self, stream: TcpStream) {
        // Replies are written whole; Nagle's algorithm would only hold the last piece back.
        let _unsupported = stream.set_nodelay(true);
        let (services, drain) = (Arc::clone(&self.services), Arc::clone(&self.drain));
        let metrics = self.metrics.clone();
        let client = stream
            .peer_addr()
            .ok()
            .map(|peer| Client(peer.ip().to_canonical()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(client) = client {
                request.extensions_mut().insert(client);
            }
            let (services, drain) = (Arc::clone(&services), Arc::clone(&drain));
            let metrics = metrics.clone();
            async move { Ok::<_, Infallible>(answer(&services, &metrics, &drain, request).await) }
        });
        let connection = self
            .connections
            .serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = self.open.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }

    /// Takes the connections that the kernel has made already: closing the listener would reset them.
    fn accept_waiting(&self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else {
            return;
        };
        while let Ok((stream, _)) = listener.accept() {
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                self.serve(stream);
            }
        }
    }

    /// Answers what has begun, refuses what comes, and closes every connection.
    async fn end(self) {
        self.drain.end().await;
        if self.open.count() > 0 {
            tokio::time::sleep(LAST_REQUESTS).await;
        }
        self.open.shutdown().await;
    }
}

fn connections(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_size);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(limits.header_size).unwrap_or(u32::MAX));
    server
}

/// A call, or once the server ends the answer that there are no more.
async fn answer(
    services: &Services,
    metrics: &Metrics,
    drain: &Arc<Drain>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let version = request.version();
    let answering = drain.enter();
    let response = if answering.is_some() {
        serve(services, metrics, request).await
    } else {
        metrics.too_late();
        let id = router::call_id(&request.into_parts().0);
        reply::tagged(Problem::going_down(&id).into_response(), None, &id)
    };
    drain.last(version, response)
}

/// The way of a call: request → route → function → parked worker → reply. The burial comes after.
async fn serve(
    services: &Services,
    metrics: &Metrics,
    mut request: Request<Incoming>,
) -> Response<ResponseBody> {
    let begun = Instant::now();
    let upgrade = upgrade::asked(&mut request);
    let (request, body) = request.into_parts();
    let body = Upload::new(body, &request.headers);
    let id = router::call_id(&request);
    let (pool, call) = match router::route(services, &request, &id) {
        Ok(routed) => routed,
        Err(problem) => {
            metrics.unserved(problem.function());
            return reply::tagged(problem.into_response(), None, &id);
        }
    };
    let name = pool.function().name.clone();
    let record = CallRecord::begin(pool.metrics(), &id, request.method.as_str(), begun);
    if body.size_hint().lower() > pool.function().limits.request_body.0 {
        let outcome = Outcome::OverLimit(Limit::RequestBody);
        record.refused(&outcome);
        return reply::from(Reply::Ended(outcome), &name, &id);
    }
    let deadline = begun + Duration::from(pool.function().limits.timeout);
    let parked = match pool.take(deadline).await {
        Ok(parked) => parked,
        Err(Unavailable::Overloaded) => {
            record.refused(&Outcome::Overloaded);
            return reply::from(Reply::Ended(Outcome::Overloaded), &name, &id);
        }
        Err(Unavailable::NotReady(why)) => {
            record.unready(&why);
            let problem = Problem::not_ready(&name, &why, &id);
            return reply::tagged(problem.into_response(), None, &id);
        }
    };
    let record = record.started();
    let (exchange, answer) = exchange(body, upgrade);
    // A task of its own: whoever drops this future, the client's leaving included, the worker is buried.
    tokio::spawn(async move {
        let (outcome, remains) = match parked.start(call).await {
            Ok(running) => running.finish(exchange, deadline).await,
            Err((outcome, remains)) => {
                let _unanswered = exchange.reply.send(Reply::Ended(outcome.clone()));
                (outcome, remains)
            }
        };
        end(&pool, remains, outcome, record).await;
    });
    // The sender is dropped without a word only if the task that holds it panics.
    let gone = |_| Reply::Ended(Outcome::Crashed("the host lost the call".to_owned()));
    let response = reply::from(answer.await.unwrap_or_else(gone), &name, &id);
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    if request.method == Method::HEAD || bodiless.contains(&response.status()) {
        response.map(ResponseBody::unsent)
    } else {
        response
    }
}

/// After the reply: buries the call, or without isolation takes its worker back.
async fn end(pool: &Pool, remains: Remains, outcome: Outcome, record: CallRecord) {
    let record = record.ended(outcome, remains.traffic());
    let exit = pool.bury(remains).await;
    record.buried(exit);
}

fn exchange(body: Upload, upgrade: Option<Upgrade>) -> (Exchange, oneshot::Receiver<Reply>) {
    let (reply, answer) = oneshot::channel();
    let exchange = Exchange {
        body: body.map_err(Into::into).boxed_unsync(),
        reply,
        upgrade,
    };
    (exchange, answer)
}
