//! From text to an experiment that has been checked.

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::context::Context;
use super::mistakes::{Mistake, Mistakes};
use super::node::Node;
use super::path::Path;
use super::{Experiment, check, tree};

/// Reads an experiment: its YAML, its variables, its types, and the rules between its fields.
/// `origin` is the name of the file, for messages. Nothing is touched but what `context` reads.
pub fn parse(text: &str, origin: &str, context: &Context<'_>) -> Result<Experiment, Mistakes> {
    // The parser would count a byte order mark as a column, and see the first line indented.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    read(text, context).map_err(|list| Mistakes::new(origin, text, list))
}

/// Reads a file of settings as strictly as an experiment, but without variables. An empty file is
/// one without settings. `origin` is the name of the file, for messages.
pub fn parse_settings<T: DeserializeOwned>(text: &str, origin: &str) -> Result<T, Mistakes> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = || {
        let root = match tree::read(text)? {
            Node::Null => Node::Map(IndexMap::new()),
            root => root,
        };
        T::deserialize(&root).map_err(|complaint| complaint.below(&Path::default()))
    };
    read().map_err(|mistake| Mistakes::new(origin, text, vec![mistake]))
}

fn read(text: &str, context: &Context<'_>) -> Result<Experiment, Vec<Mistake>> {
    let mut root = tree::read(text).map_err(|mistake| vec![mistake])?;
    check_version(&root)?;
    let mistakes = context.scope(&root)?.fill(&mut root);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let experiment = Experiment::deserialize(&root)
        .map_err(|complaint| vec![complaint.below(&Path::default())])?;
    let mistakes = check::check(&experiment);
    if mistakes.is_empty() { Ok(experiment) } else { Err(mistakes) }
}

/// Makes an experiment of its parts, such as those of a command line, and checks it as a file is
/// checked; but it may have nothing to measure. The error is the first mistake, as a sentence.
pub fn assemble(parts: serde_json::Value) -> Result<Experiment, String> {
    let experiment: Experiment =
        serde_json::from_value(parts).map_err(|error| error.to_string())?;
    let mistakes = check::check(&experiment);
    let about_hypothesis = |path: &Path| path.words().first() == Some(&"hypothesis");
    let first = mistakes.iter().find(|mistake| !mistake.path().is_some_and(about_hypothesis));
    first.map_or(Ok(experiment), |mistake| Err(mistake.sentence()))
}

/// A file of another version is not blamed for what it holds.
fn check_version(root: &Node) -> Result<(), Vec<Mistake>> {
    match root {
        Node::Null => {
            return Err(vec![
                Mistake::at(Path::default(), "the file is empty")
                    .help("begin with `version: 1`".to_owned()),
            ]);
        }
        Node::Map(_) => {}
        _ => return Err(vec![Mistake::at(Path::default(), "an experiment is a map of fields")]),
    }
    match root.get("version") {
        Some(Node::Number(version)) if version.as_u64() != Some(1) => {
            let message = format!("version {version} of the format is not known");
            Err(vec![
                Mistake::at(Path::of("version"), message)
                    .help("this program reads `version: 1`".to_owned()),
            ])
        }
        _ => Ok(()),
    }
}
