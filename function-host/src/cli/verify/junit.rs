//! The report as JUnit XML, for CI systems: a test case for each attack.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use super::table::spelled;
use crate::verify::{Finding, Report, Verdict};

/// Writes the report.
///
/// # Errors
/// Those of writing a file.
pub(super) fn write(path: &Path, report: &Report) -> io::Result<()> {
    fs::write(path, document(report))
}

fn document(report: &Report) -> String {
    let count = |verdict| {
        report
            .rows
            .iter()
            .filter(|row| row.verdict == verdict)
            .count()
    };
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"leasehold verify\" tests=\"{}\" \
         failures=\"{}\" skipped=\"{}\">\n",
        report.rows.len(),
        count(Verdict::Leaked),
        count(Verdict::NotRun),
    );
    for finding in &report.rows {
        // Writing to a string cannot fail.
        let _written = writeln!(
            xml,
            "  <testcase classname=\"channel {} ({} {})\" name=\"{}\">{}</testcase>",
            finding.row,
            spelled(finding.form),
            spelled(finding.mode),
            escaped(&finding.name),
            inner(finding),
        );
    }
    xml + "</testsuite>\n"
}

fn inner(finding: &Finding) -> String {
    let evidence = escaped(finding.evidence.as_deref().unwrap_or_default());
    let reason = escaped(finding.reason.as_deref().unwrap_or_default());
    match finding.verdict {
        Verdict::Leaked => format!("<failure message=\"{evidence}\"/>"),
        Verdict::NotRun => format!("<skipped message=\"{reason}\"/>"),
        verdict => format!("<system-out>{}: {evidence}</system-out>", spelled(verdict)),
    }
}

/// Text for an attribute or an element; XML 1.0 has no control characters at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_attack_is_markup() {
        assert_eq!(
            escaped("<a b=\"c\">&\u{1b}"),
            "&lt;a b=&quot;c&quot;&gt;&amp; "
        );
    }
}
