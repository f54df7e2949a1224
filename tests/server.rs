//! `protocol: http`: functions that are HTTP servers of their own, one process for each call.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use support::raw::Raw;
use support::{Functions, Host};

/// A server of Python's standard library on the socket that it is handed.
const SERVER: &str = r#"#!/usr/bin/python3 -S
import base64, hashlib, http.server, json, os, signal, socket, socketserver, sys, time

assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
calls = []

class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    def __init__(self):
        socketserver.BaseServer.__init__(self, "inherited", Handler)
        self.socket = socket.socket(fileno=3)
        self.socket.listen(16)
    def get_request(self):
        return self.socket.accept()[0], ("host", 0)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args):
        print("log", *args, file=sys.stderr)

    def pieces(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            yield self.rfile.read(int(self.headers.get("content-length", 0)))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, piece):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def handle_any(self):
        calls.append(self.path)
        what = self.path.partition("?")[0].strip("/")
        getattr(self, "do_" + (what or "echo").replace("-", "_"))()

    def do_echo(self):
        body = b"".join(self.pieces()).decode()
        told = {"method": self.command, "path": self.path, "body": body, "calls": len(calls),
                "headers": sorted([k.lower(), v] for k, v in self.headers.items()),
                "left": os.listdir("."), "pid": os.getpid()}
        open("left", "w").close()
        self.answer(201, json.dumps(told).encode(), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
                    ("Leasehold-Outcome", "Evil"), ("Connection", "keep-alive"))

    def do_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(b"data: begun\n\n")
        for piece in self.pieces():
            self.chunk(b"data: " + piece + b"\n\n")
        self.chunk(b"")

    def do_socket(self):
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                break
            size, mask = head[1] & 127, self.rfile.read(4)
            text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(size)))
            if text == b"crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if text == b"flood":
                while True:
                    self.wfile.write(bytes(65536))
            self.wfile.write(bytes([head[0], len(text)]) + text.upper())
            if head[0] & 15 == 8:
                break
        self.close_connection = True

    def do_unasked(self):
        self.wfile.write(b"HTTP/1.1 101 Switching\r\nUpgrade: evil\r\nConnection: upgrade\r\n\r\n")
        time.sleep(1000)

    def do_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    def do_split(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\nContent-Length: 0\r\n\r\n")

    def do_huge(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-A: " + b"a" * 1000 + b"\r\n")

    def do_nothing(self):
        self.close_connection = True

    def do_exit(self):
        os._exit(7)

    def do_crash(self):
        os.kill(os.getpid(), signal.SIGSEGV)

    def do_hang(self):
        time.sleep(1000)

    def do_flood(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.chunk(bytes(65536))

    def do_cut(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
        self.rfile.read(1)
        os._exit(0)

    def do_empty(self):
        self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def __getattr__(self, name):
        if name.startswith("do_") and name[3:].isupper():
            return self.handle_any
        raise AttributeError(name)

Server().serve_forever()
"#;

fn serve(functions: &Functions, name: &str, more: &str) {
    let spec = format!(
        "  runtime: exec\n  command: [./server.py]\n  protocol: http\n  profile: base\n{more}"
    );
    functions.add(name, &spec, &[("server.py", SERVER)]);
}

fn start(more: &str) -> (Functions, Host) {
    let functions = Functions::new();
    serve(&functions, "server", more);
    let host = Host::start(functions.path());
    (functions, host)
}

#[test]
fn a_request_and_its_reply_pass_as_they_are() {
    let (_functions, host) = start("");
    let sent = "PATCH /function/server/echo?q=%20&r HTTP/1.1\r\nhost: books.test\r\nx-call-id: id\r\n\
                x-twice: 1\r\nx-twice: 2\r\nleasehold-call-id: evil\r\nx-forwarded-prefix: evil\r\n\
                connection: keep-alive, x-own\r\ncontent-length: 4\r\n\r\nbody";
    let reply = Raw::send_to(&host, sent).response();
    assert_eq!((reply.status, reply.outcome()), (201, Some("Replied")));
    let cookies = reply
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    assert_eq!(cookies.count(), 2);
    let told = reply.json();
    assert_eq!(told["method"], "PATCH");
    assert_eq!(told["path"], "/echo?q=%20&r");
    assert_eq!(told["body"], "body");
    let expected = serde_json::json!([
        ["content-length", "4"],
        ["host", "books.test"],
        ["leasehold-call-id", "id"],
        ["x-call-id", "id"],
        ["x-forwarded-prefix", "/function/server"],
        ["x-twice", "1"],
        ["x-twice", "2"],
    ]);
    assert_eq!(told["headers"], expected);
    assert_eq!(
        host.request("HEAD", "/function/server/echo", &[], b"").body,
        b""
    );
    assert_eq!(host.call("server/empty", "").status, 204);
    let printed = host.printed("id");
    assert!(
        printed.iter().any(|line| line.contains("PATCH")),
        "{printed:?}"
    );
}

/// The counterpart of `leak`: sixteen clients at once, and each call's server has served nobody.
#[test]
fn no_server_serves_twice() {
    let (_functions, host) = start("  pool: {min: 2, max: 8}\n  concurrency: 16\n");
    let mut pids = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|client| {
                let host = &host;
                scope.spawn(move || {
                    let call = |round: u32| {
                        let mark = format!("{client}-{round}");
                        let reply = host.call("server", &mark);
                        assert_eq!(reply.status, 201, "{}", reply.text());
                        let told = reply.json();
                        assert_eq!(told["body"], *mark);
                        assert_eq!(told["calls"], 1, "{told}");
                        assert_eq!(told["left"], serde_json::json!([]), "{told}");
                        told["pid"].as_u64().unwrap()
                    };
                    (0..4).map(call).collect::<Vec<_>>()
                })
            })
            .collect();
        let joined = clients.into_iter().map(|client| client.join().unwrap());
        joined.flatten().collect::<Vec<_>>()
    });
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 64);
}

