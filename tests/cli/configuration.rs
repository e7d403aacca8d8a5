//! Where this is, by flag, variable or file.

use crate::support::{Output, Sandbox};

const EXPERIMENT: &str = "\
version: 1
title: it is up
environment: staging
services: { web: { command: [cat] } }
hypothesis:
  title: it is up
  probes: [{ name: up, tcp: { address: \"127.0.0.1:1\" } }]
method: [{ target: { service: web }, fault: process-pause, for: 1s }]
";

fn plan(sandbox: &Sandbox, environment: &[(&str, &str)], flags: &[&str]) -> Output {
    let mut command = sandbox.command(["plan", "e.yaml"]);
    command.args(flags).envs(environment.iter().copied());
    let output = command.output().unwrap();
    Output::new(output, &sandbox.path(""), command.get_program().as_ref())
}

#[test]
fn the_environment_is_named_by_flag_variable_or_file() {
    let sandbox = Sandbox::new().file("e.yaml", EXPERIMENT);
    insta::assert_snapshot!(plan(&sandbox, &[], &[]), @r"
    exit code: 4
    --- stdout
    --- stderr
    error: environment: this experiment is for `staging`, and no environment was given; give `--environment staging` if this is the one
    ");
    let code = |sandbox: &Sandbox, environment: &[(&str, &str)], flags: &[&str]| {
        plan(sandbox, environment, flags).code
    };
    assert_eq!(code(&sandbox, &[], &["--environment", "staging"]), Some(0));
    assert_eq!(code(&sandbox, &[("SHAKEDOWN_ENVIRONMENT", "staging")], &[]), Some(0));
    let sandbox = sandbox.file(".config/shakedown/config.yaml", "environment: staging\n");
    assert_eq!(code(&sandbox, &[], &[]), Some(0));
    assert_eq!(code(&sandbox, &[], &["--environment", "production"]), Some(4));
    let sandbox = sandbox.file("other/shakedown/config.yaml", "environment: production\n");
    let other = sandbox.path("other").display().to_string();
    assert_eq!(code(&sandbox, &[("XDG_CONFIG_HOME", &other)], &[]), Some(4));
}

#[test]
fn mistakes_in_the_configuration_have_their_place() {
    let sandbox =
        Sandbox::new().file("e.yaml", EXPERIMENT).file("bad.yaml", "enviroment: staging\n");
    insta::assert_snapshot!(plan(&sandbox, &[("SHAKEDOWN_CONFIG", "bad.yaml")], &[]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no field `enviroment` here
     --> bad.yaml:1:1
      |
    1 | enviroment: staging
      | ^^^^^^^^^^
      |
      = at: enviroment
      = help: did you mean `environment`?
    ");
    insta::assert_snapshot!(plan(&sandbox, &[("SHAKEDOWN_CONFIG", "gone.yaml")], &[]), @r"
    exit code: 2
    --- stdout
    --- stderr
    error: there is no gone.yaml
    help: SHAKEDOWN_CONFIG names it; unset it, or make the file
    ");
}
