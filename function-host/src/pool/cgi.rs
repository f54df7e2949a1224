//! The head of a CGI response, RFC 3875 section 6, which is hostile, as HTTP.
//!
//! Lines of `Name: value` end with LF or CRLF, the head with an empty one. `Status`, `Content-Type` and
//! `Location` are CGI's own: one of them at least, each of them once. A redirect, local or not, goes to
//! the client: one call never becomes another.

use bytes::BytesMut;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use leasehold_zygote::wire::ReplyHead;

use super::Outcome;
use super::headers;

/// The largest head, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A head as far as it has come. Every byte is looked at once, however small the pieces are.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: BytesMut,
    /// Where its last line begins, and up to where that is known to have no end.
    line: usize,
    seen: usize,
}

/// A whole head, and what has come of the body.
pub(super) type Parsed = (StatusCode, HeaderMap, BytesMut);

impl Head {
    /// Takes a piece of output; gives the head back once it is whole.
    ///
    /// # Errors
    /// When there can be none any more.
    pub(super) fn push(&mut self, piece: BytesMut) -> Result<Option<Parsed>, Outcome> {
        self.bytes.unsplit(piece);
        let Some(end) = self.end() else {
            return if self.bytes.len() > MAX_HEAD {
                Err(too_long())
            } else {
                Ok(None)
            };
        };
        let body = self.bytes.split_off(end);
        if end > MAX_HEAD {
            return Err(too_long());
        }
        let (status, headers) = parse(&self.bytes).map_err(Outcome::Failed)?;
        Ok(Some((status, headers, body)))
    }

    /// Where it ends, its empty line included.
    fn end(&mut self) -> Option<usize> {
        while let Some(rest) = self.bytes.get(self.seen..) {
            let Some(len) = rest.iter().position(|&byte| byte == b'\n') else {
                self.seen = self.bytes.len();
                return None;
            };
            let end = self.seen + len;
            let line = self.bytes.get(self.line..end);
            (self.line, self.seen) = (end + 1, end + 1);
            if matches!(line, Some(b"" | b"\r")) {
                return Some(end + 1);
            }
        }
        None
    }
}

/// Reads a whole head.
///
/// # Errors
/// What is wrong, in one line.
fn parse(head: &[u8]) -> Result<(StatusCode, HeaderMap), String> {
    let (mut status, mut fields) = (None, Vec::new());
    for line in head.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let (name, value) = field(line)?;
        if name.eq_ignore_ascii_case("status") {
            if status.replace(status_code(value)?).is_some() {
                return Err(twice("Status"));
            }
        } else {
            fields.push((name.to_owned(), value.to_vec()));
        }
    }
    let count = |wanted: &str| {
        let same = |(name, _): &&(String, _)| name.eq_ignore_ascii_case(wanted);
        fields.iter().filter(same).count()
    };
    let (kinds, places) = (count(CONTENT_TYPE.as_str()), count(LOCATION.as_str()));
    if kinds > 1 {
        return Err(twice("Content-Type"));
    }
    if places > 1 {
        return Err(twice("Location"));
    }
    if status.is_none() && kinds == 0 && places == 0 {
        return Err("its head has none of Content-Type, Status and Location".to_owned());
    }
    let default = if places == 1 {
        StatusCode::FOUND
    } else {
        StatusCode::OK
    };
    headers::validate(&ReplyHead {
        status: status.unwrap_or(default.as_u16()),
        headers: fields,
    })
}

/// The head is larger than any may be.
fn too_long() -> Outcome {
    Outcome::Failed(format!("its head is longer than {MAX_HEAD} bytes"))
}

/// The program has ended before its head has.
pub(super) fn incomplete() -> Outcome {
    Outcome::Failed("its output ended without a whole head, which an empty line ends".to_owned())
}

fn twice(name: &str) -> String {
    format!("its head has {name} twice")
}

/// `Name: value`, without the blanks around the value.
fn field(line: &[u8]) -> Result<(&str, &[u8]), String> {
    let shown = || String::from_utf8_lossy(line.get(..40).unwrap_or(line)).into_owned();
    let colon = line.iter().position(|&byte| byte == b':');
    let (name, value) = colon
        .and_then(|at| line.split_at_checked(at))
        .ok_or_else(|| format!("the line {:?} of its head is no header", shown()))?;
    let name = std::str::from_utf8(name)
        .map_err(|_| format!("the line {:?} of its head is no header", shown()))?;
    Ok((name, value.get(1..).unwrap_or_default().trim_ascii()))
}

