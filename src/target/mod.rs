//! Whom a step is aimed at: what a selector matches on this host now, and what is around it. Reads only.

mod candidates;
mod cgroup;
mod control;
mod criterion;
mod explain;
mod miss;
mod mount;
mod printable;
mod process;
mod protection;
mod read;
mod select;
mod socket;
mod surroundings;
mod table;
mod user;

pub use candidates::{Candidates, gather};
pub use control::{Lifeline, Peer, Purpose, metadata};
pub use explain::Explained;
pub use mount::Mount;
pub use printable::printable;
pub use process::{Namespaces, Process};
pub use protection::Why;
pub use select::{Selection, select, watched};
pub use socket::{Protocol, Socket};
pub use surroundings::{Asked, Neighbour, Surroundings};
pub use table::{ProcessTable, Row};
