//! What came of a call, as an HTTP response.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::body::ResponseBody;
use super::problem::Problem;
use crate::pool::{Outcome, Reply, ReplyParts};

/// The outcome as known when the response's head is sent.
const OUTCOME: HeaderName = HeaderName::from_static("leasehold-outcome");
/// The call id.
const CALL_ID: HeaderName = HeaderName::from_static("leasehold-call-id");

/// The response to a call.
pub(super) fn from(reply: Reply, function: &str, call: &str) -> Response<ResponseBody> {
    match reply {
        Reply::Function(ReplyParts {
            status,
            headers,
            body,
        }) => {
            let mut response = Response::new(body.into());
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            tagged(response, Some(&Outcome::Replied), call)
        }
        Reply::Switched(headers) => {
            let mut response = Response::new(ResponseBody::from(Bytes::new()));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            *response.headers_mut() = headers;
            tagged(response, Some(&Outcome::Replied), call)
        }
        Reply::Ended(outcome) => {
            let problem = Problem::of_outcome(&outcome, function, call);
            tagged(problem.into_response(), Some(&outcome), call)
        }
    }
}

/// A response with the host's own headers.
pub(super) fn tagged(
    mut response: Response<ResponseBody>,
    outcome: Option<&Outcome>,
    call: &str,
) -> Response<ResponseBody> {
    let headers = response.headers_mut();
    if let Some(outcome) = outcome {
        headers.insert(OUTCOME, HeaderValue::from_static(outcome.name()));
    }
    if let Ok(call) = HeaderValue::from_str(call) {
        headers.insert(CALL_ID, call);
    }
    response
}
