#!/usr/bin/env python3
"""Measures whole commands, side by side with what people use instead, and prints a Markdown table.

    cargo build --release && tests/bench/bench.py [--runs N] [--no-peers]

Nothing is asserted: absolute times move from machine to machine, the ratios within one run less so.
Each figure is the median of N runs after two that do not count. Peers that cannot be installed are
left out and named. Chaos Toolkit is installed by pip and fault-cli by cargo, below
target/bench; the journal is on the disk that holds target/, unless SHAKEDOWN_STATE_DIR says otherwise.
"""

import argparse
import json
import os
import pathlib
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "target" / "bench"
TRIPLE = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
TRIPLE = next(line.split()[1] for line in TRIPLE.splitlines() if line.startswith("host"))
SHAKEDOWN = str(ROOT / "target" / TRIPLE / "release" / "shakedown")
ENVIRONMENT = {**os.environ, "SHAKEDOWN_STATE_DIR": os.environ.get("SHAKEDOWN_STATE_DIR", str(HOME / "state"))}
WARM_UP = 2


def spawn(argv):
    """Starts a command; its output is thrown away."""
    null = subprocess.DEVNULL
    return subprocess.Popen(argv, stdin=null, stdout=null, stderr=null, env=ENVIRONMENT, cwd=HOME)


def victim():
    """A process to hurt, with a pidfd."""
    process = spawn(["sleep", "60"])
    while state(process.pid) != "S" or comm(process.pid) != "sleep":
        time.sleep(0.0005)
    return process, os.pidfd_open(process.pid)


def comm(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def state(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2]


def end(process, pidfd):
    process.kill()
    process.wait()
    os.close(pidfd)


def whole(argv):
    """Milliseconds from start to end of a command."""
    begin = time.perf_counter()
    spawn(argv).wait()
    return (time.perf_counter() - begin) * 1e3


def memory(argv):
    """The peak memory of a command in MiB; GNU time is small enough not to be counted for it."""
    out = subprocess.run(["/usr/bin/time", "-f", "%M", *argv], capture_output=True, text=True, env=ENVIRONMENT, cwd=HOME)
    return int(out.stderr.split()[-1]) / 1024


def start_up(argv):
    """Milliseconds and peak memory of a command."""
    return whole(argv), memory(argv)


def until_dead(command):
    """Milliseconds from the start of a command until its victim is dead."""
    process, pidfd = victim()
    begin = time.perf_counter()
    killer = spawn(command(process.pid))
    select.select([pidfd], [], [], 10)
    elapsed = (time.perf_counter() - begin) * 1e3
    killer.wait()
    end(process, pidfd)
    return elapsed


def until_stopped(command):
    """Milliseconds from the start of a command until its victim is stopped."""
    process, pidfd = victim()
    begin = time.perf_counter()
    pauser = spawn(command(process.pid))
    while state(process.pid) not in "tT":
        if time.perf_counter() - begin > 10:
            sys.exit("the victim was never stopped")
    elapsed = (time.perf_counter() - begin) * 1e3
    pauser.send_signal(signal.SIGINT)
    pauser.wait()
    end(process, pidfd)
    return elapsed


def until_healed(command, who):
    """Milliseconds from SIGKILL of the controller (or of both) until its victim runs again."""
    process, pidfd = victim()
    pauser = spawn(command(process.pid))
    while state(process.pid) != "t":
        pass
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    agent = int(next(line.split()[1] for line in status.splitlines() if line.startswith("TracerPid")))
    begin = time.perf_counter()
    pauser.kill()
    if who == "both":
        os.kill(agent, signal.SIGKILL)
    while state(process.pid) == "t":
        pass
    elapsed = (time.perf_counter() - begin) * 1e3
    pauser.wait()
    end(process, pidfd)
    return elapsed


def minimal_experiment(pid, witness):
    """One process probe before and after, one kill; its windows last 0.1 s each."""
    file = HOME / "minimal.yaml"
    file.write_text(f"""\
version: 1
title: a process is killed
hypothesis:
  title: the witness lives
  before: 100ms
  after: 100ms
  probes:
    - name: alive
      process: {{ select: {{ pid: {witness} }}, rate: 1000/s }}
blast-radius: {{ allow: [irreversible] }}
method:
  - target: {{ process: {{ pid: {pid} }} }}
    fault: process-kill
""")
    return [SHAKEDOWN, "run", str(file)]


def chaos_experiment(pid, witness):
    """The same for Chaos Toolkit."""
    probe = {"type": "probe", "name": "alive", "tolerance": 0,
             "provider": {"type": "process", "path": "kill", "arguments": f"-0 {witness}"}}
    kill = {"type": "action", "name": "kill", "provider": {"type": "process", "path": "kill", "arguments": f"-9 {pid}"}}
    file = HOME / "minimal.json"
    file.write_text(json.dumps({
        "title": "a process is killed", "description": "one probe, one kill",
        "steady-state-hypothesis": {"title": "the witness lives", "probes": [probe]}, "method": [kill], "rollbacks": []}))
    return [str(HOME / "venv" / "bin" / "chaos"), "--no-version-check", "run", "--journal-path", str(HOME / "journal.json"), str(file)]


def experiment(command):
    """Milliseconds of a whole minimal experiment."""
    (process, pidfd), witness = victim(), victim()
    elapsed = whole(command(process.pid, witness[0].pid))
    process.wait(5)
    end(process, pidfd)
    end(*witness)
    return elapsed


def peers():
    """Installs what is not there; what cannot be had is named and left out."""
    have = {}
    chaos = HOME / "venv" / "bin" / "chaos"
    if not chaos.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME / "venv")], check=False)
        subprocess.run([str(HOME / "venv" / "bin" / "pip"), "install", "-q", "chaostoolkit"], check=False)
    have["Chaos Toolkit"] = str(chaos) if chaos.exists() else None
    fault = HOME / "bin" / "fault"
    if not fault.exists():
        subprocess.run(["cargo", "install", "-q", "fault-cli", "--root", str(HOME)], check=False, cwd="/")
    have["fault-cli"] = str(fault) if fault.exists() else None
    for name, path in have.items():
        if path is None:
            print(f"left out: {name} cannot be installed here", file=sys.stderr)
    return have


