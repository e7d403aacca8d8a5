//! A reader that goes away.

use std::process::Stdio;

use crate::support::Sandbox;

/// Nobody reads the result: no panic, and the exit code is that of the command.
#[test]
fn a_closed_output_changes_nothing() {
    let sandbox = Sandbox::new().file("bad.yaml", "version: 1\n");
    for (args, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["faults"], 0),
        (&["schema"], 0),
        (&["man"], 0),
        (&["completions", "bash"], 0),
        (&["init", "-"], 0),
        (&["status", "--format", "json"], 0),
        (&["targets", "--pid", "2147483647"], 4),
        (&["validate", "bad.yaml"], 2),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = sandbox.command(args);
        let child = command.stdout(Stdio::from(writer)).stderr(Stdio::piped()).spawn().unwrap();
        drop(command);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    }
}
