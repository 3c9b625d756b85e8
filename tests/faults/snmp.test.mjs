// SPDX-License-Identifier: Apache-2.0
// SNMP agents that lie: wrong ids, wrong addresses, late, doubled, torn, oversized and foreign answers, OIDs that do not
// increase, walks that never end, floods of Reports; and one deaf and one slow device among 200 good ones.
// Runs alone: it measures how long good devices wait.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { startSnmpd } from '../peers/snmp_peers.mjs';
import { begin, site } from '../peers/snmp_rig.mjs';
import { counter, decode, encode, int, oid, Pdu, startFake, Tag, take, text, ticks, tlv } from '../peers/snmp_wire.mjs';

const OURS = '1.3.6.1.4.1.99999';
const A = `${OURS}.1.0`;
const B = `${OURS}.2.0`;
const points = { a: `{ oid: ${A}, type: int }`, b: `{ oid: ${B}, type: int }` };
const settings = 'version: 2c, timeout: 200ms, retries: 1';

let nets = 1;

/** Devices that go wrong and one that must never notice. */
async function start(t, count = 1, more = {}) {
  const n = nets++;
  const values = { '1.3.6.1.2.1.1.3.0': ticks(100), [A]: int(5), [B]: int(6), ...more };
  const bads = await Promise.all(Array.from({ length: count }, (_, i) => startFake(values, { address: `127.20.${n}.${i + 2}` })));
  const other = await startFake({ ...values, [A]: int(7) }, { address: `127.20.${n}.1` });
  t.after(() => Promise.all([...bads, other].map((agent) => agent.stop())));
  const devices = Object.fromEntries(bads.map((agent, i) => [`bad${i}`, { host: agent.host, settings, points, every: '200ms' }]));
  const rig = await begin(t, site({ ...devices, other: { host: other.host, settings, points, every: '200ms' } }));
  await rig.shows('other/a', 7);
  await Promise.all(bads.map((_, i) => rig.shows(`bad${i}/a`, 5)));
  /** What was dropped until now: reason -> count. */
  const dropped = async () => {
    const { facts } = (await rig.gateway.get('/api/v1/drivers')).drivers.find((d) => d.protocol === 'snmp');
    const words = facts.find(({ name }) => name === 'dropped answers')?.text ?? '';
    return Object.fromEntries([...words.matchAll(/(\d+) (.+?)(?=, \d+ |$)/g)].map(([, count_, reason]) => [reason, Number(count_)]));
  };
  return { rig, bads, bad: bads[0], other, dropped };
}

const valuesOf = async (rig, path) => [...new Set((await rig.samples(path)).map(([, value]) => value).filter((value) => value !== null))];

/** Each device plays its trick: it is bad, its only values are true ones, the other goes on, and all is well after. */
async function misbehave({ rig, bads, other, dropped }, tricks, reasons = []) {
  const before = await dropped();
  const fresh = Math.floor(Math.random() * 1e6) + 10;
  tricks.forEach((trick, i) => (bads[i].spoil = trick));
  await Promise.all(tricks.map((_, i) => rig.bad(`bad${i}/a`)));
  other.values.set(A, int(fresh));
  await rig.shows('other/a', fresh, 3000);
  bads.forEach((agent) => (agent.spoil = null));
  for (const i of tricks.keys()) {
    await rig.shows(`bad${i}/a`, 5);
    assert.deepEqual(await valuesOf(rig, `bad${i}/a`), [5], `trick ${i}`);
    assert.deepEqual(await valuesOf(rig, `bad${i}/b`), [6], `trick ${i}`);
  }
  const after = await dropped();
  for (const reason of reasons) {
    assert.ok((after[reason] ?? 0) > (before[reason] ?? 0), `${reason}: ${JSON.stringify(after)}`);
  }
}

