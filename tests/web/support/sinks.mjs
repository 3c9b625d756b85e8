// SPDX-License-Identifier: Apache-2.0
// What the made-up gateway answers about sinks (docs/rest.md): one that publishes, one that cannot.
import { iso } from "./site.mjs";

const quota = (used) => ({
  keep_bytes: 10_000_000_000,
  keep_s: null,
  left_bytes: 10_000_000_000 * (1 - used),
  left_s: Math.round(864_000 * (1 - used)),
  used,
});

const row = (name, more) => ({
  name,
  kind: "postgres",
  title: "PostgreSQL",
  where: "db.example.org:5432/plant",
  points: "meter-*/*",
  exactly_once: true,
  sql: true,
  phase: "live",
  up: true,
  since: iso(Date.now() - 3_600_000),
  published: 1_203_331,
  repeated: 0,
  aside: 0,
  released: 0,
  events: 42,
  events_aside: 0,
  events_released: 0,
  waiting: 0,
  waiting_bytes: 0,
  lag_s: 0.4,
  samples_per_s: 120.5,
  batches: 900,
  failures: 0,
  last_published: iso(Date.now() - 500),
  error: null,
  why: "",
  next_try: null,
  quota: quota(0),
  trouble: "",
  ...more,
});

const aside = (id, path, reason) => ({
  id,
  event: false,
  time: iso(Date.now() - 60_000 * id),
  path,
  value: "21.5",
  quality: "good",
  reason,
  set_aside: iso(Date.now() - 30_000 * id),
});

/** site.sinks: rows; site.aside: what the second has set aside; site.did: what was asked for. */
export function someSinks() {
  return {
    rows: [
      row("cloud", { kind: "remote_write", title: "remote write", exactly_once: false }),
      row("plant", {
        phase: "stuck",
        up: false,
        aside: 2,
        released: 17,
        waiting: 48_211,
        waiting_bytes: 600_000,
        lag_s: 2460,
        failures: 12,
        error: {
          code: "EPERM",
          message: "permission denied for table sample",
          hint: "run at the database: busbar sink sql plant",
          time: iso(Date.now() - 40_000),
        },
        why: "permission denied for table sample",
        next_try: iso(Date.now() + 30_000),
        quota: quota(0.85),
        trouble: "sink plant is stuck",
      }),
    ],
    aside: [
      aside(2, "meter-1/power", "new row violates check constraint positive"),
      aside(1, "meter-1/p-0001", "value out of range"),
    ],
    did: [],
    task: 0,
  };
}

const FINDINGS = [
  { what: "address", verdict: "good", text: "10.0.0.9 port 5432 answers", hint: "" },
  {
    what: "rights",
    verdict: "bad",
    text: "the role busbar may not insert into sample",
    hint: "run at the database: busbar sink sql plant",
  },
  { what: "clock", verdict: "warning", text: "differs by 4 s", hint: "look at NTP" },
];

function answerOne(sinks, method, sink, verb, body) {
  if (method === "GET" && verb === undefined) {
    const recent = {
      to: iso(Date.now()),
      step_s: 5,
      lag_s: [0.2, 0.3, 12, 40, 75.5],
      waiting: [1, 2, 300, 900, 1500],
      samples_per_s: [120, 120, 0, 0, 0],
    };
    const details = [{ name: "server", text: "PostgreSQL 15.5" }];
    return { body: { ...sink, details, recent } };
  }
  if (verb === "sql") {
    return { text: "create role busbar login;\n" };
  }
  if (verb === "aside") {
    const rows = sink.aside > 0 ? sinks.aside : [];
    return { body: { rows, total: rows.length } };
  }
  if (verb === "ledger") {
    const { published, waiting, aside: set, released } = sink;
    const stored = published + waiting + set + released;
    const sums = { stored, published, repeated: 0, waiting, aside: set, released };
    return {
      body: { sink: sink.name, ...sums, lost_records: 0, missing: 0, balances: true, text: "balances" },
    };
  }
  sinks.did.push({ verb, sink: sink.name, ...body });
  if (verb === "test") {
    return { body: { findings: FINDINGS, fine: false, verdict: "bad", took_ms: 240 } };
  }
  if (verb === "retry" || verb === "drop") {
    sinks.aside = body.id ? sinks.aside.filter((one) => one.id !== body.id) : [];
    sink.aside = sinks.aside.length;
    sinks.task++;
    return { status: 202, body: { id: sinks.task, state: "running", message: "" } };
  }
  sink.phase = verb === "pause" ? "paused" : "live";
  sink.up = verb !== "pause";
  return { body: { sink: sink.name, changed: true, message: verb === "pause" ? "paused" : "on" } };
}

/** undefined: it is not about sinks. */
export function answerSinks(site, method, parts, body) {
  const { sinks } = site;
  if (parts[0] === "sink-tasks") {
    return { body: { id: Number(parts[1]), state: "done", message: "plant: 1 sent" } };
  }
  if (parts[0] !== "sinks") {
    return undefined;
  }
  if (parts.length === 1) {
    return { body: { sinks: sinks.rows } };
  }
  const sink = sinks.rows.find(({ name }) => name === parts[1]);
  if (!sink) {
    const error = { code: "ENOENT", message: `there is no sink '${parts[1]}'`, hint: "there is: cloud, plant" };
    return { status: 404, body: { error } };
  }
  return answerOne(sinks, method, sink, parts[2], body);
}
