//! False answers to questions for names: questions sent from a network namespace are redirected to
//! us, and we answer some of them and pass all others on to where they were sent, byte by byte.

mod conntrack;
mod ear;
mod judge;
mod message;
mod server;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;
mod upstream;

pub use judge::Counts;
pub use server::{DnsServer, OUR_MARK};