test('answers of other questions, versions and communities are not taken', { timeout: 60000 }, async (t) => {
  const lie = (change) => (whole) => encode({ ...decode(whole), varbinds: decode(whole).varbinds.map((v) => ({ ...v, value: int(666) })), ...change(decode(whole)) });
  await misbehave(await start(t, 6), [lie(({ id }) => ({ id: (id ^ 0x10000) & 0x7fffffff })), lie(({ id }) => ({ id: (id + 1) & 0x7fffffff })),
    lie(() => ({ version: 0 })), lie(() => ({ community: 'intruder' })), lie(() => ({ type: Pdu.GET })), lie(() => ({ type: Pdu.TRAP }))],
  ['not asked for', 'of another version', 'with another community']);
});

test('answers from another address or port are not taken', { timeout: 60000 }, async (t) => {
  const all = await start(t, 2);
  const addresses = ['127.20.200.9', all.bads[1].host.split(':')[0]]; // another host; the same with another port
  const spoofed = (whole) => encode({ ...decode(whole), varbinds: decode(whole).varbinds.map((v) => ({ ...v, value: int(666) })) });
  const tricks = await Promise.all(addresses.map(async (address) => {
    const stranger = createSocket('udp4');
    await new Promise((resolve) => stranger.bind(0, address, resolve));
    t.after(() => stranger.close());
    return (whole, _question, _reply, from) => {
      stranger.send(spoofed(whole), from.port, from.address);
      return [];
    };
  }));
  await misbehave(all, tricks, ['from another address than was asked']);
});

test('values of other OIDs and too few are not taken', { timeout: 60000 }, async (t) => {
  const change = (of) => (whole) => encode({ ...decode(whole), varbinds: of(decode(whole).varbinds) });
  await misbehave(await start(t, 3), [change((v) => v.map((_one, i) => ({ oid: `${OURS}.${50 + i}.0`, value: int(666) }))),
    change((v) => v.slice(1).map(() => ({ oid: `${OURS}.60.0`, value: int(666) }))), change(() => [])]);
});

test('garbage, halves and contradictions of length', { timeout: 60000 }, async (t) => {
  await misbehave(await start(t, 5), [() => randomBytes(1 + Math.floor(Math.random() * 1400)), (whole) => whole.subarray(0, Math.floor(whole.length / 2)),
    (whole) => Buffer.concat([whole.subarray(0, 1), Buffer.from([0x84, 0xff, 0xff, 0xff, 0xff]), whole.subarray(2)]),
    (whole) => Buffer.from(whole.map((octet, i) => (i > 10 && i % 5 === 0 ? octet ^ 0x80 : octet))),
    () => Buffer.concat(Array.from({ length: 3000 }, () => Buffer.from([0x30, 0x82, 0xff, 0xff])))], ['broken']);
});

test('late answers are dropped, doubled ones count once', { timeout: 60000 }, async (t) => {
  const all = await start(t);
  await misbehave(all, [(whole, _question, reply) => {
    setTimeout(() => reply(whole), 900); // after both transmissions
    return [];
  }], ['late']);
  const before = (await all.rig.samples('bad0/a')).length;
  const asked = all.bad.asked.length;
  all.bad.spoil = (whole) => [whole, whole, whole, whole];
  await sleep(2500);
  const samples = (await all.rig.samples('bad0/a')).length - before;
  const polls = all.bad.asked.length - asked;
  assert.ok(samples <= polls + 1 && samples >= polls / 2, `${samples} samples of ${polls} polls`);
  assert.equal((await all.rig.point('bad0/a')).quality, 'good');
});

test('a value that is far too long neither harms nor grows', { timeout: 60000 }, async (t) => {
  const n = nets++;
  const bad = await startFake({ [A]: text('x'.repeat(60000)), [B]: int(6), [`${OURS}.3.0`]: tlv(Tag.COUNTER64, Buffer.alloc(40, 0xff)), [`${OURS}.4.0`]: tlv(Tag.OID, Buffer.alloc(900, 0x81)) }, { address: `127.20.${n}.1` });
  t.after(() => bad.stop());
  const rig = await begin(t, site({ bad: { host: bad.host, settings: `${settings}, max_oids: 1`, every: '200ms', points: { text: `{ oid: ${A}, type: text }`, b: points.b,
    number: `{ oid: ${OURS}.3.0, type: counter }`, name: `{ oid: ${OURS}.4.0, type: oid }` } } }));
  await rig.shows('bad/b', 6);
  await sleep(1500);
  const seen = await rig.point('bad/text');
  assert.ok(`${seen.value ?? ''}`.length <= 65536);
  assert.notEqual((await rig.point('bad/number')).quality, 'good');
  assert.notEqual((await rig.point('bad/name')).quality, 'good');
  await rig.shows('bad/b', 6);
});

