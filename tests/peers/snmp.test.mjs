// SPDX-License-Identifier: Apache-2.0
// Debian's snmpd, polled and written by a gateway: v1, v2c and v3 with every algorithm it has, what it refuses, an engine
// that becomes another one, a clock that begins anew. Values are compared with what snmpget and snmpwalk say of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeFolder, run, until } from '../support/gateway.mjs';
import { as, auths, privs, read, startSnmpd, userName } from './snmp_peers.mjs';
import { begin, site } from './snmp_rig.mjs';

const users = [[null, null], ...Object.keys(auths).flatMap((auth) => [[auth, null], ...Object.keys(privs).map((priv) => [auth, priv])])];

let files;
let folder;
let snmpd;

before(async () => {
  files = makeFolder({});
  folder = files.folder;
  snmpd = await startSnmpd(folder, { users, config: 'sysDescr a test agent\nsysContact operator\nload 12 10 5' });
});

after(async () => {
  await snmpd.stop();
  files.remove();
});

async function serve(t, options) {
  const agent = await startSnmpd(folder, options);
  t.after(() => agent.stop());
  return agent;
}

const SYS = '1.3.6.1.2.1.1';
const get = (oids, agent = snmpd, who = ['-v2c', '-c', 'public']) => read(folder, 'snmpget', [...who, agent.target], oids);
const walk = (oid, agent = snmpd) => read(folder, 'snmpbulkwalk', ['-v2c', '-c', 'public', agent.target], [oid]);
const login = (auth, priv) => `version: 3, user: ${userName(auth, priv)}` +
  (auth ? `, auth: !secret auth, auth_type: ${auth}` : '') + (priv ? `, priv: !secret priv, priv_type: ${priv}` : '');

/** What a point shows when it is good. */
const shown = async (rig, path) => (await rig.good(path)).value;

for (const version of ['1', '2c']) {
  test(`v${version}: values are those that snmpget and snmpwalk have`, async (t) => {
    const rows = await walk('1.3.6.1.2.1.2.2.1.2'); // ifDescr
    const [index] = [...rows.entries()].find(([, name]) => name === 'lo')[0].split('.').slice(-1);
    const points = { descr: '{ oid: sysDescr.0 }', object: '{ oid: sysObjectID.0 }', uptime: '{ oid: sysUpTime.0 }', contact: `{ oid: ${SYS}.4.0 }`,
      services: '{ oid: "SNMPv2-MIB::sysServices.0" }', mtu: '{ oid: ifMtu, row: lo }', fixed: `{ oid: ifMtu.${index} }`, status: '{ oid: ifOperStatus, row: lo }',
      speed: '{ oid: ifSpeed, row: lo }', octets: '{ oid: ifInOctets, row: lo }', high: '{ oid: ifHCInOctets, row: lo }', mac: '{ oid: ifPhysAddress, row: lo }',
      none: '{ oid: 1.3.6.1.2.1.1.99.0 }', load: '{ oid: 1.3.6.1.4.1.2021.10.1.6.1, type: float }' };
    const rig = await begin(t, site({ d1: { host: snmpd.host, settings: `version: ${version}`, points } }));
    const IF = '1.3.6.1.2.1.2.2.1';
    const counters = [`${IF}.10.${index}`, `1.3.6.1.2.1.31.1.1.1.6.${index}`, `${SYS}.3.0`];
    const earlier = await get(counters);
    for (const point of version === '1' ? ['octets', 'uptime'] : ['octets', 'high', 'uptime']) {
      const asked = (await rig.good(`d1/${point}`)).time;
      await until(`${point} is read again`, async () => (await rig.good(`d1/${point}`)).time !== asked);
    }
    const [octets, high, uptime] = [await shown(rig, 'd1/octets'), version === '1' ? 0 : await shown(rig, 'd1/high'), await shown(rig, 'd1/uptime')];
    const later = await get(counters);
    const between = (value, oid, scale = 1) => assert.ok(value * scale >= Number(earlier.get(oid)) && value * scale <= Number(later.get(oid)),
      `${oid}: ${earlier.get(oid)} <= ${value * scale} <= ${later.get(oid)}`);
    between(octets, counters[0]);
    between(uptime, counters[2], 100);
    const said = await get([`${SYS}.1.0`, `${SYS}.2.0`, `${SYS}.4.0`, `${SYS}.7.0`, `${IF}.4.${index}`, `${IF}.8.${index}`, `${IF}.5.${index}`]);
    assert.equal(await shown(rig, 'd1/descr'), said.get(`${SYS}.1.0`));
    assert.equal(await shown(rig, 'd1/descr'), 'a test agent');
    assert.match(await shown(rig, 'd1/object'), /(linux|8072\.3\.2\.10)$/); // by its name, where a MIB has one
    assert.equal(await shown(rig, 'd1/contact'), 'operator');
    assert.equal(await shown(rig, 'd1/services'), Number(said.get(`${SYS}.7.0`)));
    assert.equal(await shown(rig, 'd1/mtu'), Number(said.get(`${IF}.4.${index}`)));
    assert.equal(await shown(rig, 'd1/fixed'), Number(said.get(`${IF}.4.${index}`)));
    assert.equal(await shown(rig, 'd1/status'), Number(said.get(`${IF}.8.${index}`)));
    assert.equal(await shown(rig, 'd1/speed'), Number(said.get(`${IF}.5.${index}`)));
    await rig.bad('d1/none', /no such (object|instance|name)|noSuch/i);
    if (version === '1') {
      await rig.bad('d1/high', /no such/i); // Counter64 is not in v1
    } else {
      between(high, counters[1]);
    }
  });
}

