//! One thing that a host lets us do, or does not.

use serde::Serialize;

/// The result of trying one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// What was tried.
    pub name: &'static str,
    /// What came of it.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What follows: which faults are affected, and what happens instead.
    pub means: &'static str,
    /// How to mend it; for gaps only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It works.
    Ok,
    /// Some faults are not to be had, or are undone less surely.
    Gap,
    /// No run can be made here.
    Missing,
}

impl State {
    /// The word in tables and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Gap => "gap",
            Self::Missing => "missing",
        }
    }
}

impl Check {
    /// It works, and this is what it is good for.
    pub(super) fn ok(name: &'static str, found: impl Into<String>, means: &'static str) -> Self {
        Self { name, state: State::Ok, found: found.into(), means, remedy: None }
    }

    /// It does not work.
    pub(super) fn gap(
        name: &'static str,
        found: impl Into<String>,
        means: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { name, state: State::Gap, found: found.into(), means, remedy: Some(remedy) }
    }

    /// No run can do without it.
    pub(super) fn essential(self) -> Self {
        let state = if self.state == State::Ok { State::Ok } else { State::Missing };
        Self { state, ..self }
    }
}

/// What one check says either way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) name: &'static str,
    /// What it is good for.
    pub(super) good: &'static str,
    /// What happens without.
    pub(super) without: &'static str,
    pub(super) remedy: &'static str,
}

impl Words {
    /// The check, by what trying came to.
    pub(super) fn check(self, tried: Result<String, impl Into<anyhow::Error>>) -> Check {
        match tried {
            Ok(found) => Check::ok(self.name, found, self.good),
            Err(error) => {
                let error = error.into();
                Check::gap(self.name, format!("{error:#}"), self.without, self.remedy)
            }
        }
    }
}
