//! `shakedown init`.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{candidates, output};
use crate::error::{Error, Result};
use crate::outcome::Outcome;

/// Write an experiment to begin with.
///
/// It has comments that explain it and validates as it is; adapt it to your system.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown init checkout.yaml --url http://127.0.0.1:8080/checkout --process gunicorn
          shakedown init - | less")]
pub(super) struct Args {
    /// The file to write; `-` for standard output.
    #[arg(value_name = "FILE", default_value = "experiment.yaml", add = candidates::experiments())]
    file: PathBuf,
    /// What is asked to see whether the system is well.
    #[arg(long, default_value = "http://127.0.0.1:8080/", value_hint = clap::ValueHint::Url)]
    url: String,
    /// The name of the processes, one of which is to hang.
    #[arg(long, value_name = "NAME", default_value = "nginx", add = candidates::process_names())]
    process: String,
    /// Overwrite a file that is there.
    #[arg(long)]
    force: bool,
}

const TEMPLATE: &str = include_str!("init/experiment.yaml");

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let printed = self.file == Path::new("-");
        let name = if printed { Path::new("experiment.yaml") } else { &self.file };
        let text = experiment(&name.display().to_string(), &self.url, &self.process)?;
        if printed {
            output::result(text);
            return Ok(Outcome::Held);
        }
        self.write(&text)?;
        let file = self.file.display();
        output::note(format_args!("wrote {file}; next: `shakedown validate {file}`"));
        Ok(Outcome::Held)
    }

    fn write(&self, text: &str) -> Result<()> {
        let mut options = File::options();
        options.write(true);
        if self.force {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let written = options.open(&self.file).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                return Error::usage(format_args!("{} is there already", self.file.display()))
                    .hint("name another file, or overwrite it with --force");
            }
            let context = format!("cannot write {}", self.file.display());
            Error::new(Outcome::Usage, anyhow::Error::new(error).context(context))
        })
    }
}

/// The template with what is given, each as a YAML scalar of its own.
fn experiment(file: &str, url: &str, process: &str) -> Result<String> {
    if url.is_empty() || process.is_empty() {
        return Err(Error::usage("--url and --process must say something"));
    }
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_/.".contains(c));
    let quoted = |text: &str| serde_json::to_string(text).context("cannot write the value");
    // What a variable gives is searched for references no more; what a selector has, is.
    let process = process.replace("${", "$${");
    // As the reader would have it without quotes: `true` is no text.
    let is_text = serde_yaml::from_str::<serde_json::Value>(&process)
        .is_ok_and(|value| value.as_str() == Some(&process));
    let process = if is_text && plain(&process) { process } else { quoted(&process)? };
    let file = if plain(file) { file } else { "FILE" };
    let text = TEMPLATE.replace("@FILE@", file).replace("@PROCESS@", &process);
    Ok(text.replace("\"@URL@\"", &quoted(url)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::spec;

    fn read(text: &str) -> spec::Experiment {
        let context = spec::Context {
            overrides: BTreeMap::new(),
            environment: &|_| None,
            read_file: &|_| Err(ErrorKind::NotFound.into()),
            binary: PathBuf::from("/bin/shakedown"),
            subnets: vec!["198.18.0.0/24".parse().unwrap()],
        };
        spec::parse(text, "experiment.yaml", &context).unwrap()
    }

    #[test]
    fn it_is_an_experiment_and_fits_the_schema() {
        let text = experiment("experiment.yaml", "http://127.0.0.1:8080/", "nginx").unwrap();
        assert!(!text.contains('@'), "{text}");
        read(&text);
        let json: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let validator = jsonschema::draft202012::new(&spec::schema()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&json).map(|it| it.to_string()).collect();
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn what_is_commented_out_is_right_too() {
        let text = experiment("experiment.yaml", "http://127.0.0.1:8080/", "nginx").unwrap();
        let (before, after) = text.split_once("  # Then something else, after a while:\n").unwrap();
        let after: String = after.lines().map(|line| line.replacen("# ", "", 1) + "\n").collect();
        let experiment = read(&(before.replace("# environment:", "environment:") + &after));
        assert_eq!((experiment.method.len(), experiment.environment.is_some()), (3, true));
    }

    #[test]
    fn odd_names_stay_what_they_are() {
        for name in ["a: b", "8080", "true", "x\"y", "${home}", "no #", "null"] {
            let text = experiment("a b.yaml", "http://127.0.0.1/?q=\"", name).unwrap();
            let experiment = read(&text);
            let target = experiment.method[0].target.clone().unwrap();
            assert_eq!(target.process.unwrap().name.as_deref(), Some(name), "{text}");
        }
    }
}
