// SPDX-License-Identifier: Apache-2.0
// Debian's mosquitto between a gateway and the npm client as its devices: values, events, writes, what is refused, TLS and users,
// retained messages, sessions over restarts of the gateway and of the broker, shared subscriptions.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, run, sleep, until } from '../support/gateway.mjs';
import { begin, connect, makeCertificates, site, speaker, startBroker } from './mqtt_peers.mjs';

let files;
let folder;
let at;
let broker;

before(async () => {
  files = makeFolder({});
  folder = files.folder;
  at = makeCertificates(folder);
  broker = await startBroker(folder);
});

after(async () => {
  await broker.stop();
  files.remove();
});

/** All subscriptions are granted; the facts that the driver tells. */
const up = (rig) => until('all is subscribed', async () => {
  const { drivers } = await rig.gateway.get('/api/v1/drivers');
  const { facts } = drivers.find((one) => one.protocol === 'mqtt');
  const row = facts.find((one) => one.name === 'subscriptions');
  const [granted, all] = (row?.text.match(/^(\d+) of (\d+)/) ?? []).slice(1).map(Number);
  return all > 0 && granted === all && facts;
});

/** The values of a point that are stored, once there are so many. */
const stored = (rig, path, count) => until(`${count} values of ${path} are stored`, async () => {
  const values = (await rig.samples(path)).map((sample) => sample[1]).filter((value) => value !== null);
  return values.length >= count && values;
});

for (const version of ['5', '3.1.1']) {
  test(`MQTT ${version}: values of JSON, text and other topics, QoS 0 to 2`, async (t) => {
    const device = await speaker(t, broker);
    const rig = await begin(t, site(broker, {
      room: { settings: `topic: "zig-${version}/{id}", id: room-12`, points: { co2: '{ json: $.co2, units: ppm }', t: '{ json: $.t.value }', name: '{ json: $.name }' } },
      plug: {
        settings: `topic: "tele-${version}/plug-1/#"`,
        points: { power: '{ topic: ~/SENSOR, json: $.ENERGY.Power }', on: `{ topic: stat-${version}/plug-1/POWER, text: all, type: bool }` },
      },
    }, { more: `version: "${version}"` }));
    await up(rig);
    for (const qos of [0, 1, 2]) {
      await device.say(`zig-${version}/room-12`, { co2: 640 + qos, t: { value: 21.5 }, name: 'Raum "12"' }, { qos });
      await rig.shows('room/co2', 640 + qos);
    }
    await rig.shows('room/t', 21.5);
    await rig.shows('room/name', 'Raum "12"');
    await device.say(`tele-${version}/plug-1/SENSOR`, { ENERGY: { Power: 21 } });
    await device.say(`tele-${version}/plug-1/STATE`, { Uptime: 3 });
    await device.say(`stat-${version}/plug-1/POWER`, 'ON');
    await rig.shows('plug/power', 21);
    await rig.shows('plug/on', true);
    assert.deepEqual(await stored(rig, 'room/co2', 3), [640, 641, 642]);
    const { link } = await rig.device('room');
    assert.equal(link, 'up');
  });
}

test('many devices by one topic are told apart by a level, and unknown ids are proposed', async (t) => {
  const device = await speaker(t, broker);
  const one = (id) => ({ settings: `topic: "many/+/up", id_from: level 2, id: ${id}`, points: { t: '{ json: $.t }' } });
  const rig = await begin(t, site(broker, { a: one('dev-a'), b: one('dev-b') }));
  await up(rig);
  await device.say('many/dev-a/up', { t: 1 });
  await device.say('many/dev-b/up', { t: 2 });
  await device.say('many/dev-x/up', { t: 3 });
  await rig.shows('a/t', 1);
  await rig.shows('b/t', 2);
  const { finds } = await until('it is found', async () => {
    const seen = await rig.gateway.get('/api/v1/finds?protocol=mqtt&limit=100');
    return seen.finds.some((find) => find.id === 'dev-x') && seen;
  });
  assert.match(finds.find((find) => find.id === 'dev-x').settings, /id: "dev-x"/);
});

