#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time Series against VictoriaMetrics and PostgreSQL: the same device data, over loopback, in one run on one machine.

CPU is user + system time of the whole server (PostgreSQL: of all its processes), from the first request until what it
does afterwards by itself has ended. Size is what the data takes on disk after compaction.
"""
import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

TICKS = os.sysconf("SC_CLK_TCK")
STEP_S = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def folder_bytes(folder):
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(at, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def proc_stat(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()


def until(what, look, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = look()
        if value:
            return value
        time.sleep(0.02)
    sys.exit(f"waited {seconds} s for: {what}")


class Server:
    """What the three have in common: a process, its figures, HTTP."""

    def __init__(self, folder, build):
        self.folder = folder
        self.build = build
        self.process = None
        self.port = free_port()

    def launch(self, command):
        self.log = open(f"{self.folder}/log", "a")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def cpu_seconds(self):
        fields = proc_stat(self.process.pid)
        return (int(fields[11]) + int(fields[12])) / TICKS

    def settled_cpu_seconds(self):
        """CPU once it has stopped working by itself."""
        before = self.cpu_seconds()
        for _ in range(60):
            time.sleep(0.5)
            now = self.cpu_seconds()
            if now - before <= 0.02:
                return now
            before = now
        return before

    def rss_peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024
        return 0

    def written_bytes(self):
        with open(f"/proc/{self.process.pid}/io") as io:
            return int(next(line for line in io if line.startswith("write_bytes")).split()[1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"GET {path}: {answer.status} {body[:500]}")
        return body

    def answers(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
        except OSError:
            return False

    def query(self, expression, at):
        return json.loads(self.get(self.query_path(expression, at)))["data"]["result"]

    @staticmethod
    def query_path(expression, at, **more):
        kind = "query_range" if more else "query"
        times = more or {"time": at}
        return f"/api/v1/{kind}?" + urllib.parse.urlencode({"query": expression, **times, **NO_CACHE})

    def latency_ms(self, path, times):
        """Median of a request over one connection, the answer read whole."""
        out = subprocess.run([f"{self.build}/bench/bench_history_ask", str(self.port), str(times), path],
                             check=True, capture_output=True, text=True).stdout
        answer = json.loads(out)
        if answer["bytes"] < 300:
            sys.exit(f"{path}: an empty answer")
        return answer["median_ms"]


NO_CACHE = {"nocache": "1"}


class Busbar(Server):
    name = "busbar"
    metric = "_value"  # the field, behind the measurement

    def __init__(self, folder, build):
        super().__init__(folder, build)
        os.makedirs(f"{folder}/site", exist_ok=True)
        with open(f"{folder}/site/site.yaml", "w") as site:
            site.write("version: 1\nsite: { id: bench }\n")

    def start(self):
        self.launch([f"{self.build}/busbar", "run", "--config", f"{self.folder}/site", "--data",
                     f"{self.folder}/data", "--http", f"127.0.0.1:{free_port()}", "--socket",
                     f"{self.folder}/socket", "--time-series", f"127.0.0.1:{self.port}"])
        until("busbar is ready", lambda: self.answers("/-/ready"))

    def compact(self):
        subprocess.run([f"{self.build}/busbar", "history", "compact", "--server",
                        f"unix:{self.folder}/socket", "--timeout", "300s"], check=True,
                       stdout=self.log, stderr=self.log)

    def data_bytes(self):
        return folder_bytes(f"{self.folder}/data/blocks")

    def log_bytes(self):
        return sum(os.path.getsize(f"{self.folder}/data/log/{name}")
                   for name in os.listdir(f"{self.folder}/data/log"))


class Victoria(Server):
    name = "VictoriaMetrics"
    metric = "_value"

    def __init__(self, folder, build, tools):
        super().__init__(folder, build)
        self.tools = tools

    def start(self):
        self.launch([f"{self.tools}/victoria-metrics", f"-storageDataPath={self.folder}/data",
                     f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y",
                     "-search.disableCache", "-search.latencyOffset=0s"])
        until("VictoriaMetrics is ready", lambda: self.answers("/health"))

    def flush(self):
        self.get("/internal/force_flush")

    def compact(self):
        self.flush()
        self.get("/internal/force_merge")
        self.settled_cpu_seconds()
        time.sleep(2)

    def data_bytes(self):
        return folder_bytes(f"{self.folder}/data/data")


class Postgres(Server):
    """Rows (series, time, value) with their primary key, by COPY in transactions of 10,000 rows."""
    name = "PostgreSQL"

    def __init__(self, folder, build):
        super().__init__(folder, build)
        versions = sorted(os.listdir("/usr/lib/postgresql"), key=int)
        self.bin = f"/usr/lib/postgresql/{versions[-1]}/bin"
        os.chmod(folder, 0o777)
        self.data = f"{folder}/data"
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "bench")

    def run(self, tool, *arguments):
        subprocess.run(["runuser", "-u", "postgres", "--", f"{self.bin}/{tool}", *arguments],
                       check=True, stdout=subprocess.DEVNULL)

    def start(self):
        self.launch(["runuser", "-u", "postgres", "--", f"{self.bin}/postgres", "-D", self.data,
                     "-p", str(self.port), "-k", self.data, "-h", "127.0.0.1"])
        until("PostgreSQL is ready", lambda: subprocess.run(
            [f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0)

    def psql(self, *arguments, text=None, **options):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.port),
                               "-U", "bench", "-d", "postgres", "-v", "ON_ERROR_STOP=1", *arguments],
                              check=True, capture_output=True, text=True, input=text, **options).stdout

    def cpu_seconds(self):
        total = 0
        parents = {self.process.pid}
        for _ in range(3):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if int(proc_stat(pid)[1]) in parents:
                        parents.add(int(pid))
                except (FileNotFoundError, ProcessLookupError):
                    pass
        for pid in parents:
            try:
                total += sum(int(field) for field in proc_stat(pid)[11:15])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total / TICKS

    def kill(self):
        with open(f"{self.data}/postmaster.pid") as pid:
            os.kill(int(pid.readline()), signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "fast", "stop")
        self.process.wait()

    def data_bytes(self):
        return int(self.psql("-c", "VACUUM samples; ", "-c", "SELECT pg_total_relation_size('samples')"))

    def latency_ms(self, statement, times):
        out = self.psql(text="\\timing on\n\\o /dev/null\n" + f"{statement};\n" * times + "\\o\n")
        taken = [float(line.split()[1]) for line in out.splitlines() if line.startswith("Time:")]
        return statistics.median(taken)


def sender(build, form, series, steps, start_ms, port, path=None):
    """A load that has made its requests and is about to send them."""
    process = subprocess.Popen(
        [f"{build}/bench/bench_history_load", form, str(series), str(steps), str(start_ms), str(port)] +
        ([path] if path else []), stdout=subprocess.PIPE, text=True)
    if process.stdout.readline().strip() != "ready":
        sys.exit("the load does not start")
    return process


def ingest(server, build, form, series, steps, start_ms):
    load = sender(build, form, series, steps, start_ms, server.port)
    before = server.cpu_seconds()
    result = json.loads(load.stdout.readline())
    load.wait()
    if result["acknowledged"] != series * steps:
        sys.exit(f"{server.name} took only {result}; see {server.log.name}")
    cpu = server.settled_cpu_seconds() - before
    return {"samples": result["acknowledged"], "wall_s": result["seconds"], "cpu_s": cpu,
            "per_cpu_s": result["acknowledged"] / cpu}


def copy_into_postgres(server, build, series, steps, start_ms):
    server.psql("-c", "CREATE TABLE samples (series int, time bigint, value float8, PRIMARY KEY (series, time))")
    path = f"{server.folder}/rows.sql"
    with open(path, "w") as out:
        subprocess.run([f"{build}/bench/bench_history_load", "copy", str(series), str(steps), str(start_ms)],
                       check=True, stdout=out)
    before = server.cpu_seconds()
    began = time.monotonic()
    server.psql("-f", path)
    wall = time.monotonic() - began
    cpu = server.cpu_seconds() - before
    os.unlink(path)
    return {"samples": series * steps, "wall_s": wall, "cpu_s": cpu, "per_cpu_s": series * steps / cpu}


def queries(server, end_s, start_s, times):
    """The three of the table, and one range query."""
    m = server.metric
    at = end_s
    # 20 devices of 10 points each, of which one in five is what is asked: all are named by tag.
    thousand = '{device=~"d000.."}'
    return {
        "one series, raw": server.latency_ms(
            server.query_path(f'temperature{m}{{device="d00500",point="p0"}}[{end_s - start_s}s]', at), times),
        "5-minute average, 1,000 series": server.latency_ms(
            server.query_path(f"avg_over_time({thousand}[5m])", at), times),
        "last value of all": server.latency_ms(server.query_path('{device!=""}', at), max(times // 4, 5)),
        "5-minute average, 1,000 series, range": server.latency_ms(
            server.query_path(f"avg_over_time({thousand}[5m])", at, start=start_s, end=end_s, step=300),
            max(times // 10, 5)),
    }


def postgres_queries(server, end_s, start_s, times):
    end, start, window = end_s * 1000 + 5, start_s * 1000, 300 * 1000
    return {
        "one series, raw": server.latency_ms(
            f"SELECT time, value FROM samples WHERE series = 5000 AND time BETWEEN {start} AND {end}", times),
        "5-minute average, 1,000 series": server.latency_ms(
            f"SELECT series, avg(value) FROM samples WHERE series < 1000 AND time > {end - window} "
            f"AND time <= {end} GROUP BY series", max(times // 10, 5)),
        "last value of all": server.latency_ms(
            "SELECT s, (SELECT value FROM samples WHERE series = s ORDER BY time DESC LIMIT 1) "
            f"FROM generate_series(0, (SELECT max(series) FROM samples)) s", max(times // 20, 5)),
    }


def lost_on_kill(server, build, series, steps, seconds):
    """Samples that were acknowledged and are not there after SIGKILL and a new start."""
    start_ms = (int(time.time()) - steps * STEP_S) * 1000
    load = sender(build, "influx", series, steps, start_ms, server.port)
    time.sleep(seconds)
    server.kill()
    result = json.loads(load.stdout.readline())
    load.wait()
    began = time.monotonic()
    server.start()
    restart = time.monotonic() - began
    time.sleep(1)
    end_s = start_ms // 1000 + steps * STEP_S
    found = server.query(f'sum(count_over_time({{device!=""}}[{steps * STEP_S + 60}s]))', end_s)
    kept = int(float(found[0]["value"][1])) if found else 0
    return {"acknowledged": result["acknowledged"], "lost": max(0, result["acknowledged"] - kept),
            "restart_s": restart}


def measure_store(make, build, options, protocol, full):
    """One server, one protocol: ingest, and with `full` all the rest."""
    folder = tempfile.mkdtemp(prefix="busbar-bench-", dir=options.folder)
    server = make(folder)
    try:
        server.start()
        start_ms = (int(time.time()) - options.steps * STEP_S) * 1000
        start_s, end_s = start_ms // 1000, start_ms // 1000 + (options.steps - 1) * STEP_S + 1
        row = {"ingest": ingest(server, build, protocol, options.series, options.steps, start_ms)}
        row["rss_peak"] = server.rss_peak_bytes()
        if full:
            server.compact()
            row["size"] = server.data_bytes() / row["ingest"]["samples"]
            row["written"] = server.written_bytes() / row["ingest"]["samples"]
            row["queries"] = queries(server, end_s, start_s, options.times)
            server.stop()
            began = time.monotonic()
            server.start()
            row["reopen_s"] = time.monotonic() - began
        server.kill()
        return row
    finally:
        if server.process.poll() is None:
            server.kill()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def measure_postgres(build, options):
    folder = tempfile.mkdtemp(prefix="busbar-bench-", dir=options.folder)
    server = Postgres(folder, build)
    try:
        server.start()
        start_ms = (int(time.time()) - options.steps * STEP_S) * 1000
        start_s, end_s = start_ms // 1000, start_ms // 1000 + (options.steps - 1) * STEP_S + 1
        row = {"ingest": copy_into_postgres(server, build, options.series, options.steps, start_ms)}
        row["size"] = server.data_bytes() / row["ingest"]["samples"]
        row["queries"] = postgres_queries(server, end_s, start_s, options.times)
        server.stop()
        began = time.monotonic()
        server.start()
        row["reopen_s"] = time.monotonic() - began
        return row
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def measure_kill(make, build, options):
    folder = tempfile.mkdtemp(prefix="busbar-bench-", dir=options.folder)
    server = make(folder)
    try:
        server.start()
        return lost_on_kill(server, build, options.series, options.steps, options.kill_after)
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def measure_many(make, build, options):
    """Peak memory with very many series."""
    folder = tempfile.mkdtemp(prefix="busbar-bench-", dir=options.folder)
    server = make(folder)
    try:
        server.start()
        start_ms = (int(time.time()) - 5 * STEP_S) * 1000
        taken = ingest(server, build, "influx", options.many, 5, start_ms)
        return {"rss_peak": server.rss_peak_bytes(), **taken}
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def median_rows(rows, *path):
    values = []
    for row in rows:
        for key in path:
            row = row[key]
        values.append(row)
    return statistics.median(values)


def print_row(what, ours, theirs, ratio, line, postgres=""):
    print(f"| {what} | {ours} | {theirs} | {postgres} | {ratio} | {line} |", flush=True)


def print_table(results, postgres, kills, many):
    ours, theirs = results["busbar"], results["VictoriaMetrics"]
    print("| what | busbar | VictoriaMetrics | PostgreSQL | ratio | line |")
    print("|---|---|---|---|---|---|")
    a, b = median_rows(ours["influx"], "size"), median_rows(theirs["influx"], "size")
    print_row("bytes a sample after compaction", f"{a:.3f}", f"{b:.3f}", f"{a / b:.2f}", "<= 0.80",
              f"{postgres['size']:.1f}" if postgres else "")
    for protocol in ("influx", "remote_write"):
        a = median_rows(ours[protocol], "ingest", "per_cpu_s")
        b = median_rows(theirs[protocol], "ingest", "per_cpu_s")
        print_row(f"samples a CPU second, {protocol}", f"{a / 1e6:.2f} M", f"{b / 1e6:.2f} M", f"{a / b:.2f}",
                  ">= 2", f"{postgres['ingest']['per_cpu_s'] / 1e6:.2f} M (COPY)" if postgres else "")
        a = median_rows(ours[protocol], "ingest", "wall_s")
        b = median_rows(theirs[protocol], "ingest", "wall_s")
        print_row(f"wall, {protocol}", f"{a:.1f} s", f"{b:.1f} s", f"{a / b:.2f}", "",
                  f"{postgres['ingest']['wall_s']:.1f} s" if postgres else "")
    for what in ours["influx"][0]["queries"]:
        a, b = median_rows(ours["influx"], "queries", what), median_rows(theirs["influx"], "queries", what)
        line = "" if what.endswith("range") else "<= 0.5"
        other = postgres["queries"].get(what) if postgres else None
        print_row(what, f"{a:.2f} ms", f"{b:.2f} ms", f"{a / b:.2f}", line, f"{other:.1f} ms" if other else "")
    a, b = median_rows(ours["influx"], "rss_peak"), median_rows(theirs["influx"], "rss_peak")
    print_row("peak memory", f"{a / 1e6:.0f} MB", f"{b / 1e6:.0f} MB", f"{a / b:.2f}", "< 48 MB")
    if many:
        a, b = many["busbar"]["rss_peak"], many["VictoriaMetrics"]["rss_peak"]
        print_row("peak memory, 1,000,000 series", f"{a / 1e6:.0f} MB", f"{b / 1e6:.0f} MB", f"{a / b:.2f}",
                  "< 1,074 MB")
    a, b = median_rows(ours["influx"], "written"), median_rows(theirs["influx"], "written")
    print_row("bytes written to disk a sample", f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}", "< 8")
    a, b = median_rows(ours["influx"], "reopen_s"), median_rows(theirs["influx"], "reopen_s")
    print_row("reopening", f"{a:.2f} s", f"{b:.2f} s", f"{a / b:.2f}", "",
              f"{postgres['reopen_s']:.2f} s" if postgres else "")
    a, b = kills["busbar"], kills["VictoriaMetrics"]
    print_row("acknowledged samples lost by SIGKILL", f"{a['lost']:,} of {a['acknowledged']:,}",
              f"{b['lost']:,} of {b['acknowledged']:,}", "", "0")
    print_row("start after that", f"{a['restart_s']:.2f} s", f"{b['restart_s']:.2f} s",
              f"{a['restart_s'] / b['restart_s']:.2f}", "< 2 s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="folder of the release build")
    parser.add_argument("--tools", required=True, help="folder of victoria-metrics")
    parser.add_argument("--folder", help="where the data goes (default: the system's temporary folder)")
    parser.add_argument("--series", type=int, default=10000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3, help="in turns with the peer")
    parser.add_argument("--times", type=int, default=100, help="repetitions of a query")
    parser.add_argument("--kill-after", type=float, default=3, help="seconds into an ingest")
    parser.add_argument("--many", type=int, default=1000000, help="series of the memory row; 0: without it")
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the data folders")
    options = parser.parse_args()
    makes = {"busbar": lambda folder: Busbar(folder, options.build),
             "VictoriaMetrics": lambda folder: Victoria(folder, options.build, options.tools)}
    results = {name: {"influx": [], "remote_write": []} for name in makes}
    for turn in range(options.rounds):
        for protocol in ("influx", "remote_write"):
            for name, make in makes.items():
                print(f"round {turn + 1}, {protocol}, {name} ...", file=sys.stderr, flush=True)
                results[name][protocol].append(
                    measure_store(make, options.build, options, protocol, protocol == "influx"))
    kills = {name: measure_kill(make, options.build, options) for name, make in makes.items()}
    postgres = None if options.no_postgres else measure_postgres(options.build, options)
    many = options.many and {name: measure_many(make, options.build, options) for name, make in makes.items()}
    print_table(results, postgres, kills, many)
    for program in ("ingest", "codec"):
        print(f"\nIn process, {program}:\n", flush=True)
        subprocess.run([f"{options.build}/bench/bench_history_{program}"], check=True)


if __name__ == "__main__":
    main()
