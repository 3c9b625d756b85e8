#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SNMP polling and traps, in one run on one machine.

The agents are `busbar sim`: 10,000 of them by version 2c, each on a loopback address of its own, with 20 OIDs: ten of
ifXTable, ten scattered. The gateway polls them, decodes, judges, keeps the last value, writes the durable log with fdatasync and
feeds the history. The peers read the same OIDs of the same agents: a C loop on the net-snmp library (asynchronous, GET of
all 20, values forgotten), Debian's snmpbulkget (a process an agent), and Debian's prometheus-snmp-exporter (scraped over
HTTP, which forgets too). CPU is user + system time of the whole client process; the agents' and the loader's are not
counted. Traps come from 1,000 of the polled agents' addresses.
"""
import argparse
import atexit
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import gateway as shared  # noqa: E402
from gateway import cpu_seconds, quantile, row, rss_bytes  # noqa: E402

FIRST = "127.10.0.1"
OCTETS = 250
PORT = 16161
TRAP_PORT = 16162
TRAP_SOURCES = 1000
IF_X = "1.3.6.1.2.1.31.1.1.1"
SCATTERED = "1.3.6.1.4.1.32473.7"
OIDS = [f"{IF_X}.{column}.{port}" for column in (6, 10) for port in range(1, 6)] + \
    ["1.3.6.1.2.1.1.3.0"] + [f"{SCATTERED}.{17 * i}.0" for i in range(1, 10)]
POINTS = len(OIDS)


def start(command, log):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    atexit.register(process.kill)
    return process


def address(agent):
    return f"127.10.{agent // OCTETS}.{1 + agent % OCTETS}"


def write_site(folder, name, agents, every, ports=1, traps=False):
    site = f"{folder}/{name}"
    os.makedirs(site)
    section = f"source_ports: 17000-{16999 + ports}" if ports > 1 else ""
    if traps:
        section = f'listen: "127.0.0.1:{TRAP_PORT}", trap_rate: 1000000, trap_burst: 1000000'
    with open(f"{site}/site.yaml", "w") as out:
        out.write("version: 1\nsite: { id: bench, name: Bench }\n"
                  f"drivers: {{ snmp: {{ {section} }} }}\n"
                  f"defaults: {{ every: {every} }}\nprofiles:\n  block:\n    points:\n")
        for i, oid in enumerate(OIDS):
            kind = ", type: unsigned" if oid.startswith(SCATTERED) else ""
            out.write(f"      p{i}: {{ oid: {oid}{kind} }}\n")
        out.write("devices:\n")
        for i in range(agents):
            out.write(f"  d{i}: {{ profile: block, snmp: {{ host: \"{address(i)}:{PORT}\", version: 2c }} }}\n")
    return site


class Agents:
    def __init__(self, build, folder, site):
        self.log = open(f"{folder}/sim.log", "w+")
        self.process = start([f"{build}/busbar", "sim", site], self.log)
        for _ in range(1200):
            with open(self.log.name) as log:
                if re.search(r"^simulating \d+ devices", log.read(), re.M):
                    return
            if self.process.poll() is not None:
                sys.exit(f"the agents do not start; see {self.log.name}")
            time.sleep(0.1)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Gateway(shared.Gateway):
    def lateness(self, seconds):
        """Planned against real start of polls, in ms, of the first thousand devices, looked at a few times."""
        seen = []
        for _ in range(max(1, int(seconds / 10))):
            time.sleep(min(10, seconds))
            seen += [d["lag_ms"] for d in self.get("/api/v1/devices?limit=1000")["devices"]]
        return sorted(seen)


# ---- peers ----

def run_loop(build, agents, seconds):
    """Varbinds and CPU seconds of the net-snmp library."""
    out = subprocess.run([f"{build}/bench/bench_snmp_loop", FIRST, str(agents), str(PORT), str(seconds), *OIDS],
                         check=True, capture_output=True, text=True).stdout.split()
    return int(out[0]), int(out[1]) / 1e6


def run_bulkget(agents, seconds):
    """The same of snmpbulkget: ten non-repeaters, and the row of interfaces by repetition."""
    before, end, varbinds, agent = os.times(), time.monotonic() + seconds, 0, 0
    asked = [oid.rsplit(".", 1)[0] for oid in OIDS[10:]] + [f"{IF_X}.6", f"{IF_X}.10"]
    while time.monotonic() < end:
        out = subprocess.run(["snmpbulkget", "-v2c", "-c", "public", "-On", "-m", "", "-Cn10", "-Cr5",
                              f"{address(agent)}:{PORT}", *asked], check=True, capture_output=True, text=True).stdout
        varbinds += out.count("\n")
        agent = (agent + 1) % agents
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return varbinds, cpu


def exporter_config(folder):
    """The module in the format of snmp_exporter 0.21."""
    with open(f"{folder}/snmp.yml", "w") as out:
        out.write("bench:\n  version: 2\n  max_repetitions: 25\n  retries: 1\n  timeout: 5s\n  auth: { community: public }\n  get:\n")
        for oid in OIDS:
            out.write(f"  - {oid}\n")
        out.write("  metrics:\n")
        for column, name in ((6, "in"), (10, "out")):
            out.write(f"  - {{ name: {name}, oid: {IF_X}.{column}, type: counter, help: h, "
                      "indexes: [{ labelname: ifIndex, type: gauge }] }\n")
        for i, oid in enumerate(OIDS[10:]):
            out.write(f"  - {{ name: s{i}, oid: {oid.rsplit('.', 1)[0]}, type: gauge, help: h }}\n")
    return out.name


class Exporter:
    def __init__(self, folder):
        self.port = shared.free_port()
        self.log = open(f"{folder}/exporter.log", "w")
        self.process = start(["prometheus-snmp-exporter", f"--config.file={exporter_config(folder)}",
                              f"--web.listen-address=127.0.0.1:{self.port}"], self.log)
        for _ in range(100):
            try:
                found = len(re.findall(r"^(?:in|out|s\d)[{ ]", self.scrape(self.connect(), 0), re.M))
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit(f"the exporter does not start; see {self.log.name}")
        if found != POINTS:
            sys.exit(f"the exporter tells {found} of {POINTS} values; see {self.log.name}")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def scrape(self, connection, agent):
        connection.request("GET", f"/snmp?target={address(agent)}:{PORT}&module=bench")
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            sys.exit(f"the exporter answers {answer.status}: {text}")
        return text

    def run(self, agents, seconds, clients=8):
        """Varbinds and CPU seconds."""
        scraped, end = [0] * clients, time.monotonic() + seconds

        def client(number):
            connection, agent = self.connect(), number
            while time.monotonic() < end:
                self.scrape(connection, agent % agents)
                scraped[number] += 1
                agent += clients

        before = cpu_seconds(self.process.pid)
        threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(scraped) * POINTS, cpu_seconds(self.process.pid) - before

    def stop(self):
        self.process.kill()
        self.process.wait()


def run_peers(build, folder, agents, seconds):
    """name -> varbinds a CPU second."""
    rates = {}
    varbinds, cpu = run_loop(build, agents, seconds)
    rates["net-snmp library, C loop"] = varbinds / cpu
    varbinds, cpu = run_bulkget(agents, min(seconds, 10))
    rates["snmpbulkget, a process each"] = varbinds / cpu
    exporter = Exporter(folder)
    exporter.run(agents, 2)  # warm
    varbinds, cpu = exporter.run(agents, seconds)
    rates["snmp-exporter"] = varbinds / cpu
    row("RSS of snmp-exporter", "", f"{rss_bytes(exporter.process.pid) / 1e6:.0f} MB")
    exporter.stop()
    return rates


# ---- polling ----

def bench_poll(options, folder, agents, ports, every, peers):
    site = write_site(folder, f"poll-{ports}-{every}", agents, every, ports)
    gateway, total = Gateway(options.build, folder, site), agents * POINTS
    gateway.wait_good(total)
    time.sleep(2)
    cpu_agents = cpu_seconds(peers["agents"].process.pid)
    received, cpu, wall = gateway.measure(options.seconds)
    cpu_agents = cpu_seconds(peers["agents"].process.pid) - cpu_agents
    late = gateway.lateness(max(10, options.seconds / 2))
    what = f"{agents:,} agents x {POINTS} OIDs each {every}, {ports} source port{'s' if ports > 1 else ''}"
    row(f"{what}: varbinds/s", f"{received / wall:,.0f}", f"{cpu / wall * 100:.1f} % of a core",
        "", "50,000/s on one core" if every == options.fast else "")
    row("varbinds a CPU second", f"{received / cpu:,.0f}", f"the agents: {received / max(cpu_agents, 0.01):,.0f}", "",
        "50,000" if every == options.fast else "")
    for name, rate in peers["rates"].items():
        row(f"against {name}", f"{received / cpu:,.0f}", f"{rate:,.0f}", f"{received / cpu / rate:.1f}",
            "20" if name == "snmp-exporter" else "")
    row("lateness of polls: p50, p99, most", f"{quantile(late, 0.5):.1f}, {quantile(late, 0.99):.1f}, {late[-1]:.1f} ms")
    row("RSS of the gateway", f"{gateway.rss() / 1e6:.0f} MB", f"{gateway.rss() / total:.0f} B a point")
    gateway.stop()


# ---- traps ----

def events_stored(gateway):
    return gateway.status()["events"]["stored"]


def bench_traps(options, folder, agents):
    site = write_site(folder, "traps", agents, options.every, traps=True)
    gateway, total = Gateway(options.build, folder, site), agents * POINTS
    gateway.wait_good(total)
    calm = gateway.lateness(20)
    before, cpu, began = events_stored(gateway), cpu_seconds(gateway.process.pid), time.monotonic()
    sender = subprocess.Popen([f"{options.build}/bench/bench_snmp_traps", "127.0.0.1", str(TRAP_PORT), FIRST,
                               str(min(TRAP_SOURCES, agents)), str(options.traps), str(options.trap_seconds)],
                              stdout=subprocess.PIPE, text=True)
    late = gateway.lateness(options.trap_seconds - 2)
    sent = int(sender.communicate()[0].split()[0])
    wall = time.monotonic() - began
    cpu = cpu_seconds(gateway.process.pid) - cpu
    deadline = time.monotonic() + 60
    while events_stored(gateway) - before < sent and time.monotonic() < deadline:
        time.sleep(0.2)
    behind = time.monotonic() - began - wall
    stored = events_stored(gateway) - before
    row(f"{options.traps:,} traps/s for {options.trap_seconds:.0f} s: sent, stored", f"{sent:,}, {stored:,}",
        f"{sent - stored:,} lost; the last {behind:.1f} s after it was sent", "", "50,000/s, none lost")
    facts = next(d for d in gateway.get("/api/v1/drivers")["drivers"] if d["protocol"] == "snmp")["facts"]
    row("what the gateway counted", "; ".join(f"{f['name']}: {f['text']}" for f in facts if f.get("part") == "traps"))
    row("refused by the log", gateway.status()["events"]["refused"])
    row("CPU: share of a core, traps a CPU second", f"{cpu / wall * 100:.0f} %, {stored / cpu:,.0f}")
    row("lateness of polls before: p50, p99, most", f"{quantile(calm, 0.5):.1f}, {quantile(calm, 0.99):.1f}, {calm[-1]:.1f} ms")
    row("lateness of polls meanwhile: p50, p99, most", f"{quantile(late, 0.5):.1f}, {quantile(late, 0.99):.1f}, {late[-1]:.1f} ms",
        "", "", "no delay")
    row("RSS of the gateway", f"{gateway.rss() / 1e6:.0f} MB")
    gateway.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder with busbar")
    parser.add_argument("--agents", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", default="30s")
    parser.add_argument("--fast", default="1s", help="the period that is as fast as it goes")
    parser.add_argument("--traps", type=int, default=50000, help="a second")
    parser.add_argument("--trap-seconds", type=float, default=60)
    parser.add_argument("--only", choices=["poll", "traps"])
    parser.add_argument("--short", action="store_true", help="small numbers, only to see that it works")
    options = parser.parse_args()
    if options.short:
        options.agents, options.seconds, options.every, options.traps, options.trap_seconds = 200, 5, "5s", 2000, 12
    folder = tempfile.mkdtemp(prefix="busbar-bench-")
    agents = Agents(options.build, folder, write_site(folder, "agents", options.agents, options.every))
    print("| what | busbar | peer or note | ratio | line |\n|---|---|---|---|---|")
    if options.only != "traps":
        peers = {"agents": agents, "rates": run_peers(options.build, folder, options.agents, min(options.seconds, 20))}
        for every in (options.every, options.fast):
            for ports in (1, 16):
                bench_poll(options, folder, options.agents, ports, every, peers)
    row("RSS of the simulator", f"{rss_bytes(agents.process.pid) / 1e6:.0f} MB",
        f"{rss_bytes(agents.process.pid) / options.agents / 1e3:.1f} kB an agent")
    if options.only != "poll":
        bench_traps(options, folder, options.agents)
    agents.stop()
    shutil.rmtree(folder)


main()