test('user properties and topic levels come into events', async (t) => {
  const device = await speaker(t, broker);
  const rig = await begin(t, site(broker, {
    door: {
      settings: 'topic: "doors/+/event"',
      points: { last: '{ about: property badge }' },
      events: { opened: "{ match: '^OPEN (?<who>\\w+)$', text: \"door opened by {who}\", severity: high }" },
    },
  }));
  await up(rig);
  await device.say('doors/7/event', 'OPEN anna', { properties: { userProperties: { badge: 'B-17' } } });
  await rig.shows('door/last', 'B-17');
  const event = await until('the event is in the journal', async () => {
    const { events } = await rig.gateway.get('/api/v1/events?source=door&limit=10');
    return events.find((one) => one.kind === 'opened');
  });
  assert.equal(event.text, 'door opened by anna');
  assert.equal(event.severity, 'high');
});

test('a message that is wrong is refused with why, acknowledged, and the next one is taken', async (t) => {
  const device = await speaker(t, broker);
  const rig = await begin(t, site(broker, { d1: { settings: 'topic: bad/d1', points: { x: '{ json: $.x, type: number }' } } }));
  await up(rig);
  await device.say('bad/d1', '{"x": 1');
  await device.say('bad/d1', { x: 'much' });
  await device.say('bad/d1', { y: 1 });
  await device.say('bad/d1', { x: 7 });
  await rig.shows('d1/x', 7);
  assert.match(await rig.ok('drivers', 'mqtt'), /last without use.*bad\/d1: no rule of device d1 finds anything in '\{"y":1\}'/);
  const out = await rig.ok('drivers', 'mqtt', '--refused');
  assert.match(out, /bad\/d1/);
  assert.match(out, /much/);
  assert.deepEqual(await stored(rig, 'd1/x', 1), [7]);
});

test('writes go out by their template and are confirmed by the next message', async (t) => {
  const device = await speaker(t, broker, { listen: ['lamp/set', 'lamp/limit'] });
  device.client.on('message', (topic, payload) => {
    if (topic === 'lamp/set') {
      device.say('lamp/state', payload.toString());
    }
  });
  const rig = await begin(t, site(broker, {
    lamp: {
      settings: 'topic: lamp/state',
      points: {
        on: '{ text: all, type: bool, send_topic: lamp/set, send: "{value:ON|OFF}", write: true }',
        limit: '{ send_topic: lamp/limit, send: \'{"limit": {value}, "by": "{device}"}\', send_qos: 2, write: { min: 0, max: 10 } }',
      },
    },
  }));
  await up(rig);
  await device.say('lamp/state', 'OFF');
  await rig.shows('lamp/on', false);
  const wrote = await rig.write('lamp/on', true);
  assert.equal(wrote.status, 200, JSON.stringify(wrote.body));
  await rig.shows('lamp/on', true);
  assert.equal(device.heard.find((one) => one.topic === 'lamp/set').text, 'ON');
  const limit = await rig.write('lamp/limit', 4.5);
  assert.equal(limit.status, 200, JSON.stringify(limit.body));
  await until('it was sent', () => device.heard.some((one) => one.topic === 'lamp/limit'));
  assert.deepEqual(JSON.parse(device.heard.find((one) => one.topic === 'lamp/limit').text), { limit: 4.5, by: 'lamp' });
  assert.notEqual((await rig.write('lamp/limit', 11)).status, 200);
});

test('a retained message is uncertain until a new one comes; good or ignored where that is said', async (t) => {
  const device = await speaker(t, broker);
  await device.say('kept/a', { x: 5 }, { retain: true });
  const points = { x: '{ json: $.x }' };
  const rig = await begin(t, site(broker, {
    a: { settings: 'topic: kept/a', points },
    b: { settings: 'topic: kept/a, retained: good', points },
    c: { settings: 'topic: kept/a, retained: ignore', points },
  }));
  const old = await until('the retained value', async () => {
    const seen = await rig.point('a/x');
    return seen.value === 5 && seen;
  });
  assert.equal(old.quality, 'uncertain');
  await rig.shows('b/x', 5);
  assert.equal((await rig.samples('c/x')).length, 0);
  await device.say('kept/a', { x: 6 }, { retain: true });
  for (const name of ['a', 'b', 'c']) {
    await rig.shows(`${name}/x`, 6);
  }
});

