//! Programs whose exit code and output are the sample.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::expectation::check_text;
use super::growth::Growth;
use super::{Reading, Surroundings};
use crate::spec::{CommandExpectation, CommandProbe};

/// As much of the standard output as is looked at.
const LONGEST_OUTPUT: usize = 64 << 10;
/// As much of the standard error as is kept for the report.
const LONGEST_ERROR: usize = 4 << 10;
/// What a program inherits of our environment.
const INHERITED: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/// Runs a program in a process group of its own.
#[derive(Debug)]
pub(super) struct CommandCheck {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    is_shell: bool,
    expect: CommandExpectation,
    growth: Growth,
    surroundings: Surroundings,
}

impl CommandCheck {
    /// Fails if there is nothing to run.
    pub(super) fn new(probe: &CommandProbe, surroundings: &Surroundings) -> Result<Self, String> {
        let fill = |text: &String| (surroundings.reveal)(text);
        let mut words = match &probe.shell {
            Some(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), fill(line)],
            None => probe.run.iter().map(fill).collect(),
        };
        if words.is_empty() {
            return Err("there is no command to run".to_owned());
        }
        let inherited = INHERITED
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
        let given = probe.environment.iter().map(|(name, value)| (name.clone(), fill(value)));
        Ok(Self {
            program: words.remove(0),
            arguments: words,
            environment: inherited.chain(given).collect(),
            is_shell: probe.shell.is_some(),
            expect: probe.expect.clone(),
            growth: Growth::default(),
            surroundings: surroundings.clone(),
        })
    }

    /// Runs it to its end. If dropped before, all of its process group is killed.
    pub(super) async fn measure(&self) -> Reading {
        let mut group = match self.start() {
            Ok(group) => group,
            Err(error) => {
                return Reading::probe_error(format!("`{}` cannot be run: {error}", self.program));
            }
        };
        match group.finish().await {
            Ok((status, output, complaint)) => self.check(status, &output, &complaint),
            Err(error) => Reading::probe_error(format!("`{}` was lost: {error}", self.program)),
        }
    }

    fn start(&self) -> std::io::Result<Group> {
        let mut command = Command::new(&self.program);
        dies_with_us(&mut command);
        let child = command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Group { child, ended: false })
    }

    fn check(&self, status: ExitStatus, output: &[u8], complaint: &[u8]) -> Reading {
        if let Some(wrong) = self.wrong_exit(status) {
            let complaint = String::from_utf8_lossy(complaint);
            let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
            let said = last
                .map(|line| format!(": {}", self.surroundings.excerpt(line.trim())))
                .unwrap_or_default();
            // POSIX sh: 126 is a command it cannot execute, 127 one it cannot find.
            return if self.is_shell && matches!(status.code(), Some(126 | 127)) {
                Reading::probe_error(format!("the shell cannot run the command{said}"))
            } else {
                Reading::violated(format!("{wrong}{said}"))
            };
        }
        if self.expect.output.is_none() && !self.expect.reads_number() {
            return Reading::ok();
        }
        if output.len() > LONGEST_OUTPUT {
            return Reading::probe_error("the output is longer than 64KiB, as much as is read");
        }
        let text = String::from_utf8_lossy(output);
        self.check_output(text.trim())
    }

    fn wrong_exit(&self, status: ExitStatus) -> Option<String> {
        match (status.code(), status.signal()) {
            (Some(code), _) if self.expect.exit.contains(code) => None,
            (Some(code), _) => Some(format!("exit code {code}, expected {}", self.expect.exit)),
            (None, Some(signal)) => Some(format!("killed by signal {signal}")),
            (None, None) => Some(status.to_string()),
        }
    }

    fn check_output(&self, text: &str) -> Reading {
        let number = match text.parse::<f64>() {
            _ if !self.expect.reads_number() => None,
            Ok(number) if self.expect.counter => Some(self.growth.until(number)),
            Ok(number) => Some(number),
            Err(_) => {
                return Reading::probe_error(format!(
                    "{:?} is no number",
                    self.surroundings.excerpt(text)
                ));
            }
        };
        let reading = match &self.expect.output {
            Some(expectation) => {
                match check_text("output", text, expectation, &self.surroundings) {
                    Ok(()) => Reading::ok(),
                    Err(wrong) => Reading::violated(wrong),
                }
            }
            None => Reading::ok(),
        };
        number.map_or_else(|| reading.clone(), |number| reading.clone().with_value(number))
    }
}

/// A program outlives nobody who could end it: SIGKILL for it when this thread ends, which is the
/// one that all of a run happens on.
#[expect(unsafe_code, reason = "what runs between fork and exec must be async-signal-safe")]
fn dies_with_us(command: &mut Command) {
    let kill = || Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?);
    // SAFETY: it is one system call, and allocates nothing.
    unsafe { command.pre_exec(kill) };
}

/// A program with its process group.
struct Group {
    child: Child,
    ended: bool,
}

