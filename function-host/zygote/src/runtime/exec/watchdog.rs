//! The environment of a call as OpenFaaS' watchdogs make it.

use super::percent_decoded;
use crate::wire::CallHead;

/// The environment of a call: `Http_Method`, `Http_Path` (decoded), `Http_Query` (if not empty) and
/// `Http_<Header>` for the first value of each header, its name capitalised as Go does, `-` as `_`.
pub(super) fn variables(call: &CallHead) -> Vec<(String, Vec<u8>)> {
    let mut variables = vec![
        ("Http_Method".to_owned(), call.method.clone().into_bytes()),
        ("Http_Path".to_owned(), percent_decoded(&call.path)),
        ("Http_Call_Id".to_owned(), call.id.clone().into_bytes()),
    ];
    if !call.query.is_empty() {
        variables.push(("Http_Query".to_owned(), call.query.clone().into_bytes()));
    }
    for (name, value) in &call.headers {
        let name = variable_name(name);
        if !is_refused(&name) && !variables.iter().any(|(known, _)| *known == name) {
            variables.push((name, value.clone()));
        }
    }
    variables
}

/// Names that a client must not set: those of the call itself, and the one that Python's urllib and
/// others take for a proxy (CVE-2016-1000110 and its kin, "httpoxy").
fn is_refused(name: &str) -> bool {
    [
        "Http_Method",
        "Http_Path",
        "Http_Query",
        "Http_Call_Id",
        "Http_Proxy",
    ]
    .iter()
    .any(|refused| refused.eq_ignore_ascii_case(name))
}

fn variable_name(header: &str) -> String {
    let mut name = "Http_".to_owned();
    let mut start = true;
    for char in header.chars() {
        name.push(match char {
            '-' => '_',
            _ if start => char.to_ascii_uppercase(),
            _ => char.to_ascii_lowercase(),
        });
        start = char == '-';
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(headers: &[(&str, &str)]) -> Vec<String> {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
        let call = CallHead {
            headers: headers.collect(),
            ..CallHead::default()
        };
        variables(&call).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn headers_are_named_as_go_does() {
        assert_eq!(variable_name("x-lower-case"), "Http_X_Lower_Case");
        assert_eq!(variable_name("under_score"), "Http_Under_score");
        assert_eq!(variable_name("content-length"), "Http_Content_Length");
    }

    #[test]
    fn a_client_cannot_set_what_is_not_a_header() {
        let names = names(&[
            ("query", "x"),
            ("path", "y"),
            ("proxy", "evil"),
            ("x-a", "1"),
            ("x-a", "2"),
        ]);
        assert_eq!(
            names,
            ["Http_Method", "Http_Path", "Http_Call_Id", "Http_X_A"]
        );
    }
}
