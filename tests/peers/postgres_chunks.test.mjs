// SPDX-License-Identifier: Apache-2.0
// Whole days as chunks in a real PostgreSQL: each sample once, over stops of either; and read back by queries for what is
// no longer here.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, run, startGateway, until } from '../support/gateway.mjs';
import { noPostgres, startPostgres } from '../support/postgres.mjs';

const dayMs = 864e5;
const today = Math.floor(Date.now() / dayMs) * dayMs;
const days = 5;
const stepMs = 600e3;

/** Samples of days that are over: doubles, integers beyond 2^53, and a series of one sample a day. */
function oldLines() {
  const lines = [];
  for (let at = today - (days + 1) * dayMs, i = 0; at < today - 2 * dayMs; at += stepMs, i++) {
    lines.push(`power,job=meter value=${20 + Math.round(50 * Math.sin(i / 9)) / 10} ${at}`);
    lines.push(`energy,job=meter value=${9007199254740993n + BigInt(i)}i ${at}`);
    if (i % 144 === 0) {
      lines.push(`rare,job=meter value=${i} ${at + 1}`);
    }
  }
  return lines;
}

function settings(server, { sink = true, keep = '2y', archive = false, more = '' } = {}) {
  return `version: 1\nsite: { id: hq, name: HQ }\nhistory: { keep: ${keep}${archive ? ', archive: plant' : ''} }\n` +
    (sink ? `sinks: { plant: { postgres: "${server.target}", user: busbar, password: secret, series: all${more} } }\n` : '');
}

async function begin(t) {
  const server = await startPostgres(t);
  const folder = makeFolder({ 'site.yaml': settings(server, { sink: false }), 'secret.txt': 'secret' });
  const all = { server, folder };
  t.after(async () => {
    await all.gateway?.stop();
    folder.remove();
  });
  all.start = async () => {
    all.gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
  };
  all.apply = async (options) => {
    folder.write('site.yaml', settings(server, options).replace('password: secret', 'password: !secret plant'));
    const { code, stderr } = await all.gateway.cli(['config', 'apply']);
    assert.equal(code, 0, stderr);
  };
  all.restart = async (options) => {
    await all.gateway.stop();
    folder.write('site.yaml', settings(server, options).replace('password: secret', 'password: !secret plant'));
    await all.start();
  };
  all.ask = async (path) => {
    const answer = await fetch(`${all.gateway.timeSeries}${path}`);
    assert.equal(answer.status, 200, path);
    return answer.json();
  };
  await all.start();
  const set = await all.gateway.cli(['secret', 'set', 'plant', '--data', folder.data], { input: 'secret' });
  assert.equal(set.code, 0, set.stderr);
  const write = async (lines) => {
    const answer = await fetch(`${all.gateway.timeSeries}/write?precision=ms`, { method: 'POST', body: lines.join('\n') });
    assert.equal(answer.status, 204, await answer.text());
  };
  all.write = write;
  await write(oldLines());
  return all;
}

const closed = () => `select coalesce(max(value), 0) from busbar.mark where name = 'chunks'`;
const sealed = (all) => until('all days are chunks', async () => {
  try {
    return Number(await all.server.value(closed())) >= (today - 2 * dayMs) * 1000;
  } catch {
    return false; // the tables are not there yet
  }
}, 60000);

async function exported(all) {
  const { code, stdout, stderr } = await all.gateway.cli(['history', 'export', '{job="meter"}']);
  assert.equal(code, 0, stderr);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)).flatMap(({ labels, type, samples }) =>
    samples.map((sample) => JSON.stringify([labels, type, sample]))).sort();
}

const range = (name) => `/api/v1/query_range?query=${name}&start=${today / 1000 - (days + 1) * 86400}` +
  `&end=${today / 1000 - 2 * 86400}&step=600`;

