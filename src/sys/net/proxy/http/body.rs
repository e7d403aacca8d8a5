//! Where the body of a message ends (RFC 9112, section 6), found without taking it apart.

use super::head::{Framing, NotHttp};

/// A body of which some has been seen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// This much is left.
    Length(u64),
    /// It ends with the connection.
    UntilClose,
    /// Chunks.
    Chunked(Chunk),
}

/// Where within chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the digits of its size, of which there were so many.
    Size(u64, u8),
    /// In what follows them on the line.
    Extension(u64),
    /// In its data.
    Data(u64),
    /// In the line end after its data.
    End,
    /// In the trailers, at the start of a line or not.
    Trailer { fresh: bool },
    /// After all of it.
    Done,
}

/// A part of the bytes that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) length: usize,
    /// Whether it is data, or what frames it.
    pub(super) is_data: bool,
}

impl Body {
    pub(super) const fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::UntilClose => Self::UntilClose,
            Framing::Chunked => Self::Chunked(Chunk::Size(0, 0)),
        }
    }

    /// Whether all of it has been seen.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Done))
    }

    /// How much data is left that may pass unseen.
    pub(super) const fn plain(&self) -> Option<u64> {
        match self {
            Self::Length(left) | Self::Chunked(Chunk::Data(left)) => Some(*left),
            Self::UntilClose => Some(u64::MAX),
            Self::Chunked(_) => None,
        }
    }

    /// The length of the whole body, if it is known and nothing of it has been seen.
    pub(super) const fn promised(&self) -> Option<u64> {
        match self {
            Self::Length(length) => Some(*length),
            Self::UntilClose | Self::Chunked(_) => None,
        }
    }

    /// Notes that so much data has passed unseen.
    pub(super) const fn skip(&mut self, length: u64) {
        match self {
            Self::Length(left) => *left -= length,
            Self::Chunked(chunk) => {
                if let Chunk::Data(left) = *chunk {
                    *chunk = after_data(left - length);
                }
            }
            Self::UntilClose => {}
        }
    }

    /// The next part of what is there, which must not be empty; `None` if the body is over.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Option<Part>, NotHttp> {
        if self.is_over() {
            return Ok(None);
        }
        if let Some(left) = self.plain() {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            self.skip(length as u64);
            return Ok(Some(Part { length, is_data: true }));
        }
        let Self::Chunked(chunk) = self else { return Err(NotHttp) };
        let mut length = 0;
        for byte in bytes {
            *chunk = chunk.after(*byte)?;
            length += 1;
            if matches!(chunk, Chunk::Data(_) | Chunk::Done) {
                break;
            }
        }
        Ok(Some(Part { length, is_data: false }))
    }
}

const fn after_data(left: u64) -> Chunk {
    if left == 0 { Chunk::End } else { Chunk::Data(left) }
}

impl Chunk {
    fn after(self, byte: u8) -> Result<Self, NotHttp> {
        Ok(match (self, byte) {
            (Self::Size(size, digits @ 0..16), _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Self::Size(size << 4 | u64::from(digit), digits + 1)
            }
            (Self::Size(size, 1..) | Self::Extension(size), b'\n') => match size {
                0 => Self::Trailer { fresh: true },
                size => Self::Data(size),
            },
            (Self::Size(size, 1..), b'\r' | b';' | b' ' | b'\t') | (Self::Extension(size), _) => {
                Self::Extension(size)
            }
            (Self::End, b'\r') => Self::End,
            (Self::End, b'\n') => Self::Size(0, 0),
            (Self::Trailer { fresh: true }, b'\n') => Self::Done,
            (Self::Trailer { fresh: true }, b'\r') => self,
            (Self::Trailer { .. }, _) => Self::Trailer { fresh: byte == b'\n' },
            (Self::Size(..) | Self::Data(_) | Self::End | Self::Done, _) => return Err(NotHttp),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The data of a body, and what follows it, when it comes in pieces of this size.
    fn taken(
        framing: Framing,
        mut bytes: &[u8],
        piece: usize,
    ) -> Result<(Vec<u8>, &[u8]), NotHttp> {
        let (mut body, mut data) = (Body::new(framing), Vec::new());
        while !bytes.is_empty() {
            let there = &bytes[..piece.min(bytes.len())];
            let Some(part) = body.next(there)? else { break };
            if part.is_data {
                data.extend_from_slice(&there[..part.length]);
            }
            bytes = &bytes[part.length..];
        }
        assert!(body.is_over() || matches!(framing, Framing::UntilClose));
        Ok((data, bytes))
    }

    #[test]
    fn chunks_end_after_their_trailers() {
        let text = b"5;x=y\r\nhello\r\n6 \r\n world\r\n0\r\nSum: 1\r\n\r\nGET";
        for piece in 1..text.len() {
            let (data, rest) = taken(Framing::Chunked, text, piece).unwrap();
            assert_eq!((data.as_slice(), rest), (&b"hello world"[..], &b"GET"[..]), "{piece}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for text in ["x\r\n", "\r\n", "5\r\nhellox", "11111111111111111\r\n"] {
            assert_eq!(taken(Framing::Chunked, text.as_bytes(), 99), Err(NotHttp), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_chunks_are_put_together(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            piece in 1_usize..50,
        ) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\nrest");
            let (data, rest) = taken(Framing::Chunked, &bytes, piece).unwrap();
            prop_assert_eq!(data, chunks.concat());
            prop_assert_eq!(rest, b"rest");
        }

        #[test]
        fn a_length_is_kept(bytes in prop::collection::vec(any::<u8>(), 8..99), piece in 1_usize..50) {
            let (data, rest) = taken(Framing::Length(8), &bytes, piece).unwrap();
            prop_assert_eq!((&*data, rest), bytes.split_at(8));
        }
    }
}
