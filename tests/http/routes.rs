//! Routes, methods, call ids and problems.

use crate::support::{Functions, Host};

/// Prints how it was called.
const TELL: &str = r#"
def handle(event, context):
    return {k: event[k] for k in ("method", "path", "query")} | {"body": event["body"].decode()}
"#;

#[test]
fn everything_below_a_function_is_its_own() {
    let functions = Functions::new();
    functions.python("tell", "", TELL);
    let host = Host::start(functions.path());
    for (path, below, query) in [
        ("/function/tell", "/", ""),
        ("/function/tell/", "/", ""),
        ("/function/tell?a=1&b=%20", "/", "a=1&b=%20"),
        ("/function/tell/a/b?x", "/a/b", "x"),
        ("/function/tell//double/", "//double/", ""),
        ("/function/tell/../../admin", "/../../admin", ""),
    ] {
        let told = host.request("POST", path, &[], b"body").json();
        assert_eq!(told["path"], below, "{path}");
        assert_eq!(told["query"], query, "{path}");
        assert_eq!(told["body"], "body", "{path}");
    }
    // What the contract says of Http_Path holds for event["path"] as well.
    let told = host
        .request("GET", "/function/tell/a%20b%2Fc", &[], b"")
        .json();
    assert_eq!(told["path"], "/a b/c");
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let reply = host.request(method, "/function/tell", &[], b"");
        assert_eq!(reply.json()["method"], method);
    }
    let head = host.request("HEAD", "/function/tell", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.outcome(), Some("Replied"));
    assert!(head.header("content-length").is_some_and(|len| len != "0"));
}

#[test]
fn what_is_no_function_is_not_found() {
    let functions = Functions::new();
    functions.shell("here", "", "echo here");
    let host = Host::start(functions.path());
    for path in [
        "/",
        "/function",
        "/function/",
        "/function/none",
        "/function/HERE",
        "/function/here%2f",
        "/function//here",
        "/healthz",
        "/functions/here",
    ] {
        let reply = host.request("GET", path, &[("x-call-id", "mine")], b"");
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.outcome(), None);
        assert_eq!(reply.header("leasehold-call-id"), Some("mine"));
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        let problem = reply.json();
        assert_eq!(problem["type"], "https://leasehold.dev/problems/not-found");
        assert_eq!(problem["status"], 404);
        assert_eq!(problem["callId"], "mine");
        assert!(
            problem["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains("leasehold list"))
        );
    }
}

#[test]
fn a_function_that_is_not_ready_says_so_and_spares_the_others() {
    let functions = Functions::new();
    functions
        .python("broken", "", "raise ValueError('no luck')\n")
        .add("refused", "  runtime: exec\n  comand: [x]", &[])
        .shell("fine", "", "echo fine");
    let host = Host::start(functions.path());
    assert_eq!(host.call("fine", "").text(), "fine\n");
    for (name, cause) in [
        ("broken", "ValueError: no luck"),
        ("refused", "unknown field `comand`"),
    ] {
        let reply = host.call(name, "");
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert_eq!(reply.outcome(), None);
        let problem = reply.json();
        assert_eq!(problem["type"], "https://leasehold.dev/problems/not-ready");
        assert_eq!(problem["function"], name);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(cause), "{detail}");
        assert!(!detail.contains('/'), "a path of the machine: {detail}");
        assert!(
            problem["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains("leasehold check"))
        );
    }
}

#[test]
fn the_callers_id_is_kept_if_it_is_fit() {
    let functions = Functions::new();
    functions.shell("id", "", "printf %s \"$Http_Call_Id\"");
    let host = Host::start(functions.path());
    let call = |id: &str| host.request("POST", "/function/id", &[("x-call-id", id)], b"");
    for id in ["abc-1", "{\"quoted\"}", &"x".repeat(128)] {
        let reply = call(id);
        assert_eq!(reply.header("leasehold-call-id"), Some(id));
        assert_eq!(reply.text(), id);
        assert_eq!(host.burial(id)["outcome"], "Replied");
    }
    for id in ["", "a b", &"x".repeat(129)] {
        let reply = call(id);
        let made = reply.header("leasehold-call-id").unwrap();
        assert_ne!(made, id);
        assert_eq!(made.len(), 32);
        assert_eq!(reply.text(), made);
    }
    let one = host.call("id", "").text();
    assert_ne!(one, host.call("id", "").text());
}

#[test]
fn the_admin_port_tells_of_every_function() {
    let functions = Functions::new();
    functions
        .python("broken", "", "raise ValueError('no luck')\n")
        .shell("fine", "", "echo fine");
    let host = Host::start(functions.path());
    let get = |path: &str| {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut reply = agent.get(format!("{}{path}", host.admin)).call().unwrap();
        let text = reply.body_mut().read_to_string().unwrap();
        (reply.status().as_u16(), text)
    };
    assert_eq!(get("/healthz"), (200, "ok\n".to_owned()));
    let (status, text) = get("/readyz");
    assert_eq!(status, 503);
    assert!(text.contains("fine: ready\n"), "{text}");
    assert!(text.contains("ValueError: no luck"), "{text}");
    assert_eq!(get("/function/fine").0, 404);
}
