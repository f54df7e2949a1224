//! A call becomes an environment: whatever its client has sent, no variable that is not a header's, none
//! twice, and none that cannot be one.
#![no_main]

use arbitrary::Arbitrary;
use leasehold_zygote::call_variables;
use leasehold_zygote::wire::{CallHead, Variables};
use libfuzzer_sys::fuzz_target;

/// More than HTTP lets a client send.
#[derive(Debug, Arbitrary)]
struct Request {
    method: String,
    path: String,
    query: String,
    script: String,
    version: String,
    headers: Vec<(String, Vec<u8>)>,
}

fuzz_target!(|request: Request| {
    let call = CallHead {
        id: "call".to_owned(),
        method: request.method,
        path: request.path,
        query: request.query,
        script: request.script,
        version: request.version,
        client: "127.0.0.1".to_owned(),
        headers: request.headers,
    };
    for form in [Variables::Watchdog, Variables::Cgi] {
        check(form, &call_variables(form, &call));
    }
});

fn check(form: Variables, variables: &[(String, Vec<u8>)]) {
    let mut names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    for (name, value) in variables {
        let own = match form {
            Variables::Watchdog => name.starts_with("Http_"),
            Variables::Cgi => OF_CGI.contains(&name.as_str()) || name.starts_with("HTTP_"),
        };
        assert!(own, "{name}");
        assert!(!name.eq_ignore_ascii_case("http_proxy"), "httpoxy");
        assert!(!name.contains(['=', '\0']) && !value.contains(&0), "{name}");
    }
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "a variable comes twice: {variables:?}");
}

const OF_CGI: [&str; 13] = [
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "GATEWAY_INTERFACE",
    "LEASEHOLD_CALL_ID",
    "PATH_INFO",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
];
