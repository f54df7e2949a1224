//! The contract of `node` functions: what a handler is given, and what becomes of what it returns.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::json;
use support::raw::Raw;
use support::{Functions, Host, is_installed};

fn node(functions: &Functions, name: &str, more: &str, code: &str) {
    let handler = if more.contains("handler:") {
        ""
    } else {
        "  handler: handler.handle\n"
    };
    let spec = format!("  runtime: node\n  profile: node\n{handler}{more}");
    functions.add(name, &spec, &[("handler.js", code)]);
}

#[test]
fn a_handler_is_given_the_request_and_the_context() {
    if !is_installed("node") {
        return;
    }
    let functions = Functions::new();
    node(
        &functions,
        "echo",
        "  env: {GREETING: hello}\n  limits: {timeout: 5s, memory: 256Mi}\n",
        "exports.handle = async (event, context) => ({
            data: Buffer.isBuffer(event.data) ? event.data.toString() : event.data,
            body: event.body.toString(), path: event.path, query: event.query, method: event.method,
            headers: event.headers, id: event['event-id'], kind: event['event-type'], context,
            env: Object.keys(process.env).sort(), inside: process.cwd() === process.env.TMPDIR,
            left: require('fs').readdirSync('.'),
        });",
    );
    let host = Host::start(functions.path());
    let sent = "PUT /function/echo/a%20b?q=%20&r HTTP/1.1\r\nhost: h\r\nx-call-id: id\r\nx-a: 1\r\nx-a: 2\r\n\
                event-type: made\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: 9\r\n\r\n\
                {\"a\":[1]}";
    let reply = Raw::send_to(&host, sent).response();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let mut told = reply.json();
    let runtime = told["context"]["runtime"].take();
    assert!(runtime.as_str().unwrap().starts_with("node"), "{runtime}");
    let expected = json!({
        "data": {"a": [1]}, "body": "{\"a\":[1]}", "path": "/a b", "query": "q=%20&r", "method": "PUT",
        "headers": {
            "host": "h", "x-call-id": "id", "x-a": "1, 2", "event-type": "made",
            "content-type": "application/json; charset=utf-8", "content-length": "9",
        },
        "id": "id", "kind": "made",
        "context": {
            "function-name": "echo", "timeout": "5s", "runtime": null, "memory-limit": "256Mi",
        },
        "env": ["GREETING", "HOME", "PATH", "TEMP", "TMP", "TMPDIR"],
        "inside": true, "left": [],
    });
    assert_eq!(told, expected);
}

#[test]
fn what_is_returned_is_the_reply() {
    if !is_installed("node") {
        return;
    }
    let functions = Functions::new();
    for (name, code) in [
        ("text", "exports.handle = () => 'plain ü'"),
        (
            "bytes",
            "exports.handle = async () => Buffer.from([0, 255, 7])",
        ),
        ("none", "exports.handle = () => {}"),
        (
            "full",
            "exports.handle = () => ({statusCode: 404, headers: {'X-A': ['1', '2'], 'Content-Type': 'a/b'}, \
             body: {no: 1}})",
        ),
        (
            "stream",
            "exports.handle = async function* () { yield 'a'; yield Buffer.from('b'); yield 'c' }",
        ),
        (
            "readable",
            "exports.handle = () => require('stream').Readable.from(['x', 'y'])",
        ),
        ("large", "exports.handle = (event) => event.body"),
    ] {
        node(&functions, name, "", code);
    }
    node(
        &functions,
        "whole",
        "  handler: handler\n",
        "module.exports = async () => 'whole'",
    );
    functions.add(
        "esm",
        "  runtime: node\n  profile: node\n  handler: handler.handle\n",
        &[
            (
                "handler.mjs",
                "import { word } from './lib/word.mjs';\nexport const handle = () => word;\n",
            ),
            ("lib/word.mjs", "export const word = 'module';\n"),
        ],
    );
    functions.add(
        "package",
        "  runtime: node\n  profile: node\n  handler: handler.handle\n",
        &[
            ("handler.js", "exports.handle = () => require('left')(3)\n"),
            (
                "node_modules/left/package.json",
                "{\"name\": \"left\", \"main\": \"lib.js\"}",
            ),
            (
                "node_modules/left/lib.js",
                "module.exports = (n) => '<'.repeat(n)\n",
            ),
        ],
    );
    let host = Host::start(functions.path());
    let large = vec![b'x'; 3_000_000];
    for (name, body, expected) in [
        ("text", &b""[..], "plain ü".as_bytes()),
        ("bytes", b"", &[0, 255, 7]),
        ("none", b"", b""),
        ("stream", b"", b"abc"),
        ("readable", b"", b"xy"),
        ("large", &large, &large),
        ("whole", b"", b"whole"),
        ("esm", b"", b"module"),
        ("package", b"", b"<<<"),
    ] {
        let reply = host.call(name, body);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert!(reply.body == expected, "{name}: {} bytes", reply.body.len());
    }
    let full = host.call("full", "");
    assert_eq!((full.status, full.text().as_str()), (404, "{\"no\":1}\n"));
    assert_eq!(full.header("content-type"), Some("a/b"));
    assert_eq!(
        full.headers
            .iter()
            .filter(|(name, _)| name == "x-a")
            .count(),
        2
    );
}