#[test]
fn events_come_as_they_are_sent() {
    let (_functions, host) = start("");
    let mut raw = Raw::send_to(
        &host,
        "POST /function/server/stream HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    let head = raw.head();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(raw.chunks(13), b"data: begun\n\n");
    for event in ["one", "two"] {
        raw.send_chunk(event.as_bytes());
        assert_eq!(raw.chunks(11), format!("data: {event}\n\n").as_bytes());
    }
    raw.send_chunk(b"");
    assert_eq!(raw.chunk(), Some(Vec::new()));
}

struct WebSocket(TcpStream);

impl WebSocket {
    fn open(host: &Host, function: &str) -> Self {
        let mut stream = TcpStream::connect(host.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let request = format!(
            "GET /function/{function}/socket HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nx-call-id: {function}\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(head.contains("\r\nupgrade: websocket\r\n"), "{head}");
        assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");
        // RFC 6455 section 1.3 has the key and this answer to it.
        assert!(head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        Self(stream)
    }

    fn send(&mut self, opcode: u8, text: &str) {
        let mut frame = vec![
            0x80 | opcode,
            0x80 | u8::try_from(text.len()).unwrap(),
            0,
            0,
            0,
            0,
        ];
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).unwrap();
    }

    fn frame(&mut self) -> (u8, String) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut text = vec![0; head[1].into()];
        self.0.read_exact(&mut text).unwrap();
        (head[0] & 15, String::from_utf8(text).unwrap())
    }
}

#[test]
fn a_websocket_passes_and_its_end_is_the_calls() {
    let functions = Functions::new();
    serve(&functions, "closes", "");
    serve(&functions, "crashes", "");
    serve(&functions, "floods", "  limits: {responseBody: 1Mi}\n");
    serve(&functions, "waits", "  limits: {timeout: 2s}\n");
    let host = Host::start(functions.path());

    let mut socket = WebSocket::open(&host, "closes");
    for word in ["hello", "again"] {
        socket.send(1, word);
        assert_eq!(socket.frame(), (1, word.to_uppercase()));
    }
    socket.send(8, "");
    assert_eq!(socket.frame().0, 8);
    assert_eq!(
        socket.0.read(&mut [0]).unwrap(),
        0,
        "the connection ends with the call"
    );
    let record = host.burial("closes");
    assert_eq!(
        (&record["outcome"], &record["status"]),
        (&"Replied".into(), &101.into())
    );

    for (function, word, outcome) in [
        ("crashes", "crash", "Crashed"),
        ("floods", "flood", "OverLimit"),
        ("waits", "wait", "TimedOut"),
    ] {
        let mut socket = WebSocket::open(&host, function);
        socket.send(1, word);
        // To the end, however it comes.
        let _end = socket.0.read_to_end(&mut Vec::new());
        assert_eq!(host.burial(function)["outcome"], outcome, "{function}");
    }
    // A client that goes away ends the call too.
    let mut socket = WebSocket::open(&host, "closes");
    socket.send(1, "bye");
    assert_eq!(socket.frame().1, "BYE");
    drop(socket);
    host.wait_for(2, &["\"call\":\"closes\"", "\"target\":\"call\""]);
}

#[test]
fn a_server_that_goes_wrong_is_told_of() {
    let (_functions, host) =
        start("  pool: 4\n  limits: {timeout: 3s, responseBody: 1Mi, requestBody: 1Ki}\n");
    for (path, status, outcome) in [
        ("garbage", 500, "Failed"),
        ("unasked", 500, "Failed"),
        ("split", 500, "Failed"),
        ("huge", 500, "Failed"),
        ("nothing", 502, "Crashed"),
        ("exit", 502, "Crashed"),
        ("crash", 502, "Crashed"),
        ("hang", 504, "TimedOut"),
    ] {
        let reply = host.call(&format!("server/{path}"), "");
        let got = (reply.status, reply.outcome());
        assert_eq!(got, (status, Some(outcome)), "{path}: {}", reply.text());
    }
    let reply = host.call("server/echo", vec![b'x'; 2048]);
    assert_eq!((reply.status, reply.outcome()), (413, Some("OverLimit")));
    let chunked =
        "POST /function/server/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut raw = Raw::send_to(&host, chunked);
    raw.send_chunk(&[b'x'; 2048]);
    assert_eq!(raw.head().status, 413);

    // After the head the connection is broken off.
    let mut raw = Raw::send_to(&host, chunked.replace("echo", "cut"));
    assert_eq!(raw.head().status, 200);
    assert_eq!(raw.chunks(5), b"begun");
    raw.send_chunk(b"x");
    assert_eq!(raw.chunk(), None);
    let mut raw = Raw::send_to(
        &host,
        "GET /function/server/flood HTTP/1.1\r\nhost: x\r\n\r\n",
    );
    assert_eq!(raw.head().status, 200);
    while raw.chunk().is_some_and(|chunk| !chunk.is_empty()) {}
}

#[test]
fn a_server_that_does_not_come_up_is_not_ready() {
    let functions = Functions::new();
    let spec = "  runtime: exec\n  command: [./run.sh]\n  protocol: http\n  profile: shell\n";
    functions.add("ends", spec, &[("run.sh", "#!/bin/sh\nexit 4\n")]);
    let host = Host::start(functions.path());
    let reply = host.call("ends", "");
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("exit status 4"), "{}", reply.text());
}

/// A parked server can be reached by whoever gets to its socket: this test can, a function cannot.
#[test]
fn nobody_else_reaches_a_server() {
    let functions = Functions::new();
    serve(&functions, "server", "  pool: 1\n");
    let code = "
import errno, os, socket
def handle(event, context):
    told = {}
    for name, attempt in {
        'list': lambda: os.listdir(event.data.decode()),
        'unix': lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        'datagram': lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
        'pair': lambda: socket.socketpair()[0].connect(event.data.decode() + '/x'),
        'connect': lambda: socket.create_connection(('127.0.0.1', 80)),
    }.items():
        try:
            told[name] = repr(attempt())
        except OSError as error:
            told[name] = errno.errorcode[error.errno]
    return told
";
    functions.python("prober", "", code);
    let host = Host::start(functions.path());
    let sockets = host.state.join("sockets");
    let names = || {
        fs::read_dir(&sockets)
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    assert_eq!(names().count(), 1, "one for each parked server");
    // By a link: the address of a unix socket is short.
    let short = tempfile::tempdir().unwrap();
    let link = short.path().join("s");
    std::os::unix::fs::symlink(names().next().unwrap(), &link).unwrap();
    UnixStream::connect(&link).unwrap();

    let told = host.call("prober", sockets.to_str().unwrap()).json();
    let expected = serde_json::json!({
        "list": "EACCES", "unix": "EPERM", "datagram": "EPERM", "pair": "EPERM", "connect": "EPERM",
    });
    assert_eq!(told, expected);

    let reply = host.call("server", "");
    assert_eq!(reply.json()["calls"], 1);
    host.burial(reply.header("leasehold-call-id").unwrap());
    assert!(host.stop().success());
    assert!(!sockets.exists(), "they go with the host");
}
