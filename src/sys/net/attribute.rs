//! Netlink attributes as bytes (`struct nlattr`, linux/netlink.h): those of `nf_tables` and netem,
//! which no crate of a free licence knows.

/// The length of an attribute's header, and what everything is aligned to.
const HEADER: usize = 4;
/// The flag of an attribute that holds others.
const NESTED: u16 = 1 << 15;
/// The bits of the type proper, without the flags `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const TYPE: u16 = 0x3fff;

/// Attributes being written. One value holds at most 65 531 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(HEADER + value.len()).unwrap_or(u16::MAX);
        debug_assert_eq!(usize::from(length), HEADER + value.len(), "attribute {kind} too long");
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(HEADER), 0);
        self
    }

    /// Text with its closing NUL.
    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// A number in network byte order, as `nf_tables` wants it.
    pub(super) fn be32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub(super) fn nest(self, kind: u16, inner: &Self) -> Self {
        self.bytes(kind | NESTED, &inner.0)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The attributes in a buffer: type and value. What is torn at the end is left out.
pub(super) fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (header, _) = rest.split_first_chunk::<HEADER>()?;
        let [length_low, length_high, kind_low, kind_high] = *header;
        let length = usize::from(u16::from_ne_bytes([length_low, length_high]));
        let value = rest.get(HEADER..length)?;
        rest = rest.get(length.next_multiple_of(HEADER)..).unwrap_or_default();
        Some((u16::from_ne_bytes([kind_low, kind_high]) & TYPE, value))
    })
}

/// The value of the first attribute of a type.
pub(super) fn find(buffer: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(buffer).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

/// Text without its closing NUL.
pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned()
}

pub(super) fn be32(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

pub(super) fn be64(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_attribute_is_padded_to_four_bytes() {
        let written = Attributes::new().text(1, "lo").be32(2, 7);
        let mut expected = vec![];
        expected.extend(7u16.to_ne_bytes());
        expected.extend(1u16.to_ne_bytes());
        expected.extend(b"lo\0\0");
        expected.extend(8u16.to_ne_bytes());
        expected.extend(2u16.to_ne_bytes());
        expected.extend([0, 0, 0, 7]);
        assert_eq!(written.as_bytes(), expected);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            values in prop::collection::vec((1u16..0x3fff, prop::collection::vec(any::<u8>(), 0..40)), 0..10)
        ) {
            let written = values.iter().fold(Attributes::new(), |all, (kind, value)| all.bytes(*kind, value));
            let read: Vec<_> = attributes(written.as_bytes()).map(|(kind, value)| (kind, value.to_vec())).collect();
            prop_assert_eq!(read, values);
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(attributes(&bytes).count() <= bytes.len());
        }
    }
}
