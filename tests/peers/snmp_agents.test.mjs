// SPDX-License-Identifier: Apache-2.0
// npm's net-snmp agent, devices recorded for snmpsim, and one made by hand that bears little: types and SET, rows that
// move, walks, tooBig, counters that wrap.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { AUTH, PRIV, read, snmp, startAgent, startSnmpsim } from './snmp_peers.mjs';
import { begin, site } from './snmp_rig.mjs';
import { counter, counter64, gauge, int, Pdu, startFake, text, ticks } from './snmp_wire.mjs';

const { MaxAccess, MibProviderType, ObjectType } = snmp;
const OURS = '1.3.6.1.4.1.99999';

let files;
let folder;

before(() => {
  files = makeFolder({});
  folder = files.folder;
});

after(() => files.remove());

const shown = async (rig, path) => (await rig.good(path)).value;

const scalar = (number, name, scalarType) => ({ name, type: MibProviderType.Scalar, oid: `${OURS}.1.${number}`, scalarType, maxAccess: MaxAccess['read-write'] });

/** A scalar of each type: what the agent has, the point, what it shows, what is written, and what the agent has then. */
const kinds = [
  { name: 'integer', of: ObjectType.Integer, has: -42, point: 'type: int', shows: -42, write: 17, then: 17 },
  { name: 'octets', of: ObjectType.OctetString, has: 'Zürich', point: 'type: text', shows: 'Zürich', write: 'Genève', then: 'Genève' },
  { name: 'gauge', of: ObjectType.Gauge, has: 4000000000, point: 'type: unsigned', shows: 4000000000, write: 3000000000, then: 3000000000 },
  { name: 'ticks', of: ObjectType.TimeTicks, has: 12345, point: 'type: ticks', shows: 123.45, write: 60, then: 6000 },
  { name: 'address', of: ObjectType.IpAddress, has: '10.0.4.7', point: 'type: ip', shows: '10.0.4.7', write: '10.0.4.8', then: '10.0.4.8' },
  { name: 'object', of: ObjectType.OID, has: '1.3.6.1.4.1.99999.7', point: 'type: oid', shows: /99999\.7$/, write: '1.3.6.1.4.1.99999.8', then: '1.3.6.1.4.1.99999.8' },
  { name: 'number', of: ObjectType.OctetString, has: '21.4', point: 'type: number', shows: 21.4, write: 22.5, then: '22.5' },
  { name: 'truth', of: ObjectType.Integer, has: 2, point: 'type: bool', shows: false, write: true, then: 1 },
  { name: 'counter', of: ObjectType.Counter, has: 4294967295, point: 'type: counter', shows: 4294967295 },
  { name: 'counter64', of: ObjectType.Counter64, has: Buffer.from('0000010000000000', 'hex'), point: 'type: counter', shows: 1099511627776 },
];

