//! Patterns for names of the domain name system.

use std::fmt;
use std::str::FromStr;

use super::text::text_quantity;

/// A name, or a pattern in which `*` stands for any characters, dots as well, and `?` for one.
/// Upper and lower case are the same, and so is a name with and without the dot of the root.
#[derive(Clone, Debug)]
pub struct NamePattern {
    text: String,
    regex: regex::Regex,
}

/// The longest name in text, without the dot of the root (RFC 1035, 2.3.4).
const LONGEST: usize = 253;

impl NamePattern {
    /// Whether it matches the whole name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name.strip_suffix('.').unwrap_or(name))
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let may = |c: char| c.is_ascii_alphanumeric() || "-_.*?".contains(c);
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(may) {
            return Err(format!(
                "`{text}` is no name; write one such as `db.example.com` or `*.example.com`"
            ));
        }
        if name.starts_with('.') || name.contains("..") {
            return Err(format!("`{text}` is no name: it has an empty part; write `*` for any"));
        }
        let expression = regex::escape(name).replace(r"\*", ".*").replace(r"\?", ".");
        let regex = regex::Regex::new(&format!("(?is)^{expression}$"))
            .map_err(|_| format!("`{text}` is too long a pattern"))?;
        Ok(Self { text: text.to_owned(), regex })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

text_quantity!(NamePattern, "a name or a pattern such as `*.example.com`", r"^[0-9a-zA-Z_.*?-]+$");

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<NamePattern>().unwrap().matches(name)
    }

    #[test]
    fn a_star_stands_for_anything_but_not_for_nothing_before_a_dot() {
        assert!(matches("*.example.com", "a.example.com."));
        assert!(matches("*.example.com", "a.b.EXAMPLE.com"));
        assert!(!matches("*.example.com", "example.com"));
        assert!(!matches("*.example.com", "a.example.com.evil"));
        assert!(matches("*", "anything.at.all"));
        assert!(matches("db-?.local", "db-1.local") && !matches("db-?.local", "db-10.local"));
    }

    #[test]
    fn a_name_is_itself_alone() {
        assert!(matches("db.example.com.", "DB.example.com"));
        assert!(!matches("db.example.com", "xdb.example.com"));
        assert!(!matches("db.example.com", "dbxexample.com"));
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |text: &str| text.parse::<NamePattern>().unwrap_err();
        insta::assert_snapshot!(refused("http://x"), @"`http://x` is no name; write one such as `db.example.com` or `*.example.com`");
        insta::assert_snapshot!(refused(".example.com"), @"`.example.com` is no name: it has an empty part; write `*` for any");
        assert!(refused("").contains("no name") && refused(".").contains("no name"));
    }
}
