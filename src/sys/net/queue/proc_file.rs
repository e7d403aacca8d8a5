//! What the kernel says of its packet queues.

use std::fs;
use std::io;

use anyhow::{Context, Result};

/// The file is of the network namespace of the thread that opens it.
const PATH: &str = "/proc/thread-self/net/netfilter/nfnetlink_queue";

/// A queue, as the kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueueState {
    /// Its number.
    number: u16,
    /// How many packets wait for a verdict.
    pub(super) waiting: u64,
    /// How many were dropped because the queue was full, and because its reader's socket was.
    pub(super) dropped: u64,
}

/// The queue of a number in the calling thread's namespace; `None` when there is none.
pub(super) fn queue_state(number: u16) -> Result<Option<QueueState>> {
    match fs::read_to_string(PATH) {
        Ok(text) => Ok(text.lines().filter_map(line).find(|queue| queue.number == number)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {PATH}")),
    }
}

/// A line of the file (`seq_show` in `net/netfilter/nfnetlink_queue.c`): number, reader, waiting,
/// copy mode, copy range, dropped by the queue, dropped by the socket, last packet's number, 1.
fn line(text: &str) -> Option<QueueState> {
    let fields: Vec<u64> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let [number, _, waiting, _, _, by_queue, by_socket, ..] = *fields else { return None };
    let number = u16::try_from(number).ok()?;
    Some(QueueState { number, waiting, dropped: by_queue + by_socket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let read = line("23808   2890    12 2 65531     3     4     4711  1");
        assert_eq!(read, Some(QueueState { number: 23808, waiting: 12, dropped: 7 }));
        assert_eq!(line("nonsense"), None);
    }
}