test('npm net-snmp: values of all types, written in their type and read back', { timeout: 60000 }, async (t) => {
  const agent = await startAgent({ providers: kinds.map((k, i) => scalar(i + 1, k.name, k.of)),
    fill: (mib) => kinds.forEach((k) => mib.setScalarValue(k.name, k.has)),
    users: [{ name: 'fred', level: snmp.SecurityLevel.authPriv, authProtocol: snmp.AuthProtocols.sha256, authKey: AUTH, privProtocol: snmp.PrivProtocols.aes, privKey: PRIV }] });
  t.after(() => agent.stop());
  const points = Object.fromEntries(kinds.map((k, i) => [k.name, `{ oid: ${OURS}.1.${i + 1}.0, ${k.point}${k.write === undefined ? '' : ', write: true'} }`]));
  const v3 = 'version: 3, user: fred, auth: !secret auth, priv: !secret priv';
  const rig = await begin(t, site({ d1: { host: agent.host, settings: 'community: !secret rw', points }, d3: { host: agent.host, settings: v3, points } }));
  for (const device of ['d1', 'd3']) {
    for (const k of kinds) {
      const value = await shown(rig, `${device}/${k.name}`);
      if (k.shows instanceof RegExp) {
        assert.match(value, k.shows);
      } else {
        assert.equal(value, k.shows, `${device}/${k.name}`);
      }
    }
  }
  for (const k of kinds.filter((one) => one.write !== undefined)) {
    const answer = await rig.write('d3/' + k.name, k.write);
    assert.equal(answer.status, 200, `${k.name}: ${JSON.stringify(answer.body)}`);
    const has = agent.mib.getScalarValue(k.name);
    assert.equal(Buffer.isBuffer(has) ? has.toString() : has, k.then, k.name);
    await until(`${k.name} is shown to the other`, async () => `${(await rig.point(`d1/${k.name}`)).value}`.endsWith(`${k.write}`.replace('1.3.6.1.4.1.', '')));
  }
  assert.equal((await rig.write('d1/integer', 2 ** 31)).status, 422);
  assert.equal((await rig.write('d1/address', 'not an address')).status, 422);
  assert.deepEqual(agent.errors, []);
});

const IF = '1.3.6.1.2.1.2.2.1';
const interfaces = { name: 'ifEntry', type: MibProviderType.Table, oid: IF, maxAccess: MaxAccess['not-accessible'], tableIndex: [{ columnName: 'ifIndex' }],
  tableColumns: [[1, 'ifIndex', ObjectType.Integer], [2, 'ifDescr', ObjectType.OctetString], [8, 'ifOperStatus', ObjectType.Integer], [10, 'ifInOctets', ObjectType.Counter]]
    .map(([number, name, type]) => ({ number, name, type, maxAccess: MaxAccess['read-only'] })) };

test('npm net-snmp: a row is followed by its name when its number changes, goes and comes back', { timeout: 120000 }, async (t) => {
  const rows = (mib, names) => {
    names.forEach((name, i) => name && mib.addTableRow('ifEntry', [i + 1, name, 1 + (i % 2), 1000 * (i + 1)]));
  };
  const agent = await startAgent({ providers: [interfaces], fill: (mib) => rows(mib, ['lo', 'eth0', 'eth1']) });
  t.after(() => agent.stop());
  const points = { eth0: '{ oid: ifInOctets, row: "ifDescr=eth0" }', eth1: '{ oid: ifInOctets, row: "ifDescr=eth1" }', fixed: '{ oid: ifInOctets.2 }' };
  const rig = await begin(t, site({ d1: { host: agent.host, settings: 'version: 2c', points } }));
  await rig.shows('d1/eth0', 2000);
  await rig.shows('d1/eth1', 3000);
  const began = Date.now();
  for (const i of [1, 2, 3]) {
    agent.mib.deleteTableRow('ifEntry', [i]);
  }
  rows(agent.mib, ['lo', 'eth1', null, null, 'tun0', 'eth0']); // eth1 is where eth0 was
  await rig.shows('d1/eth0', 6000);
  await rig.shows('d1/eth1', 2000);
  await rig.shows('d1/fixed', 2000);
  const wrong = (await rig.samples('d1/eth0', began)).filter(([, value]) => value !== null && value !== 2000 && value !== 6000);
  assert.deepEqual(wrong, [], 'no value of another row');
  const strays = (await rig.samples('d1/eth1', began)).filter(([, value]) => value !== null && value !== 3000 && value !== 2000);
  assert.deepEqual(strays, []);
  agent.mib.deleteTableRow('ifEntry', [6]);
  await rig.bad('d1/eth0', /row|eth0/i);
  await rig.good('d1/eth1');
  agent.mib.addTableRow('ifEntry', [9, 'eth0', 1, 9000]);
  await rig.shows('d1/eth0', 9000, 90000); // looked for again within a minute
});

