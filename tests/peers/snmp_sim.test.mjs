// SPDX-License-Identifier: Apache-2.0
// `busbar sim` as SNMP agents, seen by Debian's tools beside the gateway: both have to see the same; and what agents tell by
// themselves, taken by Debian's snmptrapd.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, sleep, start, startSim, until } from '../support/gateway.mjs';
import { as, AUTH, auths, freeUdp, PRIV, privs, read, tool, userName } from './snmp_peers.mjs';
import { begin, head, site } from './snmp_rig.mjs';

const points = {
  name: '{ oid: sysName.0 }', temp: '{ oid: 1.3.6.1.4.1.32473.9.1.0, type: float, units: degC }',
  sp: '{ oid: 1.3.6.1.4.1.32473.9.2.0, type: int, write: { min: 0, max: 90 } }',
  status: '{ oid: ifOperStatus, row: eth0, traps: true }', admin: '{ oid: ifAdminStatus, row: eth0, write: true }',
  total: '{ oid: ifHCInOctets, row: eth0, as: total }', mac: '{ oid: ifPhysAddress, row: eth0 }',
};
const SYS_NAME = '1.3.6.1.2.1.1.5.0';
const SP = '1.3.6.1.4.1.32473.9.2.0';

/** Settings of a v3 device. */
const user = (auth, priv) => `user: ${userName(auth, priv)}${auth ? `, auth: !secret auth, auth_type: ${auth}` : ''}${priv ? `, priv: !secret priv, priv_type: ${priv}` : ''}`;

async function beginSim(t, devices, driver = '', args = []) {
  const rig = await begin(t, site(devices, driver));
  const sim = await startSim(rig.folder.site, ['--data', rig.folder.data, ...args]);
  t.after(() => sim.stop());
  return { rig, sim };
}

test('values, walks and SET by every version', { timeout: 90000 }, async (t) => {
  const port = await freeUdp();
  const hosts = { v1: `127.0.6.1:${port}`, v2: `127.0.6.2:${port}`, v3: `127.0.6.3:${port}` };
  const { rig } = await beginSim(t, {
    v1: { host: hosts.v1, settings: 'version: 1, community: !secret rw', points: { ...points, total: '{ oid: ifInOctets, row: eth0 }' } },
    v2: { host: hosts.v2, settings: 'version: 2c, community: !secret rw', points },
    v3: { host: hosts.v3, settings: user('SHA-256', 'AES-128'), points },
  });
  const { folder } = rig.folder;
  const asked = { v1: ['-v1', '-c', 'private'], v2: ['-v2c', '-c', 'private'], v3: as('SHA-256', 'AES-128') };
  for (const [name, args] of Object.entries(asked)) {
    for (const point of Object.keys(points)) {
      await rig.good(`${name}/${point}`, 20000);
    }
    const index = [...await read(folder, 'snmpwalk', [...args, hosts[name]], ['1.3.6.1.2.1.31.1.1.1.1'])]
      .find(([, text]) => text === 'eth0')[0].split('.').at(-1);
    const oids = [SYS_NAME, `1.3.6.1.2.1.2.2.1.8.${index}`, `1.3.6.1.2.1.2.2.1.6.${index}`];
    const seen = await read(folder, 'snmpget', [...args, hosts[name]], oids);
    const values = await rig.values(name);
    assert.equal(seen.get(SYS_NAME), name);
    assert.equal(values.name.value, name);
    assert.equal(Number(seen.get(oids[1])), values.status.value);
    const mac = seen.get(oids[2]).match(/[0-9a-f]+/gi).map((part) => part.padStart(2, '0').toLowerCase()).join(':');
    assert.equal(values.mac.value, mac, name);
    assert.equal((await tool(folder, 'snmpset', [...args, hosts[name], SP, 'i', '55'])).code, 0);
    await rig.shows(`${name}/sp`, 55);
    assert.equal((await rig.write(`${name}/sp`, 60)).status, 200);
    assert.equal((await read(folder, 'snmpget', [...args, hosts[name]], [SP])).get(SP), '60');
    const refused = await tool(folder, 'snmpset', [...args, hosts[name], SP, 's', 'text']);
    assert.match(refused.output, name === 'v1' ? /badValue/ : /wrongType/);
    const walked = await tool(folder, 'snmpwalk', ['-On', ...args, hosts[name], '1.3']);
    assert.ok(walked.lines.length > 100, walked.output);
    if (name !== 'v1') {
      const bulk = await tool(folder, 'snmpbulkwalk', ['-On', ...args, hosts[name], '1.3']);
      assert.deepEqual(bulk.lines.map((line) => line.split(' ')[0]), walked.lines.map((line) => line.split(' ')[0]));
    }
  }
});

