// SPDX-License-Identifier: Apache-2.0
// `busbar sim` as an OPC UA server, seen by a client that is not ours, beside the gateway: both have to see the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, startSim, until } from '../support/gateway.mjs';
import { ALL_POLICIES, Mode, opcua, startClient } from './opcua_peers.mjs';
import { begin, site } from './opcua_rig.mjs';

const { DataType, StatusCodes } = opcua;
const uri = 'urn:acme:press';
const node = (id, more = '') => `{ node: "nsu=${uri};s=${id}"${more} }`;

test('values, writes, subscriptions, policies of a simulated server', { timeout: 90000 }, async (t) => {
  const url = `opc.tcp://127.0.0.1:${await freePort()}`;
  const points = { temp: node('Oil.Temp', ', type: double, units: degC'), sp: node('Oil.Setpoint', ', type: double, write: { min: 0, max: 90 }'),
    label: node('Label', ', type: string'), on: node('On', ', type: bool, write: true'), second: node('Zones', ', type: double, range: "1"') };
  const rig = await begin(t, site({ d1: { url, points, settings: 'security: none', every: '200ms' } }));
  const sim = await startSim(rig.folder.site);
  t.after(() => sim.stop());
  await sim.control('set d1/temp 21.5');
  await rig.shows('d1/temp', 21.5, 20000);
  const client = await startClient({ folder: rig.folder.folder, url });
  t.after(() => client.stop());
  const index = (await client.readNamespaceArray()).indexOf(uri);
  assert.ok(index > 0);
  const id = (name) => `ns=${index};s=${name}`;
  const read = async (name) => (await client.read({ nodeId: id(name), attributeId: 13 })).value.value;
  assert.equal(await read('Oil.Temp'), 21.5);
  await until('both see the text', async () => (await read('Label')) === (await rig.good('d1/label')).value);
  await until('both see one element of an array', async () => (await read('Zones'))[1] === (await rig.good('d1/second')).value);
  assert.equal(await client.write({ nodeId: id('Oil.Setpoint'), attributeId: 13, value: { value: { dataType: DataType.Double, value: 55.5 } } }), StatusCodes.Good);
  await rig.shows('d1/sp', 55.5);
  assert.equal((await rig.write('d1/sp', 60)).status, 200);
  assert.equal(await read('Oil.Setpoint'), 60);
  const subscription = await client.createSubscription2({ requestedPublishingInterval: 100, publishingEnabled: true, requestedLifetimeCount: 100, requestedMaxKeepAliveCount: 10 });
  const told = [];
  const item = await subscription.monitor({ nodeId: id('Oil.Temp'), attributeId: 13 }, { samplingInterval: 50, queueSize: 10 }, opcua.TimestampsToReturn.Both);
  item.on('changed', (value) => told.push(value.value.value));
  await sim.control('set d1/temp 33');
  await until('the change is told', () => told.includes(33));
  await rig.shows('d1/temp', 33);
  await subscription.terminate();
  for (const policy of ALL_POLICIES) {
    for (const mode of [Mode.Sign, Mode.SignAndEncrypt]) {
      const secured = await startClient({ folder: rig.folder.folder, url, policy, mode });
      assert.equal((await secured.read({ nodeId: id('Oil.Temp'), attributeId: 13 })).value.value, 33, `${policy} ${mode}`);
      await secured.stop();
    }
  }
});
