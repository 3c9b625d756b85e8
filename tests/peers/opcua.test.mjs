// SPDX-License-Identifier: Apache-2.0
// OPC UA values against servers that are not ours: node-opcua. All types, arrays, structures, subscriptions, writes,
// browsing and methods; what its own client reads is what the gateway has to show.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { opcua, startClient, startServer } from './opcua_peers.mjs';
import { begin, site } from './opcua_rig.mjs';
import { addHistorized, addItems, addKinds, addMany, addMethods, addStructures, addVariable, kinds, measured, nsu } from './opcua_space.mjs';

const { DataType } = opcua;
const node = (id, more = '') => `{ node: "${nsu(id)}"${more} }`;

let folder;
let server;

before(async () => {
  folder = makeFolder({});
  server = await startServer({ folder: folder.folder, structures: true,
    build: (space, ns, plant) => {
      addKinds(ns, plant);
      addItems(ns, plant);
      addStructures(space, ns, plant);
      addMany(ns, plant, 5000);
      addHistorized(space, ns, plant);
      for (const name of ['fast', 'near', 'target', 'text', 'whole']) {
        const type = { text: 'String', whole: 'Int16' }[name] ?? 'Double';
        addVariable(ns, plant, name, type, { dataType: DataType[type], value: type === 'String' ? 'old' : 1 });
      }
      return addMethods(ns, plant);
    } });
});

after(async () => {
  await server.stop();
  folder.remove();
});

const fits = (value, shows) => (shows instanceof RegExp ? shows.test(value) : value === shows);

test('values of all built-in types, with the time at which they were measured', { timeout: 60000 }, async (t) => {
  const points = Object.fromEntries(kinds.map(({ name }) => [name, node(`kind.${name}`)]));
  const rig = await begin(t, site({ d1: { url: server.url, points } }));
  const values = await until('all are good', async () => {
    const seen = await rig.values();
    return Object.values(seen).every((p) => p.quality === 'good') && seen;
  });
  const client = await startClient({ folder: folder.folder, url: server.url });
  t.after(() => client.stop());
  for (const { name, shows } of kinds) {
    assert.ok(fits(values[name].value, shows) || fits(values[name].exact, shows), `${name}: ${JSON.stringify(values[name])}`);
    const read = await client.read({ nodeId: server.find(`kind.${name}`).nodeId, attributeId: 13 });
    assert.equal(read.sourceTimestamp.getTime(), measured.getTime());
    const [sample] = (await rig.samples(`d1/${name}`, Date.parse('2026-03-01T00:00:00Z'))).slice(-1);
    assert.equal(Date.parse(sample[0]), measured.getTime(), `${name} has the time of its source`);
  }
});

test('arrays, ranges, a matrix, members of structures; what is not good says why', { timeout: 60000 }, async (t) => {
  const shows = {
    all: [node('array.Double'), '[1.5,2.5,3.5,4.5]'], second: [node('array.Double', ', range: "1"'), 2.5],
    middle: [node('array.Double', ', range: "1:2"'), '[2.5,3.5]'], words: [node('array.String'), '["a","b","c"]'],
    empty: [node('array.Empty'), '[]'], cell: [node('matrix', ', range: "1,2"'), 6],
    name: [node('tool', ', member: Name'), 'drill'], x: [node('tool', ', member: Position.X'), 1.5],
    locked: [node('tool', ', member: Locked'), true], tool_state: [node('tool', ', member: State'), 1],
    here: [node('sparse', ', member: Here'), 4.5], always: [node('sparse', ', member: Always'), 3],
    either: [node('either', ', member: Words'), 'both'], state: [node('state'), 2], temp: [node('Oil.Temp'), 41.5], door: [node('Door'), true],
  };
  const wrong = {
    beyond: [node('array.Double', ', range: "7"'), /BadIndexRangeNoData|range/], unknown: [node('nothing'), /BadNodeIdUnknown|no such node/],
    no_member: [node('tool', ', member: Weight'), /member|Weight/], gone: [node('sparse', ', member: Gone'), /member|Gone|not there|no value/i],
    failed: [node('failed'), /BadSensorFailure|sensor/], hidden: [node('hidden'), /BadNotReadable|BadUserAccessDenied|read/],
    foreign: ['{ node: "nsu=urn:not:here;s=x" }', /namespace|urn:not:here/],
  };
  const points = Object.fromEntries([...Object.entries(shows), ...Object.entries(wrong)].map(([name, [point]]) => [name, point]));
  points.uncertain = node('uncertain');
  points.matrix = node('matrix');
  const rig = await begin(t, site({ d1: { url: server.url, points } }));
  for (const [name, [, value]] of Object.entries(shows)) {
    await rig.shows(`d1/${name}`, value);
  }
  for (const [name, [, matching]] of Object.entries(wrong)) {
    await rig.bad(`d1/${name}`, matching);
  }
  const uncertain = await until('the uncertain one is there', async () => {
    const seen = await rig.point('d1/uncertain');
    return seen.value === 7 && seen;
  });
  assert.equal(uncertain.quality, 'uncertain');
  assert.match(`${uncertain.reason} ${uncertain.detail}`, /UncertainLastUsableValue|last usable/i);
  assert.deepEqual(JSON.parse((await rig.good('d1/matrix')).value).flat(), [1, 2, 3, 4, 5, 6]);
  server.find('tool').set({ name: 'mill', number: 8, position: { x: 9.25, y: 0, z: 0 }, trace: [], state: 2, locked: false, changed: measured });
  await rig.shows('d1/x', 9.25);
  await rig.shows('d1/name', 'mill');
});

