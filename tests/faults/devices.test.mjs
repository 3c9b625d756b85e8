// SPDX-License-Identifier: Apache-2.0
// Devices that go wrong, seen from outside: quality and reason in time, no wrong value ever, and nobody else waits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, makeFolder, sleep, startGateway, startSim, until } from '../support/gateway.mjs';

const EVERY = 100;
const TIMEOUT = 200;
const TRIES = 3;

function device(name, port, unit, keys = '') {
  return `  ${name}:
    modbus: { tcp: "127.0.0.1:${port}", unit_id: ${unit}, timeout: ${TIMEOUT}ms${keys} }
    every: ${EVERY}ms
    points: { x: { holding: 0, type: uint16 }, y: { holding: 1, type: uint16 } }
`;
}

async function begin(t, devices, settle = []) {
  const folder = makeFolder({ 'site.yaml': `version: 1\nsite: { id: t, name: T }\ndevices:\n${devices.join('')}` });
  const sim = await startSim(folder.site);
  t.after(async () => {
    await sim.stop('SIGKILL');
    folder.remove();
  });
  for (const [path, value] of settle) {
    await sim.control(`set ${path} ${value}`);
  }
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(() => gateway.stop('SIGKILL'));
  await until('all points are good', async () => (await gateway.get('/api/v1/status')).points.bad === 0);
  return { sim, gateway };
}

/** All samples of a point since a time, as [milliseconds, value, quality]. */
async function samples(gateway, path, from) {
  const answer = await gateway.get(`/api/v1/samples/${path}?from=${new Date(from).toISOString()}&to=now&limit=100000`);
  return answer.samples.map(([time, ...rest]) => [Date.parse(time), ...rest]);
}

function longestGap(rows) {
  return rows.slice(1).reduce((most, [time], i) => Math.max(most, time - rows[i][0]), 0);
}

test('silence: bad in time with its reason, good again by itself, nobody else is late', { timeout: 60000 }, async (t) => {
  const [a, b] = [await freePort(), await freePort()];
  const { sim, gateway } = await begin(t, [device('mute', a, 1), device('other', b, 1)]);
  const before = await gateway.get('/api/v1/devices/other');
  const began = Date.now();
  await sim.control('mute=silence');
  const bad = await until('mute/x is bad', async () => {
    const point = await gateway.point('mute/x');
    return point.quality === 'bad' && point;
  }, 10000);
  const took = Date.now() - began;
  assert.ok(took < 2 * EVERY + TRIES * TIMEOUT + 500, `bad after ${took} ms`);
  assert.equal(bad.reason, 'no answer');
  assert.match(bad.detail, /no answer|did not answer|timeout/);
  assert.ok(bad.last_good !== null, 'the last good value stays in sight');
  assert.equal((await gateway.point('mute/y')).quality, 'bad', 'every point of the device');
  await sleep(2000);
  const other = await gateway.get('/api/v1/devices/other');
  const polls = other.polls - before.polls;
  const expected = (Date.now() - began) / EVERY;
  assert.ok(polls > expected * 0.85, `other was polled ${polls} of ${Math.round(expected)} times`);
  assert.equal(other.timeouts, before.timeouts);
  const gap = longestGap(await samples(gateway, 'other/x', began));
  assert.ok(gap < 3 * EVERY + 100, `other waited ${gap} ms`);
  assert.ok(other.lag_polls - before.lag_polls <= 2, `lag: ${other.lag_polls - before.lag_polls} polls`);

  await sim.control('mute=none');
  await until('mute/x is good again', async () => (await gateway.point('mute/x')).quality === 'good', 15000);
  const rows = await samples(gateway, 'mute/x', began);
  assert.ok(rows.some(([, value, quality]) => quality !== 'good' && value === null), 'the silence is a gap in its history');
  assert.ok((await gateway.get('/api/v1/ledger?match=*')).balances);
});

