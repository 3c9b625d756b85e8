#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Devices that speak first: MQTT, HTTP, TCP, in one run on one machine.

Every reading that is counted was decoded, judged, made the last value, written to the durable log and fed to the history; with
an acknowledgement it was on disk before (fdatasync, commit of 10 ms). The peers throw away what they get, or write it into a
file: mosquitto_sub (the same broker, the same load), socat and ncat. Loads are C programs that cost little (bench/push/*.c);
their CPU, and the broker's, is shown and not counted. `own load` is a broker that only publishes: what mosquitto itself cannot
do, and the time from PUBLISH to PUBACK. CPU is user + system time of the whole process.
"""
import argparse
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import gateway as shared  # noqa: E402
from gateway import cpu_seconds, row  # noqa: E402

MANY = 10  # readings of a message
LINES = {"qos0": 200_000, "posts": 20_000, "lines": 500_000}


def start(command, out):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL)  # ncat ends with its stdin
    atexit.register(process.kill)
    return process


class Gateway(shared.Gateway):
    """It does not outlive a bench that fails."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        atexit.register(self.process.kill)


def mark(measured, line):
    return f"{line:,} {'met' if measured >= line else 'NOT met'}"


def write_site(folder, name, protocol, section, devices, settings, points):
    site = f"{folder}/{name}"
    os.makedirs(site)
    with open(f"{site}/site.yaml", "w") as out:
        out.write("version: 1\nsite: { id: bench, name: Bench }\n"
                  f"drivers:\n  {protocol}: {section}\nprofiles:\n  block:\n    points:\n")
        for i, point in enumerate(points):
            out.write(f"      p{i}: {{ {point} }}\n")
        out.write("devices:\n")
        for i in range(devices):
            out.write(f"  d{i:04}: {{ profile: block, {protocol}: {{ {settings}, id: \"{i:04}\" }} }}\n")
    return site


class Load:
    """One of the C loads; what it prints, when it has ended."""

    def __init__(self, build, *arguments):
        self.process = subprocess.Popen([f"{build}/bench/{arguments[0]}", *map(str, arguments[1:])],
                                        stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)

    def result(self):
        line = self.process.stdout.readline().split()
        if len(line) != 7:
            sys.exit("a load failed")
        names = ("sent", "acked", "cpu", "wall", "p50", "p99", "most")
        values = dict(zip(names, map(int, line)))
        values["cpu"] /= 1e6
        values["wall"] /= 1e6
        return values


class Measure:
    """What the gateway took, from now on."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.received, self.cpu, self.began = gateway.status()["received"], cpu_seconds(gateway.process.pid), time.monotonic()

    def settle(self, wanted):
        """Until it took so many, or no more come."""
        last, quiet = -1, 0
        while quiet < 10:
            now = self.gateway.status()["received"] - self.received
            if now >= wanted:
                break
            quiet = quiet + 1 if now == last else 0
            last = now
            time.sleep(0.1)
        self.wall = time.monotonic() - self.began
        self.readings = self.gateway.status()["received"] - self.received
        self.used = cpu_seconds(self.gateway.process.pid) - self.cpu
        return self

    def stored(self):
        """What is in the log of it all, since the gateway began."""
        status = self.gateway.status()
        return f"{status['stored']:,} stored, {status.get('repeated', 0):,} repeated, {status.get('refused', 0):,} refused"

    def per_core(self):
        return self.readings / max(self.used, 0.001)

    def words(self):
        return f"{self.used / self.wall * 100:.0f} % of a core, {self.used / max(self.readings, 1) * 1e6:.2f} us a reading"


def wait_for(gateway, word):
    """Until the gateway says so."""
    for _ in range(300):
        with open(gateway.log.name) as log:
            if word in log.read():
                time.sleep(1)
                return
        time.sleep(0.1)
    gateway.fail(f"it does not say '{word}'")


# ---- MQTT ----

class Mosquitto:
    def __init__(self, folder):
        self.port = shared.free_port()
        with open(f"{folder}/mosquitto.conf", "w") as out:
            out.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                      "max_inflight_messages 1000\nset_tcp_nodelay true\npersistence false\n")
        self.process = start(["mosquitto", "-c", out.name], subprocess.DEVNULL)
        time.sleep(0.5)

    def stop(self):
        self.process.kill()
        self.process.wait()


def mqtt_site(folder, name, port, devices, readings, qos):
    section = f"{{ brokers: {{ bench: {{ url: \"mqtt://127.0.0.1:{port}\", qos: {qos}, version: 3.1.1, clean: true }} }} }}"
    return write_site(folder, name, "mqtt", section, devices, "broker: bench, topic: \"bench/{id}\"",
                      [f"json: $.p{i}" for i in range(readings)])


def subscribe_to_file(folder, port, qos):
    """mosquitto_sub of all of it into a file."""
    out = open(f"{folder}/sub.txt", "w")
    process = start(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-q", str(qos), "-t", "bench/#"], out)
    time.sleep(0.5)
    return process, out


def count_lines(path):
    with open(path, "rb") as lines:
        return sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))


def load_sub(options, folder, broker, qos, readings, rate):
    """What mosquitto_sub gets of the same load: readings a second, and a CPU second."""
    sub, out = subscribe_to_file(folder, broker.port, qos)
    cpu, began = cpu_seconds(sub.pid), time.monotonic()
    Load(options.build, "bench_push_mqtt", "client", "127.0.0.1", broker.port, qos, readings, options.devices, rate,
         options.seconds).result()
    last = -1
    while (size := os.path.getsize(out.name)) != last:
        last = size
        time.sleep(0.3)
    wall, cpu = time.monotonic() - began - 0.3, cpu_seconds(sub.pid) - cpu
    got = count_lines(out.name) * readings
    sub.kill()
    sub.wait()
    os.unlink(out.name)
    return got / wall, got / max(cpu, 0.001)


def through_mosquitto(options, folder, qos, readings):
    broker = Mosquitto(folder)
    sub_rate, sub_core = load_sub(options, folder, broker, qos, readings, 0)
    site = mqtt_site(folder, f"mosquitto-{qos}-{readings}", broker.port, options.devices, readings, qos)
    gateway = Gateway(options.build, folder, site)
    wait_for(gateway, "connected, MQTT")
    cpu_broker = cpu_seconds(broker.process.pid)
    measure = Measure(gateway)
    sent = Load(options.build, "bench_push_mqtt", "client", "127.0.0.1", broker.port, qos, readings, options.devices, 0,
                options.seconds).result()
    measure.settle(sent["sent"] * readings)
    cpu_broker = cpu_seconds(broker.process.pid) - cpu_broker
    lost = sent["sent"] * readings - measure.readings
    stored = measure.stored()
    rate = measure.readings / measure.wall
    row(f"MQTT QoS {qos} through mosquitto, {readings} readings a message: readings/s", f"{rate:,.0f}",
        f"mosquitto_sub: {sub_rate:,.0f}", f"{rate / max(sub_rate, 1):.2f}")
    row("readings a CPU second", f"{measure.per_core():,.0f} ({measure.words()})", f"mosquitto_sub: {sub_core:,.0f}",
        f"{measure.per_core() / max(sub_core, 1):.2f}")
    row("sent, not arrived", f"{sent['sent']:,} messages, {lost:,} readings; {stored}", f"mosquitto: {cpu_broker / measure.wall * 100:.0f} % of a core")
    gateway.stop()
    broker.stop()


def own_load(options, folder, qos, readings, rate):
    port = shared.free_port()
    load = Load(options.build, "bench_push_mqtt", "broker", port, qos, readings, options.devices, rate, options.seconds)
    time.sleep(0.2)
    gateway = Gateway(options.build, folder, mqtt_site(folder, f"own-{qos}-{readings}-{rate}", port, options.devices, readings, qos))
    gateway.wait(lambda status: True)
    measure = Measure(gateway)
    sent = load.result()
    measure.settle(sent["sent"] * readings)
    measure.wall = max(sent["wall"], 0.001)
    core = measure.per_core()
    what = f"MQTT QoS {qos}, own load, {readings} readings a message{f', {rate:,}/s' if rate else ''}"
    row(f"{what}: readings/s", f"{measure.readings / measure.wall:,.0f} ({measure.words()})", "", "",
        mark(core, LINES["qos0"]) + " a core" if qos == 0 and readings == MANY else "")
    if qos > 0:
        row("PUBLISH to PUBACK (on disk): p50, p99, most",
            f"{sent['p50'] / 1e3:.1f}, {sent['p99'] / 1e3:.1f}, {sent['most'] / 1e3:.1f} ms",
            f"{sent['acked']:,} of {sent['sent']:,} acknowledged")
    row("in the log", measure.stored())
    load.process.kill()
    gateway.stop()


def bench_mqtt(options, folder):
    for qos in (0, 1):
        for readings in (MANY, 1):
            through_mosquitto(options, folder, qos, readings)
    for readings in (MANY, 1):
        own_load(options, folder, 0, readings, 0)
        own_load(options, folder, 1, readings, 0)
    own_load(options, folder, 1, MANY, options.rate)


# ---- HTTP ----

def http_site(folder, port, devices):
    section = f"{{ listen: \"127.0.0.1:{port}\", connections_max: 2000, per_source: 2000 }}"
    site = write_site(folder, "http", "http", section, devices, "connector: bench", [f"json: $.p{i}" for i in range(MANY)])
    with open(f"{site}/connectors.yaml", "w") as out:
        out.write("connectors:\n  bench: { open: true, allow: 127.0.0.1 }\n")
    return site


def run_wrk(folder, port, devices, connections, seconds):
    script = f"{folder}/post.lua"
    body = ",".join(f"\\\"p{i}\\\":21.%04d" for i in range(MANY))
    with open(script, "w") as out:
        out.write("local n = 0\nfunction request()\n  n = n + 1\n"
                  f"  local body = string.format(\"{{{body}}}\", {', '.join(f'(n + {i}) % 10000' for i in range(MANY))})\n"
                  f"  return wrk.format(\"POST\", string.format(\"/%04d\", n % {devices}), nil, body)\nend\n"
                  "function done(summary, latency)\n  io.write(string.format(\"%d %d %d %d %d\\n\", summary.requests, summary.errors.status,"
                  " latency:percentile(50), latency:percentile(99), summary.duration))\nend\n")
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{max(1, int(seconds))}s", "-s", script, f"http://127.0.0.1:{port}"],
                          check=True, capture_output=True, text=True).stdout
    return [int(word) for word in text.strip().rsplit("\n", 1)[-1].split()]


def bench_http(options, folder):
    port = shared.free_port()
    gateway = Gateway(options.build, folder, http_site(folder, port, options.devices))
    wait_for(gateway, "listening on 127.0.0.1:%d" % port)
    for connections in (64, 256, 1000):
        measure = Measure(gateway)
        sent = Load(options.build, "bench_push_stream", "http", "127.0.0.1", port, connections, MANY, options.devices, 0,
                    options.seconds).result()
        measure.settle(sent["acked"] * MANY)
        measure.wall = sent["wall"]
        rate = sent["acked"] / sent["wall"]
        row(f"HTTP posts/s answered 204 (on disk), {connections} connections, {MANY} readings each", f"{rate:,.0f}",
            f"the load: {sent['cpu'] / sent['wall'] * 100:.0f} % of a core", "", mark(rate, LINES["posts"]))
        row("post to 204: p50, p99, most", f"{sent['p50'] / 1e3:.1f}, {sent['p99'] / 1e3:.1f}, {sent['most'] / 1e3:.1f} ms")
        row("CPU", measure.words(), f"{sent['acked'] / max(measure.used, 0.001):,.0f} posts a CPU second")
    row("in the log", measure.stored())
    requests, errors, p50, p99, duration = run_wrk(folder, port, options.devices, 256, options.seconds)
    row("the same with wrk, 256 connections: posts/s", f"{requests / duration * 1e6:,.0f}",
        f"{errors} refused; p50, p99: {p50 / 1e3:.1f}, {p99 / 1e3:.1f} ms")
    gateway.stop()


# ---- TCP ----

def tcp_site(folder, name, port, devices, ack, readings):
    ack = ', ack: "OK\\n"' if ack else ""
    section = (f"{{ listeners: {{ bench: {{ listen: \"127.0.0.1:{port}\", frame: line, streams_max: 2000, per_source: 2000{ack} }} }} }}")
    return write_site(folder, name, "tcp", section, devices, "listener: bench, id_from: \"csv 1\", separator: \";\"",
                      [f"csv: {i + 2}" for i in range(readings)])


def tcp_peer(options, folder, name, command, port):
    out = open(f"{folder}/{name}.txt", "w")
    process = start(command, out)
    time.sleep(0.5)
    cpu = cpu_seconds(process.pid)
    sent = Load(options.build, "bench_push_stream", "line", "127.0.0.1", port, 1, 1, options.devices, 0, options.seconds).result()
    time.sleep(0.5)
    used = cpu_seconds(process.pid) - cpu
    process.kill()
    process.wait()
    got = count_lines(out.name)
    os.unlink(out.name)
    return got / sent["wall"], got / max(used, 0.001)


def bench_tcp(options, folder):
    port = shared.free_port()
    peers = {"socat": tcp_peer(options, folder, "socat", ["socat", "-u", "-b65536", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", "STDOUT"], port)}
    port = shared.free_port()
    peers["ncat"] = tcp_peer(options, folder, "ncat", ["ncat", "-l", "127.0.0.1", str(port)], port)
    for mode, readings, connections in (("line", 1, 8), ("line", MANY, 8), ("acked", 1, 64), ("acked", MANY, 64)):
        port = shared.free_port()
        gateway = Gateway(options.build, folder, tcp_site(folder, f"{mode}-{readings}", port, options.devices, mode == "acked", readings))
        wait_for(gateway, "listens on tcp 127.0.0.1:%d" % port)
        measure = Measure(gateway)
        sent = Load(options.build, "bench_push_stream", mode, "127.0.0.1", port, connections, readings, options.devices, 0,
                    options.seconds).result()
        measure.settle(sent["sent"] * readings)
        measure.wall = max(sent["wall"], measure.wall if mode == "line" else 0)
        lines = measure.readings / readings
        core = lines / max(measure.used, 0.001)
        row(f"TCP lines/s, {'acknowledged (on disk)' if mode == 'acked' else 'not acknowledged'}, {readings} reading{'s' if readings > 1 else ''} each",
            f"{lines / measure.wall:,.0f}", f"{core:,.0f} a CPU second ({measure.words()})", "",
            mark(core, LINES["lines"]) + " a core" if mode == "line" and readings == 1 else "")
        if mode == "acked":
            row("line to OK: p50, p99, most", f"{sent['p50'] / 1e3:.1f}, {sent['p99'] / 1e3:.1f}, {sent['most'] / 1e3:.1f} ms",
                f"{sent['acked']:,} of {sent['sent']:,} acknowledged")
        elif readings == 1:
            for name, (rate, per_core) in peers.items():
                row(f"against {name} into a file, which does not look for lines", f"{core:,.0f} a CPU second", f"{per_core:,.0f} ({rate:,.0f}/s)",
                    f"{core / max(per_core, 1):.2f}")
        row("in the log", measure.stored())
        gateway.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder with busbar")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=5000, help="messages a second, where the latency of an unhurried gateway is measured")
    parser.add_argument("--only", choices=["mqtt", "http", "tcp"])
    parser.add_argument("--short", action="store_true", help="small numbers, only to see that it works")
    options = parser.parse_args()
    if options.short:
        options.devices, options.seconds, options.rate = 50, 2, 500
    folder = tempfile.mkdtemp(prefix="busbar-bench-")
    print("| what | busbar | peer or note | ratio | line |\n|---|---|---|---|---|")
    for name, bench in (("mqtt", bench_mqtt), ("http", bench_http), ("tcp", bench_tcp)):
        if options.only in (None, name):
            bench(options, folder)
    shutil.rmtree(folder)


main()
