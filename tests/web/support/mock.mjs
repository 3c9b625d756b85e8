#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A gateway that is not one: serves docs/rest.md over a made-up site, for scale and for states that
// a real gateway is seldom in. By hand: support/mock.mjs [PORT [DEVICES [POINTS_EACH]]]
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { dist } from "./dist.mjs";
import { Events } from "./events.mjs";
import { pageFiles } from "./files.mjs";
import { answerLook } from "./look.mjs";
import { Site, iso } from "./site.mjs";

const LIVE_MS = 200;
const HEALTH_MS = 5000;

const notFound = (what) => ({
  status: 404,
  body: { error: { code: "ENOENT", message: `no ${what}`, hint: "nearest is 'meter-1/power'" } },
});

function timeOf(word, otherwise) {
  if (!word || word === "now") {
    return otherwise;
  }
  const relative = /^-(\d+(?:\.\d+)?)h$/.exec(word);
  return relative ? Date.now() - Number(relative[1]) * 3_600_000 : Number(word) / 1000;
}

function page(list, query) {
  const offset = Number(query.get("offset") ?? 0);
  return list.slice(offset, offset + Number(query.get("limit") ?? 200));
}

const PROBLEM = {
  file: "site.yaml",
  line: 27,
  column: 16,
  width: 7,
  severity: "error",
  message: "unknown key 'regster' in a Modbus point",
  hint: "did you mean 'register'?",
  source: "      power: { regster: 40101 }",
};
const DIFF = {
  differs: true,
  stopped: ["ahu-1"],
  changes: [
    {
      kind: "changed",
      what: "ahu-1/sat.units",
      old: "degC",
      new: "degF",
      text: "~ ahu-1/sat.units degC -> degF",
    },
    {
      kind: "added",
      what: "pv-2",
      old: null,
      new: "modbus",
      text: "+ device pv-2 (modbus, 1 point)",
    },
  ],
};

/** Two lines for any expression; one with an open bracket is refused as PromQL is. */
function rangeQuery(query) {
  const text = query.get("query");
  if ((text.match(/\(/g) ?? []).length !== (text.match(/\)/g) ?? []).length) {
    const error = 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis';
    return { status: 400, body: { status: "error", errorType: "bad_data", error } };
  }
  const [start, end, step] = ["start", "end", "step"].map((name) => Number(query.get(name)));
  const line = (device, base) => {
    const values = [];
    for (let time = start; time <= end; time += step) {
      values.push([time, String(base + Math.sin(time / 7200))]);
    }
    return { metric: { device }, values };
  };
  return {
    body: {
      status: "success",
      data: { resultType: "matrix", result: [line("ahu-1", 20), line("ahu-2", 23)] },
      infos: ["PromQL info: metric might not be a counter"],
    },
  };
}

const COMMANDS = [
  {
    path: "meter-1/start",
    device: "meter-1",
    name: "start",
    title: "Start the press",
    confirm: true,
    protocol: "opcua",
    known: true,
    description: "",
    trouble: "",
    arguments: [
      { name: "speed", type: "Double", description: "in rpm" },
      { name: "slow", type: "Boolean", description: "" },
    ],
    results: [{ name: "job", type: "Int32", description: "" }],
    presets: [],
  },
  {
    path: "meter-1/boost",
    device: "meter-1",
    name: "boost",
    title: "",
    confirm: false,
    protocol: "opcua",
    known: true,
    description: "",
    trouble: "",
    arguments: [],
    results: [],
    presets: [{ path: "meter-1/sp", value: "23" }],
  },
];

/** A command of the made-up device; the speed 0 is refused. */
function runCommand(site, device, name, body) {
  site.commands.push({ device, name, ...body });
  if (body.arguments[0] === "0") {
    const message = "not sent: argument 1 'speed' (Double) does not fit: it is out of range";
    return { status: 400, body: { error: { code: "ERANGE", message, hint: "" } } };
  }
  const results = name === "start" ? { job: 17 } : null;
  return { body: { done: true, results, took_ms: 12, message: "done" } };
}

