//! Questions to a running host, at its admin port.

use crate::http::{GetError, get};

/// The largest answer that is read; one about as many functions as there can be is smaller.
pub(super) const MAX_ANSWER: usize = 64 << 20;

/// Why there is no answer. `Display` says what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error(
        "no host answers at {address}: {source}; start one with `leasehold serve`, or name its admin \
         port with --admin"
    )]
    NoAnswer { address: String, source: GetError },
    #[error("what answers at {address} is no admin port: {why}; name the host's with --admin")]
    NoHost { address: String, why: String },
}

/// What the host at `address`, `HOST:PORT`, says at `path`.
pub(super) async fn ask(address: &str, path: &str, accept: &str) -> Result<String, AdminError> {
    let answer = get(address, path, accept, MAX_ANSWER).await;
    answer.map_err(|source| match source {
        GetError::Status(_) | GetError::NotText => no_host(address, &source.to_string()),
        source => AdminError::NoAnswer {
            address: address.to_owned(),
            source,
        },
    })
}

/// What answers at `address` is something else, as one sees by this.
pub(super) fn no_host(address: &str, why: &str) -> AdminError {
    AdminError::NoHost {
        address: address.to_owned(),
        why: why.to_owned(),
    }
}
