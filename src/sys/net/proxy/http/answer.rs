//! Answers in the server's place.

use anyhow::{Context, Result};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};

use super::edit::{header_name, header_value};
use crate::spec::HttpAnswer;

/// An answer, written out once.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// As HTTP/1, for a connection that goes on.
    on: Written,
    /// The same for one that ends.
    last: Written,
}

#[derive(Clone, Debug)]
struct Written {
    all: Bytes,
    head: usize,
}

impl Answer {
    pub(super) fn new(answer: &HttpAnswer) -> Result<Self> {
        let status = StatusCode::from_u16(answer.status).context("it is no status")?;
        let mut headers = HeaderMap::new();
        // The statuses that have no body (RFC 9110, section 8.6).
        let body = if matches!(answer.status, 204 | 304) { "" } else { &answer.body };
        if answer.status != 204 {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        for (name, value) in &answer.headers {
            headers.insert(header_name(name)?, header_value(value)?);
        }
        let on = Written::new(status, &headers, "", body);
        let last = Written::new(status, &headers, "connection: close\r\n", body);
        Ok(Self { status, headers, body: Bytes::from(body.to_owned()), on, last })
    }

    /// As HTTP/1: for a connection that goes on or not, with the body or the head alone.
    pub(super) fn written(&self, goes_on: bool, head_only: bool) -> &[u8] {
        let written = if goes_on { &self.on } else { &self.last };
        let length = if head_only { written.head } else { written.all.len() };
        written.all.get(..length).unwrap_or_default()
    }
}

impl Written {
    fn new(status: StatusCode, headers: &HeaderMap, more: &str, body: &str) -> Self {
        let reason = status.canonical_reason().unwrap_or("Fault");
        let mut all = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
        for (name, value) in headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                all.extend_from_slice(part);
            }
        }
        all.extend_from_slice(more.as_bytes());
        all.extend_from_slice(b"\r\n");
        let head = all.len();
        all.extend_from_slice(body.as_bytes());
        Self { all: all.into(), head }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_written_for_each_connection() {
        let answer = json!({"status": 503, "headers": {"retry-after": "1"}, "body": "no"});
        let answer = Answer::new(&serde_json::from_value(answer).unwrap()).unwrap();
        let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\nretry-after: 1\r\n";
        assert_eq!(answer.written(true, false), format!("{head}\r\nno").as_bytes());
        assert_eq!(answer.written(true, true), format!("{head}\r\n").as_bytes());
        let last = format!("{head}connection: close\r\n\r\nno");
        assert_eq!(answer.written(false, false), last.as_bytes());
    }
}
