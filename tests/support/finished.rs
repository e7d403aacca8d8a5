//! A run that came to its end: what it reported, and that it left nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Sandbox, experiments};

/// A run that came to its end.
pub(crate) struct Finished {
    /// The program's exit code.
    pub(crate) code: Option<i32>,
    /// The report as JSON.
    pub(crate) report: Value,
    /// What was told while it ran.
    pub(crate) told: String,
}

impl Sandbox {
    /// Runs a file of `experiments/` on ports of its own, with more arguments.
    pub(crate) fn experiment(&self, name: &str, args: &[&str]) -> Finished {
        let file = experiments::path(name);
        let variables = experiments::moved(&file);
        let more = variables.iter().map(String::as_str).chain(args.iter().copied());
        self.finish(self.command(["run".as_ref(), file.as_os_str()]).args(more))
    }

    /// Waits for a `run` that was prepared, and looks at what it leaves.
    pub(crate) fn finish(&self, run: &mut Command) -> Finished {
        let junit = self.path("junit.xml");
        run.args(["--format", "json", "--report"]).arg(format!("junit={}", junit.display()));
        let output = run.stdin(Stdio::null()).output().expect("the program can be started");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("no report: {error}\n{told}"));
        let finished = Finished { code: output.status.code(), report, told };
        finished.is_reported_again(self);
        finished.is_well_formed(&junit);
        finished.left_nothing(self.path("").as_path());
        finished
    }
}

impl Finished {
    /// The run's id.
    pub(crate) fn id(&self) -> &str {
        self.report["run"].as_str().expect("a run has an id")
    }

    /// Asserts the exit code and the outcome that goes with it.
    #[track_caller]
    pub(crate) fn ended(&self, code: u8, outcome: &str) -> &Self {
        let reported = (self.report["exit-code"].as_u64(), self.report["outcome"].as_str());
        assert_eq!(reported, (Some(code.into()), Some(outcome)), "{}", self.told);
        assert_eq!(self.code, Some(code.into()), "{}", self.told);
        self
    }

    /// The effects of the method's acts, each of which must be proved and undone.
    #[track_caller]
    pub(crate) fn proofs(&self) -> Vec<String> {
        let steps = self.report["steps"].as_array().expect("steps");
        let acts = steps.iter().flat_map(|step| step["acts"].as_array().expect("acts"));
        let proof = |act: &Value| {
            assert_eq!(act["effect"]["strength"], "proved", "{act:#}");
            let reverted = &act["undone"]["reverted"];
            assert!(act["class"] == "X" || reverted == "restored" || reverted == "already-gone");
            act["effect"]["evidence"].as_str().expect("words").to_owned()
        };
        acts.map(proof).collect()
    }

    /// What `shakedown report` makes of `events.jsonl` is what the run itself reported.
    #[track_caller]
    fn is_reported_again(&self, sandbox: &Sandbox) {
        let args = ["report", self.id(), "--format", "json"];
        let again = sandbox.command(args).output().expect("the program can be started");
        let again: Value = serde_json::from_slice(&again.stdout).expect("a report");
        assert_eq!(again, self.report);
    }

    #[track_caller]
    fn is_well_formed(&self, junit: &Path) {
        let text = fs::read_to_string(junit).expect("the JUnit report is written");
        let junit = quick_junit::Report::deserialize_from_str(&text).expect("it is JUnit");
        let failed = junit.failures + junit.errors > 0;
        // Without a steady state there was no test that could fail: skipped.
        assert_eq!(failed, !matches!(self.code, Some(0 | 3)), "{text}");
    }

    /// Asserts that no process, control group, table, interface or lock of it is left.
    #[track_caller]
    pub(crate) fn left_nothing(&self, sandbox: &Path) {
        assert_eq!(self.report["residue"], serde_json::json!([]), "{}", self.told);
        let id = self.id();
        assert_eq!(processes_of(sandbox), Vec::<String>::new(), "processes are left");
        let mut groups = Vec::new();
        find(Path::new("/sys/fs/cgroup"), id, &mut groups);
        assert_eq!(groups, Vec::<PathBuf>::new(), "control groups are left");
        let tail = id.rsplit('-').next().expect("a last part");
        let interface = Path::new("/sys/class/net").join(format!("sd-{tail}"));
        assert!(!interface.exists(), "{} is left", interface.display());
        let tables = Command::new("nft").args(["list", "tables"]).output();
        let tables = tables.map(|output| output.stdout).unwrap_or_default();
        let tables = String::from_utf8_lossy(&tables).into_owned();
        assert!(!tables.contains(&id.replace('-', "_")), "tables are left: {tables}");
        let locks = fs::read_dir("/run/shakedown/locks").into_iter().flatten().flatten();
        let mut held = locks.filter_map(|lock| fs::read_to_string(lock.path()).ok());
        assert!(held.all(|holder| holder.trim() != id), "locks are left");
    }
}

/// The processes that were started in a sandbox: they live in it, or know of it.
fn processes_of(sandbox: &Path) -> Vec<String> {
    let sandbox = sandbox.to_string_lossy().trim_end_matches('/').to_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc is there").flatten() {
        let path = entry.path();
        let read = |name: &str| {
            let bytes = fs::read(path.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let cwd = fs::read_link(path.join("cwd")).unwrap_or_default();
        let zombie = read("stat").contains(") Z ");
        let known = [read("environ"), read("cmdline"), cwd.to_string_lossy().into_owned()];
        if !zombie && known.iter().any(|text| text.contains(&sandbox)) {
            found.push(format!("{} {}", path.display(), read("cmdline")));
        }
    }
    found
}

/// Folders below one with a run's id in their name.
fn find(folder: &Path, id: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name().to_string_lossy().contains(id) {
                found.push(entry.path());
            }
            find(&entry.path(), id, found);
        }
    }
}
