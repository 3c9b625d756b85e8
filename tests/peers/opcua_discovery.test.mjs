// SPDX-License-Identifier: Apache-2.0
// OPC UA servers found through a local discovery server that is not ours, and the endpoints they offer.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { makeFolder, until } from '../support/gateway.mjs';
import { ALL_POLICIES, Mode, Policy, startDiscovery, startServer } from './opcua_peers.mjs';
import { begin, head } from './opcua_rig.mjs';
import { addItems } from './opcua_space.mjs';

async function discover(rig, range) {
  const began = await rig.gateway.post('/api/v1/discoveries', { protocol: 'opcua', range, timeout_s: 10 });
  assert.equal(began.status, 202, JSON.stringify(began.body));
  return until('the discovery ends', async () => {
    const seen = await rig.gateway.get(`/api/v1/discoveries/${began.body.id}`);
    return seen.state !== 'running' && seen;
  }, 30000);
}

test('a discovery server tells of its servers, each with its endpoints; one is browsed and added', { timeout: 90000 }, async (t) => {
  const { folder, remove } = makeFolder({});
  t.after(remove);
  const lds = await startDiscovery({ folder });
  t.after(() => lds.stop());
  const server = await startServer({ folder, name: 'press', discovery: lds.url, policies: [Policy.None, ...ALL_POLICIES], modes: [Mode.None, Mode.SignAndEncrypt],
    build: (_space, ns, plant) => addItems(ns, plant) });
  t.after(() => server.stop());
  await until('it is registered', () => lds.registeredServerCount === 1);
  const rig = await begin(t, head);
  const { finds } = await discover(rig, lds.url.replace('opc.tcp://', ''));
  const press = finds.find((find) => /press/.test(find.name));
  assert.ok(press, JSON.stringify(finds));
  assert.match(JSON.stringify(press), new RegExp(`127\\.0\\.0\\.1:${server.port}`));
  assert.match(JSON.stringify(press), /Aes256_Sha256_RsaPss/);
  const said = await rig.ok('discover', 'opcua', lds.url.replace('opc.tcp://', ''));
  assert.match(said, /press/);
});

test('a server itself is asked as well; nobody there is said', { timeout: 60000 }, async (t) => {
  const { folder, remove } = makeFolder({});
  t.after(remove);
  const server = await startServer({ folder, name: 'alone' });
  t.after(() => server.stop());
  const rig = await begin(t, head);
  const { finds } = await discover(rig, `127.0.0.1:${server.port}`);
  assert.ok(finds.some((find) => /alone/.test(find.name)), JSON.stringify(finds));
  const none = await discover(rig, '127.0.0.1:9');
  assert.equal(none.found, 0);
});

const carded = Object.values(networkInterfaces()).flat().some(({ internal, family }) => !internal && family === 'IPv4');

test('announcements by multicast DNS are heard', { timeout: 60000, skip: carded ? false : 'there is no network card' }, async (t) => {
  const { folder, remove } = makeFolder({});
  t.after(remove);
  const server = await startServer({ folder, name: 'announced', announce: true });
  t.after(() => server.stop());
  const rig = await begin(t, head);
  const { finds } = await discover(rig, undefined);
  const found = finds.find((find) => JSON.stringify(find).includes(`:${server.port}`));
  assert.ok(found, JSON.stringify(finds));
});