test('every algorithm of version 3', { timeout: 120000 }, async (t) => {
  const port = await freeUdp();
  const pairs = [[null, null], ...Object.keys(auths).map((auth) => [auth, null]), ...Object.keys(privs).map((priv) => ['SHA-256', priv]), ['MD5', 'AES-256'], ['SHA', 'AES-192-Cisco']];
  const devices = Object.fromEntries(pairs.map(([auth, priv], index) =>
    [`d${index}`, { host: `127.0.6.${10 + index}:${port}`, settings: user(auth, priv), points: { name: points.name } }]));
  const { rig } = await beginSim(t, devices);
  for (const [index, [auth, priv]] of pairs.entries()) {
    const host = devices[`d${index}`].host;
    assert.equal((await read(rig.folder.folder, 'snmpget', [...as(auth, priv), host], [SYS_NAME])).get(SYS_NAME), `d${index}`);
    await rig.shows(`d${index}/name`, `d${index}`, 20000);
  }
  const right = ['-v3', '-r0', '-l', 'authPriv', '-a', 'SHA-256', '-x', 'AES'];
  const host = devices[`d${pairs.findIndex(([, priv]) => priv === 'AES-128')}`].host;
  const ask = (...args) => tool(rig.folder.folder, 'snmpget', [...right, ...args, host, SYS_NAME]);
  const name = userName('SHA-256', 'AES-128');
  assert.match((await ask('-u', name, '-A', 'another pass', '-X', PRIV)).output, /Authentication failure/);
  assert.match((await ask('-u', 'nobody', '-A', AUTH, '-X', PRIV)).output, /Unknown user name/);
  assert.match((await ask('-u', name, '-A', AUTH, '-X', PRIV, '-n', 'elsewhere')).output, /Bad context/);
  assert.match((await tool(rig.folder.folder, 'snmpget', ['-v3', '-r0', '-l', 'noAuthNoPriv', '-u', name, host, SYS_NAME])).output, /Unsupported security level/);
});

/** Debian's receiver, as the place that a site's `listen` names; its lines hold OIDs as numbers. */
async function startTrapd(t, folder, port, lines) {
  writeFileSync(join(folder, 'busbar-trapd.conf'), ['disableAuthorization yes', ...lines, ''].join('\n'));
  const trapd = start('snmptrapd', ['-f', '-Lo', '-n', '-On', '-Oe', '-m', '', '-C', '-c', join(folder, 'busbar-trapd.conf'), `udp:127.0.0.1:${port}`],
    { env: { ...process.env, SNMP_PERSISTENT_DIR: folder, MIBS: '' } });
  t.after(() => trapd.stop());
  await until('snmptrapd listens', () => /NET-SNMP version/.test(trapd.output));
  return trapd;
}

