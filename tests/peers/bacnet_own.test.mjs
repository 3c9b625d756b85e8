// SPDX-License-Identifier: Apache-2.0
// What the gateway itself is on a BACnet network, as others see it: its device object, read by clients that are not ours;
// and the time that it tells, as it stands on the wire.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { test } from 'node:test';
import { makeFolder, startGateway, until } from '../support/gateway.mjs';
import { libraries, startClient } from './bacnet_peers.mjs';

let nets = 180;

async function begin(t, more = '', setup = 'device_id: 4194001, device_name: "Cellar gateway", location: Cellar') {
  const n = nets++;
  const port = 41000 + ((process.pid * 11 + n) % 20000);
  const at = (i) => `127.0.${n}.${i}`;
  const yaml = `version: 1\nsite: { id: t, name: Test }\ndrivers: { bacnet: { ${setup}, networks: { test: { interface: lo, address: ${at(1)}/8, port: ${port}${more} } } } }\n`;
  const folder = makeFolder({ 'site.yaml': yaml });
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop();
    folder.remove();
  });
  return { gateway, port, at, full: (i) => `${at(i)}:${port}` };
}

const OBJECT_NAME = 77;
const OBJECT_LIST = 76;
const SERVICES = 97;
const LOCATION = 58;
const PRESENT_VALUE = 85;

for (const library of Object.keys(libraries)) {
  test(`${library} reads our device object, and nothing else`, async (t) => {
    const place = await begin(t);
    const client = await startClient({ library, address: place.at(50), port: place.port });
    t.after(() => client.close());
    const self = { type: 8, instance: 4194001 };
    const read = async (object, property) => (await client.read(place.full(1), object, property)).map((v) => v.value);
    assert.deepEqual(await read(self, OBJECT_NAME), ['Cellar gateway']);
    assert.deepEqual(await read(self, LOCATION), ['Cellar']);
    assert.deepEqual(await read(self, OBJECT_LIST), [{ type: 8, instance: 4194001 }]);
    const [services] = await read(self, SERVICES);
    assert.equal(services.bitsUsed, 40);
    await assert.rejects(read({ type: 0, instance: 1 }, PRESENT_VALUE), /Code: ?31|31/); // unknown-object
    await assert.rejects(read(self, PRESENT_VALUE), /32/); // unknown-property
  });
}

/** A raw Who-Is and whatever comes back within a moment. */
async function ask(place, from, frame, times = 1) {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
  const answers = [];
  socket.on('message', (message, info) => answers.push({ message, from: info.address }));
  await new Promise((resolve) => socket.bind(place.port, place.at(from), resolve));
  for (let i = 0; i < times; i++) socket.send(frame, place.port, place.at(1));
  await new Promise((resolve) => setTimeout(resolve, 500));
  socket.close();
  return answers;
}

test('I-Am goes to who asked, as often as he may ask', async (t) => {
  const place = await begin(t);
  const whoIs = Buffer.from('810a000801001008', 'hex');
  const [answer] = await ask(place, 60, whoIs);
  assert.equal(answer.from, place.at(1));
  // I-Am, device 4194001, 1476 bytes, segmentation both, vendor 0
  assert.equal(answer.message.subarray(6).toString('hex'), '1000c4023ffed12205c491002100');
  // a question to all of network 7 is not for us
  assert.deepEqual(await ask(place, 61, Buffer.from('810a000c0120000700ff1008', 'hex')), []);
  const many = await ask(place, 62, whoIs, 100);
  assert.ok(many.length > 0 && many.length <= 40, `${many.length} answers to 100 questions`);
});

test('the time is told in UTC, if that is switched on', async (t) => {
  // Linux gives what is sent to the broadcast address of loopback to every socket that is bound to it
  const port = 41000 + ((process.pid * 13) % 20000);
  const heard = [];
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (message) => heard.push(message));
  await new Promise((resolve) => socket.bind(port, '127.255.255.255', resolve));
  t.after(() => socket.close());
  const yaml = `version: 1\nsite: { id: t, name: Test }\ndrivers: { bacnet: { networks: { test: { interface: lo, address: 127.0.199.1/8, port: ${port}, time_sync: utc, time_sync_every: 60s } } } }\n`;
  const folder = makeFolder({ 'site.yaml': yaml });
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop();
    folder.remove();
  });
  // UTCTimeSynchronization: Date, Time
  const frame = await until('the time', () => heard.find((m) => m.toString('hex').includes('1009a4')), 20000);
  const data = frame.subarray(frame.indexOf(Buffer.from('1009a4', 'hex')) + 3);
  const told = Date.UTC(1900 + data[0], data[1] - 1, data[2], data[5], data[6], data[7], data[8] * 10);
  assert.equal(data[4], 0xb4);
  assert.ok(Math.abs(told - Date.now()) < 20000, `${new Date(told).toISOString()} is now`);
});
