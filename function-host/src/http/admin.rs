//! The admin port: is the host alive, is it ready.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::Limits;
use crate::services::Services;

/// Serves `/healthz` and `/readyz` until `shutdown` resolves.
pub async fn run(
    listener: TcpListener,
    services: Arc<Services>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut shutdown => return,
        };
        let services = Arc::clone(&services);
        let service = service_fn(move |request| {
            let response = answer(&services, &request);
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an admin connection ended early");
            }
        });
    }
}

fn answer(services: &Services, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/readyz") => readiness(services),
        (_, "/healthz" | "/readyz") => (StatusCode::METHOD_NOT_ALLOWED, "use GET\n".to_owned()),
        _ => (
            StatusCode::NOT_FOUND,
            "here are /healthz and /readyz\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Ready when every function is, those aside that a reload has added and that never were; the body says
/// which is not, and why. Not ready when the host is about to end.
fn readiness(services: &Services) -> (StatusCode, String) {
    if services.draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned());
    }
    let mut status = StatusCode::OK;
    let mut text = String::new();
    for service in services.iter() {
        let trouble = service.trouble();
        if trouble.is_some() && !service.late {
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
        let line = trouble
            .as_deref()
            .and_then(|why| why.lines().next())
            .unwrap_or("ready");
        text.push_str(&format!("{}: {line}\n", service.name));
        if let Some(why) = service.stale() {
            let why = why.lines().next().unwrap_or_default();
            text.push_str(&format!(
                "{}: the newest version is refused: {why}\n",
                service.name
            ));
        }
    }
    (status, text)
}
