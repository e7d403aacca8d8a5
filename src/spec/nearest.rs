//! The nearest right word.

/// What to say about a wrong word: the nearest of the right ones, or all of them.
#[must_use]
pub fn hint<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let right: Vec<&str> = right.into_iter().collect();
    let near = right
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&wrong.to_lowercase(), word), *word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((_, word)) => Some(format!("did you mean `{word}`?")),
        None => choices(&right),
    }
}

fn choices(words: &[&str]) -> Option<String> {
    let quoted = |words: &[&str]| {
        words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    };
    match words {
        [] => None,
        [only] => Some(format!("there is only `{only}`.")),
        [first @ .., last] => Some(format!("choose from {} and `{last}`.", quoted(first))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_named_and_otherwise_all_are_listed() {
        assert_eq!(hint("dely", ["delay", "jitter"]).unwrap(), "did you mean `delay`?");
        assert_eq!(hint("Delay", ["delay", "jitter"]).unwrap(), "did you mean `delay`?");
        assert_eq!(hint("x", ["delay", "jitter"]).unwrap(), "choose from `delay` and `jitter`.");
        assert_eq!(hint("x", ["delay"]).unwrap(), "there is only `delay`.");
        assert_eq!(hint("x", []), None);
    }
}
