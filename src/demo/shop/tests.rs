//! The shop with real sockets.

use std::convert::Infallible;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::replica::Replica;
use super::super::server;
use super::*;

const TIMEOUT: Duration = Duration::from_millis(100);

/// A replica on a port of its own that a test can stop.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Running {
    async fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let replica = Replica::new(address.to_string());
        let (stop, stopped) = oneshot::channel();
        let server = server::serve(listener, move |path| replica.answer(&path), async move {
            let _ = stopped.await;
        });
        Self { address, stop, server: tokio::spawn(server) }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap();
    }
}

async fn replica() -> Running {
    Running::at("127.0.0.1:0").await
}

/// A port that is taken, so that no other test gets it, and where nobody listens.
fn refusing() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

async fn checkouts(shop: &Arc<Shop>, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(shop.clone().answer("/checkout".to_owned()).await.status().as_u16());
    }
    statuses
}

#[tokio::test]
async fn replicas_are_asked_in_turn() {
    let replicas = [replica().await, replica().await, replica().await];
    let addresses = replicas.each_ref().map(|replica| replica.address);
    let shop = Shop::new(&addresses, true, TIMEOUT);
    for order in 0..6 {
        let answer = shop.clone().answer("/checkout".to_owned()).await;
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["order"], order);
        assert_eq!(body["from"]["replica"], addresses[order % 3].to_string());
    }
}

#[tokio::test]
async fn with_retries_a_dead_replica_is_not_noticed() {
    let (live, dead) = (replica().await, refusing());
    let shop = Shop::new(&[dead.local_addr().unwrap(), live.address], true, TIMEOUT);
    assert_eq!(checkouts(&shop, 5).await, [200; 5]);
}

#[tokio::test]
async fn with_retries_a_failing_replica_is_not_noticed() {
    let failing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, live) = (failing.local_addr().unwrap(), replica().await);
    let unwell = |_| async { json(StatusCode::INTERNAL_SERVER_ERROR, &()) };
    tokio::spawn(server::serve(failing, unwell, std::future::pending()));
    let shop = Shop::new(&[address, live.address], true, TIMEOUT);
    assert_eq!(checkouts(&shop, 4).await, [200; 4]);
}

#[tokio::test]
async fn with_retries_a_silent_replica_costs_one_time_out() {
    // The kernel accepts the connection, and nobody reads: what a paused process looks like.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let live = replica().await;
    let shop = Shop::new(&[silent.local_addr().unwrap(), live.address], true, TIMEOUT);
    let start = Instant::now();
    assert_eq!(checkouts(&shop, 4).await, [200; 4]);
    assert!(start.elapsed() >= TIMEOUT, "the first one waits");
    assert!(!shop.replicas[0].circuit.permits(start + TIMEOUT), "the others stay away");
}

#[tokio::test]
async fn without_retries_the_first_failure_is_the_answer() {
    let (live, dead) = (replica().await, refusing());
    let shop = Shop::new(&[dead.local_addr().unwrap(), live.address], false, TIMEOUT);
    assert_eq!(checkouts(&shop, 6).await, [502, 200, 502, 200, 502, 200]);
}

#[tokio::test]
async fn without_any_replica_every_one_was_asked() {
    let dead = [refusing(), refusing()];
    let shop = Shop::new(&dead.each_ref().map(|dead| dead.local_addr().unwrap()), true, TIMEOUT);
    let answer = shop.clone().answer("/checkout".to_owned()).await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn one_connection_carries_many_orders() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let replica = Replica::new(address.to_string());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        drop(listener); // a second connection would be refused
        let answer = service_fn(move |_| {
            let answer = replica.answer("/stock");
            async { Ok::<_, Infallible>(answer.await) }
        });
        http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await
    });
    let shop = Shop::new(&[address], false, TIMEOUT);
    assert_eq!(checkouts(&shop, 3).await, [200; 3]);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced() {
    let replica = replica().await;
    let address = replica.address;
    let shop = Shop::new(&[address], false, TIMEOUT);
    assert_eq!(checkouts(&shop, 1).await, [200]);
    replica.stop().await;
    let _again = Running::at(&address.to_string()).await;
    assert_eq!(checkouts(&shop, 3).await, [200; 3]);
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let shop = Shop::new(&[], true, TIMEOUT);
    assert_eq!(shop.clone().answer("/health".to_owned()).await.status(), StatusCode::OK);
    assert_eq!(shop.answer("/".to_owned()).await.status(), StatusCode::NOT_FOUND);
}
