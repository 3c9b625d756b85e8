// SPDX-License-Identifier: Apache-2.0
// Starts a real gateway (and simulators) for tests that look at it from outside: REST, files, signals.
// BUSBAR names the program under test.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export const program = process.env.BUSBAR ?? 'build/dev/busbar';

/** What a build with sanitizers keeps of freed memory is no memory of the gateway's: bounds are tested all the same. */
const sanitized = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=16` };

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Does `what` (asynchronous) again and again, `ms` after its last end. The function that it gives stops that: it waits for
 * what is under way, and throws what failed.
 */
export function repeat(ms, what) {
  let stop;
  const stopped = new Promise((resolve) => (stop = () => resolve(true)));
  const ended = (async () => {
    do {
      await what();
    } while (!await Promise.race([sleep(ms), stopped]));
  })();
  ended.catch(() => {}); // told by the one that stops it
  return () => {
    stop();
    return ended;
  };
}

/** Where this file's ports are: files run side by side, each with a range of its own, below what the system gives. */
const portsFrom = Number(process.env.BUSBAR_TEST_PORTS ?? 18000);
const portsGiven = new Set();

/** A port on which nothing listens by TCP; never the same twice. */
export async function freePort() {
  for (;;) {
    const port = portsFrom + Math.floor(Math.random() * 6000);
    if (portsGiven.has(port)) {
      continue;
    }
    portsGiven.add(port);
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) {
      return port;
    }
  }
}

/** The same of UDP. */
export async function freeUdpPort(address = '127.0.0.1') {
  for (;;) {
    const port = portsFrom + Math.floor(Math.random() * 6000);
    if (portsGiven.has(port)) {
      continue;
    }
    portsGiven.add(port);
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const trouble = await new Promise((resolve) => {
      socket.once('error', resolve);
      socket.bind(port, address, () => resolve(null));
    });
    await new Promise((resolve) => socket.close(resolve));
    if (!trouble) {
      return port;
    }
    if (trouble.code !== 'EADDRINUSE') {
      throw trouble;
    }
  }
}

/** A temporary folder with site/ and data/; files: name -> text of site/. */
export function makeFolder(files) {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-test-'));
  mkdirSync(join(folder, 'site'));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, 'site', name), text);
  }
  return {
    folder,
    site: join(folder, 'site'),
    data: join(folder, 'data'),
    write(name, text) {
      writeFileSync(join(folder, 'site', name), text);
    },
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Polls `look` until it gives something true; fails with `what` and the last thing seen. */
export async function until(what, look, ms = 15000) {
  const deadline = Date.now() + ms;
  let last;
  for (;;) {
    try {
      last = await look();
      if (last) {
        return last;
      }
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${ms} ms for: ${what}; last: ${last?.stack ?? JSON.stringify(last)}`);
    }
    await sleep(20);
  }
}

/** Runs the program to its end. */
export function run(args, { input, env, timeout = 30000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...process.env, ...env } });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.stdout.on('data', (data) => (stdout += data));
    child.stderr.on('data', (data) => (stderr += data));
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

const running = new Set();
const LEFT_MS_MAX = 60000;

/** What a failed test left behind (a child, a socket) would keep the file from ending: it is said, and ended. */
after(() => {
  setTimeout(() => {
    console.error(`the tests are over, but there are still: ${process.getActiveResourcesInfo().join(', ')}; ${[...running].map((child) => child.spawnargs.join(' ')).join('; ')}`);
    running.forEach((child) => child.kill('SIGKILL'));
    process.exit(1);
  }, LEFT_MS_MAX).unref();
});

/** A child; whoever starts it stops it. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, options);
  running.add(child);
  child.on('close', () => running.delete(child));
  const process_ = { child, output: '', exited: null };
  const keep = (data) => {
    process_.output = (process_.output + data).slice(-65536);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  process_.exited = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const kill = () => {
    child.kill('SIGKILL');
    setTimeout(() => [child.stdin, child.stdout, child.stderr].forEach((pipe) => pipe?.destroy()), 2000).unref(); // of a child of its own
  };
  process_.stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    const timer = setTimeout(kill, 10000);
    const ended = await process_.exited;
    clearTimeout(timer);
    return ended;
  };
  /** Waits for its own end; whoever is not done by then is killed, which is an error. */
  process_.end = async (ms = 60000) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      kill();
    }, ms);
    const ended = await process_.exited;
    clearTimeout(timer);
    if (late) {
      throw new Error(`${command} ${args.join(' ')}: not done after ${ms} ms:\n${process_.output}`);
    }
    return ended;
  };
  return process_;
}

/**
 * A gateway on a free port; resolves when it answers. timeSeries: ADDRESS:PORT of the Prometheus API, or true for
 * a free port; its URL is gateway.timeSeries.
 */
export async function startGateway({ config, data, env, timeSeries = 'off', args = [] }) {
  const series = timeSeries === true ? `127.0.0.1:${await freePort()}` : timeSeries;
  const port = await freePort();
  const socket = join(data, '..', `socket-${port}`);
  const gateway = start(
    program,
    ['run', '--config', config, '--data', data, '--http', `127.0.0.1:${port}`, '--time-series', series,
      '--socket', socket, ...args],
    { env: { ...process.env, ...sanitized, ...env } },
  );
  const url = `http://127.0.0.1:${port}`;
  gateway.url = url;
  gateway.timeSeries = `http://${series}`;
  gateway.server = `unix:${socket}`;
  gateway.get = async (path) => {
    const answer = await fetch(url + path, { signal: AbortSignal.timeout(10000) });
    if (!answer.ok) {
      throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    }
    return answer.json();
  };
  gateway.post = async (path, body = {}) => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(60000),
    });
    return { status: answer.status, body: await answer.json() };
  };
  gateway.point = (path) => gateway.get(`/api/v1/points/${path}`);
  gateway.cli = (args_, options) => run([...args_, '--server', gateway.server], options);
  let ended = null;
  gateway.exited.then((how) => (ended = how));
  try {
    await until('the gateway answers', async () => ended || gateway.get('/api/v1/health'));
  } catch (error) {
    await gateway.stop('SIGKILL');
    throw new Error(`${error.message}\n${gateway.output}`);
  }
  if (ended) {
    throw new Error(`the gateway ended (${JSON.stringify(ended)}):\n${gateway.output}`);
  }
  return gateway;
}

/** Whether a simulator said all that it says at its start: what comes behind it are answers. */
function greeted(output) {
  const found = /^simulating (\d+) devices.*\n((?: {2}.*\n)*)/m.exec(output);
  const lines = found?.[2].split('\n').slice(0, -1) ?? [];
  return found && (lines.length === Number(found[1]) || lines.at(-1) === '  ...');
}

/** The simulator of a site; resolves when it listens. */
export async function startSim(config, args = []) {
  const sim = start(program, ['sim', config, ...args]);
  let ended = false;
  sim.exited.then(() => (ended = true));
  try {
    await until('the simulator listens', () => ended || greeted(sim.output));
    if (ended) {
      throw new Error('the simulator ended');
    }
  } catch (error) {
    await sim.stop('SIGKILL');
    throw new Error(`${error.message}\n${sim.output}`);
  }
  /** One line of control, as "d1=silence" (see `busbar sim --help`); resolves when it was understood. */
  sim.control = async (line) => {
    const before = sim.output.length;
    sim.child.stdin.write(`${line}\n`);
    return until(`the simulator answers '${line}'`, () => sim.output.length > before && sim.output.endsWith('\n') && sim.output.slice(before));
  };
  return sim;
}
