// SPDX-License-Identifier: Apache-2.0
// Alarms of BACnet devices end to end: notifications of other people's stacks and of `busbar sim` become events in the
// journal, once, over kill -9 too; a person's acknowledgement reaches the device; who is not the device is not believed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFolder, sleep, startGateway, startSim, until } from '../support/gateway.mjs';
import { enumerated, flags, libraries, Prop, real, startDevice, text, Type } from './bacnet_peers.mjs';

let nets = 180;

function makeNet() {
  const n = nets++;
  const port = 41000 + ((process.pid * 7 + n) % 20000);
  return { at: (i) => `127.0.${n}.${i}`, full: (i) => `127.0.${n}.${i}:${port}`, port,
    drivers: `drivers: { bacnet: { networks: { test: { interface: lo, address: 127.0.${n}.1/8, port: ${port} } } } }\n` };
}

const site = (net, settings) => `version: 1\n${net.drivers}devices:\n  d1:\n    every: 1s\n`
  + `    bacnet: { device: 2001, address: "${net.full(2)}", network: test${settings} }\n`
  + '    points:\n      t: { object: "AI:1", units: degC }\n';

function begin(t, yaml) {
  const folder = makeFolder({ 'site.yaml': yaml });
  const place = { gateway: undefined,
    start: async () => (place.gateway = await startGateway({ config: folder.site, data: folder.data })) };
  t.after(async () => {
    await place.gateway?.stop();
    folder.remove();
  });
  place.folder = folder;
  place.events = async (query = '') => (await place.gateway.get(`/api/v1/events${query}`)).events;
  place.up = () => until('d1 is up', async () => (await place.gateway.get('/api/v1/devices/d1')).link === 'up');
  return place;
}

/** A simulator whose d1/t stands still in the middle: a living value leaves its limits by itself now and then, by the time of day. */
async function startQuiet(t, place) {
  const sim = await startSim(place.folder.site);
  t.after(() => sim.stop());
  assert.equal((await sim.control('set d1/t 20.5')).trim(), 'ok'); // before anybody enrols, or asks for its state
  return sim;
}

const notice = (fields = {}) => ({
  processId: 1, initiatingObjectId: { type: Type.DEVICE, instance: 2001 }, eventObjectId: { type: Type.AI, instance: 1 },
  timeStamp: { type: 2, value: new Date() }, notificationClass: 4, priority: 30, eventType: 5, messageText: 'Zuluft zu heiß',
  notifyType: 0, ackRequired: true, fromState: 0, toState: 3, outOfRangeExceedingValue: 31.5,
  outOfRangeStatusFlags: { bitsUsed: 4, value: [1] }, outOfRangeDeadband: 1, outOfRangeExceededLimit: 28, ...fields });

/** node-bacnet counts months from 0 where BACnet counts from 1. */
function stampOf(library, date) {
  const value = new Date(date);
  if (library === 'node-bacnet') {
    value.setMonth(value.getMonth() + 1);
  }
  return { type: 2, value };
}

const argument = (event, name) => event.arguments.find((one) => one.name === name)?.value;

