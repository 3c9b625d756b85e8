// SPDX-License-Identifier: Apache-2.0
// The tables in PostgreSQL: made by the script of `busbar sink sql` for a role that may do no more than it needs, brought
// from version 1 to the newest, found to be altered and named, views and upkeep as people see them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
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
  all.start = async () => (all.gateway = await startGateway({ config: folder.site, data: folder.data }));
  await all.start();
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

test('a stranger that is refused keeps nobody from coming back', options, async (t) => {
  const server = await startPostgres(t);
  const first = await begin(t, server);
  await first.import('power', minutes(1));
  await first.settled();
  await first.gateway.stop();
  await server.stop();
  const stranger = await begin(t, server);
  await stranger.import('other', minutes(1)); // named without asking the database
  await server.start();
  await stranger.told(/the site 'hq' in this database is that of another gateway/);
  assert.equal((await stranger.status()).phase, 'stuck');
  assert.equal(server.value("select count(*) from pg_locks where locktype = 'advisory'"), 0);
  await first.start(); // while the other one still waits to be mended
  await first.import('more', minutes(1));
  await first.settled();
  assert.equal(server.value('select count(*) from busbar.sample'), 120);
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
  server.sql(`update busbar.point set enums = '{"0": "off", "1": "on"}';
    update busbar.sample set value = 'NaN' where value = 57; update busbar.sample set value = 'Infinity' where value = 58;
    update busbar.sample set value = 1e30 where value = 59`); // as a gateway writes them, of numbers that nobody foresaw
  assert.deepEqual(server.rows(`select distinct value::text, meaning from busbar.samples where value::text in ('0', '1', '2', 'NaN',
    'Infinity', '1e+30') order by 1`), [{ value: '0', meaning: 'off' }, { value: '1', meaning: 'on' }, { value: '1e+30', meaning: null },
    { value: '2', meaning: null }, { value: 'Infinity', meaning: null }, { value: 'NaN', meaning: null }]);
  assert.deepEqual(server.rows('select value, meaning from busbar.latest'), [{ value: 1e30, meaning: null }]);
  const [ledger] = server.rows('select site, title, published, kept, aside, released from busbar.ledger');
  assert.deepEqual(ledger, { site: 'hq', title: 'Head office', published: 300, kept: 300, aside: 0, released: 0 });
});

// ---- from version 1 ----

const version1 = readFileSync(new URL('../support/postgres_schema_1.sql', import.meta.url), 'utf8');
const tables = ['site', 'mark', 'point', 'sample', 'hour', 'chunk', 'event', 'journal', 'late'];
const newest = 3;
const allVersions = [1, 2, 3];

/** All rows, as they are, in tables that the SQL of version 1 makes; the tables of now are then in the schema `newer`. */
function makeOld(server, { database = 'plant', owner = 'busbar' } = {}) {
  const copies = tables.map((name) => `insert into ${name} ${name === 'site' ? 'overriding system value' : ''}
    select * from newer.${name};`).join('\n');
  server.sql(`begin;
    alter schema busbar rename to newer;
    create schema busbar authorization ${owner};
    set local role ${owner};
    set local search_path to busbar, pg_temp;
    ${version1.replaceAll('#schema#', 'busbar').replaceAll('#partitioned#', 'partition by range (time)')}
    revoke all on function partition_make(text, timestamptz, timestamptz), partition_old(timestamptz), partition_drop(text)
      from public;
    reset role;
    select partition_make(name, bound[1]::timestamptz, bound[2]::timestamptz) from (
      select c.relname::text, regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$FROM \\('([^']+)'\\) TO \\('([^']+)'\\)$re$)
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'newer.sample'::regclass and relkind = 'r'
    ) p (name, bound);
    ${copies}
    select setval(pg_get_serial_sequence('site', 'number'), max(number)) from site;
    commit`, database);
  assert.equal(server.value('select max(version) from busbar.meta', database), 1);
}

