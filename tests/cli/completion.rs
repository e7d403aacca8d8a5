//! Completion: the committed scripts, and what the program answers them.

use std::path::Path;

use shakedown::cli::{Shell, script};

use crate::support::Sandbox;

/// `UPDATE=1` rewrites the files.
#[test]
fn the_committed_scripts_are_those_that_are_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let sandbox = Sandbox::new();
    let files = [
        (Shell::Bash, "bash", "shakedown.bash"),
        (Shell::Zsh, "zsh", "_shakedown"),
        (Shell::Fish, "fish", "shakedown.fish"),
        (Shell::Elvish, "elvish", "shakedown.elv"),
        (Shell::Powershell, "powershell", "_shakedown.ps1"),
    ];
    for (shell, name, file) in files {
        let wanted = script(shell).unwrap();
        assert_eq!(sandbox.run(["completions", name]).stdout, wanted);
        let path = folder.join(file);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == wanted, "{file} is stale; UPDATE=1 rewrites it");
    }
}

/// What bash would offer for the last of these words.
pub(super) fn offered(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let mut command = sandbox.command(["--", "shakedown"]);
    command
        .args(words)
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_depends_on_the_host_is_offered_too() {
    let sandbox = Sandbox::new()
        .file("state/runs/20260101-000000-aaaa/plan.json", "")
        .file("checkout.yaml", "")
        .file("checkout.txt", "");
    assert_eq!(offered(&sandbox, &["pl"]), ["plan"]);
    assert_eq!(offered(&sandbox, &["inject", "network-p"]), ["network-partition"]);
    assert_eq!(offered(&sandbox, &["faults", "disk"]), ["disk-fill"]);
    assert_eq!(offered(&sandbox, &["rollback", "2026"]), ["20260101-000000-aaaa"]);
    assert_eq!(offered(&sandbox, &["report", "2026"]), ["20260101-000000-aaaa"]);
    assert_eq!(offered(&sandbox, &["run", "check"]), ["checkout.yaml"]);
    assert_eq!(offered(&sandbox, &["man", "do"]), ["doctor"]);
    let own = std::fs::read_to_string("/proc/self/comm").unwrap();
    let own = own.trim();
    assert!(offered(&sandbox, &["targets", "--name", own]).contains(&own.to_owned()));
    assert!(!offered(&sandbox, &[""]).iter().any(|word| word == "agent"));
}
