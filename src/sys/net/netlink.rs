//! A netlink socket (netlink(7)): frames go out, answers come back, refusals keep the kernel's words.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR};
use netlink_sys::{Socket, SocketAddr};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::attribute::{attributes, text};

/// How long an answer may take, in seconds. The kernel answers at once, unless it is very ill.
const TIMEOUT: i64 = 5;
/// A datagram that fits every socket's buffer, in bytes.
const SMALL: usize = 64 << 10;
/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// The types of control frames.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// The attribute of an extended acknowledgement that holds the kernel's words.
const NLMSGERR_ATTR_MSG: u16 = 1;

/// The kernel's refusal of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error's number, errno(3).
    pub errno: i32,
    /// The kernel's words, where it has any (`NETLINK_EXT_ACK`).
    pub words: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errno = nix::errno::Errno::from_raw(self.errno);
        match &self.words {
            Some(words) => write!(formatter, "{words} ({errno:?})"),
            None => write!(formatter, "{} ({errno:?})", errno.desc()),
        }
    }
}

/// Why a netlink request failed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel refused it.
    #[error("the kernel refuses: {0}")]
    Refused(Refusal),
    /// The socket failed, or no answer came in time.
    #[error("netlink: {0}")]
    Socket(#[from] io::Error),
    /// An answer that makes no sense to us.
    #[error("the kernel's answer cannot be read: {0}")]
    Unreadable(String),
}

impl NetlinkError {
    /// The number of the kernel's error, where it refused.
    #[must_use]
    pub const fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused(refusal) => Some(refusal.errno),
            Self::Socket(_) | Self::Unreadable(_) => None,
        }
    }
}

/// One frame of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u16,
    flags: u16,
    sequence: u32,
    /// What follows the header.
    pub(super) payload: Vec<u8>,
}

/// A netlink socket in the namespace of the thread that opened it. Closed on exec.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: Socket,
    port: u32,
    sequence: Cell<u32>,
}

impl Netlink {
    /// Opens a socket in the namespace of the calling thread.
    pub(super) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        let port = socket.bind_auto()?.port_number();
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(TIMEOUT))?;
        Ok(Self { socket, port, sequence: Cell::new(0) })
    }

    /// The socket's address, which is what the kernel knows an owner by.
    pub(super) const fn port(&self) -> u32 {
        self.port
    }

    /// Makes room for datagrams that nobody asked for, in bytes; those that do not fit are left out
    /// without an error.
    pub(super) fn expect_floods(&self, room: usize) -> io::Result<()> {
        self.socket.set_no_enobufs(true)?;
        // Beyond the limit of `net.core.rmem_max` it takes CAP_NET_ADMIN on the host.
        if setsockopt(&self.socket, sockopt::RcvBufForce, &room).is_err() {
            setsockopt(&self.socket, sockopt::RcvBuf, &room)?;
        }
        Ok(())
    }

    pub(super) fn next_sequence(&self) -> u32 {
        let next = self.sequence.get().wrapping_add(1).max(1);
        self.sequence.set(next);
        next
    }

    /// Sends one datagram, of any size the kernel lets us.
    pub(super) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        // The default buffer holds 208 KiB; a filter of many thousand networks needs more, and
        // whoever may not force that may not filter either.
        if datagram.len() > SMALL {
            setsockopt(&self.socket, sockopt::SndBufForce, &(datagram.len() + 64 * 1024))?;
        }
        self.socket.send_to(datagram, &SocketAddr::new(0, 0), 0).map(drop)
    }

    /// The answer to the frame with this number: all its frames up to the acknowledgement or the
    /// end of the dump. The first refusal from `since` on ends it, as one in a batch does.
    pub(super) fn answer(&self, since: u32, last: u32) -> Result<Vec<Frame>, NetlinkError> {
        let mut answer = Vec::new();
        loop {
            let (datagram, sender) = match self.socket.recv_from_full() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                received => received.map_err(late)?,
            };
            if sender.port_number() != 0 {
                continue; // Only the kernel answers.
            }
            for frame in frames(&datagram) {
                if !(since..=last).contains(&frame.sequence) {
                    continue; // Left over from a request that was given up.
                }
                if frame.flags & NLM_F_DUMP_INTR != 0 {
                    return Err(io::Error::from(io::ErrorKind::Interrupted).into());
                }
                match frame.kind {
                    ERROR | DONE => match refusal(&frame) {
                        Some(refusal) => return Err(NetlinkError::Refused(refusal)),
                        None if frame.sequence == last => return Ok(answer),
                        None => {}
                    },
                    _ => answer.push(frame),
                }
            }
        }
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn late(error: io::Error) -> NetlinkError {
    if error.kind() == io::ErrorKind::WouldBlock {
        io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {TIMEOUT} s")).into()
    } else {
        error.into()
    }
}

