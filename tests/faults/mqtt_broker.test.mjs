// SPDX-License-Identifier: Apache-2.0
// Brokers that lie: garbage, packets without an end, answers that never come or do not fit, floods, closed doors; and beside
// each of them a good broker whose device must never notice.
// Runs alone: it measures how long good devices wait.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { begin, connect, head, startBroker } from '../peers/mqtt_peers.mjs';

let files;
let broker;
let device;

before(async () => {
  files = makeFolder({});
  broker = await startBroker(files.folder);
  device = await connect(broker);
});

after(async () => {
  await device.end();
  await broker.stop();
  files.remove();
});

const TYPES = { connect: 1, publish: 3, puback: 4, pubrec: 5, pubrel: 6, pubcomp: 7, subscribe: 8, unsubscribe: 10, pingreq: 12, disconnect: 14 };

/** A broker in the hands of the test: told each packet that came: on[type](socket, body). */
async function startFake(t, on) {
  const fake = { connects: 0, sockets: new Set(), packets: [] };
  const server = createServer((socket) => {
    let buffer = Buffer.alloc(0);
    fake.connects++;
    fake.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => fake.sockets.delete(socket));
    on.open?.(socket);
    socket.on('data', (data) => {
      buffer = Buffer.concat([buffer, data]);
      for (;;) {
        let size = 0;
        let used = 1;
        for (let shift = 0; used < buffer.length; shift += 7) {
          const byte = buffer[used++];
          size |= (byte & 0x7f) << shift;
          if ((byte & 0x80) === 0) {
            break;
          }
        }
        if (buffer.length < 2 || buffer.length < used + size) {
          return;
        }
        const type = Object.keys(TYPES).find((name) => TYPES[name] === buffer[0] >> 4);
        const body = buffer.subarray(used, used + size);
        fake.packets.push(type);
        buffer = buffer.subarray(used + size);
        on[type]?.(socket, body);
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    fake.sockets.forEach((socket) => socket.destroy());
  });
  fake.url = `mqtt://127.0.0.1:${server.address().port}`;
  return fake;
}

/** What a good broker answers, of version 5 or 3.1.1. */
const good = (version) => ({
  connect: (socket) => socket.write(Buffer.from(version === 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0])),
  subscribe: (socket, body) => socket.write(Buffer.from(version === 5 ? [0x90, 4, body[0], body[1], 0, 1] : [0x90, 3, body[0], body[1], 1])),
  pingreq: (socket) => socket.write(Buffer.from([0xd0, 0])),
});

const publish = (topic, payload, { qos = 0, id = 0, version = 5 } = {}) => {
  const text = Buffer.from(payload);
  const body = Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.from(qos ? [id >> 8, id & 255] : []), Buffer.from(version === 5 ? [0] : []), text]);
  assert.ok(body.length < 128);
  return Buffer.concat([Buffer.from([0x30 | qos << 1, body.length]), body]);
};

/** SUBACK, or UNSUBACK, of version 5 for as many filters as were asked for. */
const grant = (type) => (socket, body) => {
  const codes = [];
  for (let at = 3; at < body.length; at += 2 + body.readUInt16BE(at) + (type === 0x90 ? 1 : 0)) {
    codes.push(type === 0x90 ? 2 : 0);
  }
  socket.write(Buffer.from([type, 3 + codes.length, body[0], body[1], 0, ...codes]));
};

