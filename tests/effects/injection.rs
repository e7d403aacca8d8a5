//! A fault that is on: `shakedown inject`, or `run` with an experiment of the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Finished, Output, Sandbox};

/// Longer than any test looks at a fault: what ends it is the test.
const LONG: [&str; 2] = ["--for", "50s"];

/// A run whose fault is on. A test that fails ends it, too.
pub(super) struct Injection {
    sandbox: Sandbox,
    child: Child,
    told: BufReader<ChildStderr>,
    text: String,
}

impl Injection {
    /// Starts `shakedown inject`, for as long as the test looks, until the fault is in.
    pub(super) fn start(args: &[&str]) -> Self {
        let mut injection = Self::begin(&[args, &LONG].concat());
        // Its first line is the step's; with the effect comes a line that names the process.
        injection.await_line(" on process ");
        injection
    }

    /// The same for a fault that ends by itself, or that says how long; it may not be in yet.
    pub(super) fn begin(args: &[&str]) -> Self {
        let sandbox = Sandbox::new();
        let mut command = sandbox.command(["inject"]);
        // No fault may need a program: neither `tc` nor `nft` nor `ip` is found on this `PATH`.
        command.env("PATH", "");
        command.args(args);
        Self::watch(sandbox, command)
    }

    /// Starts an experiment, until a line of it holds this word.
    pub(super) fn of_experiment(text: &str, word: &str) -> Self {
        Self::of_experiment_in(text, word, &[])
    }

    /// The same with more in its environment.
    pub(super) fn of_experiment_in(text: &str, word: &str, environment: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::new().file("e.yaml", text);
        let mut command = sandbox.command(["run", "e.yaml", "--yes"]);
        command.envs(environment.iter().copied());
        let mut injection = Self::watch(sandbox, command);
        injection.await_line(word);
        injection
    }

    fn watch(sandbox: Sandbox, mut command: Command) -> Self {
        command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let told = BufReader::new(child.stderr.take().expect("it is piped"));
        Self { sandbox, child, told, text: String::new() }
    }

    /// The plan of the run, and what has happened so far.
    pub(super) fn so_far(&self) -> (Value, Vec<Value>) {
        let runs = std::fs::read_dir(self.sandbox.state().join("runs")).expect("there is a run");
        let folder = runs.flatten().next().expect("there is a run").path();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("it is there");
        let json = |text: &str| serde_json::from_str(text).expect("it is JSON");
        (json(&read("plan.json")), whole(&read("events.jsonl")).lines().map(json).collect())
    }

    /// The process of the controller.
    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id fits")
    }

    /// Reads what is told until a line holds this word.
    #[track_caller]
    pub(super) fn await_line(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            let length = self.told.read_line(&mut line).expect("it can be read");
            assert_ne!(length, 0, "no line holds `{word}`:\n{}", self.text);
            self.text.push_str(&line);
        }
    }

    /// Waits until it tells that something has met the fault.
    #[track_caller]
    pub(super) fn await_proof(&mut self) {
        if !["injected ", " is in effect"].iter().any(|word| self.text.contains(word)) {
            self.await_line(" is in effect");
        }
    }

    /// Whether the run goes on.
    pub(super) fn is_on(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Takes the fault back before its time, as Ctrl-C does.
    #[track_caller]
    pub(super) fn stop(self) -> Finished {
        kill(Pid::from_raw(self.pid()), Signal::SIGINT).expect("it runs");
        let run = self.finish();
        run.ended(5, "aborted");
        run
    }

    /// Waits for its end, and looks that nothing is left.
    #[track_caller]
    pub(super) fn finish(mut self) -> Finished {
        self.told.read_to_string(&mut self.text).expect("it can be read");
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("it is piped");
        pipe.read_to_string(&mut stdout).expect("it can be read");
        let code = self.child.wait().expect("it is our child").code();
        let told = std::mem::take(&mut self.text);
        let report: Value = serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("no report: {error}\n{told}"));
        let run = Finished { code, report, told };
        run.left_nothing(&self.sandbox.path(""));
        run
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = kill(Pid::from_raw(self.pid()), Signal::SIGINT);
            let _ = self.child.wait();
        }
    }
}

/// What is written of a file that grows, up to the end of its last line.
fn whole(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..end])
}

/// What is refused before anything begins, or at the agent: exit code 4, and every word of why.
#[track_caller]
pub(super) fn refused(args: &[&str]) -> String {
    let output = inject(args);
    assert_eq!(output.code, Some(4), "{output}");
    format!("{}{}", output.stdout, output.stderr)
}

/// Runs `shakedown inject` to its end.
pub(super) fn inject(args: &[&str]) -> Output {
    Sandbox::new().run([&["inject"], args].concat())
}
