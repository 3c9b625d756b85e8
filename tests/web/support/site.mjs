// SPDX-License-Identifier: Apache-2.0
// The made-up site that the mock gateway serves: any number of devices and points, without state
// but for what a test changes. Every hundredth point is bad, the second device is down, the third
// paused.

const KINDS = [
  { type: "double", units: "kW", title: "Active power", source: "holding 100 float32 CDAB" },
  {
    type: "double",
    units: "degC",
    title: "Supply air temperature",
    source: "input 3 int16 x 0.1",
    writable: true,
  },
  { type: "double", units: "V", title: "Voltage L1-N", source: "holding 200 uint16 x 0.1" },
  { type: "bool", units: "", title: "Breaker closed", source: "coil 4" },
  {
    type: "int",
    units: "",
    title: "Mode",
    source: "holding 7 uint16",
    writable: true,
    enum: [
      { value: 0, name: "off" },
      { value: 1, name: "heating" },
      { value: 2, name: "cooling" },
    ],
  },
];

export const iso = (ms) => new Date(ms).toISOString().replace("Z", "000Z");

export class Site {
  constructor({ devices = 4, pointsEach = 25, objects = 0, holds = [] } = {}) {
    this.deviceCount = devices;
    this.pointsEach = pointsEach;
    this.started = Date.now();
    this.set = new Map(); // values a test or a write has set, by path
    this.links = new Map([
      [1, "down"],
      [2, "paused"],
    ]);
    this.problems = [];
    this.differs = false;
    this.logState = "ok";
    this.objects = objects; // of each device that tells what it has
    this.browses = [];
    this.browseLooks = 0; // before one is done
    this.browseFails = undefined; // why it does
    this.holds = holds;
    this.certificates = [];
    this.sinks = { rows: [], aside: [], did: [], task: 0 };
    this.writes = [];
    this.commands = []; // those that were run, with their arguments
    this.answerAllGood = false; // no device has a bad point of its own
  }

  get total() {
    return this.deviceCount * this.pointsEach;
  }

  /** All indices; made once, for a far jump must not wait for the made-up gateway. */
  get everything() {
    if (this.indices?.length !== this.total) {
      this.indices = Array.from({ length: this.total }, (_, i) => i);
    }
    return this.indices;
  }

  deviceName(d) {
    return `meter-${d + 1}`;
  }

  link(d) {
    return this.links.get(d) ?? "up";
  }

  device(d) {
    const link = this.link(d);
    const bad = link === "up" ? this.badEach() : this.pointsEach;
    const now = Date.now();
    return {
      name: this.deviceName(d),
      title: `Meter of hall ${d + 1}`,
      place: `hq/hall-${d + 1}`,
      protocol: "modbus",
      profile: d % 3 ? "" : "em-340",
      address: `tcp 10.0.${d >> 8}.${d & 255}:502 unit 3`,
      link,
      error: link === "down" ? "connection refused by 10.0.0.1 port 502" : "",
      since: iso(now - 840_000),
      last_answer: iso(now - (link === "up" ? 400 : 840_000)),
      next_try: link === "down" ? iso(now + 8000) : null,
      poll_ms: 12.1,
      lag_ms: 0,
      errors_hour: link === "down" ? 84 : 0,
      polls: 8123,
      answers: 8100,
      timeouts: 20,
      refusals: 3,
      bad_frames: 1,
      retries: 11,
      lag_polls: 0,
      points: { good: this.pointsEach - bad, bad, total: this.pointsEach },
      config: `site.yaml:${25 + d * 9}`,
      browsable: this.objects > 0,
    };
  }

  badEach() {
    return this.answerAllGood ? 0 : Math.ceil(this.pointsEach / 100);
  }

  fullDevice(d) {
    return {
      ...this.device(d),
      limits: [
        { name: "registers per read", value: 60 },
        { name: "requests in flight", value: 1 },
      ],
      sent_bytes: 120_400,
      received_bytes: 2_400_000,
    };
  }

