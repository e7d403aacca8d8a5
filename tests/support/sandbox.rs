//! A folder of its own for a test, with its own state folder and a clean environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Output;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_shakedown");

/// A temporary folder in which the program runs, removed at the end.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("shakedown-test-").tempdir();
        Self { folder: folder.expect("the temporary folder can be written") }
    }

    /// Writes a file, and the folders above it.
    #[must_use]
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        let parent = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(parent).expect("the sandbox can be written");
        std::fs::write(&path, text).expect("the sandbox can be written");
        self
    }

    /// The path of a file in the sandbox.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the program keeps its journals and runs.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The program with these arguments, ready to be spawned by a test that needs more than
    /// [`Sandbox::run`]. Nothing of the environment is inherited but `PATH`.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("COLUMNS", "100")
            .env("SHAKEDOWN_STATE_DIR", self.state())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        let output = self.command(args).output().expect("the program can be started");
        Output::new(output, self.folder.path(), Path::new(PROGRAM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_on_the_command_line_touches_nothing() {
        let sandbox = Sandbox::new().file("e.yaml", "version: 1\n");
        let output = sandbox.run(["--no-such-flag", "e.yaml"]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
        assert!(!sandbox.state().exists(), "no state is kept for a command that did nothing");
    }
}
