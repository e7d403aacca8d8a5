//! What is done to which requests, made ready once.

use anyhow::{Context, Result};
use bytes::Bytes;
use regex::Regex;

use super::super::dice::Dice;
use super::answer::Answer;
use super::edit::Edit;
use super::spoil::Spoil;
use crate::act::HttpSpoil;
use crate::spec::HttpAbort;
use crate::spec::quantity::{Pattern, Percent, Size};

/// What is done to which requests.
#[derive(Debug)]
pub(in super::super) struct Spoiler {
    methods: Vec<String>,
    paths: Vec<Regex>,
    target: Option<Pattern>,
    headers: Vec<(String, Pattern)>,
    percent: Percent,
    delay: std::time::Duration,
    jitter: std::time::Duration,
    pub(super) abort: Option<HttpAbort>,
    pub(super) answer: Option<Answer>,
    pub(super) request: Change,
    pub(super) response: Change,
    truncate: Option<u64>,
    corrupt: Option<u16>,
}

/// What is changed in a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// In its head, if it keeps its body or has none.
    pub(super) edit: Edit,
    /// In its head with another body, and that body.
    pub(super) body: Option<(Edit, Bytes)>,
}

impl Change {
    fn new(edit: Edit, body: Option<&String>) -> Self {
        let body = body.map(|text| (edit.with_length(text.len()), Bytes::from(text.clone())));
        Self { edit, body }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.edit.is_empty() && self.body.is_none()
    }
}

impl Spoiler {
    /// Makes ready what was checked when the file was read.
    pub(in super::super) fn new(spoil: &HttpSpoil) -> Result<Self> {
        let request = match &spoil.request {
            Some(it) => Change::new(Edit::new(None, &it.headers)?, it.body.as_ref()),
            None => Change::default(),
        };
        let answer = spoil.response.as_ref();
        let response = match answer {
            Some(it) => Change::new(Edit::new(it.status, &it.headers)?, it.body.as_ref()),
            None => Change::default(),
        };
        let matching = &spoil.matching;
        Ok(Self {
            methods: matching.methods.clone(),
            paths: matching.paths.iter().map(|path| glob(path)).collect::<Result<_>>()?,
            target: matching.path_pattern.clone(),
            headers: matching.headers.iter().map(|(name, it)| (name.clone(), it.clone())).collect(),
            percent: spoil.percent,
            delay: spoil.delay.get(),
            jitter: spoil.jitter.get(),
            abort: spoil.abort,
            answer: spoil.answer.as_ref().map(Answer::new).transpose()?,
            request,
            response,
            truncate: answer.and_then(|it| it.truncate).map(Size::bytes),
            corrupt: answer.and_then(|it| it.corrupt),
        })
    }

    /// Whether a request is one of those that are meant; of these a share is spoilt.
    pub(super) fn wants<'h>(
        &self,
        method: &str,
        target: &str,
        headers: &(impl Iterator<Item = (&'h str, &'h [u8])> + Clone),
    ) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|it| it.eq_ignore_ascii_case(method)))
            && (self.paths.is_empty() || self.paths.iter().any(|it| it.is_match(path(target))))
            && self.target.as_ref().is_none_or(|pattern| pattern.is_match(origin(target)))
            && self.headers.iter().all(|(name, pattern)| {
                let mut named = headers.clone().filter(|(it, _)| it.eq_ignore_ascii_case(name));
                named.any(|(_, value)| pattern.is_match(&String::from_utf8_lossy(value)))
            })
    }

    /// Whether chance picks a request that is wanted.
    pub(super) fn picks(&self, dice: &Dice) -> bool {
        dice.falls(self.percent)
    }

    /// How long this request waits; `None` if requests do not.
    pub(super) fn delay(&self, dice: &Dice) -> Option<std::time::Duration> {
        (!self.delay.is_zero()).then(|| dice.around(self.delay, self.jitter))
    }

    /// What is done to the data of an answer.
    pub(super) fn spoil(&self) -> Spoil {
        Spoil::new(self.truncate, self.corrupt)
    }
}

/// The target without scheme and authority, which requests to a proxy have.
fn origin(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
        return target;
    };
    rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/")
}

fn path(target: &str) -> &str {
    let origin = origin(target);
    origin.split_once('?').map_or(origin, |(path, _)| path)
}

/// `*` stands for anything, `?` for one character.
fn glob(text: &str) -> Result<Regex> {
    let pattern = regex::escape(text).replace(r"\*", ".*").replace(r"\?", ".");
    Regex::new(&format!("^{pattern}$")).with_context(|| format!("`{text}` is no path"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wants(matching: serde_json::Value, method: &str, target: &str) -> bool {
        let matching = serde_json::from_value(matching).unwrap();
        let spoiler = Spoiler::new(&HttpSpoil { matching, ..HttpSpoil::default() }).unwrap();
        let headers = [("Host", &b"shop"[..]), ("X-User", b"42")];
        spoiler.wants(method, target, &headers.into_iter())
    }

    #[test]
    fn requests_match_by_all_that_is_given() {
        for (matching, method, target, wanted) in [
            (json!({}), "GET", "/", true),
            (json!({"methods": ["POST", "PUT"]}), "PUT", "/", true),
            (json!({"methods": ["POST"]}), "GET", "/", false),
            (json!({"paths": ["/a/*"]}), "GET", "/a/b/c?d=e", true),
            (json!({"paths": ["/a/*", "/x"]}), "GET", "/x", true),
            (json!({"paths": ["/a"]}), "GET", "/a/b", false),
            (json!({"paths": ["/a.b"]}), "GET", "/aXb", false),
            (json!({"paths": ["/v?/a"]}), "GET", "http://shop:80/v1/a", true),
            (json!({"path-pattern": "id=[0-9]+$"}), "GET", "/a?id=17", true),
            (json!({"path-pattern": "id=[0-9]+$"}), "GET", "/a?id=x", false),
            (json!({"headers": {"x-user": "^4"}}), "GET", "/", true),
            (json!({"headers": {"x-user": "^5"}}), "GET", "/", false),
            (json!({"headers": {"x-other": ""}}), "GET", "/", false),
        ] {
            assert_eq!(wants(matching.clone(), method, target), wanted, "{matching} {target}");
        }
    }
}