/** What a switch, a UPS and a printer told when they were recorded. */
const sys = (descr, object, name) => [['1.3.6.1.2.1.1.1.0', 4, descr], ['1.3.6.1.2.1.1.2.0', 6, object], ['1.3.6.1.2.1.1.3.0', 67, 8640000], ['1.3.6.1.2.1.1.5.0', 4, name]];
const ports = ['sc0', 'FastEthernet0/1', 'FastEthernet0/2', 'GigabitEthernet0/1'];
const recorded = {
  switch: [...sys('Switch Software, 24 ports', '1.3.6.1.4.1.9.1.359', 'switch-1'), ['1.3.6.1.2.1.2.1.0', 2, ports.length],
    ...ports.map((p, i) => [`${IF}.1.${i + 1}`, 2, i + 1]), ...ports.map((p, i) => [`${IF}.2.${i + 1}`, 4, p]),
    ...ports.map((p, i) => [`${IF}.6.${i + 1}`, '4x', `001a2b3c4d0${i}`]), ...ports.map((p, i) => [`${IF}.8.${i + 1}`, 2, 1 + (i % 2)]),
    ...ports.map((p, i) => [`${IF}.10.${i + 1}`, 65, 4294967000 + i]),
    ...ports.map((p, i) => [`1.3.6.1.2.1.31.1.1.1.1.${i + 1}`, 4, p.replace('FastEthernet', 'Fa').replace('GigabitEthernet', 'Gi')]),
    ...ports.map((p, i) => [`1.3.6.1.2.1.31.1.1.1.6.${i + 1}`, 70, 1099511627776 + i]),
    ...ports.map((p, i) => [`1.3.6.1.2.1.31.1.1.1.18.${i + 1}`, 4, i === 3 ? 'uplink to core' : ''])],
  ups: [...sys('UPS 3000', '1.3.6.1.4.1.318.1.3.27', 'ups-1'), ['1.3.6.1.2.1.33.1.1.1.0', 4, 'Makers'], ['1.3.6.1.2.1.33.1.2.1.0', 2, 2], ['1.3.6.1.2.1.33.1.2.2.0', 2, 0],
    ['1.3.6.1.2.1.33.1.2.3.0', 2, 41], ['1.3.6.1.2.1.33.1.2.4.0', 2, 97], ['1.3.6.1.2.1.33.1.2.5.0', 2, 547], ['1.3.6.1.2.1.33.1.2.7.0', 2, 24],
    ['1.3.6.1.2.1.33.1.3.2.0', 2, 1], ['1.3.6.1.2.1.33.1.3.3.1.2.1', 2, 499], ['1.3.6.1.2.1.33.1.3.3.1.3.1', 2, 231],
    ['1.3.6.1.2.1.33.1.4.1.0', 2, 3], ['1.3.6.1.2.1.33.1.4.4.1.5.1', 2, 35]],
  printer: [...sys('Printer', '1.3.6.1.4.1.11.2.3.9.1', 'printer-1'), ['1.3.6.1.2.1.25.3.5.1.1.1', 2, 3], ['1.3.6.1.2.1.25.3.5.1.2.1', '4x', '40'],
    ['1.3.6.1.2.1.43.11.1.1.6.1.1', 4, 'Black Toner'], ['1.3.6.1.2.1.43.11.1.1.8.1.1', 2, 10000], ['1.3.6.1.2.1.43.11.1.1.9.1.1', 2, 4200]],
};

