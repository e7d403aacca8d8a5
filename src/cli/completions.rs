//! `shakedown completions`, and the completion that its scripts ask this program for.

use clap_complete::CompleteEnv;
use clap_complete::env::{EnvCompleter, Shells};

use super::output;
use crate::error::{Error, Result};
use crate::outcome::Outcome;

/// Print a completion script for a shell.
///
/// It completes commands, flags, faults, runs, processes and files. It asks the program itself, so
/// it never falls behind it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown completions bash > ~/.local/share/bash-completion/completions/shakedown
          shakedown completions zsh > ~/.zfunc/_shakedown
          shakedown completions fish > ~/.config/fish/completions/shakedown.fish")]
pub(super) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell we have a script for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[expect(missing_docs, reason = "they are their names")]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

/// The program's name, as a shell finds it in `PATH`.
const PROGRAM: &str = "shakedown";
/// A shell that sets this variable asks for completions.
const ASKED: &str = "COMPLETE";

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let script = script(self.shell)
            .map_err(|error| Error::from(anyhow::anyhow!("cannot make the script: {error}")))?;
        output::result(script);
        Ok(Outcome::Held)
    }
}

/// The script for a shell; it asks the program that is found in `PATH` then.
pub fn script(shell: Shell) -> std::io::Result<String> {
    let name = match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Elvish => "elvish",
        Shell::Powershell => "powershell",
    };
    let shells = Shells::builtins();
    let completer: &dyn EnvCompleter = shells
        .completer(name)
        .ok_or_else(|| std::io::Error::other(format!("no completion for {name}")))?;
    let mut script = Vec::new();
    completer.write_registration(ASKED, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    let script = String::from_utf8_lossy(&script);
    Ok(format!("{}\n", script.trim()))
}

/// Answers a shell that asks for completions; whether one did. Nothing is built if none does.
pub(super) fn answer() -> Result<bool, clap::Error> {
    if std::env::var_os(ASKED).is_none() {
        return Ok(false);
    }
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(super::command)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .try_complete(std::env::args_os(), folder.as_deref())
}
