// SPDX-License-Identifier: Apache-2.0
// Holes that fill themselves from the history of servers that are not ours: while the gateway was not there, more than one
// answer takes, and where a server has none.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { freePort, makeFolder, sleep, startSim, until } from '../support/gateway.mjs';
import { makeCertificate } from './opcua_certificates.mjs';
import { opcua, startServer } from './opcua_peers.mjs';
import { begin, site } from './opcua_rig.mjs';
import { addHistorized, addVariable, nsu } from './opcua_space.mjs';

const { DataType } = opcua;
const node = (id, more = '') => `{ node: "${nsu(id)}"${more} }`;
const settings = 'security: none, timeout: 2s, publishing: 200ms, history: true';

let folder;
let certificate;

before(() => {
  folder = makeFolder({}).folder;
  certificate = makeCertificate(folder, 'history');
});

async function serve(t) {
  const server = await startServer({ folder, certificate, build: (space, ns, plant) => {
    addHistorized(space, ns, plant, 'logged');
    addHistorized(space, ns, plant, 'other');
    addVariable(ns, plant, 'forgetful', 'Double', { dataType: DataType.Double, value: 1 });
  } });
  t.after(() => server.stop());
  return server;
}

const events = async (rig) => (await rig.gateway.get('/api/v1/events?limit=200')).events;

test('values from the time the gateway was killed are read when it is back, in several answers', { timeout: 120000 }, async (t) => {
  const server = await serve(t);
  const rig = await begin(t, site({ d1: { url: server.url, settings, points: { logged: node('logged'), other: node('other') } } }));
  server.find('logged').set(1);
  server.find('other').set(1);
  await rig.shows('d1/logged', 1);
  await until('it is remembered until when nothing is missing', async () =>
    (await rig.device('d1')).limits?.some((limit) => limit.name === 'history-filled-until'));
  await sleep(1500);
  await rig.kill();
  const began = Date.now();
  for (let i = 0; i < 2500; i++) {
    server.find('logged').set(1000 + i, { time: new Date(began + i) });
  }
  server.find('other').set(2, { time: new Date(began + 100) });
  server.find('other').set(3, { time: new Date(began + 200) });
  await sleep(3000);
  await rig.start();
  await rig.good('d1/logged', 20000);
  const seen = await until('all of it is on disk', async () => {
    const values = (await rig.samples('d1/logged')).map(([, value]) => value);
    const have = new Set(values);
    for (let i = 1000; i < 3500; i++) {
      if (!have.has(i)) {
        throw new Error(`${i} is missing, of ${values.length}`);
      }
    }
    return values;
  }, 30000);
  assert.equal(new Set(seen).size, seen.length, 'nothing is there twice');
  const other = (await rig.samples('d1/other')).map(([, value]) => value);
  assert.ok(other.includes(2) && other.includes(3), JSON.stringify(other));
  assert.deepEqual((await events(rig)).filter((event) => event.kind === 'history'), []);
});

test('a node without history: said once, the others are filled', { timeout: 90000 }, async (t) => {
  const server = await serve(t);
  const rig = await begin(t, site({ d1: { url: server.url, settings, points: { logged: node('logged'), forgetful: node('forgetful') } } }));
  await rig.good('d1/forgetful');
  await sleep(1500);
  await rig.kill();
  server.find('logged').set(77, { time: new Date(Date.now() + 100) });
  server.find('logged').set(78, { time: new Date(Date.now() + 200) });
  await sleep(1500);
  await rig.start();
  const said = await until('it is said', async () => (await events(rig)).find((event) => event.kind === 'history'), 30000);
  assert.match(said.text, /1 point cannot be filled.*Bad\w+: /);
  assert.equal(said.source, 'd1');
  await until('the other is filled', async () => (await rig.samples('d1/logged')).some(([, value]) => value === 77));
  assert.equal((await rig.good('d1/forgetful')).value, 1);
});

test('the simulator keeps history too: no second is missing after a restart', { timeout: 90000 }, async (t) => {
  const url = `opc.tcp://127.0.0.1:${await freePort()}`;
  const points = { temp: '{ node: "nsu=urn:acme:press;s=Oil.Temp", type: double }' };
  const rig = await begin(t, site({ d1: { url, points, settings, every: '1s' } }));
  const sim = await startSim(rig.folder.site);
  t.after(() => sim.stop());
  await rig.good('d1/temp', 20000);
  await sleep(2000);
  await rig.kill();
  const from = Date.now() + 500;
  await sleep(6000);
  const till = Date.now() - 500;
  await rig.start();
  await until('the seconds between are there', async () => {
    const times = (await rig.samples('d1/temp')).map(([time]) => Date.parse(time)).filter((time) => time >= from && time <= till);
    return times.length >= 5 && times.slice(1).every((time, i) => time - times[i] <= 1100);
  }, 30000);
});