test('traps and informs as snmptrapd takes them', { timeout: 60000 }, async (t) => {
  const [port, traps] = [await freeUdp(), await freeUdp()];
  const point = '    points: { status: { oid: ifOperStatus, row: eth0 } }\n';
  const folder = makeFolder({ 'site.yaml': `${head}drivers: { snmp: { listen: "127.0.0.1:${traps}" } }\ndevices:\n`
    + `  v1:\n    snmp: { host: "127.0.6.51:${port}", version: 1 }\n${point}`
    + `  v2:\n    snmp: { host: "127.0.6.52:${port}", version: 2c }\n${point}`
    + `  v3:\n    snmp: { host: "127.0.6.53:${port}", user: bus, auth: !secret authentication, priv: !secret privacy-word }\n${point}` });
  t.after(() => folder.remove());
  const sim = await startSim(folder.site); // a secret's value is its name
  t.after(() => sim.stop());
  const home = makeFolder({});
  t.after(() => home.remove());
  const user3 = ['-v3', '-l', 'authPriv', '-u', 'bus', '-a', 'SHA-256', '-A', 'authentication', '-x', 'AES', '-X', 'privacy-word'];
  const engine = (await tool(home.folder, 'snmpget', ['-On', '-Ox', ...user3, `127.0.6.53:${port}`, '1.3.6.1.6.3.10.2.1.1.0'])).output
    .match(/"([0-9A-F ]+)"|Hex-STRING: ([0-9A-F ]+)/).slice(1).find(Boolean).replaceAll(' ', '');
  const trapd = await startTrapd(t, home.folder, traps, [
    `createUser -e 0x${engine} bus SHA-256 "authentication" AES "privacy-word"`, 'createUser bus SHA-256 "authentication" AES "privacy-word"']);
  const takes = async (line, matching) => {
    const before = trapd.output.length;
    assert.equal((await sim.control(line)).trim(), 'ok');
    await until(`${line}: ${matching}`, () => matching.test(trapd.output.slice(before)));
    return trapd.output.slice(before);
  };
  const down = /1\.3\.6\.1\.6\.3\.1\.1\.5\.3[\s\S]*2\.2\.1\.1\.1 = INTEGER: 1[\s\S]*2\.2\.1\.8\.1 = INTEGER: 2/;
  for (const name of ['v2', 'v3']) {
    await takes(`trap ${name} linkDown eth0`, down);
    await takes(`inform ${name} linkUp status`, /1\.3\.6\.1\.6\.3\.1\.1\.5\.4[\s\S]*2\.2\.1\.8\.1 = INTEGER: 1/);
    await until('it is answered', async () => /1 informs answered, 0 open/.test(await sim.control(`told ${name}`)));
    await takes(`trap ${name} coldStart`, /1\.3\.6\.1\.6\.3\.1\.1\.5\.1/);
  }
  await takes('trap v1 linkDown eth0', /Link Down Trap \(0\)[\s\S]*2\.2\.1\.8\.1 = INTEGER: 2/);
  await takes('trap v1 upsTrapOnBattery', /1\.3\.6\.1\.2\.1\.33\.2[\s\S]*Enterprise Specific Trap \(1\)/);
  assert.match(await sim.control('inform v1 coldStart'), /version 1 has no informs/);
  assert.match(await sim.control('trap v2 nothingOfTheKind'), /^error: /);
  await trapd.stop();
  await sim.control('inform v2 coldStart');
  await until('it is sent again while nobody answers', async () => /1 open, [1-9]\d* resent/.test(await sim.control('told v2')));
  await startTrapd(t, home.folder, traps, []);
  await until('it is answered at last', async () => /2 informs answered, 0 open/.test(await sim.control('told v2')));
});

test('faults that a person sets, as the gateway sees them', { timeout: 90000 }, async (t) => {
  const [port, traps] = [await freeUdp(), await freeUdp()];
  const { rig, sim } = await beginSim(t, Object.fromEntries(['d1', 'd2'].map((name, index) =>
    [name, { host: `127.0.6.${71 + index}:${port}`, settings: 'version: 2c, timeout: 300ms, retries: 1', points }])),
    `listen: "127.0.0.1:${traps}"`);
  const host = `127.0.6.71:${port}`;
  const { folder } = rig.folder;
  const walk = async (...args) => (await tool(folder, 'snmpbulkwalk', ['-On', '-v2c', '-c', 'public', ...args, host, '1.3'])).output;
  await rig.good('d1/total', 20000);
  for (const fault of ['most-bytes:200', 'no-bulk', 'most-nodes:2']) { // learned, and all points good again
    await sim.control(`d1=${fault}`);
    await sim.control('set d1/sp 11');
    await rig.shows('d1/sp', 11, 20000);
    await sim.control('set d1/sp 12');
    await rig.shows('d1/sp', 12, 20000);
    await sim.control('d1=none');
  }
  await sim.control('set d1/status 2'); // told by a trap
  await rig.shows('d1/status', 2);
  await until('the event', async () => /linkDown: ifIndex 1/.test(await rig.ok('event', 'list')));
  const before = (await rig.values()).mac.value;
  await sim.control('d1=renumber');
  await sleep(1500);
  await until('its row is followed', async () => {
    const { mac, status } = await rig.values();
    return mac.quality === 'good' && mac.value === before && status.value === 2;
  }, 20000);
  const seen = await read(folder, 'snmpwalk', ['-v2c', '-c', 'public', host], ['1.3.6.1.2.1.31.1.1.1.1']);
  assert.equal(seen.get('1.3.6.1.2.1.31.1.1.1.1.2'), 'eth0');
  await sim.control('d1=loop');
  assert.match(await walk(), /OID not increasing/);
  await sim.control('d1=no-login');
  await rig.bad('d1/name', /./, 20000);
  assert.match(await walk('-r0', '-t1'), /Timeout/);
  await sim.control('d1=none');
  await rig.good('d1/name', 30000);
  await sim.control('d2=restart');
  await until('the restart is noticed', async () => /restart\s+d2/.test(await rig.ok('event', 'list')), 20000);
  await sim.control('d1=error:5');
  assert.match((await tool(folder, 'snmpget', ['-v2c', '-c', 'public', host, SYS_NAME])).output, /genError/);
});
