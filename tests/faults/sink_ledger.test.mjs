// SPDX-License-Identifier: Apache-2.0
// The ledger of a sink: whatever happens to the target, to busbar and to its files, each sample is published, waiting, set
// aside or released, and what is none of it is said.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, run, until } from '../support/gateway.mjs';
import { beginSink } from '../support/sink_rig.mjs';
import { startReceiver } from '../support/write_receiver.mjs';

const settings = (port) =>
  `remote_write: "http://127.0.0.1:${port}/api/v1/write", series: all, batch: 50, batch_time: 100ms`;

/** A gateway with a sink, and its receiver. */
async function begin(t) {
  const port = await freePort();
  const receiver = await startReceiver(t, port);
  return Object.assign(await beginSink(t, settings(port)), { port, receiver });
}

test('it balances while samples flow, in an outage, over kill -9, and afterwards', { timeout: 120000 }, async (t) => {
  const all = await begin(t);
  let stored = await all.feed(1);
  await all.settled();
  for (let i = 0; i < 10; i++) {
    const fed = all.feed(20);
    const { balances, text } = await all.ledger();
    assert.ok(balances, text);
    stored += await fed;
  }
  assert.equal((await all.settled()).stored, stored);
  await all.balanced();

  await all.receiver.stop();
  stored += await all.feed(100);
  const out = await all.balanced();
  assert.equal(out.stored, stored);
  assert.equal(out.waiting, 300);
  await all.kill();
  await all.start(); // its place of up to a second before: published again, counted once
  assert.ok((await all.balanced()).waiting >= 300);
  stored += await all.feed(10);
  await all.gateway.stop();
  await all.receiver.start();
  await all.start();
  await all.settled();
  const done = await all.balanced();
  assert.equal(done.stored, stored);
  assert.equal(done.published, stored);
  assert.equal(all.receiver.distinct(), stored);
});

test('kill -9 at any moment', { timeout: 180000 }, async (t) => {
  const all = await begin(t);
  let stored = await all.feed(1);
  await all.settled();
  for (let i = 0; i < 8; i++) {
    all.receiver.forget = i % 3 === 1; // acknowledgements are lost: sent again, and counted once
    stored += await all.feed(30 + 10 * i);
    await new Promise((resolve) => setTimeout(resolve, 40 * i));
    await all.kill();
    all.receiver.forget = false;
    await all.start();
    assert.equal((await all.balanced()).stored, stored);
  }
  await all.settled();
  assert.equal((await all.balanced()).published, stored);
  assert.equal(all.receiver.distinct(), stored);
});

test('what is refused is set aside, comes home by a retry, or is dropped', { timeout: 120000 }, async (t) => {
  const all = await begin(t);
  const bad = (series) => series.some(({ samples }) => samples.some(([, value]) => value === 7.5 || value === 33.5));
  all.receiver.answer = (series) => (bad(series) ? [400, 'out of order sample'] : null);
  const stored = await all.feed(60);
  await until('all but the six are published', async () => {
    const { aside, waiting } = await all.ledger();
    return aside === 6 && waiting === 0;
  }, 60000);
  const before = await all.balanced();
  assert.equal(before.published, stored - 6);
  const { rows } = await all.gateway.get('/api/v1/sinks/cloud/aside');
  assert.equal(rows.length, 6);
  assert.match(rows[0].reason, /out of order/);

  const again = await all.gateway.cli(['sink', 'retry', 'cloud']);
  assert.match(again.stdout + again.stderr, /6 refused/);
  assert.equal((await all.balanced()).aside, 6);
  const drop = await all.gateway.cli(['sink', 'drop', 'cloud', String(rows[0].id), '--yes']);
  assert.equal(drop.code, 0, drop.stderr);
  const dropped = await all.balanced();
  assert.equal(dropped.aside, 5);
  assert.equal(dropped.released, 1);
  await all.kill();
  all.receiver.answer = () => null;
  await all.start();
  assert.deepEqual(await all.balanced(), dropped);
  const home = await all.gateway.cli(['sink', 'retry', 'cloud']);
  assert.equal(home.code, 0, home.stderr);
  const after = await all.balanced();
  assert.equal(after.aside, 0);
  assert.equal(after.published, stored - 1);
  assert.equal(all.receiver.distinct(), stored - 1);
});

