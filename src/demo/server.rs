//! A small HTTP/1.1 server: keeps connections alive, stops cleanly.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

/// What a handler answers.
pub(super) type Answer = Response<Full<Bytes>>;

/// How long requests that are being answered may take once the server is to stop.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait when no connection could be accepted, for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Listens, and says so in the log.
pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; if another program does, choose another port")
    })?;
    log(format_args!("listening on {}", listener.local_addr()?));
    Ok(listener)
}

/// Ends with the first SIGTERM or SIGINT after this call.
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Answers GET requests by their path until `stop` ends; then lets the ones under way end.
pub(super) async fn serve<H, F>(listener: TcpListener, handler: H, stop: impl Future<Output = ()>)
where
    H: Fn(String) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => attend(stream, handler.clone(), &connections),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    let ended = tokio::time::timeout(GRACE, connections.shutdown()).await;
    log(format_args!("stopped{}", if ended.is_ok() { "" } else { ", requests were cut off" }));
}

/// Serves one connection in a task of its own. That it breaks is the client's affair.
fn attend<H, F>(stream: TcpStream, handler: H, connections: &GracefulShutdown)
where
    H: Fn(String) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    // Without it an answer can wait 40 ms for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = handler(request.uri().path().to_owned());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::spawn(connections.watch(connection));
}

/// An answer that holds JSON.
pub(super) fn json(status: StatusCode, content: &impl Serialize) -> Answer {
    let (status, body) = match serde_json::to_vec(content) {
        Ok(body) => (status, body),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// The answer of every part to `GET /health`.
pub(super) fn healthy() -> Answer {
    json(StatusCode::OK, &serde_json::json!({ "status": "ok", "pid": std::process::id() }))
}

/// The answer to a path that nobody serves.
pub(super) fn not_found(path: &str) -> Answer {
    json(StatusCode::NOT_FOUND, &serde_json::json!({ "error": format!("no such path: {path}") }))
}

/// One line in the service's log. A log that is gone must not stop the shop.
pub(super) fn log(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;

    const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nhost: demo\r\n\r\n";

    async fn answer_on(stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.unwrap();
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[tokio::test]
    async fn one_connection_carries_many_requests_until_the_server_stops() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, |_| async { healthy() }, async {
            let _ = stopped.await;
        }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..3 {
            assert!(answer_on(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
        }
        stop.send(()).unwrap();
        server.await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "the connection is closed");
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_before_the_server_stops() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (asked, mut is_asked) = tokio::sync::mpsc::channel::<()>(1);
        let (release, released) = tokio::sync::watch::channel(false);
        let slow = move |_| {
            let (asked, mut released) = (asked.clone(), released.clone());
            async move {
                asked.send(()).await.unwrap();
                released.wait_for(|released| *released).await.unwrap();
                healthy()
            }
        };
        let server = tokio::spawn(serve(listener, slow, async {
            let _ = stopped.await;
        }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let client = tokio::spawn(async move { answer_on(&mut stream).await });
        is_asked.recv().await.unwrap();
        stop.send(()).unwrap();
        release.send(true).unwrap();
        assert!(client.await.unwrap().starts_with("HTTP/1.1 200 OK"));
        server.await.unwrap();
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = listen(taken.local_addr().unwrap()).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot listen on 127.0.0.1:"), "{error}");
    }
}