/** A v3 Report of usmStatsNotInTimeWindows without a digest, as anybody can send it. */
function report(id, request, counted = '1.3.6.1.6.3.15.1.1.2.0', engine = '80001f88046c696172') {
  const id_ = Buffer.from(engine, 'hex');
  const pdu = tlv(Pdu.REPORT, int(request), int(0), int(0), tlv(Tag.SEQUENCE, tlv(Tag.SEQUENCE, oid(counted), counter(9))));
  const security = tlv(Tag.OCTETS, tlv(Tag.SEQUENCE, tlv(Tag.OCTETS, id_), int(5), int(1000), text(''), text(''), text('')));
  return tlv(Tag.SEQUENCE, int(3), tlv(Tag.SEQUENCE, int(id), int(65507), tlv(Tag.OCTETS, [0]), int(3)), security,
    tlv(Tag.SEQUENCE, tlv(Tag.OCTETS, id_), text(''), pdu));
}

test('Reports without end: each question is asked a few times, not for ever', { timeout: 60000 }, async (t) => {
  const n = nets++;
  const address = `127.20.${n}.1`;
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, address, resolve));
  const other = await startFake({ [A]: int(7), [B]: int(6) }, { address: `127.20.${n}.2` });
  t.after(() => Promise.all([new Promise((resolve) => socket.close(resolve)), other.stop()]));
  let questions = 0;
  let engines = 0;
  let source;
  const idOf = (message) => {
    const parts = take(take(take(message).body).rest); // msgGlobalData
    const id = take(parts.body).body;
    return id.readIntBE(0, id.length);
  };
  const modes = [
    (message) => [report(idOf(message), 0)],
    (message) => [report(idOf(message), 0, '1.3.6.1.6.3.15.1.1.4.0', `80001f8804${(engines++).toString(16).padStart(8, '0')}`)], // a new engine each time
    (message) => Array.from({ length: 50 }, () => report(idOf(message), 0)),
  ];
  let mode = modes[0];
  socket.on('message', (message, from) => {
    questions++;
    source = from;
    for (const one of mode(message)) {
      socket.send(one, from.port, from.address, () => {});
    }
  });
  const rig = await begin(t, site({ liar: { host: `${address}:${socket.address().port}`, settings: 'version: 3, user: u, auth: !secret auth, priv: !secret priv, timeout: 200ms, retries: 1', points, every: '200ms' },
    other: { host: other.host, settings, points, every: '200ms' } }));
  await rig.shows('other/a', 7);
  for (const [i, next] of modes.entries()) {
    mode = next;
    await sleep(300);
    const before = questions;
    const polled = other.asked.length;
    await sleep(2000);
    const asked = questions - before;
    assert.ok(asked <= 150, `mode ${i}: ${asked} questions in two seconds`);
    assert.ok(other.asked.length - polled >= 5, 'the other is polled all the time');
    assert.notEqual((await rig.point('liar/a')).quality, 'good');
  }
  const flood = createSocket('udp4'); // 20,000 of a stranger, with ids by chance
  for (let i = 0; i < 20000; i++) {
    flood.send(report(Math.floor(Math.random() * 2 ** 31), i), source.port, source.address, () => {});
    if (i % 500 === 0) {
      await sleep(1);
    }
  }
  other.values.set(A, int(8));
  await rig.shows('other/a', 8, 5000);
  flood.close();
});

