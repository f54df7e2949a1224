//! Samples out of Prometheus' text format or OpenMetrics', line by line.
//!
//! What is read comes over the network: every line is parsed or refused, nothing is assumed, and
//! nothing grows beyond the text itself.

use std::borrow::Cow;

/// The most labels of one sample.
const MAX_LABELS: usize = 16;

/// One line of a scrape.
#[derive(Debug, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    labels: Vec<(&'a str, Cow<'a, str>)>,
    pub(super) value: f64,
}

/// A line that is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no sample")]
pub(crate) struct Malformed {
    line: usize,
}

impl Sample<'_> {
    /// The value of this label.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        labels.find_map(|(key, value)| (*key == name).then_some(value.as_ref()))
    }
}

/// The samples of a text, in order.
pub(super) fn samples(text: &str) -> impl Iterator<Item = Result<Sample<'_>, Malformed>> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| sample(line).ok_or(Malformed { line: index + 1 }))
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (name, rest) = name(line)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    // A timestamp or an exemplar may follow the value.
    let value = rest
        .strip_prefix(' ')?
        .split(' ')
        .find(|word| !word.is_empty())?;
    Some(Sample {
        name,
        labels,
        value: number(value)?,
    })
}

fn name(text: &str) -> Option<(&str, &str)> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !part(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let first = name.chars().next()?;
    (!first.is_ascii_digit()).then_some((name, rest))
}

type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

fn labels(mut text: &str) -> Option<(Labels<'_>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        if labels.len() == MAX_LABELS {
            return None;
        }
        let (key, rest) = name(text)?;
        let (value, rest) = quoted(rest.strip_prefix("=\"")?)?;
        labels.push((key, value));
        text = match rest.strip_prefix(',') {
            Some(rest) => rest,
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

/// A value up to its closing quote, and what follows that.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text[end..].starts_with('"') {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Some((Cow::Owned(value), &text[index + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('"' | '\\') => escaped,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

/// A number as both formats write it.
pub(super) fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        // Rust's own names for these are not the format's.
        _ if text.bytes().any(|b| matches!(b, b'i' | b'I' | b'n' | b'N')) => None,
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telemetry::{Form, Metrics};

    #[test]
    fn a_scrape_of_ours_is_read_in_both_forms() {
        let metrics = Metrics::new(7);
        metrics.function("a\"b\\c\nd").refilled(true);
        for form in [Form::OpenMetrics, Form::Prometheus] {
            let text = metrics.encode(form);
            let samples: Vec<_> = samples(&text).collect::<Result<_, _>>().unwrap();
            let refills = samples
                .iter()
                .find(|sample| sample.name == "leasehold_refills_total")
                .unwrap();
            assert_eq!(refills.label("function"), Some("a\"b\\c\nd"));
            assert_eq!(refills.value, 1.0);
            let last = samples
                .iter()
                .find(|sample| sample.label("le") == Some("+Inf"));
            assert!(last.is_some());
        }
    }

    #[test]
    fn timestamps_exemplars_and_comments_are_passed_over() {
        let text =
            "# HELP a b\n\na 1\na{} 2 1700000000\nb{x=\"1\",} +Inf # {id=\"7\"} 0.5\n# EOF\n";
        let values: Vec<f64> = samples(text).map(|sample| sample.unwrap().value).collect();
        assert_eq!(values, [1.0, 2.0, f64::INFINITY]);
    }

    #[test]
    fn what_is_no_sample_is_refused_with_its_line() {
        let many = format!("a{{{}}} 1", "x=\"1\",".repeat(MAX_LABELS + 1));
        for line in [
            "a",
            "a ",
            "a x",
            "a inf",
            "1a 1",
            "a{x} 1",
            "a{x=1} 1",
            "a{x=\"1} 1",
            "a{x=\"\\x\"} 1",
            "a{x=\"1\"y=\"2\"} 1",
            "a{x=\"1\"}1",
            "<html>",
            &many,
        ] {
            let text = format!("ok 1\n{line}\n");
            let found: Vec<_> = samples(&text).collect();
            assert_eq!(found[1], Err(Malformed { line: 2 }), "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-z0-9{}=\",\\\\ \n#+é.]{0,80}") {
            for sample in samples(&text) {
                let _either = sample;
            }
        }
    }
}
