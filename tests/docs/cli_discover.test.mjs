// SPDX-License-Identifier: Apache-2.0
// From a device that nobody configured to its values, and values held by hand, as a person does it on the command line,
// against simulated BACnet devices on loopback addresses.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { after, describe, test } from 'node:test';
import { makeFolder, program, startGateway, startSim, until } from '../support/gateway.mjs';

/** A port that is free for UDP on all of loopback. */
function freeUdpPort() {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

const port = await freeUdpPort();
const network = `drivers: { bacnet: { networks: { local: { address: 127.0.0.1/8, port: ${port} } } } }\n`;
const ahu = (number, points) => `  ahu-${number}:
    bacnet: { device: ${2000 + number}, address: "127.0.0.${20 + number}:${port}" }
    every: 200ms
    points:
${points}`;
const points = `      sat: { object: analog-input:1, units: degC }
      sat-sp: { object: analog-value:1, units: degC, write: { min: 16, max: 26 } }
`;
const more = `      fan: { object: binary-output:1, enum: [stopped, running], write: true }
`;
const simulated = makeFolder({ 'site.yaml': `version: 1\n${network}devices:\n${ahu(1, points)}${ahu(2, points + more)}` });
const folder = makeFolder({ 'site.yaml': `version: 1\n${network}devices:\n${ahu(1, points)}` });
const sim = await startSim(simulated.site);
const gateway = await startGateway({ config: folder.site, data: folder.data });
after(async () => {
  await gateway.stop();
  await sim.stop('SIGKILL');
  folder.remove();
  simulated.remove();
});
await until('the configured one is good', async () => (await gateway.point('ahu-1/sat')).quality === 'good');

const cli = (words, options) => gateway.cli(typeof words === 'string' ? words.split(' ') : words, options);
const done = async (words) => {
  const ended = await cli(words);
  assert.equal(ended.code, 0, `busbar ${words}\n${ended.stdout}${ended.stderr}`);
  return ended;
};

describe('from a find to values', { concurrency: false }, () => {
  let find;

  test('discover tells what is new and what is known', async () => {
    const { stdout, stderr } = await done('discover bacnet --wait 1s');
    assert.match(stdout, /^\d\t2001\t.*\tknown: ahu-1$/m);
    assert.match(stdout, /^\d\t2002\t.*\tnew$/m);
    assert.match(stderr, /1 new, 1 known\. Look into one: busbar device browse --find \d/);
    const rows = JSON.parse((await done('discover bacnet --heard --json=find,id,state,device,objects')).stdout);
    assert.deepEqual(rows.map(({ id, state, device }) => [id, state, device]),
      [['2001', 'known', 'ahu-1'], ['2002', 'new', '']]);
    assert.ok(rows.every(({ objects }) => objects >= 3));
    find = rows.find(({ state }) => state === 'new').find;
  });

  test('a range of numbers narrows it', async () => {
    const { stdout } = await done('discover bacnet --low 2002 --high 2002 --wait 1s');
    assert.match(stdout, /^\d\t2002\t/);
    assert.doesNotMatch(stdout, /2001/);
  });

  test('browse tells objects with values, and which are points', async () => {
    const { stdout } = await done('device browse ahu-1');
    assert.match(stdout, /^analog-input:1\tsat\t[\d.]+ degC\tahu-1\/sat\t/m);
    const nodes = JSON.parse((await done(`device browse --find ${find} --json=id,kind,parent,proposed`)).stdout);
    assert.ok(nodes.some(({ id, proposed }) => id === 'binary-output:1' && proposed));
    assert.ok(nodes.every(({ parent }) => parent === '' || nodes.some(({ id }) => id === parent)));
  });

  test('browse at an object tells its properties', async () => {
    const { stdout } = await done('device browse ahu-1 analog-value:1');
    assert.match(stdout, /^present-value\t[\d.]+/m);
    assert.match(stdout, /^relinquish-default\t/m);
  });

  test('what --yaml writes is a configuration, and its points are good', async () => {
    const { stdout } = await done(`device browse --find ${find} --yaml --name roof`);
    assert.match(stdout, /^devices:\n {2}roof:\n/m);
    assert.match(stdout, /object: binary-output:1/);
    folder.write('roof.yaml', stdout);
    await done('config check');
    await done('config apply');
    await until('all points of the new device are good', async () => {
      const { points: rows } = await gateway.get('/api/v1/points?device=roof');
      return rows.length >= 3 && rows.every(({ quality }) => quality === 'good');
    });
    const { stdout: heard } = await done('discover bacnet --heard');
    assert.match(heard, /\tknown: roof$/m);
    const { stdout: again } = await done('device browse roof --yaml');
    assert.match(again, /all that was chosen are points already/);
  });

  test('Ctrl-C stops it and shows what was found', async () => {
    const child = spawn(program, ['discover', 'bacnet', '--wait', '30s', '--server', gateway.server]);
    let stdout = '';
    child.stdout.on('data', (data) => (stdout += data));
    await until('it runs', async () =>
      (await gateway.get('/api/v1/discoveries')).discoveries.at(-1)?.state === 'running');
    await until('both are found', async () =>
      (await gateway.get('/api/v1/discoveries')).discoveries.at(-1).found === 2);
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 130);
    assert.match(stdout, /\t2001\t[\s\S]*\t2002\t/);
    assert.equal((await gateway.get('/api/v1/discoveries')).discoveries.at(-1).state, 'stopped');
  });
});