test('v3: every pair of algorithms that snmpd has', { timeout: 120000 }, async (t) => {
  const points = { services: '{ oid: sysServices.0 }', name: '{ oid: sysName.0 }' };
  const devices = Object.fromEntries(users.map(([auth, priv]) => [userName(auth, priv), { host: snmpd.host, settings: login(auth, priv), points }]));
  const rig = await begin(t, site(devices));
  const said = await get([`${SYS}.5.0`, `${SYS}.7.0`]);
  for (const [auth, priv] of users) {
    const name = userName(auth, priv);
    assert.equal(await shown(rig, `${name}/services`), Number(said.get(`${SYS}.7.0`)), name);
    assert.equal(await shown(rig, `${name}/name`), said.get(`${SYS}.5.0`), name);
  }
  // snmpget logs in as they do: one of each kind
  for (const [auth, priv] of [[null, null], ['SHA-512', null], ['MD5', 'AES-256'], ['SHA', 'AES-192-Cisco'], ['SHA-384', 'DES']]) {
    const seen = await get([`${SYS}.7.0`], snmpd, as(auth, priv));
    assert.equal(seen.get(`${SYS}.7.0`), said.get(`${SYS}.7.0`));
  }
});

test('what is weak is marked, what is strong is not', async (t) => {
  const points = { a: '{ oid: sysServices.0 }' };
  const rig = await begin(t, site({ clear: { host: snmpd.host, settings: 'version: 2c', points },
    md5: { host: snmpd.host, settings: login('MD5', 'AES-128'), points }, des: { host: snmpd.host, settings: login('SHA-256', 'DES'), points },
    open: { host: snmpd.host, settings: login('SHA-256', null), points }, strong: { host: snmpd.host, settings: login('SHA-256', 'AES-128'), points } }));
  for (const name of ['clear', 'md5', 'des', 'open', 'strong']) {
    await rig.good(`${name}/a`);
  }
  const told = JSON.stringify((await rig.gateway.get('/api/v1/drivers')).drivers.find((d) => d.protocol === 'snmp').facts.filter(({ name }) => /insecure/.test(name)));
  for (const name of ['clear', 'md5', 'des', 'open']) {
    assert.match(told, new RegExp(`\\b${name}\\b`));
  }
  assert.doesNotMatch(told, /strong/);
  const { stdout, stderr } = await run(['check', '--config', rig.folder.site, '--data', rig.folder.data]);
  assert.match(stdout + stderr, /insecure/);
});

