// SPDX-License-Identifier: Apache-2.0
// `busbar sim` as devices that speak first, over MQTT, HTTP, TCP and UDP: what they say is believed, what is written to them
// they do, events come, and each fault shows as it should. With mosquitto in between where it is the broker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, makeFolder, sleep, start, startGateway, startSim, until } from '../support/gateway.mjs';

const ports = async (count) => Promise.all(Array.from({ length: count }, () => freePort()));

function site([mqtt, http, page, tcp, panel, udp]) {
  return `version: 1
site: { id: t, name: T }
defaults: { every: 1s, timeout: 1s, retries: 0 }
drivers:
  mqtt: { brokers: { b: { url: "mqtt://127.0.0.1:${mqtt}", qos: 1 } } }
  http: { listen: "127.0.0.1:${http}" }
  tcp:
    listeners:
      lines: { listen: "127.0.0.1:${tcp}", ack: "OK {id}\\r\\n" }
      datagrams: { listen: "127.0.0.1:${udp}", transport: udp }
connectors:
  c: { open: true, allow: 127.0.0.1 }
devices:
  room: { mqtt: { broker: b, topic: "rooms/{id}" }, points: { t: { json: $.t, units: degC, stale_after: 5s }, sp: { json: $.sp, send_topic: ~/set, send: '{"sp": {value}}', write: { min: 0, max: 90 } } } }
  node: { mqtt: { broker: b, sparkplug: "G/E/node" }, points: { t: { metric: "T/a", units: degC }, sp: { metric: Sp, write: { min: 0, max: 90 } } } }
  meter: { http: { connector: c, time: "json $.ts" }, points: { p: { json: $.ac.p, units: W } } }
  page: { http: { url: "http://127.0.0.1:${page}/status" }, points: { p: { json: $.p, units: W }, sp: { json: $.sp, send: '{"sp": {value}}', send_url: /sp, send_method: PUT, write: { min: 0, max: 90 } } } }
  scale: { tcp: { listener: lines, id_from: 'match ^(\\w+);', separator: ";" }, points: { w: { csv: 2 } } }
  panel:
    tcp: { connect: "127.0.0.1:${panel}", timeout: 1s }
    points: { z: { match: '^Z=(OK|ALARM)$', enum: { 0: OK, 1: ALARM } }, t: { ask: "T?\\r\\n", match: '^T=(.*)$', send: "T={value}\\r\\n", answer: '^DONE$', write: { min: 0, max: 90 } } }
    events: { door: { match: '^DOOR (?<n>\\d) (?<what>OPEN|SHUT)$', text: "door {n} {what}" } }
  logger: { tcp: { listener: datagrams, id_from: key id }, points: { w: { key: w, units: m/s } } }
`;
}

async function begin(t, { broker = null, args = [] } = {}) {
  const own = await ports(6);
  own[0] = broker ?? own[0];
  const folder = makeFolder({ 'site.yaml': site(own) });
  const sim = await startSim(folder.site, args);
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop();
    await sim.stop();
    folder.remove();
  });
  const points = async () => (await gateway.get('/api/v1/points?limit=100')).points;
  const goods = () => until('all points are good', async () => (await points()).every((p) => p.quality === 'good'), 30000);
  const value = async (path) => (await points()).find((p) => p.path === path);
  const shows = (path, wanted) => until(`${path} is ${wanted}`, async () => (await value(path)).value === wanted);
  await goods();
  return { sim, gateway, goods, value, shows };
}

test('all of them are believed, obey, and tell events', { timeout: 90000 }, async (t) => {
  const { sim, gateway, value, shows } = await begin(t);
  for (const path of ['room/sp', 'node/sp', 'page/sp', 'panel/t']) {
    const written = await gateway.cli(['point', 'write', path, '42', '--yes']);
    assert.equal(written.code, 0, `${path}: ${written.stdout}${written.stderr}`);
    await shows(path, 42);
  }
  assert.match(await sim.control('set room/t 33.5'), /ok/);
  await shows('room/t', 33.5);
  await sim.control('set panel/z ALARM');
  await shows('panel/z', 1);
  assert.match(await sim.control('trap panel door'), /ok/);
  const event = await until('the event', async () => (await gateway.get('/api/v1/events?limit=20')).events.find((e) => e.kind === 'door'));
  assert.match(event.text, /^door \d (OPEN|SHUT)$/);
  assert.match(await sim.control('trap panel nothing'), /error: 'panel' has no event 'nothing'/);
  assert.match(await sim.control('told scale'), /told \d+, acknowledged [1-9]/);
  assert.match(await sim.control('told meter'), /taken [1-9]\d*, refused 0/);
  assert.match(await sim.control('told room'), /1 clients, \d+ sent, [1-9]\d* acknowledged/);
  assert.equal((await value('meter/p')).quality, 'good');
});

test('faults show as what they are', { timeout: 120000 }, async (t) => {
  const { sim, gateway, goods, value } = await begin(t);
  const bad = (path) => until(`${path} is not good`, async () => (await value(path)).quality !== 'good', 30000);
  const refused = async (protocol) => (await gateway.get(`/api/v1/drivers/${protocol}/messages`)).refused;
  for (const device of ['page', 'panel']) { // of which an answer is waited for
    await sim.control(`${device}=silence`);
    await bad(device === 'page' ? 'page/p' : 'panel/t');
    await sim.control(`${device}=none`);
    await goods();
  }
  await sim.control('room=silence');
  await bad('room/t'); // stale
  await sim.control('room=none');
  await goods();
  for (const device of ['room', 'panel', 'page']) {
    await sim.control(`${device}=down`);
    await bad(device === 'room' ? 'room/t' : device === 'panel' ? 'panel/z' : 'page/p');
    await sim.control(`${device}=none`);
    await goods();
  }
  for (const [device, protocol] of [['room', 'mqtt'], ['meter', 'http']]) {
    const before = await refused(protocol);
    await sim.control(`${device}=truncate`);
    await until(`half messages of ${device} are refused`, async () => (await refused(protocol)) > before);
    await sim.control(`${device}=none`);
  }
  await sim.control('meter=duplicate');
  await sleep(1500);
  await sim.control('meter=none');
  await goods();
  assert.match(await sim.control('room=exception:2'), /is no fault of a mqtt device/);
});

test('where a broker is there, it is published into that', { timeout: 90000 }, async (t) => {
  const port = await freePort();
  const mosquitto = start('mosquitto', ['-p', String(port)]);
  t.after(() => mosquitto.stop());
  await until('mosquitto listens', () => /mosquitto version .* running/.test(mosquitto.output));
  const { sim, gateway, shows } = await begin(t, { broker: port });
  assert.match(sim.output, /room +mqtt:\/\/127\.0\.0\.1:\d+ into rooms\/room/);
  assert.equal((await gateway.cli(['point', 'write', 'room/sp', '17', '--yes'])).code, 0);
  await shows('room/sp', 17);
  assert.equal((await gateway.cli(['point', 'write', 'node/sp', '18', '--yes'])).code, 0);
  await shows('node/sp', 18);
});
