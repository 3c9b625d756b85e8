// SPDX-License-Identifier: Apache-2.0
// BACnet devices and strangers that do what they should not: spoofed, torn, oversized, nested and never-ending answers,
// storms, two devices with one number, restarts, subscriptions that die without a word, a gateway that is killed.
// Runs alone: it measures how long good devices wait.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeFolder, sleep, startGateway, startSim, until } from '../support/gateway.mjs';
import { flags, Prop, real, startDevice, Tag, text, Type } from '../peers/bacnet_peers.mjs';

let nets = 1;

function makeNet() {
  const n = nets++;
  const port = 21000 + ((process.pid * 11 + n) % 10000);
  return { port, at: (i) => `127.1.${n}.${i}`, full: (i) => `127.1.${n}.${i}:${port}`,
    drivers: `drivers: { bacnet: { networks: { test: { interface: lo, address: 127.1.${n}.1/8, port: ${port} } } } }\n` };
}

function site(net, devices, every = '200ms') {
  const lines = Object.entries(devices).map(([name, { settings, points = '{ a: { object: "AI:1", units: degC } }' }]) =>
    `  ${name}:\n    every: ${every}\n    bacnet: { ${settings}, network: test, timeout: 300ms, retries: 1 }\n    points: ${points}\n`);
  return `version: 1\nsite: { id: t, name: T }\n${net.drivers}devices:\n${lines.join('')}`;
}

async function begin(t, yaml) {
  const folder = makeFolder({ 'site.yaml': yaml });
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop('SIGKILL');
    folder.remove();
  });
  gateway.folder = folder;
  return gateway;
}

const shows = (gateway, point, value) =>
  until(`${point} is ${value}`, async () => {
    const seen = await gateway.point(point);
    return seen.quality === 'good' && seen.value === value && seen;
  });

const isBad = (gateway, point) => until(`${point} is bad`, async () => (await gateway.point(point)).quality === 'bad');

/** All values that the history has of a point. */
async function values(gateway, path) {
  const answer = await gateway.get(`/api/v1/samples/${path}?from=-10m&to=now&limit=100000`);
  return answer.samples.map(([, value]) => value).filter((value) => value !== null);
}

const AI1 = { type: Type.AI, instance: 1 };

/** An honest device; device.spoil turns each of its frames into those that are sent in its place. */
async function startPeer(t, net, i, value) {
  const device = await startDevice({ library: '@bacnet-js/client', address: net.at(i), port: net.port, instance: 2000 + i, cov: false,
    objects: [{ ...AI1, values: { [Prop.PRESENT]: real(value), [Prop.STATUS_FLAGS]: flags() } }] });
  const { _server: socket } = device.stack._transport;
  const send = socket.send.bind(socket);
  device.spoil = null;
  let stopped = false;
  device.raw = (frame, to) => stopped || send(frame, 0, frame.length, net.port, to);
  socket.send = (buffer, offset, length, port, address) => {
    const frame = Buffer.from(buffer.subarray(offset, offset + length));
    for (const sent of device.spoil ? device.spoil(frame) : [frame]) {
      send(sent, 0, sent.length, port, address);
    }
  };
  t.after(() => {
    stopped = true;
    device.stop();
  });
  return device;
}

/** Two devices of which the first goes wrong; the second must never notice. */
async function pair(t) {
  const net = makeNet();
  const bad = await startPeer(t, net, 2, 5);
  const other = await startPeer(t, net, 3, 7);
  const gateway = await begin(t, site(net, { bad: { settings: `device: 2002, address: "${net.full(2)}"` },
    other: { settings: `device: 2003, address: "${net.full(3)}"` } }));
  await shows(gateway, 'bad/a', 5);
  await shows(gateway, 'other/a', 7);
  return { net, bad, other, gateway };
}

/** What was dropped until now, and why: counts by their reason, and the device's bad frames. */
async function dropped(gateway) {
  const { drivers } = await gateway.get('/api/v1/drivers');
  const fact = drivers.find((d) => d.protocol === 'bacnet').facts.find((f) => f.name === 'dropped')?.text ?? '';
  const counts = {};
  for (const [, count, reason] of fact.matchAll(/(\d+) (.+?)(?=, \d+ |$)/g)) {
    counts[reason] = Number(count);
  }
  const device = await gateway.get('/api/v1/devices/bad');
  return { ...counts, 'bad frames': device.bad_frames ?? device.stats?.bad_frames ?? 0 };
}

