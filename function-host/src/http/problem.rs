//! Errors as `application/problem+json`, RFC 9457: what, where, and how to mend it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;

use super::body::ResponseBody;
use crate::pool::{Limit, Outcome};

/// An error that the host answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    call_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    hint: String,
}

/// Where the kinds of problems are described.
const KINDS: &str = "https://leasehold.dev/problems/";
/// Seconds after which an overloaded function may be called again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    /// What an outcome other than `Replied` means to the caller.
    pub(super) fn of_outcome(outcome: &Outcome, function: &str, call: &str) -> Self {
        let (kind, title, status, hint) = match outcome {
            Outcome::Failed(_) | Outcome::Replied => (
                "failed",
                "The function failed",
                StatusCode::INTERNAL_SERVER_ERROR,
                "its log has more, under this call id",
            ),
            Outcome::Denied => (
                "denied",
                "The function was killed by its system call filter",
                StatusCode::INTERNAL_SERVER_ERROR,
                "it made a system call that no function may make; its profile can allow one by name \
                 under advanced.seccomp",
            ),
            Outcome::TimedOut(_) => (
                "timed-out",
                "The function took too long",
                StatusCode::GATEWAY_TIMEOUT,
                "raise limits.timeout in function.yaml, up to the profile's ceiling",
            ),
            Outcome::Crashed(_) => (
                "crashed",
                "The function crashed",
                StatusCode::BAD_GATEWAY,
                "its log has more, under this call id",
            ),
            Outcome::OverLimit(Limit::RequestBody) => (
                "over-limit",
                "The request is too large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "send less, or raise limits.requestBody in function.yaml",
            ),
            Outcome::OverLimit(_) => (
                "over-limit",
                "The function went over a limit",
                StatusCode::BAD_GATEWAY,
                "raise the limit in function.yaml, up to the profile's ceiling",
            ),
            Outcome::Overloaded => (
                "overloaded",
                "The function is busy",
                StatusCode::TOO_MANY_REQUESTS,
                "call again later; `pool` in function.yaml sets how many calls run at once",
            ),
            Outcome::Abandoned => (
                "abandoned",
                "The client went away",
                StatusCode::BAD_REQUEST,
                "the request's body did not arrive whole",
            ),
        };
        Self {
            kind: format!("{KINDS}{kind}"),
            title,
            status,
            detail: format!("{function} {outcome}"),
            function: Some(function.to_owned()),
            call_id: call.to_owned(),
            outcome: Some(outcome.name()),
            hint: hint.to_owned(),
        }
    }

    /// There is a function of this name, but it cannot be called now.
    pub(super) fn not_ready(function: &str, why: &str, call: &str) -> Self {
        Self {
            kind: format!("{KINDS}not-ready"),
            title: "The function is not ready",
            status: StatusCode::SERVICE_UNAVAILABLE,
            // Details of the machine are the operator's, who finds all of it in log and `check`.
            detail: why.lines().next().unwrap_or_default().to_owned(),
            function: Some(function.to_owned()),
            call_id: call.to_owned(),
            outcome: None,
            hint: "`leasehold check` and the log say more".to_owned(),
        }
    }

    /// The host is about to end and begins no more calls.
    pub(super) fn going_down(call: &str) -> Self {
        Self {
            kind: format!("{KINDS}going-down"),
            title: "The host is going down",
            status: StatusCode::SERVICE_UNAVAILABLE,
            detail: "it finishes the calls that have begun and begins no more".to_owned(),
            function: None,
            call_id: call.to_owned(),
            outcome: None,
            hint: "nothing of this call was run: make it again, over another connection".to_owned(),
        }
    }

    /// There is nothing at this path.
    pub(super) fn not_found(detail: String, call: &str) -> Self {
        Self {
            kind: format!("{KINDS}not-found"),
            title: "There is no such function",
            status: StatusCode::NOT_FOUND,
            detail,
            function: None,
            call_id: call.to_owned(),
            outcome: None,
            hint: "functions are at /function/NAME; `leasehold list` names them".to_owned(),
        }
    }

    /// The function that it is about, by the host's own list.
    pub(super) fn function(&self) -> Option<&str> {
        self.function.as_deref()
    }

    /// The response.
    pub(super) fn into_response(self) -> Response<ResponseBody> {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(ResponseBody::from(Bytes::from(body)));
        *response.status_mut() = self.status;
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response
    }
}
