// SPDX-License-Identifier: Apache-2.0
// The Eclipse Tahu sparkplug-client as edge nodes behind a mosquitto: births, aliases, data, deaths, restarts, rebirths, commands.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { makeFolder, repeat, sleep, until } from '../support/gateway.mjs';
import { begin, head, speaker, startBroker } from './mqtt_peers.mjs';

const require = createRequire(import.meta.url);
const sparkplug = require('sparkplug-client');
const codec = require('sparkplug-payload').get('spBv1.0');

let files;
let broker;

before(async () => {
  files = makeFolder({});
  broker = await startBroker(files.folder);
});

after(async () => {
  await broker.stop();
  files.remove();
});

const metric = (name, value, type = 'Float', more = {}) => ({ name, value, type, timestamp: Date.now(), ...more });

/** An edge node with a device; metrics() gives those of its births. Restart: end() and startEdge() again. */
async function startEdge(t, group, node, { device = 'boiler-7', metrics, nodeMetrics = () => [] }) {
  const client = sparkplug.newClient({ serverUrl: broker.url, username: '', password: '', groupId: group, edgeNode: node,
    clientId: `${node}-${Math.random()}`, version: 'spBv1.0', publishDeath: true });
  const edge = { client, births: 0, commands: [] };
  const birth = () => {
    client.publishNodeBirth({ timestamp: Date.now(), metrics: [metric('Node Control/Rebirth', false, 'Boolean'), ...nodeMetrics()] });
    client.publishDeviceBirth(device, { timestamp: Date.now(), metrics: metrics() });
    edge.births++;
  };
  client.on('birth', birth);
  client.on('ncmd', (payload) => {
    if (payload.metrics?.some((one) => one.name === 'Node Control/Rebirth' && one.value)) {
      birth();
    }
  });
  client.on('dcmd', (id, payload) => {
    edge.commands.push(...payload.metrics);
    client.publishDeviceData(id, { timestamp: Date.now(), metrics: payload.metrics.map(({ name, value, type }) => metric(name, value, type)) });
  });
  edge.data = (list) => client.publishDeviceData(device, { timestamp: Date.now(), metrics: list });
  edge.death = () => client.publishDeviceDeath(device, { timestamp: Date.now() });
  edge.end = () => {
    client.stop();
    return sleep(200);
  };
  t.after(() => edge.end());
  await until('its birth', () => edge.births > 0);
  return edge;
}

const site = (devices, more = '') => `${head}drivers: { mqtt: { brokers: { b: { url: "${broker.url}"${more} } } } }\ndevices:\n` +
  Object.entries(devices).map(([name, { place, points }]) => `  ${name}:\n    mqtt: { broker: b, sparkplug: "${place}" }\n    points:\n` +
    Object.entries(points).map(([point, of]) => `      ${point}: ${of}\n`).join('')).join('');

const boiler = { t: '{ metric: "Temps/Supply", units: degC }', on: '{ metric: On, write: true }', n: '{ metric: Count }', name: '{ metric: Name }' };
const all = () => [metric('Temps/Supply', 61.5), metric('On', true, 'Boolean'), metric('Count', 12, 'Int32'), metric('Name', 'B7', 'String')];

test('values of births and of data; a gateway that comes later asks for the births', async (t) => {
  const edge = await startEdge(t, 'Plant', 'Edge1', { metrics: all });
  const rig = await begin(t, site({ d1: { place: 'Plant/Edge1/boiler-7', points: boiler } }));
  await rig.shows('d1/t', 61.5);
  await rig.shows('d1/on', true);
  await rig.shows('d1/n', 12);
  await rig.shows('d1/name', 'B7');
  assert.ok(edge.births >= 2, 'it was asked for its births');
  edge.data([metric('Temps/Supply', 62.25), metric('Count', 13, 'Int32')]);
  await rig.shows('d1/t', 62.25);
  await rig.shows('d1/n', 13);
  await rig.shows('d1/on', true);
});

test('aliases: data without names are those of the birth, also after the gateway was killed', async (t) => {
  const metrics = () => [metric('Temps/Supply', 1, 'Float', { alias: 7 }), metric('Count', 5, 'Int32', { alias: 8 }), metric('On', false, 'Boolean', { alias: 9 }), metric('Name', 'x', 'String', { alias: 10 })];
  const edge = await startEdge(t, 'Plant', 'Edge2', { metrics });
  const rig = await begin(t, site({ d1: { place: 'Plant/Edge2/boiler-7', points: boiler } }));
  await rig.shows('d1/n', 5);
  edge.data([{ alias: 7, value: 2.5, type: 'Float', timestamp: Date.now() }]);
  await rig.shows('d1/t', 2.5);
  await rig.kill();
  await rig.start();
  await rig.shows('d1/n', 5); // from the rebirth
  edge.data([{ alias: 8, value: 6, type: 'Int32', timestamp: Date.now() }]);
  await rig.shows('d1/n', 6);
});

