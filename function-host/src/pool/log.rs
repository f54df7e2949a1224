//! What functions print: lines of bounded length, tagged by the host, safe to show.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::unix::pipe;

/// A longer line is cut into pieces of this size, in bytes.
const MAX_LINE: usize = 8 * 1024;

/// The longest to wait for the end of what a dead worker has printed.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(500);

/// Splits what arrives into lines.
#[derive(Debug)]
pub(super) struct Lines {
    pending: Vec<u8>,
    left: u64,
    cut: bool,
}

impl Lines {
    /// Lines of at most `limit` bytes in all; what follows is counted as lost, once.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            pending: Vec::new(),
            left: limit,
            cut: false,
        }
    }

    fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(&str)) {
        let taken = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.left -= taken as u64;
        for &byte in &bytes[..taken] {
            if byte == b'\n' || self.pending.len() == MAX_LINE {
                self.flush(&mut emit);
            }
            if byte != b'\n' {
                self.pending.push(byte);
            }
        }
        if taken < bytes.len() && !self.cut {
            self.cut = true;
            self.flush(&mut emit);
            emit("(more than limits.stderr; the rest is not logged)");
        }
    }

    fn flush(&mut self, mut emit: impl FnMut(&str)) {
        if !self.pending.is_empty() {
            emit(&printable(&self.pending));
            self.pending.clear();
        }
    }
}

/// A line that does nothing to a terminal or a log but show itself.
fn printable(line: &[u8]) -> String {
    let mut text = String::with_capacity(line.len());
    for char in String::from_utf8_lossy(line).chars() {
        if char == '\t' || !(char.is_control() || is_directional(char)) {
            text.push(char);
        } else {
            text.extend(char.escape_default());
        }
    }
    text
}

/// The characters that reorder a line when it is shown (Unicode's bidirectional controls).
fn is_directional(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Logs what a zygote prints, for as long as it lives.
pub(super) fn follow(function: &str, mut reader: pipe::Receiver) {
    let function = function.to_owned();
    tokio::spawn(async move {
        // A zygote lives long; what its import prints is bounded by its rate only.
        let mut lines = Lines::new(u64::MAX);
        let emit = |line: &str| tracing::info!(target: "function", function, line, "zygote");
        let mut buffer = vec![0; 4096];
        while let Ok(len @ 1..) = reader.read(&mut buffer).await {
            lines.push(&buffer[..len], emit);
        }
        lines.flush(emit);
    });
}

/// Logs what a call prints, until the end of the pipe.
pub(super) async fn drain(
    reader: &mut (impl AsyncRead + Unpin),
    lines: &mut Lines,
    function: &str,
    call: &str,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let emit = |line: &str| tracing::info!(target: "function", function, call, line, "stderr");
        match reader.read(&mut buffer).await? {
            0 => {
                lines.flush(emit);
                return Ok(());
            }
            len => lines.push(&buffer[..len], emit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(limit: u64, pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::new(limit);
        let mut out = Vec::new();
        for piece in pieces {
            lines.push(piece, |line| out.push(line.to_owned()));
        }
        lines.flush(|line| out.push(line.to_owned()));
        out
    }

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        assert_eq!(lines(100, &[b"a\nb", b"c\n", b"d"]), ["a", "bc", "d"]);
    }

    #[test]
    fn nothing_forges_a_record_or_moves_the_cursor() {
        assert_eq!(
            lines(100, &[b"a\rb\x1b[2Jc\xff\n"]),
            ["a\\rb\\u{1b}[2Jc\u{fffd}"]
        );
    }

    #[test]
    fn bounded_in_length_and_in_all() {
        let long = vec![b'x'; MAX_LINE * 2 + 1];
        assert_eq!(lines(u64::MAX, &[&long]).len(), 3);
        let cut = lines(3, &[b"abcdef", b"ghi"]);
        assert_eq!(
            cut,
            ["abc", "(more than limits.stderr; the rest is not logged)"]
        );
    }
}
