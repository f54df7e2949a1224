//! Profiles as YAML, for whoever makes one: read back, they say the same.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use super::diagnostic::printable;
use super::yaml::API_VERSION;
use super::{ArgumentCheck, ArgumentCompare, SeccompAction, SeccompGrant};

/// Lines are not longer than this, unless one name is.
const WIDTH: usize = 100;

/// A profile of these system calls alone, with comments in front.
#[must_use]
pub fn of_seccomp(name: &str, comments: &[String], grants: &[SeccompGrant]) -> String {
    let mut out = String::new();
    for comment in comments {
        let comment = printable(comment, usize::MAX);
        wrapped(&mut out, "# ", "#   ", comment.split(' '), " ");
    }
    let head = format!("apiVersion: {API_VERSION}\nkind: Profile\nmetadata: {{name: {name}}}\n");
    out += &head;
    if grants.is_empty() {
        out += "spec: {}\n";
        return out;
    }
    out += "spec:\n  advanced:\n    seccomp:\n";
    grants.iter().for_each(|grant| entry(&mut out, grant));
    out
}

fn entry(out: &mut String, grant: &SeccompGrant) {
    let names = grant.names.iter().map(String::as_str);
    wrapped(out, "      - names: [", "          ", names, ", ");
    out.truncate(out.trim_end().len());
    *out += "]\n";
    let action = match &grant.action {
        SeccompAction::Allow => "allow".to_owned(),
        SeccompAction::Kill => "kill".to_owned(),
        SeccompAction::Errno(name) => format!("errno\n        errno: {name}"),
    };
    // Writing to a string does not fail.
    let _infallible = writeln!(out, "        action: {action}");
    if !grant.args.is_empty() {
        let args: Vec<String> = grant.args.iter().map(argument).collect();
        let _infallible = writeln!(out, "        args: [{}]", args.join(", "));
    }
    if let Some(why) = &grant.why {
        let _infallible = writeln!(out, "        why: {}", quoted(why));
    }
}

fn argument(&ArgumentCheck { index, compare }: &ArgumentCheck) -> String {
    let (op, value) = match compare {
        ArgumentCompare::Masked { mask, value } => {
            return format!("{{index: {index}, value: {value:#x}, mask: {mask:#x}}}");
        }
        ArgumentCompare::Equal(value) => ("eq", value),
        ArgumentCompare::NotEqual(value) => ("ne", value),
        ArgumentCompare::Less(value) => ("lt", value),
        ArgumentCompare::AtMost(value) => ("le", value),
        ArgumentCompare::AtLeast(value) => ("ge", value),
        ArgumentCompare::Greater(value) => ("gt", value),
    };
    format!("{{index: {index}, op: {op}, value: {value:#x}}}")
}

/// A text in double quotes, as YAML and JSON have it.
fn quoted(text: &str) -> String {
    let escaped = printable(text, usize::MAX)
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// Words with separators between them, on as many lines as it takes.
fn wrapped<'a>(
    out: &mut String,
    first: &str,
    next: &str,
    words: impl Iterator<Item = &'a str>,
    separator: &str,
) {
    let mut line = first.to_owned();
    let mut words = words.peekable();
    let mut fresh = true;
    while let Some(word) = words.next() {
        let separator = if words.peek().is_some() {
            separator
        } else {
            ""
        };
        if !fresh && line.chars().count() + word.len() + separator.len() > WIDTH {
            *out += line.trim_end();
            out.push('\n');
            line = next.to_owned();
        }
        fresh = false;
        line += word;
        line += separator;
    }
    *out += line.trim_end();
    out.push('\n');
}
