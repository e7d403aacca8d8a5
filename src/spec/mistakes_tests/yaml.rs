//! Files that are no YAML, or too much of it.

use insta::assert_snapshot;

use crate::spec::tests::{read, spoilt};

#[test]
fn text_that_is_no_yaml() {
    assert_snapshot!(spoilt("tags: [checkout]", "tags: [checkout"), @r#"
    error: this is no YAML: did not find expected ',' or ']'
     --> experiment.yaml:4:10
      |
    4 | variables:
      |          ^
      |
      = help: look at the indentation, and for a bracket or quote that is not closed
    "#);
}

#[test]
fn a_colon_in_plain_text() {
    assert_snapshot!(spoilt("title: Checkout survives", "title: Checkout: survives"), @r#"
    error: this is no YAML: mapping values are not allowed in this context
     --> experiment.yaml:2:16
      |
    2 | title: Checkout: survives a slow payment service
      |                ^
      |
      = help: put text that holds `: ` in quotes, or look at the indentation
    "#);
}

#[test]
fn a_special_character_first() {
    assert_snapshot!(spoilt("title: Checkout survives", "title: @Checkout survives"), @r#"
    error: this is no YAML: found character that cannot start any token
     --> experiment.yaml:2:8
      |
    2 | title: @Checkout survives a slow payment service
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: put text that starts with a special character in quotes
    "#);
}

#[test]
fn a_tab_as_indentation() {
    assert_snapshot!(spoilt("  base: {", "	base: {"), @r#"
    error: this is no YAML: found character that cannot start any token
     --> experiment.yaml:5:1
      |
    5 |  base: { default: "http://127.0.0.1:8080", env: CHECKOUT_URL }
      | ^^^^^
      |
      = help: YAML is indented with spaces, not with tabs
    "#);
}

#[test]
fn a_duplicate_key() {
    assert_snapshot!(spoilt("    for: 30s\n", "    for: 30s\n    for: 40s\n"), @r#"
    error: the key `for` stands here twice
      --> experiment.yaml:38:5
       |
    38 |     for: 40s
       |     ^^^
       |
       = help: remove one of the two
    "#);
}

#[test]
fn a_duplicate_key_of_a_free_map() {
    assert_snapshot!(spoilt("{ API_TOKEN: \"${secret.token}\" }", "{ A: b, A: c }"), @r#"
    error: the key `A` stands here twice
      --> experiment.yaml:12:26
       |
    12 |     environment: { A: b, A: c }
       |                          ^
       |
       = help: remove one of the two
    "#);
}

#[test]
fn a_key_that_is_no_text() {
    assert_snapshot!(spoilt("tags: [checkout]", "1: 2"), @r#"
    error: a key must be text
     --> experiment.yaml:3:1
      |
    3 | 1: 2
      | ^
      |
      = help: put it in quotes
    "#);
}

#[test]
fn a_tag() {
    assert_snapshot!(spoilt("title: Checkout survives", "title: !text Checkout survives"), @r#"
    error: tags are not part of the format
     --> experiment.yaml:2:8
      |
    2 | title: !text Checkout survives a slow payment service
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: leave the `!…` out
    "#);
}

#[test]
fn two_documents() {
    assert_snapshot!(spoilt("  - wait: 5s\n", "---\n  - wait: 5s\n"), @r#"
    error: the file holds more than one document
      --> experiment.yaml:38:1
       |
    38 | ---
       | ^^^
       |
       = help: write one experiment to a file
    "#);
}

#[test]
fn a_number_in_disguise() {
    assert_snapshot!(spoilt("max-targets: \"${most}\"", "max-targets: 0o17"), @r#"
    error: `0o17` may not mean what it looks like
      --> experiment.yaml:32:30
       |
    32 | blast-radius: { max-targets: 0o17, max-duration: 2m }
       |                              ^^^^
       |
       = help: write a plain decimal number, or put it in quotes if it is text
    "#);
}

#[test]
fn a_boolean_in_disguise() {
    assert_snapshot!(spoilt("expect: { json: { path: $.total } }", "expect: { json: { path: $.total, equals: True } }"), @r#"
    error: `True` may not mean what it looks like
      --> experiment.yaml:24:50
       |
    24 |         expect: { json: { path: $.total, equals: True } }
       |                                                  ^^^^
       |
       = help: write `true` or `false`, or put it in quotes if it is text
    "#);
}

#[test]
fn not_a_number() {
    assert_snapshot!(spoilt("{ default: 2 }", "{ default: .nan }"), @r#"
    error: this is no finite number
     --> experiment.yaml:6:20
      |
    6 |   most: { default: .nan }
      |                    ^^^^
      |
      = help: put it in quotes if it is meant as text
    "#);
}

#[test]
fn an_unknown_alias() {
    assert_snapshot!(spoilt("tags: [checkout]", "tags: *all"), @r#"
    error: this is no YAML: unknown anchor
     --> experiment.yaml:3:7
      |
    3 | tags: *all
      |       ^^^^
    "#);
}

#[test]
fn an_empty_file() {
    assert_snapshot!(read("# nothing\n").unwrap_err(), @r#"
    error: the file is empty
     --> experiment.yaml:1:11
      |
    1 | # nothing
      |          ^
      |
      = help: begin with `version: 1`
    "#);
}

#[test]
fn a_file_that_is_no_map() {
    assert_snapshot!(read("- 1").unwrap_err(), @r#"
    error: an experiment is a map of fields
     --> experiment.yaml:1:1
      |
    1 | - 1
      | ^
    "#);
}

#[test]
fn a_file_that_is_too_long() {
    assert_snapshot!(read(&" ".repeat(300_000)).unwrap_err(), @r#"
    error: the file has 300000 bytes; the most is 256 KiB
     |
     = note: in experiment.yaml
    "#);
}

#[test]
fn a_file_that_is_too_deep() {
    assert_snapshot!(read(&"[".repeat(40)).unwrap_err(), @r#"
    error: maps and lists nest more than 32 deep
     --> experiment.yaml:1:33
      |
    1 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
      |                                 ^
    "#);
}
