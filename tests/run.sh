#!/usr/bin/env bash
# Builds, lints and tests everything, and ends with one line: `N passed, N failed, N skipped`.
#
#   tests/run.sh
#
# As root on Debian it installs what is missing first. Otherwise, what is missing is skipped, with
# the reason and counted. Exit code 0 only if nothing failed.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

# Everything that is needed beside Rust, as Debian packages. In one place: here.
packages=(
    gcc libc6-dev                   # the linker, and ring's C
    iproute2 nftables iptables      # what tests compare our own netlink with
    iputils-ping iperf3 curl python3 # clients that nobody here wrote
    bind9-dnsutils dnsmasq-base     # the same for names
    redis-server redis-sentinel     # servers that nobody here wrote
    nginx-light etcd-server etcd-client
    user-mode-linux kmod            # the lab machine, a kernel with netem
    jq procps util-linux e2fsprogs strace shellcheck
)
lab_seconds=900

export CARGO_TERM_COLOR=never NO_COLOR=1
work=$(mktemp -d "${TMPDIR:-/tmp}/shakedown-tests.XXXXXX")
trap 'rm -rf "$work"' EXIT
export SHAKEDOWN_STATE_DIR=$work/state
results=$work/results # a line for each result: ok, fail or skip; the name; why it was skipped
: >"$results"

result() { printf '%s\t%s\t%s\n' "$1" "$2" "${3-}" >>"$results"; }

skip() {
    echo "skipped: $1: $2"
    result skip "$1" "$2"
}

# Runs a check: step NAME COMMAND...
step() {
    local name=$1 start=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@"; then result ok "$name"; else
        echo "failed: $name"
        result fail "$name"
    fi
    echo "   ($((SECONDS - start)) s)"
}

# Runs a test program and takes its results one by one: suite NAME COMMAND...
# A test that printed `skipped: why` counts as skipped, not as passed.
suite() {
    local name=$1 start=$SECONDS log=$work/log code
    shift
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tr -d '\r' | tee "$log"
    code=${PIPESTATUS[0]}
    awk '
        /^test .* \.\.\. ok$/      { sub(/^test /, ""); sub(/ \.\.\. ok$/, "");     state[$0] = "ok";   next }
        /^test .* \.\.\. FAILED$/  { sub(/^test /, ""); sub(/ \.\.\. FAILED$/, ""); state[$0] = "fail"; next }
        /^test .* \.\.\. ignored/  { sub(/^test /, ""); sub(/ \.\.\. ignored.*/, ""); state[$0] = "skip"; next }
        /^---- .* stdout ----$/    { sub(/^---- /, ""); sub(/ stdout ----$/, ""); section = $0; next }
        /^skipped: / && section    { skipped[section] = substr($0, 10); next }
        END {
            for (test in state) {
                if (state[test] == "ok" && test in skipped) state[test] = "skip"
                printf "%s\t%s\t%s\n", state[test], test, skipped[test]
            }
        }
    ' "$log" >"$work/suite"
    cat "$work/suite" >>"$results"
    if [ "$code" -ne 0 ] && ! grep -q '^fail' "$work/suite"; then
        echo "failed: $name ended with $code"
        result fail "$name"
    elif [ ! -s "$work/suite" ]; then
        echo "failed: $name ran no test at all"
        result fail "$name"
    fi
    echo "   ($((SECONDS - start)) s)"
}

has() { command -v "$1" >/dev/null 2>&1; }

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            echo "$package"
    done
}

# Redis' packages start a server on the default port unless a policy forbids it.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d code
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    "$@"
    code=$?
    rm -f "$policy"
    return "$code"
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@"; }

install_packages() {
    local missing
    if ! has apt-get || ! has dpkg-query; then
        skip "installing packages" "this is not Debian; wanted are: ${packages[*]}"
        return
    fi
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || return
    if [ "$(id -u)" -ne 0 ]; then
        skip "installing packages" "not root; missing are: ${missing[*]}"
    elif ! { apt update && without_starting_services \
        apt install -y --no-install-recommends "${missing[@]}"; } >"$work/apt" 2>&1; then
        tail -n 5 "$work/apt"
        skip "installing packages" "apt-get failed; missing are: ${missing[*]}"
    fi
}

