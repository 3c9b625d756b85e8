// SPDX-License-Identifier: Apache-2.0
// Bad peers of a TCP listener: ten thousand that say nothing, some that say a byte now and then, some that never read, storms
// of connections, garbage as fast as it goes, and no descriptors left. A good client is served all the while, its
// acknowledgements take no longer than twice as long, and the gateway's memory stays bounded.
// Runs alone: it measures how long a good client waits.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { freePort, sleep, until } from '../support/gateway.mjs';
import { begin, head } from '../support/rig.mjs';

const MANY = 10000;
const NOISE_MS = 25; // of this machine, which runs other things too

const residentKb = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);
const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

async function start(t, options, points = '{ n: { key: n, type: int } }') {
  const port = await freePort();
  const rig = await begin(t, `${head}drivers:\n  tcp:\n    listeners: { p: { listen: "127.0.0.1:${port}", ack: "+", streams_max: 20000, per_source: 20000, ${options} } }
devices:\n  good: { tcp: { listener: p, id: good, id_from: 'match ^(good|bad) ' }, points: ${points} }\n`);
  return { rig, port, pid: rig.gateway.child.pid };
}

async function dial(port) {
  const socket = connect(port, '127.0.0.1');
  const peer = { socket, heard: 0, closed: false };
  socket.on('data', (data) => (peer.heard += data.length));
  socket.on('error', () => {});
  socket.on('close', () => (peer.closed = true));
  await once(socket, 'connect');
  return peer;
}

/** As many at a time as the backlog bears. */
async function dialMany(port, count) {
  const peers = [];
  while (peers.length < count) {
    peers.push(...await Promise.all(Array.from({ length: Math.min(200, count - peers.length) }, () => dial(port))));
  }
  return peers;
}

/** p99 of the time from a line to its acknowledgement. */
async function measure(peer, count = 150) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const heard = peer.heard;
    const began = performance.now();
    peer.socket.write(`good n=${i}\n`);
    while (peer.heard === heard) {
      assert.equal(peer.closed, false);
      await new Promise(setImmediate);
      assert.ok(performance.now() - began < 10000, 'no acknowledgement within 10 s');
    }
    times.push(performance.now() - began);
    await sleep(2);
  }
  return times.sort((a, b) => a - b)[Math.floor(count * 0.99)];
}

/** Up to three looks: this machine has other things to do, and 150 lines have one or two worst ones. */
async function within(before, good, what) {
  let now;
  for (let look = 0; look < 3; look++) {
    now = await measure(good);
    if (now <= 2 * before + NOISE_MS) {
      return;
    }
  }
  assert.fail(`${what}: p99 ${now.toFixed(1)} ms, alone ${before.toFixed(1)} ms`);
}

test('ten thousand that say nothing cost little', { timeout: 180000 }, async (t) => {
  const { port, pid } = await start(t, 'first_byte: never, idle: never');
  const good = await dial(port);
  const alone = await measure(good);
  const [memory, open] = [residentKb(pid), descriptors(pid)];
  const idle = await dialMany(port, MANY);
  await until('all are accepted', () => descriptors(pid) >= open + MANY - 20, 30000); // answers of REST end meanwhile
  const each = (residentKb(pid) - memory) / MANY;
  await within(alone, good, 'beside them');
  assert.ok(each <= 16, `${each.toFixed(1)} KB each`);
  idle.forEach(({ socket }) => socket.destroy());
  await until('their descriptors are back', () => descriptors(pid) <= open + 2, 30000);
  good.socket.destroy();
});

test('a byte now and then is not enough', { timeout: 120000 }, async (t) => {
  const { rig, port } = await start(t, 'first_byte: 1s, frame_time: 2s');
  const good = await dial(port);
  const alone = await measure(good);
  const slow = await dialMany(port, 500);
  const silent = await dialMany(port, 500);
  const drip = setInterval(() => slow.forEach(({ socket, closed }) => !closed && socket.write('x')), 400);
  t.after(() => clearInterval(drip));
  await within(alone, good, 'beside them');
  await until('all slow ones are gone', () => [...slow, ...silent].every(({ closed }) => closed), 10000);
  assert.equal(good.closed, false);
  assert.match((await rig.gateway.cli(['drivers', 'tcp', '--refused'])).stdout, /took too long to come|sent nothing/);
  good.socket.destroy();
});

