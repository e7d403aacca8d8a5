//! HTTP requests.

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Request, Response, Url};

use super::expectation::{JsonCheck, check_text};
use super::{Reading, Surroundings, failure};
use crate::spec::{BodyExpectation, HttpProbe, StatusExpectation};

/// As much of a body as is read.
const LONGEST_BODY: usize = 4 << 20;

/// Sends one request again and again, over connections that are kept alive. Redirects are not
/// followed, a 3xx is the answer; no proxy is used, whatever the environment says.
#[derive(Debug)]
pub(super) struct HttpCheck {
    client: Client,
    request: Request,
    status: StatusExpectation,
    body: Option<BodyExpectation>,
    json: Option<JsonCheck>,
    surroundings: Surroundings,
}

impl HttpCheck {
    /// Fails if a part of the request is not what HTTP allows.
    pub(super) fn new(probe: &HttpProbe, surroundings: &Surroundings) -> Result<Self, String> {
        let request = request(probe, surroundings)?;
        let json = probe.expect.json.as_ref();
        let json = json.map(|json| JsonCheck::new(&json.path, json.equals.clone())).transpose()?;
        Ok(Self {
            client: client(request.url().scheme() == "https")?,
            request,
            status: probe.expect.status.clone(),
            body: probe.expect.body.clone(),
            json,
            surroundings: surroundings.clone(),
        })
    }

    /// Sends the request and reads the answer to its end.
    pub(super) async fn measure(&self) -> Reading {
        // A body is bytes and never a stream, so that it can always be sent again.
        let Some(request) = self.request.try_clone() else {
            return Reading::probe_error("the request cannot be sent twice");
        };
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) => return reading(&error),
        };
        let status = response.status().as_u16();
        let body = match read(response).await {
            Ok(body) => body,
            Err(error) => return reading(&error),
        };
        if !self.status.contains(status) {
            return Reading::violated(format!("status {status}, expected {}", self.status));
        }
        self.check_body(&body)
    }

    fn check_body(&self, body: &[u8]) -> Reading {
        if self.body.is_none() && self.json.is_none() {
            return Reading::ok();
        }
        if body.len() > LONGEST_BODY {
            return Reading::probe_error("the body is longer than 4MiB, as much as is read");
        }
        if let Some(expectation) = &self.body {
            let text = String::from_utf8_lossy(body);
            if let Err(wrong) = check_text("body", &text, expectation, &self.surroundings) {
                return Reading::violated(wrong);
            }
        }
        self.json.as_ref().map_or_else(Reading::ok, |json| json.check(body, &self.surroundings))
    }
}

fn request(probe: &HttpProbe, surroundings: &Surroundings) -> Result<Request, String> {
    let reveal = &surroundings.reveal;
    let url = reveal(&probe.url);
    let url = Url::parse(&url).map_err(|error| format!("`{}` is no URL: {error}", probe.url))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is no URL of http or https", probe.url));
    }
    let method = Method::from_bytes(probe.method.as_bytes())
        .map_err(|_| format!("`{}` is no HTTP method", probe.method))?;
    let mut request = Request::new(method, url);
    for (name, value) in &probe.headers {
        let value = HeaderValue::from_str(reveal(value).trim())
            .map_err(|_| format!("the value of the header `{name}` is not what HTTP allows"))?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` is no name of an HTTP header"))?;
        request.headers_mut().append(name, value);
    }
    if let Some(body) = &probe.body {
        *request.body_mut() = Some(reveal(body).into());
    }
    Ok(request)
}

fn client(tls: bool) -> Result<Client, String> {
    // Fails if there is a provider already, which then is this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("shakedown/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy();
    // Reading the system's certificates takes milliseconds, which plain HTTP can spare.
    let builder = if tls { builder } else { builder.tls_certs_only([]) };
    builder
        .build()
        .map_err(|error| format!("the HTTP client cannot be set up: {}", failure::deepest(&error)))
}

/// The body to its end, or as much as says that it is too long.
async fn read(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() <= LONGEST_BODY
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a failed exchange says about the target. The URL stays out of it: it may hold a secret.
fn reading(error: &reqwest::Error) -> Reading {
    if error.is_builder() {
        return Reading::probe_error(failure::deepest(error));
    }
    if let Some(tls) = failure::find::<rustls::Error>(error) {
        return Reading::unreachable(format!("TLS: {tls}"));
    }
    if let Some(io) = failure::find::<std::io::Error>(error) {
        return failure::reading(io);
    }
    match failure::find::<hyper::Error>(error) {
        Some(http) if http.is_parse() => {
            Reading::violated(format!("the answer is no HTTP: {}", failure::deepest(error)))
        }
        Some(http) if http.is_incomplete_message() => Reading::unreachable(failure::CUT_OFF),
        _ => Reading::unreachable(failure::deepest(error)),
    }
}

#[cfg(test)]
mod tests;
