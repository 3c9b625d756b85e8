# SPDX-License-Identifier: Apache-2.0
"""What the benches of protocols share: processes, what they cost, and a gateway that is measured."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def quantile(values, q):
    return values[min(len(values) - 1, int(q * len(values)))]


def row(what, ours, peer="", ratio="", line=""):
    print(f"| {what} | {ours} | {peer} | {ratio} | {line} |", flush=True)


class Gateway:
    """`busbar run` over a site, with a data folder below `folder`: an empty one, unless `again`."""

    def __init__(self, build, folder, site, again=False, series="off"):
        if not again:
            shutil.rmtree(f"{folder}/data", ignore_errors=True)
        self.port = free_port()
        self.log = open(f"{folder}/gateway.log", "w")
        self.began = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.process = subprocess.Popen(
            [f"{build}/busbar", "run", "--config", site, "--data", f"{folder}/data", "--http", f"127.0.0.1:{self.port}",
             "--time-series", series, "--socket", f"{folder}/socket"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def status(self):
        return self.get("/api/v1/status")

    def wait(self, condition, seconds=180):
        """The status for which `condition` holds."""
        deadline, status = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            try:
                status = self.status()
                if condition(status):
                    return status
            except OSError:
                if self.process.poll() is not None:
                    self.fail("the gateway ended")
            time.sleep(0.1)
        return self.fail(f"it is not so after {seconds} s: {status and status['points']}")

    def wait_good(self, points, seconds=180):
        return self.wait(lambda status: status["points"]["good"] >= points, seconds)

    def measure(self, seconds, what="received"):
        """Of these seconds: values received (or stored), CPU seconds, wall seconds."""
        before, cpu, began = self.status()[what], cpu_seconds(self.process.pid), time.monotonic()
        time.sleep(seconds)
        after = self.status()[what]
        return after - before, cpu_seconds(self.process.pid) - cpu, time.monotonic() - began

    def rss(self):
        return rss_bytes(self.process.pid)

    def fail(self, words):
        self.stop()
        sys.exit(f"{words}; see {self.log.name}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
