#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OPC UA subscriptions against open62541's own client, in one run on one machine.

One server (server.c) with 100,000 variables, of which 20,000 change a second. Both sides subscribe to all of them in one
session: sampled as they change, published every 100 ms, a queue of one, as many subscriptions. busbar decodes, judges, keeps the last value,
writes the durable log with fdatasync, feeds the history and acknowledges to the server what is on disk; the client loop
(client_loop.c) counts and forgets. They run in turns; CPU is user + system time of the whole client process.
"""
import argparse
import atexit
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from gateway import Gateway, cpu_seconds, free_port, quantile, row  # noqa: E402

STAMPS = 100  # nodes that hold the monotonic time of their change, in us (server.c)
PUBLISHING_MS = 100
COMMITS = ("10ms", "50ms")  # the default, and a longer one: fewer fdatasync


class Server:
    def __init__(self, build, nodes, changes):
        self.port = free_port()
        self.process = subprocess.Popen([f"{build}/bench/bench_opcua_server", str(self.port), str(nodes), str(changes)],
                                        stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit("the server does not start")

    def stop(self):
        self.process.kill()
        self.process.wait()


def write_site(folder, port, nodes, devices, commit):
    """Devices at one server: they share a session, each has a subscription."""
    site = f"{folder}/site-{commit}"
    os.makedirs(site)
    with open(f"{site}/site.yaml", "w") as out:
        out.write("version: 1\nsite: { id: bench, name: Bench }\npoints: { csv: points.csv }\n"
                  f"history: {{ commit: {commit} }}\ndevices:\n")
        for i in range(devices):
            out.write(f"  d{i}: {{ opcua: {{ url: \"opc.tcp://127.0.0.1:{port}\", security: none, "
                      f"publishing: {PUBLISHING_MS}ms, sampling: fastest, queue: 1, check_every: 1d }} }}\n")
    with open(f"{site}/points.csv", "w") as out:
        out.write("device,point,node\n")
        each = nodes // devices
        for i in range(nodes):
            out.write(f"d{i // each},n{i + 1},ns=1;i={i + 1}\n")
    return site


def run_loop(build, server, options, devices):
    out = subprocess.run([f"{build}/bench/bench_opcua_loop", str(server.port), str(options.nodes), str(devices),
                          str(PUBLISHING_MS), str(options.seconds)], check=True, capture_output=True, text=True).stdout.split()
    keys = ("start", "changes", "cpu", "wall", "p50", "p99", "rss")
    return dict(zip(keys, (float(number) for number in out)))


def latencies(gateway, seconds):
    """From the write in the server to the value in the gateway's live stream, ms; the values are the times."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request("GET", "/api/v1/live?points=" + ",".join(f"d0/n{i + 1}" for i in range(STAMPS)))
    stream, seen = connection.getresponse(), []
    begin = time.monotonic() + 2  # the first values are old ones
    while time.monotonic() < begin + seconds:
        line = stream.readline()
        now = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
        if line.startswith(b"data:") and time.monotonic() > begin:
            for value in values_of(json.loads(line[5:])):
                seen.append((now - value) / 1e3)
    connection.close()
    return sorted(seen)


def values_of(message):
    """Whole numbers in a message of the stream that can be such times."""
    if isinstance(message, dict):
        message = list(message.values())
    if isinstance(message, list):
        return [value for part in message for value in values_of(part)]
    return [message] if isinstance(message, int) and not isinstance(message, bool) and message > 10**9 else []


def run_gateway(build, folder, site, nodes, seconds):
    gateway = Gateway(build, folder, site)
    gateway.wait_good(nodes)
    start = time.clock_gettime(time.CLOCK_MONOTONIC) - gateway.began
    time.sleep(2)
    changes, cpu, wall = gateway.measure(seconds)
    rss = gateway.rss()
    waited = latencies(gateway, seconds)
    if not waited:
        gateway.fail("no change came over the live stream")
    gateway.stop()
    return {"start": start, "changes": changes, "cpu": cpu, "wall": wall, "rss": rss,
            "p50": quantile(waited, 0.5), "p99": quantile(waited, 0.99)}


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def bench(folder, options, devices):
    server = Server(options.build, options.nodes, options.changes)
    sites = [write_site(folder, server.port, options.nodes, devices, commit) for commit in COMMITS]
    peers, ours, gathered = [], [], []
    for _ in range(options.rounds):
        peers.append(run_loop(options.build, server, options, devices))
        ours.append(run_gateway(options.build, folder, sites[0], options.nodes, options.seconds))
        gathered.append(run_gateway(options.build, folder, sites[1], options.nodes, options.seconds))
    served = cpu_seconds(server.process.pid)
    server.stop()
    for site in sites:
        shutil.rmtree(site)

    def both(key, scale=lambda run: 1.0, runs=None):
        return [run[key] * scale(run) for run in runs or ours], [run[key] * scale(run) for run in peers]

    rate, peer_rate = both("changes", lambda run: 1 / run["wall"])
    row(f"{devices} x {options.nodes // devices:,} monitored items: changes/s", spread(rate, ",.0f"), spread(peer_rate, ",.0f"))
    cpu, peer_cpu = both("cpu", lambda run: 1e6 / run["changes"])
    row("CPU seconds per million changes", spread(cpu, ".2f"), spread(peer_cpu, ".2f"),
        spread([a / b for a, b in zip(cpu, peer_cpu)], ".2f"), "<= 1.5")
    late, _ = both("cpu", lambda run: 1e6 / run["changes"], gathered)
    row(f"the same, history.commit {COMMITS[1]}", spread(late, ".2f"), "",
        spread([a / b for a, b in zip(late, peer_cpu)], ".2f"))
    share, peer_share = both("cpu", lambda run: 100 / run["wall"])
    row("share of a core", spread(share, ".1f") + " %", spread(peer_share, ".1f") + " %")
    rss, peer_rss = both("rss", lambda run: 1 / options.nodes)
    row("RSS a node, all included", spread(rss, ",.0f") + " B", spread(peer_rss, ",.0f") + " B", "", "< 1,024 B")
    p50, peer_p50 = both("p50")
    p99, peer_p99 = both("p99")
    row("from the write in the server to the live stream: p50", spread(p50, ".0f") + " ms",
        spread(peer_p50, ".0f") + " ms, to its callback")
    row("p99", spread(p99, ".0f") + " ms", spread(peer_p99, ".0f") + " ms, to its callback")
    start, peer_start = both("start")
    row(f"start of the process to all {options.nodes:,} good", spread(start, ".1f") + " s",
        spread(peer_start, ".1f") + " s, reads no configuration", "", "< 20 s")
    row("CPU seconds of the server, all rounds", f"{served:.0f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder with busbar and the peer")
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--devices", type=int, nargs="+", default=[100, 1],
                        help="that the nodes are cut into, a subscription each; one run for each number")
    parser.add_argument("--changes", type=int, default=20_000, help="a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3, help="of the peer and busbar in turns")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="busbar-bench-")
    print("| what | busbar | open62541 client loop | ratio | line |\n|---|---|---|---|---|")
    for devices in options.devices:
        bench(folder, options, devices)
    shutil.rmtree(folder)


main()