# A minimal Rust has neither rustfmt nor clippy.
has_component() {
    cargo "$1" --version >/dev/null 2>&1 ||
        { has rustup && rustup component add "$2" >/dev/null 2>&1 && cargo "$1" --version >/dev/null; }
}

check_scripts() {
    local scripts
    mapfile -t scripts < <(find tests .ci -name '*.sh' -o -path '.ci/run')
    shellcheck "${scripts[@]}"
}

# Without cargo-deny: no crate whose every licence is a GPL, none without a licence, none banned.
check_licences() {
    local bad
    bad=$(cargo metadata --format-version 1 --locked | jq -r '.packages[]
        | select((.license // "" | split(" OR |/"; null) | map(select(test("GPL") | not))
                 | map(select(. != "")) | length == 0)
                 or (.name | test("^(openssl-sys|aws-lc-sys|serde_yml)$")))
        | "\(.name) \(.version): \(.license // "no licence")"') || return 1
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}

lint() {
    if has_component fmt rustfmt; then step "format" cargo fmt --check; else
        skip "format" "rustfmt is not installed"
    fi
    if has_component clippy clippy; then
        step "clippy" cargo clippy --quiet --all-targets --all-features -- -D warnings
    else
        skip "clippy" "clippy is not installed"
    fi
    if has shellcheck; then step "shellcheck" check_scripts; else
        skip "shellcheck" "it is not installed"
    fi
    if cargo deny --version >/dev/null 2>&1; then
        step "licences" cargo deny --offline check bans licenses sources
    elif has jq; then
        step "licences" check_licences
    else
        skip "licences" "neither cargo-deny nor jq is installed"
    fi
}

# Runs an experiment as a reader of the README would: experiment NAME EXPECTED-EXIT-CODE
experiment() {
    cargo run --quiet --release -- run "experiments/$1.yaml"
    local code=$?
    [ "$code" -eq "$2" ] || { echo "exit code $code, expected $2"; return 1; }
}

# The tests about netem, in a machine whose kernel has it. The programs are the ones just built.
lab_tests() {
    local program code=0
    while read -r program; do
        tests/lab/uml.sh -m 768M -t "$lab_seconds" -- "$program" netem --test-threads=1 --show-output --color=never \
            </dev/null || code=$?
    done < <(cargo test --features failpoints --lib --test integration --no-run \
        --message-format=json 2>/dev/null |
        jq -r 'select(.reason == "compiler-artifact" and .profile.test and .executable) | .executable')
    return "$code"
}

lab() {
    if [ "$(id -u)" -ne 0 ]; then
        skip "netem in the lab machine" "needs root"
    elif ! has linux.uml || ! has jq || ! has depmod; then
        skip "netem in the lab machine" "user-mode-linux, kmod or jq is not installed"
    else
        suite "netem in the lab machine" lab_tests
    fi
}

# A test passed if it passed somewhere, on the host or in the lab, and failed nowhere.
summary() {
    awk -F '\t' '
        $1 == "skip" { why[$2] = $3 }
        { if ($1 == "fail" || !($2 in state) || (state[$2] == "skip" && $1 == "ok")) state[$2] = $1 }
        END {
            for (name in state) count[state[name]]++
            for (name in state) if (state[name] == "skip") print "skipped: " name ": " why[name]
            for (name in state) if (state[name] == "fail") print "failed: " name
            printf "%d passed, %d failed, %d skipped\n", count["ok"], count["fail"], count["skip"]
            exit count["fail"] > 0 || count["ok"] == 0
        }' "$results"
}

has cargo || {
    echo "Rust is missing; see https://rustup.rs" >&2
    exit 1
}
install_packages
lint
step "release build" cargo build --quiet --release --locked
suite "tests" cargo test --features failpoints --no-fail-fast -- --show-output
lab
step "quickstart holds" experiment quickstart 0
step "quickstart-weak deviates" experiment quickstart-weak 1
if has redis-server && has redis-sentinel; then
    step "redis fails over" experiment redis-sentinel-failover 0
else
    skip "redis fails over" "redis-server or redis-sentinel is not installed"
fi
if [ "$(id -u)" -ne 0 ]; then
    skip "one link of etcd breaks" "needs root"
elif has etcd && has etcdctl && has curl; then
    step "one link of etcd breaks" experiment etcd-partial-partition 0
else
    skip "one link of etcd breaks" "etcd, etcdctl or curl is not installed"
fi
echo
summary