#[test]
fn outcomes_are_told() {
    if !is_installed("node") {
        return;
    }
    let functions = Functions::new();
    node(
        &functions,
        "ends",
        "  limits: {timeout: 2s, memory: 256Mi}\n",
        "exports.handle = async (event) => {
            const what = event.body.toString();
            if (what === 'throw') throw new TypeError('no luck');
            if (what === 'late') { setTimeout(() => { throw new Error('late') }); await new Promise(() => {}) }
            if (what === 'reject') { Promise.reject(new Error('rejected')); await new Promise(() => {}) }
            if (what === 'exit') process.exit(3);
            if (what === 'crash') process.kill(process.pid, 'SIGSEGV');
            if (what === 'hang') await new Promise(() => {});
            if (what === 'spin') for (;;);
            if (what === 'status') return {statusCode: 99};
            if (what === 'split') return {statusCode: 200, headers: {'x-a': 'b\\r\\nx-c: d'}, body: ''};
            if (what === 'json') return 1n;
            if (what === 'hog') { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)) }
        };",
    );
    let host = Host::start(functions.path());
    for (body, status, outcome, detail) in [
        ("throw", 500, "Failed", "TypeError: no luck"),
        ("late", 500, "Failed", "Error: late"),
        ("reject", 500, "Failed", "Error: rejected"),
        ("exit", 500, "Failed", "process.exit(3)"),
        ("crash", 502, "Crashed", "signal 11"),
        ("hang", 504, "TimedOut", "2.0 s"),
        ("spin", 504, "TimedOut", "2.0 s"),
        ("status", 500, "Failed", "200-599"),
        ("split", 500, "Failed", "control characters"),
        ("json", 500, "Failed", "BigInt"),
    ] {
        let reply = host.call("ends", body);
        let got = (reply.status, reply.outcome());
        assert_eq!(got, (status, Some(outcome)), "{body}: {}", reply.text());
        assert!(reply.text().contains(detail), "{body}: {}", reply.text());
    }
    // Whoever notices first: V8, the kernel or the host.
    let reply = host.call("ends", "hog");
    assert!(
        ["Crashed", "OverLimit"].contains(&reply.outcome().unwrap()),
        "{}",
        reply.text()
    );
}

#[test]
fn a_function_that_cannot_be_loaded_says_why() {
    if !is_installed("node") {
        return;
    }
    let functions = Functions::new();
    node(
        &functions,
        "throws",
        "",
        "throw new RangeError('at import')",
    );
    node(&functions, "syntax", "", "exports.handle = ((");
    node(&functions, "missing", "", "exports.other = () => 1");
    node(&functions, "module", "  handler: other.handle\n", "");
    node(&functions, "exits", "", "process.exit(4)");
    let host = Host::start(functions.path());
    for (name, why) in [
        ("throws", "RangeError: at import"),
        ("syntax", "SyntaxError"),
        ("missing", "is no function"),
        ("module", "there is no other.js"),
        ("exits", "process.exit(4)"),
    ] {
        let reply = host.call(name, "");
        assert_eq!(reply.status, 503, "{name}: {}", reply.text());
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{name}: {detail}");
    }
}

/// The counterpart of `leak`: what a call leaves in memory, files and timers is not in the next.
#[test]
fn nothing_of_a_call_is_in_the_next() {
    if !is_installed("node") {
        return;
    }
    let functions = Functions::new();
    node(
        &functions,
        "leak",
        "  pool: {min: 1, max: 4}\n  concurrency: 16\n",
        "const fs = require('fs'), os = require('os'), net = require('net'), child = require('child_process');
        let calls = 0;
        const tried = (act) => { try { return act() ?? 'done' } catch (error) { return error.code } };
        exports.handle = async (event) => {
            const found = [];
            if (calls++ > 0 || globalThis.left || process.env.LEFT) found.push('memory');
            if (fs.readdirSync('.').length > 0 || fs.readdirSync(os.tmpdir()).length > 0) found.push('files');
            globalThis.left = process.env.LEFT = 'left';
            fs.writeFileSync('left', 'x');
            setInterval(() => fs.writeFileSync('ticked', 'x'), 1);
            const refused = {
                tmp: tried(() => fs.writeFileSync('/tmp/leasehold-node', 'x')),
                shm: tried(() => fs.writeFileSync('/dev/shm/leasehold-node', 'x')),
                code: tried(() => fs.writeFileSync(__filename, 'x')),
                proc: tried(() => fs.readFileSync('/proc/self/status', 'utf8')),
                child: tried(() => child.execFileSync('/bin/true') && 'ran'),
                socket: await new Promise((done) => net.createServer().on('error', (e) => done(e.code))
                    .listen('\\0leasehold-node', () => done('listens'))),
                tcp: await new Promise((done) => net.connect(80, '127.0.0.1', () => done('connected'))
                    .on('error', (e) => done(e.code))),
            };
            return {found, refused, mark: event.body.toString()};
        };",
    );
    let host = Host::start(functions.path());
    let refused = json!({
        "tmp": "EACCES", "shm": "EACCES", "code": "EACCES", "proc": "EACCES", "child": "EPERM",
        "socket": "EPERM", "tcp": "EPERM",
    });
    std::thread::scope(|scope| {
        for client in 0..16 {
            let (host, refused) = (&host, &refused);
            scope.spawn(move || {
                for round in 0..2 {
                    let mark = format!("{client}-{round}");
                    let reply = host.call("leak", &mark);
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    let expected = json!({"found": [], "refused": refused, "mark": mark});
                    assert_eq!(reply.json(), expected);
                }
            });
        }
    });
}
