//! The contract of each fault: the state before, the effect as others than this tool see it, and
//! the state after, which equals the one before. The tool's own proof must say the same.

mod actor;
mod blast_radius;
mod cpu_stress;
mod disk_fill;
mod injection;
mod lan;
mod network_latency;
mod network_partition;
mod oracle;
mod plan;
mod pool;
mod process_kill;
mod process_pause;
mod process_restart;
mod target;
