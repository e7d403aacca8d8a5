//! `shakedown man`.

use clap_mangen::Man;

use super::{candidates, output};
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::spec::nearest_word;

/// Print the manual page.
///
/// In roff; that of one command if one is named.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown man run | man -l -
          shakedown man > /usr/local/share/man/man1/shakedown.1")]
pub(super) struct Args {
    /// The command; by default the program as a whole.
    #[arg(value_name = "COMMAND", add = candidates::commands())]
    command: Option<String>,
}

impl Args {
    pub(super) fn exec(self) -> Result<Outcome> {
        let page = match &self.command {
            None => page(super::command()),
            Some(name) => page(find(name)?),
        };
        output::result(page.map_err(Error::from)?);
        Ok(Outcome::Held)
    }
}

fn find(name: &str) -> Result<clap::Command> {
    let mut program = super::command();
    program.build();
    let shown = || program.get_subcommands().filter(|command| !command.is_hide_set());
    let found = shown().find(|command| command.get_name() == name);
    found.cloned().ok_or_else(|| {
        let hint = nearest_word(name, shown().map(clap::Command::get_name)).unwrap_or_default();
        Error::usage(format_args!("there is no command `{name}`")).hint(hint)
    })
}

/// The page of a command, in roff. A command of the program is called as its page is: with a dash.
pub fn page(command: clap::Command) -> std::io::Result<String> {
    // Otherwise the flags that `-h` leaves out would stand there without a word.
    let command = command.mut_args(|argument| argument.hide_short_help(false));
    let source = concat!("shakedown ", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    Man::new(command).source(source).manual("shakedown").render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
