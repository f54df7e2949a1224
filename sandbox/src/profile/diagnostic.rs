//! [`SourceError`]: one mistake in a YAML file, shown where it stands.
//!
//! The text of a profile is not trusted: whatever of it reaches a message has its control and
//! direction characters escaped first, so that no file can move the terminal's cursor, colour a line
//! or forge one. Knows nothing of YAML.
#![forbid(unsafe_code)]

use std::fmt::{self, Write as _};
use std::sync::Arc;

/// A place in a text: where a value begins and how far it goes on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// 1-based line; 0 where the place is not known.
    pub line: u32,
    /// 1-based column in characters; 0 where the place is not known.
    pub column: u32,
    /// Length in characters.
    pub length: u32,
}

/// One mistake in a document: what, where, and what to do about it.
///
/// Every field is safe to print: control characters are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// What is wrong.
    pub message: String,
    /// The file as it was given.
    pub file: Arc<str>,
    /// Where; line 0 when the parser cannot tell.
    pub span: Span,
    /// What to write instead.
    pub hint: Option<String>,
    /// The offending line, cut to what is worth showing, and where in it the caret stands.
    excerpt: Option<Excerpt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    line: String,
    indent: usize,
    width: usize,
}

/// More of a line than this is not shown.
const LINE: usize = 96;
/// More of a message than this is not shown.
const MESSAGE: usize = 400;

impl SourceError {
    /// Reports a mistake at `span` of `text`.
    #[must_use]
    pub fn at(file: &str, text: &str, span: Span, message: &str, hint: Option<&str>) -> Self {
        Self {
            message: printable(message, MESSAGE),
            file: printable(file, MESSAGE).into(),
            span,
            hint: hint.map(|hint| printable(hint, MESSAGE)),
            excerpt: Excerpt::of(text.strip_prefix('\u{feff}').unwrap_or(text), span),
        }
    }
}

impl SourceError {
    /// The line, as far as it is shown.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        self.excerpt.as_ref().map(|excerpt| excerpt.line.as_str())
    }
}

impl Excerpt {
    fn of(text: &str, span: Span) -> Option<Self> {
        let number = usize::try_from(span.line.checked_sub(1)?).ok()?;
        let column = usize::try_from(span.column.checked_sub(1)?).ok()?;
        let line = lines(text).nth(number)?;
        let end = column + usize::try_from(span.length.max(1)).ok()?;
        let skipped = if end > LINE {
            column.saturating_sub(LINE / 2)
        } else {
            0
        };
        let mut excerpt = Self {
            line: String::new(),
            indent: 0,
            width: 0,
        };
        if skipped > 0 {
            excerpt.line.push('…');
        }
        let mut rest = line.chars().enumerate().skip(skipped);
        excerpt.indent = excerpt.line.chars().count();
        for (at, character) in rest.by_ref().take(LINE) {
            let before = excerpt.line.chars().count();
            push_printable(&mut excerpt.line, character);
            let after = excerpt.line.chars().count();
            if at < column {
                excerpt.indent = after;
            } else if at < end {
                excerpt.width += after - before;
            }
        }
        if rest.next().is_some() {
            excerpt.line.push('…');
        }
        excerpt.line.truncate(excerpt.line.trim_end().len());
        Some(excerpt)
    }
}

/// The lines of a text as YAML counts them: ended by LF, CR or CR LF.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let here = rest?;
        let Some(end) = here.find(['\n', '\r']) else {
            rest = None;
            return Some(here);
        };
        let (line, tail) = here.split_at(end);
        rest = tail.strip_prefix("\r\n").or_else(|| tail.get(1..));
        Some(line)
    })
}

/// A text on one line, cut to `most` characters, that does nothing to a terminal but show itself.
pub(super) fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut rest = text.chars();
    rest.by_ref()
        .take(most)
        .for_each(|character| push_printable(&mut out, character));
    if rest.next().is_some() {
        out.push('…');
    }
    out
}

fn push_printable(out: &mut String, character: char) {
    match character {
        '\t' => out.push(' '),
        c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

/// Characters of no width, or that change the direction of what follows.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        let Span { line, column, .. } = self.span;
        if line == 0 {
            write!(f, "\n --> {}", self.file)?;
        } else {
            let number = line.to_string();
            let gutter = " ".repeat(number.len());
            write!(f, "\n{gutter}--> {}:{line}:{column}", self.file)?;
            if let Some(Excerpt {
                line,
                indent,
                width,
            }) = &self.excerpt
            {
                let mut caret = " ".repeat(*indent);
                caret.write_str(&"^".repeat((*width).max(1)))?;
                let space = if line.is_empty() { "" } else { " " };
                write!(
                    f,
                    "\n{gutter} |\n{number} |{space}{line}\n{gutter} | {caret}"
                )?;
            }
            if self.hint.is_some() {
                write!(f, "\n{gutter} |")?;
            }
        }
        match &self.hint {
            Some(hint) => {
                let gutter = " ".repeat(if line == 0 { 1 } else { line.to_string().len() });
                write!(f, "\n{gutter} = help: {hint}")
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for SourceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_as_yaml_does() {
        let counted: Vec<&str> = lines("a\nb\r\nc\rd\n").collect();
        assert_eq!(counted, ["a", "b", "c", "d", ""]);
    }

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        let text = "x: \u{1b}[2J\u{202e}\n";
        let span = Span {
            line: 1,
            column: 4,
            length: 2,
        };
        let shown = SourceError::at("a\n.yaml", text, span, "bad \u{7}", Some("\r")).to_string();
        assert!(
            !shown
                .chars()
                .any(|c| c != '\n' && (c.is_control() || is_invisible(c)))
        );
        assert!(shown.contains("1 | x: \\u{1b}[2J\\u{202e}"), "{shown}");
        assert!(shown.contains("a\\u{a}.yaml:1:4"), "{shown}");
    }

    #[test]
    fn cuts_long_lines_around_the_caret() {
        let text = format!("{}HERE{}", "a".repeat(5000), "b".repeat(5000));
        let span = Span {
            line: 1,
            column: 5001,
            length: 4,
        };
        let shown = SourceError::at("f", &text, span, "m", None).to_string();
        assert!(shown.len() < 400, "{shown}");
        assert!(
            shown.contains("aHEREb") && shown.ends_with(" ^^^^"),
            "{shown}"
        );
    }

    #[test]
    fn places_beyond_the_text_have_no_excerpt() {
        for span in [
            Span::default(),
            Span {
                line: 9,
                column: 9,
                length: 9,
            },
        ] {
            assert!(SourceError::at("f", "x", span, "m", None).excerpt.is_none());
        }
        let far = Span {
            line: 1,
            column: u32::MAX,
            length: u32::MAX,
        };
        assert!(
            !SourceError::at("f", "x", far, "m", None)
                .to_string()
                .is_empty()
        );
    }
}
