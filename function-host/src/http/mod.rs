//! HTTP: requests to calls, outcomes to responses. hyper lives here and nowhere else.

mod admin;
mod body;
mod client;
mod drain;
mod problem;
mod reply;
mod router;
mod server;
mod upgrade;
mod upload;

pub use admin::run as run_admin;
pub use client::{GetError, get};
pub use server::{Limits, run};
