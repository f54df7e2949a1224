//! The admin port: is the host alive, is it ready, what does it serve, what has it counted.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::Limits;
use super::server::accept;
use crate::services::{Listing, Services};
use crate::telemetry::{Form, Metrics};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// Serves `/healthz`, `/readyz`, `/functions` and `/metrics` until `shutdown` resolves.
pub async fn run(
    listener: TcpListener,
    services: Arc<Services>,
    metrics: Metrics,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            stream = accept(&listener) => stream,
            () = &mut shutdown => return,
        };
        let (services, metrics) = (Arc::clone(&services), metrics.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (services, metrics) = (Arc::clone(&services), metrics.clone());
            async move { Ok::<_, Infallible>(answer(&services, metrics, &request).await) }
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

async fn answer(
    services: &Services,
    metrics: Metrics,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/readyz") => {
            let (status, text) = readiness(services);
            (status, TEXT, text)
        }
        (&Method::GET | &Method::HEAD, "/metrics") => scrape(metrics, request.headers()).await,
        (&Method::GET | &Method::HEAD, "/functions") => (StatusCode::OK, JSON, list(services)),
        (_, "/healthz" | "/readyz" | "/functions" | "/metrics") => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            (status, TEXT, "use GET\n".to_owned())
        }
        _ => {
            let text = "here are /healthz, /readyz, /functions and /metrics\n".to_owned();
            (StatusCode::NOT_FOUND, TEXT, text)
        }
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Everything that was counted, written off the event loop: thousands of functions have much.
async fn scrape(metrics: Metrics, headers: &HeaderMap) -> (StatusCode, &'static str, String) {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let form = Form::accepted(accept);
    match tokio::task::spawn_blocking(move || metrics.encode(form)).await {
        Ok(text) => (StatusCode::OK, form.content_type(), text),
        Err(_) => {
            let text = "the metrics could not be written\n".to_owned();
            (StatusCode::INTERNAL_SERVER_ERROR, TEXT, text)
        }
    }
}

/// All functions, as `leasehold list` shows them.
fn list(services: &Services) -> String {
    let rows: Vec<Listing> = services
        .iter()
        .map(|service| Listing::from(&*service))
        .collect();
    // Plain strings: nothing of it cannot be written.
    serde_json::to_string(&rows).unwrap_or_default()
}

/// Ready when every function is, those aside that a reload has added and that never were; the body says
/// which is not, and why, and which channels are open. Not ready when the host is about to end.
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
        let open = service.open_channels();
        if !open.is_empty() {
            let open = open.join(", ");
            text.push_str(&format!("{}: open as accepted: {open}\n", service.name));
        }
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