/** All that makes a schema what it is, as text. */
function shape(server, schema) {
  const here = `'${schema}'::regnamespace`;
  const rows = server.rows(`
    select concat_ws(' ', 'column', c.relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attstorage,
      pg_get_expr(adbin, adrelid), col_description(c.oid, attnum)) as text
    from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where relnamespace = ${here} and relkind in ('r', 'p', 'v') and not relispartition
    union all select concat_ws(' ', 'relation', relname, relkind, pg_get_partkeydef(oid), obj_description(oid)) from pg_class
    where relnamespace = ${here} and relkind in ('r', 'p', 'v', 'S') and not relispartition
    union all select concat_ws(' ', 'index', pg_get_indexdef(oid)) from pg_class
    where relnamespace = ${here} and relkind in ('i', 'I') and not relispartition
    union all select concat_ws(' ', 'constraint', conname, pg_get_constraintdef(o.oid)) from pg_constraint o
    join pg_class c on c.oid = conrelid where connamespace = ${here} and not relispartition
    union all select concat_ws(' ', 'view', pg_get_viewdef(oid)) from pg_class where relnamespace = ${here} and relkind = 'v'
    union all select concat_ws(' ', 'function', pg_get_functiondef(oid), obj_description(oid), proacl) from pg_proc
    where pronamespace = ${here}
    union all select concat_ws(' ', 'quality', number, name, class) from ${schema}.quality`);
  return rows.map(({ text }) => text.replaceAll('newer.', 'busbar.')).sort();
}

const versions = (server, database) => server.value('select json_agg(version order by version) from busbar.meta', database);
const samples = (server, database) => server.value('select count(*) from busbar.sample', database);

test('a starting gateway brings version 1 to the newest with all rows, and samples go on exactly once', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import('power', minutes(5));
  await all.settled();
  await all.gateway.stop();
  makeOld(server);
  assert.equal(samples(server), 300);
  assert.notDeepEqual(shape(server, 'busbar'), shape(server, 'newer'));
  const { stdout } = await run(['sink', 'test', 'plant', '--config', all.folder.site, '--data', all.folder.data]);
  assert.match(stdout, /are of version 1, this program needs version 3/);
  assert.match(stdout, /at the next connection \(make: true\)/);
  assert.deepEqual(versions(server), [1]); // a test changes nothing
  await all.start();
  await all.import('more', minutes(5));
  await all.settled();
  assert.deepEqual(versions(server), allVersions);
  assert.deepEqual(shape(server, 'busbar'), shape(server, 'newer')); // as one that was made at once
  assert.equal(samples(server), 600);
  assert.deepEqual(server.rows('select published, repeated, kept, aside, released from busbar.ledger'),
    [{ published: 600, repeated: 0, kept: 600, aside: 0, released: 0 }]);
  assert.match(await all.cli('sink', 'show', 'plant'), /version 3/);
});

test('of two gateways that start together one makes the step, and both go on', options, async (t) => {
  const server = await startPostgres(t);
  const both = [await begin(t, server, { site: 'north' }), await begin(t, server, { site: 'south' })];
  for (const all of both) {
    await all.import('power', minutes(5));
    await all.settled();
    await all.gateway.stop();
  }
  makeOld(server);
  await Promise.all(both.map((all) => all.start()));
  await Promise.all(both.map((all) => all.import('more', minutes(5))));
  await Promise.all(both.map((all) => all.settled()));
  assert.deepEqual(versions(server), allVersions);
  assert.deepEqual(shape(server, 'busbar'), shape(server, 'newer'));
  assert.deepEqual(server.rows('select site, published, kept from busbar.ledger order by site'),
    [{ site: 'north', published: 600, kept: 600 }, { site: 'south', published: 600, kept: 600 }]);
  assert.equal(samples(server), 1200);
});

