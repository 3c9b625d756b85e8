// SPDX-License-Identifier: Apache-2.0
// Methods of a server that is not ours as commands: arrays, what does not fit, what never answers, a link that breaks
// meanwhile, a method that is not there (yet).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { opcua, startServer } from './opcua_peers.mjs';
import { startProxy } from './opcua_proxy.mjs';
import { begin, site } from './opcua_rig.mjs';
import { addVariable, nsu } from './opcua_space.mjs';

const { DataType, StatusCodes, VariantArrayType } = opcua;
const of = (id) => `{ method: "${nsu(id)}" }`; // the object is what the method belongs to
const commands = (names) => `    commands:\n${names.map((name) => `      ${name}: ${of(`Robot.${name}`)}\n`).join('')}`;

let server;
let calls;

const argument = (name, dataType, valueRank = -1) => ({ name, dataType, valueRank, description: { text: `what ${name} is` } });

function addRobot(ns, plant) {
  const robot = ns.addObject({ organizedBy: plant, browseName: 'Robot', nodeId: 's=Robot' });
  const seen = [];
  const method = (name, inputs, outputs, answer) =>
    ns.addMethod(robot, { browseName: name, nodeId: `s=Robot.${name}`, description: `does ${name}`, inputArguments: inputs, outputArguments: outputs })
      .bindMethod((values, _context, done) => {
        seen.push(name);
        answer(values, done);
      });
  method('sum', [argument('list', DataType.Int32, 1), argument('label', DataType.String)],
    [argument('total', DataType.UInt32), argument('twice', DataType.Int32, 1)], ([list, label], done) => {
      const values = [...list.value];
      assert.equal(typeof label.value, 'string');
      done(null, { statusCode: StatusCodes.Good, outputArguments: [
        { dataType: DataType.UInt32, value: values.reduce((sum, value) => sum + value, 0) },
        { dataType: DataType.Int32, arrayType: VariantArrayType.Array, value: values.map((value) => 2 * value) }] });
    });
  method('types', [argument('byte', DataType.Byte), argument('flag', DataType.Boolean), argument('when', DataType.DateTime)], [],
    (_values, done) => done(null, { statusCode: StatusCodes.Good, outputArguments: [] }));
  method('picky', [argument('level', DataType.Double)], [], (_values, done) =>
    done(null, { statusCode: StatusCodes.BadInvalidArgument, inputArgumentResults: [StatusCodes.BadOutOfRange], outputArguments: [] }));
  method('never', [], [], () => {});
  addVariable(ns, plant, 'fast', 'Double', { dataType: DataType.Double, value: 1 });
  return seen;
}

before(async () => {
  const { folder } = makeFolder({});
  server = await startServer({ folder, build: (_space, ns, plant) => addRobot(ns, plant) });
  calls = server.nodes;
});
after(() => server?.stop());

const names = ['sum', 'types', 'picky', 'never', 'missing'];
const start = async (t, url = server.url) => {
  const rig = await begin(t, site({ d1: { url, settings: 'security: none, timeout: 1s, publishing: 200ms',
    points: { fast: `{ node: "${nsu('fast')}" }` }, more: commands(names) } }));
  await rig.good('d1/fast');
  await until('the methods are known', async () =>
    (await rig.gateway.get('/api/v1/commands')).commands.every(({ known }) => known));
  rig.call = (name, args = [], more = {}) =>
    rig.gateway.post(`/api/v1/devices/d1/commands/${name}`, { arguments: args, ...more });
  return rig;
};

