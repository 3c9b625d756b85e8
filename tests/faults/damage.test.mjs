// SPDX-License-Identifier: Apache-2.0
// Files that are damaged at the start: it is said, what is whole is kept, and nothing is guessed.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, makeFolder, run, startGateway, startSim, until } from '../support/gateway.mjs';

/** A gateway that stored some samples and was killed. */
async function begin(t, signal = 'SIGKILL') {
  const port = await freePort();
  const folder = makeFolder({ 'site.yaml': `version: 1
site: { id: t, name: T }
devices:
  d:
    modbus: { tcp: "127.0.0.1:${port}" }
    every: 20ms
    points: { x: { holding: 0, type: uint16 } }
` });
  const sim = await startSim(folder.site);
  const all = { folder, sim, gateway: null, before: null };
  t.after(async () => {
    await all.gateway?.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  all.gateway = await startGateway({ config: folder.site, data: folder.data });
  all.before = await until('samples', async () => {
    const rows = await read(all.gateway);
    return rows.length > 100 && rows;
  });
  await all.gateway.stop(signal);
  return all;
}

const read = async (gateway) => (await gateway.get('/api/v1/samples/d/x?from=-1h&to=now&limit=200000')).samples;

/** Paths of all files below a folder. */
function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]);
}

function lastLog(data) {
  return files(data).filter((path) => path.endsWith('.log')).sort().at(-1);
}

/** Where the written part of a preallocated file ends. */
function writtenBytes(bytes) {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) {
    end--;
  }
  return end;
}

test('a torn tail of the log is cut, all before it is kept', { timeout: 60000 }, async (t) => {
  const all = await begin(t);
  const log = lastLog(all.folder.data);
  const end = writtenBytes(readFileSync(log));
  truncateSync(log, end - 7);
  all.gateway = await startGateway({ config: all.folder.site, data: all.folder.data });
  const now = new Map((await read(all.gateway)).map(([time, value]) => [time, value]));
  const lost = all.before.filter(([time]) => !now.has(time));
  assert.ok(lost.length <= 10, `${lost.length} of ${all.before.length} are gone`);
  for (const [time, value] of all.before) {
    assert.ok(!now.has(time) || now.get(time) === value, `${time} changed`);
  }
  await until('the ledger balances', async () => (await all.gateway.get('/api/v1/ledger?match=*')).balances);
});

test('a flipped bit in the log is found, said, and costs one record', { timeout: 60000 }, async (t) => {
  const all = await begin(t);
  const log = lastLog(all.folder.data);
  const bytes = readFileSync(log);
  const at = Math.floor(writtenBytes(bytes) / 2);
  bytes[at] ^= 0x10;
  writeFileSync(log, bytes);
  all.gateway = await startGateway({ config: all.folder.site, data: all.folder.data });
  const now = new Map((await read(all.gateway)).map(([time, value]) => [time, value]));
  const lost = all.before.filter(([time]) => !now.has(time));
  assert.ok(lost.length > 0 && lost.length < all.before.length / 4, `${lost.length} of ${all.before.length} are gone`);
  for (const [time, value] of all.before) {
    assert.ok(!now.has(time) || now.get(time) === value, `${time} changed`);
  }
  const health = await all.gateway.get('/api/v1/health');
  assert.ok(health.problems.some(({ what, why }) => /damage/.test(what) && why !== ''), JSON.stringify(health));
  assert.match(all.gateway.output, /warn history: .*damage/);
  const status = await all.gateway.cli(['status']);
  assert.match(status.stdout, /problem +damage/);
});

for (const [what, damage] of [
  ['overwritten', (path) => writeFileSync(path, Buffer.alloc(statSync(path).size, 0x5a))],
  ['a text file', (path) => writeFileSync(path, 'hello\n'.repeat(1000))],
]) {
  test(`state.db ${what}: refused with plain words`, { timeout: 60000 }, async (t) => {
    const all = await begin(t, 'SIGTERM');
    for (const path of files(all.folder.data).filter((name) => /state\.db/.test(name))) {
      damage(path);
    }
    const ended = await run(['run', '--config', all.folder.site, '--data', all.folder.data, '--http',
      `127.0.0.1:${await freePort()}`, '--time-series', 'off', '--socket', join(all.folder.folder, 's')]);
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(ended.stderr, /error: .*state\.db.*damaged|error: .*state\.db.*not a database/);
    assert.match(ended.stderr, /hint: {2}\S/);
    assert.doesNotMatch(ended.stderr, /runtime error|AddressSanitizer/);
  });
}

test('a block of history with a flipped bit: read around it, never a wrong value', { timeout: 90000 }, async (t) => {
  const all = await begin(t, 'SIGTERM');
  const blocks = files(all.folder.data).filter((path) => /\.(block|blk)$/.test(path));
  t.diagnostic(`${blocks.length} blocks`);
  for (const path of blocks) {
    const bytes = readFileSync(path);
    bytes[Math.floor(bytes.length / 3)] ^= 1;
    writeFileSync(path, bytes);
  }
  all.gateway = await startGateway({ config: all.folder.site, data: all.folder.data });
  const now = new Map((await read(all.gateway)).map(([time, value]) => [time, value]));
  for (const [time, value] of all.before) {
    assert.ok(!now.has(time) || now.get(time) === value, `${time} changed`);
  }
});

const broken = [
  ['empty', '', /empty|nothing|version|no device/],
  ['binary', Buffer.from([0, 1, 2, 255, 254, 0, 7, 10, 13]), /error: /],
  ['half', 'version: 1\ndevices:\n  d:\n    modbus: { tcp: "127.0.0.1:1', /site\.yaml:\d+:\d+: error: /],
  ['a list', '- 1\n- 2\n', /site\.yaml:1:1: error: /],
  ['deep', '['.repeat(10000), /error: /],
];
for (const [what, bytes, words] of broken) {
  test(`a configuration that is ${what} does not start and does not replace`, { timeout: 60000 }, async (t) => {
    const port = await freePort();
    const good = `version: 1\nsite: { id: t, name: T }\ndevices:\n  d: { modbus: { tcp: "127.0.0.1:${port}" }, points: { x: { holding: 0 } } }\n`;
    const folder = makeFolder({ 'site.yaml': good });
    const gateway = await startGateway({ config: folder.site, data: folder.data });
    t.after(async () => {
      await gateway.stop('SIGKILL');
      folder.remove();
    });
    const version = (await gateway.get('/api/v1/config')).version;
    folder.write('site.yaml', bytes);
    const applied = await gateway.cli(['config', 'apply']);
    assert.equal(applied.code, 3, applied.stdout + applied.stderr);
    assert.match(applied.stderr, words);
    const now = await gateway.get('/api/v1/config');
    assert.equal(now.version, version);
    assert.equal((await gateway.get('/api/v1/devices')).total, 1, 'what ran runs on');
    await gateway.stop();
    const ended = await run(['run', '--config', folder.site, '--data', folder.data, '--http', `127.0.0.1:${await freePort()}`,
      '--time-series', 'off']);
    assert.equal(ended.code, 3, ended.stderr);
    assert.match(ended.stderr, words);
    assert.doesNotMatch(ended.stderr, /runtime error|AddressSanitizer/);
  });
}
