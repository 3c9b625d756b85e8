// SPDX-License-Identifier: Apache-2.0
// BACnet against stacks that are not ours, both ways: node-bacnet and @bacnet-js/client as devices that a gateway
// polls, watches, writes and looks for; and as clients that read what `busbar sim` serves, beside the gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFolder, sleep, startGateway, startSim, until } from '../support/gateway.mjs';
import { enumerated, flags, libraries, Prop, real, startClient, startDevice, Tag, text, Type, unsigned } from './bacnet_peers.mjs';

let nets = 100;

/** Addresses of loopback that no other test has: a network of its own on a port of its own. */
function makeNet() {
  const n = nets++;
  const port = 41000 + ((process.pid * 7 + n) % 20000);
  return { port, at: (i) => `127.0.${n}.${i}`, full: (i) => `127.0.${n}.${i}:${port}`,
    drivers: `drivers: { bacnet: { networks: { test: { interface: lo, address: 127.0.${n}.1/8, port: ${port} } } } }\n` };
}

const head = 'version: 1\nsite: { id: t, name: Test }\n';

function site(net, devices) {
  let yaml = `${head}${net.drivers}devices:\n`;
  for (const [name, { settings, points, every = '300ms' }] of Object.entries(devices)) {
    const lines = Object.entries(points).map(([point, text_]) => `      ${point}: ${text_}\n`);
    yaml += `  ${name}:\n    every: ${every}\n    bacnet: { ${settings}, network: test }\n    points:\n${lines.join('')}`;
  }
  return yaml;
}

async function begin(t, yaml) {
  const folder = makeFolder({ 'site.yaml': yaml });
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop();
    folder.remove();
  });
  gateway.values = async (device = 'd1') => {
    const { points } = await gateway.get(`/api/v1/points?device=${device}&limit=1000`);
    return Object.fromEntries(points.map((point) => [point.path.split('/')[1], point]));
  };
  gateway.folder = folder;
  return gateway;
}

const good = (gateway, point) =>
  until(`${point} is good`, async () => {
    const seen = await gateway.point(point);
    return seen.quality === 'good' && seen;
  });

const shows = (gateway, point, value) =>
  until(`${point} is ${value}`, async () => {
    const seen = await gateway.point(point);
    return seen.quality === 'good' && seen.value === value && seen;
  });

const AI = (instance) => ({ type: Type.AI, instance });

/** One object of each datatype, with the point that reads it and what it must show. */
const kinds = [
  { name: 'real', type: Type.AI, value: real(21.5), point: '{ object: "AI:1" }', shows: 21.5 },
  { name: 'double', type: Type.LARGE, value: [{ type: Tag.DOUBLE, value: 1234.56789 }], point: '{ object: "large-analog-value:1" }', shows: 1234.56789 },
  { name: 'unsigned', type: Type.POSITIVE, value: unsigned(70000), point: '{ object: "positive-integer-value:1" }', shows: 70000 },
  { name: 'signed', type: Type.INTEGER, value: [{ type: Tag.SIGNED, value: -42 }], point: '{ object: "integer-value:1" }', shows: -42 },
  { name: 'binary', type: Type.BI, value: enumerated(1), point: '{ object: "BI:1", enum: [off, on] }', shows: true },
  { name: 'states', type: Type.MSV, value: unsigned(2), point: '{ object: "MSV:1", enum: { 1: off, 2: heat } }', shows: 2 },
  { name: 'text', type: Type.TEXT, value: text('Zürich'), point: '{ object: "characterstring-value:1" }', shows: 'Zürich' },
];