/** Somebody between the gateway and an agent: what the agent answers goes through tamper(answer, question). */
async function standBetween(t, agent) {
  const between = createSocket('udp4');
  const onward = createSocket('udp4');
  const middle = { tamper: (answer) => [answer], first: null, gateway: null, question: null };
  between.on('message', (message, from) => {
    middle.gateway = from;
    middle.question = message;
    onward.send(message, agent.port, '127.0.0.1', () => {});
  });
  onward.on('message', (message) => {
    for (const one of middle.tamper(message, middle.question)) {
      between.send(one, middle.gateway.port, middle.gateway.address, () => {});
    }
  });
  await new Promise((resolve) => between.bind(0, '127.0.0.1', resolve));
  t.after(() => {
    between.close();
    onward.close();
  });
  middle.host = `127.0.0.1:${between.address().port}`;
  return middle;
}

test('v3 with somebody in between: what is changed, sent again or sent back is not taken', { timeout: 60000 }, async (t) => {
  const files = makeFolder({});
  t.after(() => files.remove());
  const snmpd = await startSnmpd(files.folder, { users: [['SHA-256', 'AES-128']] });
  t.after(() => snmpd.stop());
  let old; // an answer that was good once
  const flip = (answer, at) => Buffer.from(answer.map((octet, i) => (i === at ? octet ^ 1 : octet)));
  const tricks = [(answer) => [flip(answer, answer.length - 3)], (answer) => [flip(answer, answer.length - 60)], () => [old], (_answer, question) => [question],
    (answer) => [answer.subarray(0, answer.length - 8)], (answer) => Array.from({ length: answer.length }, (_, i) => flip(answer, i))];
  const middles = await Promise.all(tricks.map(() => standBetween(t, snmpd)));
  const rig = await begin(t, site(Object.fromEntries(middles.map(({ host }, i) => [`d${i}`, { host, every: '200ms', points: { up: '{ oid: sysUpTime.0 }' },
    settings: 'version: 3, user: u-sha-256-aes-128, auth: !secret auth, priv: !secret priv, timeout: 200ms, retries: 1' }]))));
  const all = (what) => Promise.all(tricks.map((_, i) => what(`d${i}/up`, i)));
  await all((path) => rig.good(path));
  middles[2].tamper = (answer) => {
    old ??= answer;
    return [answer];
  };
  await until('one is recorded', () => old);
  await sleep(500);
  await all((_path, i) => (middles[i].tamper = tricks[i]));
  await all((path) => rig.bad(path));
  await all((_path, i) => (middles[i].tamper = (answer) => [answer]));
  await all((path) => rig.good(path));
  await all(async (path, i) => {
    const seen = (await rig.samples(path)).map(([, value]) => value).filter((value) => value !== null);
    assert.ok(seen.length > 2 && seen.every((value, k) => k === 0 || value >= seen[k - 1]), `trick ${i}: ${seen}`);
    assert.equal((await rig.device(`d${i}`)).error, '');
  });
});

