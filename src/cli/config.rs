//! The configuration file: what is true of this machine, whatever experiment it runs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::spec;

/// Where the file of the whole machine is.
const OF_THE_MACHINE: &str = "/etc/shakedown/config.yaml";

/// The settings of a configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Config {
    /// Where this is: must equal the `environment:` of an experiment that has one.
    #[serde(default)]
    pub(super) environment: Option<String>,
}

impl Config {
    /// Reads the file that `SHAKEDOWN_CONFIG` names, or else `$XDG_CONFIG_HOME/shakedown/config.yaml`
    /// (`~/.config` by default) over `/etc/shakedown/config.yaml`. Files that are not there say
    /// nothing, except the one that is named.
    pub(super) fn read() -> Result<Self> {
        let variable = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        if let Some(named) = variable("SHAKEDOWN_CONFIG") {
            return Self::of(&named)?.ok_or_else(|| {
                Error::usage(format_args!("there is no {}", named.display()))
                    .hint("SHAKEDOWN_CONFIG names it; unset it, or make the file")
            });
        }
        let folder = variable("XDG_CONFIG_HOME")
            .or_else(|| variable("HOME").map(|home| home.join(".config")));
        let own = folder.map(|folder| folder.join("shakedown/config.yaml"));
        let own = own.map(|path| Self::of(&path)).transpose()?.flatten().unwrap_or_default();
        let machine = Self::of(Path::new(OF_THE_MACHINE))?.unwrap_or_default();
        Ok(own.over(machine))
    }

    /// One file; `None` if it is not there.
    fn of(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(spec::parse_settings(&text, &path.display().to_string())?)),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(error)
                .with_context(|| format!("cannot read the configuration {}", path.display()))
                .map_err(|error| Error::new(Outcome::Usage, error)),
        }
    }

    /// These settings, and another's where these say nothing.
    fn over(self, other: Self) -> Self {
        Self { environment: self.environment.or(other.environment) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> String {
        match spec::parse_settings::<Config>(text, "config.yaml") {
            Ok(config) => format!("{config:?}"),
            Err(mistakes) => mistakes.render(false),
        }
    }

    #[test]
    fn an_empty_file_says_nothing() {
        insta::assert_snapshot!(config("# nothing yet\n"), @"Config { environment: None }");
        insta::assert_snapshot!(config("environment: staging\n"), @r#"Config { environment: Some("staging") }"#);
    }

    #[test]
    fn a_mistake_has_its_place() {
        insta::assert_snapshot!(config("enviroment: staging\n"), @r"
        error: there is no field `enviroment` here
         --> config.yaml:1:1
          |
        1 | enviroment: staging
          | ^^^^^^^^^^
          |
          = at: enviroment
          = help: did you mean `environment`?
        ");
        insta::assert_snapshot!(config("environment:\n"), @r"
        error: expected text, found nothing
         --> config.yaml:1:13
          |
        1 | environment:
          |             ^
          |
          = at: environment
        ");
    }

    #[test]
    fn the_user_s_own_file_wins() {
        let config = |name: &str| Config { environment: Some(name.to_owned()) };
        assert_eq!(config("mine").over(config("theirs")), config("mine"));
        assert_eq!(Config::default().over(config("theirs")), config("theirs"));
    }
}