for (const library of Object.keys(libraries)) {
  test(`${library}: values of all types, read together`, async (t) => {
    const net = makeNet();
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, cov: false,
      objects: kinds.map((k) => ({ type: k.type, instance: 1,
        values: { [Prop.NAME]: text(k.name), [Prop.PRESENT]: k.value, [Prop.STATUS_FLAGS]: flags() } })) });
    t.after(() => device.stop());
    const points = Object.fromEntries(kinds.map((k) => [k.name, k.point]));
    const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}", cov: false`, points } }));
    const values = await until('all are good', async () => {
      const seen = await gateway.values();
      return Object.values(seen).every((p) => p.quality === 'good') && seen;
    });
    for (const k of kinds) {
      assert.equal(values[k.name].value, k.shows, k.name);
    }
    assert.ok(device.asked.many > 0, 'it is asked for many at once');
    assert.deepEqual(device.errors, []);
  });

  test(`${library}: a device without ReadPropertyMultiple is read one by one`, async (t) => {
    const net = makeNet();
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, rpm: false, cov: false,
      objects: [1, 2, 3].map((i) => ({ ...AI(i), values: { [Prop.PRESENT]: real(i), [Prop.STATUS_FLAGS]: flags() } })) });
    t.after(() => device.stop());
    const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`,
      points: { a: '{ object: "AI:1" }', b: '{ object: "AI:2" }', c: '{ object: "AI:3" }' } } }));
    await shows(gateway, 'd1/a', 1);
    await shows(gateway, 'd1/c', 3);
    assert.ok(device.asked.read >= 3);
  });

  test(`${library}: status flags and refusals become quality with a reason`, async (t) => {
    const net = makeNet();
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, cov: false,
      objects: [
        { ...AI(1), values: { [Prop.PRESENT]: real(1), [Prop.STATUS_FLAGS]: flags(0) } },
        { ...AI(2), values: { [Prop.PRESENT]: real(2), [Prop.STATUS_FLAGS]: flags(2) } }, // fault
        { ...AI(3), values: { [Prop.PRESENT]: real(3), [Prop.STATUS_FLAGS]: flags(8) } }, // out of service
      ] });
    t.after(() => device.stop());
    const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`,
      points: { fine: '{ object: "AI:1" }', fault: '{ object: "AI:2" }', out: '{ object: "AI:3" }', none: '{ object: "AI:4" }' } } }));
    await shows(gateway, 'd1/fine', 1);
    const values = await until('all were read', async () => {
      const seen = await gateway.values();
      return ['fault', 'out', 'none'].every((p) => seen[p].quality !== 'good' && !/not yet|not read/i.test(seen[p].reason)) && seen;
    });
    assert.notEqual(values.fault.quality, 'good');
    assert.match(values.out.reason, /service/);
    assert.equal(values.none.value, null);
    assert.match(`${values.none.reason} ${values.none.detail} ${JSON.stringify(values.none)}`, /unknown-object|no such object|refused/);
  });

  for (const confirmed of [true, false]) {
    test(`${library}: changes are pushed, ${confirmed ? 'confirmed' : 'unconfirmed'}`, async (t) => {
      const net = makeNet();
      const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001,
        objects: [{ ...AI(1), values: { [Prop.PRESENT]: real(20), [Prop.STATUS_FLAGS]: flags() } }] });
      t.after(() => device.stop());
      const gateway = await begin(t, site(net, { d1: { every: '60s',
        settings: `device: 2001, address: "${net.full(2)}", cov_confirmed: ${confirmed}`, points: { a: '{ object: "AI:1" }' } } }));
      await shows(gateway, 'd1/a', 20);
      await until('it is subscribed', () => device.subscriptions.length === 1);
      assert.equal(device.subscriptions[0].confirmed, confirmed);
      const count = () => device.asked.read + device.asked.many;
      let asked = -1;
      await until('what is read at the start was read', async () => {
        asked = count();
        await sleep(500);
        return count() === asked;
      });
      for (const value of [21.5, 22.25, 19]) {
        await device.set(AI(1), real(value)); // a confirmed one resolves when the gateway has it on disk
        await shows(gateway, 'd1/a', value);
      }
      assert.equal(count(), asked, 'nothing was polled for it');
      assert.deepEqual(device.errors, []);
    });
  }

  test(`${library}: a device that refuses COV is polled`, async (t) => {
    const net = makeNet();
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, cov: false,
      objects: [{ ...AI(1), values: { [Prop.PRESENT]: real(20), [Prop.STATUS_FLAGS]: flags() } }] });
    t.after(() => device.stop());
    const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`, points: { a: '{ object: "AI:1" }' } } }));
    await shows(gateway, 'd1/a', 20);
    device.set(AI(1), real(23), false);
    await shows(gateway, 'd1/a', 23);
  });

  test(`${library}: writes have a priority, are read back and released`, async (t) => {
    const net = makeNet();
    const id = { type: Type.AV, instance: 1 };
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, cov: false,
      objects: [
        { ...id, commandable: true, values: { [Prop.DEFAULT]: real(18), [Prop.STATUS_FLAGS]: flags() } },
        { ...AI(1), values: { [Prop.PRESENT]: real(1), [Prop.STATUS_FLAGS]: flags() } },
      ] });
    t.after(() => device.stop());
    const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`,
      points: { sp: '{ object: "AV:1", priority: 9, write: { min: 10, max: 30 } }' } } }));
    await shows(gateway, 'd1/sp', 18);
    const write = (body) => gateway.post('/api/v1/points/d1/sp/write', { confirmed: true, ...body });
    const answer = await write({ value: 21.5 });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.read_back, true);
    assert.equal(device.writes.at(-1).priority, 9);
    assert.deepEqual(device.objects.get('2:1').slots[8], { type: Tag.REAL, value: 21.5 });
    assert.equal((await write({ value: 31 })).status, 422);
    const released = await gateway.post('/api/v1/points/d1/sp/release', {});
    assert.equal(released.status, 200, JSON.stringify(released.body));
    assert.equal(device.writes.at(-1).value[0].type, Tag.NULL);
    await shows(gateway, 'd1/sp', 18);
  });

  test(`${library}: a device that goes away is silent, its neighbour is not, and it comes back`, async (t) => {
    const net = makeNet();
    const objects = [{ ...AI(1), values: { [Prop.PRESENT]: real(5), [Prop.STATUS_FLAGS]: flags() } }];
    let one = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, cov: false, objects });
    const two = await startDevice({ library, address: net.at(3), port: net.port, instance: 2002, cov: false, objects });
    t.after(() => {
      one.stop();
      two.stop();
    });
    const points = { a: '{ object: "AI:1" }' };
    const gateway = await begin(t, site(net, {
      d1: { settings: `device: 2001, address: "${net.full(2)}", timeout: 300ms, retries: 1`, points },
      d2: { settings: `device: 2002, address: "${net.full(3)}", timeout: 300ms, retries: 1`, points } }));
    await shows(gateway, 'd1/a', 5);
    await shows(gateway, 'd2/a', 5);
    one.stop();
    await until('d1 is silent', async () => (await gateway.point('d1/a')).quality === 'bad');
    two.set(AI(1), real(6), false);
    await shows(gateway, 'd2/a', 6);
    one = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, cov: false, objects });
    await shows(gateway, 'd1/a', 5);
  });

  test(`${library}: a device without an address is found by Who-Is`, async (t) => {
    const net = makeNet();
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2077, cov: false, broadcast: true,
      objects: [{ ...AI(1), values: { [Prop.PRESENT]: real(7), [Prop.STATUS_FLAGS]: flags() } }] });
    t.after(() => device.stop());
    const gateway = await begin(t, site(net, { d1: { settings: 'device: 2077', points: { a: '{ object: "AI:1" }' } } }));
    await shows(gateway, 'd1/a', 7);
  });

  test(`${library} as a client sees what the gateway shows of a simulated device`, async (t) => {
    const net = makeNet();
    const points = { sat: '{ object: "AI:1", units: degC }', sp: '{ object: "AV:1", units: degC, write: { min: 16, max: 26 } }',
      fan: '{ object: "BO:1", enum: [stopped, running], write: true }', mode: '{ object: "MSV:1", enum: { 1: off, 2: heat, 3: cool }, write: true }',
      label: '{ object: "characterstring-value:1" }' };
    const yaml = site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`, points },
      found: { settings: 'device: 2002', points: { a: '{ object: "AI:1" }' } } });
    const gateway = await begin(t, yaml);
    const sim = await startSim(gateway.folder.site);
    t.after(() => sim.stop());
    const client = await startClient({ library, address: net.at(50), port: net.port });
    t.after(() => client.close());
    await sim.control('set d1/sat 21.5');
    for (const point of Object.keys(points)) {
      await good(gateway, `d1/${point}`);
    }
    await shows(gateway, 'd1/sat', 21.5);
    const at = net.full(2);
    const values = await gateway.values();
    const seen = async (type, instance) => (await client.read(at, { type, instance }, Prop.PRESENT))[0].value;
    assert.equal(await seen(Type.AI, 1), values.sat.value);
    assert.equal(await seen(Type.AV, 1), values.sp.value);
    assert.equal(await seen(Type.BO, 1), values.fan.value ? 1 : 0);
    assert.equal(await seen(Type.MSV, 1), values.mode.value);
    assert.equal(await seen(Type.TEXT, 1), values.label.value);

    // the object list, whole and by index
    const list = await client.read(at, { type: Type.DEVICE, instance: 2001 }, Prop.LIST);
    const [count] = await client.read(at, { type: Type.DEVICE, instance: 2001 }, Prop.LIST, 0);
    assert.equal(count.value, list.length);
    assert.deepEqual((await client.read(at, { type: Type.DEVICE, instance: 2001 }, Prop.LIST, 1))[0].value, { type: 8, instance: 2001 });

    // an answer that needs several segments: all of all
    const everything = await client.readMany(at, list.map((o) => ({ objectId: o.value, properties: [{ id: Prop.ALL }] })));
    assert.equal(everything.length, list.length);
    const names = everything.map((o) => o.values.find((v) => v.id === Prop.NAME).value[0].value);
    assert.ok(names.includes('d1') && names.includes('sat') && names.includes('fan'), names.join());

    // priorities and their release
    const sp = { type: Type.AV, instance: 1 };
    await client.write(at, sp, Prop.PRESENT, real(22.5), 8);
    await shows(gateway, 'd1/sp', 22.5);
    const slots = await client.read(at, sp, Prop.PRIORITIES);
    assert.equal(slots.length, 16);
    assert.equal(slots[7].value, 22.5);
    await client.write(at, sp, Prop.PRESENT, [{ type: Tag.NULL, value: null }], 8);
    await shows(gateway, 'd1/sp', values.sp.value);

    // errors
    await assert.rejects(client.read(at, AI(99), Prop.PRESENT), /31|UNKNOWN_OBJECT/);
    await assert.rejects(client.read(at, AI(1), Prop.PRIORITIES), /32|UNKNOWN_PROPERTY/);
    await assert.rejects(client.write(at, AI(1), Prop.PRESENT, real(1), 8), /40|WRITE_ACCESS_DENIED/);
    await assert.rejects(client.write(at, sp, Prop.PRESENT, real(99), 8), /37|VALUE_OUT_OF_RANGE/);
  });

  test(`${library} as a client is told changes by a simulated device and finds it`, async (t) => {
    const net = makeNet();
    const yaml = site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`, points: { sat: '{ object: "AI:1", units: degC }' } },
      found: { settings: 'device: 2002', points: { a: '{ object: "AI:1" }' } } });
    const folder = makeFolder({ 'site.yaml': yaml });
    const sim = await startSim(folder.site);
    const client = await startClient({ library, address: net.at(50), port: net.port });
    t.after(async () => {
      client.close();
      await sim.stop();
      folder.remove();
    });
    const told = [];
    const devices = [];
    client.stack.on('covNotify', (message) => {
      told.push(message.payload);
      client.stack.simpleAckResponse(message.header.sender, 1, message.invokeId);
    });
    client.stack.on('covNotifyUnconfirmed', (message) => told.push(message.payload));
    client.stack.on('iAm', (message) => devices.push(message.payload.deviceId));
    await sim.control('set d1/sat 20');
    for (const [confirmed, process, value] of [[true, 7, 21], [false, 8, 22]]) {
      await client.subscribe(net.full(2), AI(1), process, { confirmed });
      await until('the first value', () => told.some((n) => n.subscriberProcessId === process));
      await sim.control(`set d1/sat ${value}`);
      const last = await until('the change', () => told.find((n) => n.subscriberProcessId === process && n.values[0].value[0].value === value));
      assert.deepEqual(last.monitoredObjectId, AI(1));
      assert.equal(last.initiatingDeviceId.instance, 2001);
      await client.subscribe(net.full(2), AI(1), process, { cancel: true });
    }
    told.length = 0;
    await sim.control('set d1/sat 25');
    await sleep(1200);
    assert.deepEqual(told, []);
    client.whoIs();
    await until('both are found', () => devices.includes(2001) && devices.includes(2002));
    devices.length = 0;
    client.whoIs(null, 2002, 2002);
    await until('one is found', () => devices.length > 0);
    assert.deepEqual([...new Set(devices)], [2002]);

    const log = await client.range(net.full(2), { type: Type.LOG, instance: 1 }, 1, 5);
    assert.equal(log.itemCount, 5);
    assert.ok(log.rangeBuffer.length > 50);
  });

  test(`${library}: an alarm that it confirms becomes an event, and is acknowledged`, async (t) => {
    const net = makeNet();
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2001, cov: false,
      objects: [{ ...AI(1), values: { [Prop.PRESENT]: real(31), [Prop.STATUS_FLAGS]: flags(1) } }] });
    t.after(() => device.stop());
    const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`, points: { a: '{ object: "AI:1" }' } } }));
    await shows(gateway, 'd1/a', 31);
    await device.confirmedEvent({ address: net.full(1) }, { processId: 1, initiatingObjectId: { type: Type.DEVICE, instance: 2001 },
      eventObjectId: AI(1), timeStamp: { type: 2, value: new Date() }, notificationClass: 1, priority: 30, eventType: 5,
      messageText: 'too warm', notifyType: 0, ackRequired: true, fromState: 0, toState: 3, outOfRangeExceedingValue: 31,
      outOfRangeStatusFlags: { value: [1], bitsUsed: 4 }, outOfRangeDeadband: 0.5, outOfRangeExceededLimit: 30 });
    // it is confirmed when it is on disk, so it is there
    const event = await until('the event', async () =>
      (await gateway.get('/api/v1/events?limit=100')).events.find((e) => e.source === 'd1/a'));
    assert.match(event.text, /too warm/);
    const said = JSON.stringify(event);
    assert.match(said, /high-limit/);
    const { status, body } = await gateway.post(`/api/v1/events/${event.id}/acknowledge`, { note: 'seen' });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(device.acknowledged.length, 1);
    const [ack] = device.acknowledged;
    assert.deepEqual(ack.objectId ?? ack.eventObjectId, AI(1));
    assert.equal(ack.eventState ?? ack.eventStateAcknowledged, 3);
  });

  test(`${library}: found on request, looked into, proposed as points`, async (t) => {
    const net = makeNet();
    const device = await startDevice({ library, address: net.at(2), port: net.port, instance: 2077, cov: false, broadcast: true,
      objects: [
        { ...AI(1), values: { [Prop.NAME]: text('SAT'), [Prop.PRESENT]: real(20.5), [Prop.STATUS_FLAGS]: flags(), [Prop.UNITS]: enumerated(62),
          [Prop.DESCRIPTION]: text('Supply air') } },
        { type: Type.MSV, instance: 1, commandable: true, values: { [Prop.NAME]: text('Mode'), [Prop.DEFAULT]: unsigned(2), [Prop.STATUS_FLAGS]: flags(),
          [Prop.STATES]: unsigned(2), [Prop.STATE_TEXT]: [...text('off'), ...text('heat')] } },
      ] });
    t.after(() => device.stop());
    const gateway = await begin(t, `${head}${net.drivers}`);
    const began = await gateway.post('/api/v1/discoveries', { protocol: 'bacnet', timeout_s: 3 });
    assert.equal(began.status, 202, JSON.stringify(began.body));
    const done = await until('the discovery ends', async () => {
      const seen = await gateway.get(`/api/v1/discoveries/${began.body.id}`);
      return seen.state !== 'running' && seen;
    });
    const find = done.finds.find((f) => f.id === '2077');
    assert.ok(find, JSON.stringify(done));
    assert.equal(find.name, 'peer 2077');
    assert.equal(find.state, 'new');
    const browse = await gateway.post('/api/v1/browses', { find: find.find });
    assert.equal(browse.status, 202, JSON.stringify(browse.body));
    const seen = await until('the browse ends', async () => {
      const at = await gateway.get(`/api/v1/browses/${browse.body.id}?limit=500`);
      return at.state !== 'running' && at;
    });
    assert.equal(seen.state, 'done', JSON.stringify(seen));
    const sat = seen.nodes.find((n) => n.id === 'analog-input:1');
    assert.equal(sat.name, 'SAT');
    assert.equal(sat.description, 'Supply air');
    assert.equal(sat.units, 'degC');
    assert.equal(sat.value, 20.5);
    const mode = seen.nodes.find((n) => n.id === 'multi-state-value:1');
    assert.deepEqual(mode.enum.map((e) => e.name), ['off', 'heat']);
    const yaml = await (await fetch(`${gateway.url}/api/v1/browses/${browse.body.id}/yaml?name=peer`)).text();
    gateway.folder.write('peer.yaml', yaml);
    const applied = await gateway.post('/api/v1/config/apply', {});
    assert.equal(applied.status, 200, JSON.stringify(applied.body));
    const values = await until('its points are good', async () => {
      const points = Object.values(await gateway.values('peer'));
      return points.length >= 2 && points.every((p) => p.quality === 'good') && points;
    });
    assert.ok(values.some((p) => p.value === 20.5), JSON.stringify(values));
  });
}

test('an alarm of a simulated device: enrolled for, an event, acknowledged, back to normal', async (t) => {
  const net = makeNet();
  const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}", alarms: enrol`,
    points: { a: '{ object: "AI:1", units: degC }' } } }));
  const sim = await startSim(gateway.folder.site);
  t.after(() => sim.stop());
  const client = await startClient({ library: '@bacnet-js/client', address: net.at(50), port: net.port });
  t.after(() => client.close());
  await sim.control('set d1/a 21');
  await shows(gateway, 'd1/a', 21);
  await until('it is enrolled', async () => (await client.read(net.full(2), { type: Type.CLASS, instance: 1 }, 102)).length > 0);
  await sim.control('set d1/a 60');
  const events = async () => (await gateway.get('/api/v1/events?limit=100')).events;
  const event = await until('the alarm', async () => (await events()).find((e) => e.source === 'd1/a' && /high/.test(JSON.stringify(e))));
  const { status, body } = await gateway.post(`/api/v1/events/${event.id}/acknowledge`, { note: 'seen' });
  assert.equal(status, 200, JSON.stringify(body));
  const [acked] = await client.read(net.full(2), AI(1), 0); // acked-transitions
  assert.equal(acked.value.value[0] & 7, 7);
  await sim.control('set d1/a 21');
  await until('back to normal', async () => (await events()).find((e) => e.source === 'd1/a' && e.kind === 'normal'));
});

test('a trend log fills the past of a point, at its own times', async (t) => {
  const net = makeNet();
  const gateway = await begin(t, site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}", trend_every: 60s`,
    points: { a: '{ object: "AI:1", units: degC, trend_log: "trend-log:1" }', b: '{ object: "AI:2", units: degC, trend_log: auto }' } } }));
  const sim = await startSim(gateway.folder.site);
  t.after(() => sim.stop());
  for (const point of ['a', 'b']) {
    const past = await until(`the past of ${point}`, async () => {
      const { samples } = await gateway.get(`/api/v1/samples/d1/${point}?from=-24h&to=-2m&limit=10000`);
      return samples.length > 100 && samples;
    }, 60000);
    for (const [time, value] of past) {
      assert.equal(Date.parse(time) % 60000, 0, `${time} is on the minute`);
      assert.ok(value > 10 && value < 35, `${value}`);
    }
  }
});
