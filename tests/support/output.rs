//! What a program printed and how it ended, as a snapshot that is the same everywhere.

use std::fmt;
use std::path::Path;

use regex::Regex;

/// What differs from run to run, and what stands for it in a snapshot.
const ALWAYS_REDACTED: [(&str, &str); 3] = [
    (r"\b20\d{6}[T-]?\d{6}(?:[-.][0-9a-z]+)*\b", "[run]"),
    (r"\b[0-9a-f]{64}\b", "[hash]"),
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b", "[instant]"),
];
/// A length of time with its unit.
const TIME: &str = r"\b\d+(?:\.\d+)? ?(?:ns|µs|us|ms|s)\b";

/// The whole outcome of a program: print it with `insta::assert_snapshot!`, never assert a part of it.
#[must_use = "an outcome that nobody looks at proves nothing"]
pub(crate) struct Output {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// The result.
    pub(crate) stdout: String,
    /// Progress and errors.
    pub(crate) stderr: String,
}

impl Output {
    /// Takes the outcome of a program that ran in `sandbox`, with the machine's paths taken out.
    pub(crate) fn new(output: std::process::Output, sandbox: &Path, program: &Path) -> Self {
        let text = |bytes: Vec<u8>| {
            String::from_utf8_lossy(&bytes)
                .replace(&*program.to_string_lossy(), "[shakedown]")
                .replace(&*sandbox.to_string_lossy(), "[sandbox]")
        };
        let plain = Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        ALWAYS_REDACTED.into_iter().fold(plain, |output, (what, by)| output.redact(what, by))
    }

    /// Replaces what matches a regular expression, for what only this test knows to vary.
    pub(crate) fn redact(self, pattern: &str, by: &str) -> Self {
        let pattern = Regex::new(pattern).expect("a test's pattern is valid");
        let text = |text: String| pattern.replace_all(&text, by).into_owned();
        Self { code: self.code, stdout: text(self.stdout), stderr: text(self.stderr) }
    }

    /// Replaces every length of time, where they are measured and not given.
    pub(crate) fn without_times(self) -> Self {
        self.redact(TIME, "[time]")
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(formatter, "exit code: {code}")?,
            None => writeln!(formatter, "ended by a signal")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(formatter, "--- {name}")?;
            formatter.write_str(text)?;
            if !text.is_empty() && !text.ends_with('\n') {
                formatter.write_str("[no line break at the end]\n")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn a_snapshot_holds_nothing_of_the_machine_or_the_moment() {
        let output = Output::new(
            std::process::Output {
                status: ExitStatus::from_raw(3 << 8),
                stdout: b"run 20261120-091500-k3f9 took 1.234s, healed in 12 ms".to_vec(),
                stderr: b"/target/shakedown: /tmp/x/e.yaml is gone\n".to_vec(),
            },
            Path::new("/tmp/x"),
            Path::new("/target/shakedown"),
        );
        insta::assert_snapshot!(output.without_times(), @r"
        exit code: 3
        --- stdout
        run [run] took [time], healed in [time][no line break at the end]
        --- stderr
        [shakedown]: [sandbox]/e.yaml is gone
        ");
    }
}