/** The device is bad while it misbehaves, its only values are true ones, its neighbour goes on, and all is well after. */
async function misbehave({ gateway, bad, other }, spoil, reason) {
  const before = await dropped(gateway);
  bad.spoil = spoil;
  await isBad(gateway, 'bad/a');
  other.set({ type: Type.AI, instance: 1 }, real(8), false);
  await shows(gateway, 'other/a', 8);
  bad.spoil = null;
  await shows(gateway, 'bad/a', 5);
  assert.deepEqual([...new Set(await values(gateway, 'bad/a'))], [5]);
  const after = await dropped(gateway);
  const grown = Object.keys(after).filter((name) => after[name] > (before[name] ?? 0));
  assert.ok(grown.some((name) => reason.test(name)), `counted: ${JSON.stringify(after)}`);
}

const bvlc = (...parts) => {
  const body = Buffer.concat(parts.map((p) => Buffer.from(p)));
  const head = Buffer.from([0x81, 0x0a, 0, 0]);
  head.writeUInt16BE((body.length + 4) & 0xffff, 2);
  return Buffer.concat([head, body]);
};
/** The APDU of a frame of the peer's: behind BVLC and a plain NPDU. */
const apduOf = (frame) => frame.subarray(6);

test('torn answers are no answers', { timeout: 60000 }, async (t) => {
  const all = await pair(t);
  let n = 0;
  await misbehave(all, (frame) => [frame.subarray(0, n++ % frame.length)], /no BACnet\/IP frame/); // its length contradicts it
});

test('answers torn inside are no answers', { timeout: 60000 }, async (t) => {
  const all = await pair(t);
  let n = 8;
  await misbehave(all, (frame) => {
    const apdu = apduOf(frame);
    return [bvlc([1, 0], apdu.subarray(0, 3 + (n++ % (apdu.length - 3))))]; // whole in its length
  }, /bad frames|application header/);
});

test('oversized datagrams are no answers', { timeout: 60000 }, async (t) => {
  const all = await pair(t);
  let n = 0;
  await misbehave(all, (frame) => [Buffer.concat([frame, Buffer.alloc(n++ % 2 ? 2000 : 60000, 0x3e)])], /longer than any/);
});

test('values nested without end are no values', { timeout: 60000 }, async (t) => {
  const all = await pair(t);
  const nested = Buffer.alloc(1400, 0x0e); // opening tags, none closed
  await misbehave(all, (frame) => [bvlc([1, 0], apduOf(frame).subarray(0, 3), nested)], /bad frames/);
});

test('an answer for another object, another service or another request is none', { timeout: 60000 }, async (t) => {
  const all = await pair(t);
  let n = 0;
  await misbehave(all, (frame) => {
    const wrong = Buffer.from(frame);
    const kind = n++ % 3;
    if (kind === 0) {
      wrong[7] ^= 0x40; // the invoke id
    } else if (kind === 1) {
      wrong[8] ^= 0x02; // the service
    } else if (wrong.length > 14) {
      wrong[13] ^= 0x04; // the object's instance
    }
    return [wrong];
  }, /no open request|another service|of another service/);
});

test('a segmented answer without end is given up, in bounded memory', { timeout: 90000 }, async (t) => {
  const all = await pair(t);
  const { bad, net, gateway } = all;
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))[1]);
  const before = rss();
  let sent = 0;
  const endless = (invoke, service) => {
    const first = sent;
    for (let i = 0; i < 8; i++) {
      const sequence = sent++ & 0xff;
      bad.raw(bvlc([1, 0], [0x3c, invoke, sequence, 8, service], Buffer.alloc(1400, 0x21)), net.at(1));
    }
    return first;
  };
  let open = null;
  const transport = bad.stack._transport;
  const [listener] = transport.listeners('message');
  transport.removeAllListeners('message');
  transport.on('message', (data, from) => {
    const isAck = apduOf(data)[0] >> 4 === 4; // of a segment: more of it; the library has no use for it
    if (isAck && open) {
      endless(open.invoke, open.service);
    } else if (!isAck) {
      listener(data, from);
    }
  });
  await misbehave(all, (frame) => {
    const apdu = apduOf(frame);
    if (apdu[0] >> 4 === 3) {
      open = { invoke: apdu[1], service: apdu[2] };
      sent = 0;
      endless(open.invoke, open.service);
      return [];
    }
    return [frame];
  }, /segment|no open request/);
  open = null;
  assert.ok(rss() - before < 60000, `${rss() - before} kB more`); // a build with sanitizers keeps freed memory back
});

