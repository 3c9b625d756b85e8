// SPDX-License-Identifier: Apache-2.0
// Who speaks at a broker: topics become devices with points, announcements of Home Assistant's convention bring units and
// commands, Sparkplug nodes are found by their births; what is proposed works when it is applied.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { makeFolder, repeat, until } from '../support/gateway.mjs';
import { begin, connect, head, startBroker } from './mqtt_peers.mjs';

const codec = createRequire(import.meta.url)('sparkplug-payload').get('spBv1.0');
let files;
let broker;
let device;
let quiet;

before(async () => {
  files = makeFolder({});
  broker = await startBroker(files.folder);
  device = await connect(broker, { listen: ['zigbee2mqtt/plug-9/set'] });
  const announce = (kind, object, of) => device.say(`homeassistant/${kind}/0x01/${object}/config`, { ...of, dev: { ids: ['z2m_0x01'], name: 'Plug 9', mf: 'Acme', mdl: 'SP-1', sw: '1.2' } }, { retain: true });
  await announce('sensor', 'power', { name: 'Power', stat_t: 'zigbee2mqtt/plug-9', val_tpl: '{{ value_json.power }}', unit_of_meas: 'W', uniq_id: 'p9_power' });
  await announce('switch', 'switch', { name: 'Switch', '~': 'zigbee2mqtt/plug-9', stat_t: '~', cmd_t: '~/set', val_tpl: '{{ value_json.state }}', uniq_id: 'p9_switch' });
  const say = async () => {
    await device.say('zigbee2mqtt/plug-9', { power: 21.5, state: 'ON', linkquality: 80 });
    await device.say('zigbee2mqtt/room-12', { co2: 640, temperature: 22.1, battery: 88 });
    await device.say('tele/plug-1/SENSOR', { ENERGY: { Power: 17, Total: 2.25 } });
    await device.say('stat/plug-1/POWER', 'ON');
    await device.say('site/hall/temperature', '21.5');
    await device.say('site/hall/humidity', '40');
    await device.say('spBv1.0/Plant/NBIRTH/Edge1', codec.encodePayload({ timestamp: Date.now(), seq: 0, metrics: [{ name: 'bdSeq', type: 'UInt64', value: 0 }] }));
    await device.say('spBv1.0/Plant/DBIRTH/Edge1/boiler-7', codec.encodePayload({ timestamp: Date.now(), seq: 1, metrics: [{ name: 'Temps/Supply', type: 'Float', value: 61.5 }] }));
  };
  quiet = repeat(400, say);
});

after(async () => {
  await quiet();
  await device.end();
  await broker.stop();
  files.remove();
});

const config = () => `${head}drivers: { mqtt: { brokers: { b: { url: "${broker.url}" } } } }\n`;

async function discover(rig, ...args) {
  const wait = args.includes('--timeout') ? [] : ['--wait', '2s'];
  const { stdout } = await rig.cli('discover', 'mqtt', ...args, ...wait, '--json');
  return JSON.parse(stdout);
}

test('topics are found as devices, with what they say', async (t) => {
  const rig = await begin(t, config());
  const finds = await discover(rig, 'b');
  const by = (text) => finds.find((find) => find.settings.includes(text));
  assert.ok(by('topic: "zigbee2mqtt/room-12"'), JSON.stringify(finds.map((find) => find.settings)));
  assert.match(by('zigbee2mqtt/room-12').settings, /^\{ broker: "b", topic: /);
  assert.match(JSON.stringify(by('zigbee2mqtt/room-12')), /co2 640/);
  assert.equal(by('zigbee2mqtt/plug-9').name, 'Plug 9');
  assert.equal(by('zigbee2mqtt/plug-9').vendor, 'Acme');
  assert.ok(by('tele/plug-1/#, stat/plug-1/#'));
  assert.ok(by('topic: "site/hall/+"'));
  assert.ok(by('sparkplug: "Plant/Edge1/boiler-7"'));
});

test('a URL is enough; topics can be named; a broker that is not there is told', async (t) => {
  const rig = await begin(t, head);
  const finds = await discover(rig, broker.url, '--topic', 'site/#');
  assert.equal(finds.length, 1);
  assert.match(finds[0].settings, /broker: "mqtt:\/\/127\.0\.0\.1/);
  const { code, stdout, stderr } = await rig.cli('discover', 'mqtt', 'mqtt://127.0.0.1:1', '--wait', '1s');
  assert.notEqual(code, 0);
  assert.match(stdout + stderr, /refused|listens/);
});

test('what a find has is proposed as points, and works when it is applied', async (t) => {
  const rig = await begin(t, config());
  const finds = await discover(rig, 'b');
  const of = (text) => finds.find((find) => find.settings.includes(text));
  let yaml = '';
  for (const text of ['zigbee2mqtt/plug-9', 'tele/plug-1', 'site/hall']) {
    yaml += `${await rig.ok('device', 'browse', '--find', String(of(text).find), '--yaml')}\n`;
  }
  assert.match(yaml, /units: "W"/);
  assert.match(yaml, /send_topic: "?zigbee2mqtt\/plug-9\/set|send_topic: "?~\/set/);
  assert.match(yaml, /json: "\$\.ENERGY\.Power"/);
  const parts = yaml.split(/^(?=devices:)/m).map((part) => part.replace(/^version:.*\n/m, '').replace(/^devices:\n/m, '')).join('');
  rig.folder.write('found.yaml', `devices:\n${parts.split('\n').filter((line) => line.startsWith('  ')).join('\n')}\n`);
  await rig.ok('config', 'apply');
  const { devices } = await rig.gateway.get('/api/v1/devices?limit=100');
  const names = devices.map((one) => one.name);
  assert.equal(names.length, 3, JSON.stringify(names));
  const good = await until('their values come', async () => {
    const { points } = await rig.gateway.get('/api/v1/points?limit=1000');
    return points.every((point) => point.quality === 'good') && points;
  }, 20000);
  const known = await discover(rig, 'b', '--timeout', '4s');
  for (const text of ['zigbee2mqtt/plug-9', 'tele/plug-1', 'site/hall']) {
    assert.equal(known.find((find) => find.settings.includes(text)).state, 'known', text);
  }
  assert.equal(known.find((find) => find.settings.includes('room-12')).state, 'new');
  const value = (suffix) => good.find((point) => point.path.endsWith(suffix))?.value;
  assert.equal(value('plug-9/power'), 21.5);
  assert.equal(value('/energy-power'), 17);
  assert.equal(value('/temperature'), 21.5);
  const state = good.find((point) => point.path.endsWith('/state'));
  const wrote = await rig.write(state.path, false);
  await until('the command came', () => device.heard.some((one) => one.topic === 'zigbee2mqtt/plug-9/set' && one.text === 'OFF'));
  assert.ok(wrote.status);
});
