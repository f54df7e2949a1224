//! Connections that their clients ask to switch to another protocol, WebSocket for one.

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, Request, Version};
use hyper::body::Incoming;

use crate::pool::Upgrade;

/// What a request asks its connection to become; only HTTP/1.1 can ask.
pub(super) fn asked(request: &mut Request<Incoming>) -> Option<Upgrade> {
    if request.version() != Version::HTTP_11 || !names_upgrade(request.headers()) {
        return None;
    }
    let protocol = request.headers().get(UPGRADE)?.clone();
    Some(Upgrade {
        protocol,
        connection: hyper::upgrade::on(request),
    })
}

/// Whether `Connection` lists `upgrade`.
fn names_upgrade(headers: &HeaderMap) -> bool {
    let mut options = headers
        .get_all(CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case("upgrade"))
}
