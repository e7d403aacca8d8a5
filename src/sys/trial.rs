//! Trials: whether this host lets us do something, found out by doing it to a child, a group, a
//! file or a namespace of our own, and nothing else.

mod bystander;
mod folder;
mod group;
mod host;

pub use bystander::{Bystander, Stand};
pub use folder::{FolderTrial, nearest};
pub use group::{GroupTrial, groups};
pub use host::{Capabilities, has_systemd, kernel, ptrace_scope};
