// SPDX-License-Identifier: Apache-2.0
// docs/postgresql.md and docs/archive.md on a real PostgreSQL: the way from an empty server, then each of its ```sql blocks, as the role that
// may only read, over what the example site publishes there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { freePort, run, startGateway, startSim, until } from '../support/gateway.mjs';
import { findPostgres, noPostgres, startPostgres } from '../support/postgres.mjs';

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');

/** The blocks of a page that begin with ```KIND, with the line they stand at. */
function sqlBlocks(page, kind) {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```([^\n]+)\n(.*?)^```/gms)].filter((match) => match[1] === kind).map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    sql: match[2],
  }));
}

/** The example site on free ports, with a sink; its folder. */
async function makeSite(folder, server) {
  const site = join(folder, 'site');
  cpSync(join(root, 'examples/site'), site, { recursive: true });
  const ports = new Map();
  const bacnet = await freePort();
  for (const name of readdirSync(site).filter((file) => file.endsWith('.yaml'))) {
    let text = readFileSync(join(site, name), 'utf8');
    for (const [port] of text.matchAll(/\b(150\d\d|4825\d)\b/g)) {
      ports.set(port, ports.get(port) ?? (await freePort()));
    }
    text = text.replace(/\b(150\d\d|4825\d)\b/g, (port) => ports.get(port))
      .replace('127.0.2.1/8', `127.0.2.1/8, port: ${bacnet}`)
      .replace(/address: (127\.0\.2\.\d+)(?=[ ,}])/g, `address: "$1:${bacnet}"`);
    writeFileSync(join(site, name), text);
  }
  writeFileSync(join(site, 'sinks.yaml'), `version: 1
sinks:
  plant:
    postgres: "host=127.0.0.1 port=${server.port} dbname=plant"
    user: busbar
    password: !secret plant-db
`);
  return site;
}

/** As a role, by TCP and password; fails with what psql says. */
function psql(server, user, password, sql) {
  return execFileSync(join(findPostgres(), 'psql'), ['-X', '-A', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p',
    String(server.port), '-U', user, '-d', 'plant', '-c', sql],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, PGPASSWORD: password } });
}

test('docs/postgresql.md, docs/archive.md: from an empty server to each query', { skip: noPostgres, timeout: 240000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-docs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const server = await startPostgres(t);
  server.sql('DROP DATABASE plant', 'postgres'); // begin with nothing
  server.sql('DROP ROLE busbar', 'postgres');
  const site = await makeSite(folder, server);
  const data = join(folder, 'data');
  const set = await run(['secret', 'set', 'plant-db', '--data', data], { input: 'from-the-page' });
  assert.equal(set.code, 0, set.stderr);

  const before = await run(['sink', 'test', 'plant', '--config', site, '--data', data]);
  assert.equal(before.code, 3, before.stdout + before.stderr);
  assert.match(before.stdout, /^bad +login/m, `neither role nor database is there yet\n${before.stdout}${before.stderr}`);

  const printed = await run(['sink', 'sql', 'plant', '--config', site, '--data', data]);
  assert.equal(printed.code, 0, printed.stderr);
  writeFileSync(join(server.folder, 'plant.sql'), printed.stdout);
  for (let time = 0; time < 2; time++) { // it may be run again
    execFileSync(join(findPostgres(), 'psql'), ['-X', '-q', '-h', server.folder, '-p', String(server.port), '-U', 'admin', '-d',
      'postgres', '-f', join(server.folder, 'plant.sql')], { stdio: ['ignore', 'pipe', 'pipe'] });
  }
  server.sql("ALTER ROLE busbar PASSWORD 'from-the-page'");
  const after = await run(['sink', 'test', 'plant', '--config', site, '--data', data]);
  assert.equal(after.code, 0, after.stdout + after.stderr);

  const sim = await startSim(site);
  t.after(() => sim.stop('SIGKILL'));
  const gateway = await startGateway({ config: site, data });
  t.after(() => gateway.stop());
  await until('samples arrive and none waits', async () => {
    const sink = await gateway.get('/api/v1/sinks/plant');
    return sink.phase === 'live' && sink.published > 200 && sink.lag_s < 10;
  }, 60000);
  const shown = await gateway.cli(['sink', 'show', 'plant']);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /^phase +live/m);

  for (const { sql } of sqlBlocks('docs/postgresql.md', 'sql admin')) {
    server.sql(sql);
  }
  assert.throws(() => psql(server, 'grafana', 'choose-one', 'DELETE FROM busbar.sample'), /permission denied/);
  const pages = ['docs/postgresql.md', 'docs/archive.md'];
  const blocks = pages.flatMap((page) => sqlBlocks(page, 'sql').map((block) => ({ page, ...block })));
  assert.ok(blocks.length >= 10, `only ${blocks.length} blocks of SQL`);
  for (const { page, line, sql } of blocks) {
    const ask = () => {
      try {
        return psql(server, 'grafana', 'choose-one', sql);
      } catch (error) {
        return assert.fail(`${page}:${line}: ${error.stderr ?? error.message}`);
      }
    };
    ask();
    if (/busbar\.(latest|ledger)\b/.test(sql)) { // the points of a device need not come at the same moment
      await until(`${page}:${line}: rows come`, () => !/\(0 rows\)/.test(ask()), 60000);
    }
  }
});
