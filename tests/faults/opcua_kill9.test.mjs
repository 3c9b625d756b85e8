// SPDX-License-Identifier: Apache-2.0
// kill -9 of the gateway while an OPC UA server tells 2,000 changes a second: what was given out once is there after the
// restart, and so is what the gateway had acknowledged at the server, which forgets it then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { startServer } from '../peers/opcua_peers.mjs';
import { begin, site } from '../peers/opcua_rig.mjs';
import { addMany, nsu } from '../peers/opcua_space.mjs';

const rounds = Number(process.env.BUSBAR_KILL_ROUNDS ?? 6);
const POINTS = 100;

/** What the server has told, and what of it was acknowledged: [point, time, value]. */
function listen(server) {
  const told = new Map();
  const acknowledged = [];
  server.on('response', (response) => {
    for (const data of response.notificationMessage?.notificationData ?? []) {
      const items = (data?.monitoredItems ?? []).map(({ clientHandle, value }) => [clientHandle, value.sourceTimestamp.getTime(), value.value.value]);
      told.set(`${response.subscriptionId}:${response.notificationMessage.sequenceNumber}`, items);
    }
  });
  server.on('request', (request) => {
    for (const { subscriptionId, sequenceNumber } of request.subscriptionAcknowledgements ?? []) {
      acknowledged.push(...(told.get(`${subscriptionId}:${sequenceNumber}`) ?? []));
    }
  });
  return acknowledged;
}

test(`no sample that was given out or acknowledged is lost in ${rounds} kills at 2,000 changes a second`, { timeout: 60000 + rounds * 15000 }, async (t) => {
  const { folder, remove } = makeFolder({});
  t.after(remove);
  const server = await startServer({ folder, build: (_space, ns, plant) => addMany(ns, plant, POINTS) });
  t.after(() => server.stop());
  const points = Object.fromEntries(server.nodes.map((_node, i) => [`m${i}`, `{ node: "${nsu(`many.${i}`)}", sampling: fastest, queue: 200 }`]));
  const rig = await begin(t, site({ d1: { url: server.url, settings: 'security: none, publishing: 100ms, timeout: 2s', points, every: '1m' } }));
  const acknowledged = listen(server);
  let value = 0;
  let changes = 0;
  const timer = setInterval(() => {
    value++;
    const time = new Date();
    for (const node of server.nodes) {
      node.set(value, { time });
      changes++;
    }
  }, 50);
  t.after(() => clearInterval(timer));
  const known = new Map();
  const began = Date.now() - 1000;
  let given = 0;
  const paths = ['d1/m0', 'd1/m50', `d1/m${POINTS - 1}`];
  const look = async (check) => {
    for (const path of paths) {
      const seen = new Map((await rig.samples(path, began)).map(([time, ...rest]) => [time, rest[0]]));
      for (const [time, was] of check ? known.get(path) ?? [] : []) {
        assert.ok(seen.has(time), `${path} at ${time} is lost`);
        assert.equal(seen.get(time), was, `${path} at ${time} changed`);
      }
      given += seen.size - (known.get(path)?.size ?? 0);
      known.set(path, seen);
    }
  };
  const stored = async () => {
    const before = acknowledged.slice(); // more are told and acknowledged while we look
    for (const i of [0, 50, POINTS - 1]) {
      const seen = new Map((await rig.samples(`d1/m${i}`, began)).map(([time, is]) => [Date.parse(time), is]));
      for (const [, time, is] of before.filter(([point]) => point === i)) {
        assert.equal(seen.get(time), is, `m${i} of ${new Date(time).toISOString()} was acknowledged and is not there`);
      }
    }
  };
  for (let round = 0; round < rounds; round++) {
    await rig.good('d1/m0', 20000);
    await sleep(300 + Math.random() * 700);
    await look(false);
    await rig.kill();
    await rig.start();
    await look(true);
    await stored();
  }
  await rig.good('d1/m0', 20000);
  assert.ok(acknowledged.length > rounds * 100, `only ${acknowledged.length} samples were acknowledged`);
  assert.ok(given > rounds * 10, `only ${given} samples were given out: the test tests nothing`);
  await until('the ledger balances', async () => (await rig.gateway.get('/api/v1/ledger?match=*')).balances);
  t.diagnostic(`${changes} changes, ${given} samples of ${paths.length} points looked at, ${acknowledged.length} acknowledged, 0 lost`);
});
