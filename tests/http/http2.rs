//! HTTP/2 without TLS, by prior knowledge.

use bytes::Bytes;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::support::{Functions, Host};

fn request(path: &str) -> http::request::Builder {
    http::Request::builder()
        .method("POST")
        .uri(format!("http://leasehold.test/function/{path}"))
}

async fn connect<B>(host: &Host) -> http2::SendRequest<B>
where
    B: hyper::body::Body + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(host.address()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

async fn piece(body: &mut Incoming) -> Result<Bytes, hyper::Error> {
    let frame = body.frame().await.expect("no end yet")?;
    Ok(frame.into_data().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_share_a_connection_and_stream_both_ways() {
    let functions = Functions::new();
    functions
        .shell("cat", "", "exec cat")
        .shell("late", "", "echo first; read -r line; exit 1")
        .shell("waits", "", "echo begun >&2; exec tail -f /dev/null");
    let host = Host::start(functions.path());

    let mut client = connect::<Channel<Bytes>>(&host).await;
    let (mut upload, body) = Channel::new(1);
    let response = client.send_request(request("cat").body(body).unwrap());
    upload.send_data("ping 0".into()).await.unwrap();
    let mut response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(response.headers()["leasehold-outcome"], "Replied");
    assert_eq!(piece(response.body_mut()).await.unwrap(), "ping 0");
    for n in 1..5 {
        let ping = format!("ping {n}");
        upload.send_data(ping.clone().into()).await.unwrap();
        assert_eq!(piece(response.body_mut()).await.unwrap(), ping);
    }

    // Meanwhile, on the same connection, a call that fails after its head: a reset, no orderly end.
    let (mut other, body) = Channel::new(1);
    let late = client.send_request(request("late").body(body).unwrap());
    let mut late = late.await.unwrap();
    assert_eq!(late.status(), 200);
    assert_eq!(piece(late.body_mut()).await.unwrap(), "first\n");
    other.send_data("\n".into()).await.unwrap();
    let error = late.into_body().collect().await;
    assert!(error.is_err(), "it ended in order");

    drop(upload);
    let rest = response.into_body().collect().await.unwrap();
    assert_eq!(rest.to_bytes(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn large_bodies_problems_and_clients_that_leave() {
    let functions = Functions::new();
    functions
        .shell("cat", "", "exec cat")
        .shell("fails", "", "exit 3")
        .shell("waits", "", "echo begun >&2; exec tail -f /dev/null");
    let host = Host::start(functions.path());
    let mut client = connect::<Full<Bytes>>(&host).await;

    let body: Vec<u8> = (0..1u64 << 20).flat_map(u64::to_le_bytes).collect();
    let call = request("cat").body(Full::from(body.clone())).unwrap();
    let reply = client.send_request(call).await.unwrap();
    let echoed = reply.into_body().collect().await.unwrap().to_bytes();
    assert!(echoed == body, "{} bytes", echoed.len());

    for (path, status) in [("fails", 500), ("none", 404)] {
        let call = request(path).body(Full::default()).unwrap();
        let reply = client.send_request(call).await.unwrap();
        assert_eq!(reply.status(), status);
        assert_eq!(reply.headers()["content-type"], "application/problem+json");
    }

    let call = request("waits").header("x-call-id", "gone");
    let call = client.send_request(call.body(Full::default()).unwrap());
    let call = tokio::spawn(call);
    let host = tokio::task::spawn_blocking(move || {
        host.line("gone", "begun");
        host
    })
    .await
    .unwrap();
    // A reset of the stream, not of the connection.
    call.abort();
    tokio::task::spawn_blocking(move || {
        assert_eq!(host.burial("gone")["outcome"], "Abandoned");
    })
    .await
    .unwrap();
}
