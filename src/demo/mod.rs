//! The shop that the first experiments break: three replicas and a front door, all in this binary,
//! so that nobody has to install a system before they can see one fail.

mod circuit;
mod replica;
mod server;
mod shop;

use std::net::SocketAddr;

use anyhow::Context;

use self::replica::Replica;
use self::shop::Shop;
use crate::spec::quantity::Duration;

/// A part of the demo shop. It runs until SIGTERM or SIGINT.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Demo {
    /// Knows how many are in stock: `GET /stock`.
    Replica(ReplicaArgs),
    /// The front door, which asks one replica for each order: `GET /checkout`.
    Shop(ShopArgs),
}

/// What a replica is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplicaArgs {
    /// The address and port to serve HTTP on.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
}

/// What the front door is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ShopArgs {
    /// The address and port to serve HTTP on.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// The replicas to ask, in turn.
    #[arg(long = "replica", value_name = "ADDR", required = true, num_args = 1..)]
    replicas: Vec<SocketAddr>,
    /// Gives up at the first replica that fails, and goes on asking it: the weak shop.
    #[arg(long)]
    no_retries: bool,
    /// How long to wait for a replica.
    #[arg(long, value_name = "DURATION", default_value = "150ms")]
    timeout: Duration,
}

/// Runs a part of the shop until it is asked to stop.
///
/// Fails when the address cannot be listened on.
pub fn run(demo: Demo) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the demo's event loop")?;
    runtime.block_on(async {
        // Caught before the first connection: who can be seen can also be stopped cleanly.
        let asked_to_stop = server::stop_signal()?;
        match demo {
            Demo::Replica(args) => {
                let listener = server::listen(args.listen).await?;
                let replica = Replica::new(listener.local_addr()?.to_string());
                server::serve(listener, move |path| replica.answer(&path), asked_to_stop).await;
            }
            Demo::Shop(args) => {
                let listener = server::listen(args.listen).await?;
                let shop = Shop::new(&args.replicas, !args.no_retries, args.timeout.get());
                server::serve(listener, move |path| shop.clone().answer(path), asked_to_stop).await;
            }
        }
        Ok(())
    })
}
