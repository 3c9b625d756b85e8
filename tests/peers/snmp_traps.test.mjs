// SPDX-License-Identifier: Apache-2.0
// Notifications of net-snmp's snmptrap and snmpinform, and of npm's net-snmp, at a gateway: v1, v2c and v3, each an event
// with its arguments by name; points that they set or have read; informs that are answered; and who is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { as, AUTH, freeUdp, PRIV, snmp, tool, userName } from './snmp_peers.mjs';
import { begin, site } from './snmp_rig.mjs';
import { discoverEngine, int, startFake, ticks } from './snmp_wire.mjs';

const LINK_DOWN = '1.3.6.1.6.3.1.1.5.3';
const LINK_UP = '1.3.6.1.6.3.1.1.5.4';
const COLD_START = '1.3.6.1.6.3.1.1.5.1';
const IF = '1.3.6.1.2.1.2.2.1';
const ENGINE = '80001f8804747261706572';

let files;
let folder;

before(() => {
  files = makeFolder({});
  folder = files.folder;
});

after(() => files.remove());

const port = (index, status) => [`${IF}.1.${index}`, 'i', `${index}`, `${IF}.7.${index}`, 'i', '1', `${IF}.8.${index}`, 'i', `${status}`];
const v2 = (community = 'public') => ['-v2c', '-c', community];
const from = (address) => [`--clientaddr=${address}`];

/** A gateway that listens; agents: fakes by the device's name, each at an address of its own. */
async function listen(t, devices, { driver = '', secrets = {} } = {}) {
  const at = await freeUdp();
  const list = {};
  const agents = {};
  for (const [name, { settings, points = {}, every = '1h', values = {} }] of Object.entries(devices)) {
    const address = `127.0.${10 + Object.keys(list).length}.1`;
    agents[name] = await startFake({ '1.3.6.1.2.1.1.3.0': ticks(100), ...values }, { address });
    t.after(() => agents[name].stop());
    list[name] = { host: agents[name].host, settings: `${settings}, timeout: 300ms, retries: 1`, points, every };
  }
  const rig = await begin(t, site(list, `listen: "127.0.0.1:${at}"${driver ? `, ${driver}` : ''}`), { secrets: { auth: AUTH, priv: PRIV, wrong: 'not the password', trap: 'trapcom', ...secrets } });
  rig.agents = agents;
  rig.address = (name) => agents[name].host.split(':')[0];
  rig.target = `127.0.0.1:${at}`;
  rig.events = async (query = '') => (await rig.gateway.get(`/api/v1/events?limit=1000${query}`)).events;
  rig.event = (matching) => until(`an event ${JSON.stringify(matching)}`, async () => (await rig.events()).find((e) =>
    Object.entries(matching).every(([key, value]) => (value instanceof RegExp ? value.test(e[key]) : e[key] === value))));
  /** Sends as a device does; resolves with what the tool says. */
  rig.send = (name, who, ...rest) => tool(folder, 'snmptrap', [...from(rig.address(name)), ...who, rig.target, ...rest]);
  rig.inform = (name, who, ...rest) => tool(folder, 'snmpinform', [...from(rig.address(name)), '-r', '1', '-t', '2', ...who, rig.target, ...rest]);
  rig.refusals = async () => {
    const { drivers } = await rig.gateway.get('/api/v1/drivers');
    return JSON.stringify(drivers.find((d) => d.protocol === 'snmp'));
  };
  return rig;
}

const named = (event) => Object.fromEntries(event.arguments.map(({ name, value }) => [name, value]));

test('v1 and v2c traps are events with their arguments by name', async (t) => {
  const rig = await listen(t, { d1: { settings: 'version: 2c' }, d2: { settings: 'version: 1' } });
  await rig.send('d1', v2(), '4711', LINK_DOWN, ...port(7, 2));
  const event = await rig.event({ source: /^d1/, kind: 'trap', text: /linkDown/ });
  const seen = JSON.stringify(named(event));
  assert.match(seen, /ifIndex/);
  assert.match(seen, /ifOperStatus/);
  assert.match(JSON.stringify(event), /down/i);
  await rig.send('d2', ['-v1', '-c', 'public'], '1.3.6.1.4.1.8072.3.2.10', rig.address('d2'), '3', '0', '4711', ...port(3, 1));
  assert.match(JSON.stringify(named(await rig.event({ source: /^d2/, kind: 'trap', text: /linkUp/ }))), /ifOperStatus/);
  await rig.send('d2', ['-v1', '-c', 'public'], '1.3.6.1.4.1.99999', rig.address('d2'), '6', '42', '4712', '1.3.6.1.4.1.99999.1.1', 's', 'door open');
  const special = await rig.event({ source: /^d2/, text: /99999\.0\.42/ });
  assert.match(JSON.stringify(special), /door open/);
  assert.equal((await rig.events()).filter((e) => e.kind === 'trap').length, 3);
});

