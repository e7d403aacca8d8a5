//! TCP connections of a namespace by `sock_diag(7)`: listed, told whose they are, and cut.

mod cut;
mod diagnosis;
mod owner;
mod passing;
mod socket;
#[cfg(test)]
mod tests;

pub use cut::{Cut, cut, destroy_supported};
pub use diagnosis::SocketDiag;
pub use owner::Owner;
pub use passing::{passing, reset};
pub use socket::TcpSocket;
