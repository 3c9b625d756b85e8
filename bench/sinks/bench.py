#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sinks: what it costs to send the same samples on, in one run on one machine.

PostgreSQL: the gateway has the samples in its log, its sink is paused; from `resume` to the last commit counts. The peer is a bare
`\\copy` by psql of the very same rows, read back from the table that we filled, into a table with the same columns and primary key
on the same server (fsync on, transactions durable), in transactions as big as our batches.

Remote write: vmagent and Prometheus in agent mode get the same requests by remote write as the gateway, and send on to a
VictoriaMetrics of their own; CPU counts from the first request until the last sample is there, so taking in, keeping and sending
on. The gateway answers when they are on disk (fdatasync), one request after the other, and keeps them in its history besides;
the others answer before. `sending alone` is the gateway's sink from `resume`
on; `a bare loop` is a program that sends the requests ready-made to VictoriaMetrics: there is nothing below it.

CPU is user + system time of a whole process (PostgreSQL: of all its processes).
"""
import argparse
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import gateway as shared  # noqa: E402
from gateway import TICKS, cpu_seconds, row  # noqa: E402

LIVE = 5000  # samples a second: what a gateway of 50,000 points each 10 s collects
COPY_LINE = 0.8
BATCH = 20000
STEPS_AHEAD = 50
OUTAGE_STEPS = 150
DAY_MS = 86400000


def start(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    atexit.register(process.kill)
    return process


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def until(what, look, seconds=300):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = look()
            if found:
                return found
        except OSError:
            pass
        time.sleep(0.05)
    return sys.exit(f"waited {seconds} s for: {what}")


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def met(measured, line):
    return f"{line} {'met' if measured >= line else 'NOT met'}"


class Feed:
    """The load of bench/history: series polled every 10 s, as remote writes to a port. Requests are made before it begins."""

    def __init__(self, options, port, began_ms, series=None, steps=None):
        series, steps = series or options.series, steps or options.steps
        process = subprocess.Popen([f"{options.build}/bench/bench_history_load", "remote_write", str(series), str(steps), str(began_ms),
                                    str(port), "/api/v1/write"], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        self.began, cpu = time.monotonic(), cpu_seconds(process.pid)
        said = json.loads(process.stdout.read())
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        self.cpu, self.seconds = max(usage.ru_utime + usage.ru_stime - cpu, 0.01), said["seconds"]
        self.samples = series * steps
        if said["acknowledged"] != self.samples:
            sys.exit(f"the load sent {said['acknowledged']} of {self.samples} samples, then got {said['status']}")


class Gateway(shared.Gateway):
    """With one sink, `out`, that is told to wait before there is anything to send."""

    def __init__(self, options, folder, name, sink):
        site = f"{folder}/{name}"
        os.makedirs(site)
        with open(f"{site}/site.yaml", "w") as out:
            out.write(f"version: 1\nsite: {{ id: bench, name: Bench }}\nsinks:\n  out: {{ {sink}, series: all, batch: {BATCH} }}\n")
        self.series = shared.free_port()
        super().__init__(options.build, folder, site, series=f"127.0.0.1:{self.series}")
        atexit.register(self.process.kill)
        self.wait(lambda status: True)

    def post(self, path):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1/sinks/out{path}", data=b"{}",
                                         headers={"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=30).read()

    def sink(self):
        return self.get("/api/v1/sinks/out")

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def publish(self, samples):
        """Seconds and CPU seconds from `resume` until so many are acknowledged."""
        cpu, began = self.cpu(), time.monotonic()
        self.post("/resume")
        until("all is published", lambda: self.sink()["published"] >= samples, 900)
        return time.monotonic() - began, max(self.cpu() - cpu, 0.01)


# ---- PostgreSQL ----

class Postgres:
    def __init__(self, folder, name):
        versions = sorted((name for name in os.listdir("/usr/lib/postgresql") if name.isdigit()), key=int)
        self.bin = f"/usr/lib/postgresql/{versions[-1]}/bin"
        self.home, self.port = f"{folder}/{name}", shared.free_port()
        self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        os.makedirs(self.home)
        os.chmod(folder, 0o755)
        if self.user:
            shutil.chown(self.home, "nobody", "nogroup")
        self.run("initdb", "-D", f"{self.home}/data", "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C")
        self.process = start([f"{self.bin}/postgres", "-D", f"{self.home}/data", "-p", str(self.port), "-k", self.home, "-h", "127.0.0.1",
                              "-c", "max_wal_size=4GB", "-c", "shared_buffers=256MB"], cwd=self.home, **self.user)
        until("PostgreSQL is ready", lambda: subprocess.run(
            [f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0)
        self.psql("create database plant", database="postgres")

    def run(self, tool, *arguments):
        subprocess.run([f"{self.bin}/{tool}", *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self.home, **self.user)

    def psql(self, *commands, database="plant"):
        words = [word for command in commands for word in ("-c", command)]
        return subprocess.run([f"{self.bin}/psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-d",
                               database, "-v", "ON_ERROR_STOP=1", *words], check=True, capture_output=True, text=True, cwd=self.home,
                              **self.user).stdout.strip()

    def cpu(self):
        """Of the server with all its processes, those that are gone too."""
        parent, total = self.process.pid, 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(pid) == parent:
                total += sum(int(field) for field in fields[11:15])
            elif int(fields[1]) == parent:
                total += sum(int(field) for field in fields[11:13])
        return total / TICKS

    def stop(self):
        self.run("pg_ctl", "-D", f"{self.home}/data", "-m", "fast", "stop")
        self.process.wait()


def bare_copy(postgres, rows):
    """The same rows by psql, from files of a batch each: seconds, CPU seconds of psql, CPU seconds of the server."""
    # In the order in which they came: that of time, all series of a poll beside each other.
    postgres.psql(f"copy (select * from busbar.sample order by time, point) to '{postgres.home}/rows'")
    postgres.psql("create table bare (like busbar.sample including all)",
                  f"do $$ begin if not exists (select from pg_index where indrelid = 'bare'::regclass and indisprimary) then "
                  "alter table bare add primary key (site, point, time); end if; end $$", "checkpoint")
    subprocess.run(["split", "-l", str(BATCH), "-d", "-a", "5", "rows", "part-"], check=True, cwd=postgres.home)
    parts = sorted(name for name in os.listdir(postgres.home) if name.startswith("part-"))
    script = "".join(f"\\copy bare from '{name}'\n" for name in parts)
    with open(f"{postgres.home}/script", "w") as out:
        out.write(script)
    for name in parts + ["script"]:
        os.chmod(f"{postgres.home}/{name}", 0o644)
    server, before, began = postgres.cpu(), os.times(), time.monotonic()
    subprocess.run([f"{postgres.bin}/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "bench", "-d", "plant", "-v",
                    "ON_ERROR_STOP=1", "-f", "script"], check=True, cwd=postgres.home, **postgres.user)
    wall, after = time.monotonic() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    server = postgres.cpu() - server
    copied = int(postgres.psql("select count(*) from bare"))
    if copied != rows:
        sys.exit(f"psql copied {copied} of {rows} rows")
    return wall, max(cpu, 0.01), max(server, 0.01)


def table_bytes(postgres, table):
    return int(postgres.psql(f"select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_partition_tree('busbar.{table}')"))


def chunk_words(postgres, seconds):
    """Chunks are made of whole days when nothing else is to be done: bytes and samples of what there is by then."""
    deadline = time.monotonic() + seconds
    count = "0"
    while time.monotonic() < deadline and count == "0":
        time.sleep(1)
        count = postgres.psql("select count(*) from busbar.chunk")
    return [int(word) for word in postgres.psql(
        "select coalesce(sum(pg_column_size(data)), 0), coalesce(sum(samples), 0) from busbar.chunk").split("|")]


def publish_rows(options, folder, name, began_ms, series, steps, look=None):
    """Rows, then seconds, CPU seconds of the sender, of the server: of the gateway and of psql; and what `look` sees between."""
    postgres = Postgres(folder, name)
    gateway = Gateway(options, folder, f"{name}-site",
                      f"postgres: \"host=127.0.0.1 port={postgres.port} dbname=plant user=bench sslmode=disable\"")
    until("the tables are there", lambda: gateway.sink()["phase"] == "live")
    gateway.post("/pause")
    feed = Feed(options, gateway.series, began_ms, series, steps)
    server = postgres.cpu()
    wall, cpu = gateway.publish(feed.samples)
    server = postgres.cpu() - server
    rows = int(postgres.psql("select count(*) from busbar.sample"))
    if rows != feed.samples:
        sys.exit(f"{rows} rows of {feed.samples} samples")
    seen = look(postgres) if look else None
    theirs = bare_copy(postgres, rows)
    gateway.stop()
    postgres.stop()
    return rows, (wall, cpu, server), theirs, seen


def bench_postgres(options, folder):
    now = int(time.time() * 1000)
    # An outage of 25 minutes, series polled every 10 s.
    series = max(1, options.series * options.steps // OUTAGE_STEPS)
    rows, ours, theirs, _ = publish_rows(options, folder, "outage", now - OUTAGE_STEPS * 10000, series, OUTAGE_STEPS)
    rate, peer = rows / ours[0], rows / theirs[0]
    row(f"PostgreSQL after an outage: rows/s, {rows:,} rows", f"{rate:,.0f}", f"psql \\copy: {peer:,.0f}", f"{rate / peer:.2f}",
        met(rate / peer, COPY_LINE))
    row("CPU a row, gateway against psql", f"{ours[1] / rows * 1e6:.2f} us", f"{theirs[1] / rows * 1e6:.2f} us", f"{ours[1] / theirs[1]:.2f}")
    row("CPU a row, of the server", f"{ours[2] / rows * 1e6:.2f} us", f"{theirs[2] / rows * 1e6:.2f} us", f"{ours[2] / theirs[2]:.2f}")
    row(f"catching up, against {LIVE:,} samples/s live", f"{rate:,.0f}/s", "", f"{rate / LIVE:.1f}")
    # Yesterday: each hour and day of each series is noted to be made again.
    rows, ours, theirs, (of_rows, chunk_bytes, chunk_samples) = publish_rows(
        options, folder, "yesterday", now // DAY_MS * DAY_MS - DAY_MS, options.series, options.steps,
        lambda postgres: (table_bytes(postgres, "sample"), *chunk_words(postgres, options.chunks)))
    rate, peer = rows / ours[0], rows / theirs[0]
    row(f"samples of yesterday: rows/s, {rows:,} rows", f"{rate:,.0f}", f"psql \\copy: {peer:,.0f}", f"{rate / peer:.2f}")
    if chunk_samples:
        row("bytes a sample, chunks against rows", f"{chunk_bytes / chunk_samples:.2f} ({chunk_samples:,} samples)", f"{of_rows / rows:.1f}",
            f"{chunk_bytes / chunk_samples / (of_rows / rows):.3f}")
    else:
        row("bytes a sample, rows (no day was in chunks yet)", f"{of_rows / rows:.1f}")


# ---- remote write ----

class Victoria:
    def __init__(self, options, folder, name):
        self.port = shared.free_port()
        self.process = start([f"{options.tools}/victoria-metrics", f"-storageDataPath={folder}/vm-{name}", f"-httpListenAddr=127.0.0.1:{self.port}",
                              "-retentionPeriod=100y", "-search.disableCache"])
        self.url = f"http://127.0.0.1:{self.port}/api/v1/write"
        until("VictoriaMetrics is ready", lambda: get(f"http://127.0.0.1:{self.port}/health"))

    def rows(self):
        total = 0
        for line in get(f"http://127.0.0.1:{self.port}/metrics").splitlines():
            if line.startswith('vm_rows_inserted_total{type="promremotewrite"'):
                total += int(float(line.rsplit(" ", 1)[1]))
        return total

    def wait(self, samples):
        until("all samples are there", lambda: self.rows() >= samples, 300)

    def stop(self):
        stop(self.process)


def vmagent(options, folder, url):
    port = shared.free_port()
    process = start([f"{options.tools}/vmagent", f"-remoteWrite.url={url}", f"-httpListenAddr=127.0.0.1:{port}",
                     f"-remoteWrite.tmpDataPath={folder}/vmagent", "-remoteWrite.forcePromProto"])
    until("vmagent is ready", lambda: get(f"http://127.0.0.1:{port}/health"))
    return process, port


def prometheus_agent(options, folder, url):
    port = shared.free_port()
    with open(f"{folder}/agent.yml", "w") as out:
        out.write(f"global: {{ scrape_interval: 1h }}\nremote_write: [ {{ url: \"{url}\" }} ]\n")
    version = subprocess.run([f"{options.tools}/prometheus", "--version"], capture_output=True, text=True).stdout
    agent = "--agent" if version.startswith("prometheus, version 3") else "--enable-feature=agent"
    process = start([f"{options.tools}/prometheus", f"--config.file={folder}/agent.yml", agent, f"--storage.agent.path={folder}/agent",
                     f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=error"])
    until("Prometheus is ready", lambda: get(f"http://127.0.0.1:{port}/-/ready"))
    return process, port


def through_agent(options, folder, name, launch):
    """Samples a CPU second of an agent, all in all, and samples a second. Of times to come, ten minutes at most: Prometheus sends on
    only what is later than its own start, and takes nothing that is further ahead."""
    victoria = Victoria(options, folder, name)
    process, port = launch(options, folder, victoria.url)
    cpu = cpu_seconds(process.pid)
    feed = Feed(options, port, int(time.time() * 1000) + 30000, options.many, STEPS_AHEAD)
    victoria.wait(feed.samples)
    wall, cpu = time.monotonic() - feed.began, max(cpu_seconds(process.pid) - cpu, 0.01)
    stop(process)
    victoria.stop()
    return feed.samples / cpu, feed.samples / wall


def bare_loop(options, folder):
    victoria = Victoria(options, folder, "bare")
    feed = Feed(options, victoria.port, int(time.time() * 1000) - options.steps * 10000)
    victoria.wait(feed.samples)
    cpu = cpu_seconds(victoria.process.pid)
    victoria.stop()
    return feed.samples / feed.cpu, cpu / feed.samples * 1e6


def sending_alone(options, folder):
    victoria = Victoria(options, folder, "alone")
    gateway = Gateway(options, folder, "alone-site", f"remote_write: \"{victoria.url}\"")
    until("it is connected", lambda: gateway.sink()["phase"] == "live")
    gateway.post("/pause")
    feed = Feed(options, gateway.series, int(time.time() * 1000) - options.steps * 10000)
    server = cpu_seconds(victoria.process.pid)
    wall, cpu = gateway.publish(feed.samples)
    server = cpu_seconds(victoria.process.pid) - server
    if victoria.rows() != feed.samples:
        sys.exit(f"VictoriaMetrics has {victoria.rows()} of {feed.samples} samples")
    sent = next((detail["text"] for detail in gateway.sink()["details"] if detail["name"] == "sent"), "")
    gateway.stop()
    victoria.stop()
    return feed.samples / cpu, feed.samples / wall, server / feed.samples * 1e6, sent


def gateway_launch(options, folder, url):
    gateway = Gateway(options, folder, "through-site", f"remote_write: \"{url}\"")
    until("it is connected", lambda: gateway.sink()["phase"] == "live")
    return gateway.process, gateway.series


def bench_remote(options, folder):
    all_in, rate = through_agent(options, folder, "busbar", gateway_launch)
    for name, launch in (("vmagent", vmagent), ("Prometheus agent", prometheus_agent)):
        theirs, their_rate = through_agent(options, folder, name.split()[0], launch)
        row(f"remote write in, kept, and out to VictoriaMetrics: samples a CPU second ({options.many:,} series, {options.many * STEPS_AHEAD:,} samples)",
            f"{all_in:,.0f}", f"{name}: {theirs:,.0f}", f"{all_in / theirs:.2f}")
        row("the same: samples/s", f"{rate:,.0f}", f"{name}: {their_rate:,.0f}", f"{rate / their_rate:.2f}")
    alone, alone_rate, server, sent = sending_alone(options, folder)
    loop, loop_server = bare_loop(options, folder)
    row("sending alone: samples a CPU second of the gateway", f"{alone:,.0f} ({1e6 / alone:.2f} us a sample)",
        f"a bare loop: {loop:,.0f} ({1e6 / loop:.2f} us)", f"{alone / loop:.2f}")
    row("CPU of VictoriaMetrics a sample", f"{server:.2f} us", f"by the bare loop: {loop_server:.2f} us")
    row("on the wire", sent)
    row(f"catching up after an outage, against {LIVE:,} samples/s live", f"{alone_rate:,.0f}/s", "", f"{alone_rate / LIVE:.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder with busbar")
    parser.add_argument("--tools", required=True, help="folder of victoria-metrics, vmagent, prometheus")
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=1000, help="samples of each series")
    parser.add_argument("--many", type=int, default=20000, help="series that go through the agents, 50 samples each")
    parser.add_argument("--chunks", type=int, default=120, help="seconds to wait for a day in chunks")
    parser.add_argument("--only", choices=["postgres", "remote"])
    parser.add_argument("--short", action="store_true", help="small numbers, only to see that it works")
    options = parser.parse_args()
    if options.short:
        options.series, options.steps, options.many, options.chunks = 100, 100, 500, 5
    folder = tempfile.mkdtemp(prefix="busbar-bench-")
    print("| what | busbar | peer or note | ratio | line |\n|---|---|---|---|---|")
    for name, bench in (("postgres", bench_postgres), ("remote", bench_remote)):
        if options.only in (None, name):
            bench(options, folder)
    shutil.rmtree(folder)


main()
