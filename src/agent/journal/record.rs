//! Records and their frames.

use std::io;

use serde::{Deserialize, Serialize};

use super::Header;
use crate::act::{ActId, Class, Observed, Reverted, Undo};

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record {
    /// The first.
    Opened(Header),
    /// An act is about to be performed.
    Intent {
        /// The act.
        id: ActId,
        /// Its class.
        class: Class,
        /// Where, in words.
        site: String,
        /// What takes it back.
        undo: Undo,
    },
    /// It was performed.
    Applied {
        /// The act.
        id: ActId,
        /// What only the performed act could know.
        observed: Observed,
    },
    /// It was undone, or could not be.
    Undone {
        /// The act.
        id: ActId,
        /// What its undo came to.
        reverted: Reverted,
    },
    /// Nothing is left to undo.
    Closed,
}

/// Length, sequence number and checksum: four bytes each, little-endian.
pub(super) const HEAD: usize = 12;

/// A frame: the length of the payload, the record's number from 1, the CRC-32 of number and
/// payload, and the payload in JSON. A length of zero is the end.
pub(super) fn encode(number: u32, record: &Record) -> io::Result<Vec<u8>> {
    let payload = serde_json::to_vec(record)?;
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut frame = Vec::with_capacity(HEAD + payload.len());
    frame.extend(length.to_le_bytes());
    frame.extend(number.to_le_bytes());
    frame.extend(checksum(number, &payload).to_le_bytes());
    frame.extend(payload);
    Ok(frame)
}

/// The payloads of all whole frames from the start, and where the last of them ends. A torn or
/// damaged frame is the end: nothing after it was relied upon.
pub(super) fn payloads(mut bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut payloads, mut end) = (Vec::new(), 0);
    while let Some((payload, rest)) = next(bytes, payloads.len()) {
        payloads.push(payload);
        end += HEAD + payload.len();
        bytes = rest;
    }
    (payloads, end)
}

fn next(bytes: &[u8], before: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let (length, number) = (u32::from_le_bytes(*length), u32::from_le_bytes(*number));
    if length == 0 || usize::try_from(number).ok()? != before + 1 {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (checksum(number, payload) == u32::from_le_bytes(*sum)).then_some((payload, rest))
}

fn checksum(number: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}
