//! Lists that narrow something down.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A list with something in it. One that somebody wrote and left empty, a template with nothing to
/// fill in, say, would mean everything, which nobody who writes a list wants.
pub(super) fn not_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() {
        return Err(D::Error::custom("an empty list matches nothing; leave the field out for all"));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use crate::spec::Peers;

    #[test]
    fn an_empty_list_is_not_everything() {
        let peers = |text: &str| serde_json::from_str::<Peers>(text);
        assert_eq!(peers("{}").unwrap(), Peers::default());
        assert_eq!(peers(r#"{"hosts": ["db"]}"#).unwrap().hosts, ["db"]);
        let refused = peers(r#"{"hosts": []}"#).unwrap_err().to_string();
        assert!(refused.starts_with("an empty list matches nothing"), "{refused}");
    }
}
