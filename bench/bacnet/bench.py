#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""BACnet/IP polling and COV, in one run on one machine.

The devices are `busbar sim`: 1,000 of them, each on a loopback address of its own, with 100 analog inputs. The gateway polls
them, or is told of changes, decodes, judges, keeps the last value, writes the durable log with fdatasync and feeds the history.
The peer (@bacnet-js/client, ReadPropertyMultiple of 20 objects at a time, value and status flags, 16 devices at once)
reads the same devices and forgets. CPU is user + system time of the whole client process; the simulator's is not counted.
"""
import argparse
import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import gateway as shared  # noqa: E402
from gateway import quantile, row, rss_bytes  # noqa: E402

POINTS = 100
PORT = 47911
EVERY = 10


def start(command, log):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    atexit.register(process.kill)
    return process


def address(device):
    return f"127.9.{1 + device // 250}.{1 + device % 250}"


def write_site(folder, name, devices, every, settings, point):
    """point: what follows the object in each point's settings."""
    site = f"{folder}/{name}"
    os.makedirs(site)
    with open(f"{site}/site.yaml", "w") as out:
        out.write("version: 1\nsite: { id: bench, name: Bench }\n"
                  f"drivers: {{ bacnet: {{ networks: {{ bench: {{ interface: lo, address: 127.9.0.1/8, port: {PORT} }} }} }} }}\n"
                  f"defaults: {{ every: {every} }}\nprofiles:\n  block:\n    points:\n")
        for i in range(POINTS):
            out.write(f"      p{i}: {{ object: \"AI:{i + 1}\"{point} }}\n")
        out.write("devices:\n")
        for i in range(devices):
            out.write(f"  d{i}: {{ profile: block, bacnet: {{ device: {i + 1}, network: bench, "
                      f"address: \"{address(i)}:{PORT}\"{settings} }} }}\n")
    return site


class Devices:
    def __init__(self, build, folder, site):
        self.control = f"{folder}/sim"
        self.log = open(f"{folder}/sim.log", "w+")
        self.process = start([f"{build}/busbar", "sim", site, "--control", self.control], self.log)
        for _ in range(600):
            with open(self.log.name) as log:
                if re.search(r"^simulating \d+ devices", log.read(), re.M):
                    break
            if self.process.poll() is not None:
                sys.exit(f"the devices do not start; see {self.log.name}")
            time.sleep(0.1)

    def say(self, line):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.control)
            control.sendall(line.encode() + b"\n")
            answer = control.recv(4096)
        if answer != b"ok\n":
            sys.exit(f"'{line}' was answered {answer}")

    def rss(self):
        return rss_bytes(self.process.pid)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Gateway(shared.Gateway):
    def lateness(self, seconds):
        """Planned against real start of polls, in ms, of all devices, looked at a few times."""
        seen = []
        for _ in range(max(1, int(seconds / EVERY))):
            time.sleep(EVERY)
            seen += [d["lag_ms"] for d in self.get("/api/v1/devices?limit=1000")["devices"]]
        return sorted(seen)

    def requests_a_round(self, device):
        """Requests that the gateway sent to a device in one poll round, by the ring of last frames."""
        time.sleep(EVERY)
        frames = self.get(f"/api/v1/devices/{device}/frames")["frames"]
        sent = [f for f in frames if f["sent"] and re.match(r"read-property", f["text"])]
        last = sent[-1]["time"]
        stamp = lambda text: time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float(text[19:-1] or 0)
        return sum(1 for f in sent if stamp(last) - stamp(f["time"]) < EVERY / 2)


def run_peer(devices, seconds):
    """Points read and CPU seconds of the peer."""
    out = subprocess.run(["node", f"{HERE}/peer.mjs", str(devices), str(POINTS), str(PORT), str(seconds)],
                         check=True, capture_output=True, text=True).stdout.split()
    return int(out[0]), float(out[1])