test('who never reads its acknowledgements is closed, and what it is owed is bounded', { timeout: 120000 }, async (t) => {
  const { rig, port, pid } = await start(t, `nack: "${'no '.repeat(1000)}"`);
  const good = await dial(port);
  const alone = await measure(good);
  const memory = residentKb(pid);
  const deaf = connect(port, '127.0.0.1');
  deaf.on('error', () => {});
  await once(deaf, 'connect');
  deaf.pause();
  let gone = false;
  deaf.on('close', () => (gone = true));
  const lines = 'bad n=1\ngood n=1\n'.repeat(500);
  const pump = setInterval(() => !gone && deaf.writableLength < 1 << 20 && deaf.write(lines), 5);
  t.after(() => clearInterval(pump));
  await until('it is closed', async () => /does not read/.test((await rig.gateway.cli(['drivers', 'tcp', '--refused'])).stdout), 60000);
  clearInterval(pump);
  deaf.destroy();
  await within(alone, good, 'beside it');
  assert.ok(residentKb(pid) - memory < 64 * 1024, `${residentKb(pid) - memory} KB more`);
  good.socket.destroy();
});

test('a storm of ten thousand connections', { timeout: 180000 }, async (t) => {
  const { port, pid } = await start(t, 'first_byte: 30s');
  const good = await dial(port);
  const alone = await measure(good);
  const open = descriptors(pid);
  let served = 0;
  const one = async () => {
    const peer = await dial(port);
    peer.socket.write('good n=1\n');
    await until('it is acknowledged', () => peer.heard > 0, 30000);
    served++;
    peer.socket.destroy();
  };
  const storm = (async () => {
    for (let i = 0; i < MANY; i += 100) {
      await Promise.all(Array.from({ length: 100 }, one));
    }
  })();
  const beside = await measure(good, 100);
  await storm;
  assert.equal(served, MANY);
  assert.ok(beside < 10 * alone + 200, `p99 ${beside.toFixed(1)} ms while the test itself is busy, alone ${alone.toFixed(1)} ms`);
  await within(alone, good, 'after it');
  await until('the descriptors are back', () => descriptors(pid) <= open + 2, 30000);
  good.socket.destroy();
});

test('garbage as fast as it goes, with good lines in it', { timeout: 120000 }, async (t) => {
  const { rig, port, pid } = await start(t, 'frame_max: 200');
  const good = await dial(port);
  const alone = await measure(good);
  const memory = residentKb(pid);
  const garbage = await dial(port);
  let block = '';
  for (let i = 0; i < 100; i++) {
    block += `${'\x00\xff{['.repeat(i % 40)}\nbad n=x\n${i % 20 === 0 ? 'y'.repeat(400) : ''}\ngood n=${i}\n`;
  }
  let sent = 0;
  const pump = setInterval(() => {
    if (!garbage.closed && garbage.socket.writableLength < 1 << 18) {
      garbage.socket.write(Buffer.from(block, 'latin1'));
      sent += 100;
    }
  }, 4);
  t.after(() => clearInterval(pump));
  await within(alone, good, 'beside it');
  clearInterval(pump);
  await until('every good line of it is acknowledged', () => garbage.heard === sent, 30000);
  assert.equal(garbage.closed, false);
  assert.ok(residentKb(pid) - memory < 64 * 1024, `${residentKb(pid) - memory} KB more`);
  assert.match((await rig.gateway.cli(['drivers', 'tcp', '--refused'])).stdout, /too long/);
  garbage.socket.destroy();
  good.socket.destroy();
});

test('no descriptors left: new connections wait, old ones go on', { timeout: 120000 }, async (t) => {
  const { rig, port, pid } = await start(t, 'first_byte: never');
  const good = await dial(port);
  const alone = await measure(good);
  execFileSync('prlimit', ['--pid', String(pid), '--nofile=256:256']);
  const many = await dialMany(port, 400); // the kernel takes them all
  await until('accepting rests', async () => (await rig.gateway.get('/api/v1/drivers')).drivers
    .some(({ protocol, facts }) => protocol === 'tcp' && facts.some(({ trouble }) => /descriptors/.test(trouble ?? ''))));
  assert.ok(descriptors(pid) <= 256 - 16, `${descriptors(pid)} of 256 are used`);
  await within(alone, good, 'beside them');
  const last = many.pop();
  last.socket.write('good n=1\n');
  await sleep(300);
  assert.equal(last.heard, 0);
  many.forEach(({ socket }) => socket.destroy());
  await until('who waited is served', () => last.heard > 0, 20000);
  assert.ok(many.length === 399 && !good.closed);
  last.socket.destroy();
  good.socket.destroy();
});
