//! `exec`: the worker becomes the function's command, with a CGI-like environment, the request's
//! body on stdin and the response's on stdout, as under OpenFaaS' watchdogs.

use leasehold_sandbox::sys::fork;
use leasehold_sandbox::sys::process;

use super::execute;
use crate::wire::CallHead;
use crate::worker::Worker;

/// The shell's exit code for a command that cannot be executed.
const EXIT_CANNOT_EXECUTE: i32 = 126;

/// Waits for the call and becomes the command.
pub(crate) fn run(mut worker: Worker) -> ! {
    let call = match worker.next_call() {
        Ok(Some(call)) => call,
        Ok(None) | Err(_) => fork::exit_now(0),
    };
    let Some(program) = worker.program().cloned() else {
        fork::exit_now(EXIT_CANNOT_EXECUTE)
    };
    let mut env = variables(&call);
    if let Ok(scratch) = std::env::current_dir() {
        let scratch = scratch.to_string_lossy().into_owned();
        for name in ["HOME", "TMPDIR", "TMP", "TEMP"] {
            if !program.env.iter().any(|(known, _)| known == name) {
                env.push((name.to_owned(), scratch.clone().into_bytes()));
            }
        }
    }
    process::reset_dispositions();
    let error = execute(&program, &env, &[]);
    let _host_gone = worker.reply_failed(&format!(
        "cannot execute {}: {error}",
        program.path.display()
    ));
    fork::exit_now(EXIT_CANNOT_EXECUTE)
}

/// The environment of a call: `Http_Method`, `Http_Path` (decoded), `Http_Query` (if not empty) and
/// `Http_<Header>` for the first value of each header, its name capitalised as Go does, `-` as `_`.
fn variables(call: &CallHead) -> Vec<(String, Vec<u8>)> {
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
    variables.retain(|(_, value)| !value.contains(&0));
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

fn percent_decoded(path: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn any_call_maps_to_variables_without_nul(
            path in ".*", query in ".*", headers: Vec<(String, Vec<u8>)>,
        ) {
            let call = CallHead { path, query, headers, ..CallHead::default() };
            for (_, value) in variables(&call) {
                prop_assert!(!value.contains(&0));
            }
        }
    }

    #[test]
    fn paths_are_decoded_once() {
        assert_eq!(percent_decoded("/a%20b%2541%zz%"), b"/a b%41%zz%");
    }
}