test('a step that fails is told with its number, changes nothing, and is made once that is mended', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import('power', minutes(2));
  await all.settled();
  await all.gateway.stop();
  makeOld(server);
  const before = shape(server, 'busbar');
  server.sql('alter table busbar.journal owner to admin; grant all on busbar.journal to busbar');
  await all.start();
  await all.import('more', minutes(2));
  const text = await all.told(/the schema 'busbar' stays at version 1, step 2 \(indexes [^)]*\) fails: .*must be owner of table journal/);
  assert.match(text, /nothing was changed: mend that, or run what `busbar sink sql plant` prints/);
  assert.deepEqual(versions(server), [1]);
  assert.deepEqual(shape(server, 'busbar'), before);
  assert.equal(samples(server), 120);
  server.sql('alter table busbar.journal owner to busbar');
  await all.cli('sink', 'try', 'plant');
  await all.settled();
  assert.deepEqual(versions(server), allVersions);
  assert.deepEqual(shape(server, 'busbar'), shape(server, 'newer'));
  assert.equal(samples(server), 240);
});

for (const [make, hint] of [
  ['false', /run what `busbar sink sql plant` prints: it makes the missing steps/],
  ['true', /the role gateway1 does not own them: run what `busbar sink sql plant` prints/]]) {
  test(`with make: ${make} and a role that owns nothing, the printed script makes the missing steps`, options, async (t) => {
    const server = await startPostgres(t);
    const works = 'works';
    const all = await begin(t, server, { database: works, user: 'gateway1', sink: `, make: ${make}` });
    const script = await all.cli('sink', 'sql', 'plant');
    psqlFile(server, script);
    server.sql("alter role gateway1 password 'secret'", works);
    await all.cli('sink', 'try', 'plant');
    await all.import('power', minutes(2));
    await all.settled();
    await all.gateway.stop();
    makeOld(server, { database: works, owner: 'gateway1_owner' });
    server.sql('grant usage on schema busbar to gateway1; grant select on all tables in schema busbar to gateway1', works);
    await all.start();
    await all.import('more', minutes(2));
    const text = await all.told(/are of version 1, this program needs version 3/);
    assert.match(text, hint);
    const tested = (await all.gateway.cli(['sink', 'test', 'plant'])).stdout;
    assert.match(tested, hint);
    assert.deepEqual(versions(server, works), [1]);
    assert.equal(samples(server, works), 120);
    psqlFile(server, script);
    assert.deepEqual(versions(server, works), allVersions);
    psqlFile(server, script); // again: no step is missing
    assert.deepEqual(versions(server, works), allVersions);
    assert.equal(server.value(`select count(distinct tableowner) from pg_tables where schemaname = 'busbar'`, works), 1);
    await all.cli('sink', 'try', 'plant');
    await all.settled();
    assert.equal(samples(server, works), 240);
  });
}

test('the printed script also brings up tables that a gateway made', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import('power', minutes(2));
  await all.settled();
  const script = await all.cli('sink', 'sql', 'plant');
  await all.gateway.stop();
  makeOld(server);
  psqlFile(server, script);
  assert.deepEqual(versions(server), allVersions);
  assert.equal(server.value("select tableowner from pg_tables where schemaname = 'busbar' and tablename = 'sample'"), 'busbar');
  await all.start();
  await all.import('more', minutes(2));
  await all.settled();
  assert.equal(samples(server), 240);
});

test('tables of a newer busbar are refused, and nothing is written', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import('power', minutes(2));
  await all.settled();
  await all.gateway.stop();
  server.sql(`insert into busbar.meta (version) values (${newest + 1})`);
  await all.start();
  await all.import('more', minutes(2));
  const text = await all.told(/are of version 4, this program knows version 3/);
  assert.match(text, /a newer busbar made them: update this one/);
  assert.equal(samples(server), 120);
  server.sql(`delete from busbar.meta where version = ${newest + 1}`);
  await all.cli('sink', 'try', 'plant');
  await all.settled();
  assert.equal(samples(server), 240);
});
