//! Faults of the network: which packets, and what happens to them. The words are those of tc.

mod between;
mod chance;
mod connection_reset;
mod direction;
mod dns;
mod dns_type;
mod engine;
mod existing;
mod http;
mod latency;
mod list;
mod loss;
mod partition;
mod peers;
mod protocol;
mod rate;
mod reordering;
mod tcp_proxy;

pub use between::{Between, NamedOrAny};
pub use chance::{NetworkCorruption, NetworkDuplication};
pub use connection_reset::{ConnectionReset, NewConnections};
pub use direction::Direction;
pub use dns::{DnsFailure, DnsMode};
pub use dns_type::RecordType;
pub use engine::Engine;
pub use existing::Existing;
pub use http::{
    HeaderChange, HttpAbort, HttpAnswer, HttpFault, HttpMatch, RequestChange, ResponseChange,
};
pub use latency::{Distribution, NetworkLatency};
pub use loss::{GilbertElliott, Loss, Markov, NetworkLoss};
pub use partition::{NetworkPartition, PartitionMode};
pub use peers::Peers;
pub use protocol::Protocol;
pub use rate::NetworkRate;
pub use reordering::NetworkReordering;
pub use tcp_proxy::{
    Bandwidth, HeldData, LateData, LimitData, ResetPeer, Slicer, SlowClose, Stream, TcpProxy,
};
