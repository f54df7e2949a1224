//! One client of the load: a connection that it keeps for as long as the host does.

use super::cases::{Act, Case, Expected};
use super::support::Reply;
use super::support::raw::Raw;

/// A client.
pub(super) struct Client<'a> {
    address: &'a str,
    kept: Option<Raw>,
}

/// What a client has seen of a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// A response to its end.
    Whole(Reply),
    /// A response that was broken off after its head.
    Broken(Reply),
    /// A connection that was closed without a response, or refused.
    Nothing,
    /// It did not wait for the end.
    Left,
}

impl<'a> Client<'a> {
    pub(super) fn of(address: &'a str) -> Self {
        Self {
            address,
            kept: None,
        }
    }

    /// Makes the call with this number.
    pub(super) fn call(&mut self, case: &Case, number: usize) -> Answer {
        let Some(mut raw) = self.kept.take().or_else(|| Raw::connect_to(self.address)) else {
            return Answer::Nothing;
        };
        let answer = exchange(&mut raw, case, number);
        if let Answer::Whole(reply) = &answer
            && reply.header("connection") != Some("close")
        {
            self.kept = Some(raw);
        }
        answer
    }
}

fn exchange(raw: &mut Raw, case: &Case, number: usize) -> Answer {
    let body = (case.body)(number);
    let head = format!(
        "POST /function/{} HTTP/1.1\r\nHost: load\r\nX-Call-Id: {}\r\n",
        case.function,
        id(number)
    );
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    let mut first = None;
    match case.act {
        Act::Send => {
            let len = body.len();
            raw.try_send(format!("{head}Content-Length: {len}\r\n\r\n{body}"));
        }
        Act::LeaveSending | Act::LeaveWaiting => {
            // The body is asked for when a worker wants it: the call runs.
            let len = body.len() + usize::from(case.act == Act::LeaveSending);
            raw.try_send(format!(
                "{head}Expect: 100-continue\r\nContent-Length: {len}\r\n\r\n"
            ));
            match raw.try_head() {
                Some(reply) if reply.status == 100 => raw.try_send(body),
                Some(mut reply) => {
                    let _broken_off = raw.body_of(&mut reply);
                    return Answer::Whole(reply);
                }
                None => return Answer::Nothing,
            }
        }
        Act::Stream => {
            raw.try_send(format!(
                "{head}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
            ));
        }
        Act::Converse | Act::LeaveReading => {
            raw.try_send(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}"));
            let Some(mut reply) = raw.try_head() else {
                return Answer::Nothing;
            };
            if reply.header("transfer-encoding") == Some("chunked") {
                match raw.chunk() {
                    Some(chunk) => reply.body = chunk,
                    None => return Answer::Broken(reply),
                }
            }
            if case.act == Act::Converse {
                raw.try_send("0\r\n\r\n");
            }
            first = Some(reply);
        }
    }
    if matches!(case.expected, Expected::Left) {
        return Answer::Left;
    }
    let Some(mut reply) = first.or_else(|| raw.try_head()) else {
        return Answer::Nothing;
    };
    if raw.body_of(&mut reply) {
        Answer::Whole(reply)
    } else {
        Answer::Broken(reply)
    }
}

/// The id of the call with this number.
pub(super) fn id(number: usize) -> String {
    format!("call-{number}")
}

impl Answer {
    /// Whether it is the one that the case has to have.
    pub(super) fn is_right(&self, case: &Case, number: usize) -> bool {
        let of_this_call = |reply: &Reply| reply.header("leasehold-call-id") == Some(&*id(number));
        match (self, case.expected) {
            (Self::Whole(reply), Expected::Reply(body)) => {
                of_this_call(reply)
                    && (reply.status, reply.outcome()) == (200, Some("Replied"))
                    && reply.text() == body(&(case.body)(number))
            }
            (Self::Whole(reply), Expected::Problem(status, outcome)) => {
                of_this_call(reply)
                    && (reply.status, reply.outcome()) == (status, Some(outcome))
                    && reply.header("content-type") == Some("application/problem+json")
            }
            (Self::Broken(reply), Expected::BrokenOff(_)) => {
                of_this_call(reply) && reply.status == 200
            }
            (Self::Left, Expected::Left) => true,
            _ => false,
        }
    }

    /// Whether it says that the call was killed from outside: so in words, or broken off once the reply
    /// had begun.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Whole(reply) => (reply.status, reply.outcome()) == (502, Some("Crashed")),
            Self::Broken(reply) => reply.status == 200,
            Self::Nothing | Self::Left => false,
        }
    }
}
