// SPDX-License-Identifier: Apache-2.0
// SNMP v1 and v2c by hand, for agents that do as a test wants: bear few varbinds, lie, come late, send garbage.
import { createSocket } from 'node:dgram';
import { freeUdp } from './snmp_peers.mjs';

export const Tag = { INTEGER: 0x02, OCTETS: 0x04, NULL: 0x05, OID: 0x06, SEQUENCE: 0x30, IP: 0x40, COUNTER: 0x41, GAUGE: 0x42,
  TICKS: 0x43, OPAQUE: 0x44, COUNTER64: 0x46, NO_OBJECT: 0x80, NO_INSTANCE: 0x81, END: 0x82 };
export const Pdu = { GET: 0xa0, GETNEXT: 0xa1, RESPONSE: 0xa2, SET: 0xa3, TRAP_V1: 0xa4, GETBULK: 0xa5, INFORM: 0xa6, TRAP: 0xa7, REPORT: 0xa8 };

/** A tag, a length, and parts that are buffers or numbers of octets. */
export function tlv(tag, ...parts) {
  const body = Buffer.concat(parts.map((p) => (Buffer.isBuffer(p) ? p : Buffer.from(p))));
  const size = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

export function int(value, tag = Tag.INTEGER) {
  let n = BigInt(value);
  const octets = [];
  do {
    octets.unshift(Number(n & 255n));
    n >>= 8n;
  } while (n !== 0n && n !== -1n);
  if (n === 0n && octets[0] & 0x80) {
    octets.unshift(0);
  } else if (n === -1n && !(octets[0] & 0x80)) {
    octets.unshift(255);
  }
  return tlv(tag, octets);
}

export function oid(text) {
  const [a, b, ...rest] = text.split('.').map(Number);
  const octets = [];
  for (let part of [40 * a + b, ...rest]) {
    const group = [part % 128];
    while ((part = Math.floor(part / 128)) > 0) {
      group.unshift(128 + (part % 128));
    }
    octets.push(...group);
  }
  return tlv(Tag.OID, octets);
}

export const text = (value) => tlv(Tag.OCTETS, Buffer.from(value));
export const none = (tag = Tag.NULL) => tlv(tag);
export const counter = (value) => int(value, Tag.COUNTER);
export const counter64 = (value) => int(value, Tag.COUNTER64);
export const gauge = (value) => int(value, Tag.GAUGE);
export const ticks = (value) => int(value, Tag.TICKS);

/** The next value of `data`: { tag, body, rest }. */
export function take(data) {
  let size = data[1];
  let at = 2;
  if (size > 128) {
    at += size - 128;
    size = data.readUIntBE(2, at - 2);
  }
  return { tag: data[0], body: data.subarray(at, at + size), whole: data.subarray(0, at + size), rest: data.subarray(at + size) };
}

function takeAll(data) {
  const all = [];
  for (let rest = data; rest.length > 0;) {
    const one = take(rest);
    all.push(one);
    rest = one.rest;
  }
  return all;
}

function oidText(body) {
  const parts = [];
  let n = 0;
  for (const octet of body) {
    n = n * 128 + (octet & 127);
    if (octet < 128) {
      parts.push(n);
      n = 0;
    }
  }
  const first = Math.min(2, Math.floor(parts[0] / 40));
  return [first, parts[0] - 40 * first, ...parts.slice(1)].join('.');
}

const number = (value) => value.body.readIntBE(0, Math.min(6, value.body.length));

/** A v1 or v2c message: { version, community, type, id, a, b, varbinds: [{ oid, value }] }. */
export function decode(message) {
  const [version, community, pdu] = takeAll(take(message).body);
  const [id, a, b, list] = takeAll(pdu.body);
  return { version: number(version), community: community.body.toString(), type: pdu.tag, id: number(id), a: number(a), b: number(b),
    varbinds: takeAll(list.body).map((one) => {
      const [name, value] = takeAll(one.body);
      return { oid: oidText(name.body), value: value.whole };
    }) };
}

export const encode = ({ version = 1, community = 'public', type = Pdu.RESPONSE, id, a = 0, b = 0, varbinds }) =>
  tlv(Tag.SEQUENCE, int(version), text(community), tlv(type, int(id), int(a), int(b),
    tlv(Tag.SEQUENCE, ...varbinds.map((v) => tlv(Tag.SEQUENCE, oid(v.oid), v.value)))));

/** The first question of v3, to whom nothing is known (RFC 3414, 4): the engine of whoever listens. Asked again until it is answered. */
export async function discoverEngine(port, { address = '127.0.0.1', from = '127.0.0.1', ms = 15000 } = {}) {
  const socket = createSocket('udp4');
  const scoped = tlv(Tag.SEQUENCE, text(''), text(''), tlv(Pdu.GET, int(1), int(0), int(0), tlv(Tag.SEQUENCE)));
  const security = tlv(Tag.OCTETS, tlv(Tag.SEQUENCE, text(''), int(0), int(0), text(''), text(''), text('')));
  const question = tlv(Tag.SEQUENCE, int(3), tlv(Tag.SEQUENCE, int(77), int(65507), tlv(Tag.OCTETS, [4]), int(3)), security, scoped);
  let again;
  let deadline;
  const report = await new Promise((resolve, reject) => {
    deadline = setTimeout(() => reject(new Error(`no Report within ${ms} ms`)), ms);
    const ask = () => socket.send(question, port, address, () => {}); // nobody may listen yet
    socket.once('error', reject);
    socket.once('message', resolve);
    socket.bind(0, from, () => {
      ask();
      again = setInterval(ask, 500);
    });
  }).finally(() => {
    clearTimeout(deadline);
    clearInterval(again);
    socket.close();
  });
  const [engine, boots, time] = takeAll(take(takeAll(take(report).body)[2].body).body);
  return { id: engine.body.toString('hex'), boots: number(boots), time: number(time) };
}

export function compareOids(a, b) {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) {
      return left[i] - right[i];
    }
  }
  return left.length - right.length;
}

