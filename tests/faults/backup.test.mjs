// SPDX-License-Identifier: Apache-2.0
// Export and import, backup and restore, verify: what goes out comes back whole, and what is cut is refused.
import assert from 'node:assert/strict';
import {
  existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, makeFolder, run, startGateway, startSim, until } from '../support/gateway.mjs';

const site = 'version: 1\nsite: { id: t, name: T }\n';
const begin = Date.parse('2026-01-05T00:00:00Z') * 1000;

/** Every kind of sample there is, some thousand of them, as `busbar history export` writes them. */
function samplesOfAllKinds() {
  const lines = [];
  const line = (name, type, samples) =>
    lines.push(JSON.stringify({ labels: { __name__: name, device: 'd "1"\n,' }, type, samples }));
  const times = Array.from({ length: 1500 }, (_, i) => begin + i * 10_000_000 + (i % 7) * 1000);
  line('temperature', 'double', times.map((t, i) => [t, 20 + (i % 13) / 10]));
  line('noise', 'double', times.map((t, i) => [t, Math.sin(i) * 1e-9]));
  line('odd', 'double', [[begin, '0x7ff0000000000002'], [begin + 1, '0xfff0000000000000'], [begin + 2, -0.0],
    [begin + 3, 1e300], [begin + 4, 1234567890123456]]);
  line('count', 'int', times.map((t, i) => [t, i * 17]));
  line('large', 'int', [[begin, 0]]);
  line('running', 'bool', times.map((t, i) => [t, i % 50 < 25]));
  line('state', 'string', times.map((t, i) => [t, ['open', 'closed "for good", they say\n', ''][i % 3]]));
  line('quality', 'double', times.map((t, i) =>
    i % 10 === 3 ? [t, null, 5, 11, t + 250_000] : i % 10 === 4 ? [t, i, 2, 0, t] : [t, i]));
  return `${lines.join('\n')}\n`.replace(`[[${begin},0]]`, `[[${begin},9223372036854775807]]`); // no double can say it
}

async function gatewayOf(t, folder) {
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(() => gateway.stop('SIGKILL'));
  return gateway;
}

function newFolder(t) {
  const folder = makeFolder({ 'site.yaml': site });
  t.after(() => folder.remove());
  return folder;
}

async function ok(promise) {
  const result = await promise;
  assert.equal(result.code, 0, result.stderr + result.stdout);
  return result;
}

const sorted = (text) => text.split('\n').sort().join('\n');