/** A gateway with a device at the fake broker and one at the good one, whose values come five times a second. */
async function start(t, fake, { version = 5, more = '' } = {}) {
  const text = version === 5 ? '5' : '3.1.1';
  const rig = await begin(t, `${head}drivers:
  mqtt:
    brokers:
      bad: { url: "${fake.url}", version: "${text}"${more} }
      good: { url: "${broker.url}" }
devices:
  bad: { mqtt: { broker: bad, topic: "x/#" }, points: { x: { json: $.x } } }
  other: { mqtt: { broker: good, topic: good/other }, points: { x: { json: $.x } } }
`);
  await until('the good one is heard', async () => {
    await device.say('good/other', { x: -1 });
    return (await rig.point('other/x')).value === -1;
  });
  let n = 0;
  rig.waits = async (rounds = 10) => {
    const waits = [];
    for (let i = 0; i < rounds; i++) {
      const began = Date.now();
      await device.say('good/other', { x: ++n });
      await rig.shows('other/x', n);
      waits.push(Date.now() - began);
      await sleep(50);
    }
    return Math.max(...waits);
  };
  rig.memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rig.gateway.child.pid}/status`, 'utf8'))[1]);
  return rig;
}

/** The good device has its values within two seconds, whatever the other broker does (a debug build on a busy machine). */
const unharmed = async (rig) => assert.ok((await rig.waits()) < 2000);

test('garbage instead of CONNACK, and after it', async (t) => {
  for (const late of [false, true]) {
    const fake = await startFake(t, {
      ...good(5),
      connect: (socket) => {
        socket.write(late ? Buffer.from([0x20, 3, 0, 0, 0]) : randomBytes(5000));
        if (late) {
          socket.write(Buffer.concat([Buffer.from([0xb8]), randomBytes(5000)]));
        }
      },
    });
    const rig = await start(t, fake);
    await rig.link('bad', /^down.*(does not speak MQTT|broke the protocol|web server|in TLS)/);
    await unharmed(rig);
    await rig.gateway.stop();
  }
});

test('a packet without an end: version 5 is cut off, 3.1.1 passed over without being kept', async (t) => {
  for (const version of [5, 4]) {
    let sent = 0;
    const piece = Buffer.alloc(65536, 120);
    const fake = await startFake(t, {
      ...good(version),
      subscribe: (socket, body) => {
        good(version).subscribe(socket, body);
        socket.write(Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 3]), Buffer.from('x/y')]));
        const more = () => {
          while (!socket.destroyed && sent < 200e6) {
            sent += piece.length;
            if (!socket.write(piece)) {
              socket.once('drain', more);
              return;
            }
          }
        };
        more();
      },
    });
    const rig = await start(t, fake, { version });
    if (version === 5) {
      await rig.link('bad', /^down.*bigger than packet_max/);
      assert.ok(sent < 20e6, `${sent} bytes`);
    } else {
      const before_ = rig.memory();
      await until('200 MB are sent', () => sent >= 200e6, 60000);
      assert.ok(rig.memory() - before_ < 100000, `${rig.memory() - before_} kB more`);
    }
    await unharmed(rig);
    await rig.gateway.stop();
  }
});

test('SUBACK that refuses, does not fit, never comes', async (t) => {
  const refused = await startFake(t, { ...good(5), subscribe: (socket, body) => socket.write(Buffer.from([0x90, 4, body[0], body[1], 0, 0x87])) });
  const one = await start(t, refused);
  await one.link('bad', /not authorized/);
  await unharmed(one);
  await one.gateway.stop();
  const wrong = await startFake(t, { ...good(5), subscribe: (socket, body) => socket.write(Buffer.from([0x90, 6, body[0], body[1], 0, 1, 1, 1])) });
  const two = await start(t, wrong);
  await two.link('bad', /number of codes/);
  await two.gateway.stop();
  const never = await startFake(t, { ...good(5), subscribe: () => {} });
  const three = await start(t, never);
  await three.link('bad', /did not answer a SUBSCRIBE/, 45000);
  await unharmed(three);
});

test('100,000 messages at once that no window holds back: all stored, acknowledged in order', async (t) => {
  const acknowledged = [];
  const fake = await startFake(t, {
    ...good(4),
    subscribe: (socket, body) => {
      good(4).subscribe(socket, body);
      const ids = [...Array(50000).keys()].map((n) => n + 1);
      for (let round = 0; round < 2; round++) {
        socket.write(Buffer.concat(ids.map((id) => publish('x/y', `{"x": ${round * 50000 + id}}`, { qos: 1, id, version: 4 }))));
      }
    },
    puback: (socket, body) => acknowledged.push(body.readUInt16BE(0)),
  });
  const rig = await start(t, fake, { version: 4 });
  const before_ = rig.memory();
  await until('all are acknowledged', () => acknowledged.length === 100000, 90000);
  assert.ok(acknowledged.every((id, n) => id === (n % 50000) + 1), 'in order');
  assert.ok(rig.memory() - before_ < 300000, `${rig.memory() - before_} kB more`);
  await rig.shows('bad/x', 100000);
  const values = new Set((await rig.samples('bad/x')).map((sample) => sample[1]));
  values.delete(null);
  assert.equal(values.size, 100000);
  await unharmed(rig);
});

test('more in flight than the receive maximum is taken, slowly', async (t) => {
  const acknowledged = [];
  const fake = await startFake(t, {
    ...good(5),
    subscribe: (socket, body) => {
      good(5).subscribe(socket, body);
      socket.write(Buffer.concat([...Array(30000).keys()].map((n) => publish('x/y', `{"x": ${n}}`, { qos: 1, id: n + 1 }))));
    },
    puback: (socket, body) => acknowledged.push(body.readUInt16BE(0)),
  });
  const rig = await start(t, fake, { more: ', receive_max: 10' });
  await until('all are acknowledged', () => acknowledged.length === 30000, 60000);
  assert.ok(acknowledged.every((id, n) => id === n + 1), 'in order');
  assert.equal(fake.connects, 1);
  await unharmed(rig);
});

test('a device that is paused while it speaks does not hold up the others', async (t) => {
  let speaks = false;
  let n = 0;
  const completed = [];
  const fake = await startFake(t, {
    ...good(5),
    subscribe: grant(0x90),
    unsubscribe: grant(0xb0),
    pubrec: (socket, body) => socket.write(Buffer.from([0x62, 2, body[0], body[1]])),
    pubcomp: (socket, body) => {
      completed.push(body.readUInt16BE(0));
      if (speaks && body.readUInt16BE(0) <= 300) { // the next one
        socket.write(publish('x/y', `{"x": ${n++}}`, { qos: 2, id: body.readUInt16BE(0) }));
      }
    },
  });
  const rig = await begin(t, `${head}drivers: { mqtt: { brokers: { bad: { url: "${fake.url}", version: "5", qos: 2 } } } }
