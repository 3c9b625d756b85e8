// SPDX-License-Identifier: Apache-2.0
// A gateway that publishes to a PostgreSQL of its own while a sender posts readings. Each device's readings are numbered from
// 1 without a gap, so the database alone shows what is lost (a gap), doubled, or out of order (rows beyond a gap); times and
// values are compared with what the gateway's own history has.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { startPostgres } from '../support/postgres.mjs';
import { freePort, sleep, until } from '../support/gateway.mjs';
import { begin } from '../support/rig.mjs';

export const DEVICES = 10;
const POSTS_A_SECOND = 40;
const READINGS_MAX = 2000; // of one post
const HASH = 1000003;

const names = Array.from({ length: DEVICES }, (_, i) => `d${i}`);

function siteText(http, server, { sink = '', more = '' } = {}) {
  return `version: 1
site: { id: plant-a, name: Plant A }
drivers: { http: { listen: "127.0.0.1:${http}" } }
connectors: { load: { rate: 100000 } }
profiles:
  load:
    http: { connector: load, each: "json $.r[*]", id_from: "json $.id", time: "json $.ts" }
    points: { n: { json: $.n } }
devices:
${names.map((name) => `  ${name}: { profile: load, http: { id: "${name}" } }`).join('\n')}
sinks:
  plant:
    postgres: "${server.target}"
    user: busbar
    password: !secret plant-db
${(typeof sink === 'function' ? sink(server) : sink).replace(/^/gm, '    ')}
${typeof more === 'function' ? more(server) : more}`;
}

function post(agent, port, key, body, id) {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1', port, path: '/r', method: 'POST', agent, timeout: 20000,
      headers: { 'x-api-key': key, 'content-length': body.length, 'idempotency-key': id },
    }, (answer) => {
      let text = '';
      answer.on('data', (data) => (text += data));
      answer.on('error', reject);
      answer.on('end', () => (answer.statusCode === 204 ? resolve() : reject(new Error(`${answer.statusCode} ${text}`))));
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error('no answer in 20 s')));
    sent.end(body);
  });
}

/**
 * Posts `rate` readings a second, one post after the other, each again (with the same Idempotency-Key, so that it is stored
 * once) until it is acknowledged. sender.acked: readings; sender.times: ms to each acknowledgement since takeTimes().
 */
function startSender(port, key, rate) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const numbers = new Array(DEVICES).fill(0);
  const sender = { rate, acked: 0, again: 0, skipped: 0, running: true, lastError: null };
  let times = [];
  let from = Date.now();
  let given = 0;
  let last_us = 0;
  function makeBody(count) {
    const readings = [];
    const now_us = Math.max(Date.now() * 1000, last_us + count);
    for (let i = 0; i < count; i++) {
      const device = given++ % DEVICES;
      const time_us = now_us - count + i + 1;
      const ts = `${new Date(Math.floor(time_us / 1000)).toISOString().slice(0, -1)}${String(time_us % 1000).padStart(3, '0')}Z`;
      readings.push(`{"id":"${names[device]}","ts":"${ts}","n":${++numbers[device]}}`);
    }
    last_us = now_us;
    return `{"r":[${readings.join(',')}]}`;
  }
  async function deliver(body, count) {
    const id = randomUUID();
    for (;;) {
      const begun = performance.now();
      try {
        await post(agent, port, key, body, id);
        times.push(performance.now() - begun);
        sender.acked += count;
        return;
      } catch (error) {
        sender.lastError = error;
        sender.again++;
        await sleep(50);
      }
    }
  }
  sender.run = (async () => {
    while (sender.running) {
      const due = Math.floor(((Date.now() - from) / 1000) * sender.rate) - given + sender.skipped;
      if (due >= Math.max(1, sender.rate / POSTS_A_SECOND)) {
        const count = Math.min(due, READINGS_MAX);
        await deliver(makeBody(count), count);
      } else {
        await sleep(2);
      }
    }
  })();
  /** From now on at the rate, whatever was missed (the gateway was down). */
  sender.forgive = () => {
    from = Date.now();
    sender.skipped = given;
  };
  /** Sorted. */
  sender.takeTimes = () => {
    const taken = times.sort((a, b) => a - b);
    times = [];
    return taken;
  };
  sender.stop = async () => {
    sender.running = false;
    await sender.run;
    agent.destroy();
  };
  sender.numbers = numbers;
  return sender;
}