describe('values held by hand', { concurrency: false }, () => {
  test('a value is held at a priority, seen in the device, released', async () => {
    const { stdout, stderr } = await done('point write ahu-1/sat-sp 22.5 --priority 5 --for 2h --yes');
    assert.match(stdout, /read back 22\.5 degC/);
    assert.match(stderr, /undo: busbar point release ahu-1\/sat-sp --priority 5/);
    assert.match((await done('point list --manual')).stdout, /^ahu-1\/sat-sp\t22\.5\tdegC\t5\t/);
    assert.match((await done('point get ahu-1/sat-sp')).stdout, /^held +22\.5 degC at priority 5 by /m);
    const slots = JSON.parse((await done('point get ahu-1/sat-sp --priorities --json=priority,value,who')).stdout);
    assert.equal(slots.length, 16);
    assert.match(slots[4].value, /^22\.5/);
    assert.notEqual(slots[4].who, '');
    assert.deepEqual(slots.filter(({ value }) => value !== '').map(({ priority }) => priority), [5]);
    assert.match((await done('point release ahu-1/sat-sp --yes')).stdout, /released at priority 5/);
    assert.match((await done('point list --manual')).stderr, /nothing is held by hand/);
  });

  test('another end, and which of two is meant', async () => {
    await done('point write ahu-1/sat-sp 20 --yes');
    await done('point extend ahu-1/sat-sp --for 4h');
    const [hold] = JSON.parse((await done('point list --manual --json')).stdout);
    assert.ok(Date.parse(hold.until) > Date.now() + 3 * 3_600_000);
    await done('point write ahu-1/sat-sp 21 --priority 5 --yes');
    const both = await cli('point release ahu-1/sat-sp --yes');
    assert.equal(both.code, 2);
    assert.match(both.stderr, /held at 2 priorities[\s\S]*--priority N/);
    await done('point release ahu-1/sat-sp --priority 5 --yes');
    await done('point release ahu-1/sat-sp --yes');
  });
});

/* words, exit code, what stderr has */
const wrong = [
  ['discover nothing', 5, /can be looked for: .*bacnet/],
  ['discover modbus', 1, /configure them by their address/],
  ['discover', 2, /needs PROTOCOL/],
  ['discover bacnet not-a-network', 2, /is no subnet/],
  ['device browse', 2, /say which device/],
  ['device browse nope', 5, /no device 'nope'/],
  ['device browse --find 99', 5, /busbar discover/],
  ['device browse --find x', 2, /no number/],
  ['device browse ahu-1 one two', 2, /one word too many/],
  ['device browse ahu-1 nonsense:1', 5, /is no object of the device/],
  ['point write ahu-1/sat-sp 22 --priority 17 --yes', 2, /1 to 16/],
  ['point write ahu-1/sat-sp 22 --for soon --yes', 2, /30m, 2h, 1d/],
  ['point extend ahu-1/sat-sp --for 2h', 5, /not held/],
  ['point forget ahu-1/sat-sp --yes', 5, /not held/],
  ['point get ahu-1/sat --priorities', 5, /no priorities/],
];
describe('wrong use says what to do', () => {
  for (const [words, code, stderr] of wrong) {
    test(`busbar ${words}: ${code}`, async () => {
      const ended = await cli(words);
      assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`);
      assert.match(ended.stderr, stderr);
    });
  }
});
