//! The contract of each fault: the state before, the effect as others than this tool see it, and
//! the state after, which equals the one before. The tool's own proof must say the same.

mod actor;
mod blast_radius;
mod connection_reset;
mod cpu_stress;
mod disk_fill;
mod dns_failure;
mod host_names;
mod http_fault;
mod injection;
mod lan;
mod modifiers;
mod network_latency;
mod network_loss;
mod network_partition;
mod network_shaping;
mod oracle;
mod partition_shapes;
mod plan;
mod pool;
mod process_kill;
mod process_pause;
mod process_restart;
mod proxied;
mod queue;
mod resolving;
mod service_network;
mod shared_network;
mod target;
mod tcp_proxy;
