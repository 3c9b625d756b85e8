// SPDX-License-Identifier: Apache-2.0
// The gateway against three Modbus servers that are not ours: values of all types and orders, all tables, writes,
// refused addresses, a server that goes away and comes back, units that share one connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFolder, startGateway, until } from '../support/gateway.mjs';
import { allTypes, startJsmodbus, startLibmodbus, startPymodbus } from './modbus_peers.mjs';

const head = 'version: 1\nsite: { id: t, name: Test }\ndevices:\n';

function site(port, points, settings = '') {
  const lines = Object.entries(points).map(([name, yaml]) => `      ${name}: ${yaml}\n`);
  return `${head}  d1:\n    modbus: { tcp: "127.0.0.1:${port}"${settings} }\n    points:\n${lines.join('')}`;
}

async function begin(t, text) {
  const folder = makeFolder({ 'site.yaml': text });
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop();
    folder.remove();
  });
  gateway.values = async (device = 'd1') => {
    const { points } = await gateway.get(`/api/v1/points?device=${device}&limit=1000`);
    return Object.fromEntries(points.map((point) => [point.path.split('/')[1], point]));
  };
  return gateway;
}

const good = (gateway, point) =>
  until(`${point} is good`, async () => {
    const seen = await gateway.point(point);
    return seen.quality === 'good' && seen;
  });

// jsmodbus does not answer what it does not know (function 22): people set write_function then.
const bitWrites = { jsmodbus: ', write_function: single' };

const servers = { libmodbus: startLibmodbus, pymodbus: startPymodbus, jsmodbus: startJsmodbus };

for (const [name, startServer] of Object.entries(servers)) {
  test(`${name}: values of all types and orders`, async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    const points = allTypes();
    for (const point of points) {
      await server.set('holding', point.at, point.words);
    }
    const gateway = await begin(t, site(server.port, Object.fromEntries(points.map((p) => [p.name, p.yaml]))));
    const values = await until('all points are good', async () => {
      const seen = await gateway.values();
      return Object.values(seen).length === points.length && Object.values(seen).every((p) => p.quality === 'good') && seen;
    });
    for (const point of points) {
      assert.equal(values[point.name].value, point.value, `${point.name}: ${values[point.name].source}`);
    }
    assert.equal(values.named.text, 'running');
  });

  test(`${name}: the four tables, by data-sheet number and by address`, async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    await server.set('coil', 3, [1]);
    await server.set('discrete', 20, [1]);
    await server.set('input', 100, [1234]);
    await server.set('holding', 100, [4321]);
    const gateway = await begin(
      t,
      site(server.port, {
        'sheet-coil': '{ register: "00004" }',
        'sheet-discrete': '{ register: 10021 }',
        'sheet-input': '{ register: 30101 }',
        'sheet-holding': '{ register: 40101 }',
        'sheet-long': '{ register: 400101 }',
        coil: '{ coil: 3 }',
        other: '{ coil: 4 }',
        discrete: '{ discrete: 0x14 }',
        input: '{ input: 100 }',
        holding: '{ holding: 100 }',
      }),
    );
    await good(gateway, 'd1/holding');
    const values = await gateway.values();
    const expected = { 'sheet-coil': true, 'sheet-discrete': true, 'sheet-input': 1234, 'sheet-holding': 4321,
      'sheet-long': 4321, coil: true, other: false, discrete: true, input: 1234, holding: 4321 };
    assert.deepEqual(Object.fromEntries(Object.entries(values).map(([k, p]) => [k, p.value])), expected);
  });

  test(`${name}: writes are sent, read back and refused when out of range`, async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    await server.set('holding', 20, [0xff00]);
    const gateway = await begin(
      t,
      site(server.port, {
        word: '{ holding: 10, type: int16, every: 200ms, write: { min: -100, max: 100 } }',
        float: '{ holding: 12, type: float32, order: CDAB, every: 200ms, write: true }',
        scaled: '{ holding: 14, type: int16, scale: 0.1, every: 200ms, write: true }',
        coil: '{ coil: 5, every: 200ms, write: true }',
        bit: `{ holding: 20, bit: 3, every: 200ms, write: true${bitWrites[name] ?? ''} }`,
        many: '{ holding: 22, type: uint16, every: 200ms, write_function: multiple, write: true }',
      }),
    );
    await good(gateway, 'd1/bit');
    const write = (point, value) => gateway.post(`/api/v1/points/d1/${point}/write`, { value, confirmed: true });
    for (const [point, value] of [['word', -5], ['word', 0], ['float', 21.5], ['scaled', 22.5], ['coil', true],
      ['coil', false], ['bit', true], ['many', 65000]]) {
      const { status, body } = await write(point, value);
      assert.equal(status, 200, `${point}: ${JSON.stringify(body)}`);
      assert.equal(body.read_back, true, point);
      assert.equal(body.after, value, point);
    }
    assert.deepEqual(await server.get('holding', 10, 1), [0]);
    assert.deepEqual(await server.get('holding', 12, 2), [0x0000, 0x41ac]);
    assert.deepEqual(await server.get('holding', 14, 1), [225]);
    assert.deepEqual(await server.get('holding', 20, 1), [0xff08]);
    assert.deepEqual(await server.get('holding', 22, 1), [65000]);
    assert.equal((await write('word', 101)).status, 422);
    assert.deepEqual(await server.get('holding', 10, 1), [0]);
  });
}

