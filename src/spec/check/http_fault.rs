//! Rules for the parameters of `http-fault`.

use super::Check;
use crate::spec::path::Path;
use crate::spec::{HeaderChange, HttpFault, HttpMatch, ResponseChange};

impl Check<'_> {
    pub(super) fn http_fault(&mut self, path: &Path, fault: &HttpFault) {
        self.proxied(path, &fault.ports, (&fault.peers, &fault.except));
        self.above_zero_percent(path, fault.percent);
        self.http_match(&path.key("match"), &fault.matching);
        self.http_delay(path, fault);
        self.http_actions(path, fault);
        if let Some(answer) = &fault.answer {
            let path = path.key("answer");
            self.http_status(path.key("status"), answer.status);
            self.http_headers(&path.key("headers"), answer.headers.iter());
        }
        if let Some(request) = &fault.request {
            self.header_change(&path.key("request").key("headers"), &request.headers);
            if request.headers.is_empty() && request.body.is_none() {
                self.wrong(path.key("request"), "at least one of `headers`, `body` is needed");
            }
        }
        if let Some(response) = &fault.response {
            self.response_change(&path.key("response"), response);
        }
    }

    fn http_delay(&mut self, path: &Path, fault: &HttpFault) {
        if fault.jitter > fault.delay {
            let message =
                format!("the jitter, {}, is larger than the delay, {}", fault.jitter, fault.delay);
            self.wrong_but(path.key("jitter"), message, "no request can arrive before it was sent");
        }
    }

    /// Who aborts or answers changes nothing; and something must happen.
    fn http_actions(&mut self, path: &Path, fault: &HttpFault) {
        let actions = [
            ("abort", fault.abort.is_some()),
            ("answer", fault.answer.is_some()),
            ("request", fault.request.is_some()),
            ("response", fault.response.is_some()),
        ];
        let given: Vec<&str> =
            actions.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        match given.as_slice() {
            [] if fault.delay.is_zero() => self.wrong(
                path.clone(),
                "at least one of `delay`, `abort`, `answer`, `request`, `response` is needed",
            ),
            [first @ ("abort" | "answer"), second, ..] => {
                self.wrong_key(
                    path.key(second),
                    format!("`{first}` and `{second}` exclude each other"),
                );
            }
            _ => {}
        }
    }

    fn http_match(&mut self, path: &Path, matching: &HttpMatch) {
        for (index, method) in matching.methods.iter().enumerate() {
            if !is_token(method) {
                let place = path.key("methods").item(index);
                self.wrong(place, format!("`{method}` is no HTTP method; write one such as `GET`"));
            }
        }
        for (index, glob) in matching.paths.iter().enumerate() {
            if !glob.starts_with(['/', '*']) {
                let help = format!("write `/{glob}` or `*{glob}`");
                let message = format!("the path `{glob}` begins neither with `/` nor with `*`");
                self.wrong_but(path.key("paths").item(index), message, help);
            }
        }
        for name in matching.headers.keys() {
            self.header_name(path.key("headers").key(name), name);
        }
    }

    fn response_change(&mut self, path: &Path, response: &ResponseChange) {
        if let Some(status) = response.status {
            self.http_status(path.key("status"), status);
        }
        self.header_change(&path.key("headers"), &response.headers);
        let nothing =
            ResponseChange { headers: response.headers.clone(), ..ResponseChange::default() };
        if *response == nothing && response.headers.is_empty() {
            let message =
                "at least one of `status`, `headers`, `body`, `truncate`, `corrupt` is needed";
            self.wrong(path.clone(), message);
        }
        if response.corrupt == Some(0) {
            self.wrong(path.key("corrupt"), "to flip 0 bits is no fault");
        }
    }

    fn http_status(&mut self, path: Path, status: u16) {
        if !(200..=599).contains(&status) {
            self.wrong(
                path,
                format!("{status} is no status of an answer; they go from 200 to 599"),
            );
        }
    }

    fn header_change(&mut self, path: &Path, change: &HeaderChange) {
        self.http_headers(&path.key("set"), change.set.iter());
        for (index, name) in change.remove.iter().enumerate() {
            if !is_token(name) {
                let message = format!("`{name}` is no name of a header");
                self.wrong(path.key("remove").item(index), message);
            }
        }
    }

    fn http_headers<'b>(
        &mut self,
        path: &Path,
        headers: impl Iterator<Item = (&'b String, &'b String)>,
    ) {
        for (name, value) in headers {
            self.header_name(path.key(name), name);
            if value.contains(['\r', '\n', '\0']) {
                self.wrong(path.key(name), "the value of a header is one line");
            }
        }
    }

    fn header_name(&mut self, path: Path, name: &str) {
        if !is_token(name) {
            self.wrong_key(path, format!("`{name}` is no name of a header"));
        }
    }
}

/// A token of RFC 9110, section 5.6.2: what methods and names of headers are made of.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
