//! HTTP/1.1 by hand: what is sent and what comes back, to the byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::{Host, Reply};

/// One connection.
pub struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    pub fn connect(host: &Host) -> Self {
        Self::connect_to(host.address()).expect("a connection")
    }

    /// Connects to an address; `None` where nobody listens any more.
    pub fn connect_to(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        // A guard against a test that hangs, not part of any.
        let guard = Some(Duration::from_secs(30));
        stream.set_read_timeout(guard).unwrap();
        stream.set_write_timeout(guard).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Connects and sends all of `bytes`.
    pub fn send_to(host: &Host, bytes: impl AsRef<[u8]>) -> Self {
        let mut raw = Self::connect(host);
        raw.send(bytes);
        raw
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends as much as is taken; a host that has closed the connection is no error.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _closed = self.stream.write_all(bytes.as_ref());
    }

    /// Sends a chunk of a body.
    pub fn send_chunk(&mut self, chunk: &[u8]) {
        let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
        self.send(framed);
    }

    /// Nothing more will be sent.
    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads more; false at the end.
    fn more(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(len) => {
                self.buffer.extend_from_slice(&piece[..len]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}; so far: {}", String::from_utf8_lossy(&self.buffer)),
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.buffer.drain(..at + 2).take(at).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn exactly(&mut self, len: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < len {
            if !self.more() {
                return None;
            }
        }
        Some(self.buffer.drain(..len).collect())
    }

    /// The head of the next response, without a body.
    pub fn head(&mut self) -> Reply {
        self.try_head().expect("a response")
    }

    /// As [`Self::head`]; `None` where the connection is closed instead.
    pub fn try_head(&mut self) -> Option<Reply> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                assert_eq!(line, "");
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Some(Reply {
            status,
            headers,
            body: Vec::new(),
        })
    }

    /// The next chunk of a body: empty at an orderly end, `None` where the stream is broken off.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let len = self.line()?;
        let len = usize::from_str_radix(&len, 16).unwrap();
        let chunk = self.exactly(len)?;
        let end = self.line()?;
        assert_eq!(end, "");
        Some(chunk)
    }

    /// Chunks until there are `len` bytes.
    pub fn chunks(&mut self, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            let chunk = self.chunk().expect("an unbroken stream");
            assert!(!chunk.is_empty(), "the stream ended with {all:?}");
            all.extend(chunk);
        }
        all
    }

    /// The next response, with its body. Panics where it is broken off.
    pub fn response(&mut self) -> Reply {
        let mut reply = self.head();
        assert!(self.body_of(&mut reply), "a whole body");
        reply
    }

    /// Reads the body that belongs to the head of `reply`, as far as it comes; false where it is broken
    /// off.
    pub fn body_of(&mut self, reply: &mut Reply) -> bool {
        if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                match self.chunk() {
                    Some(chunk) if chunk.is_empty() => return true,
                    Some(chunk) => reply.body.extend(chunk),
                    None => return false,
                }
            }
        }
        let len = reply.header("content-length");
        match self.exactly(len.map_or(0, |len| len.parse().unwrap())) {
            Some(body) => {
                reply.body = body;
                true
            }
            None => false,
        }
    }

    /// Everything that still comes, until the host closes the connection.
    pub fn rest(mut self) -> String {
        while self.more() {}
        String::from_utf8_lossy(&self.buffer).into_owned()
    }
}
