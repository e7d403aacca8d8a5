//! Heads of HTTP/1 messages (RFC 9112), read by `httparse`.

use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Header, Request, Response, Status};

/// More headers than any server takes by default.
const MOST: usize = 128;
/// The longest head, in bytes.
const LONGEST: usize = 256 * 1024;

/// What stands there is no HTTP/1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotHttp;

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This long.
    Length(u64),
    /// In chunks, with trailers.
    Chunked,
    /// As long as the connection.
    UntilClose,
}

/// The methods that decide what an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// The answer has no body, whatever it says.
    Head,
    /// After the answer the connection carries something else.
    Connect,
    /// Any other.
    Other,
}

/// What there is to know about the head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestHead {
    /// Its length in bytes.
    pub(super) length: usize,
    pub(super) framing: Framing,
    pub(super) method: Method,
    /// Whether the client wants to send more requests.
    pub(super) keeps_alive: bool,
    /// Whether it is one of those to spoil.
    pub(super) wanted: bool,
}

/// What there is to know about the head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ResponseHead {
    /// Its length in bytes.
    pub(super) length: usize,
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// Whether a body could follow at all.
    pub(super) has_body: bool,
}

impl RequestHead {
    /// Reads a head; `None` if it is not all there. `wants` tells which are to be spoilt, by method,
    /// target and headers.
    pub(super) fn read(
        bytes: &[u8],
        wants: impl FnOnce(&str, &str, &[Header<'_>]) -> bool,
    ) -> Result<Option<Self>, NotHttp> {
        let mut room = [const { MaybeUninit::uninit() }; MOST];
        let mut request = Request::new(&mut []);
        let status = request.parse_with_uninit_headers(bytes, &mut room);
        let Some(length) = complete(status, bytes)? else { return Ok(None) };
        let method = request.method.unwrap_or_default();
        let target = request.path.unwrap_or_default();
        let headers = &*request.headers;
        let framing = match transfer(headers) {
            Some(true) => Framing::Chunked,
            // A request has no other way to say how long it is.
            Some(false) => return Err(NotHttp),
            None => Framing::Length(content_length(headers)?.unwrap_or(0)),
        };
        Ok(Some(Self {
            length,
            framing,
            method: match method {
                "HEAD" => Method::Head,
                "CONNECT" => Method::Connect,
                _ => Method::Other,
            },
            keeps_alive: request.version == Some(1) && !says(headers, "connection", "close"),
            wanted: wants(method, target, headers),
        }))
    }
}

impl ResponseHead {
    /// Reads the head of the answer to a request; `None` if it is not all there.
    pub(super) fn read(bytes: &[u8], request: &RequestHead) -> Result<Option<Self>, NotHttp> {
        let mut room = [EMPTY_HEADER; MOST];
        let mut response = Response::new(&mut room);
        let status = response.parse(bytes);
        let Some(length) = complete(status, bytes)? else { return Ok(None) };
        let status = response.code.unwrap_or_default();
        let headers = &*response.headers;
        let has_body = request.method != Method::Head && !matches!(status, 100..200 | 204 | 304);
        // RFC 9112, section 6.3.
        let framing = match (has_body, transfer(headers)) {
            (false, _) => Framing::Length(0),
            (true, Some(true)) => Framing::Chunked,
            (true, Some(false)) => Framing::UntilClose,
            (true, None) => content_length(headers)?.map_or(Framing::UntilClose, Framing::Length),
        };
        Ok(Some(Self { length, status, framing, has_body }))
    }
}

fn complete(status: httparse::Result<usize>, bytes: &[u8]) -> Result<Option<usize>, NotHttp> {
    match status {
        Ok(Status::Complete(length)) => Ok(Some(length)),
        Ok(Status::Partial) if bytes.len() < LONGEST => Ok(None),
        Ok(Status::Partial) | Err(_) => Err(NotHttp),
    }
}

/// Whether the body is in chunks, or in another coding; `None` if neither is said.
fn transfer(headers: &[Header<'_>]) -> Option<bool> {
    let mut all = headers.iter().filter(|it| it.name.eq_ignore_ascii_case("transfer-encoding"));
    let last = all.next_back()?.value.rsplit(|byte| *byte == b',').next()?;
    Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// Lengths that contradict each other are no HTTP.
fn content_length(headers: &[Header<'_>]) -> Result<Option<u64>, NotHttp> {
    let mut length = None;
    for header in headers.iter().filter(|it| it.name.eq_ignore_ascii_case("content-length")) {
        let text = str::from_utf8(header.value).map_err(|_| NotHttp)?.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let this = if digits { text.parse().map_err(|_| NotHttp)? } else { return Err(NotHttp) };
        if length.replace(this).is_some_and(|other: u64| other != this) {
            return Err(NotHttp);
        }
    }
    Ok(length)
}

/// Whether a header that is a list holds a word.
fn says(headers: &[Header<'_>], name: &str, word: &str) -> bool {
    let named = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    named
        .flat_map(|header| header.value.split(|byte| *byte == b','))
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<Option<RequestHead>, NotHttp> {
        RequestHead::read(text.as_bytes(), |_, _, _| false)
    }

    fn framing(headers: &str) -> Result<Framing, NotHttp> {
        let text = format!("POST / HTTP/1.1\r\n{headers}\r\n");
        request(&text).map(|head| head.unwrap().framing)
    }

    #[test]
    fn the_length_of_a_request_is_what_its_headers_say() {
        assert_eq!(framing(""), Ok(Framing::Length(0)));
        assert_eq!(framing("Content-Length: 5\r\n"), Ok(Framing::Length(5)));
        assert_eq!(framing("content-length: 5\r\nContent-Length: 5\r\n"), Ok(Framing::Length(5)));
        assert_eq!(framing("Transfer-Encoding: gzip, chunked\r\n"), Ok(Framing::Chunked));
        assert_eq!(
            framing("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            Ok(Framing::Chunked)
        );
        for bad in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: +5\r\n",
            "Transfer-Encoding: gzip\r\n",
        ] {
            assert_eq!(framing(bad), Err(NotHttp), "{bad}");
        }
    }

    #[test]
    fn the_length_of_an_answer_depends_on_the_question() {
        let ask = |method: &str| request(&format!("{method} / HTTP/1.1\r\n\r\n")).unwrap().unwrap();
        let answer = |status: u16, headers: &str, method: &str| {
            let text = format!("HTTP/1.1 {status} x\r\n{headers}\r\n");
            ResponseHead::read(text.as_bytes(), &ask(method)).unwrap().unwrap().framing
        };
        assert_eq!(answer(200, "content-length: 7\r\n", "GET"), Framing::Length(7));
        assert_eq!(answer(200, "content-length: 7\r\n", "HEAD"), Framing::Length(0));
        assert_eq!(answer(304, "content-length: 7\r\n", "GET"), Framing::Length(0));
        assert_eq!(answer(200, "transfer-encoding: chunked\r\n", "GET"), Framing::Chunked);
        assert_eq!(answer(200, "", "GET"), Framing::UntilClose);
    }

    #[test]
    fn what_is_not_all_there_is_waited_for_and_what_is_none_is_not() {
        assert_eq!(request("GET / HT"), Ok(None));
        assert_eq!(request("GET / HTTP/1.1\r\nhost: x\r\n"), Ok(None));
        for none in ["*1\r\n$4\r\nPING\r\n", "\u{16}\u{3}\u{1}", "get key\r\n", "EHLO x\r\n"] {
            assert_eq!(request(none), Err(NotHttp), "{none}");
        }
    }

    #[test]
    fn who_says_close_or_speaks_an_old_version_sends_no_more() {
        let keeps = |text: &str| request(text).unwrap().unwrap().keeps_alive;
        assert!(keeps("GET / HTTP/1.1\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.1\r\nConnection: foo, Close\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.0\r\n\r\n"));
    }
}