test('whole days are chunks, each sample once, and answer for what is no longer here', { skip: noPostgres }, async (t) => {
  const all = await begin(t);
  const before = {};
  const questions = ['power_value', 'energy_value', 'avg_over_time(power_value[6h])', 'last_over_time(rare_value[1d])'].map(encodeURIComponent);
  for (const question of questions) {
    before[question] = (await all.ask(range(question))).data;
    assert.ok(before[question].result.length > 0, question);
  }
  await all.apply({});
  await sealed(all);

  await t.test('rows of the table', async () => {
    const counted = `select sum(samples) from busbar.chunk`;
    assert.equal(Number(await all.server.value(counted)), oldLines().length);
    assert.equal(Number(await all.server.value('select count(*) from busbar.chunk')), 3 * (days - 1));
    assert.equal(Number(await all.server.value(
      'select count(*) from busbar.chunk where get_byte(data, 0) = 181 and get_byte(data, 1) = format')), 3 * (days - 1));
  });

  await t.test('after a start nothing is made twice', async () => {
    await until('all rows are there', async () => Number(await all.server.value('select count(*) from busbar.sample')) === oldLines().length, 60000);
    // rows of a day that was sealed before them: it is made again, at the next look a minute later
    await until('no day is late', async () => Number(await all.server.value('select count(*) from busbar.late where kind = 2')) === 0, 90000);
    const made = await all.server.value('select max(made) from busbar.chunk');
    await all.gateway.stop('SIGKILL');
    await all.start();
    await until('it is connected', async () => (await all.gateway.get('/api/v1/sinks/plant')).phase === 'live', 60000);
    assert.equal(await all.server.value('select max(made) from busbar.chunk'), made);
  });

  await t.test('what the history let go of comes from the archive, the same', async () => {
    await all.restart({ keep: '2d' });
    const gone = await all.ask(range(questions[0]));
    assert.equal(gone.data.result.length, 0);
    await all.apply({ keep: '2d', archive: true });
    for (const question of questions) {
      const answer = await all.ask(range(question));
      assert.equal(answer.warnings, undefined);
      assert.deepEqual(answer.data, before[question], decodeURIComponent(question));
    }
  });

  await t.test('an archive that is down is a warning, soon', async () => {
    await all.server.stop();
    const begun = Date.now();
    const answer = await all.ask(range(questions[0]));
    assert.ok(Date.now() - begun < 10000);
    assert.match(answer.warnings.join(), /archive could not be asked/);
    const now = await all.ask(`/api/v1/query?query=power_value&time=${Date.now() / 1000}`);
    assert.equal(now.warnings, undefined, 'a question that does not need it');
    await all.server.start();
  });
});

test('a new gateway has everything back from the database', { skip: noPostgres }, async (t) => {
  const all = await begin(t);
  const lines = () => exported(all);
  const recent = [];
  for (let at = today - 3600e3; at < today; at += 60e3) { // rows that are in no chunk yet
    recent.push(`power,job=meter value=${at % 977} ${at}`);
  }
  await all.apply({});
  await all.write(recent); // while yesterday is made, or before, or after
  await sealed(all);
  const later = [];
  for (let at = today - 7200e3; at < today - 3600e3; at += 60e3) { // of a day that is made already
    later.push(`power,job=meter value=${at % 977} ${at}`);
  }
  await until('yesterday is made', async () => Number(await all.server.value(closed())) >= (Date.now() % dayMs < 7260e3
    ? today - dayMs : today) * 1000, 60000);
  await all.write([...later, `power,job=meter value=777 ${today - 3 * dayMs}`]); // the last one corrects an old value
  recent.push(...later);
  await until('the rows are there', async () => Number(await all.server.value('select count(*) from busbar.sample')) ===
    oldLines().length + recent.length, 60000);
  await until('the correction is there', async () => Number(await all.server.value(
    `select count(*) from busbar.sample where value = 777 and time = to_timestamp(${(today - 3 * dayMs) / 1000})`)) === 1, 60000);
  const before = await lines();
  assert.ok(before.some((line) => /777/.test(line)), 'the history has the correction');
  assert.equal(before.length, oldLines().length + recent.length);
  await all.gateway.stop();

  const fresh = makeFolder({ 'site.yaml': settings(all.server, {})
    .replace('password: secret', 'password: !secret plant, enabled: false') });
  t.after(() => fresh.remove());
  const set = await run(['secret', 'set', 'plant', '--data', fresh.data], { input: 'secret' });
  assert.equal(set.code, 0, set.stderr);
  all.gateway = await startGateway({ config: fresh.site, data: fresh.data, timeSeries: true });
  const fetchAll = (...args) => all.gateway.cli(['history', 'import', '--from', 'postgresql', '--sink', 'plant', ...args],
    { timeout: 60000 });

  const dry = await fetchAll('--dry-run');
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, new RegExp(`^would be imported: ${before.length} samples of 3 points`));
  assert.equal((await lines()).length, 0);

  const first = await fetchAll();
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, new RegExp(`^imported: ${before.length} samples of 3 points; here already: 0 repeated`));
  assert.deepEqual(await lines(), before);

  const second = await fetchAll();
  assert.match(second.stdout, new RegExp(`^imported: 0 samples of 3 points; here already: ${before.length} repeated`));

  const other = await fetchAll('--site', 'nowhere');
  assert.equal(other.code, 1);
  assert.match(other.stderr, /no site 'nowhere'/);
  await all.server.stop();
  assert.equal((await fetchAll()).code, 1);
});