test('what came while the gateway was away is stored after its restart; of QoS 2 once', async (t) => {
  const device = await speaker(t, broker);
  const rig = await begin(t, site(broker, { d1: { settings: 'topic: kept-session/d1, qos: 2', points: { n: '{ json: $.n }' } } }));
  await up(rig);
  await device.say('kept-session/d1', { n: 0 });
  await rig.shows('d1/n', 0);
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    await rig.gateway.stop(signal);
    const from = signal === 'SIGTERM' ? 1 : 11;
    for (let n = from; n < from + 10; n++) {
      await device.say('kept-session/d1', { n }, { qos: 1 + (n % 2) });
    }
    await rig.start();
    await rig.shows('d1/n', from + 9);
  }
  const values = await stored(rig, 'd1/n', 21);
  assert.deepEqual([...new Set(values)].sort((x, y) => x - y), [...Array(21).keys()]);
  const twice = values.filter((value, at) => values.indexOf(value) !== at);
  assert.ok(twice.every((value) => value % 2 === 0), `of QoS 2 came twice: ${twice}`); // of QoS 1 those that the kill overtook may
});

for (const version of ['5', '3.1.1']) {
  test(`MQTT ${version}: topics of before a restart are no longer subscribed to, though the broker kept the session`, async (t) => {
    const own = await startBroker(folder, { options: 'allow_duplicate_messages true' });
    t.after(() => own.stop());
    const device = await speaker(t, own);
    const of = (...topics) => site(own, Object.fromEntries(topics.map((topic, at) =>
      [`d${at}`, { settings: `topic: "${topic}"`, points: { n: '{ json: $.n }' } }])), { more: `version: "${version}"` });
    const rig = await begin(t, of('old/+', 'both/#', 'gone'));
    await up(rig);
    for (const [signal, topics] of [['SIGTERM', ['both/x', 'old/+']], ['SIGKILL', ['both/x']]]) {
      await sleep(1500); // what is subscribed to is on disk after a second
      await rig.gateway.stop(signal);
      rig.folder.write('site.yaml', of(...topics));
      await rig.start();
      for (const topic of signal === 'SIGTERM' ? ['both/#', 'gone'] : ['old/+']) {
        await until(`${topic} is ended`, () => own.said().split('Received UNSUBSCRIBE').slice(1).some((after) => after.includes(`\t${topic}`)));
      }
      const facts = await up(rig);
      assert.match(facts.find((row) => row.name === 'connection').text, /session kept/);
      for (const n of [1, 2, 3]) {
        await device.say('both/x', { n });
        await device.say('gone', { n });
      }
      await rig.shows('d0/n', 3);
    }
    await device.say('old/a', { n: 1 });
    await device.say('both/x', { n: 4 });
    await rig.shows('d0/n', 4);
    assert.deepEqual(await stored(rig, 'd0/n', 7), [1, 2, 3, 1, 2, 3, 4], 'each message once');
    const facts = await up(rig);
    assert.equal(facts.find((row) => row.name === 'messages of no device'), undefined);
  });
}

test('what comes while the configuration is applied is stored', async (t) => {
  const device = await speaker(t, broker);
  const of = (units) => site(broker, {
    d1: { settings: 'topic: applied/d1', points: { n: `{ json: $.n, units: ${units} }` } },
    d2: { settings: 'topic: "by-id/applied", id: b, id_from: "json $.id"', points: { n: `{ json: $.n, units: ${units} }` } },
    d3: { settings: 'topic: "by-id/applied", id: c, id_from: "json $.id"', points: { n: '{ json: $.n }' } },
  });
  const rig = await begin(t, of('W'));
  await up(rig);
  let stop = false;
  let n = 0;
  const sending = (async () => {
    const said = [];
    for (; !stop; n++) {
      said.push(device.say('applied/d1', { n }), device.say('by-id/applied', { id: 'b', n }));
      await sleep(5);
    }
    await Promise.all(said);
  })();
  for (let i = 0; i < 6; i++) {
    rig.folder.write('site.yaml', of(i % 2 ? 'W' : 'kW'));
    await rig.ok('config', 'apply', '--yes');
    await sleep(250);
  }
  stop = true;
  await sending;
  assert.ok(n > 100, `${n} messages`);
  for (const name of ['d1', 'd2']) {
    await rig.shows(`${name}/n`, n - 1);
    const values = await stored(rig, `${name}/n`, n);
    assert.deepEqual(values, [...Array(n).keys()], `${name}, in the order they came`);
  }
});