def median(measure, runs):
    figures = [measure() for _ in range(runs + WARM_UP)][WARM_UP:]
    if isinstance(figures[0], tuple):
        return tuple(statistics.median(column) for column in zip(*figures))
    return statistics.median(figures)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=20, help="counted runs of each figure")
    arguments.add_argument("--no-peers", action="store_true", help="measure nothing but shakedown and the shell")
    given = arguments.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    pathlib.Path(ENVIRONMENT["SHAKEDOWN_STATE_DIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)
    others = {} if given.no_peers else peers()
    rows = []

    def row(what, who, measure, unit="ms"):
        figure = median(measure, given.runs)
        rows.append((what, who, f"{figure:.2f} {unit}" if not isinstance(figure, tuple) else f"{figure[0]:.2f} ms · {figure[1]:.1f} MiB"))
        print(".", end="", flush=True, file=sys.stderr)

    start = "start-up (`--version`) · peak memory"
    row(start, "/bin/true", lambda: start_up(["/bin/true"]))
    row(start, "**shakedown**", lambda: start_up([SHAKEDOWN, "--version"]))
    for name, path in others.items():
        if path:
            row(start, name, lambda path=path: start_up([path, "--version"]))

    own = "minimal experiment, beyond its own 200 ms of windows"
    row(own, "**shakedown**", lambda: experiment(minimal_experiment) - 200)
    shell = "kill -0 $0; kill -9 $1; kill -0 $0"
    row(own.split(",")[0], "sh, three `kill`s", lambda: experiment(lambda pid, witness: ["sh", "-c", shell, str(witness), str(pid)]))
    if others.get("Chaos Toolkit"):
        row(own.split(",")[0], "Chaos Toolkit", lambda: experiment(chaos_experiment))

    dead = "command to process dead"
    row(dead, "sh -c kill", lambda: until_dead(lambda pid: ["sh", "-c", f"/bin/kill -9 {pid}"]))
    row(dead, "**shakedown inject process-kill**", lambda: until_dead(lambda pid: [SHAKEDOWN, "inject", "process-kill", "--pid", str(pid)]))
    stopped = "command to process stopped"
    pause = lambda pid: [SHAKEDOWN, "inject", "process-pause", "--pid", str(pid), "--for", "30s"]
    row(stopped, "sh -c kill -STOP", lambda: until_stopped(lambda pid: ["sh", "-c", f"/bin/kill -STOP {pid}"]))
    row(stopped, "**shakedown inject process-pause**, undo written first", lambda: until_stopped(pause))
    row("SIGKILL of the controller to healed", "**shakedown**", lambda: until_healed(pause, "controller"))
    row("SIGKILL of controller and agent to healed", "**shakedown**", lambda: until_healed(pause, "both"))
    # What the killed runs left in their journals is closed by the next command.
    subprocess.run([SHAKEDOWN, "rollback", "--all"], env=ENVIRONMENT, capture_output=True, check=True)

    print(file=sys.stderr)
    print("| what | who | median |\n|---|---|---|")
    for what, who, figure in rows:
        print(f"| {what} | {who} | {figure} |")
    print(f"\n{given.runs} runs each, Linux {os.uname().release}, {os.cpu_count()} processors.")
    shutil.rmtree(HOME / "state", ignore_errors=True)


if __name__ == "__main__":
    main()
