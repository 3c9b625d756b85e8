#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Modbus polling against a bare libmodbus loop, in one run on one machine.

All clients read the same devices: libmodbus as the server, one process. busbar decodes, checks quality, keeps the last
value, writes the durable log with fdatasync and feeds the history; the libmodbus loop reads and forgets.
CPU is user + system time of the whole client process.
"""
import argparse
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from gateway import Gateway, row  # noqa: E402

FIRST_PORT = 16000
REGISTERS = 1000


class Devices:
    """libmodbus servers on loopback ports, as many processes as its select() needs (1,024 descriptors each)."""

    PER_PROCESS = 400

    def __init__(self, build, count):
        self.processes = []
        for first in range(0, count, self.PER_PROCESS):
            process = subprocess.Popen(
                [f"{build}/bench/bench_modbus_server", str(FIRST_PORT + first),
                 str(min(self.PER_PROCESS, count - first))], stdout=subprocess.PIPE, text=True)
            self.processes.append(process)
            if process.stdout.readline().strip() != "ready":
                sys.exit("the devices do not start")

    def first_request(self, gateway, seconds=120):
        """Monotonic time of the first request that came."""
        ready, _, _ = select.select([p.stdout for p in self.processes], [], [], seconds)
        if not ready:
            sys.exit(f"no request came; see {gateway.log.name}")
        return min(float(pipe.readline().split()[1]) for pipe in ready)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def write_site(folder, devices, every, csv=False):
    site = f"{folder}/site-{devices}-{every}"
    os.makedirs(site)
    with open(f"{site}/site.yaml", "w") as out:
        out.write(f"version: 1\nsite: {{ id: bench, name: Bench }}\ndefaults: {{ every: {every} }}\n")
        if not csv:
            out.write("profiles:\n  block:\n    points:\n")
            for i in range(REGISTERS):
                out.write(f"      r{i}: {{ holding: {i}, type: uint16 }}\n")
        if csv:
            out.write("points: { csv: points.csv }\n")
        out.write("devices:\n")
        for i in range(devices):
            part = "" if csv else "profile: block, "
            out.write(f"  d{i}: {{ {part}modbus: {{ tcp: \"127.0.0.1:{FIRST_PORT + i}\", in_flight: 8 }} }}\n")
    if csv:
        with open(f"{site}/points.csv", "w") as out:
            out.write("device,point,holding,type\n")
            for i in range(devices):
                out.writelines(f"d{i},r{r},{r},uint16\n" for r in range(REGISTERS))
    return site


def run_loop(build, seconds):
    out = subprocess.run([f"{build}/bench/bench_modbus_loop", str(FIRST_PORT), "100", str(seconds)],
                         check=True, capture_output=True, text=True).stdout.split()
    return int(out[0]), float(out[1]), float(out[2])


def run_gateway(build, folder, site, seconds):
    """As fast as it goes: registers stored, CPU seconds, wall seconds, RSS."""
    gateway = Gateway(build, folder, site)
    gateway.wait(lambda status: status["points"]["good"] == 100 * REGISTERS, 60)
    time.sleep(1)
    stored, cpu, wall = gateway.measure(seconds, "stored")
    rss = gateway.rss()
    gateway.stop()
    return stored, cpu, wall, rss


def spread(values, form):
    """Median, and the least and the most: these machines are shared and noisy."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def bench_speed(build, folder, seconds, rounds):
    """100 devices x 1,000 registers: as fast as they go, in turns with the peer; then each second."""
    devices = Devices(build, 100)
    site = write_site(folder, 100, "1ms")
    peers, ours, memory = [], [], []
    for _ in range(rounds):
        total, cpu, wall = run_loop(build, seconds)
        peers.append((cpu / total * 1e6, total / wall))
        stored, cpu, wall, rss = run_gateway(build, folder, site, seconds)
        ours.append((cpu / stored * 1e6, stored / wall))
        memory.append(rss / 1e6)
    row("CPU seconds per million registers", spread([o[0] for o in ours], ".3f"),
        spread([p[0] for p in peers], ".3f") + " libmodbus loop",
        spread([o[0] / p[0] for o, p in zip(ours, peers)], ".2f"), "<= 0.5")
    row("registers/s, as fast as it goes", spread([o[1] for o in ours], ",.0f"),
        spread([p[1] for p in peers], ",.0f") + " libmodbus loop",
        spread([o[1] / p[1] for o, p in zip(ours, peers)], ".2f"), "")
    row("RSS at that speed", spread(memory, ".0f") + " MB", "", "", "")

    gateway = Gateway(build, folder, write_site(folder, 100, "1s"))
    gateway.wait(lambda status: status["points"]["good"] == 100 * REGISTERS, 60)
    time.sleep(2)
    stored, cpu, wall = gateway.measure(seconds, "stored")
    gateway.stop()
    devices.stop()
    row("100,000 points each second: share of a core", f"{cpu / wall * 100:.1f} %",
        f"{stored / wall:,.0f} points/s stored", "", "< 10 %")


def bench_start(build, folder, points, every, line, line_bytes):
    count = points // REGISTERS
    devices = Devices(build, count)
    site = write_site(folder, count, every, csv=True)
    for again in (False, True):
        gateway = Gateway(build, folder, site, again)
        first = devices.first_request(gateway) - gateway.began
        what = f"{points:,} points from CSV, start to first poll"
        row(what + (" (again)" if again else " (first time, ids made)"), f"{first:.2f} s", "", "", line)
        if not again:
            gateway.wait(lambda status: status["points"]["total"] == points, 120)
            gateway.stop()
            devices.stop()
            devices = Devices(build, count)
    gateway.wait(lambda status: status["points"]["good"] == points, 300)
    time.sleep(3)
    rss = gateway.rss()
    row(f"{points:,} points, all polled and good: RSS a point", f"{rss / points:.0f} B",
        f"{rss / 1e6:.0f} MB in all", "", line_bytes)
    gateway.stop()
    devices.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder with busbar and the peers")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5, help="of the peer and busbar in turns")
    parser.add_argument("--only", choices=["speed", "start"])
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="busbar-bench-")
    print("| what | busbar | peer or note | ratio | line |\n|---|---|---|---|---|")
    if options.only != "start":
        bench_speed(options.build, folder, options.seconds, options.rounds)
    if options.only != "speed":
        bench_start(options.build, folder, 100_000, "10s", "< 1 s", "")
        bench_start(options.build, folder, 1_000_000, "60s", "", "< 300 B")
    shutil.rmtree(folder)


main()
