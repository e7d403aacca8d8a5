//! Host names, resolved where a target lives: in its network namespace, by its own
//! `/etc/hosts` and `/etc/resolv.conf`.

mod configuration;
mod exchange;
mod follower;
mod hosts;
mod lookup;
mod resolver;
mod root;
#[cfg(test)]
mod tests;

pub use follower::Follower;
pub use resolver::{Resolved, Resolver};