impl Group {
    /// Waits until nobody holds its output any more and it has ended. In this order: as long as
    /// it was not waited for, its number names this group and no other.
    async fn finish(&mut self) -> std::io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
        let (output, complaint) = (self.child.stdout.take(), self.child.stderr.take());
        let (output, complaint) =
            tokio::try_join!(read(output, LONGEST_OUTPUT), read(complaint, LONGEST_ERROR))?;
        let status = self.child.wait().await?;
        self.ended = true;
        Ok((status, output, complaint))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let (false, Some(leader)) = (self.ended, leader) {
            // Fails only if all of the group has ended meanwhile.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// All of a stream: one byte more than the limit at most is kept, the rest is read and forgotten,
/// so that the program is never stuck on a full pipe.
async fn read(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> std::io::Result<Vec<u8>> {
    let Some(mut stream) = stream else { return Ok(Vec::new()) };
    let mut kept = Vec::new();
    let mut buffer = vec![0; 8 << 10];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(kept);
        }
        let room = (limit + 1).saturating_sub(kept.len()).min(count);
        kept.extend(buffer.iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Prober;
    use super::*;
    use crate::sample::SampleOutcome;
    use crate::spec::ProbeKind;

    async fn measure(yaml: &str) -> Reading {
        let probe: CommandProbe = super::super::fixture::parse(yaml);
        let kind = ProbeKind::Command(probe);
        Prober::new("check", &kind, &Surroundings::default()).measure().await
    }

    async fn line(yaml: &str) -> String {
        let reading = measure(yaml).await;
        format!("{:?} {:?} {}", reading.outcome, reading.value, reading.detail.unwrap_or_default())
    }

    #[tokio::test]
    async fn ends_are_compared_with_what_is_expected() {
        let lines = [
            line("{ run: ['true'] }").await,
            line("{ run: ['false'] }").await,
            line("{ run: ['false'], expect: { exit: 1 } }").await,
            line("{ shell: 'echo oh no >&2; exit 3' }").await,
            line("{ shell: 'kill -SEGV $$' }").await,
            line("{ run: [echo, up], expect: { output: { equals: up } } }").await,
            line("{ run: [echo, up], expect: { output: { equals: down } } }").await,
            line("{ run: [echo, '4.5'], expect: { number: true } }").await,
            line("{ run: [echo, '4.5'], expect: { counter: true } }").await,
            line("{ run: [env], environment: { A: b }, expect: { output: { contains: A=b } } }")
                .await,
            line("{ run: [echo, '$HOME *'], expect: { output: { equals: '$HOME *' } } }").await,
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        Ok None 
        Violated None exit code 1, expected 0
        Ok None 
        Violated None exit code 3, expected 0: oh no
        Violated None killed by signal 11
        Ok None 
        Violated None the output does not equal "down"; it is "up"
        Ok Some(4.5) 
        Ok Some(0.0) 
        Ok None 
        Ok None
        "#);
    }

    #[tokio::test]
    async fn what_cannot_be_measured_is_a_probe_error() {
        let lines = [
            line("{ run: [no-such-program] }").await,
            line("{ run: [] }").await,
            line("{ shell: no-such-program }").await,
            line("{ run: [echo, many], expect: { number: true } }").await,
            line("{ run: [echo], expect: { number: true } }").await,
            line("{ run: [echo, NaN], expect: { number: true } }").await,
            line("{ run: [echo, '1e999'], expect: { number: true } }").await,
            line("{ run: [head, -c, '70000', /dev/zero], expect: { output: { equals: a } } }")
                .await,
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        ProbeError None `no-such-program` cannot be run: No such file or directory (os error 2)
        ProbeError None there is no command to run
        ProbeError None the shell cannot run the command: /bin/sh: 1: no-such-program: not found
        ProbeError None "many" is no number
        ProbeError None "" is no number
        ProbeError None the value is NaN, which no limit can be compared with
        ProbeError None the value is inf, which no limit can be compared with
        ProbeError None the output is longer than 64KiB, as much as is read
        "#);
    }

    #[tokio::test]
    async fn nothing_but_the_named_variables_is_inherited() {
        // CARGO_MANIFEST_DIR is set for every test.
        let reading = measure("{ shell: 'test -z \"$CARGO_MANIFEST_DIR\"' }").await;
        assert_eq!(reading, Reading::ok());
    }

    #[tokio::test]
    async fn a_time_out_kills_the_whole_group() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let yaml = format!(
            "{{ shell: 'sleep 600 & echo $! > {}; wait', timeout: 200ms }}",
            file.display()
        );
        let reading = measure(&yaml).await;
        assert_eq!(reading.outcome, SampleOutcome::Unreachable);
        assert_eq!(reading.detail.as_deref(), Some("timed out: no answer within 200ms"));
        let child: i32 =
            std::fs::read_to_string(file).expect("it ran").trim().parse().expect("a number");
        while is_running(child) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    fn is_running(pid: i32) -> bool {
        let stat = procfs::process::Process::new(pid).and_then(|process| process.stat());
        stat.is_ok_and(|stat| stat.comm == "sleep" && stat.state != 'Z')
    }
}
