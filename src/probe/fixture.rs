//! A server on the loopback address, for the tests of this folder.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server that ends when it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Says the text to whoever connects and sends something. A text that ends in `hang` leaves the
    /// connection open; `silence` says nothing, `reset` resets, `echo` answers with the request.
    pub(super) async fn saying(text: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("bound");
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.extend(answer(stream, text).await);
            }
        });
        Self { address, task }
    }

    /// Waits until its port is closed.
    pub(super) async fn close(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The stream, if it shall stay open.
async fn answer(mut stream: TcpStream, text: &str) -> Option<TcpStream> {
    let mut request = [0; 4096];
    let count = stream.read(&mut request).await.ok()?;
    match text {
        "silence" => return Some(stream),
        "reset" => stream.set_zero_linger().ok()?,
        "echo" => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {count}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(request.get(..count)?).await.ok()?;
        }
        _ => stream.write_all(text.as_bytes()).await.ok()?,
    }
    text.ends_with("hang").then_some(stream)
}

/// A part of an experiment, read as `spec::parse` reads it: by way of JSON, where enums are maps.
pub(super) fn parse<T: serde::de::DeserializeOwned>(yaml: &str) -> T {
    let value: serde_json::Value = serde_yaml::from_str(yaml).expect("YAML");
    serde_json::from_value(value).expect("a part of an experiment")
}