test('traps set points, and have points read at once', { timeout: 60000 }, async (t) => {
  const oper = `${IF}.8.7`;
  const rig = await listen(t, { d1: { settings: 'version: 2c', values: { [oper]: int(1), [`${IF}.8.9`]: int(1), '1.3.6.1.2.1.2.1.0': int(24) }, points: {
    carried: '{ oid: ifOperStatus.7, traps: true }', other: '{ oid: ifOperStatus.9, traps: true }', link: '{ oid: ifOperStatus.7, trap: "linkUp=1, linkDown=2" }',
    alarm: '{ trap: "coldStart=1" }', poked: '{ oid: ifNumber.0, poll_on: "coldStart" }', argument: '{ argument: 1.3.6.1.4.1.99999.1.1 }' } } });
  await rig.shows('d1/carried', 1);
  await rig.shows('d1/poked', 24);
  const polls = rig.agents.d1.asked.length;
  rig.agents.d1.values.set('1.3.6.1.2.1.2.1.0', int(25));
  rig.agents.d1.values.set(oper, int(2));
  await rig.send('d1', v2(), '1', LINK_DOWN, ...port(7, 2));
  await rig.shows('d1/carried', 2);
  await rig.shows('d1/link', 2);
  await rig.shows('d1/other', 1);
  assert.equal((await rig.point('d1/poked')).value, 24, 'linkDown does not concern it');
  await rig.send('d1', v2(), '1', COLD_START);
  await rig.shows('d1/alarm', 1);
  await rig.shows('d1/poked', 25); // polled only each hour
  assert.ok(rig.agents.d1.asked.length > polls);
  await rig.send('d1', v2(), '1', LINK_UP, ...port(7, 1));
  await rig.shows('d1/link', 1);
  await rig.send('d1', v2(), '1', '1.3.6.1.4.1.99999.0.1', '1.3.6.1.4.1.99999.1.1', 'i', '77');
  await rig.shows('d1/argument', 77);
});

test('informs of v2c are answered, with their event in the list', async (t) => {
  const rig = await listen(t, { d1: { settings: 'version: 2c' } });
  for (let i = 1; i <= 3; i++) {
    const { code, output } = await rig.inform('d1', v2(), `${i}`, COLD_START, '1.3.6.1.4.1.99999.1.1', 'i', `${i}`);
    assert.equal(code, 0, output);
    const events = (await rig.events()).filter((e) => e.kind === 'inform');
    assert.equal(events.length, i, 'what was answered is there');
  }
  const client = snmp.createSession('127.0.0.1', 'public', { version: snmp.Version2c, trapPort: Number(rig.target.split(':')[1]), sourceAddress: rig.address('d1'), timeout: 2000, retries: 1 });
  t.after(() => client.close());
  await new Promise((resolve, reject) => client.inform(snmp.TrapType.WarmStart, (error) => (error ? reject(error) : resolve())));
  await rig.event({ kind: 'inform', text: /warmStart/ });
});

const pairs = [[null, null], ['MD5', null], ['SHA', 'DES'], ['SHA-224', 'AES-128'], ['SHA-256', 'AES-128'], ['SHA-384', 'AES-192'], ['SHA-512', 'AES-256'], ['MD5', 'AES-256-Cisco']];

test('v3: traps with the engine id of the sender, informs with ours', { timeout: 90000 }, async (t) => {
  const devices = Object.fromEntries(pairs.map(([auth, priv]) => [userName(auth, priv), { settings: `version: 3, user: ${userName(auth, priv)}` +
    (auth ? `, auth: !secret auth, auth_type: ${auth}` : '') + (priv ? `, priv: !secret priv, priv_type: ${priv}` : '') }]));
  const rig = await listen(t, devices);
  for (const [auth, priv] of pairs) {
    const name = userName(auth, priv);
    await rig.send(name, [...as(auth, priv), '-e', `0x${ENGINE}${Object.keys(devices).indexOf(name).toString(16).padStart(2, '0')}`, '-Z', '1,100'], '1', LINK_DOWN, ...port(1, 2));
    await rig.event({ source: new RegExp(`^${name}\\b`), kind: 'trap' });
    const { code, output } = await rig.inform(name, as(auth, priv), '1', LINK_UP, ...port(1, 1));
    assert.equal(code, 0, `${name}: ${output}`);
    await rig.event({ source: new RegExp(`^${name}\\b`), kind: 'inform' });
  }
});