/// The frames of a datagram. What is torn at the end is left out.
fn frames(mut rest: &[u8]) -> impl Iterator<Item = Frame> {
    std::iter::from_fn(move || {
        let (header, _) = rest.split_first_chunk::<HEADER>()?;
        let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *header;
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
        let payload = rest.get(HEADER..length)?.to_vec();
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Frame {
            kind: u16::from_ne_bytes([k0, k1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            payload,
        })
    })
}

/// The refusal in an `NLMSG_ERROR` or `NLMSG_DONE` frame; `None` when it acknowledges.
fn refusal(frame: &Frame) -> Option<Refusal> {
    let (code, rest) = frame.payload.split_first_chunk::<4>()?;
    let errno = i32::from_ne_bytes(*code).checked_neg().filter(|errno| *errno > 0)?;
    // An error repeats the request's header, and the request unless it is capped; a dump's end
    // does not.
    let repeated = match (frame.kind, rest.split_first_chunk::<4>()) {
        (ERROR, Some((length, _))) if frame.flags & NLM_F_CAPPED == 0 => {
            usize::try_from(u32::from_ne_bytes(*length)).ok()?.next_multiple_of(4)
        }
        (ERROR, _) => HEADER,
        _ => 0,
    };
    let words = (frame.flags & NLM_F_ACK_TLVS != 0)
        .then(|| rest.get(repeated..))
        .flatten()
        .and_then(|tail| attributes(tail).find(|(kind, _)| *kind == NLMSGERR_ATTR_MSG))
        .map(|(_, value)| text(value));
    Some(Refusal { errno, words })
}

#[cfg(test)]
mod tests {
    use super::super::attribute::Attributes;
    use super::*;

    fn error(flags: u16, payload: Vec<u8>) -> Frame {
        Frame { kind: ERROR, flags, sequence: 1, payload }
    }

    #[test]
    fn a_refusal_keeps_the_kernels_words() {
        let mut payload = (-libc::ENOENT).to_ne_bytes().to_vec();
        payload.extend([0; HEADER]);
        payload.extend(Attributes::new().text(NLMSGERR_ATTR_MSG, "No such thing").as_bytes());
        let refused = refusal(&error(NLM_F_CAPPED | NLM_F_ACK_TLVS, payload)).unwrap();
        assert_eq!(refused.to_string(), "No such thing (ENOENT)");
    }

    #[test]
    fn a_refusal_without_words_has_those_of_errno() {
        let refused = refusal(&error(NLM_F_CAPPED, (-libc::EPERM).to_ne_bytes().to_vec())).unwrap();
        assert_eq!(refused.to_string(), "Operation not permitted (EPERM)");
    }

    #[test]
    fn zero_is_an_acknowledgement() {
        assert_eq!(refusal(&error(0, vec![0; 20])), None);
    }

    #[test]
    fn a_torn_datagram_ends_the_frames() {
        let mut datagram = 20u32.to_ne_bytes().to_vec();
        datagram.extend([3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        datagram.extend([99, 0, 0, 0]);
        let read: Vec<Frame> = frames(&datagram).collect();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].payload, [1, 2, 3, 4]);
    }
}
