//! What a handler is given, and what becomes of what it returns, raises and prints.

use crate::support::python::EachPython;

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

#[test]
fn every_form_of_result() {
    let code = r#"
def pieces():
    yield "a"
    yield b""
    yield bytearray(b"b")
    yield "\u00fc"

FORMS = {
    "str": lambda: "t\u00fcxt",
    "bytes": lambda: b"\x00\xff",
    "view": lambda: memoryview(b"view"),
    "dict": lambda: {"k": [1, None, "\u00fc"]},
    "list": lambda: [1, 2],
    "number": lambda: 7,
    "none": lambda: None,
    "one": lambda: ("only",),
    "two": lambda: ("made", 201),
    "three": lambda: ({"a": 1}, 202, {"X-A": "1", "Content-Type": "application/vnd.a+json"}),
    "pairs": lambda: ("p", 200, [("x-a", "1"), ("x-a", 2), (b"x-b", b"\xe9")]),
    "nothing": lambda: (None, 204, None),
    "pieces": lambda: (pieces(), 203, {"content-type": "text/plain"}),
    "generator": pieces,
    "iterator": lambda: iter(["x", "y"]),
    "empty": lambda: iter([]),
}

def handle(event, context):
    return FORMS[event.data.decode()]()
"#;
    EachPython::serve("", code).each(|host, function| {
        const TEXT: Option<&str> = Some("text/plain; charset=utf-8");
        const BYTES: Option<&str> = Some("application/octet-stream");
        const JSON: Option<&str> = Some("application/json");
        let forms: [(&str, u16, Option<&str>, &[u8]); 16] = [
            ("str", 200, TEXT, "tüxt".as_bytes()),
            ("bytes", 200, BYTES, b"\x00\xff"),
            ("view", 200, BYTES, b"view"),
            ("dict", 200, JSON, b"{\"k\": [1, null, \"\\u00fc\"]}\n"),
            ("list", 200, JSON, b"[1, 2]\n"),
            ("number", 200, JSON, b"7\n"),
            ("none", 200, None, b""),
            ("one", 200, TEXT, b"only"),
            ("two", 201, TEXT, b"made"),
            (
                "three",
                202,
                Some("application/vnd.a+json"),
                b"{\"a\": 1}\n",
            ),
            ("pairs", 200, TEXT, b"p"),
            ("nothing", 204, None, b""),
            ("pieces", 203, Some("text/plain"), "abü".as_bytes()),
            ("generator", 200, BYTES, "abü".as_bytes()),
            ("iterator", 200, BYTES, b"xy"),
            ("empty", 200, BYTES, b""),
        ];
        for (form, status, kind, body) in forms {
            let reply = host.call(function, form);
            assert_eq!(reply.status, status, "{form}: {}", reply.text());
            assert_eq!(reply.header("content-type"), kind, "{form}");
            assert!(reply.body == body, "{form}: {}", reply.text());
            assert_eq!(reply.outcome(), Some("Replied"));
        }
    });
}

#[test]
fn results_that_are_none_fail_the_call() {
    let code = "def handle(e, c):\n    return eval(e.body)\n";
    EachPython::serve("", code).each(|host, function| {
        for (result, cause) in [
            ("object()", "TypeError"),
            ("()", "(body, status, headers)"),
            ("(1, 200, {}, 4)", "(body, status, headers)"),
            ("{'a': {1, 2}}", "TypeError"),
            ("('x', 99)", "the status 99"),
            ("('x', 65736)", "the status 65736"),
            ("('x', 200, {'a': 'x\\0y'})", "NUL"),
        ] {
            let reply = host.call(function, result);
            assert_eq!(reply.status, 500, "{result}: {}", reply.text());
            assert_eq!(reply.outcome(), Some("Failed"));
            assert!(reply.text().contains(cause), "{result}: {}", reply.text());
        }
    });
}

