//! From a request to a function and its call.

use std::net::IpAddr;

use http::header::{CONNECTION, HOST, HeaderName, TE, UPGRADE};
use http::request::Parts;
use leasehold_sandbox::scratch::unguessable_name;
use leasehold_zygote::wire::CallHead;

use super::problem::Problem;
use crate::services::{Lease, Services};

/// The path below which functions are.
const PREFIX: &str = "/function/";
/// The header that brings a call's id.
const CALL_ID: HeaderName = HeaderName::from_static("x-call-id");
/// The longest id that is taken over.
const MAX_ID: usize = 128;
/// Headers of the connection, not of the request.
const HOP_BY_HOP: [HeaderName; 5] = [
    CONNECTION,
    TE,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The address that a request came from, beside it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) IpAddr);

/// The id that the caller gave, if it is fit to be logged and sent back, or a new one.
pub(super) fn call_id(request: &Parts) -> String {
    let given = request
        .headers
        .get(CALL_ID)
        .and_then(|value| value.to_str().ok());
    match given {
        Some(id)
            if (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            id.to_owned()
        }
        _ => unguessable_name().unwrap_or_else(|_| "unknown".to_owned()),
    }
}

/// The function that a request is for.
pub(super) fn route(
    services: &Services,
    request: &Parts,
    call: &str,
) -> Result<(Lease, CallHead), Box<Problem>> {
    let path = request.uri.path();
    let Some(rest) = path.strip_prefix(PREFIX) else {
        return Err(Box::new(Problem::not_found(
            "nothing is served at this path".to_owned(),
            call,
        )));
    };
    let (name, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some(service) = services.get(name) else {
        return Err(Box::new(Problem::not_found(
            "no function has this name".to_owned(),
            call,
        )));
    };
    match service.lease() {
        Ok(lease) => Ok((lease, head(request, path, call))),
        Err(why) => Err(Box::new(Problem::not_ready(name, why, call))),
    }
}

fn head(request: &Parts, path: &str, call: &str) -> CallHead {
    let whole = request.uri.path();
    // HTTP/2 may name the host beside the headers; it means the same (RFC 9113, 8.3.1).
    let named = request
        .uri
        .authority()
        .filter(|_| !request.headers.contains_key(HOST));
    let named = named.map(|host| (HOST.as_str().to_owned(), host.as_str().into()));
    CallHead {
        id: call.to_owned(),
        method: request.method.as_str().to_owned(),
        path: if path.is_empty() { "/" } else { path }.to_owned(),
        query: request.uri.query().unwrap_or_default().to_owned(),
        script: whole.strip_suffix(path).unwrap_or(whole).to_owned(),
        version: format!("{:?}", request.version),
        client: request
            .extensions
            .get::<Client>()
            .map_or_else(String::new, |Client(address)| address.to_string()),
        headers: request
            .headers
            .iter()
            .filter(|(name, _)| !HOP_BY_HOP.contains(name))
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .chain(named)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(uri: &str, id: Option<&str>) -> Parts {
        let mut request = Request::builder().uri(uri);
        if let Some(id) = id {
            request = request.header("x-call-id", id);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn ids_are_taken_over_only_if_they_are_harmless() {
        assert_eq!(call_id(&parts("/", Some("abc-1"))), "abc-1");
        for id in ["", "a b", "a\tb"] {
            assert_ne!(call_id(&parts("/", Some(id))), id);
        }
        let long = "x".repeat(MAX_ID + 1);
        assert_ne!(call_id(&parts("/", Some(&long))), long);
        assert_eq!(call_id(&parts("/", None)).len(), 32);
    }

    #[test]
    fn what_is_not_a_function_is_not_found() {
        for uri in [
            "/",
            "/function",
            "/function/",
            "/function/none",
            "/functions/x",
            "/function/../x",
        ] {
            assert!(
                route(
                    &Services::none(crate::telemetry::Metrics::new(0)),
                    &parts(uri, None),
                    "id"
                )
                .is_err(),
                "{uri}"
            );
        }
    }

    #[test]
    fn the_call_has_the_rest_of_the_path() {
        let call = head(&parts("/function/f/a%20b/?q=1&r", None), "/a%20b/", "id");
        assert_eq!(
            (call.path.as_str(), call.query.as_str()),
            ("/a%20b/", "q=1&r")
        );
        assert_eq!(
            (call.script.as_str(), call.version.as_str()),
            ("/function/f", "HTTP/1.1")
        );
        let call = head(&parts("http://h:1/function/f", None), "", "id");
        assert_eq!(
            (call.path.as_str(), call.script.as_str()),
            ("/", "/function/f")
        );
        assert_eq!(call.headers, [("host".to_owned(), b"h:1".to_vec())]);
    }
}