test('a stranger cannot answer for a device', { timeout: 60000 }, async (t) => {
  const { net, gateway, bad } = await pair(t);
  const stranger = createSocket('udp4');
  t.after(() => stranger.close());
  await new Promise((resolve) => stranger.bind(net.port, net.at(66), resolve));
  // what the device would say, but with another value, for every invoke id there is
  const lie = (invoke) => bvlc([1, 0, 0x30, invoke, 14], [0x0c, 0, 0, 0, 1, 0x1e, 0x29, 85, 0x4e, 0x44, 0x44, 0x26, 0x80, 0, 0x4f,
    0x29, 111, 0x4e, 0x82, 4, 0, 0x4f, 0x1f]);
  bad.spoil = (frame) => {
    setTimeout(() => bad.raw(frame, net.at(1)), 100); // the true answer is slower than the lies
    return [];
  };
  for (let round = 0; round < 30; round++) {
    for (let invoke = 0; invoke < 256; invoke++) {
      stranger.send(lie(invoke), net.port, net.at(1));
    }
    await sleep(50);
  }
  bad.spoil = null;
  await shows(gateway, 'bad/a', 5);
  assert.deepEqual([...new Set(await values(gateway, 'bad/a'))], [5]);
  assert.ok((await dropped(gateway))['an answer to no open request (late, or spoofed)'] > 1000);
});

test('nobody can make us write', { timeout: 60000 }, async (t) => {
  const { net, gateway, bad } = await pair(t);
  const stranger = createSocket('udp4');
  t.after(() => stranger.close());
  await new Promise((resolve) => stranger.bind(net.port, net.at(66), resolve));
  const answers = [];
  stranger.on('message', (data) => answers.push(data));
  const real42 = [0x3e, 0x44, 0x42, 0x28, 0, 0, 0x3f];
  const requests = [
    [0x00, 0x05, 1, 15, 0x0c, 0x02, 0x3f, 0xff, 0xff, 0x19, 77, ...real42], // WriteProperty to our device object
    [0x00, 0x05, 2, 16, 0x0c, 0x02, 0x3f, 0xff, 0xff, 0x1e, 0x09, 77, 0x2e, 0x44, 0x42, 0x28, 0, 0, 0x2f, 0x1f],
    [0x00, 0x05, 3, 5, 0x09, 1, 0x1c, 0, 0, 0, 1, 0x29, 0, 0x39, 60], // SubscribeCOV
    [0x00, 0x05, 4, 17, 0x19, 1], // DeviceCommunicationControl
    [0x00, 0x05, 5, 20, 0x09, 0], // ReinitializeDevice
  ];
  for (const apdu of requests) {
    stranger.send(bvlc([1, 4], apdu), net.port, net.at(1));
  }
  await until('all are refused', () => answers.length >= requests.length);
  for (const answer of answers) {
    assert.ok([5, 6, 7].includes(apduOf(answer)[0] >> 4), answer.toString('hex')); // error, reject, abort
  }
  assert.equal(bad.writes.length, 0);
  await shows(gateway, 'bad/a', 5);
});

test('a storm of I-Am takes bounded memory and delays nobody', { timeout: 90000 }, async (t) => {
  const { net, gateway, other } = await pair(t);
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))[1]);
  const stranger = createSocket('udp4');
  t.after(() => stranger.close());
  await new Promise((resolve) => stranger.bind(net.port, net.at(66), resolve));
  const iAm = (instance) => {
    const id = Buffer.alloc(4);
    id.writeUInt32BE((8 << 22) | instance);
    return bvlc([1, 0, 0x10, 0, 0xc4], id, [0x22, 0x05, 0xc4, 0x91, 0x00, 0x21, 99]);
  };
  const storm = async (from, count) => {
    for (let i = 0; i < count; i++) {
      stranger.send(iAm(from + i), net.port, net.at(1));
      if (i % 200 === 199) {
        await sleep(4);
      }
    }
    await sleep(300);
  };
  await storm(10000, 30000); // more than are kept
  const full = rss();
  await storm(100000, 60000);
  assert.ok(rss() - full < 20000, `${rss() - full} kB more after the tables were full`);
  other.set(AI1, real(9), false);
  await shows(gateway, 'other/a', 9);
});

test('one number at two addresses raises an event', { timeout: 60000 }, async (t) => {
  const net = makeNet();
  const folder = makeFolder({ 'site.yaml': site(net, { d1: { settings: 'device: 2001' } }) });
  const sim = await startSim(folder.site);
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  await until('d1 is good', async () => (await gateway.point('d1/a')).quality === 'good');
  await sim.control('d1=duplicate-id');
  const event = await until('the event', async () => {
    const { events } = await gateway.get('/api/v1/events?limit=100');
    return events.find((e) => /2001/.test(e.text) && /two|another|both|address/.test(e.text));
  });
  assert.ok(event.text.length > 0);
  assert.equal((await gateway.point('d1/a')).quality, 'good', 'the one that was there first is believed');
});