test('a silent unit does not hold up the others behind its gateway', { timeout: 60000 }, async (t) => {
  const port = await freePort();
  const { sim, gateway } = await begin(t, [device('unit-1', port, 1), device('unit-2', port, 2), device('unit-3', port, 3)]);
  await sim.control('unit-1=silence');
  await until('unit-1 is bad', async () => (await gateway.point('unit-1/x')).quality === 'bad', 10000);
  const began = Date.now();
  await sleep(4000);
  for (const name of ['unit-2', 'unit-3']) {
    const rows = await samples(gateway, `${name}/x`, began);
    const gap = longestGap(rows);
    assert.ok(rows.length > 4000 / EVERY / 2, `${name}: ${rows.length} samples`);
    assert.ok(gap <= TIMEOUT + 2 * EVERY + 100, `${name} waited ${gap} ms`);
    assert.ok(rows.every(([, , quality]) => quality === 'good'), `${name} stays good`);
  }
});

for (const [fault, counter] of [
  ['garbage,rate=50%', 'bad_frames'],
  ['truncate,rate=50%', null],
  ['wrong-transaction,rate=50%', 'bad_frames'],
  ['wrong-unit,rate=50%', 'bad_frames'],
  ['slow:250ms,rate=50%', 'timeouts'],
  ['close,rate=30%', null],
]) {
  test(`${fault}: never a wrong value`, { timeout: 60000 }, async (t) => {
    const [a, b] = [await freePort(), await freePort()];
    const { sim, gateway } = await begin(t, [device('odd', a, 1), device('other', b, 1)],
      [['odd/x', 1234], ['odd/y', 4321], ['other/x', 77]]);
    const began = Date.now();
    await sim.control(`odd=${fault}`);
    await sleep(5000);
    for (const [path, allowed] of [['odd/x', 1234], ['odd/y', 4321], ['other/x', 77]]) {
      const rows = await samples(gateway, path, began);
      assert.ok(rows.length > 0, `${path} has no sample`);
      for (const [time, value, quality] of rows) {
        assert.ok(quality === 'good' ? value === allowed : value === null,
          `${path} at ${time}: ${value}, ${quality}`);
      }
    }
    const odd = await gateway.get('/api/v1/devices/odd');
    if (counter !== null) {
      assert.ok(odd[counter] > 0, `${counter} counts: ${JSON.stringify(odd)}`);
    }
    if (counter === 'bad_frames') {
      const frames = await gateway.cli(['device', 'frames', 'odd', '--bad']);
      assert.match(frames.stdout, / < .* BAD: \S/);
    }
    const other = await gateway.get('/api/v1/devices/other');
    assert.equal(other.bad_frames + other.timeouts, 0);
    await sim.control('odd=none');
    await until('good again', async () => (await gateway.point('odd/x')).quality === 'good', 15000);
    assert.ok((await gateway.get('/api/v1/ledger?match=*')).balances);
  });
}

test('an address that is refused turns only its own point bad', { timeout: 60000 }, async (t) => {
  const port = await freePort();
  // The simulator serves what its configuration names; the gateway asks for one more.
  const one = (points) => `version: 1\nsite: { id: t, name: T }\ndevices:\n  d:
    modbus: { tcp: "127.0.0.1:${port}" }
    every: ${EVERY}ms
    points: { ${points} }\n`;
  const folder = makeFolder({ 'site.yaml': one('a: { holding: 0 }, c: { holding: 2 }') });
  const sim = await startSim(folder.site);
  await sim.control('d=holes');
  folder.write('site.yaml', one('a: { holding: 0 }, b: { holding: 1 }, c: { holding: 2 }'));
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  await until('a and c are good, b is bad', async () => {
    const { points } = await gateway.get('/api/v1/points?match=d/*');
    return points.map(({ quality }) => quality).join() === 'good,bad,good';
  });
  assert.match((await gateway.point('d/b')).detail + (await gateway.point('d/b')).reason, /address|refused/);
});
