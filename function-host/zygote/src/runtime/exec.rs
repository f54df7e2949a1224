//! `exec`: the worker becomes the function's command, with the request in its environment, the
//! request's body on stdin and the response's on stdout: as under OpenFaaS' watchdogs, or as CGI.

mod cgi;
mod watchdog;

use leasehold_sandbox::sys::fork;

use super::become_or_fail;
use crate::wire::{CallHead, Program, Variables};
use crate::worker::Worker;

/// Waits for the call and becomes the command.
pub(super) fn run(mut worker: Worker, program: &Program) -> ! {
    match worker.next_call() {
        Ok(Some(call)) => {
            let variables = variables(worker.variables(), &call);
            become_or_fail(worker, program, &variables, &[])
        }
        Ok(None) | Err(_) => fork::exit_now(0),
    }
}

/// The request as environment variables: no NUL anywhere, no `=` in a name.
#[must_use]
pub fn variables(form: Variables, call: &CallHead) -> Vec<(String, Vec<u8>)> {
    let mut variables = match form {
        Variables::Watchdog => watchdog::variables(call),
        Variables::Cgi => cgi::variables(call),
    };
    variables.retain(|(name, value)| !name.contains(['=', '\0']) && !value.contains(&0));
    variables
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

    proptest! {
        #[test]
        fn any_call_maps_to_variables_without_nul(
            path in ".*", query in ".*", headers: Vec<(String, Vec<u8>)>,
        ) {
            let call = CallHead { path, query, headers, ..CallHead::default() };
            for form in [Variables::Watchdog, Variables::Cgi] {
                for (name, value) in variables(form, &call) {
                    prop_assert!(!value.contains(&0));
                    prop_assert!(!name.contains(['=', '\0']));
                }
            }
        }
    }

    #[test]
    fn paths_are_decoded_once() {
        assert_eq!(percent_decoded("/a%20b%2541%zz%"), b"/a b%41%zz%");
    }
}