  pathOf(i) {
    const d = Math.floor(i / this.pointsEach);
    const p = i % this.pointsEach;
    return `${this.deviceName(d)}/${p === 0 ? "power" : `p-${String(p).padStart(4, "0")}`}`;
  }

  indexOf(path) {
    const [device, name] = path.split("/");
    const d = Number(/^meter-(\d+)$/.exec(device ?? "")?.[1]) - 1;
    const p = name === "power" ? 0 : Number(/^p-(\d{4})$/.exec(name ?? "")?.[1]);
    const i = d * this.pointsEach + p;
    return d >= 0 && d < this.deviceCount && p < this.pointsEach ? i : -1;
  }

  valueOf(i, kind) {
    const path = this.pathOf(i);
    if (this.set.has(path)) {
      return this.set.get(path);
    }
    if (kind.type === "bool") {
      return i % 2 === 0;
    }
    return kind.enum
      ? i % 3
      : Math.round((200 + (i % 37) + 5 * Math.sin(Date.now() / 4000 + i)) * 10) / 10;
  }

  quality(i) {
    const link = this.link(Math.floor(i / this.pointsEach));
    if (link === "down") {
      return { quality: "bad", reason: "link down" };
    }
    if (link === "paused") {
      return { quality: "bad", reason: "paused" };
    }
    const bad = !this.answerAllGood && (i % this.pointsEach) % 100 === 3;
    return bad ? { quality: "bad", reason: "no answer" } : { quality: "good", reason: "good" };
  }

  point(i) {
    const kind = KINDS[i % KINDS.length];
    const value = this.valueOf(i, kind);
    const state = this.quality(i);
    const bad = state.quality === "bad";
    const text = kind.enum
      ? (kind.enum.find((one) => one.value === value)?.name ?? String(value))
      : `${value}${kind.units && ` ${kind.units}`}`;
    const d = Math.floor(i / this.pointsEach);
    const now = Date.now();
    const age_s = bad ? 840 : 0.8;
    return {
      path: this.pathOf(i),
      title: kind.title,
      value: bad ? null : value,
      text: bad ? "" : text,
      type: kind.type,
      units: kind.units,
      ...state,
      detail: bad ? "no answer since 13:53, 3 tries" : "",
      time: iso(now - age_s * 1000),
      received: iso(now - age_s * 1000),
      since: iso(now - 3_600_000),
      age_s,
      writable: kind.writable ?? false,
      device: this.deviceName(d),
      source: kind.source,
      config: `site.yaml:${27 + d * 9}`,
      last_good: bad ? { value, text, time: iso(now - 840_000) } : null,
    };
  }

  fullPoint(i) {
    const kind = KINDS[i % KINDS.length];
    const point = this.point(i);
    return {
      ...point,
      enum: kind.enum ?? [],
      every_s: 1,
      watched: this.objects > 0,
      check_every_s: this.objects > 0 ? 300 : null,
      stale_after_s: 5,
      scale: 0.1,
      offset: 0,
      holds: this.holds.filter((hold) => hold.path === point.path),
      write: kind.writable
        ? {
            min: kind.enum ? null : 16,
            max: kind.enum ? null : 26,
            releasable: this.objects > 0,
            confirm: Boolean(kind.enum),
          }
        : null,
      ledger: {
        received: 1000,
        stored: 990,
        repeated: 2,
        refused: [{ reason: "within deadband", count: 7 }],
        waiting: 1,
        balances: true,
      },
      explain: [
        { step: "bytes", text: "43 54 00 00" },
        { step: "raw", text: "2120" },
        { step: "scaled", text: point.text || "not known" },
        { step: "quality", text: point.reason },
      ],
    };
  }

