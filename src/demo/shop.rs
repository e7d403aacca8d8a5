//! The front door: takes orders and asks the replicas.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;

use super::circuit::Circuit;
use super::replica::Stock;
use super::server::{Answer, healthy, json, log, not_found};

/// How long a connection to a replica is kept without use.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The front door.
#[derive(Debug)]
pub(super) struct Shop {
    replicas: Vec<Upstream>,
    /// The number of the next order, and with it whose turn it is.
    orders: AtomicUsize,
    client: Client<HttpConnector, Empty<Bytes>>,
    /// Whether another replica is asked when one fails, and that one left alone for a while.
    retries: bool,
    timeout: Duration,
}

/// A replica, seen from the front door.
#[derive(Debug)]
struct Upstream {
    address: SocketAddr,
    circuit: Circuit,
}

/// What a customer gets.
#[derive(Debug, Serialize)]
struct Order {
    order: usize,
    from: Stock,
}

impl Shop {
    /// A shop that asks these replicas, each for at most `timeout`.
    pub(super) fn new(replicas: &[SocketAddr], retries: bool, timeout: Duration) -> Arc<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP_ALIVE)
            .build(connector);
        let upstream =
            |address: &SocketAddr| Upstream { address: *address, circuit: Circuit::default() };
        Arc::new(Self {
            replicas: replicas.iter().map(upstream).collect(),
            orders: AtomicUsize::new(0),
            client,
            retries,
            timeout,
        })
    }

    /// Answers a request for this path.
    pub(super) async fn answer(self: Arc<Self>, path: String) -> Answer {
        match path.as_str() {
            "/checkout" => self.checkout().await,
            "/health" => healthy(),
            _ => not_found(&path),
        }
    }

    /// Asks the replica whose turn it is, and with retries the others too until one answers.
    async fn checkout(&self) -> Answer {
        let order = self.orders.fetch_add(1, Ordering::Relaxed);
        let mut errors = Vec::new();
        for replica in self.candidates(order) {
            match self.ask(replica).await {
                Ok(from) => return json(StatusCode::OK, &Order { order, from }),
                Err(error) => errors.push(format!("{}: {error:#}", replica.address)),
            }
        }
        json(StatusCode::BAD_GATEWAY, &serde_json::json!({ "order": order, "errors": errors }))
    }

    /// The replicas to ask for this order: in turn, those that failed just now last.
    fn candidates(&self, order: usize) -> Vec<&Upstream> {
        let count = self.replicas.len();
        let in_turn = self.replicas.iter().cycle().skip(order % count.max(1)).take(count);
        if !self.retries {
            return in_turn.take(1).collect();
        }
        let now = Instant::now();
        let (mut first, last): (Vec<_>, Vec<_>) =
            in_turn.partition(|replica| replica.circuit.permits(now));
        first.extend(last);
        first
    }

    /// Asks one replica and takes note of how it went.
    async fn ask(&self, replica: &Upstream) -> anyhow::Result<Stock> {
        replica.circuit.begin(Instant::now());
        let asked = tokio::time::timeout(self.timeout, self.stock_of(replica.address)).await;
        let late = |_| anyhow!("no answer within {:?}", self.timeout);
        match asked.map_err(late).flatten() {
            Ok(stock) => {
                if replica.circuit.succeeded() {
                    log(format_args!("{} answers again", replica.address));
                }
                Ok(stock)
            }
            Err(error) => {
                if replica.circuit.failed(Instant::now()) {
                    log(format_args!("{} failed: {error:#}", replica.address));
                }
                Err(error)
            }
        }
    }

    /// One request to one replica. A connection left idle is used again; the client replaces one
    /// that the replica has closed meanwhile.
    async fn stock_of(&self, address: SocketAddr) -> anyhow::Result<Stock> {
        let uri = Uri::try_from(format!("http://{address}/stock"))?;
        let answer = self.client.get(uri).await?;
        ensure!(answer.status().is_success(), "status {}", answer.status());
        let body = answer.into_body().collect().await?.to_bytes();
        serde_json::from_slice(&body).context("it says nothing about its stock")
    }
}

#[cfg(test)]
mod tests;
