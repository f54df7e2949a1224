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
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::body::ResponseBody;
use super::problem::Problem;
use super::reply;
use super::router;
use super::upload::Upload;
use crate::pool::{Exchange, Limit, Outcome, Pool, Remains, Reply, Unavailable};
use crate::services::Services;
use crate::telemetry::CallRecord;

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
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let server = connections(limits);
    let open = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, most likely: others have to close some first.
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        // Replies are written whole; Nagle's algorithm would only hold the last piece back.
        let _unsupported = stream.set_nodelay(true);
        let services = Arc::clone(&services);
        let service = service_fn(move |request| {
            let services = Arc::clone(&services);
            async move { Ok::<_, Infallible>(serve(&services, request).await) }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, open.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("calls were still running at the end of the grace period");
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

/// The way of a call: request → route → function → parked worker → reply. The burial comes after.
async fn serve(services: &Services, request: Request<Incoming>) -> Response<ResponseBody> {
    let begun = Instant::now();
    let (request, body) = request.into_parts();
    let body = Upload::new(body, &request.headers);
    let id = router::call_id(&request);
    let (pool, call) = match router::route(services, &request, &id) {
        Ok(routed) => routed,
        Err(problem) => return reply::tagged(problem.into_response(), None, &id),
    };
    let name = pool.function().name.clone();
    let record = CallRecord::begin(&name, &id, request.method.as_str(), begun);
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
            let problem = Problem::not_ready(&name, &why, &id);
            return reply::tagged(problem.into_response(), None, &id);
        }
    };
    let record = record.started();
    let (exchange, answer) = exchange(body);
    match parked.start(&call).await {
        Ok(running) => {
            tokio::spawn(async move {
                let (outcome, remains) = running.finish(exchange, deadline).await;
                end(&pool, remains, outcome, record).await;
            });
        }
        Err((outcome, remains)) => {
            let _unanswered = exchange.reply.send(Reply::Ended(outcome.clone()));
            tokio::spawn(async move { end(&pool, remains, outcome, record).await });
        }
    }
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

fn exchange(body: Upload) -> (Exchange, oneshot::Receiver<Reply>) {
    let (reply, answer) = oneshot::channel();
    let body = body.map_err(Into::into).boxed_unsync();
    (Exchange { body, reply }, answer)
}
