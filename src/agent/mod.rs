//! The only process that touches a host: it performs acts, each after its undo is in the journal, holds
//! what the kernel gives it, and reverts when told, when its controller is gone, when heartbeats
//! stop, and when the deadline passes.

mod host;
mod journal;
mod lock;
mod protocol;
mod recover;
mod runs;
mod server;
mod system;
mod undo_text;

pub use host::Host;
pub use journal::{Entry, Header, History, Journal, Recorded, read_history, runtime_folder};
pub use lock::Lock;
pub use protocol::{
    Answer, FromAgent, Hello, Notice, PROTOCOL, Request, ToAgent, read_frame, write_frame,
};
pub use recover::{Recovery, recover};
pub use runs::Runs;
pub use server::serve;
pub use system::System;
pub use undo_text::manual;