test('deaths of device and node turn points bad, births make them good', async (t) => {
  const edge = await startEdge(t, 'Plant', 'Edge3', { metrics: all, nodeMetrics: () => [metric('Load', 0.5)] });
  const rig = await begin(t, site({
    d1: { place: 'Plant/Edge3/boiler-7', points: boiler },
    node: { place: 'Plant/Edge3', points: { load: '{ metric: Load }' } },
  }));
  await rig.shows('d1/t', 61.5);
  await rig.shows('node/load', 0.5);
  edge.death();
  await rig.bad('d1/t', /link down/);
  await rig.shows('node/load', 0.5);
  edge.client.publishDeviceBirth('boiler-7', { timestamp: Date.now(), metrics: all() });
  await rig.shows('d1/t', 61.5);
  await edge.end();
  await rig.bad('d1/t', /link down/);
  await rig.bad('node/load', /link down/);
  await rig.link('d1', /not said that it is there/);
  await startEdge(t, 'Plant', 'Edge3', { metrics: all, nodeMetrics: () => [metric('Load', 0.75)] });
  await rig.shows('node/load', 0.75);
  await rig.shows('d1/t', 61.5);
});

test('a write is a command to the device, confirmed by its next data', async (t) => {
  const edge = await startEdge(t, 'Plant', 'Edge4', { metrics: all });
  const rig = await begin(t, site({ d1: { place: 'Plant/Edge4/boiler-7', points: { ...boiler, none: '{ metric: None, write: true }' } } }));
  await rig.shows('d1/on', true);
  const wrote = await rig.write('d1/on', false);
  assert.equal(wrote.status, 200, JSON.stringify(wrote.body));
  await rig.shows('d1/on', false);
  assert.equal(edge.commands[0].name, 'On');
  assert.equal(edge.commands[0].value, false);
  const refused = await rig.write('d1/none', 1);
  assert.notEqual(refused.status, 200);
  assert.match(JSON.stringify(refused.body), /birth/);
});

test('historical values keep their time; bad quality is bad', async (t) => {
  const edge = await startEdge(t, 'Plant', 'Edge5', { metrics: all });
  const rig = await begin(t, site({ d1: { place: 'Plant/Edge5/boiler-7', points: boiler } }));
  await rig.shows('d1/n', 12);
  const then = Date.now() - 600e3;
  edge.data([{ name: 'Count', value: 3, type: 'Int32', isHistorical: true, timestamp: then }]);
  await until('it is stored with its time', async () => (await rig.samples('d1/n')).some(([time, value]) => value === 3 && Math.abs(Date.parse(time) - then) < 2));
  assert.equal((await rig.point('d1/n')).value, 12);
});

test('a host application says that it is online, and its will that it is not', async (t) => {
  await startEdge(t, 'Plant', 'Edge6', { metrics: all });
  const listener = await speaker(t, broker, { listen: ['spBv1.0/STATE/hq'] });
  const rig = await begin(t, site({ d1: { place: 'Plant/Edge6/boiler-7', points: boiler } }, ', sparkplug_host: hq, keep_alive: 2s'));
  const last = () => JSON.parse(listener.heard.at(-1)?.text ?? '{}');
  await until('online', () => last().online === true);
  await rig.shows('d1/t', 61.5);
  await rig.kill();
  await until('offline', () => last().online === false, 30000);
});

test('messages that are no Sparkplug payload are refused with why', async (t) => {
  const edge = await startEdge(t, 'Plant', 'Edge7', { metrics: all });
  const device = await speaker(t, broker);
  const rig = await begin(t, site({ d1: { place: 'Plant/Edge7/boiler-7', points: boiler } }));
  await rig.shows('d1/n', 12);
  await device.say('spBv1.0/Plant/DDATA/Edge7/boiler-7', Buffer.from([0xff, 0xff, 0xff]));
  await until('it is told', async () => /Edge7/.test(await rig.ok('drivers', 'mqtt', '--refused')));
  edge.data([metric('Count', 14, 'Int32')]);
  await rig.shows('d1/n', 14, 30000);
  assert.ok(codec.decodePayload);
});

test('a node that is found is browsed by its births; what is proposed works', async (t) => {
  await startEdge(t, 'Plant', 'Edge8', { metrics: all });
  const rig = await begin(t, `${head}drivers: { mqtt: { brokers: { b: { url: "${broker.url}" } } } }\n`);
  const device = await speaker(t, broker);
  const quiet = repeat(300, () => device.say('spBv1.0/Plant/NCMD/Edge8', codec.encodePayload({ timestamp: Date.now(), metrics: [metric('Node Control/Rebirth', true, 'Boolean')] }), { qos: 0 }));
  const found = await rig.ok('discover', 'mqtt', 'b', '--wait', '2s', '--topic', 'spBv1.0/#', '--json').finally(quiet);
  const finds = JSON.parse(found);
  const find = finds.find((one) => one.settings.includes('Plant/Edge8/boiler-7'));
  const yaml = await rig.ok('device', 'browse', '--find', String(find.find), '--yaml');
  assert.match(yaml, /metric: "Temps\/Supply"/);
  rig.folder.write('found.yaml', yaml.split('\n').filter((line) => line.startsWith('  ') || line.startsWith('devices')).join('\n'));
  await rig.ok('config', 'apply');
  const { points } = await until('its points are good', async () => {
    const seen = await rig.gateway.get('/api/v1/points?limit=100');
    return seen.points.length > 0 && seen.points.every((point) => point.quality === 'good') && seen;
  });
  assert.equal(points.find((point) => point.path.endsWith('/temps-supply')).value, 61.5);
});