for (const name of ['libmodbus', 'pymodbus']) {
  test(`${name}: only the refused address turns bad, and says why`, async (t) => {
    const server = await servers[name]();
    t.after(() => server.stop());
    const names = Array.from({ length: 60 }, (_, i) => `p${i}`);
    await server.set('holding', 0, names.map((_, i) => i));
    await server.refuse('holding', 37);
    const gateway = await begin(
      t,
      site(server.port, Object.fromEntries(names.map((p, i) => [p, `{ holding: ${i}, every: 200ms }`]))),
    );
    await good(gateway, 'd1/p0');
    const values = await gateway.values();
    for (const [i, p] of names.entries()) {
      assert.equal(values[p].quality, i === 37 ? 'bad' : 'good', p);
      assert.equal(values[p].value, i === 37 ? null : i, p);
    }
    assert.equal(values.p37.reason, 'refused');
    const { limits } = await gateway.get('/api/v1/devices/d1');
    assert.ok(limits.some((l) => l.name === 'refused holding 37' && l.value === 2), JSON.stringify(limits));
    const { points } = await gateway.get('/api/v1/devices/d1');
    assert.deepEqual(points, { good: 59, bad: 1, total: 60 });
  });
}

test('libmodbus: a server that goes away and comes back', async (t) => {
  let server = await startLibmodbus();
  t.after(() => server.stop());
  await server.set('holding', 0, [7]);
  const gateway = await begin(t, site(server.port, { a: '{ holding: 0, every: 200ms }' }, ', timeout: 500ms'));
  await good(gateway, 'd1/a');
  await server.stop('SIGKILL');
  const bad = await until('the point is bad', async () => {
    const seen = await gateway.point('d1/a');
    return seen.quality === 'bad' && seen;
  });
  assert.equal(bad.value, null);
  assert.equal(bad.last_good.value, 7);
  const down = await until('the link is down', async () => {
    const seen = await gateway.get('/api/v1/devices/d1');
    return seen.link === 'down' && seen;
  });
  assert.match(down.error, /refused/);
  server = await startLibmodbus(server.port);
  await server.set('holding', 0, [8]);
  const back = await until('it is good again', async () => {
    const seen = await gateway.point('d1/a');
    return seen.quality === 'good' && seen.value === 8 && seen;
  }, 40000);
  assert.equal(back.value, 8);
});