  /** The indices that a filter leaves. Only as clever as the tests need. */
  matching(query) {
    const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const device = query.get("device");
    const quality =
      query.get("quality") || words.find((word) => word.startsWith("quality:"))?.slice(8);
    const reason = query.get("reason");
    const plain = words.filter((word) => !word.includes(":"));
    if (words.length === 0 && !device && !quality && !reason) {
      return this.everything;
    }
    const found = [];
    for (let i = 0; i < this.total; i++) {
      const kind = KINDS[i % KINDS.length];
      if (device && this.deviceName(Math.floor(i / this.pointsEach)) !== device) {
        continue;
      }
      const state = quality || reason ? this.quality(i) : null;
      if ((quality && state.quality !== quality) || (reason && state.reason !== reason)) {
        continue;
      }
      if (plain.length > 0) {
        const hay = `${this.pathOf(i)} ${kind.title} ${kind.units} ${kind.source}`.toLowerCase();
        if (!plain.every((word) => hay.includes(word))) {
          continue;
        }
      }
      found.push(i);
    }
    return found;
  }

  reasons(found) {
    const counts = new Map();
    for (const i of found) {
      const { quality, reason } = this.quality(i);
      if (quality === "bad") {
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    return [...counts]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count);
  }

  health() {
    return {
      status: this.problems.length > 0 ? "degraded" : "ok",
      version: "0.1.0",
      started: iso(this.started),
      uptime_s: (Date.now() - this.started) / 1000,
      site: { id: "hq", name: "Head office", timezone: "Europe/Prague" },
      log: {
        state: this.logState,
        error: this.logState === "ok" ? "" : "no space left on device",
        waiting_samples: 0,
        commits: 120,
        fsync_us: 160,
      },
      disk: { free_bytes: 40e9, total_bytes: 60e9, history_bytes: 1.2e9 },
      config: { version: 17, differs: this.differs },
      problems: this.problems,
    };
  }

  status() {
    const links = Array.from({ length: this.deviceCount }, (_, d) => this.link(d));
    const number = (name) => links.filter((link) => link === name).length;
    const bad = links.reduce(
      (sum, link) => sum + (link === "up" ? this.badEach() : this.pointsEach),
      0,
    );
    return {
      site: this.health().site,
      devices: {
        up: number("up"),
        down: number("down"),
        connecting: 0,
        paused: number("paused"),
        total: this.deviceCount,
      },
      points: { good: this.total - bad, bad, total: this.total },
      samples_per_s: 1234.5,
      polls_per_s: 12,
      holds: this.holds.length,
      memory_bytes: 42e6,
      cpu_percent: 1.5,
      loop_longest_us: 900,
      history: {
        series: this.total,
        head_samples: 4_000_000,
        block_samples: 96_000_000,
        blocks: 12,
        block_bytes: 68e6,
        log_bytes: 21e6,
        head_bytes: 9e6,
        damaged_chunks: 0,
      },
      received: 100,
      stored: 98,
      repeated: 0,
      refused: 2,
      waiting: 0,
      events: [],
    };
  }

  /** A day's curve with half an hour of silence, bad samples at its start. */
  buckets(path, from_ms, to_ms, wanted) {
    const kind = KINDS[this.indexOf(path) % KINDS.length];
    const step_ms = Math.max(1000, Math.ceil((to_ms - from_ms) / wanted));
    const rows = [];
    const gap = [to_ms - (to_ms - from_ms) * 0.42, to_ms - (to_ms - from_ms) * 0.36];
    for (let start = from_ms - (from_ms % step_ms); start < to_ms; start += step_ms) {
      if (start > gap[0] && start < gap[1]) {
        if (start < gap[0] + step_ms) {
          rows.push([start, 0, null, null, null, null, null, 3, "no answer"]);
        }
        continue;
      }
      const wave = Math.sin(start / 7_200_000);
      const [value, spread] = kind.enum
        ? [Math.round(wave + 1), 0]
        : kind.type === "bool"
          ? [Number(wave > 0), 0]
          : [212 + 10 * wave + 2 * Math.sin(start / 300_000), 1.5];
      rows.push([start, 100, value - spread, value + spread, value, value, value, 0, "good"]);
    }
    return {
      path,
      units: kind.units,
      type: kind.type,
      from: iso(from_ms),
      to: iso(to_ms),
      more: false,
      step_ms,
      buckets: rows,
    };
  }
}
