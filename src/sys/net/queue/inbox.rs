//! Many datagrams in one system call.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// How many datagrams are received at once.
const DATAGRAMS: usize = 128;

/// Room for datagrams. What is longer than its place is cut.
#[derive(Debug)]
pub(super) struct Inbox {
    room: Vec<u8>,
    place: usize,
    lengths: Vec<usize>,
}

impl Inbox {
    /// With places of a length in bytes each.
    pub(super) fn new(place: usize) -> Self {
        Self { room: vec![0; place * DATAGRAMS], place, lengths: Vec::with_capacity(DATAGRAMS) }
    }

    /// Receives what is there without waiting (recvmmsg(2)), and returns how many that are.
    #[expect(unsafe_code, reason = "no crate offers recvmmsg without work for each datagram")]
    pub(super) fn receive(&mut self, socket: impl AsFd) -> io::Result<usize> {
        self.lengths.clear();
        let mut places: Vec<libc::iovec> = self
            .room
            .chunks_exact_mut(self.place)
            .map(|place| libc::iovec { iov_base: place.as_mut_ptr().cast(), iov_len: place.len() })
            .collect();
        let mut headers: Vec<libc::mmsghdr> = places
            .iter_mut()
            .map(|place| {
                // SAFETY: a header of zeros is one without an address and without control data.
                let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
                header.msg_hdr.msg_iov = place;
                header.msg_hdr.msg_iovlen = 1;
                header
            })
            .collect();
        let count = libc::c_uint::try_from(headers.len()).unwrap_or_default();
        // SAFETY: the headers point into `places`, those into `room`, and all of them live and are
        // not touched by others until the call returns; there are `count` of them.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_fd().as_raw_fd(),
                headers.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let Ok(received) = usize::try_from(received) else {
            let error = io::Error::last_os_error();
            let none =
                matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
            return if none { Ok(0) } else { Err(error) };
        };
        self.lengths.extend(headers.iter().take(received).map(|header| header.msg_len as usize));
        Ok(received)
    }

    /// What the last call received.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        let places = self.room.chunks_exact(self.place);
        self.lengths.iter().zip(places).map(|(length, place)| place.get(..*length).unwrap_or(place))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn what_was_sent_is_received() {
        let (here, there) = UnixDatagram::pair().unwrap();
        let mut inbox = Inbox::new(8);
        assert_eq!(inbox.receive(&here).unwrap(), 0);
        there.send(b"one").unwrap();
        there.send(b"twotwotwo").unwrap();
        assert_eq!(inbox.receive(&here).unwrap(), 2);
        assert_eq!(inbox.datagrams().collect::<Vec<_>>(), [&b"one"[..], b"twotwotw"]);
    }
}
