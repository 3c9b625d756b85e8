// SPDX-License-Identifier: Apache-2.0
// The tables in PostgreSQL: made by the script of `busbar sink sql` for a role that may do no more than it needs, found to
// be altered and named, views and upkeep as people see them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, run, startGateway, until } from '../support/gateway.mjs';
import { findPostgres, noPostgres, startPostgres } from '../support/postgres.mjs';

const options = { timeout: 240000, skip: noPostgres };
const hour = 3600e3;

async function begin(t, server, { site = 'hq', database = 'plant', user = 'busbar', sink = '' } = {}) {
  const target = `host=127.0.0.1 port=${server.port} dbname=${database}`;
  const folder = makeFolder({ 'site.yaml': `version: 1
site: { id: ${site}, name: Head office }
sinks:
  plant: { postgres: "${target}", user: ${user}, password: !secret pw, series: all, batch_time: 50ms${sink} }
` });
  const set = await run(['secret', 'set', 'pw', '--data', folder.data], { input: 'secret' });
  assert.equal(set.code, 0, set.stderr);
  const all = { folder };
  t.after(async () => {
    await all.gateway?.stop();
    folder.remove();
  });
  all.gateway = await startGateway({ config: folder.site, data: folder.data });
  all.cli = async (...args) => {
    const { code, stdout, stderr } = await all.gateway.cli(args);
    assert.equal(code, 0, `busbar ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  all.import = async (name, samples) => {
    const file = join(folder.folder, 'in.jsonl');
    writeFileSync(file, `${JSON.stringify({ labels: { __name__: name }, type: 'double', samples })}\n`);
    return all.cli('history', 'import', file);
  };
  all.status = () => all.gateway.get('/api/v1/sinks/plant');
  all.settled = () => until('all is published', async () => {
    const row = await all.gateway.get('/api/v1/sinks/plant/ledger');
    return row.balances === true && row.waiting === 0 && row;
  }, 60000);
  all.told = (pattern) => until(`the sink says ${pattern}`, async () => {
    const text = JSON.stringify(await all.status());
    return pattern.test(text) && text;
  }, 60000);
  return all;
}

/** Samples each minute of the last `hours` whole hours. */
function minutes(hours) {
  const end = Math.floor(Date.now() / hour) * hour;
  return Array.from({ length: hours * 60 }, (_, i) => [(end - hours * hour + i * 60e3) * 1000, i % 60]);
}

function psqlFile(server, text) {
  const file = join(server.folder, 'script.sql');
  writeFileSync(file, text);
  return execFileSync(join(findPostgres(), 'psql'), ['-X', '-q', '-h', server.folder, '-p', String(server.port), '-U', 'admin',
    '-d', 'postgres', '-f', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function asRole(server, sql) {
  try {
    return execFileSync(join(findPostgres(), 'psql'), ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p',
      String(server.port), '-U', 'gateway1', '-d', 'works', '-c', sql],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, PGPASSWORD: 'secret' } }).trim();
  } catch (error) {
    return error.stderr;
  }
}

test('the printed script makes all, and a role that may do what is needed and nothing else', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server, { database: 'works', user: 'gateway1', sink: ', make: false, chunks: false' });
  const script = await all.cli('sink', 'sql', 'plant');
  assert.doesNotMatch(script, /secret'/);
  psqlFile(server, script);
  psqlFile(server, script); // again: what is there stays
  server.sql("alter role gateway1 password 'secret'", 'works');
  await all.cli('sink', 'try', 'plant');
  await all.import('power', minutes(30));
  await all.settled();
  assert.equal(server.value('select count(*) from busbar.sample', 'works'), 1800);
  assert.equal(server.value("select tableowner from pg_tables where tablename = 'sample'", 'works'), 'gateway1_owner');
  await until('the hours are made, with its rights', () =>
    server.value('select count(*) >= 28 from busbar.hour where sum = 1770', 'works'), 60000);
  assert.match(asRole(server, 'drop table busbar.sample'), /must be owner/);
  assert.match(asRole(server, 'alter table busbar.point add column x int'), /must be owner/);
  assert.match(asRole(server, 'delete from busbar.sample'), /permission denied/);
  assert.match(asRole(server, 'truncate busbar.sample'), /permission denied/);
  assert.match(asRole(server, 'create table busbar.mine (a int)'), /permission denied/);
  assert.match(asRole(server, "update busbar.meta set version = 2"), /permission denied/);
  assert.match(asRole(server, `select busbar.partition_drop(relname) from pg_class where relname like 'sample_2%' and
    relkind = 'r'`), /not old enough/);
});

test('a table altered by hand is named before anything is written, and put back it goes on', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import('power', minutes(2));
  await all.settled();
  await all.cli('sink', 'pause', 'plant');
  server.sql('alter table busbar.sample rename column received to mine');
  await all.cli('sink', 'resume', 'plant');
  await all.import('more', minutes(2));
  const text = await all.told(/has no column 'received'/);
  assert.match(text, /table busbar\.sample/);
  assert.match(text, /somebody altered the schema/);
  assert.equal(server.value('select count(*) from busbar.sample'), 120);
  server.sql('alter table busbar.sample rename column mine to received');
  await all.cli('sink', 'try', 'plant');
  await all.settled();
  assert.equal(server.value('select count(*) from busbar.sample'), 240);
});

test('a second gateway of the same site is refused and told which', options, async (t) => {
  const server = await startPostgres(t);
  const first = await begin(t, server);
  await first.import('power', minutes(1));
  await first.settled();
  const second = await begin(t, server);
  await second.import('other', minutes(1));
  const text = await second.told(/another gateway at 127\.0\.0\.1 is publishing as the site 'hq'/);
  assert.match(text, /another site\.id/);
  assert.equal(server.value('select count(*) from busbar.sample'), 60);
});

test('the views say what people ask for', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import('power', minutes(5));
  await all.settled();
  const [latest] = server.rows('select site, value, quality, labels from busbar.latest');
  assert.deepEqual(latest, { site: 'hq', value: 59, quality: 'good', labels: { __name__: 'power' } });
  assert.equal(server.value("select count(*) from busbar.samples where labels ->> '__name__' = 'power' and site = 'hq'"), 300);
  await until('the hours are there', () => server.value('select count(*) >= 3 from busbar.hourly'), 60000);
  assert.deepEqual(server.rows('select min, max, avg, first, last, count, bad from busbar.hourly order by hour limit 1'),
    [{ min: 0, max: 59, avg: 29.5, first: 0, last: 59, count: 60, bad: 0 }]);
  const [ledger] = server.rows('select site, title, published, kept, aside, released from busbar.ledger');
  assert.deepEqual(ledger, { site: 'hq', title: 'Head office', published: 300, kept: 300, aside: 0, released: 0 });
});
