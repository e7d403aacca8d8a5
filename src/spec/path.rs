//! Where in the file a value stands.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// To the value of this key.
    Key(String),
    /// To this item of a list, from 0.
    Item(usize),
}

/// The way from the root of the file to a value, printed as `method[0].fault.network-latency`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

impl Path {
    /// The value of a key of the root.
    pub(super) fn of(key: &str) -> Self {
        Self::default().key(key)
    }

    /// The value of a key of this map.
    pub(super) fn key(&self, key: &str) -> Self {
        self.then(Segment::Key(key.to_owned()))
    }

    /// An item of this list.
    pub(super) fn item(&self, index: usize) -> Self {
        self.then(Segment::Item(index))
    }

    fn then(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }

    /// Puts the way to this path's root in front, for paths that grow from the leaf.
    pub(super) fn prepend(&mut self, segment: Segment) {
        self.0.insert(0, segment);
    }

    /// This path below another.
    pub(super) fn below(mut self, parent: &Self) -> Self {
        self.0.splice(0..0, parent.0.iter().cloned());
        self
    }

    /// The steps, from the root.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The keys on the way, with `*` for items: what place rules match on.
    pub(super) fn words<'a>(&'a self) -> Vec<&'a str> {
        let word = |segment: &'a Segment| match segment {
            Segment::Key(key) => key.as_str(),
            Segment::Item(_) => "*",
        };
        self.0.iter().map(word).collect()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Item(item) => write!(formatter, "[{item}]")?,
                Segment::Key(key) if index == 0 => formatter.write_str(key)?,
                Segment::Key(key) => write!(formatter, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_they_are_spoken() {
        let path = Path::of("method").item(0).key("fault").key("network-latency");
        assert_eq!(path.to_string(), "method[0].fault.network-latency");
        assert_eq!(path.words(), ["method", "*", "fault", "network-latency"]);
        assert_eq!(Path::of("b").below(&Path::of("a")).to_string(), "a.b");
    }
}