for (const confirmed of [true, false]) {
  test(`after a restart of the device it is subscribed again (${confirmed ? 'confirmed' : 'unconfirmed'})`, { timeout: 60000 }, async (t) => {
    const net = makeNet();
    const folder = makeFolder({ 'site.yaml': site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}", cov_confirmed: ${confirmed}` } }, '60s') });
    const sim = await startSim(folder.site);
    const gateway = await startGateway({ config: folder.site, data: folder.data });
    t.after(async () => {
      await gateway.stop('SIGKILL');
      await sim.stop('SIGKILL');
      folder.remove();
    });
    await sim.control('set d1/a 20');
    await shows(gateway, 'd1/a', 20);
    await sim.control('set d1/a 21');
    await shows(gateway, 'd1/a', 21);
    await sim.control('d1=restart,for=2s');
    await sleep(2500);
    await sim.control('set d1/a 22');
    await shows(gateway, 'd1/a', 22);
  });
}

test('a subscription that dies without a word is noticed by the check', { timeout: 90000 }, async (t) => {
  const net = makeNet();
  const folder = makeFolder({ 'site.yaml': site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}", check_every: 10s` } }, '60s') });
  const sim = await startSim(folder.site);
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  await sim.control('set d1/a 20');
  await shows(gateway, 'd1/a', 20);
  await sim.control('d1=cov-silence');
  await sim.control('set d1/a 30');
  await until('the check finds it', async () => (await gateway.point('d1/a')).value === 30, 30000);
});

test('kill -9 of the gateway with a hold: it ends in time, after the restart', { timeout: 90000 }, async (t) => {
  const net = makeNet();
  const folder = makeFolder({ 'site.yaml': site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}", cov: false`,
    points: '{ sp: { object: "AV:1", units: degC, priority: 8, write: { min: 16, max: 26 } } }' } }) });
  const sim = await startSim(folder.site);
  let gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  await shows(gateway, 'd1/sp', 21);
  const { status, body } = await gateway.post('/api/v1/points/d1/sp/write', { value: 25, for: '8s', confirmed: true });
  assert.equal(status, 200, JSON.stringify(body));
  await shows(gateway, 'd1/sp', 25);
  await gateway.stop('SIGKILL');
  gateway = await startGateway({ config: folder.site, data: folder.data });
  await shows(gateway, 'd1/sp', 25);
  const { holds } = await gateway.get('/api/v1/holds');
  assert.equal(holds.length, 1);
  await until('it is released', async () => (await gateway.point('d1/sp')).value === 21, 20000);
  assert.equal((await gateway.get('/api/v1/holds')).holds.length, 0);
});

test('answers that lose segments come whole', { timeout: 60000 }, async (t) => {
  const net = makeNet();
  const points = Array.from({ length: 60 }, (_, i) => `p${i}: { object: "AI:${i + 1}", units: degC }`).join(', ');
  const folder = makeFolder({ 'site.yaml': site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}", cov: false`, points: `{ ${points} }` } }) });
  const sim = await startSim(folder.site, ['--fault', 'd1=segment-loss+apdu:128']);
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  await until('all are good', async () => (await gateway.get('/api/v1/status')).points.good === 60, 30000);
});

for (const fault of ['apdu:50+no-segmentation', 'apdu:128+no-rpm', 'no-rpm+no-cov', 'no-segmentation+no-cov', 'slow:100ms', 'truncate,rate=20%', 'garbage,rate=20%']) {
  test(`a device with ${fault} is read whole`, { timeout: 60000 }, async (t) => {
    const net = makeNet();
    const points = Array.from({ length: 40 }, (_, i) => `p${i}: { object: "AI:${i + 1}", units: degC }`).join(', ');
    const folder = makeFolder({ 'site.yaml': site(net, { d1: { settings: `device: 2001, address: "${net.full(2)}"`, points: `{ ${points} }` } }) });
    const sim = await startSim(folder.site, ['--fault', `d1=${fault}`]);
    const gateway = await startGateway({ config: folder.site, data: folder.data });
    t.after(async () => {
      await gateway.stop('SIGKILL');
      await sim.stop('SIGKILL');
      folder.remove();
    });
    await until('all are good', async () => (await gateway.get('/api/v1/status')).points.good === 40, 40000);
  });
}
