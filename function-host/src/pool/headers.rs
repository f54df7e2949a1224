//! A function's reply head, which is hostile, as HTTP.

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use leasehold_zygote::wire::ReplyHead;

/// Headers that frame a message or belong to the connection: the host's own, RFC 9110 and 9112.
const REFUSED: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];
/// Headers of the host's that a function must not imitate.
const OWN: &str = "leasehold-";
/// The most headers that a reply may have.
const MAX: usize = 128;

/// Validates a reply's status and headers. What frames the message is dropped: it is the host's.
///
/// # Errors
/// What is wrong, in one line.
pub(super) fn validate(head: &ReplyHead) -> Result<(StatusCode, HeaderMap), String> {
    let status = StatusCode::from_u16(head.status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| format!("the status {} is not one of 200–599", head.status))?;
    if head.headers.len() > MAX {
        return Err(format!("more than {MAX} headers"));
    }
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("{name:?} is not the name of a header"))?;
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| format!("the value of the header {parsed} holds control characters"))?;
        if !REFUSED.contains(&parsed) && !parsed.as_str().starts_with(OWN) {
            headers.append(parsed, value);
        }
    }
    Ok((status, headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, headers: &[(&str, &[u8])]) -> ReplyHead {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.to_vec()))
            .collect();
        ReplyHead { status, headers }
    }

    #[test]
    fn splitting_a_response_is_refused() {
        for value in [&b"a\r\nset-cookie: x"[..], b"a\nb", b"a\0b"] {
            assert!(validate(&head(200, &[("x-a", value)])).is_err());
        }
        assert!(validate(&head(200, &[("x a", b"1")])).is_err());
        assert!(validate(&head(200, &[("x\r\na", b"1")])).is_err());
        assert!(validate(&head(200, &[("", b"1")])).is_err());
    }

    #[test]
    fn statuses_that_are_not_final_are_refused() {
        for status in [0, 99, 100, 101, 103, 199, 600, 999, 65535] {
            assert!(validate(&head(status, &[])).is_err(), "{status}");
        }
        assert!(validate(&head(204, &[])).is_ok());
    }

    #[test]
    fn framing_is_the_hosts() {
        let framing: &[(&str, &[u8])] = &[
            ("Content-Length", b"5"),
            ("content-length", b"6"),
            ("Transfer-Encoding", b"chunked"),
            ("Connection", b"upgrade"),
            ("Leasehold-Outcome", b"Replied"),
            ("X-Kept", b"1"),
        ];
        let (_, headers) = validate(&head(200, framing)).unwrap();
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-kept"]
        );
    }
}