test('libmodbus: units of one gateway share one connection, a silent one does not hold up the others', async (t) => {
  const server = await startLibmodbus();
  t.after(() => server.stop());
  await server.set('holding', 0, [11]);
  await server.silent(9);
  const device = (unit) =>
    `  u${unit}:\n    modbus: { tcp: "127.0.0.1:${server.port}", unit_id: ${unit}, timeout: 300ms }\n` +
    '    points: { a: { holding: 0, every: 100ms } }\n';
  const gateway = await begin(t, head + device(1) + device(2) + device(9));
  await good(gateway, 'u1/a');
  await good(gateway, 'u2/a');
  await until('the silent unit is bad', async () => (await gateway.point('u9/a')).reason === 'no answer');
  const before = await gateway.get('/api/v1/devices/u1');
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const after = await gateway.get('/api/v1/devices/u1');
  assert.ok(after.answers - before.answers >= 15, `${after.answers - before.answers} polls in 3 s`);
  assert.equal((await gateway.point('u2/a')).quality, 'good');
});

test('libmodbus: busy is not a value and not the end', async (t) => {
  const server = await startLibmodbus();
  t.after(() => server.stop());
  await server.set('holding', 0, [5]);
  const gateway = await begin(t, site(server.port, { a: '{ holding: 0, every: 200ms }' }));
  await good(gateway, 'd1/a');
  await server.busy(4);
  await server.set('holding', 0, [6]);
  const seen = await until('the new value', async () => {
    const point = await gateway.point('d1/a');
    assert.ok(point.value === null || point.value === 5 || point.value === 6);
    return point.value === 6 && point;
  });
  assert.equal(seen.quality, 'good');
  assert.ok((await gateway.get('/api/v1/devices/d1')).retries >= 1);
});

test('device test names the fault', async (t) => {
  const server = await startLibmodbus();
  t.after(() => server.stop());
  await server.set('holding', 0, [0x0000, 0x3f80]);
  await server.silent(3);
  await server.refuse('holding', 11);
  const device = (name, settings, points) => `  ${name}:\n    modbus: { ${settings}, timeout: 300ms }\n    points: { ${points} }\n`;
  const at = `tcp: "127.0.0.1:${server.port}"`;
  const gateway = await begin(
    t,
    head +
      device('fine', at, 'a: { holding: 0 }') +
      device('silent', `${at}, unit_id: 3`, 'a: { holding: 0 }') +
      device('closed', 'tcp: "127.0.0.1:1"', 'a: { holding: 0 }') +
      device('lost', 'tcp: "no-such-host.invalid"', 'a: { holding: 0 }') +
      device('illegal', at, 'a: { holding: 11 }') +
      device('order', at, 'a: { holding: 0, type: float32 }'),
  );
  await good(gateway, 'fine/a');
  const find = async (name) => (await gateway.post(`/api/v1/devices/${name}/test`)).body;
  const bad = (found) => found.findings.filter((f) => !f.fine).map((f) => `${f.step}: ${f.seen} ${f.hint}`).join('\n');
  assert.equal((await find('fine')).fine, true);
  assert.match(bad(await find('silent')), /unit 3: no answer .*units 1, 2/);
  assert.match(bad(await find('closed')), /tcp 1: .*refused/);
  assert.match(bad(await find('lost')), /name: /);
  assert.match(bad(await find('illegal')), /holding 11 uint16: exception 2 illegal data address/);
  assert.match(bad(await find('order')), /CDAB 1[,\s].*order: CDAB/s);
});

test('frames are shown in words', async (t) => {
  const server = await startPymodbus();
  t.after(() => server.stop());
  const gateway = await begin(t, site(server.port, { a: '{ holding: 100, every: 200ms }' }));
  await good(gateway, 'd1/a');
  const { frames } = await gateway.get('/api/v1/devices/d1/frames?limit=50');
  assert.ok(frames.some((f) => f.sent && /^read holding 100, unit 1, transaction \d+$/.test(f.text)));
  assert.ok(frames.some((f) => !f.sent && /^read holding: 1 register: 0000, unit 1/.test(f.text)));
});
