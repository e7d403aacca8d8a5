//! How a controller reaches an agent.

mod local;
mod requests;

pub use local::{Greeting, remove_empty_group, start};
pub use requests::{AgentLost, Link};