test('snmpsim: a switch, a UPS and a printer as they were recorded', { timeout: 90000 }, async (t) => {
  const sim = await startSnmpsim(folder, recorded);
  t.after(() => sim.stop());
  const v3 = (context) => `version: 3, user: sim, auth: !secret auth, priv: !secret priv, context: ${context}`;
  const rig = await begin(t, site({
    switch: { host: sim.host, settings: 'community: !secret switch', points: { name: '{ oid: sysName.0 }', up: '{ oid: sysUpTime.0 }', fa1: '{ oid: ifOperStatus, row: Fa0/1 }',
      uplink: '{ oid: ifHCInOctets, row: "ifAlias=uplink to core" }', mac: '{ oid: ifPhysAddress.2 }', octets: '{ oid: ifInOctets.3 }' } },
    ups: { host: sim.host, settings: v3('ups'), points: { minutes: '{ oid: 1.3.6.1.2.1.33.1.2.3.0 }', charge: '{ oid: "UPS-MIB::upsEstimatedChargeRemaining.0" }',
      voltage: '{ oid: "UPS-MIB::upsInputVoltage.1" }', source: '{ oid: "UPS-MIB::upsOutputSource.0" }' } },
    printer: { host: sim.host, settings: v3('printer'), points: { status: '{ oid: "HOST-RESOURCES-MIB::hrPrinterStatus.1" }', toner: '{ oid: 1.3.6.1.2.1.43.11.1.1.9.1.1, type: int }' } },
    v1: { host: sim.host, settings: 'version: 1, community: !secret switch', points: { name: '{ oid: sysName.0 }', octets: '{ oid: ifInOctets.3 }' } },
  }), { secrets: { auth: AUTH, priv: PRIV, switch: 'switch' } });
  const expect = { 'switch/name': 'switch-1', 'switch/up': 86400, 'switch/fa1': 2, 'switch/uplink': 1099511627779, 'switch/mac': '00:1a:2b:3c:4d:01', 'switch/octets': 4294967002,
    'ups/minutes': 41, 'ups/charge': 97, 'ups/voltage': 231, 'ups/source': 3, 'printer/status': 3, 'printer/toner': 4200, 'v1/name': 'switch-1', 'v1/octets': 4294967002 };
  for (const [path, value] of Object.entries(expect)) {
    assert.equal(await shown(rig, path), value, path);
  }
  const charge = await rig.point('ups/charge');
  assert.match(`${charge.units}`, /percent|%/);
  const said = await read(folder, 'snmpwalk', ['-v2c', '-c', 'switch', sim.host], [IF]);
  const walked = await rig.ok('snmp', 'walk', 'switch', '1.3.6.1.2.1.2.2.1');
  assert.equal(walked.trim().split('\n').filter((line) => /\bif[A-Z]\w*\.\d+/.test(line)).length, said.size - [...said.values()].filter((v) => /^No more/.test(v)).length);
});

