//! The only side effects on a host. Everything here is synchronous and holds what it touches by
//! file descriptor, never by name.

pub mod cgroup;
pub mod clock;
pub mod disk;
pub mod net;
pub mod open_files;
pub mod pause;
pub mod process;
pub mod service;
pub mod spawn;
pub mod stress;
pub mod trial;