test('a broker that restarts is found again, its devices are down meanwhile', async (t) => {
  const own = await startBroker(folder);
  t.after(() => own.stop());
  const rig = await begin(t, site(own, { d1: { settings: 'topic: again/d1', points: { n: '{ json: $.n }' } } }));
  let device = await connect(own);
  await up(rig);
  await device.say('again/d1', { n: 1 });
  await rig.shows('d1/n', 1);
  await device.end();
  await own.stop('SIGKILL');
  await rig.link('d1', /^down/);
  await rig.bad('d1/n', /link down/);
  await own.start();
  device = await connect(own);
  t.after(() => device.end());
  await until('values come again', async () => {
    await device.say('again/d1', { n: 2 });
    return (await rig.point('d1/n')).value === 2;
  }, 60000);
});

test('what the broker kept is not lost when both are restarted', async (t) => {
  const own = await startBroker(folder);
  t.after(() => own.stop());
  const rig = await begin(t, site(own, { d1: { settings: 'topic: both/d1', points: { n: '{ json: $.n }' } } }));
  let device = await connect(own);
  await up(rig);
  await device.say('both/d1', { n: 0 });
  await rig.shows('d1/n', 0);
  await rig.gateway.stop();
  for (let n = 1; n <= 5; n++) {
    await device.say('both/d1', { n });
  }
  await device.end();
  await own.stop();
  await own.start();
  await rig.start();
  await rig.shows('d1/n', 5);
  assert.deepEqual(await stored(rig, 'd1/n', 6), [0, 1, 2, 3, 4, 5]);
});

test('WebSocket: the same over another way', async (t) => {
  const port = await freePort();
  const own = await startBroker(folder, { options: `listener ${port} 127.0.0.1\nprotocol websockets` });
  t.after(() => own.stop());
  const device = await speaker(t, own);
  const rig = await begin(t, site({ url: `ws://127.0.0.1:${port}/mqtt` }, { d1: { settings: 'topic: ws/d1', points: { n: '{ json: $.n }' } } }));
  await up(rig);
  await device.say('ws/d1', { n: 7 });
  await rig.shows('d1/n', 7);
});

test('TLS: the broker\'s certificate is checked, ours is sent', async (t) => {
  const secure = await startBroker(folder, { tls: at, mutual: true });
  t.after(() => secure.stop());
  const pem = (name) => readFileSync(at(name));
  const device = await speaker(t, secure, { ca: pem('ca.crt'), cert: pem('client.crt'), key: pem('client.key'), clientId: 'device-1' });
  const points = { x: '{ json: $.x }' };
  const good = `ca: "${at('ca.crt')}", certificate: "${at('client.crt')}", key: "${at('client.key')}"`;
  const rig = await begin(t, site(secure, { d1: { settings: 'topic: tls/d1', points } }, { more: good }));
  await up(rig);
  await device.say('tls/d1', { x: 1 });
  await rig.shows('d1/x', 1);
  const tested = await rig.ok('device', 'test', 'd1');
  assert.match(tested, /tls/);
  for (const [more, why] of [
    [`ca: "${at('other.crt')}", certificate: "${at('client.crt')}", key: "${at('client.key')}"`, /certificate/i],
    [`ca: "${at('ca.crt')}"`, /certificate|closed|handshake|alert/i],
    [`ca: "${at('ca.crt')}", certificate: "${at('client.crt')}", key: "${at('client.key')}", server_name: elsewhere.test`, /name|host|certificate/i],
  ]) {
    const other = await begin(t, site(secure, { d1: { settings: 'topic: tls/d1', points } }, { more }));
    await other.link('d1', why);
  }
});

test('users: a wrong password and a topic that may not be read are told in words', async (t) => {
  const guarded = await startBroker(folder, { users: { gw: 'right', dev: 'dev' }, acl: 'user gw\ntopic read open/#\nuser dev\ntopic write #\n' });
  t.after(() => guarded.stop());
  const device = await speaker(t, guarded, { username: 'dev', password: 'dev' });
  const points = { x: '{ json: $.x }' };
  const devices = { d1: { settings: 'topic: open/d1', points }, d2: { settings: 'topic: open/d2', points } };
  const rig = await begin(t, site(guarded, devices, { more: 'user: gw, password: !secret pass' }), { secrets: { pass: 'right' } });
  await up(rig);
  await device.say('open/d1', { x: 1 });
  await rig.shows('d1/x', 1);
  const wrong = await begin(t, site(guarded, devices, { more: 'user: gw, password: !secret pass' }), { secrets: { pass: 'wrong' } });
  await wrong.link('d1', /user|password|authori[sz]ed/i);
  const { code, stdout } = await wrong.cli('device', 'test', 'd1');
  assert.notEqual(code, 0);
  assert.match(stdout, /connect/);
  assert.match(stdout, /user|password|authori[sz]ed/i);
});

