//! Processes to do things to.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::oracle::eventually;

/// A process of the test; killed when this is dropped.
pub(super) struct Target {
    child: Child,
    pid: String,
}

impl Target {
    /// A shell script, from its first line of output on.
    pub(super) fn shell(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Self::start(&mut command)
    }

    /// A program that does nothing.
    pub(super) fn sleeper() -> Self {
        Self::shell("echo; exec sleep 1000")
    }

    /// A program, from its first line of output on.
    pub(super) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().expect("the target can be started");
        let pid = child.id().to_string();
        let mut target = Self { child, pid };
        target.line();
        target
    }

    /// This program in a role, from its word on that it is ready.
    pub(super) fn acting(command: &mut Command) -> Self {
        let mut target = Self::start(command);
        // The test harness has a few words to say before.
        assert!((0..5).any(|_| target.line().ends_with('!')), "the target says that it is ready");
        target
    }

    /// This program writing to a file, from its first byte on.
    pub(super) fn writing_to(file: &File, command: &mut Command) -> Self {
        let output = file.try_clone().expect("a file can be shared");
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        let child = command.spawn().expect("the target can be started");
        let pid = child.id().to_string();
        // The test harness has a few words to say before.
        eventually("the target writes", || file.metadata().is_ok_and(|meta| meta.len() > 99));
        Self { child, pid }
    }

    /// Its process id, as an argument.
    pub(super) fn arg(&self) -> &str {
        &self.pid
    }

    /// Its process id.
    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id fits")
    }

    /// The next line it writes.
    pub(super) fn line(&mut self) -> String {
        let stdout = self.child.stdout.as_mut().expect("it is piped");
        let mut line = Vec::new();
        let mut byte = [0];
        while stdout.read_exact(&mut byte).is_ok() && byte != *b"\n" {
            line.extend(byte);
        }
        String::from_utf8(line).expect("it is text")
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
