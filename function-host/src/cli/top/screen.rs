//! Standard output as a place for tables: drawn over in a terminal, one after the other elsewhere.

use std::io::{self, IsTerminal, Write};

/// Hides the cursor, and cuts long lines off instead of wrapping them.
const ENTER: &str = "\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
/// Undoes the first two.
const LEAVE: &str = "\x1b[?7h\x1b[?25h";

/// Where tables are shown. What it changes in a terminal is undone when it is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: bool,
}

impl Screen {
    /// A terminal is drawn over if `live`.
    pub(super) fn open(live: bool) -> io::Result<Self> {
        let screen = Self {
            terminal: live && io::stdout().is_terminal(),
        };
        if screen.terminal {
            screen.write(ENTER)?;
        }
        Ok(screen)
    }

    /// How many lines there is room for.
    pub(super) fn lines(&self) -> usize {
        match terminal_size::terminal_size() {
            Some((_, height)) if self.terminal => height.0.into(),
            _ => usize::MAX,
        }
    }

    /// Shows a text of whole lines.
    pub(super) fn show(&self, text: &str) -> io::Result<()> {
        if !self.terminal {
            return self.write(text);
        }
        // Each line is cleared behind its end, then everything below: nothing flickers.
        let lines = text.trim_end().replace('\n', "\x1b[K\n");
        self.write(&format!("\x1b[H{lines}\x1b[K\x1b[J"))
    }

    /// Tells of a trouble that may pass.
    pub(super) fn trouble(&self, text: &str) -> io::Result<()> {
        if self.terminal {
            self.show(text)
        } else {
            writeln!(io::stderr(), "{text}")
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.terminal {
            // The shell's prompt goes below. A terminal that is gone needs nothing undone.
            let _gone = self.write(&format!("{LEAVE}\r\n"));
        }
    }
}
