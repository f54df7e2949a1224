//! Older kernels: what is closed there, what is refused, what is open and said to be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "kernels/attacks.rs"]
mod attacks;
#[path = "kernels/engines.rs"]
mod engines;
#[path = "kernels/gaps.rs"]
mod gaps;

use support::{Host, Reply};

/// Asks the admin port.
fn admin(host: &Host, path: &str) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut response = agent.get(format!("{}{path}", host.admin)).call().unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: Vec::new(),
        body: response.body_mut().read_to_vec().unwrap(),
    }
}