test('days are made again when their mark is set back, and nothing of them is lost', { skip: noPostgres }, async (t) => {
  const all = await begin(t);
  await all.apply({});
  await sealed(all);
  const counted = async () => Number(await all.server.value('select sum(samples) from busbar.chunk'));
  assert.equal(await counted(), oldLines().length);
  const mark = async (us) => {
    await all.gateway.stop();
    all.server.sql(`update busbar.mark set value = ${us} where name in ('chunks', 'hours')`);
    await all.start();
  };

  await t.test('what the history has no more stays', async () => {
    const day = today - 4 * dayMs;
    const deleted = await all.gateway.cli(['history', 'delete', '{job="meter"}', '--from', new Date(day).toISOString(),
      '--to', new Date(day + dayMs / 2).toISOString(), '--yes']);
    assert.equal(deleted.code, 0, deleted.stderr);
    all.server.sql(`delete from busbar.chunk where point = 1 and day = '${new Date(today - 3 * dayMs).toISOString().slice(0, 10)}'`);
    await mark(day * 1000);
    await sealed(all);
    await until('what was there is made again', async () => Number(await all.server.value('select count(*) from busbar.late')) === 0, 60000);
    assert.equal(await counted(), oldLines().length);
  });

  await t.test('switched off and on again they go on where they were', async () => {
    const made = await all.server.value('select max(made) from busbar.chunk');
    await all.restart({ more: ', chunks: false' });
    await until('it is connected', async () => (await all.gateway.get('/api/v1/sinks/plant')).phase === 'live', 60000);
    await all.write([`power,job=meter value=778 ${today - 3 * dayMs + 60e3}`]); // of a day that is made
    await until('that it is late is noted', async () => Number(await all.server.value(
      'select count(*) from busbar.late where kind = 2')) === 1, 60000);
    assert.equal(await all.server.value('select max(made) from busbar.chunk'), made);
    await all.restart({});
    await until('it is in', async () => await counted() === oldLines().length + 1, 60000);
    assert.equal(Number(await all.server.value(`select count(*) from busbar.chunk where made > '${made}'`)), 1);
  });

  await t.test('marks of a clock that was ahead go back', async () => {
    await mark((today + 3 * dayMs) * 1000);
    const inTime = `select bool_and(value <= extract(epoch from now()) * 1e6) from busbar.mark where name in ('chunks', 'hours')`;
    await until('they are in the past', async () => [true, 't'].includes(await all.server.value(inTime)), 60000);
    assert.equal(await counted(), oldLines().length + 1);
  });
});

test('what a restored gateway has no more gets into chunks from rows', { skip: noPostgres }, async (t) => {
  const all = await begin(t);
  const { folder, server } = all;
  await all.apply({});
  await sealed(all);
  const backup = join(folder.folder, 'backup');
  const made = await all.gateway.cli(['history', 'backup', backup]);
  assert.equal(made.code, 0, made.stderr);
  const lost = today - 2 * dayMs;
  await all.write([0, 1, 2, 3, 4, 5].flatMap((i) => [`power,job=meter value=${i}.5 ${lost + i * 3600e3}`,
    `energy,job=meter value=${9007199254741999n + BigInt(i)}i ${lost + i * 3600e3}`]));
  await until('they are published', async () => Number(await server.value(
    `select count(*) from busbar.sample where time >= to_timestamp(${lost / 1000})`)) === 12, 60000);
  const before = await exported(all);
  await all.gateway.stop();
  // the day is no chunk yet
  server.sql(`delete from busbar.chunk where day >= '${new Date(lost).toISOString().slice(0, 10)}'; delete from busbar.late;
    update busbar.mark set value = ${lost * 1000} where name = 'chunks'; update busbar.mark set value = 0 where name = 'chunks point'`);
  const data = join(folder.folder, 'restored');
  const restored = await run(['history', 'restore', backup, '--data', data]);
  assert.equal(restored.code, 0, restored.stderr);
  await run(['secret', 'set', 'plant', '--data', data], { input: 'secret' });
  all.gateway = await startGateway({ config: folder.site, data, timeSeries: true });
  await until('the lost day is chunks', async () => Number(await server.value('select count(*) from busbar.late')) === 0 &&
    Number(await server.value(`select coalesce(sum(samples), 0) from busbar.chunk where day = '${new Date(lost).toISOString().slice(0, 10)}'`)) === 12, 60000);
  await all.gateway.stop();

  server.sql('truncate busbar.sample');
  const fresh = makeFolder({ 'site.yaml': settings(server, {}).replace('password: secret', 'password: !secret plant, enabled: false') });
  t.after(() => fresh.remove());
  await run(['secret', 'set', 'plant', '--data', fresh.data], { input: 'secret' });
  all.gateway = await startGateway({ config: fresh.site, data: fresh.data, timeSeries: true });
  const got = await all.gateway.cli(['history', 'import', '--from', 'postgresql', '--sink', 'plant'], { timeout: 60000 });
  assert.equal(got.code, 0, got.stderr);
  assert.deepEqual(await exported(all), before);
});