/// `404 Not Found`: three digits, and a reason that nobody needs.
fn status_code(value: &[u8]) -> Result<u16, String> {
    let (digits, reason) = value.split_at_checked(3).unwrap_or((value, b""));
    let code = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|_| reason.is_empty() || reason.starts_with(b" "))
        .and_then(|digits| digits.parse().ok());
    code.ok_or_else(|| {
        let value = String::from_utf8_lossy(value.get(..40).unwrap_or(value)).into_owned();
        format!("the status {value:?} is not three digits and a reason")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `output` in pieces of `size` bytes.
    fn read(output: &[u8], size: usize) -> Result<Option<Parsed>, Outcome> {
        let mut head = Head::default();
        for (at, piece) in output.chunks(size).enumerate() {
            if let Some((status, headers, mut body)) = head.push(piece.into())? {
                body.extend_from_slice(output.get((at + 1) * size..).unwrap_or_default());
                return Ok(Some((status, headers, body)));
            }
        }
        Ok(None)
    }

    fn parsed(head: &str) -> Result<(u16, Vec<(String, String)>), String> {
        let whole = read(head.as_bytes(), head.len()).map_err(|outcome| outcome.to_string())?;
        let (status, headers, body) = whole.expect("a whole head");
        assert_eq!(body, "", "{head:?}");
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = headers.iter().map(|(n, v)| (n.to_string(), text(v)));
        Ok((status.as_u16(), headers.collect()))
    }

    #[test]
    fn a_status_is_given_or_follows() {
        let kind = ("content-type".to_owned(), "a/b".to_owned());
        let place = |at: &str| ("location".to_owned(), at.to_owned());
        assert_eq!(
            parsed("Content-Type: a/b\n\n"),
            Ok((200, vec![kind.clone()]))
        );
        assert_eq!(parsed("content-type:a/b\r\n\r\n"), Ok((200, vec![kind])));
        assert_eq!(parsed("Status: 404 Not Found\n\n"), Ok((404, vec![])));
        assert_eq!(parsed("STATUS:204\n\n"), Ok((204, vec![])));
        let local = parsed("Location: /other?x=1\n\n");
        assert_eq!(local, Ok((302, vec![place("/other?x=1")])));
        let made = parsed("Location: http://a.test/\nStatus: 201 Created\n\n");
        assert_eq!(made, Ok((201, vec![place("http://a.test/")])));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for head in [
            "\n",
            "X-Only: 1\n\n",
            "Status: 200\nStatus: 200\n\n",
            "Content-Type: a/b\nContent-Type: a/c\n\n",
            "Location: /a\nlocation: /b\n\n",
            "Status: 20\n\n",
            "Status: 2000\n\n",
            "Status: 101 Switching\n\n",
            "Status: 999\n\n",
            "Status: -1\n\n",
            "no colon\n\n",
            "Content-Type: a/b\n folded\n\n",
            "Content-Type: a/b\nX A: 1\n\n",
            "Content-Type: a/b\n: 1\n\n",
            "Content-Type: a/b\rX-A: 1\n\n",
            "Content-Type: a\0b\n\n",
        ] {
            assert!(parsed(head).is_err(), "{head:?}");
        }
        let many = "X-A: 1\n".repeat(200);
        assert!(parsed(&format!("Content-Type: a/b\n{many}\n")).is_err());
    }

    #[test]
    fn a_head_is_bounded() {
        let long = format!("Content-Type: a/b\nX-A: {}\n\n", "a".repeat(MAX_HEAD));
        assert!(read(long.as_bytes(), long.len()).is_err());
        assert!(read(&[b'a'; 2 * MAX_HEAD], 1000).is_err());
        assert!(read(b"Status: 200\nbody", 1).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(
            output in "(Status: [0-9]{3}\r?\n|[A-Za-z]{0,3}: ?.{0,5}\n|\n|.{0,9})*", size in 1usize..20,
        ) {
            let whole = read(output.as_bytes(), output.len().max(1));
            prop_assert_eq!(read(output.as_bytes(), size), whole);
        }

        #[test]
        fn reading_is_total(output: Vec<u8>) {
            let _ = read(&output, 7);
        }
    }
}