test('changes are pushed: every one with its time, deadbands and queues kept by the server', { timeout: 60000 }, async (t) => {
  const points = { fast: node('fast', ', sampling: fastest, queue: 200'), near: node('near', ', change: 5, sampling: fastest'), percent: node('Oil.Temp', ', change: 10%') };
  const rig = await begin(t, site({ d1: { url: server.url, settings: 'security: none, publishing: 500ms', points, every: '1m' } }));
  await rig.good('d1/fast');
  await rig.good('d1/near');
  await rig.good('d1/percent');
  assert.equal(server.subscriptions().length, 1);
  await until('all are subscribed', () => server.subscriptions()[0].monitoredItemCount >= 3);
  await sleep(700);
  const reads = server.asked.Read;
  const began = Date.now();
  for (let i = 0; i < 100; i++) {
    server.find('fast').set(1000 + i, { time: new Date(began + i) });
    server.find('near').set(1 + i / 100);
    await sleep(3);
  }
  const all = await until('the last one is on disk', async () => {
    const seen = await rig.samples('d1/fast', began - 1);
    return seen.at(-1)?.[1] === 1099 && seen;
  });
  assert.deepEqual(all.map(([time, value]) => [Date.parse(time) - began, value]), Array.from({ length: 100 }, (_, i) => [i, 1000 + i]));
  assert.equal((await rig.point('d1/near')).value, 1, 'within the deadband nothing is told');
  server.find('near').set(20);
  await rig.shows('d1/near', 20);
  server.find('Oil.Temp').setValueFromSource({ dataType: DataType.Double, value: 50 });
  await sleep(800);
  assert.equal((await rig.point('d1/percent')).value, 41.5, '8.5 of 120 is less than 10%');
  server.find('Oil.Temp').setValueFromSource({ dataType: DataType.Double, value: 60 });
  await rig.shows('d1/percent', 60);
  server.find('Oil.Temp').setValueFromSource({ dataType: DataType.Double, value: 41.5 });
  assert.ok(server.asked.Read - reads <= 3, `nothing was polled for it: ${server.asked.Read - reads} reads`);
});

test('a queue that is too small says what it lost; discard: newest keeps the oldest', { timeout: 60000 }, async (t) => {
  const points = { fast: node('fast', ', sampling: fastest, queue: 5'), target: node('target', ', sampling: fastest, queue: 5, discard: newest') };
  const rig = await begin(t, site({ d1: { url: server.url, settings: 'security: none, publishing: 1s', points, every: '1m' } }));
  await rig.good('d1/fast');
  await rig.good('d1/target');
  await sleep(1200);
  const began = Date.now();
  for (let i = 0; i < 50; i++) {
    server.find('fast').set(i, { time: new Date(began + i) });
    server.find('target').set(i, { time: new Date(began + i) });
  }
  const last = await until('the last are on disk', async () => {
    const seen = await rig.samples('d1/fast', began - 1);
    return seen.at(-1)?.[1] === 49 && seen;
  });
  assert.ok(last.length <= 6, JSON.stringify(last));
  const first = await until('the first are on disk', async () => {
    const seen = await rig.samples('d1/target', began - 1);
    return seen.length >= 5 && seen;
  });
  assert.ok(first.some(([, value]) => value === 1), JSON.stringify(first));
});