export function share(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** settings: of PostgreSQL; sink: lines of the sink's settings. */
export async function beginSink(t, { server, postgres = {}, sink = '', more = '', secrets = {}, rate = 2000 } = {}) {
  server ??= await startPostgres(t, postgres);
  const http = await freePort();
  const rig = await begin(t, siteText(http, server, { sink, more }), { secrets: { 'plant-db': 'secret', ...secrets } });
  rig.server = server;
  const key = (await rig.ok('connector', 'key', 'add', 'load')).trim();
  rig.sender = startSender(http, key, rate);
  t.after(async () => {
    rig.sender.running = false;
  });
  rig.sink = () => rig.gateway.get('/api/v1/sinks/plant');
  rig.show = () => rig.ok('sink', 'show', 'plant');
  rig.retry = () => rig.gateway.cli(['sink', 'try', 'plant']);
  rig.phase = (matching, ms = 30000) => until(`the sink is ${matching}`, async () => {
    const seen = await rig.sink();
    return matching.test(seen.phase) && seen;
  }, ms);
  /** The error that a person sees, met after `from` (ms): what `busbar sink show` prints must match. */
  rig.says = (matching, ms = 30000, from = 0) => until(`busbar sink show says ${matching}`, async () => {
    const { error } = await rig.sink();
    const text = await rig.show();
    if (!error || Date.parse(error.time) < from || !matching.test(text)) {
      await sleep(50);
      throw new Error(text);
    }
    return text;
  }, ms);
  rig.published = async (least, ms = 30000) => until(`${least} rows are published`, async () => {
    const seen = await rig.sink();
    return seen.published >= least && seen;
  }, ms);
  rig.rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rig.gateway.child.pid}/status`, 'utf8'))[1]) * 1024;
  rig.inOrder = () => assertInOrder(rig);
  /** So, while samples are sent and their acknowledgements are timed. */
  rig.inOrderMeanwhile = async () => assertInOrder(rig, await rig.server.rowsMeanwhile(perPoint));
  /** By the tables: the counts of a gateway that was just started may be those it saved some seconds before it was killed. */
  rig.moreRows = async (more, ms = 60000) => {
    const count = () => rig.server.value('SELECT count(value)::int FROM busbar.sample');
    const least = count() + more;
    await until(`${least} rows are there`, async () => {
      await sleep(100); // psql runs while nothing is sent
      return count() >= least;
    }, ms);
  };
  rig.complete = (ms) => assertComplete(rig, ms);
  return rig;
}

const perPoint = `SELECT p.device, count(*)::int AS count, coalesce(max(s.value), 0)::int AS last,
  sum(s.value)::float8 AS sum,
  sum((((extract(epoch FROM s.time) * 1000000)::int8 % ${HASH}) * s.value::int8) % ${HASH})::float8 AS hash
  FROM busbar.sample s JOIN busbar.point p ON p.site = s.site AND p.point = s.point
  WHERE p.name = 'n' AND s.value IS NOT NULL GROUP BY p.device ORDER BY p.device`;

/** At any moment each point has all rows up to its last: nothing overtakes. Gives the number of rows. */
function assertInOrder(rig, points = rig.server.rows(perPoint)) {
  let rows = 0;
  for (const { device, count, last } of points) {
    assert.equal(count, last, `${device}: ${count} rows up to number ${last}`);
    rows += count;
  }
  return rows;
}

async function historyOf(rig, device) {
  const sums = { device, count: 0, last: 0, sum: 0, hash: 0 };
  for (let at = BigInt(Date.now() - 864e5) * 1000n; ;) {
    const answer = await rig.gateway.get(`/api/v1/samples/${device}/n?from=${at}&to=now&limit=100000`);
    for (const [time, value] of answer.samples) {
      const us = BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1000n + BigInt(/\.(\d+)/.exec(time)?.[1].padEnd(6, '0') ?? 0);
      at = us + 1n;
      if (typeof value !== 'number') {
        continue;
      }
      sums.count++;
      sums.last = Math.max(sums.last, value);
      sums.sum += value;
      sums.hash += Number(((us % BigInt(HASH)) * BigInt(value)) % BigInt(HASH));
    }
    if (!answer.more) {
      return sums;
    }
  }
}

/** The sender has stopped: all that was acknowledged comes to be in the database, once, as it is in the history. */
async function assertComplete(rig, ms = 60000) {
  await until('all of it is published', async () => {
    const seen = await rig.sink();
    const rows = seen.phase === 'live' && seen.waiting === 0 ? assertInOrder(rig) : 0;
    if (rows < rig.sender.acked) {
      await sleep(100);
      throw new Error(`${rows} of ${rig.sender.acked} rows; ${JSON.stringify(seen)}`);
    }
    return true;
  }, ms);
  const there = rig.server.rows(perPoint);
  const here = [];
  for (const name of names) {
    here.push(await historyOf(rig, name));
  }
  assert.deepEqual(there, here);
  const rows = there.reduce((sum, point) => sum + point.count, 0);
  there.forEach((point, i) => assert.equal(point.count, rig.sender.numbers[i], `${point.device}: each number once`));
  assert.equal(rows, rig.sender.acked);
  await until('the ledger of the sink balances', async () => {
    const ledger = await rig.gateway.get('/api/v1/sinks/plant/ledger');
    assert.ok(ledger.balances, JSON.stringify(ledger));
    return true;
  });
  return rows;
}
