// SPDX-License-Identifier: Apache-2.0
// SIGTERM ends it in order and loses nothing; SIGHUP applies the files; the ledger holds over restarts of any kind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, makeFolder, sleep, startGateway, startSim, until } from '../support/gateway.mjs';

function site(port, extra = '') {
  return `version: 1
site: { id: t, name: T }
devices:
  d:
    modbus: { tcp: "127.0.0.1:${port}" }
    every: 20ms
    points: { x: { holding: 0, type: uint16 }, y: { holding: 1, type: uint16 }${extra} }
`;
}

async function begin(t) {
  const port = await freePort();
  const folder = makeFolder({ 'site.yaml': site(port) });
  const sim = await startSim(folder.site);
  const all = { port, folder, sim, gateway: null };
  t.after(async () => {
    await all.gateway?.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  all.gateway = await startGateway({ config: folder.site, data: folder.data });
  return all;
}

const read = async (gateway, from) =>
  (await gateway.get(`/api/v1/samples/d/x?from=${from}&to=now&limit=200000`)).samples;

test('SIGTERM: every sample received is there after the restart', { timeout: 60000 }, async (t) => {
  const all = await begin(t);
  const from = new Date().toISOString();
  await until('samples', async () => (await read(all.gateway, from)).length > 50);
  // The live stream tells what was received, before it is on disk.
  const live = new Map();
  const stream = await fetch(`${all.gateway.url}/api/v1/live?match=d/x`);
  const reading = (async () => {
    let text = '';
    try {
      for await (const part of stream.body) {
        text += Buffer.from(part).toString();
      }
    } catch {
      // the stream ends with the gateway
    }
    for (const [, data] of text.matchAll(/^event: points\ndata: (.*)\n\n/gm)) {
      for (const row of JSON.parse(data)) {
        live.set(row.time, row.value);
      }
    }
  })();
  await sleep(4000);
  const ended = await all.gateway.stop('SIGTERM');
  assert.deepEqual(ended, { code: 0, signal: null }, all.gateway.output);
  await reading;
  assert.ok(live.size > 10, `only ${live.size} values came live`);
  all.gateway = await startGateway({ config: all.folder.site, data: all.folder.data });
  const stored = new Map((await read(all.gateway, from)).map(([time, value]) => [time, value]));
  for (const [time, value] of live) {
    if (Date.parse(time) > Date.parse(from)) {
      assert.equal(stored.get(time), value, `${time} of ${live.size} is not stored`);
    }
  }
});

test('SIGINT ends it too, while an apply runs', { timeout: 60000 }, async (t) => {
  const all = await begin(t);
  all.folder.write('site.yaml', site(all.port, ', z: { holding: 2 }'));
  const applying = all.gateway.cli(['config', 'apply']);
  all.gateway.child.kill('SIGINT');
  const ended = await all.gateway.exited;
  assert.equal(ended.code, 0, all.gateway.output);
  await applying;
});

test('SIGHUP applies the files, and a wrong file changes nothing', { timeout: 60000 }, async (t) => {
  const all = await begin(t);
  const first = (await all.gateway.get('/api/v1/config')).version;
  all.folder.write('site.yaml', site(all.port, ', z: { holdig: 2 }'));
  all.gateway.child.kill('SIGHUP');
  await until('it says why not', () => /not applied: [\s\S]*unknown key 'holdig'/.test(all.gateway.output));
  assert.equal((await all.gateway.get('/api/v1/config')).version, first);
  all.folder.write('site.yaml', site(all.port, ', z: { holding: 1 }'));
  all.gateway.child.kill('SIGHUP');
  await until('the new point is polled', async () => {
    const { points } = await all.gateway.get('/api/v1/points?match=d/z');
    return points.length === 1 && points[0].quality === 'good';
  });
  const versions = (await all.gateway.get('/api/v1/config/versions')).versions;
  assert.ok(versions.some(({ who }) => who === 'signal'), JSON.stringify(versions));
});

test('status and ledger hold over restarts and kills', { timeout: 120000 }, async (t) => {
  const all = await begin(t);
  let stored = 0;
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGKILL']) {
    await until('more is stored', async () => (await all.gateway.get('/api/v1/status')).stored > 50);
    const ledger = await all.gateway.cli(['ledger']);
    assert.equal(ledger.code, 0, ledger.stdout + ledger.stderr);
    const before = (await read(all.gateway, '-1h')).length;
    await all.gateway.stop(signal);
    all.gateway = await startGateway({ config: all.folder.site, data: all.folder.data });
    const after = (await read(all.gateway, '-1h')).length;
    assert.ok(after >= before, `${signal}: ${before} samples before, ${after} after`);
    assert.ok(after >= stored);
    stored = after;
    const status = await all.gateway.get('/api/v1/status');
    assert.equal(status.received, status.stored + status.repeated + status.refused + status.waiting, JSON.stringify(status));
    assert.equal((await all.gateway.cli(['ledger', '--points'])).code, 0);
    const health = await all.gateway.get('/api/v1/health');
    assert.ok(health.problems.every(({ what }) => !/damage/.test(what)), JSON.stringify(health.problems));
  }
});