/** GET path (below /api/v1/) -> answer. Names in [] are decoded parts of the path. */
function answerGet(site, parts, query) {
  const [what, a, b] = parts;
  if (what === "devices" && a !== undefined) {
    const d = Number(/^meter-(\d+)$/.exec(a)?.[1]) - 1;
    if (!(d >= 0 && d < site.deviceCount)) {
      return notFound(`device '${a}'`);
    }
    return b === "frames" ? { body: { frames: frames(site) } } : { body: site.fullDevice(d) };
  }
  if (what === "points" && a !== undefined) {
    const i = site.indexOf(`${a}/${b}`);
    return i < 0 ? notFound(`point '${a}/${b}'`) : { body: site.fullPoint(i) };
  }
  if (what === "samples") {
    const to_ms = timeOf(query.get("to"), Date.now());
    const from_ms = timeOf(query.get("from"), to_ms - 86_400_000);
    return { body: site.buckets(`${a}/${b}`, from_ms, to_ms, Number(query.get("buckets") ?? 800)) };
  }
  if (what === "query_range") {
    return rangeQuery(query);
  }
  const lists = {
    commands: () => {
      const commands = COMMANDS.filter((row) => row.device === query.get("device"));
      return { commands, total: commands.length };
    },
    health: () => site.health(),
    status: () => site.status(),
    devices: () => {
      const all = Array.from({ length: site.deviceCount }, (_, d) => site.device(d))
        .filter((device) => !query.get("link") || device.link === query.get("link"))
        .filter((device) => device.name.includes(query.get("q") ?? ""));
      return { devices: page(all, query), total: all.length };
    },
    points: () => {
      const found = site.matching(query);
      return {
        points: page(found, query).map((i) => site.point(i)),
        total: found.length,
        all: site.total,
        reasons: query.get("quality") === "bad" ? site.reasons(found) : [],
      };
    },
    ledger: () => ({
      balances: true,
      total: 1,
      totals: {
        received: 100,
        stored: 98,
        repeated: 0,
        refused: [{ reason: "within deadband", count: 2 }],
        waiting: 0,
      },
      points: [],
    }),
    journal: () => ({
      entries: query.get("before")
        ? []
        : [
            {
              id: 5,
              time: iso(Date.now() - 60_000),
              who: "local",
              from: "127.0.0.1",
              what: "write",
              path: "ahu-1/sp",
              old: "21",
              new: "22.5",
              result: "written",
            },
          ],
    }),
    log: () => ({
      lines: [
        { time: iso(Date.now() - 9000), level: "info", module: "app", device: "", text: "running" },
        {
          time: iso(Date.now() - 5000),
          level: "warning",
          module: "modbus",
          device: "meter-2",
          text: "cannot connect: connection refused",
        },
      ],
    }),
    ports: () => ({
      ports: [
        {
          use: "page and REST",
          transport: "tcp",
          port: 8080,
          address: "127.0.0.1",
          direction: "in",
          peer: "",
          firewall: false,
          owner: "busbar",
          pid: 12,
          conflict: "",
          running: true,
        },
        {
          use: "modbus meter-1",
          transport: "tcp",
          port: 502,
          address: "",
          direction: "out",
          peer: "10.0.0.1",
          firewall: true,
          owner: "",
          pid: 0,
          conflict: "",
          running: true,
        },
      ],
    }),
    config: () => ({
      version: 17,
      applied: iso(site.started),
      who: "local",
      differs: site.differs,
      folder: "examples/site",
      files: [
        { file: "site.yaml", bytes: 2140 },
        { file: "points.csv", bytes: 90 },
      ],
    }),
    "config/diff": () => (site.differs ? DIFF : { differs: false, changes: [], stopped: [] }),
    "config/versions": () => ({
      versions: [
        {
          version: 17,
          time: iso(site.started),
          who: "local",
          summary: "2 devices added",
          running: true,
        },
        {
          version: 16,
          time: iso(site.started - 86_400_000),
          who: "local",
          summary: "first",
          running: false,
        },
      ],
    }),
  };
  const list = lists[parts.join("/")];
  return list ? { body: list() } : notFound("such resource");
}

function frames() {
  const now = Date.now();
  return [
    {
      time: iso(now - 900),
      sent: true,
      size: 12,
      hex: "000100000006030300640018",
      bad: null,
      text: "read holding 100..123 unit 3",
    },
    {
      time: iso(now - 888),
      sent: false,
      size: 9,
      hex: "00010000000303830b",
      bad: null,
      text: "exception 11: gateway target device failed to respond",
    },
    {
      time: iso(now - 400),
      sent: false,
      size: 7,
      hex: "00020000ffff03",
      bad: "length over the limit",
      text: "header only",
    },
  ];
}

