#!/usr/bin/env python3
"""Measures how much the engine `queue` carries, and how exact it is, side by side with no queue at all.

    cargo build --release && sudo tests/bench/queue.py [--runs N] [--seconds S]

Two network namespaces of this script's own are joined by a cable; nothing else is touched. A sender
in the one sends UDP packets of 64 bytes in all to a receiver in the other; both run on the last
processor, the agent on the first, as long as there are two. Nothing is asserted; each figure is the
median of N runs. `carried` is what arrived in the time it was sent in, `lost` all that did not.
"""

import argparse
import ctypes
import os
import pathlib
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRIPLE = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
TRIPLE = next(line.split()[1] for line in TRIPLE.splitlines() if line.startswith("host"))
SHAKEDOWN = str(ROOT / "target" / TRIPLE / "release" / "shakedown")
HOME = ROOT / "target" / "bench"
ENVIRONMENT = {**os.environ, "SHAKEDOWN_STATE_DIR": os.environ.get("SHAKEDOWN_STATE_DIR", str(HOME / "state"))}
LIBC = ctypes.CDLL(None, use_errno=True)
BATCH = 32
PAYLOAD = 22  # 64 bytes with the headers of Ethernet, IP and UDP
ADDRESS, PORT = "10.66.0.2", 9000
FIRST, LAST = 0, (os.cpu_count() or 1) - 1


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Message(ctypes.Structure):
    """struct mmsghdr"""
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32), ("iov", ctypes.POINTER(Iovec)),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_long), ("len", ctypes.c_ulong)]


class Packets:
    """A batch of packets for sendmmsg(2) and recvmmsg(2)."""

    def __init__(self, length):
        self.room = [ctypes.create_string_buffer(length) for _ in range(BATCH)]
        self.iovecs = [Iovec(ctypes.cast(room, ctypes.c_void_p), length) for room in self.room]
        self.messages = (Message * BATCH)()
        for message, iovec in zip(self.messages, self.iovecs):
            message.iov, message.iovlen = ctypes.pointer(iovec), 1

    def stamp(self):
        now = struct.pack("=Q", time.monotonic_ns())
        for room in self.room:
            room[:8] = now


