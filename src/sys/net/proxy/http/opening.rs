//! What a connection begins with.

use super::head::{NotHttp, RequestHead};

/// What a client of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The head of a frame, and the type of the one that a server of HTTP/2 begins with (section 6.5).
const FRAME: usize = 9;
const SETTINGS: u8 = 4;

/// What the first bytes of a client are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// A request of HTTP/1.
    First(RequestHead),
    /// HTTP/2.
    Second,
    /// Not enough to tell, or to act.
    Unfinished,
    /// Something else.
    Foreign,
}

impl Opening {
    pub(super) fn of(
        bytes: &[u8],
        read: impl FnOnce(&[u8]) -> Result<Option<RequestHead>, NotHttp>,
    ) -> Self {
        if bytes.starts_with(PREFACE) {
            return Self::Second;
        }
        if PREFACE.starts_with(bytes) {
            return Self::Unfinished;
        }
        match read(bytes) {
            Ok(Some(head)) => Self::First(head),
            Ok(None) => Self::Unfinished,
            Err(NotHttp) => Self::Foreign,
        }
    }
}

/// Whether a server that speaks before it is spoken to speaks HTTP/2; `None` if that is not told yet.
pub(super) fn is_second(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0, _, _, SETTINGS, 0, 0, 0, 0, 0, ..] => Some(true),
        [0, _, _, SETTINGS, 0, ..] | [0, ..] if bytes.len() < FRAME => None,
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_of_both_versions_is_told_from_everything_else() {
        let of = |text: &[u8]| Opening::of(text, |text| RequestHead::read(text, |_, _, _| false));
        assert_eq!(of(b""), Opening::Unfinished);
        assert_eq!(of(b"PRI * HT"), Opening::Unfinished);
        assert_eq!(of(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"), Opening::Second);
        assert_eq!(of(b"GET / HTTP/1.1\r\nHo"), Opening::Unfinished);
        assert!(matches!(of(b"PRIDE / HTTP/1.1\r\n\r\n"), Opening::First(_)));
        assert_eq!(of(b"*1\r\n$4\r\n"), Opening::Foreign);
    }

    #[test]
    fn a_server_that_begins_may_speak_http_2() {
        assert_eq!(is_second(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 1]), Some(true));
        assert_eq!(is_second(&[0, 0, 6]), None);
        assert_eq!(is_second(b"220 mail"), Some(false));
    }
}
