// SPDX-License-Identifier: Apache-2.0
// A real gateway and the simulator of its site, in a folder of their own. BUSBAR names the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/gateway.mjs";

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
const ANSWER_MS_MAX = 10_000;

const POINTS = 8; // of siteText()

export const PROGRAM = process.env.BUSBAR;

/** One point that is read ten times a second, one to write, one device that nobody serves. */
export function siteText(ports, extra = "") {
  return `version: 1
site: { id: test, name: "Test plant", timezone: Europe/Prague }
devices:
  meter-1:
    name: "Main meter"
    place: test/hall
    every: 100ms
    modbus: { tcp: "127.0.0.1:${ports.meter}", unit_id: 1, timeout: 500ms }
    points:
      power: { holding: 100, type: float32, units: kW }
      energy: { holding: 102, type: uint32, units: kWh, every: 1s }
      breaker: { coil: 0, enum: [open, closed], every: 1s }
      sat-sp: { holding: 110, type: int16, scale: 0.1, units: degC, write: { min: 16, max: 26 } }
      model: { holding: 130, type: string, length: 8, every: 1s }
      mode: { holding: 111, enum: [off, heating, cooling], write: { confirm: true }, every: 1s }
${extra}
  ahu-1:
    name: "Air handler"
    every: 200ms
    modbus: { tcp: "127.0.0.1:${ports.ahu}", unit_id: 2, timeout: 300ms }
    points:
      sat: { input: 0, type: int16, scale: 0.1, units: degC }
      fan: { discrete: 0, enum: [stopped, running] }
`;
}

class Program {
  constructor(args, env = {}) {
    this.output = "";
    this.child = spawn(PROGRAM, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (data) => {
        this.output += data;
      });
    }
    this.gone = once(this.child, "exit");
  }

  get running() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async stop() {
    if (this.running) {
      this.child.kill("SIGTERM");
      const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS_MAX);
      await this.gone;
      clearTimeout(timer);
    }
  }
}

async function until(program, what, check) {
  const end = Date.now() + START_MS_MAX;
  while (Date.now() < end) {
    assert.ok(program.running, `${what}: the program ended\n${program.output}`);
    try {
      if (await check()) {
        return;
      }
    } catch {
      // Not listening yet.
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
  assert.fail(`${what}: not within ${START_MS_MAX} ms\n${program.output}`);
}

async function bringUp(gateway, site, control) {
  gateway.writeSite(siteText(gateway.ports));
  gateway.simulator = new Program(["sim", site, "--control", control]);
  await until(gateway.simulator, "simulator", async () => (await gateway.sim("list")).length > 0);
  await gateway.start();
  const page = await (await fetch(gateway.url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })).text();
  assert.match(page, /id="app"/, "the program was built without the page (BUSBAR_WEB=OFF)");
  await until(
    gateway.program,
    "first values",
    async () => (await gateway.get("points?quality=good")).total === POINTS,
  );
}

/** Gives {url, get, sim, writeSite, stop, start, close}. */
export async function startGateway() {
  assert.ok(PROGRAM, "BUSBAR must name the busbar program");
  const folder = mkdtempSync(join(tmpdir(), "busbar-site-"));
  const site = join(folder, "site");
  const control = join(folder, "sim.sock");
  const ports = { http: await freePort(), meter: await freePort(), ahu: await freePort() };
  mkdirSync(site);
  const gateway = {
    url: `http://127.0.0.1:${ports.http}`,
    ports,
    writeSite: (text) => writeFileSync(join(site, "site.yaml"), text),
    get: async (path) =>
      (
        await fetch(`${gateway.url}/api/v1/${path}`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
      ).json(),
    start: async () => {
      gateway.program = new Program([
        "run",
        "--config",
        site,
        "--data",
        join(folder, "data"),
        "--http",
        `127.0.0.1:${ports.http}`,
        "--time-series",
        "off",
      ]);
      await until(gateway.program, "gateway", async () => (await gateway.get("health")).status);
    },
    stop: () => gateway.program.stop(),
    close: async () => {
      await gateway.program?.stop();
      await gateway.simulator?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  /** One line to the simulator, such as "set meter-1/power 42" or "ahu-1=silence". */
  gateway.sim = async (line) => {
    const socket = connect(control);
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    try {
      await once(socket, "connect", { signal });
      socket.write(`${line}\n`);
      const [answer] = await once(socket, "data", { signal });
      return String(answer);
    } finally {
      socket.destroy();
    }
  };
  try {
    await bringUp(gateway, site, control);
  } catch (error) {
    await gateway.close();
    throw error;
  }
  return gateway;
}
