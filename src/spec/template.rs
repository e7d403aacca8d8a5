//! `${name}`: variables, filled in when the file is read; secrets and the run's folder, which
//! stay in the text as references and are filled in at the place of use.

/// A piece of a text with references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text as it is.
    Literal(&'a str),
    /// The name between `${` and `}`.
    Reference(&'a str),
}

/// Cuts a text into its pieces. `$$` is a literal `$`; a `$` before anything else than `{` stays.
/// The error is the rest of the text from a `${` that is never closed.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, &str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Literal(before));
        let from_dollar = rest.get(before.len()..).unwrap_or_default();
        if let Some(tail) = after.strip_prefix('$') {
            pieces.push(Piece::Literal("$"));
            rest = tail;
        } else if let Some(tail) = after.strip_prefix('{') {
            let (name, tail) = tail.split_once('}').ok_or(from_dollar)?;
            pieces.push(Piece::Reference(name));
            rest = tail;
        } else {
            pieces.push(Piece::Literal("$"));
            rest = after;
        }
    }
    pieces.push(Piece::Literal(rest));
    pieces.retain(|piece| *piece != Piece::Literal(""));
    Ok(pieces)
}

/// Writes pieces so that [`pieces`] reads the same again: a literal `$` is doubled where it would
/// otherwise begin something.
pub(super) fn join(pieces: &[Piece<'_>]) -> String {
    let mut text = String::new();
    let mut open = false;
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => {
                for character in literal.chars() {
                    if open && matches!(character, '$' | '{') {
                        text.push('$');
                    }
                    text.push(character);
                    open = character == '$';
                }
            }
            Piece::Reference(name) => {
                text.push_str(if open { "$${" } else { "${" });
                text.push_str(name);
                text.push('}');
                open = false;
            }
        }
    }
    text
}

/// A reference that nobody could fill in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`${{{name}}}` has no value here")]
pub struct Unfilled {
    /// The name between `${` and `}`.
    pub name: String,
}

/// Fills in the references a text of the experiment still holds (`${secret.name}`, `${run.dir}`)
/// and turns `$$` into `$`. Values are not searched for references again. Every text that may
/// hold them must go through here before it is used: URLs, headers and bodies of HTTP probes;
/// arguments, shell lines and environments of commands; commands, environments and directories of
/// services; the path of `disk-fill`.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, Unfilled> {
    let unfilled = |name: &str| Unfilled { name: name.to_owned() };
    let mut filled = String::new();
    for piece in pieces(text).map_err(unfilled)? {
        match piece {
            Piece::Literal(literal) => filled.push_str(literal),
            Piece::Reference(name) => {
                filled.push_str(&value(name).ok_or_else(|| unfilled(name))?);
            }
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn references_are_filled_and_dollars_stay() {
        let value = |name: &str| (name == "run.dir").then(|| "/run/${x}".to_owned());
        assert_eq!(
            fill("a ${run.dir}/$HOME $$ $${b} $", value).unwrap(),
            "a /run/${x}/$HOME $ ${b} $"
        );
        assert_eq!(
            fill("${nobody}", value).unwrap_err().to_string(),
            "`${nobody}` has no value here"
        );
        assert_eq!(fill("${open", value).unwrap_err().name, "${open");
    }

    proptest! {
        #[test]
        fn a_joined_text_reads_as_its_pieces(literal in "[$a{}]{0,8}", more in "[$a{}]{0,8}") {
            let text = join(&[Piece::Literal(&literal), Piece::Reference("x"), Piece::Literal(&more)]);
            let filled = fill(&text, |name| Some(format!("<{name}>"))).unwrap();
            prop_assert_eq!(filled, format!("{literal}<x>{more}"));
        }
    }
}