def receive(report):
    """Counts packets until none comes for a second; every 16th tells how long it took."""
    inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inside.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    inside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 0))
    inside.bind((ADDRESS, PORT))
    packets, count, took = Packets(64), 0, []
    os.write(report, b".")
    first = last = 0
    while True:
        got = LIBC.recvmmsg(inside.fileno(), packets.messages, BATCH, 0x10000, None)  # MSG_WAITFORONE
        now = time.monotonic_ns()
        if got <= 0:
            if first:
                break
            continue
        first, last = first or now, now
        count += got
        took.append(now - struct.unpack("=Q", packets.room[0][:8])[0])
    os.write(report, struct.pack("=QQQ", count, last - first, sorted(took)[len(took) // 2]))


def send(rate, seconds):
    """Sends at a rate (0: as fast as it goes); returns the number sent."""
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outside.connect((ADDRESS, PORT))
    batch = max(1, min(BATCH, rate // 2000)) if rate else BATCH
    packets, sent, begin = Packets(PAYLOAD), 0, time.monotonic()
    while (now := time.monotonic()) < begin + seconds:
        due = begin + sent / rate if rate else now
        if due > now:
            time.sleep(due - now)
            continue
        packets.stamp()
        done = LIBC.sendmmsg(outside.fileno(), packets.messages, batch, 0)
        if done < 0:
            raise OSError(ctypes.get_errno(), "sendmmsg")
        sent += done
    return sent


def namespace(pid, cpu):
    """Puts this process into another's network, on one processor."""
    with open(f"/proc/{pid}/ns/net") as file:
        if LIBC.setns(file.fileno(), 0x40000000):
            sys.exit("cannot enter a network namespace; it takes root")
    os.sched_setaffinity(0, {cpu})


def child(act):
    """Runs a function in a process of its own; returns a pipe with what it writes."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act(writer)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    return pid, reader


def one(near, far, rate, seconds):
    """One run: sent, received, nanoseconds from first to last, median nanoseconds on the way."""
    receiver, report = child(lambda report: (namespace(far.pid, LAST), receive(report)))
    os.read(report, 1)
    sender, sent = child(lambda pipe: (namespace(near.pid, LAST), os.write(pipe, struct.pack("=Q", send(rate, seconds)))))
    total, = struct.unpack("=Q", os.read(sent, 8))
    answer = struct.unpack("=QQQ", os.read(report, 24))
    for pid, pipe in ((receiver, report), (sender, sent)):
        os.waitpid(pid, 0)
        os.close(pipe)
    return (total, *answer)


def lan():
    """Two sleeping processes, each with a network of its own, joined by a cable."""
    ends = [subprocess.Popen(["unshare", "-n", "sleep", "1000"]) for _ in range(2)]
    here = os.stat("/proc/self/ns/net").st_ino
    while any(os.stat(f"/proc/{end.pid}/ns/net").st_ino == here for end in ends):
        time.sleep(0.01)
    ip = lambda end, line: subprocess.run(["nsenter", f"--net=/proc/{end.pid}/ns/net", "ip", *line.split()], check=True)
    ip(ends[0], f"link add eth0 type veth peer name eth0 netns {ends[1].pid}")
    for number, end in enumerate(ends, 1):
        ip(end, f"address add 10.66.0.{number}/24 dev eth0")
        ip(end, "link set eth0 up")
    return ends


def inject(pid, parameters):
    """Starts the fault and waits until it is in place; returns the controller."""
    argv = ["taskset", "-c", str(FIRST), SHAKEDOWN, "inject", "network-latency", "--pid", str(pid), *parameters]
    process = subprocess.Popen(argv, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if "network-latency" in line and ("not seen yet" in line or "is in effect" in line):
            return process
    sys.exit("the fault was not put")


def ended(process):
    """Ends the fault; returns what it proved."""
    process.send_signal(signal.SIGINT)
    lines = process.communicate()[0].splitlines()
    return next((line.strip() for line in reversed(lines) if "packets" in line), "no proof")


def agent_seconds(controller):
    """Processor time of the controller's agent."""
    total = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == controller.pid:
                total += int(fields[11]) + int(fields[12])
        except (OSError, IndexError):
            continue
    return total / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    pathlib.Path(ENVIRONMENT["SHAKEDOWN_STATE_DIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)
    near, far = lan()
    try:
        print("| asked | what | carried, packets/s | lost | added, ms | agent, µs/packet |\n|---|---|---|---|---|---|")
        for rate in (1000, 20_000, 60_000, 0):
            rows = {"no queue": (None, []), "what is sent, 10 ms": (near, []), "what is received, 10 ms": (far, [])}
            proofs = []
            for _ in range(options.runs):
                for name, (target, results) in rows.items():
                    way = "from" if target is far else "to"
                    fault = target and inject(target.pid, ["delay=10ms", "engine=queue", f"direction={way}", "--for", "60s"])
                    before = agent_seconds(fault) if fault else 0
                    sent, got, nanos, took = one(near, far, rate, options.seconds)
                    used = agent_seconds(fault) - before if fault else 0
                    if fault:
                        proofs.append(f"{rate or 'all'}: {ended(fault)}")
                    results.append((got / nanos * 1e9, sent - got, took / 1e6, used / max(got, 1) * 1e6))
            plain = statistics.median(took for *_, took, _ in rows["no queue"][1])
            for name, (target, results) in rows.items():
                carried, lost, took, cost = (statistics.median(column) for column in zip(*results))
                added = f"{took - plain - 10:+.2f}" if target else "–"
                print(f"| {rate or 'all'} | {name} | {carried:,.0f} | {lost:,.0f} | {added} | {f'{cost:.1f}' if target else '–'} |", flush=True)
            print("\n".join(proofs[-2:]), file=sys.stderr)
    finally:
        for end in (near, far):
            end.kill()
            end.wait()


if __name__ == "__main__":
    main()
