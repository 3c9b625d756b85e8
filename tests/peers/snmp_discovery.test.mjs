// SPDX-License-Identifier: Apache-2.0
// A range is searched in which snmpd, an agent of v2c and somebody deaf are: logins are tried in their order, at a rate;
// what is proposed for a find is a configuration whose points are good, with the values that the agent has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFolder, until } from '../support/gateway.mjs';
import { freeUdp, read, startSnmpd, startSnmpsim } from './snmp_peers.mjs';
import { begin, head } from './snmp_rig.mjs';
import { oid, startFake, text, ticks } from './snmp_wire.mjs';

const logins = 'drivers: { snmp: { credentials: { plant: { version: 3, user: u-sha-256-aes-128, auth: !secret auth, priv: !secret priv, order: 1 }, ' +
  'old: { version: 2c, community: !secret trap, order: 2 } } } }\n';

/** The device that is proposed for an address, taken into the configuration: name and how many points it has. */
async function takeIn(rig, address, port, ...args) {
  const yaml = await rig.ok('discover', 'snmp', address, '--port', String(port), '--yaml', ...args);
  const name = /^devices:\n {2}([\w-]+):/m.exec(yaml)[1];
  rig.folder.write('site.yaml', head + logins + yaml.slice(yaml.indexOf('devices:')));
  await rig.ok('config', 'apply', '--yes');
  return { name, yaml };
}

async function allGood(rig, device) {
  return until(`all points of ${device} are good`, async () => {
    const values = Object.values(await rig.values(device));
    return values.length > 0 && values.every((p) => p.quality === 'good') && values;
  }, 20000);
}

test('a range: each agent once, with the first login that it takes; its proposal works', { timeout: 60000 }, async (t) => {
  const files = makeFolder({});
  t.after(() => files.remove());
  const port = await freeUdp();
  const snmpd = await startSnmpd(files.folder, { users: [['SHA-256', 'AES-128']], address: '127.30.0.2', port, config: 'sysDescr a test agent\nsysName tested' });
  const old = await startFake({ '1.3.6.1.2.1.1.1.0': text('an old switch'), '1.3.6.1.2.1.1.2.0': oid('1.3.6.1.4.1.9.1.359'), '1.3.6.1.2.1.1.3.0': ticks(100), '1.3.6.1.2.1.1.5.0': text('old-1') }, { address: '127.30.0.3', port });
  old.spoil = (whole, question) => (question.community === 'trapcom' ? whole : []);
  const deaf = await startFake({}, { address: '127.30.0.4', port });
  deaf.deaf = true;
  t.after(() => Promise.all([snmpd.stop(), old.stop(), deaf.stop()]));
  const rig = await begin(t, head + logins);
  const finds = JSON.parse(await rig.ok('discover', 'snmp', '127.30.0.1-5', '--port', String(port), '--json'));
  assert.deepEqual(finds.map((find) => find.address).sort(), [`127.30.0.2:${port}`, `127.30.0.3:${port}`]);
  const of = (address) => finds.find((find) => find.address.startsWith(address));
  const fact = (find, name) => find.facts.find((one) => one.name === name)?.text;
  assert.equal(of('127.30.0.2').name, 'tested');
  assert.equal(fact(of('127.30.0.2'), 'credentials'), 'plant');
  assert.equal(fact(of('127.30.0.2'), 'engine id'), snmpd.engine);
  assert.equal(of('127.30.0.2').trouble, '');
  assert.equal(of('127.30.0.3').name, 'old-1');
  assert.equal(fact(of('127.30.0.3'), 'credentials'), 'old');
  assert.match(of('127.30.0.3').trouble, /insecure/);
  assert.ok(old.foreign > 0, 'it was asked by v3 first');
  assert.ok(old.asked.every((question) => question.community === 'trapcom'), 'no community is guessed');
  assert.ok(deaf.foreign + deaf.asked.length <= 12, `the deaf one was asked ${deaf.foreign + deaf.asked.length} times`);

  const { name } = await takeIn(rig, '127.30.0.2', port);
  await allGood(rig, name);
  const rows = await read(files.folder, 'snmpbulkwalk', ['-v2c', '-c', 'public', snmpd.target], ['1.3.6.1.2.1.2.2.1.2']);
  const index = [...rows].find(([, value]) => value === 'lo')[0].split('.').at(-1);
  const said = await read(files.folder, 'snmpget', ['-v2c', '-c', 'public', snmpd.target], [`1.3.6.1.2.1.2.2.1.8.${index}`]);
  assert.equal((await rig.point(`${name}/lo-status`)).value, Number([...said.values()][0]));
});

test('a UPS that was recorded: what is proposed is what it measures, in its units', { timeout: 60000 }, async (t) => {
  const files = makeFolder({});
  t.after(() => files.remove());
  const UPS = '1.3.6.1.2.1.33.1';
  const sim = await startSnmpsim(files.folder, { trapcom: [['1.3.6.1.2.1.1.1.0', 4, 'UPS 3000'], ['1.3.6.1.2.1.1.2.0', 6, '1.3.6.1.4.1.318.1.3.27'], ['1.3.6.1.2.1.1.3.0', 67, 8640000],
    ['1.3.6.1.2.1.1.5.0', 4, 'ups-1'], [`${UPS}.1.1.0`, 4, 'Makers'], [`${UPS}.2.1.0`, 2, 2], [`${UPS}.2.2.0`, 2, 0], [`${UPS}.2.3.0`, 2, 41], [`${UPS}.2.4.0`, 2, 97],
    [`${UPS}.2.5.0`, 2, 547], [`${UPS}.2.7.0`, 2, 24], [`${UPS}.3.2.0`, 2, 1], [`${UPS}.3.3.1.2.1`, 2, 499], [`${UPS}.3.3.1.3.1`, 2, 231], [`${UPS}.4.1.0`, 2, 3], [`${UPS}.4.4.1.5.1`, 2, 35]] });
  t.after(() => sim.stop());
  const rig = await begin(t, head + logins);
  const { name, yaml } = await takeIn(rig, '127.0.0.1', sim.port, '--credentials', 'old');
  assert.match(yaml, /upsEstimatedChargeRemaining/);
  await allGood(rig, name);
  const values = Object.values(await rig.values(name));
  const shows = (value, units) => assert.ok(values.some((p) => Math.abs(p.value - value) < 1e-9 && units.test(p.units ?? '')), `${value} ${units}: ${JSON.stringify(values.map((p) => [p.path, p.value, p.units]))}`);
  shows(97, /%|percent/);
  shows(231, /V/);
  shows(24, /C/);
  shows(54.7, /V/); // upsBatteryVoltage is in tenths of a volt
});
