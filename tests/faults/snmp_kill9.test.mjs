// SPDX-License-Identifier: Apache-2.0
// kill -9 of the gateway while agents send informs at a steady rate: what was answered is in the journal after the restart.
// Others are sent again by their agents, so each may be there twice at most: repetitions are known by their request id.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { sleep, until } from '../support/gateway.mjs';
import { freeUdp } from '../peers/snmp_peers.mjs';
import { begin, site } from '../peers/snmp_rig.mjs';
import { decode, encode, int, oid, Pdu, ticks } from '../peers/snmp_wire.mjs';

const rounds = Number(process.env.BUSBAR_KILL_ROUNDS ?? 6);
const SERIAL = '1.3.6.1.4.1.99999.1.1';
const RATE_MS = 5;

/** Sends informs that carry a number, each again every 500 ms until it is answered. */
async function startSender(port) {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const sender = { sent: 0, answered: new Set(), stopped: false };
  const open = new Map();
  const inform = (n) => encode({ type: Pdu.INFORM, id: n, varbinds: [{ oid: '1.3.6.1.2.1.1.3.0', value: ticks(n) },
    { oid: '1.3.6.1.6.3.1.1.4.1.0', value: oid('1.3.6.1.4.1.99999.0.1') }, { oid: SERIAL, value: int(n) }] });
  socket.on('message', (message) => {
    const { id, type } = decode(message);
    assert.equal(type, Pdu.RESPONSE);
    sender.answered.add(id);
    open.delete(id);
  });
  socket.on('error', () => {}); // nobody listens while the gateway is dead
  const began = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    while (!sender.stopped && sender.sent < (now - began) / RATE_MS) {
      open.set(++sender.sent, 0);
    }
    for (const [n, at] of open) {
      if (now - at >= 500) {
        open.set(n, now);
        socket.send(inform(n), port, '127.0.0.1', () => {});
      }
    }
  }, RATE_MS);
  sender.open = open;
  sender.close = () => {
    clearInterval(timer);
    socket.close();
  };
  return sender;
}

test(`no inform that was answered is lost in ${rounds} kills at 200 informs a second`, { timeout: 60000 + rounds * 15000 }, async (t) => {
  const port = await freeUdp();
  const rig = await begin(t, site({ d1: { host: '127.0.0.1:9', settings: 'version: 2c, timeout: 1s', every: '1h', points: { last: `{ argument: ${SERIAL} }` } } },
    `listen: "127.0.0.1:${port}", trap_rate: 100000, trap_burst: 100000`));
  const sender = await startSender(port);
  t.after(() => sender.close());
  const journal = async () => {
    const all = new Map();
    for (let before = ''; ;) {
      const { events } = await rig.gateway.get(`/api/v1/events?limit=1000&kind=inform${before}`);
      for (const event of events) {
        const serial = Number(event.arguments.find(({ name }) => name.includes('99999.1.1')).value);
        all.set(serial, (all.get(serial) ?? 0) + 1);
      }
      if (events.length < 1000) {
        return all;
      }
      before = `&before=${events.at(-1).id}`;
    }
  };
  let acknowledged = 0;
  for (let round = 0; round < rounds; round++) {
    const had = sender.answered.size;
    await until('informs are answered', () => sender.answered.size > had + 40, 20000);
    await sleep(100 + Math.random() * 400);
    await rig.kill();
    const answered = [...sender.answered];
    await rig.start();
    const stored = await journal();
    const lost = answered.filter((n) => !stored.has(n));
    assert.deepEqual(lost, [], `round ${round}: answered and not there`);
    acknowledged = answered.length;
  }
  sender.stopped = true;
  await until('all are answered in the end', () => sender.open.size === 0, 30000);
  const stored = await journal();
  for (let n = 1; n <= sender.sent; n++) {
    assert.ok(stored.has(n), `${n} is lost`);
  }
  const twice = [...stored.values()].filter((count) => count > 1).length;
  assert.ok(acknowledged > rounds * 40, `only ${acknowledged} were answered before a kill: the test tests nothing`);
  t.diagnostic(`${sender.sent} informs, ${acknowledged} answered before the last kill, 0 lost, ${twice} stored again after a kill`);
});
