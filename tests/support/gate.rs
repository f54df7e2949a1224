//! A call whose request stays open for as long as the test wants, over a plain connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::Host;
use super::log::PATIENCE;

/// A call that has begun and is not over before its request is.
#[derive(Debug)]
pub struct Gate {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Gate {
    /// Sends a request without the end of its body.
    pub fn begin(host: &Host, path: &str, call: &str) -> Self {
        let address = host.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST /function/{path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             X-Call-Id: {call}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Waits until the reply holds `text`.
    pub fn wait(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.read).contains(text) {
            let mut buffer = [0; 4096];
            let len = self.stream.read(&mut buffer).unwrap();
            assert!(len > 0, "the reply ended early: {}", self.text());
            self.read.extend_from_slice(&buffer[..len]);
        }
    }

    /// What has been read of the reply.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }

    /// Ends the request's body and returns the status and all of the reply.
    pub fn finish(self) -> io::Result<(u16, String)> {
        // The host may have ended the call already, and with it the connection.
        let mut stream = &self.stream;
        let _ended = stream.write_all(b"0\r\n\r\n");
        self.end()
    }

    /// Waits for the end of the reply with the request still open.
    pub fn end(mut self) -> io::Result<(u16, String)> {
        let ended = self.stream.read_to_end(&mut self.read);
        let text = self.text();
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
        ended?;
        status.map_or_else(
            || Err(io::ErrorKind::ConnectionAborted.into()),
            |status| Ok((status, text)),
        )
    }
}
