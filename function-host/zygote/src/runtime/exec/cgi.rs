//! The environment of a call as CGI's meta-variables, RFC 3875 section 4.1.

use super::percent_decoded;
use crate::wire::CallHead;

/// The port of `http`, where the client names none.
const DEFAULT_PORT: &str = "80";

/// The meta-variables of a call. There is no `PATH_TRANSLATED`, since a function has no document
/// root, and no `AUTH_TYPE` and `REMOTE_USER`, since the host authenticates nobody.
pub(super) fn variables(call: &CallHead) -> Vec<(String, Vec<u8>)> {
    let header = |wanted: &str| {
        let mut fields = call.headers.iter();
        fields.find_map(|(name, value)| (name == wanted).then(|| value.clone()))
    };
    let (name, port) = server(&header("host").unwrap_or_default());
    let mut variables: Vec<(String, Vec<u8>)> = [
        ("GATEWAY_INTERFACE", "CGI/1.1".into()),
        ("LEASEHOLD_CALL_ID", call.id.clone().into_bytes()),
        ("PATH_INFO", percent_decoded(&call.path)),
        ("QUERY_STRING", call.query.clone().into_bytes()),
        ("REMOTE_ADDR", call.client.clone().into_bytes()),
        ("REQUEST_METHOD", call.method.clone().into_bytes()),
        ("SCRIPT_NAME", call.script.clone().into_bytes()),
        ("SERVER_NAME", name),
        ("SERVER_PORT", port),
        ("SERVER_PROTOCOL", call.version.clone().into_bytes()),
        (
            "SERVER_SOFTWARE",
            concat!("leasehold/", env!("CARGO_PKG_VERSION")).into(),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (variable, name) in [
        ("CONTENT_LENGTH", "content-length"),
        ("CONTENT_TYPE", "content-type"),
    ] {
        variables.extend(header(name).map(|value| (variable.to_owned(), value)));
    }
    for (name, value) in &call.headers {
        let Some(variable) = variable_name(name) else {
            continue;
        };
        match variables.iter_mut().find(|(known, _)| *known == variable) {
            // Several fields of one name mean the same as one with all values (RFC 9110, 5.3).
            Some((_, joined)) => {
                joined.extend_from_slice(if name == "cookie" { b"; " } else { b", " });
                joined.extend_from_slice(value);
            }
            None => variables.push((variable, value.clone())),
        }
    }
    variables
}

/// `HTTP_NAME`. None for a header that has a variable of its own, for `Proxy`, which libraries take for
/// a setting of theirs (CVE-2016-5385 and its kin, "httpoxy"), and for a name that holds more than
/// letters, digits and `-`: `x_a` would pass for `x-a`.
fn variable_name(header: &str) -> Option<String> {
    if ["content-length", "content-type", "proxy"].contains(&header) {
        return None;
    }
    let name = header.chars().map(|char| match char {
        '-' => Some('_'),
        'a'..='z' | 'A'..='Z' | '0'..='9' => Some(char.to_ascii_uppercase()),
        _ => None,
    });
    Some(format!("HTTP_{}", name.collect::<Option<String>>()?))
}

/// `SERVER_NAME` and `SERVER_PORT` by the request's `Host`, which is the client's word.
fn server(host: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let text = String::from_utf8_lossy(host);
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (text.as_ref(), ""),
    };
    let is_name = |name: &str| {
        let inner = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        match inner {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            }
        }
    };
    let name = if is_name(name) { name } else { "localhost" };
    let port = if port.parse::<u16>().is_ok() {
        port
    } else {
        DEFAULT_PORT
    };
    (name.into(), port.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)], name: &str) -> Option<String> {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
        let call = CallHead {
            headers: headers.collect(),
            ..CallHead::default()
        };
        variables(&call)
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| String::from_utf8(value).unwrap())
    }

    #[test]
    fn a_header_is_not_taken_for_another() {
        assert_eq!(of(&[("proxy", "evil")], "HTTP_PROXY"), None);
        assert_eq!(of(&[("x_a", "evil")], "HTTP_X_A"), None);
        let headers = [("x-a", "1"), ("x_a", "evil"), ("x-a", "2")];
        assert_eq!(of(&headers, "HTTP_X_A").unwrap(), "1, 2");
        let cookies = [("cookie", "a=1"), ("cookie", "b=2")];
        assert_eq!(of(&cookies, "HTTP_COOKIE").unwrap(), "a=1; b=2");
        assert_eq!(of(&[("content-type", "a/b")], "HTTP_CONTENT_TYPE"), None);
        assert_eq!(
            of(&[("content-type", "a/b")], "CONTENT_TYPE").unwrap(),
            "a/b"
        );
        assert_eq!(of(&[], "CONTENT_LENGTH"), None);
        assert_eq!(of(&[], "QUERY_STRING").unwrap(), "");
    }

    #[test]
    fn a_host_that_is_none_names_nothing() {
        for (host, name, port) in [
            ("a.test:8080", "a.test", "8080"),
            ("a.test", "a.test", "80"),
            ("[::1]:81", "[::1]", "81"),
            ("[::1]", "[::1]", "80"),
            ("a b:8", "localhost", "8"),
            ("a:99999", "a", "80"),
            ("$(id)", "localhost", "80"),
            ("", "localhost", "80"),
        ] {
            assert_eq!(
                server(host.as_bytes()),
                (name.into(), port.into()),
                "{host}"
            );
        }
    }
}
