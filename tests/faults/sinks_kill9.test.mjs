// SPDX-License-Identifier: Apache-2.0
// kill -9 of the gateway, and of every process of its database, at random moments under load, also in the middle of a COPY:
// nothing acknowledged is missing in the database, nothing is there twice, nothing overtakes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPostgres } from '../support/postgres.mjs';
import { sleep, until } from '../support/gateway.mjs';
import { beginSink } from './sinks_rig.mjs';

const rounds = Number(process.env.BUSBAR_KILL_ROUNDS ?? 10);
const rate = Number(process.env.BUSBAR_SINK_RATE ?? 5000);
const timeout = 180000 + rounds * 30000;

test(`exactly once in ${rounds} kills of the gateway at ${rate} rows a second`, { skip: noPostgres, timeout }, async (t) => {
  const rig = await beginSink(t, { rate, sink: 'batch_time: 100ms\nbatch: 2000' });
  await rig.published(1);
  for (let round = 0; round < rounds; round++) {
    await rig.moreRows(500);
    await sleep(Math.random() * 700);
    await rig.kill();
    rig.inOrder();
    await rig.start();
    rig.sender.forgive();
  }
  await rig.sender.stop();
  const rows = await rig.complete();
  const { repeated } = await rig.sink();
  const { stored } = await rig.gateway.get('/api/v1/sinks/plant/ledger');
  assert.ok(rows >= rounds * 500, `only ${rows} rows: the test tests nothing`);
  t.diagnostic(`${rows} rows, ${rounds} kills of the gateway, 0 lost, 0 doubled, order kept; ${repeated} told as repeated, ${stored - rows} more in the log`);
});

test(`exactly once in ${rounds} kills of the database at ${rate} rows a second`, { skip: noPostgres, timeout }, async (t) => {
  // Killed, not cut off from power: what a process wrote survives it, so fsync may stay off.
  const rig = await beginSink(t, { rate, sink: 'batch_time: 500ms' });
  await rig.published(1);
  const { server } = rig;
  let during = 0;
  for (let round = 0; round < rounds; round++) {
    await rig.moreRows(500);
    const copies = await until('a COPY is going on', () => server.value(
      "SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'busbar' AND state = 'active' AND query ILIKE 'copy%'"), 3000)
      .catch(() => 0);
    during += copies > 0 ? 1 : 0;
    await server.kill();
    await sleep(Math.random() * 300);
    await server.start();
    rig.inOrder();
    await rig.retry();
  }
  await rig.sender.stop();
  await rig.retry();
  const rows = await rig.complete();
  t.diagnostic(`${rows} rows, ${rounds} kills of the database (${during} seen inside a COPY), 0 lost, 0 doubled, order kept`);
});
