//! HTTP: requests to calls, outcomes to responses. hyper lives here and nowhere else.

mod admin;
mod body;
mod problem;
mod reply;
mod router;
mod server;
mod upload;

pub use admin::run as run_admin;
pub use server::{Limits, run};
