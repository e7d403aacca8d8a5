//! Pausing a process: by `ptrace`, which the kernel ends with us, or by a freezer group.

mod freezer;
mod ptrace;

pub use freezer::Freezer;
pub use ptrace::Tracer;
