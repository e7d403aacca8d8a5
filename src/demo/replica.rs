//! One of the replicas that know the stock.

use std::future::{Ready, ready};

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::server::{Answer, healthy, json, not_found};

/// What a replica says about its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stock {
    /// Which replica says so: the address it listens on.
    pub(super) replica: String,
    /// How many pieces there are.
    #[serde(rename = "stock")]
    pub(super) pieces: u32,
    /// The replica's process, which is another one after a restart.
    pub(super) pid: u32,
}

/// A replica.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    stock: Stock,
}

impl Replica {
    /// A replica of this name with a full stock.
    pub(super) fn new(name: String) -> Self {
        Self { stock: Stock { replica: name, pieces: 100, pid: std::process::id() } }
    }

    /// Answers a request for this path.
    pub(super) fn answer(&self, path: &str) -> Ready<Answer> {
        ready(match path {
            "/stock" => json(StatusCode::OK, &self.stock),
            "/health" => healthy(),
            _ => not_found(path),
        })
    }
}
