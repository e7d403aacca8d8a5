//! Heads that are changed on their way.

use httparse::{EMPTY_HEADER, Status};
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use anyhow::{Context, Result};

use crate::spec::HeaderChange;

/// What is changed in a head.
#[derive(Clone, Debug, Default)]
pub(super) struct Edit {
    pub(super) status: Option<StatusCode>,
    set: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
}

/// The most headers of a head that was read before.
const MOST: usize = 128;

impl Edit {
    /// What is written in the file.
    pub(super) fn new(status: Option<u16>, change: &HeaderChange) -> Result<Self> {
        let status = status.map(StatusCode::from_u16).transpose().context("it is no status")?;
        let mut edit = Self { status, ..Self::default() };
        for (name, value) in &change.set {
            edit.set.push((header_name(name)?, header_value(value)?));
        }
        for name in &change.remove {
            edit.remove.push(header_name(name)?);
        }
        Ok(edit)
    }

    /// The same, for a message that has another body of this length.
    pub(super) fn with_length(&self, length: usize) -> Self {
        use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING};
        let mut edit = self.clone();
        edit.remove.extend([CONTENT_ENCODING, TRAILER, TRANSFER_ENCODING]);
        edit.set.insert(0, (CONTENT_LENGTH, HeaderValue::from(length)));
        edit
    }

    /// Whether it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.status.is_none() && self.set.is_empty() && self.remove.is_empty()
    }

    /// Changes headers that were taken apart.
    pub(super) fn headers(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }

    /// A head with its changes; what does not change stays as it was written.
    pub(super) fn head(&self, head: &[u8]) -> Vec<u8> {
        let mut new = Vec::with_capacity(head.len() + 256);
        let line = head.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let (line, rest) = head.split_at(line);
        match self.status {
            Some(status) => {
                let reason = status.canonical_reason().unwrap_or("Changed");
                new.extend_from_slice(line.get(..8).unwrap_or(b"HTTP/1.1"));
                new.extend_from_slice(format!(" {} {reason}\r\n", status.as_u16()).as_bytes());
            }
            None => new.extend_from_slice(line),
        }
        let mut room = [EMPTY_HEADER; MOST];
        if let Ok(Status::Complete((_, headers))) = httparse::parse_headers(rest, &mut room) {
            for header in headers.iter().filter(|header| !self.replaces(header.name)) {
                push(&mut new, header.name.as_bytes(), header.value);
            }
        }
        for (name, value) in &self.set {
            push(&mut new, name.as_str().as_bytes(), value.as_bytes());
        }
        new.extend_from_slice(b"\r\n");
        new
    }

    fn replaces(&self, name: &str) -> bool {
        let is = |other: &HeaderName| name.eq_ignore_ascii_case(other.as_str());
        self.remove.iter().any(is) || self.set.iter().any(|(other, _)| is(other))
    }
}

fn push(head: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

pub(super) fn header_name(name: &str) -> Result<HeaderName> {
    name.parse().with_context(|| format!("`{name}` is no name of a header"))
}

pub(super) fn header_value(value: &str) -> Result<HeaderValue> {
    value.parse().with_context(|| format!("`{value}` is no value of a header"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edit(status: Option<u16>, change: serde_json::Value) -> Edit {
        Edit::new(status, &serde_json::from_value(change).unwrap()).unwrap()
    }

    #[test]
    fn what_does_not_change_stays_as_it_was_written() {
        let head = b"HTTP/1.1 200 Fine\r\nX-One: 1\r\nsErVer:  odd \r\nContent-Length: 9\r\n\r\n";
        let shown = |edit: &Edit| String::from_utf8(edit.head(head)).unwrap();
        assert_eq!(
            shown(&edit(None, json!({"remove": ["x-one"]}))),
            "HTTP/1.1 200 Fine\r\nsErVer: odd\r\nContent-Length: 9\r\n\r\n"
        );
        assert_eq!(
            shown(&edit(Some(503), json!({"set": {"Server": "none"}})).with_length(2)),
            "HTTP/1.1 503 Service Unavailable\r\nX-One: 1\r\ncontent-length: 2\r\nserver: none\r\n\r\n"
        );
    }

    #[test]
    fn a_request_keeps_its_first_line() {
        let change = edit(None, json!({"set": {"x-fault": "yes"}}));
        let head = change.head(b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(head, b"GET /a?b HTTP/1.1\r\nHost: x\r\nx-fault: yes\r\n\r\n");
    }
}
