//! The faults of the network.

pub(super) mod corruption;
pub(super) mod duplication;
mod engine;
pub(super) mod http_fault;
pub(super) mod latency;
pub(super) mod loss;
pub(super) mod partition;
pub(super) mod proxied;
pub(super) mod rate;
pub(super) mod reordering;
pub(super) mod tcp_proxy;
mod traffic;
mod words;

pub(super) use engine::able;
pub use engine::{Engines, NoEngine};
pub use partition::{Cuts, NoShape, between};
pub use words::{bounds, engine, packets};

use super::{LowerError, Terms};
use crate::act::{Act, Hook, Impairment, Shape, SiteRef};
use crate::spec::Engine;
pub(super) use traffic::{Scope, traffic};

/// The act of a fault that impairs packets; seen from the target, what it sends by default.
fn shape(
    impairment: Impairment,
    scope: &Scope<'_>,
    engine: Option<Engine>,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let traffic = traffic(scope, terms)?;
    let engine = match impairment {
        Impairment::Duplicate(_) if traffic.hooks.contains(&Hook::Ingress) => {
            let reason = "it cannot duplicate what the target receives, only what it sends";
            terms.engines.clone().without(Engine::Queue, reason).choose(&impairment, engine)?
        }
        _ => terms.engines.choose(&impairment, engine)?,
    };
    Ok(vec![Act::Shape(Shape { site: site.clone(), traffic, impairment, engine })])
}

/// How an impairment is undone, in words.
pub(super) fn undo_in_words(shape: &Shape) -> String {
    match shape.engine {
        Engine::Netem | Engine::Tbf => {
            "our queueing discipline deleted, the kernel's default is back".to_owned()
        }
        Engine::Queue => {
            "our packet queue closed, packets pass; the kernel does so when the agent ends"
                .to_owned()
        }
        Engine::Nft | Engine::Iptables => partition::undo_in_words(shape.engine),
    }
}
