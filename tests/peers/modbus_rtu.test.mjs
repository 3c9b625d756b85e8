// SPDX-License-Identifier: Apache-2.0
// RTU on a pair of serial lines (socat) against libmodbus and pymodbus, and RTU frames over TCP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, makeFolder, start, startGateway, until } from '../support/gateway.mjs';
import { allTypes, startLibmodbusRtu, startLines, startPymodbusRtu } from './modbus_peers.mjs';

const head = 'version: 1\nsite: { id: t, name: Test }\ndevices:\n';

async function begin(t, folder, text) {
  folder.write('site.yaml', text);
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(() => gateway.stop());
  return gateway;
}

async function lines(t) {
  const folder = makeFolder({});
  t.after(() => folder.remove());
  const pair = await startLines(folder.folder);
  t.after(() => pair.stop());
  return { folder, ...pair };
}

const servers = {
  libmodbus: { format: '8E1', open: (path) => startLibmodbusRtu(path, 5, 19200, 'E') },
  pymodbus: { format: '8N1', open: (path) => startPymodbusRtu(path, 5, 19200, 'N') },
};

for (const [name, { format, open }] of Object.entries(servers)) {
  test(`${name} on a serial line: all types and orders, and a write`, async (t) => {
    const { folder, near, far } = await lines(t);
    const server = await open(far);
    t.after(() => server.stop());
    const points = allTypes();
    for (const point of points) {
      await server.set('holding', point.at, point.words);
    }
    const yaml = points.map((p) => `      ${p.name}: ${p.yaml}\n`).join('');
    const gateway = await begin(
      t,
      folder,
      `${head}  d1:\n    modbus: { serial: ${near}, baud: 19200, format: ${format}, unit_id: 5 }\n    points:\n${yaml}`,
    );
    const seen = await until('all points are good', async () => {
      const { points: rows } = await gateway.get('/api/v1/points?device=d1&limit=1000');
      return rows.length === points.length && rows.every((p) => p.quality === 'good') && rows;
    });
    const values = Object.fromEntries(seen.map((p) => [p.path.split('/')[1], p.value]));
    for (const point of points) {
      assert.equal(values[point.name], point.value, point.name);
    }
    const { status, body } = await gateway.post('/api/v1/points/d1/int16-abcd-0/write', { value: -321, confirmed: true });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.after, -321);
    assert.deepEqual(await server.get('holding', 0, 1), [0xfebf]);
    const { address } = await gateway.get('/api/v1/devices/d1');
    assert.match(address, new RegExp(`^serial .* 19200 ${format}`));
  });
}

test('a unit that is not on the line does not hold up the other', async (t) => {
  const { folder, near, far } = await lines(t);
  const server = await startPymodbusRtu(far, 5, 115200, 'N'); // libmodbus takes the next request for the answer of 6
  t.after(() => server.stop());
  await server.set('holding', 0, [77]);
  const device = (unit) =>
    `  u${unit}:\n    modbus: { serial: ${near}, baud: 115200, format: 8N1, unit_id: ${unit}, timeout: 200ms }\n` +
    '    points: { a: { holding: 0, every: 100ms } }\n';
  const gateway = await begin(t, folder, head + device(5) + device(6));
  await until('the unit answers', async () => (await gateway.point('u5/a')).value === 77);
  await until('the other is bad', async () => (await gateway.point('u6/a')).reason === 'no answer');
  const before = (await gateway.get('/api/v1/devices/u5')).answers;
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const polls = (await gateway.get('/api/v1/devices/u5')).answers - before;
  assert.ok(polls >= 12, `${polls} polls in 3 s`);
});

test('a serial line that is pulled out and put back', async (t) => {
  const { folder, near, far, stop } = await lines(t);
  let server = await startLibmodbusRtu(far, 5, 19200, 'E');
  t.after(() => server.stop());
  await server.set('holding', 0, [1]);
  const gateway = await begin(
    t,
    folder,
    `${head}  d1:\n    modbus: { serial: ${near}, unit_id: 5, timeout: 300ms }\n    points: { a: { holding: 0, every: 200ms } }\n`,
  );
  await until('it is good', async () => (await gateway.point('d1/a')).value === 1);
  await stop();
  await server.stop();
  await until('it is bad', async () => (await gateway.point('d1/a')).quality === 'bad');
  const again = await startLines(folder.folder);
  t.after(() => again.stop());
  server = await startLibmodbusRtu(far, 5, 19200, 'E');
  await server.set('holding', 0, [2]);
  await until('it is good again', async () => (await gateway.point('d1/a')).value === 2, 60000);
});

test('RTU frames over TCP, as serial converters send them', async (t) => {
  const { folder, near, far } = await lines(t);
  const server = await startLibmodbusRtu(far, 5, 115200, 'N');
  t.after(() => server.stop());
  await server.set('holding', 100, [0x4366, 0x4000]);
  const port = await freePort();
  const converter = start('socat', [`tcp-listen:${port},bind=127.0.0.1,reuseaddr,fork`, `file:${near},raw,echo=0`]);
  t.after(() => converter.stop('SIGKILL'));
  const gateway = await begin(
    t,
    folder,
    `${head}  d1:\n    modbus: { rtu_tcp: "127.0.0.1:${port}", unit_id: 5 }\n` +
      '    points: { v: { holding: 100, type: float32, every: 200ms } }\n',
  );
  await until('it is good', async () => (await gateway.point('d1/v')).value === 230.25);
});
