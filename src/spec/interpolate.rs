//! Fills the variables of a file in, in its tree, where they stand alone or inside a text.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::mistakes::Mistake;
use super::nearest;
use super::node::Node;
use super::path::Path;
use super::template::{Piece, join, pieces};

/// How many bytes all texts together may have once their variables are filled in.
const MOST_TEXT: usize = 1024 * 1024;

/// What `${…}` can stand for.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Values that are known: variables, `shakedown`, addresses of services.
    pub(super) values: BTreeMap<String, String>,
    /// References that stay in the text: `run.dir` and the declared `secret.name`s.
    pub(super) references: Vec<String>,
    /// Services without a network of their own, which have no address.
    pub(super) without_address: Vec<String>,
    /// How many bytes were filled in.
    pub(super) filled: Cell<usize>,
}

/// Which references may stay in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    Nothing,
    RunDir,
    RunDirAndSecrets,
}

impl Late {
    /// The rule for a place. Arguments of programs are public, so they take no secret.
    fn at(path: &Path) -> Self {
        match path.words().as_slice() {
            ["services", _, "environment", _] => Self::RunDirAndSecrets,
            ["services", _, "command", "*"]
            | ["services", _, "directory"]
            | ["method", .., "fault", "disk-fill", "path"] => Self::RunDir,
            ["services", _, "ready", probe @ ..] | ["hypothesis", "probes", "*", probe @ ..] => {
                Self::in_probe(probe)
            }
            _ => Self::Nothing,
        }
    }

    fn in_probe(words: &[&str]) -> Self {
        match words {
            ["http", "url" | "body"] | ["http", "headers", _] | ["command", "environment", _] => {
                Self::RunDirAndSecrets
            }
            ["command", "run", "*"] | ["command", "shell"] => Self::RunDir,
            _ => Self::Nothing,
        }
    }
}

impl Scope {
    /// Fills in everything below the root, except where variables and secrets are declared.
    pub(super) fn fill(&self, root: &mut Node) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if let Node::Map(map) = root {
            for (key, node) in map {
                if matches!(key.as_str(), "variables" | "secrets") {
                    refuse_references(node, &Path::of(key), &mut mistakes);
                } else {
                    self.fill_node(node, &Path::of(key), &mut mistakes);
                }
            }
        }
        mistakes
    }

    /// A node below this path, filled in before the rest.
    pub(super) fn filled(&self, node: &Node, path: &Path) -> Result<Node, Vec<Mistake>> {
        let (mut node, mut mistakes) = (node.clone(), Vec::new());
        self.fill_node(&mut node, path, &mut mistakes);
        if mistakes.is_empty() { Ok(node) } else { Err(mistakes) }
    }

    fn fill_node(&self, node: &mut Node, path: &Path, mistakes: &mut Vec<Mistake>) {
        match node {
            Node::Text(text) => match self.fill_text(text, path) {
                Ok(filled) => *node = filled,
                Err(found) => mistakes.extend(found),
            },
            Node::List(nodes) => {
                for (index, node) in nodes.iter_mut().enumerate() {
                    self.fill_node(node, &path.item(index), mistakes);
                }
            }
            Node::Map(map) => {
                for (key, node) in map {
                    self.fill_node(node, &path.key(key), mistakes);
                }
            }
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Given(_) => {}
        }
    }

    fn fill_text(&self, text: &str, path: &Path) -> Result<Node, Vec<Mistake>> {
        let pieces = pieces(text).map_err(|_| {
            let mistake = Mistake::at(path.clone(), "`${` is never closed");
            vec![mistake.help("write `$$` for a literal `$`".to_owned())]
        })?;
        let late = Late::at(path);
        if let [Piece::Reference(name)] = pieces.as_slice()
            && let Ok(Piece::Literal(value)) = self.resolve(name, path, late)
        {
            return Ok(given(value, path, late));
        }
        let mut mistakes = Vec::new();
        let mut filled = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Reference(name) => match self.resolve(name, path, late) {
                    Ok(piece) => filled.push(piece),
                    Err(mistake) => mistakes.push(mistake),
                },
                literal @ Piece::Literal(_) => filled.push(literal),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Node::Text(if late == Late::Nothing { plain(&filled) } else { join(&filled) }))
    }

    fn resolve<'a>(&'a self, name: &'a str, path: &Path, late: Late) -> Result<Piece<'a>, Mistake> {
        let fail = |message: String| Mistake::at(path.clone(), message);
        if let Some(value) = self.values.get(name) {
            self.filled.set(self.filled.get() + value.len());
            return match self.filled.get() {
                ..=MOST_TEXT => Ok(Piece::Literal(value)),
                _ => Err(fail("the variables stand for more than 1 MiB of text".to_owned())),
            };
        }
        if !self.references.iter().any(|reference| reference == name) {
            return Err(self.undefined(name, path));
        }
        match late {
            Late::RunDirAndSecrets => Ok(Piece::Reference(name)),
            Late::RunDir if name == "run.dir" => Ok(Piece::Reference(name)),
            _ if name == "run.dir" => Err(fail("`${run.dir}` is not known here".to_owned()).help(
                "it can be used in commands, environments, directories, HTTP requests and the path of `disk-fill`".to_owned(),
            )),
            _ => Err(fail(format!("the secret `${{{name}}}` would be public here")).help(
                "secrets can be used in HTTP urls, headers and bodies and in `environment` values".to_owned(),
            )),
        }
    }

    fn undefined(&self, name: &str, path: &Path) -> Mistake {
        let address = name.strip_prefix("service.").and_then(|rest| rest.strip_suffix(".address"));
        if let Some(service) = address
            && self.without_address.iter().any(|known| known == service)
        {
            let message = format!("the service `{service}` has no address of its own");
            return Mistake::at(path.clone(), message)
                .help("give it `network: own`, or use 127.0.0.1".to_owned());
        }
        let known = self.values.keys().chain(&self.references).map(String::as_str);
        let hint = nearest::hint(name, known).unwrap_or_default();
        Mistake::at(path.clone(), format!("`${{{name}}}` is not defined"))
            .help(format!("{hint} For the text itself write `$${{{name}}}`").trim().to_owned())
    }
}

/// A value that stands alone, in the form its place takes.
fn given(value: &str, path: &Path, late: Late) -> Node {
    match path.words().as_slice() {
        // Any JSON may stand there, so the value decides what it is.
        [.., "json", "equals"] => Node::from_scalar(value),
        _ if late == Late::Nothing => Node::Given(value.to_owned()),
        _ => Node::Text(join(&[Piece::Literal(value)])),
    }
}

fn plain(pieces: &[Piece<'_>]) -> String {
    let text = |piece: &Piece<'_>| match *piece {
        Piece::Literal(text) | Piece::Reference(text) => text.to_owned(),
    };
    pieces.iter().map(text).collect()
}

/// Declarations use no variables, so that there is no order and no circle to think about.
fn refuse_references(node: &Node, path: &Path, mistakes: &mut Vec<Mistake>) {
    match node {
        Node::Text(text) if text.contains("${") => {
            let message = "variables and secrets cannot be declared by means of others";
            mistakes.push(Mistake::at(path.clone(), message));
        }
        Node::Map(map) => {
            for (key, node) in map {
                refuse_references(node, &path.key(key), mistakes);
            }
        }
        _ => {}
    }
}
