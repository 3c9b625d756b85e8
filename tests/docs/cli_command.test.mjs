// SPDX-License-Identifier: Apache-2.0
// busbar command: presets of a simulated Modbus device, exit codes, asking, JSON.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, program, startGateway, startSim, until } from '../support/gateway.mjs';

let folder;
let sim;
let gateway;

const site = (port) => `version: 1
devices:
  ahu-1:
    modbus: { tcp: "127.0.0.1:${port}" }
    points:
      sp: { holding: 108, type: float32, units: degC, every: 200ms, write: { min: 16, max: 26 } }
      fan: { coil: 0, enum: [stopped, running], every: 200ms, write: true }
    commands:
      boost: { name: "Boost for a cold morning", sp: 23, fan: running }
      stop: { fan: stopped, confirm: true }
`;

function busbar(...args) {
  const ran = spawnSync(program, args, {
    encoding: 'utf8', timeout: 30000, env: { ...process.env, BUSBAR_SERVER: gateway.server, NO_COLOR: '1' },
  });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

const value = async (name) => (await gateway.get(`/api/v1/points/ahu-1/${name}`)).value;

before(async () => {
  folder = makeFolder({ 'site.yaml': site(await freePort()) });
  sim = await startSim(folder.site);
  gateway = await startGateway({ config: folder.site, data: folder.data });
  await until('both points are good', async () =>
    (await gateway.get('/api/v1/points')).points.every(({ quality }) => quality === 'good'));
});
after(async () => {
  await gateway?.stop();
  await sim?.stop('SIGKILL');
  folder?.remove();
});

test('the list says what a command writes, and whether it asks', () => {
  const list = busbar('command', 'list', 'ahu-1');
  assert.equal(list.code, 0, list.err);
  assert.match(list.out, /ahu-1\/boost\tBoost for a cold morning\t.*sp 23, fan running/);
  assert.match(list.out, /ahu-1\/stop\t.*fan stopped\tyes/);
  const [first] = JSON.parse(busbar('command', 'list', '--json').out.split('\n').join(''));
  assert.deepEqual(first.presets, [{ path: 'ahu-1/sp', value: '23' }, { path: 'ahu-1/fan', value: 'running' }]);
  assert.equal(busbar('command', 'list', 'ahu-2').code, 5);
});

test('presets are written, checked and read back', async () => {
  const ran = busbar('command', 'run', 'ahu-1/boost');
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /^ahu-1\/boost: 2 values written$/m);
  assert.equal(await value('sp'), 23);
  assert.equal(await value('fan'), true);
  const { entries } = await gateway.get('/api/v1/journal');
  const entry = entries.find(({ what }) => what === 'command');
  assert.deepEqual([entry.path, entry.result], ['ahu-1/boost', '2 values written']);
});

test('confirm asks; without a terminal the answer is no', async () => {
  const asked = busbar('command', 'run', 'ahu-1/stop');
  assert.equal(asked.code, 1);
  assert.match(asked.err, /Run\?.*nobody to ask here.*add --yes.*nothing was run/s);
  const dry = busbar('command', 'run', 'ahu-1/stop', '--dry-run');
  assert.equal(dry.code, 0);
  assert.match(dry.out, /would run ahu-1\/stop/);
  const ran = busbar('command', 'run', 'ahu-1/stop', '--yes', '--json');
  assert.equal(ran.code, 0, ran.err);
  assert.equal(JSON.parse(ran.out).done, true);
  assert.equal(await value('fan'), false);
});

test('mistakes have their exit codes and a next step', () => {
  const rows = [
    [['command', 'run', 'ahu-1/boost', '5'], 2, /'boost' takes 0 arguments, not 1/],
    [['command', 'run', 'ahu-1/bost'], 5, /no command 'bost'.*nearest is 'boost'/s],
    [['command', 'run', 'ahu-9/boost'], 5, /no device 'ahu-9'/],
    [['command', 'run', 'boost'], 2, /DEVICE\/COMMAND.*busbar command list/s],
  ];
  for (const [args, code, words] of rows) {
    const ran = busbar(...args);
    assert.equal(ran.code, code, `${args.join(' ')}: ${ran.err}`);
    assert.match(ran.err, words);
  }
});

test('a paused device runs nothing', () => {
  assert.equal(busbar('device', 'pause', 'ahu-1').code, 0);
  const ran = busbar('command', 'run', 'ahu-1/boost');
  assert.notEqual(ran.code, 0);
  assert.match(ran.err, /device 'ahu-1' is paused.*busbar device resume ahu-1/s);
  assert.equal(busbar('device', 'resume', 'ahu-1').code, 0);
});
