//! Ports of 127.0.0.1 that nobody listens on.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the kernel gives to connections, so that no probe of another test is in
/// the way; where this process begins depends on its id, so that another test program is not.
static NEXT: AtomicU16 = AtomicU16::new(0);
const FIRST: u16 = 21_000;
const COUNT: u16 = 10_000;

/// A port that is free now, and that no other test of this program is given.
pub(crate) fn free() -> u16 {
    let start = u16::try_from(std::process::id() % 97).expect("less than 97") * 100;
    loop {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// An address of such a port.
pub(crate) fn address() -> String {
    format!("127.0.0.1:{}", free())
}