const many = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${OURS}.2.${i + 1}.0`, int(i)]));

for (const [what, limit] of [['tells tooBig', { varbinds: 7 }], ['answers in small messages only', { bytes: 300 }], ['says nothing to long questions', { silentOver: 7 }]]) {
  test(`an agent that ${what}: questions become as long as it bears`, { timeout: 60000 }, async (t) => {
    const agent = await startFake(many(40));
    t.after(() => agent.stop());
    Object.assign(agent, limit);
    const points = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, `{ oid: ${OURS}.2.${i + 1}.0, type: int }`]));
    const rig = await begin(t, site({ d1: { host: agent.host, settings: 'version: 2c, timeout: 200ms, retries: 1', points } }));
    for (let i = 0; i < 40; i++) {
      assert.equal(await shown(rig, `d1/p${i}`), i);
    }
    await sleep(1500);
    const from = agent.asked.length;
    await until('several polls later', () => agent.asked.length > from + 24, 20000);
    const last = agent.asked.slice(from);
    assert.ok(last.some((q) => q.varbinds.length > 1), 'values are asked for together');
    const refused = last.filter((q) => q.varbinds.length > (limit.varbinds ?? limit.silentOver ?? 40));
    assert.ok(refused.length <= last.length / 8, `${refused.length} of ${last.length} questions were longer than it bears`);
  });
}

test('counters of 32 and 64 bits wrap, and a restart is no wrap', { timeout: 60000 }, async (t) => {
  const start = Date.now();
  let restarted = start;
  let base = 4294967296 - 6000;
  const rate = 1000; // a second
  const value = () => base + Math.floor(((Date.now() - restarted) / 1000) * rate);
  const agent = await startFake({ '1.3.6.1.2.1.1.3.0': () => ticks(Math.floor((Date.now() - restarted) / 10) + 100),
    [`${IF}.10.1`]: () => counter(value() % 4294967296), '1.3.6.1.2.1.31.1.1.1.6.1': () => counter64(BigInt(value())) });
  t.after(() => agent.stop());
  const points = { raw: '{ oid: ifInOctets.1 }', total: '{ oid: ifInOctets.1, as: total }', rate: '{ oid: ifInOctets.1, as: rate }', high: '{ oid: ifHCInOctets.1, as: rate }',
    change: '{ oid: ifInOctets.1, as: change }', up: '{ oid: sysUpTime.0 }' };
  const rig = await begin(t, site({ d1: { host: agent.host, settings: 'version: 2c', points } }));
  await rig.good('d1/rate');
  await until('it wrapped', async () => (await rig.good('d1/raw')).value < 100000);
  await sleep(1500);
  const rates = (await rig.samples('d1/rate')).map(([, v]) => v).filter((v) => v !== null);
  assert.ok(rates.length >= 3 && rates.every((v) => v > 300 && v < 3000), `rates: ${rates}`);
  const totals = (await rig.samples('d1/total')).map(([, v]) => v).filter((v) => v !== null);
  assert.ok(totals.every((v, i) => i === 0 || v >= totals[i - 1]) && totals.at(-1) > 4294967296, `totals: ${totals}`);
  const changes = (await rig.samples('d1/change')).map(([, v]) => v).filter((v) => v !== null);
  assert.ok(changes.every((v) => v >= 0 && v < 5000), `changes: ${changes}`);
  restarted = Date.now(); // it counts from nothing, as after power was off
  base = 0;
  await until('it is seen', async () => (await rig.good('d1/high')).value > 0 && (await rig.good('d1/up')).value < 5);
  await sleep(1500);
  const after_ = [...(await rig.samples('d1/rate')), ...(await rig.samples('d1/high'))].map(([, v]) => v).filter((v) => v !== null);
  assert.ok(after_.every((v) => v >= 0 && v < 3000), `rates: ${after_}`);
});

test('a v1 agent is asked by GETNEXT, and one bad name does not spoil the others', { timeout: 60000 }, async (t) => {
  const agent = await startFake({ ...many(3), [`${OURS}.3.1.0`]: gauge(9), [`${OURS}.3.2.0`]: text('x') });
  t.after(() => agent.stop());
  agent.spoil = (whole, question) => { // as v1 answers: noSuchName and where
    const at = question.varbinds.findIndex((v) => !agent.values.has(v.oid));
    if (question.type !== Pdu.GET || at < 0) {
      return whole;
    }
    return agent.refuse(question, 2, at + 1);
  };
  const points = { a: `{ oid: ${OURS}.2.1.0, type: int }`, b: `{ oid: ${OURS}.2.2.0, type: int }`, none: `{ oid: ${OURS}.9.9.0, type: int }`, gone: `{ oid: ${OURS}.9.8.0, type: int }`, c: `{ oid: ${OURS}.3.1.0, type: int }` };
  const rig = await begin(t, site({ d1: { host: agent.host, settings: 'version: 1', points } }));
  assert.equal(await shown(rig, 'd1/a'), 0);
  assert.equal(await shown(rig, 'd1/b'), 1);
  assert.equal(await shown(rig, 'd1/c'), 9);
  await rig.bad('d1/none', /no such/i);
  await rig.bad('d1/gone', /no such/i);
  assert.ok(agent.asked.every((q) => q.type !== Pdu.GETBULK && q.version === 0));
});