test('what is sent again is no part of it', { timeout: 120000 }, async (t) => {
  const all = await begin(t);
  const stored = await all.feed(50);
  await all.settled();
  const sent = await all.gateway.cli(['sink', 'resend', 'cloud', '--from', '-2h']);
  assert.equal(sent.code, 0, sent.stderr + sent.stdout);
  assert.match(sent.stdout + sent.stderr, new RegExp(`${stored} sent`));
  assert.equal(all.receiver.samples.length, 2 * stored);
  assert.equal(all.receiver.distinct(), stored);
  for (const name of ['a0', 'a1', 'a2']) { // of each series in the order of time
    const times = all.receiver.samples.slice(stored).filter(([of]) => of === name).map(([, time]) => time);
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
  }
  assert.equal((await all.balanced()).published, stored);
});

test('another filter, a series that is deleted', { timeout: 120000 }, async (t) => {
  const all = await begin(t);
  await all.feed(20);
  await all.feed(20, { metric: 'b' });
  await all.settled();
  await all.balanced();
  await all.receiver.stop();
  await all.feed(10); // waits while the filter becomes another
  await all.apply(settings(all.port).replace('series: all', "series: '{__name__=~\"b.*\"}'"));
  await all.balanced();
  await all.feed(10, { metric: 'b' });
  const waiting = await all.balanced();
  assert.equal(waiting.waiting, 30);
  await all.receiver.start();
  await all.settled();
  const published = (await all.balanced()).published;
  assert.equal(all.receiver.distinct(), published);
  const erased = await all.gateway.cli(['history', 'delete', 'b0_value', '--yes']);
  assert.equal(erased.code, 0, erased.stderr);
  await all.balanced();
  await all.kill();
  await all.start();
  await all.balanced();
});

test('a restored gateway goes on from its backup', { timeout: 120000 }, async (t) => {
  const all = await begin(t);
  await all.feed(40);
  await all.settled();
  await all.receiver.stop();
  await all.feed(10);
  const backup = join(all.folder.folder, 'monday');
  const made = await all.gateway.cli(['history', 'backup', backup]);
  assert.equal(made.code, 0, made.stderr);
  const then = await all.balanced();
  await all.receiver.start();
  await all.feed(40); // what the backup knows nothing of
  await all.settled();
  await all.kill();

  const other = join(all.folder.folder, 'restored');
  const restored = await run(['history', 'restore', backup, '--data', other]);
  assert.equal(restored.code, 0, restored.stderr);
  await all.receiver.stop();
  await all.start(other);
  const back = await all.balanced();
  assert.equal(back.stored, then.stored);
  assert.ok(back.waiting >= 30);
  await all.feed(20);
  await all.receiver.start();
  await all.settled();
  const done = await all.balanced();
  assert.equal(done.stored, then.stored + 60);
  assert.equal(done.published, done.stored);
  assert.equal(all.receiver.distinct(), 3 * 110);
});

test('records that were damaged before the sink came to them are said', { timeout: 120000 }, async (t) => {
  const all = await begin(t);
  await all.feed(10);
  await all.settled();
  await all.receiver.stop();
  for (let i = 0; i < 10; i++) {
    await all.feed(5);
  }
  await all.balanced();
  const log = join(all.folder.data, 'log');
  const [name] = readdirSync(log).filter((file) => file.endsWith('.log')).sort();
  const bytes = readFileSync(join(log, name));
  const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) * 0.6);
  bytes.fill(0x55, at, at + 8); // while it runs: history has counted them
  writeFileSync(join(log, name), bytes);
  await all.receiver.start();
  const lost = await until('the sink passed them', async () => {
    const row = await all.ledger();
    return row.waiting === 0 && row.lost_records > 0 && row;
  }, 30000);
  assert.equal(lost.balances, false);
  assert.ok(lost.missing > 0);
  assert.match(lost.text, /DOES NOT BALANCE: .* are missing, \d+ records of the log were damaged/);
  const told = await all.gateway.cli(['ledger']);
  assert.equal(told.code, 1);
  assert.match(told.stderr, /the ledger of the sink cloud does not balance: /);
  const again = await all.gateway.cli(['sink', 'resend', 'cloud', '--from', '-2h']); // history had them already
  assert.equal(again.code, 0, again.stderr);
  assert.equal(all.receiver.distinct(), 3 * 60);
});
