// SPDX-License-Identifier: Apache-2.0
// Runs alone: it measures times.
// The database is down while 5,000 readings a second come in: nothing is lost, doubled or out of order, memory stays as it is,
// acknowledgements take as long as before, and what waited is caught up at three times the rate at least.
// BUSBAR_OUTAGE_S: how long it is down (20 s; 300 and 3600, which is 18 million rows, are for the long run),
// BUSBAR_SINK_RATE: readings a second.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPostgres } from '../support/postgres.mjs';
import { sleep, until } from '../support/gateway.mjs';
import { beginSink, share } from './sinks_rig.mjs';

const outage_s = Number(process.env.BUSBAR_OUTAGE_S ?? 20);
const rate = Number(process.env.BUSBAR_SINK_RATE ?? 5000);
const GROWTH_MAX = 150 << 20; // the sanitizers' own included
const LATENCY_SLACK_MS = 30;  // a busy machine's

const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

test(`the database is down for ${outage_s} s at ${rate} rows a second`, { skip: noPostgres, timeout: 300000 + outage_s * 4000 }, async (t) => {
  const rig = await beginSink(t, { rate });
  const { server, sender } = rig;
  await rig.published(rate * 3, 60000);
  sender.takeTimes();
  await sleep(5000);
  const before = sender.takeTimes();
  const memory = rig.rss();

  await server.stop('immediate');
  const down = Date.now();
  await rig.says(/refuses the connection|closed the connection|ended the connection/);
  let most = 0;
  while (Date.now() - down < outage_s * 1000) {
    await sleep(500);
    most = Math.max(most, rig.rss());
  }
  const during = sender.takeTimes();
  const waited = await rig.sink();
  assert.notEqual(waited.phase, 'live');
  assert.ok(waited.waiting > rate * outage_s * 0.7, `${waited.waiting} wait: the sender could not keep its rate`);
  assert.ok(waited.lag_s > outage_s * 0.7, `lag ${waited.lag_s} s`);

  const had = waited.published;
  await server.start();
  const up = Date.now();
  await rig.retry();
  let behind = true;
  const order = (async () => {
    for (await sleep(1000); behind; await sleep(2000)) {
      await rig.inOrderMeanwhile();
    }
  })();
  order.catch(() => {}); // awaited below
  await until('it is caught up', async () => {
    most = Math.max(most, rig.rss());
    await sleep(200);
    const now = await rig.sink();
    return now.phase === 'live' && now.waiting < rate * 2;
  }, 60000 + outage_s * 1000);
  const took_s = (Date.now() - up) / 1000;
  behind = false;
  await order;
  const caught = (await rig.sink()).published - had;
  const afterwards = sender.takeTimes();
  await sender.stop();
  const rows = await rig.complete(120000);

  const speed = caught / took_s;
  t.diagnostic(`${rows} rows, ${waited.waiting} waited: caught up in ${took_s.toFixed(1)} s, ${Math.round(speed)} rows/s, ${(speed / rate).toFixed(1)} times the rate`);
  t.diagnostic(`acknowledged in ms (p50, p99): before ${share(before, 0.5).toFixed(1)}, ${share(before, 0.99).toFixed(1)}; while it was down ${share(during, 0.5).toFixed(1)}, ${share(during, 0.99).toFixed(1)}; while it caught up ${share(afterwards, 0.5).toFixed(1)}, ${share(afterwards, 0.99).toFixed(1)}`);
  t.diagnostic(`memory ${mb(memory)}, at most ${mb(most)} since`);
  assert.ok(speed >= 3 * rate, `${Math.round(speed)} rows/s is less than three times ${rate}`);
  assert.ok(most - memory < GROWTH_MAX, `memory grew by ${mb(most - memory)}`);
  assert.ok(share(during, 0.99) <= 2 * share(before, 0.99) + LATENCY_SLACK_MS,
    `p99 of acknowledgements ${share(during, 0.99)} ms, before ${share(before, 0.99)} ms`);
});
