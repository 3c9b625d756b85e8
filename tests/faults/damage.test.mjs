// SPDX-License-Identifier: Apache-2.0
// Files that are damaged at the start: it is said, what is whole is kept, and nothing is guessed.
// Runs alone: what one record holds depends on how busy the machine is.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { freePort, makeFolder, run, startGateway, startSim, until } from '../support/gateway.mjs';

/** A gateway that stored some samples and was killed. */
async function begin(t, signal = 'SIGKILL', blocks = false) {
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
  if (blocks) {
    const compact = await all.gateway.cli(['history', 'compact']);
    assert.equal(compact.code, 0, compact.stderr);
  }
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
  const all = await begin(t, 'SIGTERM', true);
  const blocks = files(all.folder.data).filter((path) => path.endsWith('.blk'));
  assert.ok(blocks.length > 0);
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

// What is damaged must be named by the page's banner, by doctor and by verify, with what it costs and what to do.
const overwrite = (bytes, from, to) => bytes.fill(0xa5, from, to);
for (const [what, suffix, damage, name] of [
  ['a record of the log', '.log', (bytes) => overwrite(bytes, 400, 404), /0\.?[0-9a-f]*\.log: \d+ damaged or missing records, from number \d+ on/],
  ['the head of a log segment', '.log', (bytes) => overwrite(bytes, 0, 128), /\.log: the head of this log segment is damaged; set aside/],
  ['the head of a block', '.blk', (bytes) => overwrite(bytes, 0, 64), /\.blk is damaged: its \d+ samples of \d+ points are left out/],
  ['the chunks of a block', '.blk', (bytes) => overwrite(bytes, 4096, Math.floor(bytes.length / 2)), /\.blk: damaged parts were met/],
  ['a series file', '.ser', (bytes) => overwrite(bytes, 40, 44), /\.ser are damaged: counters, and last values/],
]) {
  test(`${what} is damaged: it starts, and says which file, what is lost, what to do`, { timeout: 90000 }, async (t) => {
    const all = await begin(t, 'SIGTERM', suffix !== '.log');
    const path = files(all.folder.data).filter((file) => file.endsWith(suffix)).sort()[0];
    assert.ok(path, `no ${suffix} file`);
    const bytes = readFileSync(path);
    damage(bytes);
    writeFileSync(path, bytes);
    all.gateway = await startGateway({ config: all.folder.site, data: all.folder.data });
    const now = new Map((await read(all.gateway)).map(([time, value]) => [time, value]));
    for (const [time, value] of all.before) {
      assert.ok(!now.has(time) || now.get(time) === value, `${time} changed`);
    }
    const found = await until('the problem', async () =>
      (await all.gateway.get('/api/v1/health')).problems.find(({ why }) => name.test(why)), 20000);
    assert.match(found.what, /^damage found/);
    assert.match(found.hint, /busbar history verify .* busbar history restore/);
    const doctor = await all.gateway.cli(['doctor']);
    assert.equal(doctor.code, 3, doctor.stdout);
    assert.match(doctor.stdout, name);
    const verify = await all.gateway.cli(['history', 'verify']);
    assert.notEqual(verify.code, 0, verify.stdout);
    assert.ok((verify.stdout + verify.stderr).includes(basename(path)), verify.stdout + verify.stderr);
    assert.doesNotMatch(all.gateway.output, /runtime error|AddressSanitizer/);
  });
}

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