#[test]
fn the_event_holds_the_request() {
    let code = r#"
def handle(event, context):
    assert event.method == event["method"] and not hasattr(event, "missing")
    data = event["data"]
    return {
        "data": data.decode("latin-1") if isinstance(data, bytes) else data,
        "kind": type(data).__name__,
        "method": event.method, "path": event.path, "query": event.query,
        "headers": event.headers,
        "context": dict(context),
    }
"#;
    let limits = "  limits: {timeout: 9s}\n";
    EachPython::serve(limits, code).each(|host, function| {
        let path = format!("/function/{function}/a%20b/%C3%BC?q=1&r=%20");
        let sent = [("X-Mixed-CASE", "1"), ("x-call-id", "id")];
        let told = host.request("PUT", &path, &sent, b"\xff{}").json();
        assert_eq!(
            (&told["kind"], &told["data"]),
            (&"bytes".into(), &"\u{ff}{}".into())
        );
        assert_eq!(told["method"], "PUT");
        assert_eq!(told["path"], "/a b/ü");
        assert_eq!(told["query"], "q=1&r=%20");
        assert_eq!(told["headers"]["x-mixed-case"], "1");
        assert_eq!(told["context"]["function-name"], *function);
        assert!(
            told["context"]["runtime"]
                .as_str()
                .unwrap()
                .starts_with("python3.")
        );

        let path = format!("/function/{function}");
        let told = host.request("GET", &path, &[], b"").json();
        assert_eq!(
            (&told["kind"], &told["data"]),
            (&"bytes".into(), &"".into())
        );
        assert_eq!((&told["path"], &told["query"]), (&"/".into(), &"".into()));

        let body = "{\"a\": [1, 2.5, null, \"ü\"]}".as_bytes();
        let told = host.request("POST", &path, &[JSON], body).json();
        assert_eq!(told["kind"], "dict");
        assert_eq!(told["data"], serde_json::json!({"a": [1, 2.5, null, "ü"]}));
        for (body, kind) in [(&b"[]"[..], "list"), (b"1", "int"), (b"null", "NoneType")] {
            assert_eq!(
                host.request("POST", &path, &[JSON], body).json()["kind"],
                kind
            );
        }
        for wrong in [&b"{"[..], b"{\"a\": \xff}", b"[1,]"] {
            let reply = host.request("POST", &path, &[JSON], wrong);
            assert_eq!((reply.status, reply.outcome()), (500, Some("Failed")));
        }
    });
}

#[test]
fn what_it_raises_and_prints_goes_to_the_log() {
    let code = r#"
import sys

def deep():
    raise ValueError("no luck\nat all")

def handle(event, context):
    if event.data == b"raise":
        deep()
    if event.data == b"exit":
        sys.exit(3)
    if event.data == b"exit with words":
        sys.exit("some words")
    if event.data == b"interrupt":
        raise KeyboardInterrupt
    print("printed")
    print("warned", file=sys.stderr)
    sys.stdout.write("no end")
    print("\ud800 \x1b[2J")
    return "answered"
"#;
    EachPython::serve("", code).each(|host, function| {
        let call = |body: &str| {
            let id = format!("{function}-{}", body.replace(' ', "-"));
            let path = format!("/function/{function}");
            let reply = host.request("POST", &path, &[("x-call-id", &id)], body.as_bytes());
            (reply, host.printed(&id))
        };
        let (reply, printed) = call("print");
        assert_eq!(reply.text(), "answered");
        assert_eq!(printed[..2], ["printed", "warned"]);
        assert!(printed[2].starts_with("no end\\ud800"), "{printed:?}");
        assert!(!printed[2].contains('\x1b'));

        let (reply, printed) = call("raise");
        assert_eq!((reply.status, reply.outcome()), (500, Some("Failed")));
        assert!(
            reply.text().contains("ValueError: no luck at all"),
            "{}",
            reply.text()
        );
        let traceback = printed.join("\n");
        assert!(
            traceback.contains("Traceback (most recent call last)"),
            "{traceback}"
        );
        assert!(
            traceback.contains("handler.py\", line 5, in deep"),
            "{traceback}"
        );
        assert!(
            traceback.contains("ValueError: no luck\nat all"),
            "{traceback}"
        );

        // As Python itself does, it prints what sys.exit was given if it is no number.
        for (body, words) in [("exit", &[][..]), ("exit with words", &["some words"])] {
            let (reply, printed) = call(body);
            assert_eq!((reply.status, reply.outcome()), (500, Some("Failed")));
            assert_eq!(printed, words);
        }
        let (reply, printed) = call("interrupt");
        assert_eq!((reply.status, reply.outcome()), (500, Some("Failed")));
        assert_eq!(
            printed.last().map(String::as_str),
            Some("KeyboardInterrupt")
        );
    });
}
