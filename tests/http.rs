//! The contract between a client and the host, over real connections.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "http/connections.rs"]
mod connections;
#[path = "http/heads.rs"]
mod heads;
#[path = "http/http2.rs"]
mod http2;
#[path = "http/outcomes.rs"]
mod outcomes;
#[path = "http/routes.rs"]
mod routes;
#[path = "http/streams.rs"]
mod streams;