devices:
  talks: { mqtt: { topic: x/y }, points: { x: { json: $.x } } }
  other: { mqtt: { topic: x/z }, points: { x: { json: $.x } } }
`);
  await until('both are subscribed', () => fake.packets.includes('subscribe'));
  const [socket] = fake.sockets;
  const asked = (type) => fake.packets.filter((one) => one === type).length;
  for (let round = 1; round <= 10; round++) {
    speaks = true;
    const before_ = completed.length;
    for (let id = 1; id <= 300; id++) {
      socket.write(publish('x/y', `{"x": ${n++}}`, { qos: 2, id }));
    }
    await until('it speaks', () => completed.length > before_ + 1000, 20000);
    await rig.gateway.post('/api/v1/devices/talks/pause', {});
    speaks = false;
    socket.write(publish('x/z', `{"x": ${round}}`, { qos: 2, id: 1000 + round }));
    await until(`the message of the other device is acknowledged, round ${round}`, () => completed.includes(1000 + round), 15000);
    await rig.shows('other/x', round);
    await until('its topic is ended', () => asked('unsubscribe') === round);
    await rig.gateway.post('/api/v1/devices/talks/resume', {});
    await until('it is subscribed again', () => asked('subscribe') === round + 1);
  }
  assert.equal(fake.connects, 1);
});

test('a closed door is not run against', async (t) => {
  const fake = await startFake(t, { open: (socket) => socket.destroy() });
  const rig = await start(t, fake);
  await sleep(10000);
  assert.ok(fake.connects >= 2 && fake.connects < 16, `${fake.connects} tries`);
  await unharmed(rig);
});

test('a refused login is not hammered', async (t) => {
  const fake = await startFake(t, { connect: (socket) => socket.end(Buffer.from([0x20, 3, 0, 0x86, 0])) });
  const rig = await start(t, fake, { more: ', user: gw' });
  await rig.link('bad', /wrong user or password; look at user \('gw'\)/);
  await sleep(5000);
  assert.equal(fake.connects, 1);
  await unharmed(rig);
});

test('100,000 retained messages on one filter', async (t) => {
  const own = await startBroker(files.folder, { options: 'persistence false\nlog_type error' });
  t.after(() => own.stop());
  const many = await connect(own);
  for (let n = 0; n < 100000; n += 1000) {
    await Promise.all([...Array(1000).keys()].map((i) => many.say(`x/${n + i}`, { x: n + i }, { qos: 0, retain: true })));
  }
  await many.say('x/99999', { x: 99999 }, { qos: 1, retain: true });
  const rig = await start(t, own);
  const before_ = rig.memory();
  const heard = async () => {
    const { facts } = (await rig.gateway.get('/api/v1/drivers')).drivers.find((driver) => driver.protocol === 'mqtt');
    const row = facts.find((fact) => fact.part === 'bad' && fact.name === 'messages');
    return Number(/^([\d,]+) received/.exec(row?.text ?? '')?.[1].replaceAll(',', '') ?? 0);
  };
  await until('all have come', async () => (await heard()) >= 100000, 60000);
  assert.ok(rig.memory() - before_ < 300000, `${rig.memory() - before_} kB more`);
  await many.say('x/1', { x: 4711 });
  await rig.shows('bad/x', 4711);
  await unharmed(rig);
  await many.end();
});
