// SPDX-License-Identifier: Apache-2.0
// The ledger of a sink with a real PostgreSQL: exactly once, and every sample accounted for, after outages of both sides,
// refusals, retries, resends and a restore from a backup. What the gateway tells is compared with the tables.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, sleep, until } from '../support/gateway.mjs';
import { noPostgres, startPostgres } from '../support/postgres.mjs';
import { beginSink } from '../support/sink_rig.mjs';

const options = { timeout: 240000, skip: noPostgres };

async function begin(t) {
  const server = await startPostgres(t);
  const all = await beginSink(t, `postgres: "${server.target}", user: busbar, password: !secret plant-db, series: all, `
    + 'batch: 60, batch_time: 100ms', { name: 'plant', secrets: { 'plant-db': 'secret' } });
  /** What the tables have, against the ledger of the gateway and that of the database. */
  all.agrees = async (distinct) => {
    const ledger = await all.balanced();
    assert.equal(server.value('select count(*)::int from busbar.sample'), distinct);
    const [told] = server.rows("select published::int, aside::int, released::int from busbar.ledger where site = 't'");
    assert.deepEqual(told, { published: ledger.published, aside: ledger.aside, released: ledger.released });
    return ledger;
  };
  return Object.assign(all, { server });
}

test('it balances while samples flow, in an outage, over kill -9 of both', options, async (t) => {
  const all = await begin(t);
  let stored = await all.feed(5);
  await all.settled();
  for (let i = 0; i < 8; i++) {
    const fed = all.feed(40);
    const { balances, text } = await all.ledger();
    assert.ok(balances, text);
    stored += await fed;
  }
  await all.settled();
  await all.agrees(stored);

  for (let i = 0; i < 6; i++) {
    stored += await all.feed(100);
    await sleep(30 * i);
    if (i % 2 === 0) {
      await all.kill();
      await all.start();
    } else {
      await all.server.kill();
      stored += await all.feed(20);
      assert.ok((await all.balanced()).waiting > 0);
      await all.server.start();
    }
    await all.balanced();
  }
  await all.settled();
  const done = await all.agrees(stored);
  assert.equal(done.published, stored);
  assert.equal(done.repeated, 0, 'exactly once');
});

test('what a trigger refuses is set aside, comes home by a retry, or is dropped', options, async (t) => {
  const all = await begin(t);
  const { server } = all;
  const first = await all.feed(5);
  await all.settled();
  server.sql(`create function busbar.narrow() returns trigger language plpgsql as $$ begin
    if new.value in (17.5, 33.5) then raise exception 'value % is out of range', new.value; end if; return new; end $$;
    create trigger narrow before insert on busbar.sample for each row execute function busbar.narrow();`);
  const stored = first + await all.feed(60);
  await until('six are aside', async () => {
    const { aside, waiting } = await all.ledger();
    return aside === 6 && waiting === 0;
  }, 60000);
  await all.agrees(stored - 6);
  const { rows } = await all.gateway.get('/api/v1/sinks/plant/aside');
  assert.match(rows[0].reason, /out of range/);
  await all.kill();
  await all.start();
  assert.equal((await all.balanced()).aside, 6);
  const again = await all.gateway.cli(['sink', 'retry', 'plant']);
  assert.match(again.stdout + again.stderr, /6 refused/);
  await all.ok('sink', 'drop', 'plant', String(rows[0].id), '--yes');
  const dropped = await all.balanced();
  assert.equal(dropped.aside, 5);
  assert.equal(dropped.released, 1);

  server.sql('drop trigger narrow on busbar.sample');
  const home = all.ok('sink', 'retry', 'plant');
  const more = await all.feed(100); // goes on beside it
  await home;
  await all.settled();
  const done = await all.agrees(stored + more - 1);
  assert.equal(done.aside, 0);
  assert.equal(done.released, 1);
  await all.kill();
  await all.start(); // until it is connected it knows of what it saved last; the rest waits for it
  await all.settled();
  await all.agrees(stored + more - 1);
});

test('kill -9 in the middle of a retry', options, async (t) => {
  const all = await begin(t);
  const { server } = all;
  await all.feed(1);
  await all.settled();
  server.sql(`create function busbar.narrow() returns trigger language plpgsql as $$ begin
    raise exception 'not now'; end $$;
    create trigger narrow before insert on busbar.sample for each row execute function busbar.narrow();`);
  const refused = await all.feed(70);
  await until('all is aside', async () => (await all.ledger()).aside === refused, 90000);
  server.sql('drop trigger narrow on busbar.sample');
  let left = refused;
  for (let i = 0; i < 16 && left > 0; i++) {
    await all.gateway.post('/api/v1/sinks/plant/retry');
    await sleep(3 * (i % 8)); // a round takes some ten of them
    await all.kill();
    await all.start();
    await until('the sink is connected again', async () =>
      (await all.gateway.get('/api/v1/sinks/plant')).phase === 'live', 30000);
    const ledger = await all.balanced();
    assert.equal(ledger.stored, refused + 3);
    assert.ok(ledger.aside <= left, 'none comes back');
    left = ledger.aside;
  }
  await all.ok('sink', 'retry', 'plant');
  await all.feed(1); // the database hears of the counts
  await all.settled();
  const done = await all.agrees(refused + 6);
  assert.equal(done.aside, 0);
  assert.equal(done.published, refused + 6);
});

test('what is sent again is there already', options, async (t) => {
  const all = await begin(t);
  const stored = await all.feed(80);
  await all.settled();
  const first = all.server.rows("select time from busbar.samples order by time limit 30");
  all.server.sql(`delete from busbar.sample where time <= '${first.at(-1).time}'`); // by mistake
  const gone = stored - all.server.value('select count(*)::int from busbar.sample');
  assert.ok(gone > 0);
  await all.ok('sink', 'resend', 'plant', '--from', '-2h');
  await all.agrees(stored);
});

test('a restored gateway goes on from its backup', options, async (t) => {
  const all = await begin(t);
  await all.feed(40);
  await all.settled();
  await all.server.stop();
  await all.feed(10);
  const backup = join(all.folder.folder, 'monday');
  await all.ok('history', 'backup', backup);
  const then = await all.balanced();
  await all.server.start();
  await all.feed(40); // what the backup knows nothing of, under numbers that the restored log gives to others
  await all.settled();
  await all.agrees(270);
  await all.kill();

  const other = join(all.folder.folder, 'restored');
  const restored = await run(['history', 'restore', backup, '--data', other]);
  assert.equal(restored.code, 0, restored.stderr);
  await run(['secret', 'set', 'plant-db', '--data', other], { input: 'secret' });
  await all.start(other);
  await all.feed(20);
  await all.settled();
  const done = await all.agrees(330);
  assert.equal(done.stored, then.stored + 60);
  assert.equal(done.published, done.stored);
  assert.ok(done.repeated >= 30, 'those of the backup that were published since');
  await all.kill();
  await all.start(other);
  await all.settled();
  await all.agrees(330);
});