for (const library of Object.keys(libraries)) {
  test(`${library}: a confirmed notification is answered when its event is kept, and acknowledged`, async (t) => {
    const net = makeNet();
    const object = { type: Type.AI, instance: 1,
      values: { [Prop.NAME]: text('SAT'), [Prop.PRESENT]: real(31.5), [Prop.STATUS_FLAGS]: flags() } };
    const options = { library, port: net.port, instance: 2001, cov: false, objects: [object] };
    const device = await startDevice({ ...options, address: net.at(2) });
    t.after(() => device.stop());
    const place = begin(t, site(net, ''));
    await place.start();
    await place.up();
    const gatewayAt = { address: net.full(1) };
    const now = new Date();
    const first = notice({ timeStamp: stampOf(library, now) });
    await device.confirmedEvent(gatewayAt, first); // resolves with the SimpleACK
    const [event] = await until('the event is in the journal', async () => {
      const events = await place.events();
      return events.length > 0 && events;
    });
    assert.equal(event.source, 'd1/t');
    assert.equal(event.kind, 'alarm');
    assert.equal(event.severity, 'critical');
    assert.equal(event.text, 'Zuluft zu heiß');
    assert.equal(event.ack, 'unacked');
    assert.equal(argument(event, 'exceeding-value'), 31.5);
    assert.equal(argument(event, 'to-state'), 'high-limit');
    assert.ok(Math.abs(Date.parse(event.time) - now) < 2000, event.time);
    await device.confirmedEvent(gatewayAt, first); // it did not hear the answer: answered, and not kept again
    await device.confirmedEvent(gatewayAt, notice({ timeStamp: stampOf(library, new Date(Date.now() + 5000)),
      toState: 1, fromState: 3, messageText: '' }));
    const events = await until('two events', async () => {
      const all = await place.events();
      return all.length >= 2 && all;
    });
    assert.equal(events.length, 2);
    assert.equal(events[0].kind, 'fault');
    assert.match(events[0].text, /high-limit -> fault/);
    assert.equal(events[1].ack, 'passed');
    const answer = await place.gateway.post(`/api/v1/events/${events[0].id}/acknowledge`, { note: 'on my way' });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.ack, 'acked');
    // both transitions waited: each is acknowledged with its own state and time
    assert.equal(device.acknowledged.length, 2);
    assert.deepEqual(device.acknowledged.map((one) => one.eventStateAcknowledged).sort(), [1, 3]);
    assert.match(JSON.stringify(device.acknowledged[0]), /on my way/);
    assert.deepEqual(device.errors, []);
  });

  test(`${library}: who is at another address, or is not configured, is not believed`, async (t) => {
    const net = makeNet();
    const options = { library, port: net.port, cov: false,
      objects: [{ type: Type.AI, instance: 1, values: { [Prop.PRESENT]: real(1), [Prop.UNITS]: enumerated(62) } }] };
    const device = await startDevice({ ...options, instance: 2001, address: net.at(2) });
    const other = await startDevice({ ...options, instance: 2002, address: net.at(3) });
    t.after(async () => {
      await device.stop();
      await other.stop();
    });
    const place = begin(t, site(net, ''));
    await place.start();
    await place.up();
    const gatewayAt = { address: net.full(1) };
    await assert.rejects(other.confirmedEvent(gatewayAt, notice())); // says that it is 2001
    await assert.rejects(other.confirmedEvent(gatewayAt, notice({ initiatingObjectId: { type: Type.DEVICE, instance: 2002 } })));
    await device.confirmedEvent(gatewayAt, notice());
    await until('the true one is there', async () => (await place.events()).length === 1);
    const { bad_frames } = await place.gateway.get('/api/v1/devices/d1');
    assert.ok(bad_frames >= 1);
  });
}

test('simulator: enrolment, alarm, acknowledgement, back to normal; nothing twice over kill -9', async (t) => {
  const net = makeNet();
  const place = begin(t, site(net, ', alarms: enrol'));
  const sim = await startQuiet(t, place);
  await place.start();
  await until('enrolled', () => /enrolled in notification class 1/.test(place.gateway.output));
  await sim.control('set d1/t 600');
  const [alarm] = await until('the alarm', async () => {
    const events = await place.events('?unacked=1');
    return events.length > 0 && events;
  });
  assert.equal(alarm.source, 'd1/t');
  assert.equal(alarm.kind, 'alarm');
  const acked = await place.gateway.post(`/api/v1/events/${alarm.id}/acknowledge`, {});
  assert.equal(acked.status, 200, JSON.stringify(acked.body));
  await until('the device tells that it was acknowledged', async () => (await place.events('?kind=acknowledged')).length === 1);
  const before = await place.events();
  await place.gateway.stop('SIGKILL');
  await place.start();
  await place.up();
  await sleep(1500); // what stands is asked for
  assert.deepEqual((await place.events()).map(({ id }) => id), before.map(({ id }) => id));
  await place.gateway.stop('SIGKILL');
  await sim.control('set d1/t 0'); // while nobody listens: over the high limit, then under the low one
  await place.start();
  const standing = await until('what stands is known', async () => {
    const events = await place.events();
    return events.length > before.length && events[0];
  });
  assert.equal(argument(standing, 'standing'), true);
  assert.equal(standing.source, 'd1/t');
  assert.ok(standing.latest);
  const again = await place.gateway.post(`/api/v1/events/${standing.id}/acknowledge`, { note: 'seen' });
  assert.equal(again.status, 200, JSON.stringify(again.body));
});