test('a walk ends where OIDs do not increase; one without end holds nobody up', { timeout: 60000 }, async (t) => {
  const more = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${OURS}.7.${i + 1}`, int(i)]));
  const { rig, bad, other } = await start(t, 1, more);
  const stuck = (back) => (whole, question) => {
    if (question.type !== Pdu.GETBULK && question.type !== Pdu.GETNEXT) {
      return whole;
    }
    const answer = decode(whole);
    return encode({ ...answer, varbinds: answer.varbinds.map((v, i) => (i % 3 === 2 ? { oid: back, value: int(1) } : v)) });
  };
  for (const back of [`${OURS}.7.1`, `${OURS}.7`]) {
    bad.spoil = stuck(back);
    const from = bad.asked.length;
    const { code, stdout, stderr } = await rig.cli('snmp', 'walk', 'bad0', `${OURS}.7`);
    assert.match(stderr, /do not grow/);
    assert.equal(code, 1);
    assert.match(stdout, /INTEGER: /, 'what came before is shown');
    assert.ok(bad.asked.length - from < 40, `asked ${bad.asked.length - from} times`);
  }
  let served = 0;
  bad.spoil = (whole, question) => { // there is always one more
    if (question.type !== Pdu.GETBULK && question.type !== Pdu.GETNEXT) {
      return whole;
    }
    const last = Number(question.varbinds[0].oid.split('.').at(-1)) || 0;
    const count = Math.max(1, question.b);
    served += count;
    return encode({ ...question, type: Pdu.RESPONSE, a: 0, b: 0, varbinds: Array.from({ length: Math.min(count, 500) }, (_, i) => ({ oid: `${OURS}.7.${last + i + 1}`, value: text('y'.repeat(100)) })) });
  };
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rig.gateway.child.pid}/status`, 'utf8'))[1]);
  const had = memory();
  const polled = other.asked.length;
  const walking = rig.gateway.cli(['snmp', 'walk', 'bad0', `${OURS}.7`], { timeout: 55000 });
  await until('it walks', () => served > 2000);
  other.values.set(A, int(12));
  await rig.shows('other/a', 12, 3000);
  const { stdout, stderr } = await walking;
  assert.equal(stdout.trim().split('\n').length, 100000, 'no more is kept');
  assert.match(stderr, /limit|more than|left out|not shown/i);
  assert.ok(other.asked.length - polled >= 10, 'the other is polled all the time');
  assert.ok(memory() - had < 450000, `${memory() - had} kB more after ${served} rows`); // of it 256 MB that a sanitizer keeps of what was freed
  bad.spoil = null;
  await rig.shows('bad0/a', 5);
});

test('one deaf and one slow device among 200 good ones: nobody waits for them', { timeout: 120000 }, async (t) => {
  const EVERY = 500;
  const count = 200;
  const n = nets++;
  const agents = await Promise.all(Array.from({ length: count + 2 }, (_, i) => startFake({ [A]: int(i), [B]: int(6) }, { address: `127.21.${n}.${i + 1}` })));
  t.after(() => Promise.all(agents.map((agent) => agent.stop())));
  const [deaf, slow] = agents.slice(-2);
  const devices = Object.fromEntries(agents.map((agent, i) => [i === count ? 'deaf' : i === count + 1 ? 'slow' : `d${i}`, { host: agent.host, settings: 'version: 2c, timeout: 1s, retries: 2', points, every: `${EVERY}ms` }]));
  const rig = await begin(t, site(devices));
  await until('all are good', async () => (await rig.gateway.get('/api/v1/status')).points.bad === 0, 40000);
  const watch = async () => {
    const asked = agents.map((agent) => agent.asked.length);
    const began = Date.now();
    const gaps = await Promise.all(agents.slice(0, count).map((agent) => agent.longest(4000)));
    const polls = agents.slice(0, count).reduce((sum, agent, i) => sum + agent.asked.length - asked[i], 0);
    return { gap: Math.max(...gaps), share: polls / (count * ((Date.now() - began) / EVERY)) };
  };
  const quiet = await watch();
  deaf.deaf = true;
  slow.spoil = (whole, _question, reply) => {
    setTimeout(() => reply(whole), 900);
    return [];
  };
  await rig.bad('deaf/a');
  const loaded = await watch();
  t.diagnostic(`longest wait of 200: ${quiet.gap} ms alone, ${loaded.gap} ms beside a deaf and a slow one; polls ${(quiet.share * 100).toFixed(0)} % and ${(loaded.share * 100).toFixed(0)} %`);
  assert.ok(loaded.share > 0.85 * quiet.share, JSON.stringify({ quiet, loaded }));
  assert.ok(loaded.gap < quiet.gap + 2 * EVERY, JSON.stringify({ quiet, loaded }));
  for (let i = 0; i < count; i += 20) {
    assert.equal((await rig.point(`d${i}/a`)).quality, 'good');
    assert.equal((await rig.device(`d${i}`)).timeouts, 0);
  }
  assert.equal((await rig.point('slow/a')).value, count + 1, 'the slow one is read, slowly');
});