test('arguments and results of the types that the server tells, arrays too', { timeout: 60000 }, async (t) => {
  const rig = await start(t);
  const { commands: list } = await rig.gateway.get('/api/v1/commands?device=d1');
  const sum = list.find(({ name }) => name === 'sum');
  assert.deepEqual(sum.arguments, [{ name: 'list', type: 'Int32[]', description: 'what list is' },
    { name: 'label', type: 'String', description: 'what label is' }]);
  assert.deepEqual(sum.results.map(({ name, type }) => `${name} ${type}`), ['total UInt32', 'twice Int32[]']);
  assert.equal(sum.description, 'does sum');
  assert.match(list.find(({ name }) => name === 'missing').trouble, /BadNodeIdUnknown/);
  const ran = await rig.call('sum', [[1, 2, 3], '42']);
  assert.deepEqual([ran.status, ran.body.results], [200, { total: 6, twice: [2, 4, 6] }], JSON.stringify(ran.body));
  assert.equal((await rig.call('sum', ['[4, 5]', 'text'])).body.results.total, 9, 'an array as a text, as from the command line');
  assert.equal((await rig.call('types', [255, 'true', '2026-01-02T03:04:05Z'])).status, 200);
});

test('what does not fit is named and not sent; what the server refuses is told with the argument', { timeout: 60000 }, async (t) => {
  const rig = await start(t);
  calls.length = 0;
  const rows = [
    ['types', [256, true, '2026-01-02T03:04:05Z'], /argument 1 'byte' \(Byte\) does not fit: it is out of range/],
    ['types', [1, 'maybe', '2026-01-02T03:04:05Z'], /argument 2 'flag' \(Boolean\) does not fit/],
    ['types', [1, true, 'yesterday'], /argument 3 'when' \((Utc|Date)Time\) does not fit/],
    ['sum', ['1,2', 'x'], /argument 1 'list' \(Int32\[\]\) does not fit/],
    ['sum', [[1]], /'sum' takes 2 arguments, not 1/],
  ];
  for (const [name, args, words] of rows) {
    const { status, body } = await rig.call(name, args);
    assert.ok(status >= 400 && status < 500, `${name} ${JSON.stringify(args)}: ${status}`);
    assert.match(body.error.message, words);
  }
  assert.deepEqual(calls, []);
  const picky = await rig.call('picky', [1e9]);
  assert.equal(picky.status, 502);
  assert.match(picky.body.error.message, /BadInvalidArgument: argument 1 'level' \(Double\) does not fit: BadOutOfRange/);
  const missing = await rig.call('missing');
  assert.match(missing.body.error.message, /not sent: BadNodeIdUnknown/);
});

test('what never answers ends at its deadline, is not repeated, and disturbs nothing', { timeout: 60000 }, async (t) => {
  const rig = await start(t);
  calls.length = 0;
  const began = Date.now();
  const never = await rig.call('never', [], { timeout_s: 2 });
  assert.equal(never.status, 504, JSON.stringify(never.body));
  assert.match(never.body.error.message, /whether the device did it is not known/);
  assert.ok(Date.now() - began < 6000);
  assert.deepEqual(calls, ['never']);
  assert.equal((await rig.call('sum', [[1], 'x'])).status, 200);
  const paused = rig.call('never', [], { timeout_s: 20 });
  await sleep(500);
  await rig.gateway.post('/api/v1/devices/d1/pause', {});
  assert.match((await paused).body.error.message, /stopped before it answered/);
  assert.equal((await rig.call('sum', [[1], 'x'])).status, 503);
  await rig.gateway.post('/api/v1/devices/d1/resume', {});
  await rig.good('d1/fast');
  assert.equal((await rig.call('sum', [[1], 'x'])).status, 200);
});

test('a link that breaks meanwhile is said; afterwards all is as before', { timeout: 60000 }, async (t) => {
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await start(t, proxy.url);
  const open = rig.call('never', [], { timeout_s: 20 });
  await sleep(500);
  proxy.close();
  const lost = await open;
  assert.ok(lost.status >= 500, JSON.stringify(lost.body));
  await rig.link('d1', /^(down|connecting)/);
  const down = await rig.call('sum', [[1], 'x']);
  assert.ok(down.status >= 500, JSON.stringify(down.body));
  assert.match(down.body.error.message, /not sent: there is no link/);
  proxy.close(false);
  await rig.good('d1/fast', 20000);
  await until('it runs again', async () => (await rig.call('sum', [[1], 'x'])).status === 200);
});
