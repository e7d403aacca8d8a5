# The tasks of this repository; `just` lists them.

[private]
default:
    @just --list --unsorted

# Type-checks everything.
[group('check')]
check:
    cargo check --all-targets --all-features

# Formats everything.
[group('check')]
fmt:
    cargo fmt

# Format, clippy, shell scripts, licences: what must be clean before a change is merged.
[group('check')]
lint:
    cargo fmt --check
    cargo clippy --all-targets --all-features -- -D warnings
    shellcheck tests/run.sh tests/lab/uml.sh .ci/run
    cargo deny check

# Unit tests alone, in seconds: `just unit plan`.
[group('test')]
unit *FILTER:
    cargo test --lib {{ FILTER }}

# All tests this user may run on this machine: `just test demo`.
[group('test')]
test *FILTER:
    cargo test --features failpoints {{ FILTER }}

# Everything, as CI does it; best as root.
[group('test')]
all:
    tests/run.sh

# Runs an experiment of this repository: `just run quickstart`.
[group('use')]
run NAME *FLAGS:
    cargo run --release -- run experiments/{{ NAME }}.yaml {{ FLAGS }}

# The documentation of the code.
[group('use')]
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

# The static binary, and what it depends on (nothing).
[group('use')]
release:
    cargo build --release --locked