test('users and communities of `credentials` may send too; the device is found by its address', async (t) => {
  const rig = await listen(t, { d1: { settings: 'version: 2c' } }, { driver: 'credentials: { plant: { version: 3, user: u-sha-256-aes-128, auth: !secret auth, priv: !secret priv }, ' +
    'old: { version: 2c, community: !secret trap } }' });
  await rig.send('d1', v2('trapcom'), '1', COLD_START);
  await rig.event({ source: /^d1/, kind: 'trap', text: /coldStart/ });
  const { code, output } = await rig.inform('d1', as('SHA-256', 'AES-128'), '1', LINK_UP, ...port(1, 1));
  assert.equal(code, 0, output);
  await rig.event({ source: /^d1/, kind: 'inform', text: /linkUp/ });
});

test('refused: community, user, digest, cipher, clear where a password is set, strangers; each counted, none an event', { timeout: 60000 }, async (t) => {
  const secure = 'version: 3, user: u-sha-256-aes-128, auth: !secret auth, priv: !secret priv';
  const rig = await listen(t, { d1: { settings: 'version: 2c' }, d3: { settings: secure } });
  const engine = ['-e', `0x${ENGINE}`, '-Z', '1,100'];
  const v3 = as('SHA-256', 'AES-128');
  const replace = (from_, to) => v3.map((word) => (word === from_ ? to : word));
  const before_ = await rig.refusals();
  await rig.send('d1', v2('guess'), '1', COLD_START);
  await rig.send('d3', v2('public'), '1', COLD_START);
  await rig.send('d3', [...replace('u-sha-256-aes-128', 'nobody'), ...engine], '1', COLD_START);
  await rig.send('d3', [...replace(AUTH, 'a wrong password'), ...engine], '1', COLD_START);
  await rig.send('d3', [...replace(PRIV, 'a wrong password'), ...engine], '1', COLD_START);
  await rig.send('d3', [...as('SHA-256', null, 'u-sha-256-aes-128'), ...engine], '1', COLD_START);
  await tool(folder, 'snmptrap', [...from('127.0.99.99'), ...v2(), rig.target, '1', COLD_START]);
  const informs = [[...v2('guess')], replace(AUTH, 'a wrong password'), replace('u-sha-256-aes-128', 'nobody')];
  for (const who of informs) {
    const { code } = await rig.inform('d1', ['-r', '0', '-t', '1', ...who], '1', COLD_START);
    assert.notEqual(code, 0, `not answered: ${who}`);
  }
  await rig.send('d1', v2(), '1', LINK_UP, ...port(1, 1)); // a good one, after all of them
  await rig.event({ source: /^d1/, kind: 'trap', text: /linkUp/ });
  const events = (await rig.events()).filter((e) => ['trap', 'inform'].includes(e.kind));
  assert.equal(events.length, 1, JSON.stringify(events.map((e) => [e.source, e.text])));
  const counted = await until('they are counted', async () => {
    const seen = await rig.refusals();
    return [/community/, /user/, /(digest|password)/, /(decrypt|privacy|cipher)/].every((reason) => reason.test(seen)) && seen;
  });
  assert.notEqual(counted, before_);
});

test('a flood is limited per source with an exact count, and another source is not touched', { timeout: 60000 }, async (t) => {
  const rig = await listen(t, { d1: { settings: 'version: 2c' }, d2: { settings: 'version: 2c' } }, { driver: 'trap_rate: 5, trap_burst: 20' });
  const flood = snmp.createSession('127.0.0.1', 'public', { version: snmp.Version2c, trapPort: Number(rig.target.split(':')[1]), sourceAddress: rig.address('d1') });
  t.after(() => flood.close());
  const sent = 300;
  for (let i = 0; i < sent; i++) {
    await new Promise((resolve, reject) => flood.trap(snmp.TrapType.ColdStart, (error) => (error ? reject(error) : resolve())));
  }
  await rig.send('d2', v2(), '1', COLD_START);
  await rig.event({ source: /^d2/, kind: 'trap' });
  await sleep(300);
  const kept = (await rig.events()).filter((e) => e.kind === 'trap' && /^d1/.test(e.source)).length;
  assert.ok(kept >= 20 && kept <= 60, `${kept} kept`);
  await until('the rest is counted', async () => new RegExp(`\\b${sent - kept}\\b`).test(await rig.refusals()));
});

test('the engine id of the gateway stays, and its boots count', { timeout: 60000 }, async (t) => {
  const rig = await listen(t, { d1: { settings: 'version: 3, user: u-sha-256-aes-128, auth: !secret auth, priv: !secret priv' } });
  const port_ = Number(rig.target.split(':')[1]);
  const first = await discoverEngine(port_, { from: rig.address('d1') });
  assert.ok(first.id.length >= 10 && first.id.length <= 64, first.id);
  await rig.gateway.stop();
  await rig.start();
  const second = await discoverEngine(port_, { from: rig.address('d1') });
  assert.equal(second.id, first.id);
  assert.equal(second.boots, first.boots + 1);
  const { code, output } = await rig.inform('d1', as('SHA-256', 'AES-128'), '1', COLD_START);
  assert.equal(code, 0, output);
});