function answerPost(site, parts, body) {
  const [what, a, b, verb] = parts;
  if (what === "points" && verb === "write") {
    const path = `${a}/${b}`;
    const before = site.point(site.indexOf(path)).value;
    if (body.value === 17) {
      return {
        status: 502,
        body: {
          error: {
            code: "EREFUSED",
            message: "the device refused: illegal data value",
            hint: "the register may be read-only",
          },
        },
      };
    }
    site.set.set(path, body.value);
    site.writes.push({ path, ...body });
    return {
      body: {
        written: true,
        read_back: true,
        before,
        after: body.value,
        took_ms: 12,
        message: `written, read back ${body.value} after 12 ms`,
      },
    };
  }
  if (what === "devices" && b === "test") {
    return {
      body: {
        fine: false,
        code: "ETIMEOUT",
        took_ms: 2003,
        findings: [
          { step: "tcp 502", fine: true, seen: "open in 1 ms", hint: "", code: "" },
          {
            step: "unit 3",
            fine: false,
            seen: "no answer in 2 s, 3 tries",
            code: "ETIMEOUT",
            hint: "units 1 and 2 do answer: set 'unit_id: 1' at site.yaml:25",
          },
        ],
      },
    };
  }
  if (what === "devices" && b === "commands") {
    return runCommand(site, a, verb, body);
  }
  if (what === "devices") {
    site.links.set(Number(a.split("-")[1]) - 1, b === "pause" ? "paused" : "up");
    return { body: {} };
  }
  if (parts.join("/") === "config/check") {
    return site.differs
      ? {
          status: 422,
          body: {
            error: { code: "ECONFIG", message: "1 error", hint: "" },
            errors: 1,
            warnings: 0,
            problems: [PROBLEM],
          },
        }
      : { body: { errors: 0, warnings: 0, problems: [] } };
  }
  return { body: { ...DIFF, applied: !body.dry_run, version: 18, took_ms: 200, undo: 17 } };
}

function live({ site, events }, query, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const send = (event, data) =>
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const wanted = (query.get("points") ?? "")
    .split(",")
    .map((path) => site.indexOf(path))
    .filter((i) => i >= 0);
  let before = new Map();
  const points = () => {
    const changed = wanted
      .map((i) => site.point(i))
      .filter((point) => before.get(point.path) !== `${point.text} ${point.reason}`);
    before = new Map(
      wanted
        .map((i) => site.point(i))
        .map((point) => [point.path, `${point.text} ${point.reason}`]),
    );
    if (changed.length > 0) {
      send("points", changed);
    }
  };
  let links = "";
  const devices = () => {
    const all = Array.from({ length: site.deviceCount }, (_, d) => site.link(d)).join();
    if (all !== links && links !== "") {
      send(
        "devices",
        Array.from({ length: site.deviceCount }, (_, d) => site.device(d)),
      );
    }
    links = all;
  };
  send("health", site.health());
  points();
  const timers = [
    setInterval(points, LIVE_MS),
    setInterval(devices, LIVE_MS),
    setInterval(() => send("health", site.health()), HEALTH_MS),
  ];
  if (query.get("events")) {
    events.streams.add(send);
  }
  response.on("close", () => {
    timers.forEach(clearInterval);
    events.streams.delete(send);
  });
}

/**
 * options: those of Site, and port. Gives {url, site, failing, silent, close}; tests change them.
 */
export async function startMock({ port = 0, ...options } = {}) {
  const mock = {
    site: new Site(options),
    events: new Events(),
    failing: false,
    streams: new Set(),
  };
  const files = pageFiles(dist());
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://mock");
    if (!pathname.startsWith("/api/v1/")) {
      files(pathname, response);
      return;
    }
    const parts = pathname.slice("/api/v1/".length).split("/").map(decodeURIComponent);
    const reply = ({ status = 200, body, text }) =>
      response
        .writeHead(status, { "Content-Type": text ? "application/yaml" : "application/json" })
        .end(text ?? (body === undefined ? undefined : JSON.stringify(body)));
    const look = (body) =>
      parts[0] === "events"
        ? mock.events.reply(parts, searchParams, body)
        : answerLook(mock.site, request.method, parts, searchParams, body);
    if (mock.failing) {
      reply({
        status: 503,
        body: {
          error: {
            code: "EBUSY",
            message: "the gateway is stopping",
            hint: "start it: busbar run",
          },
        },
      });
    } else if (parts[0] === "live") {
      mock.streams.add(response);
      response.on("close", () => mock.streams.delete(response));
      live(mock, searchParams, response);
    } else if (request.method === "GET") {
      reply(look() ?? answerGet(mock.site, parts, searchParams));
    } else {
      let text = "";
      request.on("data", (piece) => {
        text += piece;
      });
      request.on("end", () => {
        const body = JSON.parse(text || "{}");
        reply(look(body) ?? answerPost(mock.site, parts, body));
      });
    }
  });
  await new Promise((ready) => server.listen(port, "127.0.0.1", ready));
  mock.url = `http://127.0.0.1:${server.address().port}`;
  mock.cut = () => mock.streams.forEach((stream) => stream.destroy());
  mock.close = () =>
    new Promise((closed) => {
      mock.cut();
      server.closeAllConnections();
      server.close(closed);
    });
  return mock;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = 8090, devices = 100, pointsEach = 1000] = process.argv.slice(2).map(Number);
  const mock = await startMock({ port, devices, pointsEach });
  console.log(`${mock.url} with ${mock.site.total} points`);
}
