//! Names of runs.

use rand::RngExt;

/// Letters that are not taken for one another or for digits.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstvwxyz23456789";

/// A name that sorts by time and that nobody else has: the second, in UTC, and four letters.
#[must_use]
pub fn new_id(now: jiff::Timestamp) -> String {
    let mut random = rand::rng();
    let letters: String = (0..4)
        .filter_map(|_| LETTERS.get(random.random_range(0..LETTERS.len())))
        .map(|letter| char::from(*letter))
        .collect();
    format!("{}-{letters}", now.strftime("%Y%m%d-%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_begins_with_the_second() {
        let id = new_id("2026-11-20T09:05:12Z".parse().unwrap());
        assert!(id.starts_with("20261120-090512-") && id.len() == 20, "{id}");
    }
}