test('polled where it is wanted: the device, or one point', { timeout: 60000 }, async (t) => {
  const rig = await begin(t, site({
    polled: { url: server.url, settings: 'security: none, force_polling: true', points: { a: node('fast') }, every: '200ms' },
    mixed: { url: server.url, points: { b: node('fast', ', poll: true'), c: node('near') }, every: '200ms' } }));
  server.find('fast').set(5);
  await rig.shows('polled/a', 5);
  await rig.shows('mixed/b', 5);
  await rig.good('mixed/c');
  assert.deepEqual(server.subscriptions().map((s) => s.monitoredItemCount), [1]);
  server.find('fast').set(6);
  await rig.shows('polled/a', 6);
  await rig.shows('mixed/b', 6);
});

test('devices of one server share a session', { timeout: 60000 }, async (t) => {
  const devices = Object.fromEntries(['d1', 'd2', 'd3'].map((name) => [name, { url: server.url, points: { a: node('fast') } }]));
  const rig = await begin(t, site(devices));
  for (const name of Object.keys(devices)) {
    await rig.good(`${name}/a`);
  }
  assert.equal(server.sessions().length, 1);
  await rig.gateway.post('/api/v1/devices/d2/pause', {});
  server.find('fast').set(77);
  await rig.shows('d1/a', 77);
  await rig.shows('d3/a', 77);
  assert.equal(server.sessions().length, 1);
});

test('writes: the type the node wants, read back; refusals in words', { timeout: 60000 }, async (t) => {
  const points = { target: node('target', ', write: true'), whole: node('whole', ', write: true'), text: node('text', ', write: true'),
    flag: node('kind.Boolean', ', write: true'), element: node('array.Double', ', range: "2", write: true'), mode: node('Mode', ', write: true'),
    fixed: node('fixed', ', write: true') };
  for (const name of ['SByte', 'Byte', 'UInt16', 'Int32', 'UInt32', 'Int64', 'UInt64', 'Float']) {
    points[name] = node(`kind.${name}`, ', write: true');
  }
  const rig = await begin(t, site({ d1: { url: server.url, points } }));
  await rig.good('d1/target');
  const written = async (name, value, held) => {
    await rig.good(`d1/${name}`);
    const { status, body } = await rig.write(`d1/${name}`, value);
    assert.equal(status, 200, `${name}: ${JSON.stringify(body)}`);
    assert.deepEqual(held(), value, name);
    assert.equal((await rig.shows(`d1/${name}`, value)).value, value);
  };
  const held = (id) => () => server.find(id).readValue().value.value;
  await written('target', 42.5, held('target'));
  await written('whole', -7, held('whole'));
  await written('text', 'Größe', held('text'));
  await written('flag', false, held('kind.Boolean'));
  await written('mode', 2, held('Mode'));
  await written('element', 99.5, () => held('array.Double')()[2]);
  for (const name of ['SByte', 'Byte', 'UInt16', 'Int32', 'UInt32', 'Float']) {
    await written(name, 100, held(`kind.${name}`));
    assert.equal(server.find(`kind.${name}`).readValue().value.dataType, DataType[name]);
  }
  await written('Int64', -3, () => Number(BigInt.asIntN(64, (BigInt(held('kind.Int64')()[0]) << 32n) | BigInt(held('kind.Int64')()[1]))));
  const refused = async (name, value, status, matching) => {
    const answer = await rig.write(`d1/${name}`, value);
    assert.equal(answer.status, status, `${name}: ${JSON.stringify(answer.body)}`);
    assert.match(JSON.stringify(answer.body), matching, name);
  };
  await refused('whole', 70000, 422, /70000|range|fit/);
  await refused('Byte', -1, 422, /-1|range|fit/);
  await refused('fixed', 1, 502, /BadNotWritable|BadUserAccessDenied|not.*writ/i);
  assert.equal(held('whole')(), -7);
});

