//! The files in `experiments/`: each is what it says it is, and does what its README says.

mod runs;
mod selectors;

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use crate::support::{Sandbox, experiments, skip_unless_root};

#[test]
fn every_file_fits_the_schema() {
    let schema = jsonschema::validator_for(&shakedown::spec::schema()).expect("a valid schema");
    for file in experiments::all() {
        let data = experiments::data(&file);
        let complaints: Vec<_> = schema.iter_errors(&data).map(|error| error.to_string()).collect();
        assert_eq!(complaints, Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn every_file_is_valid_and_can_be_planned() {
    let sandbox = Sandbox::new();
    for file in experiments::all() {
        for command in ["validate", "plan"] {
            let output = sandbox.run([command.as_ref(), file.as_os_str()]);
            assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{}", file.display());
        }
    }
    assert!(!sandbox.state().exists(), "planning touches nothing");
}

/// What needs root to be run needs none to be looked at.
#[test]
fn every_file_can_be_planned_by_an_ordinary_user() {
    if skip_unless_root() {
        return;
    }
    let sandbox = Sandbox::new();
    for file in experiments::all() {
        let text = fs::read_to_string(&file).expect("it can be read");
        let mut plan = sandbox.command(["plan", "-"]);
        let mut child = plan
            .uid(65_534)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(text.as_bytes()).expect("it reads");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), told.as_str()), (Some(0), ""), "{}", file.display());
    }
}

#[test]
fn every_file_is_in_the_readme() {
    let readme = fs::read_to_string(experiments::folder().join("README.md")).expect("it is there");
    for file in experiments::all() {
        let name = file.file_name().expect("a file has a name").to_string_lossy();
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
}

/// What is told apart in the comments of the second file: its title, and one argument.
#[test]
fn the_quickstarts_differ_in_what_the_weak_one_says() {
    let read = |name| experiments::data(&experiments::path(name));
    let (strong, mut weak) = (read("quickstart"), read("quickstart-weak"));
    weak["title"] = strong["title"].clone();
    let command = weak["services"]["shop"]["command"].as_array_mut().expect("a command");
    assert_eq!(command.pop().expect("an argument"), "--no-retries");
    assert_eq!(weak, strong);
}
