//! The values of secrets: filled in where they are used, and blotted out where they show up.

use std::collections::BTreeMap;
use std::fmt;

use super::template::{self, Unfilled};

/// Shorter values are not searched for: blotting out every `ab` would say more than it hides.
const SHORTEST: usize = 4;

/// The values of an experiment's secrets, by name. They are never printed, serialized or compared.
#[derive(Default)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// The text with its `${secret.name}` filled in. Other references are an error; to fill in
    /// `${run.dir}` as well use [`template::fill`] with [`Secrets::get`].
    pub fn reveal(&self, text: &str) -> Result<String, Unfilled> {
        template::fill(text, |name| self.get(name).map(str::to_owned))
    }

    /// The value of a reference such as `secret.token`.
    #[must_use]
    pub fn get(&self, reference: &str) -> Option<&str> {
        self.0.get(reference.strip_prefix("secret.")?).map(String::as_str)
    }

    /// The text with `***` instead of every value, the longest first. Values shorter than 4 bytes
    /// are not searched for.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut values: Vec<&str> = self.0.values().map(String::as_str).collect();
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.iter().fold(text.to_owned(), |text, value| text.replace(value, "***"))
    }
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        [("token", "hunter2"), ("long", "hunter2-and-more"), ("pin", "12")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect()
    }

    #[test]
    fn values_are_revealed_only_on_request() {
        assert_eq!(secrets().reveal("Bearer ${secret.token}").unwrap(), "Bearer hunter2");
        assert!(secrets().reveal("${secret.other}").is_err());
        assert_eq!(format!("{:?}", secrets()), r#"{"long", "pin", "token"}"#);
    }

    #[test]
    fn the_longest_value_is_blotted_out_first() {
        assert_eq!(secrets().redact("a hunter2-and-more b hunter2 12"), "a *** b *** 12");
    }
}