test('each refusal is told in plain words', { timeout: 60000 }, async (t) => {
  const points = { a: '{ oid: sysServices.0 }' };
  const fast = 'timeout: 300ms, retries: 1';
  const wrong = (auth, priv) => `version: 3, user: ${userName('SHA-256', 'AES-128')}, auth: !secret ${auth}, priv: !secret ${priv}, ${fast}`;
  const rig = await begin(t, site({
    community: { host: snmpd.host, settings: `version: 2c, community: !secret odd, ${fast}`, points },
    unknown: { host: snmpd.host, settings: `version: 3, user: nobody, auth: !secret auth, ${fast}`, points },
    digest: { host: snmpd.host, settings: wrong('wrong', 'priv'), points },
    cipher: { host: snmpd.host, settings: wrong('auth', 'wrong'), points },
    level: { host: snmpd.host, settings: `version: 3, user: ${userName('SHA-256', null)}, auth: !secret auth, priv: !secret priv, ${fast}`, points },
    deaf: { host: '127.0.0.1:9', settings: `version: 2c, ${fast}`, points } }));
  await rig.link('community', /community/i); // silence, which may be that
  await rig.link('unknown', /user/i);
  await rig.link('digest', /password/i);
  await rig.link('cipher', /(privacy|decrypt|no answer)/i);
  await rig.link('level', /(level|priv_type|privacy|decrypt|no answer)/i);
  await rig.link('deaf', /nothing listens/);
  for (const name of ['community', 'unknown', 'digest', 'cipher', 'level', 'deaf']) {
    assert.notEqual((await rig.point(`${name}/a`)).quality, 'good', name);
  }
});

test('an agent that starts again is followed: its clock, then another engine id', { timeout: 60000 }, async (t) => {
  const pairs = [['SHA-256', 'AES-128'], ['MD5', null]];
  const agent = await serve(t, { users: pairs });
  const devices = Object.fromEntries(pairs.map(([auth, priv], i) => [`d${i + 1}`, { host: agent.host,
    settings: `${login(auth, priv)}, timeout: 300ms, retries: 1`, points: { a: '{ oid: sysServices.0 }', boots: '{ oid: 1.3.6.1.6.3.10.2.1.2.0 }' } }]));
  const rig = await begin(t, site(devices));
  assert.equal(await shown(rig, 'd1/boots'), 1);
  assert.equal(await shown(rig, 'd2/boots'), 1);
  await agent.restart();
  await rig.shows('d1/boots', 2, 20000); // its clock is believed without a word: nothing else changed
  await rig.shows('d2/boots', 2, 20000);
  await agent.restart({ engine: '80001f8804616e6f74686572' });
  await rig.shows('d1/boots', 1, 20000);
  await rig.shows('d2/boots', 1, 20000);
  const events = await until('it is told', async () => {
    const seen = (await rig.gateway.get('/api/v1/events?limit=100')).events.filter((e) => /engine/i.test(e.text));
    return seen.length > 0 && seen;
  });
  assert.ok(events.every((e) => /^d[12]/.test(e.source)), JSON.stringify(events));
  assert.equal((await get(['1.3.6.1.6.3.10.2.1.2.0'], agent, as('SHA-256', 'AES-128'))).get('1.3.6.1.6.3.10.2.1.2.0'), '1');
});

test('an agent that forgot how often it started is believed in the end', { timeout: 90000 }, async (t) => {
  const agent = await serve(t, { users: [['SHA-256', 'AES-128']] });
  const rig = await begin(t, site({ d1: { host: agent.host, settings: `${login('SHA-256', 'AES-128')}, timeout: 300ms, retries: 1`,
    points: { boots: '{ oid: 1.3.6.1.6.3.10.2.1.2.0 }' } } }));
  await agent.restart();
  await agent.restart();
  await rig.shows('d1/boots', 3, 30000);
  await agent.restart({ forget: true });
  await rig.shows('d1/boots', 1, 60000);
});