/**
 * An agent over a map of OIDs to values (buffers, or functions that make one). It can be changed while it runs:
 *   values       the map; sorted anew for each question
 *   varbinds     how many varbinds it bears; more are answered tooBig
 *   silentOver   more than so many are not answered at all
 *   bytes        how big an answer may be, else tooBig
 *   spoil        (answer, question, reply) => what is sent in its place: a buffer, several, or nothing
 * asked: what it was asked, newest last.
 */
export async function startFake(values, { address = '127.0.0.1', port } = {}) {
  const at = port ?? (await freeUdp(address));
  const socket = createSocket('udp4');
  let closed = false;
  const fake = { values: new Map(Object.entries(values)), port: at, host: `${address}:${at}`, varbinds: 1000, silentOver: 1000, bytes: 60000,
    asked: [], foreign: 0, sets: [], spoil: null, deaf: false, socket };
  const valueOf = (name) => {
    const value = fake.values.get(name);
    return typeof value === 'function' ? value() : value;
  };
  const next = (names, name) => names.find((n) => compareOids(n, name) > 0);
  const bulk = (question, names) => {
    const varbinds = [];
    let line = question.varbinds.map((v) => v.oid);
    for (let round = 0; round < (question.type === Pdu.GETNEXT ? 1 : question.b); round++) {
      line = line.map((name) => {
        const found = next(names, name);
        varbinds.push(found ? { oid: found, value: valueOf(found) } : { oid: name, value: none(Tag.END) });
        return found ?? name;
      });
      if (varbinds.length > 500) {
        break;
      }
    }
    return varbinds;
  };
  const answer = (question) => {
    const names = [...fake.values.keys()].sort(compareOids);
    let varbinds;
    if (question.type === Pdu.GET) {
      varbinds = question.varbinds.map(({ oid: name }) => ({ oid: name, value: valueOf(name) ?? none(Tag.NO_INSTANCE) }));
    } else if (question.type === Pdu.SET) {
      for (const { oid: name, value } of question.varbinds) {
        fake.sets.push({ oid: name, value });
        fake.values.set(name, value);
      }
      varbinds = question.varbinds;
    } else {
      varbinds = bulk(question, names);
    }
    const whole = encode({ ...question, type: Pdu.RESPONSE, a: 0, b: 0, varbinds });
    if (question.varbinds.length > fake.varbinds || whole.length > fake.bytes) {
      return encode({ ...question, type: Pdu.RESPONSE, a: 1, b: 0, varbinds: question.version === 0 ? question.varbinds : [] });
    }
    return whole;
  };
  socket.on('message', (message, from) => {
    if (number(take(take(message).body)) > 1) { // v3: it does not speak that
      fake.foreign++;
      return;
    }
    const question = decode(message);
    fake.asked.push(question);
    if (fake.deaf || question.varbinds.length > fake.silentOver) {
      return;
    }
    const reply = (buffer) => closed || socket.send(buffer, from.port, from.address, () => {});
    const whole = answer(question);
    const sent = fake.spoil ? fake.spoil(whole, question, reply, from) : whole;
    for (const one of [sent ?? []].flat()) {
      reply(one);
    }
  });
  await new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(at, address, resolve);
  });
  /** An answer of an error: status and the number of the varbind, with the question's own varbinds. */
  fake.refuse = (question, status, index) => encode({ ...question, type: Pdu.RESPONSE, a: status, b: index });
  /** The longest time between two questions, over some time. */
  fake.longest = async (ms) => {
    const times = [Date.now()];
    const note = () => times.push(Date.now());
    socket.on('message', note);
    await new Promise((resolve) => setTimeout(resolve, ms));
    socket.off('message', note);
    times.push(Date.now());
    return times.slice(1).reduce((most, time, i) => Math.max(most, time - times[i]), 0);
  };
  fake.stop = () => {
    closed = true; // answers that were put off are dropped
    return new Promise((resolve) => socket.close(resolve));
  };
  return fake;
}