test('simulator: what the device refuses is said, and stays open', async (t) => {
  const net = makeNet();
  const place = begin(t, site(net, ', alarms: enrol'));
  const sim = await startQuiet(t, place);
  await place.start();
  await until('enrolled', () => /enrolled in notification class 1/.test(place.gateway.output));
  await sim.control('set d1/t 600');
  const [alarm] = await until('the alarm', async () => {
    const events = await place.events('?unacked=1');
    return events.length > 0 && events;
  });
  await sim.control('d1=error:2');
  const refused = await place.gateway.post(`/api/v1/events/${alarm.id}/acknowledge`, {});
  assert.equal(refused.status, 502, JSON.stringify(refused.body));
  assert.match(refused.body.error.message, /refused/);
  const [open] = await place.events('?unacked=1');
  assert.equal(open.id, alarm.id);
  assert.match(open.acknowledged.result, /refused/);
});

test('command line: list, watch, show, acknowledge; exit codes', async (t) => {
  const net = makeNet();
  const place = begin(t, site(net, ', alarms: enrol'));
  const sim = await startQuiet(t, place);
  const { cli } = await place.start();
  await until('enrolled', () => /enrolled in notification class 1/.test(place.gateway.output));
  const none = await cli(['event', 'list', '--unacked']);
  assert.equal(none.code, 0);
  assert.equal(none.stdout, '');
  assert.match(none.stderr, /nothing waits for an acknowledgement/);
  assert.equal((await cli(['event', 'list', '--json'])).stdout.trim(), '[]');
  const watch = cli(['event', 'watch', '--severity', 'high', '--count', '1', '--json=kind,source,ack']);
  await sleep(500);
  await sim.control('set d1/t 600');
  assert.deepEqual(JSON.parse((await watch).stdout), { kind: 'alarm', source: 'd1/t', ack: 'unacked' });
  const [row] = JSON.parse((await cli(['event', 'list', 'd1/*', '--from', '-1h', '--kind', 'alarm', '--json'])).stdout);
  assert.equal(row.source, 'd1/t');
  const csv = await cli(['event', 'list', '--csv']);
  assert.match(csv.stdout, /^id,time,severity,kind,source,text,ack\r?\n1,/i);
  const shown = await cli(['event', 'show', String(row.id)]);
  assert.match(shown.stdout, /exceeding-value +600\n/);
  assert.match(shown.stdout, /acknowledgement +unacked/);
  await sim.control('d1=error:2');
  assert.equal((await cli(['event', 'ack', String(row.id)])).code, 7);
  await sim.control('d1=none');
  const done = await cli(['event', 'ack', String(row.id), '--note', 'on my way']);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /d1\/t {2}acknowledged/);
  assert.equal((await cli(['event', 'ack', String(row.id)])).code, 1);
  assert.equal((await cli(['event', 'show', '4711'])).code, 5);
  assert.equal((await cli(['event', 'show', 'x'])).code, 2);
  assert.equal((await cli(['event', 'list', '--severity', 'loud'])).code, 2);
  const { entries } = await place.gateway.get('/api/v1/journal?what=acknowledge');
  assert.equal(entries.length, 2);
  assert.equal(entries[0].new, 'on my way');
});