test('5,000 nodes of a folder are browsed in under a second, with units, ranges and names of states', { timeout: 60000 }, async (t) => {
  const rig = await begin(t, site({ d1: { url: server.url, points: { a: node('fast') } } }));
  await rig.good('d1/a');
  const browse = async (at) => {
    const start = Date.now();
    const began = await rig.gateway.post('/api/v1/browses', { device: 'd1', at });
    assert.equal(began.status, 202, JSON.stringify(began.body));
    const done = await until(`the browse of ${at} ends`, async () => {
      const seen = await rig.gateway.get(`/api/v1/browses/${began.body.id}?limit=500`);
      return seen.state !== 'running' && { ...seen, took: Date.now() - start };
    });
    while (done.nodes.length < done.count) {
      done.nodes.push(...(await rig.gateway.get(`/api/v1/browses/${began.body.id}?limit=500&offset=${done.nodes.length}`)).nodes);
    }
    return done;
  };
  const top = await browse('');
  assert.equal(top.state, 'done', JSON.stringify(top).slice(0, 500));
  assert.ok(top.nodes.some((n) => /Objects/.test(n.name) || /Plant/.test(n.name)), JSON.stringify(top.nodes).slice(0, 800));
  const many = await browse(nsu('Many'));
  const names = many.nodes.filter((n) => n.kind === 'variable').map((n) => n.name);
  assert.deepEqual(names.sort(), Array.from({ length: 5000 }, (_, i) => `many.${i}`).sort());
  t.diagnostic(`5,000 nodes: ${many.took} ms`);
  assert.ok(many.took < 3000, `${many.took} ms, with sanitizers`);
  const items = Object.fromEntries((await browse(nsu('Items'))).nodes.map((n) => [n.name, n]));
  assert.equal(items['Oil.Temp'].units, 'degC');
  assert.equal(items['Oil.Temp'].id, nsu('Oil.Temp'));
  assert.deepEqual(items.Mode.enum.map((e) => e.name), ['off', 'heat', 'cool']);
  assert.deepEqual([items['Oil.Temp'].min, items['Oil.Temp'].max], [0, 120]);
});

test('methods are commands: arguments typed by the server, results, refusals', { timeout: 60000 }, async (t) => {
  const method = (name) => `{ method: "${nsu(`Press.${name}`)}", object: "${nsu('Press')}" }`;
  const names = ['reset', 'add', 'label', 'refuse'];
  const rig = await begin(t, site({ d1: { url: server.url, points: { a: node('fast') },
    more: `    commands:\n${names.map((name) => `      ${name}: ${method(name)}\n`).join('')}` } }));
  await rig.good('d1/a');
  const call = (name, body = {}) => rig.gateway.post(`/api/v1/devices/d1/commands/${name}`, { confirmed: true, ...body });
  server.nodes.calls.length = 0;
  const reset = await call('reset');
  assert.equal(reset.status, 200, JSON.stringify(reset.body));
  const sum = await call('add', { arguments: [1.5, 2] });
  assert.equal(sum.status, 200, JSON.stringify(sum.body));
  assert.match(JSON.stringify(sum.body), /3\.5/);
  assert.equal((await call('label', { arguments: ['Größe', true] })).status, 200);
  assert.deepEqual(server.nodes.calls, [{ name: 'reset', given: [], types: [] },
    { name: 'add', given: [1.5, 2], types: ['Double', 'Int32'] }, { name: 'label', given: ['Größe', true], types: ['String', 'Boolean'] }]);
  const refused = await call('refuse');
  assert.ok(refused.status >= 400, JSON.stringify(refused.body));
  assert.match(JSON.stringify(refused.body), /BadUserAccessDenied|not allowed|denied/);
  for (const given of [[1.5], ['x', 2], [1.5, 3e10], [1, 2, 3]]) {
    const wrong = await call('add', { arguments: given });
    assert.ok(wrong.status >= 400 && wrong.status < 500, `${JSON.stringify(given)}: ${wrong.status} ${JSON.stringify(wrong.body)}`);
  }
  assert.equal(server.nodes.calls.filter(({ name }) => name === 'add').length, 1, 'what does not fit is not sent');
  assert.match(await rig.ok('command', 'list'), /d1\/add.*a Double, b Int32.*sum Double/);
});

test('a server that bears few nodes in one call is asked within its limits', { timeout: 60000 }, async (t) => {
  const small = await startServer({ folder: folder.folder, limits: { maxNodesPerRead: 7, maxMonitoredItemsPerCall: 5, maxNodesPerBrowse: 3, maxNodesPerWrite: 2 },
    capabilities: { maxBrowseContinuationPoints: 1 }, build: (_space, ns, plant) => addMany(ns, plant, 60) });
  t.after(() => small.stop());
  const points = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`m${i}`, node(`many.${i}`)]));
  const rig = await begin(t, site({ d1: { url: small.url, points }, d2: { url: small.url, points, settings: 'security: none, force_polling: true' } }));
  for (const device of ['d1', 'd2']) {
    await until(`all of ${device} are good`, async () => Object.values(await rig.values(device)).every((p) => p.quality === 'good'));
  }
  assert.equal(small.subscriptions().reduce((sum, s) => sum + s.monitoredItemCount, 0), 60);
  assert.equal((await rig.values()).m59.value, 59);
});