test('SET: written, read back, in the type of the MIB; and what is refused', { timeout: 60000 }, async (t) => {
  const agent = await serve(t, { users: [['SHA-256', 'AES-128'], ['SHA-256', null]] });
  const points = { name: '{ oid: sysName.0, write: true }', location: '{ oid: "SNMPv2-MIB::sysLocation.0", write: true }', fixed: '{ oid: 1.3.6.1.4.1.2021.100.1.0, type: int, write: true }',
    old: '{ oid: 1.3.6.1.2.1.1.99.0, type: int, write: true }' };
  const rig = await begin(t, site({
    v1: { host: agent.host, settings: 'version: 1, community: !secret rw', points }, v2: { host: agent.host, settings: 'community: !secret rw', points },
    v3: { host: agent.host, settings: login('SHA-256', 'AES-128'), points }, ro: { host: agent.host, settings: 'version: 2c', points } }));
  for (const name of ['v1', 'v2', 'v3']) {
    await rig.good(`${name}/name`);
    for (const [point, oid, value] of [['name', `${SYS}.5.0`, `gw-${name}`], ['location', `${SYS}.6.0`, `rack of ${name}`]]) {
      const answer = await rig.write(`${name}/${point}`, value);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.body.read_back, true);
      assert.equal((await get([oid], agent)).get(oid), value);
      await rig.shows(`${name}/${point}`, value);
    }
    const refused = await rig.write(`${name}/fixed`, 5);
    assert.ok(refused.status >= 400, JSON.stringify(refused.body));
    assert.match(JSON.stringify(refused.body), /read.?only|not.?writable|noSuchName|no such/i);
    const absent = await rig.write(`${name}/old`, 5);
    assert.ok(absent.status >= 400, JSON.stringify(absent.body));
  }
  await rig.good('ro/name');
  const denied = await rig.write('ro/name', 'intruder');
  assert.ok(denied.status >= 400, JSON.stringify(denied.body));
  assert.match(JSON.stringify(denied.body), /noAccess|access|noSuchName|may not|not.?writable|authoriz/i);
  assert.equal((await get([`${SYS}.5.0`], agent)).get(`${SYS}.5.0`), 'gw-v3');
});

test('an agent at an IPv6 address, v2c and v3', async (t) => {
  const agent = await serve(t, { address: '::1', users: [['SHA-256', 'AES-128']] });
  const points = { a: '{ oid: sysServices.0 }' };
  const rig = await begin(t, site({ d1: { host: agent.host, settings: 'version: 2c', points }, d2: { host: agent.host, settings: login('SHA-256', 'AES-128'), points },
    d4: { host: snmpd.host, settings: 'version: 2c', points } }));
  const said = await get([`${SYS}.7.0`], agent);
  assert.equal(await shown(rig, 'd1/a'), Number(said.get(`${SYS}.7.0`)));
  assert.equal(await shown(rig, 'd2/a'), 72);
  assert.equal(await shown(rig, 'd4/a'), 72); // IPv4 beside it
});

test('a walk is what snmpwalk says', async (t) => {
  const rig = await begin(t, site({ d1: { host: snmpd.host, settings: 'version: 2c', points: { a: '{ oid: sysServices.0 }' } } }));
  await rig.good('d1/a');
  const said = await walk('1.3.6.1.2.1.2.2.1.2');
  const text = await rig.ok('snmp', 'walk', 'd1', 'ifDescr');
  for (const [oid, value] of said) {
    const index = oid.split('.').at(-1);
    assert.match(text, new RegExp(`ifDescr\\.${index}\\b.*${value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`), text);
  }
  assert.equal(text.trim().split('\n').filter((line) => /ifDescr\.\d+/.test(line)).length, said.size);
});