test('status topic: online while it runs, offline when it goes or dies', async (t) => {
  const listener = await speaker(t, broker, { listen: ['gw/status'] });
  const rig = await begin(t, site(broker, { d1: { settings: 'topic: st/d1', points: { x: '{ json: $.x }' } } }, { more: 'status_topic: gw/status, keep_alive: 2s' }));
  const last = () => listener.heard.at(-1)?.text;
  await until('online', () => last() === 'online');
  await rig.gateway.stop('SIGKILL');
  await until('offline by its will', () => last() === 'offline', 30000);
  await rig.start();
  await until('online again', () => last() === 'online');
  await rig.gateway.stop();
  await until('offline on purpose', () => last() === 'offline');
});

test('two gateways share the messages of a group: each is stored once', async (t) => {
  const device = await speaker(t, broker);
  const config = site(broker, { d1: { settings: 'topic: shared/d1', points: { n: '{ json: $.n }' } } }, { more: 'share: pair' });
  const rigs = [await begin(t, config), await begin(t, config)];
  for (const rig of rigs) {
    await up(rig);
  }
  for (let n = 0; n < 40; n++) {
    await device.say('shared/d1', { n });
  }
  const both = () => Promise.all(rigs.map((rig) => stored(rig, 'd1/n', 0)));
  await until('all are stored', async () => (await both()).flat().length >= 40);
  await sleep(300);
  const [one, two] = await both();
  assert.deepEqual([...one, ...two].sort((x, y) => x - y), [...Array(40).keys()]);
  assert.ok(one.length > 0 && two.length > 0, `${one.length} and ${two.length}`);
});

test('topics that overlap bring a message once', async (t) => {
  const device = await speaker(t, broker);
  const rig = await begin(t, site(broker, {
    all: { settings: 'topic: "over/#"', points: { n: '{ json: $.n }' } },
    one: { settings: 'topic: "over/+/x"', points: { n: '{ json: $.n }' } },
    exact: { settings: 'topic: over/a/x', points: { n: '{ json: $.n }' } },
  }));
  const status = await up(rig);
  assert.match(status.find((row) => row.name === 'subscriptions').text, /2 more are covered/);
  for (let n = 0; n < 5; n++) {
    await device.say('over/a/x', { n });
  }
  for (const name of ['all', 'one', 'exact']) {
    await rig.shows(`${name}/n`, 4);
    assert.deepEqual(await stored(rig, `${name}/n`, 5), [0, 1, 2, 3, 4], name);
  }
});

test('what a configuration has wrong is told with its place', async () => {
  for (const [settings, point, why] of [
    ['topic: "a/#/b"', '{ json: $.x }', /#/],
    ['topic: a/b', '{ jsn: $.x }', /json/],
    ['topic: a/b', '{ json: $.x, send: "{value}" }', /send_topic/],
    ['topic: a/b', '{ json: $.x, send_topic: "a/+" }', /wildcard|\+/],
    ['topic: a/b', '{ json: $.x, send_topic: a/set, send: "{vlaue}" }', /did you mean \{value\}/],
    ['topic: a/b, user: x', '{ json: $.x }', /broker/],
    ['', '{ json: $.x }', /topic/],
    ['sparkplug: Group', '{ metric: x }', /Group\/Edge/],
    ['sparkplug: STATE/hq', '{ metric: x }', /Group\/Edge/],
    [`sparkplug: Group/${'e'.repeat(129)}`, '{ metric: x }', /Group\/Edge/],
    ['topic: "$share/g/a"', '{ json: $.x }', /share/],
  ]) {
    const own = makeFolder({ 'site.yaml': site({ url: 'mqtt://10.0.0.1' }, { d1: { settings, points: { x: point } } }) });
    const { code, stdout, stderr } = await run(['config', 'check', own.site]);
    own.remove();
    assert.notEqual(code, 0, settings);
    assert.match(stdout + stderr, why, `${settings} ${point}`);
    assert.match(stdout + stderr, /site\.yaml:\d+:\d+/);
  }
});