def bench_poll(build, folder, count, seconds):
    site = write_site(folder, "poll", count, f"{EVERY}s", ", force_polling: true", ", units: degC")
    devices = Devices(build, folder, site)
    points, peer_cpu = run_peer(count, seconds)
    gateway = Gateway(build, folder, site)
    total = count * POINTS
    gateway.wait_good(total)
    time.sleep(EVERY)
    received, cpu, wall = gateway.measure(max(seconds, 2 * EVERY))
    late = gateway.lateness(max(seconds, 2 * EVERY))
    requests = gateway.requests_a_round("d0")
    per_second = received / wall
    row(f"{count:,} devices x {POINTS} points each {EVERY} s: share of a core", f"{cpu / wall * 100:.1f} %",
        f"{per_second:,.0f} points/s", "", "< 10 %")
    row("CPU seconds per million points", f"{cpu / received * 1e6:.2f}",
        f"{peer_cpu / points * 1e6:.2f} @bacnet-js/client, RPM", f"{cpu / received / (peer_cpu / points):.3f}")
    row("requests a round and device", requests, f"{POINTS} ReadProperty, one a point", f"{requests / POINTS:.3f}")
    row("lateness of polls: p50, p99, most",
        f"{quantile(late, 0.5):.1f}, {quantile(late, 0.99):.1f}, {late[-1]:.1f} ms")
    row("RSS of the gateway", f"{gateway.rss() / 1e6:.0f} MB", f"{gateway.rss() / total:.0f} B a point")
    row("RSS of the simulator", f"{devices.rss() / 1e6:.0f} MB", f"{devices.rss() / count / 1e3:.1f} kB a device")
    gateway.stop()
    devices.stop()


def probe(gateway, devices, times):
    """From the change in the device to the value in the gateway's REST, ms."""
    took = []
    for i in range(times):
        value = 500 + i
        began = time.monotonic()
        devices.say(f"set d{i % 10}/p0 {value}")
        while gateway.get(f"/api/v1/points/d{i % 10}/p0")["value"] != value:
            if time.monotonic() - began > 30:
                sys.exit("a change was never told")
        took.append((time.monotonic() - began) * 1e3)
    return sorted(took)


def bench_cov(build, folder, count, seconds, confirmed, increment):
    settings = f", cov_confirmed: {str(confirmed).lower()}, check_every: 1d"
    site = write_site(folder, f"cov-{confirmed}", count, "60s", settings, f", cov: {increment}")
    devices = Devices(build, folder, site)
    gateway = Gateway(build, folder, site)
    total = count * POINTS
    gateway.wait_good(total)
    time.sleep(EVERY)
    received, cpu, wall = gateway.measure(seconds)
    how = "confirmed" if confirmed else "unconfirmed"
    row(f"{total:,} COV points, {how}: share of a core", f"{cpu / wall * 100:.1f} %", f"{received / wall:,.0f} changes/s")
    row(f"CPU seconds per million changes, {how}", f"{cpu / received * 1e6:.2f}")
    facts = next(d for d in gateway.get("/api/v1/drivers")["drivers"] if d["protocol"] == "bacnet")["facts"]
    row(f"frames, {how}", *[f["text"] for f in facts if f["name"] in ("frames", "dropped")][:2])
    took = probe(gateway, devices, 100)
    row("from a change in the device to the gateway's REST: p50, p99",
        f"{quantile(took, 0.5):.0f}, {quantile(took, 0.99):.0f} ms", "the device looks 10 ms after it")
    row("RSS of the gateway", f"{gateway.rss() / 1e6:.0f} MB", f"{gateway.rss() / total:.0f} B a point")
    gateway.stop()
    devices.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder with busbar")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--increment", type=float, default=3.5, help="of COV; tunes the changes a second")
    parser.add_argument("--confirmed", choices=["yes", "no"], help="COV: only so")
    parser.add_argument("--only", choices=["poll", "cov"])
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="busbar-bench-")
    print("| what | busbar | peer or note | ratio | line |\n|---|---|---|---|---|")
    if options.only != "cov":
        bench_poll(options.build, folder, options.devices, options.seconds)
    if options.only != "poll":
        for confirmed in (False, True) if options.confirmed is None else (options.confirmed == "yes",):
            bench_cov(options.build, folder, options.devices, options.seconds, confirmed, options.increment)
    shutil.rmtree(folder)


main()