test('what was exported is imported without any loss, twice too, as JSON lines and as CSV', async (t) => {
  const first = newFolder(t);
  const gateway = await gatewayOf(t, first);
  const file = join(first.folder, 'all.jsonl');
  writeFileSync(file, samplesOfAllKinds());
  const imported = await ok(gateway.cli(['history', 'import', file]));
  assert.match(imported.stdout, /^imported: 9006 samples\n$/);
  await until('the import is in the journal', async () =>
    (await gateway.get('/api/v1/journal?what=history+import')).entries[0]?.result === '9006 samples of 8 series');
  const json = (await ok(gateway.cli(['history', 'export']))).stdout;
  const csv = (await ok(gateway.cli(['history', 'export', '--csv']))).stdout;
  assert.equal(csv.match(/,(double|int|bool|string|none),/g).length, 9006);
  await ok(gateway.cli(['history', 'import', file]));
  assert.equal((await ok(gateway.cli(['history', 'export']))).stdout, json, 'importing again changes nothing');

  for (const [name, text] of [['again.jsonl', json], ['again.csv', csv]]) {
    const other = newFolder(t);
    const second = await gatewayOf(t, other);
    const path = join(other.folder, name);
    writeFileSync(path, text);
    await ok(second.cli(['history', 'import', path]));
    assert.equal(sorted((await ok(second.cli(['history', 'export']))).stdout), sorted(json), name);
    assert.equal(sorted((await ok(second.cli(['history', 'export', '--csv']))).stdout), sorted(csv), name);
    await second.stop();
  }
  const ledger = await gateway.get('/api/v1/ledger');
  assert.ok(ledger.balances, JSON.stringify(ledger));
  assert.equal(ledger.ingest.received, 2 * 9006);
  const some = await ok(gateway.cli(['history', 'export', 'count{device=~"d.*"}', '--start', '2026-01-05T00:00:00Z',
    '--end', '2026-01-05T00:01:00Z', '-o', join(first.folder, 'some.jsonl')]));
  assert.equal(some.stdout, '');
  const rows = readFileSync(join(first.folder, 'some.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
  assert.deepEqual(rows.map((row) => [row.labels.__name__, row.samples.length]), [['count', 6]]);
});

test('lines that are wrong are told with line and column, the others are taken', async (t) => {
  const gateway = await gatewayOf(t, newFolder(t));
  const good = (time) => JSON.stringify({ labels: { __name__: 'a' }, type: 'int', samples: [[time, 1]] });
  const input = [good(begin), '{"labels":', good(begin + 1), '{"labels":{"a":1},"type":"int","samples":[]}',
    '{"labels":{"a":"b"},"type":"int","samples":[[1,"x"]]}', good(begin + 2)].join('\n');
  const result = await gateway.cli(['history', 'import', '-'], { input });
  assert.equal(result.code, 8, result.stderr);
  assert.match(result.stdout, /^imported: 3 samples; refused: 3 lines\n$/);
  assert.match(result.stderr, /^stdin:2:\d+: /m);
  const ledger = await gateway.get('/api/v1/ledger');
  assert.ok(ledger.balances, JSON.stringify(ledger));
  assert.deepEqual(ledger.ingest, { received: 6, refused: [{ reason: 'malformed', count: 3 }] });
  assert.match(result.stderr, /^stdin:4: a label's value must be a text$/m);
  assert.match(result.stderr, /^stdin:5: a value is not of the line's type$/m);
  const rows = ['labels,type,time_us,value,quality,detail,received_us', `a,int,${begin},1,0,0,${begin}`,
    `a,int,${begin + 5},x,0,0,1`, 'a,int', `"a",int,${begin + 6},7,99,0,1`].join('\r\n');
  const csv = await gateway.cli(['history', 'import', '-', '--csv'], { input: rows });
  assert.equal(csv.code, 8, csv.stderr);
  assert.match(csv.stdout, /^imported: 1 samples; refused: 3 lines/);
  assert.match(csv.stderr, /^stdin:3:\d+: the value is not of the row's type$/m);
  const wrong = await gateway.cli(['history', 'export', 'a{']);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /^error: /);
});

/** A simulated device, polled fast, so that the log grows all the time. */
async function busy(t) {
  const port = await freePort();
  const folder = makeFolder({ 'site.yaml': `${site}devices:
  d:
    modbus: { tcp: "127.0.0.1:${port}" }
    every: 20ms
    points: { x: { holding: 0, type: uint16 }, y: { holding: 1, type: uint16 } }
` });
  const sim = await startSim(folder.site);
  t.after(async () => {
    await sim.stop('SIGKILL');
    folder.remove();
  });
  return folder;
}

test('a backup under load, restored, gives the same answers', async (t) => {
  const folder = await busy(t);
  const gateway = await gatewayOf(t, folder);
  const file = join(folder.folder, 'all.jsonl');
  writeFileSync(file, samplesOfAllKinds());
  await ok(gateway.cli(['history', 'import', file]));
  const polled = join(folder.folder, 'polled.jsonl');
  await ok(gateway.cli(['history', 'export', '{device="d"}', '-o', polled]));
  await ok(gateway.cli(['history', 'import', polled])); // into configured points
  const ledger = await gateway.get('/api/v1/ledger');
  assert.ok(ledger.balances && ledger.points.every((point) => point.balances), JSON.stringify(ledger));
  const before = await until('samples', async () => {
    const { samples } = await gateway.get('/api/v1/samples/d/x?from=-1h&to=now&limit=200000');
    return samples.length > 50 && samples;
  });
  const backup = join(folder.folder, 'backup');
  const made = await ok(gateway.cli(['history', 'backup', backup]));
  assert.match(made.stdout, /checked\n$/);
  const again = await gateway.cli(['history', 'backup', backup]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /is there already/);
  const imported = (await ok(gateway.cli(['history', 'export', '{device=~"d .*"}']))).stdout;
  assert.match((await ok(gateway.cli(['history', 'verify']))).stdout, /^good: /);

  const busyFolder = await gateway.cli(['history', 'restore', backup, '--data', folder.data, '--replace']);
  assert.equal(busyFolder.code, 1, 'a running gateway keeps its folder');
  await gateway.stop();
  assert.ok(!existsSync(join(backup, 'data', 'secrets')), 'no secrets unless asked');
  assert.ok(existsSync(join(backup, 'config', 'site.yaml')));

  const fresh = newFolder(t);
  fresh.write('site.yaml', readFileSync(join(backup, 'config', 'site.yaml'), 'utf8'));
  await ok(run(['history', 'restore', backup, '--data', fresh.data]));
  await ok(run(['history', 'verify', '--data', fresh.data]));
  const restored = await gatewayOf(t, fresh);
  const rows = (await restored.get('/api/v1/samples/d/x?from=-1h&to=now&limit=200000')).samples;
  assert.deepEqual(rows.slice(0, before.length), before, 'what was acknowledged before the backup is in it');
  assert.equal((await ok(restored.cli(['history', 'export', '{device=~"d .*"}']))).stdout, imported);
  await restored.stop();

  const refused = await run(['history', 'restore', backup, '--data', fresh.data]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is not empty/);
  const replaced = await ok(run(['history', 'restore', backup, '--data', fresh.data, '--replace']));
  const aside = replaced.stdout.match(/^what was there is in (.*)$/m)[1];
  assert.ok(existsSync(join(aside, 'state.db')), 'the old one is kept');
  await ok(run(['history', 'verify', '--data', fresh.data]));
});

/** Paths of all files below a folder. */
function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]);
}

test('a cut or damaged backup is refused, and nothing is changed', async (t) => {
  const folder = newFolder(t);
  const gateway = await gatewayOf(t, folder);
  const file = join(folder.folder, 'all.jsonl');
  writeFileSync(file, samplesOfAllKinds());
  await ok(gateway.cli(['history', 'import', file]));
  const backup = join(folder.folder, 'backup');
  await ok(gateway.cli(['history', 'backup', backup]));
  await gateway.stop();
  const target = join(folder.folder, 'restored');
  const refuse = async (pattern, code = 1) => {
    const result = await run(['history', 'restore', backup, '--data', target]);
    assert.equal(result.code, code, result.stdout);
    assert.match(result.stderr, pattern);
    assert.ok(!existsSync(join(target, 'state.db')), 'nothing was put there');
  };
  for (const path of files(backup)) {
    if (path.endsWith('backup.json') || statSync(path).size === 0) {
      continue;
    }
    const bytes = readFileSync(path);
    truncateSync(path, bytes.length - 1);
    await refuse(/is damaged/);
    rmSync(path);
    await refuse(/is missing/);
    const flipped = Buffer.from(bytes);
    flipped[flipped.length >> 1] ^= 4;
    writeFileSync(path, flipped);
    await refuse(/is damaged/);
    writeFileSync(path, bytes);
  }
  rmSync(join(backup, 'backup.json'));
  await refuse(/is no backup/, 5);
});

test('a cut restore: before it moves anything all is as it was, later the start says what to do', async (t) => {
  const folder = newFolder(t);
  let gateway = await gatewayOf(t, folder);
  const file = join(folder.folder, 'all.jsonl');
  writeFileSync(file, samplesOfAllKinds());
  await ok(gateway.cli(['history', 'import', file]));
  const backup = join(folder.folder, 'backup');
  await ok(gateway.cli(['history', 'backup', backup]));
  const before = (await ok(gateway.cli(['history', 'export']))).stdout;
  await gateway.stop();
  const copied = join(folder.data, 'restore.tmp');
  mkdirSync(join(copied, 'blocks'), { recursive: true });
  writeFileSync(join(copied, 'blocks', '1.blk'), 'half');
  gateway = await gatewayOf(t, folder);
  assert.equal((await ok(gateway.cli(['history', 'export']))).stdout, before);
  assert.ok(!existsSync(copied), 'what was copied is gone');
  await gateway.stop();

  mkdirSync(copied);
  for (const name of ['log', 'state.db']) { // as if it was cut here: only these are moved in
    rmSync(join(folder.data, name), { recursive: true });
  }
  writeFileSync(join(folder.data, 'restore.under'), backup);
  const refused = await run(['run', '--config', folder.site, '--data', folder.data]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /was cut while files were moved/);
  const command = refused.stderr.match(/run it again: busbar (history restore .*)$/m)[1].split(' ');
  const restored = await ok(run(command));
  assert.match(restored.stdout, /^what was there is in .*replaced-/m);
  assert.deepEqual(readdirSync(folder.data).filter((name) => name.startsWith('restore.')), []);
  gateway = await gatewayOf(t, folder);
  assert.equal((await ok(gateway.cli(['history', 'export']))).stdout, before);
});

test('verify tells what is damaged, here and in a running gateway, and exits with 3', async (t) => {
  const folder = newFolder(t);
  let gateway = await gatewayOf(t, folder);
  const file = join(folder.folder, 'all.jsonl');
  writeFileSync(file, samplesOfAllKinds());
  await ok(gateway.cli(['history', 'import', file]));
  await ok(gateway.cli(['history', 'backup', join(folder.folder, 'backup')])); // writes a block
  await gateway.stop();
  await ok(run(['history', 'verify', '--data', folder.data]));
  const block = files(join(folder.data, 'blocks')).filter((path) => path.endsWith('.blk')).sort().at(-1);
  const bytes = readFileSync(block);
  rmSync(block); // the backup has the same file by another name
  bytes[200] ^= 1;
  writeFileSync(block, bytes);
  const here = await run(['history', 'verify', '--data', folder.data]);
  assert.equal(here.code, 3, here.stdout + here.stderr);
  assert.match(here.stdout, /^damaged {2}.*the chunk at byte \d+ \(series \d+, \d+ samples\) is damaged$/m);
  assert.match(here.stdout, /^DAMAGED: /m);
  assert.match(here.stderr, /^hint: /m);
  gateway = await gatewayOf(t, folder);
  const running = await gateway.cli(['history', 'verify', '--json']);
  assert.equal(running.code, 3, running.stdout + running.stderr);
  const result = JSON.parse(running.stdout);
  assert.equal(result.good, false);
  assert.equal(result.findings.length, 1);
  const locked = await run(['history', 'verify', '--data', folder.data]);
  assert.equal(locked.code, 1);
  assert.match(locked.stderr, /leave --data away/);
  await gateway.stop();
});
