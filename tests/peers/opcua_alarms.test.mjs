// SPDX-License-Identifier: Apache-2.0
// Alarms & Conditions of a server that is not ours become events, are acknowledged and confirmed there, and are known
// again after an outage.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { opcua, startServer } from './opcua_peers.mjs';
import { startProxy } from './opcua_proxy.mjs';
import { begin, site } from './opcua_rig.mjs';
import { addAlarms, addEvents, addVariable, nsu } from './opcua_space.mjs';

const points = { level: `{ node: "${nsu('level')}" }` };
const settings = 'security: none, timeout: 1s, publishing: 200ms, alarms: conditions';

let files;
let folder;

before(() => {
  files = makeFolder({});
  folder = files.folder;
});

after(() => files.remove());

async function serve(t) {
  const server = await startServer({ folder, build: (space, ns, plant) => addAlarms(space, ns, plant) });
  t.after(() => server.stop());
  return server;
}

const events = async (rig) => (await rig.gateway.get('/api/v1/events?limit=200')).events;

const event = (rig, matching, what = () => true) => until(`an event ${matching}`, async () =>
  (await events(rig)).find((e) => matching.test(`${e.source} ${e.kind} ${e.text} ${e.severity} ${JSON.stringify(e.arguments)}`) && what(e)));

test('a limit alarm: active, acknowledged and confirmed at the server, inactive', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const { level, alarm } = server.nodes;
  const rig = await begin(t, site({ d1: { url: server.url, settings, points } }));
  await rig.shows('d1/level', 50);
  await sleep(500);
  level.set(95);
  const high = await event(rig, /HighHigh/);
  assert.match(high.source, /^d1/);
  assert.equal(high.ack, 'unacked', JSON.stringify(high));
  assert.equal(alarm.ackedState.id.readValue().value.value, false);
  const acked = await rig.gateway.post(`/api/v1/events/${high.id}/acknowledge`, { note: 'seen by Eva' });
  assert.equal(acked.status, 200, JSON.stringify(acked.body));
  assert.equal(alarm.ackedState.id.readValue().value.value, true);
  assert.match(alarm.comment.readValue().value.value.text, /seen by Eva/);
  const waits = await event(rig, /waits for a confirmation/, (e) => e.id > high.id && e.ack === 'unacked');
  assert.equal(waits.kind, 'acknowledged');
  assert.equal(waits.key, high.key, 'one condition: the newer takes the place of the older');
  assert.equal(alarm.confirmedState.id.readValue().value.value, false);
  const confirmed = await rig.gateway.post(`/api/v1/events/${waits.id}/acknowledge`, { note: 'valve closed' });
  assert.equal(confirmed.status, 200, JSON.stringify(confirmed.body));
  assert.equal(alarm.confirmedState.id.readValue().value.value, true);
  level.set(50);
  const back = await event(rig, /back to normal|no longer|Normal|normal|inactive/, (e) => e.id > waits.id && e.kind === 'normal');
  assert.equal(back.severity, 'info');
  level.set(95); // and again: the same condition, to be acknowledged anew
  const again = await event(rig, /HighHigh/, (e) => e.id > back.id);
  assert.equal(again.ack, 'unacked');
  assert.deepEqual((await events(rig)).filter((e) => e.ack === 'unacked').map((e) => e.id), [again.id]);
});

test('what stood before and is gone when the server tells what stands is closed', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const { level, alarm } = server.nodes;
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings, points } }));
  await rig.shows('d1/level', 50);
  await sleep(500);
  level.set(95);
  const high = await event(rig, /HighHigh/);
  proxy.close();
  await rig.link('d1', /^(down|connecting)/);
  server.sessions().forEach((session) => server.engine.closeSession(session.authenticationToken, true, 'Terminated'));
  level.set(50); // over, and seen by others meanwhile: nothing of it is left to be told
  alarm.currentBranch().setAckedState(true);
  alarm.currentBranch().setConfirmedState(true);
  alarm.currentBranch().setRetain(false);
  await sleep(300);
  proxy.close(false);
  await rig.shows('d1/level', 50, 20000);
  const gone = await event(rig, /does not report it any more/, (e) => e.id > high.id);
  assert.equal(gone.kind, 'normal');
  assert.deepEqual((await events(rig)).filter((e) => e.ack === 'unacked'), []);
});

test('what was active before we came is known, also after an outage', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  server.nodes.level.set(85);
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings, points } }));
  await rig.shows('d1/level', 85);
  const first = await event(rig, /High/);
  proxy.close();
  await rig.link('d1', /^(down|connecting)/);
  server.sessions().forEach((session) => server.engine.closeSession(session.authenticationToken, true, 'Terminated'));
  server.nodes.level.set(5);
  await sleep(300);
  proxy.close(false);
  await rig.shows('d1/level', 5, 20000);
  await event(rig, /LowLow/, (e) => e.id > first.id);
  const all = (await events(rig)).filter((e) => /High/.test(JSON.stringify(e)) && !/Low/.test(JSON.stringify(e)));
  assert.ok(all.length <= 2, `what is known is not told again and again: ${all.length}`);
});

test('a kill loses nothing; what went while we did not run is settled by its acknowledgement', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const { level, alarm } = server.nodes;
  const rig = await begin(t, site({ d1: { url: server.url, settings, points } }));
  await rig.shows('d1/level', 50);
  await sleep(500);
  level.set(95);
  const high = await event(rig, /HighHigh/);
  await rig.kill();
  await rig.start();
  await rig.shows('d1/level', 95);
  await sleep(500);
  const still = (await events(rig)).filter((e) => e.ack === 'unacked');
  assert.deepEqual(still.map((e) => e.id), [high.id], 'what stands is not told twice');
  await rig.kill();
  level.set(50);
  const branch = alarm.currentBranch();
  branch.setAckedState(true);
  branch.setConfirmedState(true);
  branch.setRetain(false);
  branch.renewEventId();
  await rig.start();
  await rig.shows('d1/level', 50);
  await sleep(500);
  const acked = await rig.gateway.post(`/api/v1/events/${high.id}/acknowledge`, { note: 'late' });
  assert.equal(acked.status, 200, JSON.stringify(acked.body));
  await until('nothing waits', async () => (await events(rig)).every((e) => e.ack !== 'unacked'));
});

test('all events of a server: chosen by severity, with a field of their own, thousands at once', { timeout: 60000 }, async (t) => {
  const server = await startServer({ folder, build: (space, ns, plant) => ({ ...addEvents(space, ns),
    fast: addVariable(ns, plant, 'fast', 'Double', { dataType: opcua.DataType.Double, value: 1 }) }) });
  t.after(() => server.stop());
  const { raise, field } = server.nodes;
  const rig = await begin(t, site({ d1: { url: server.url, points: { fast: `{ node: "${nsu('fast')}" }` },
    settings: `security: none, publishing: 200ms, alarms: all, alarm_severity: 300, alarm_fields: "${field}, Missing"` } }));
  await rig.good('d1/fast');
  await sleep(700);
  raise('too quiet', 299);
  raise('batch 7 began', 300, 'B');
  const began = await event(rig, /batch 7 began/);
  assert.deepEqual([began.kind, began.severity, began.ack, began.text], ['notification', 'low', '', 'Mixer: batch 7 began']);
  assert.equal(began.arguments.find(({ name }) => name === field)?.value, 'B', JSON.stringify(began.arguments));
  const count = 2500;
  for (let i = 0; i < count; i++) {
    raise(`step ${i}`, 900);
  }
  await until('all are in the journal', async () => (await rig.gateway.get('/api/v1/status')).events.kept >= count + 1, 20000);
  assert.equal((await events(rig)).filter(({ text }) => /quiet/.test(text)).length, 0);
  const { events: last } = await rig.gateway.get('/api/v1/events?limit=1');
  assert.match(last[0].text, new RegExp(`step ${count - 1}$`));
});

test('a server without conditions says so where they were asked for, once', { timeout: 60000 }, async (t) => {
  const server = await startServer({ folder, build: (space, ns, plant) => ({ ...addEvents(space, ns),
    fast: addVariable(ns, plant, 'fast', 'Double', { dataType: opcua.DataType.Double, value: 1 }) }) });
  t.after(() => server.stop());
  const of = (mode) => ({ url: server.url, points: { fast: `{ node: "${nsu('fast')}" }` },
    settings: `security: none, publishing: 200ms, alarms: ${mode}` });
  const rig = await begin(t, site({ d1: of('conditions'), d2: of('all') }));
  await rig.good('d2/fast');
  const told = await event(rig, /does not tell which alarms stand/);
  assert.deepEqual([told.source, told.kind], ['d1', 'fault']);
  server.nodes.raise('no condition', 900);
  const plain = await event(rig, /no condition/);
  assert.equal(plain.source, 'd2', 'conditions only at d1');
  assert.equal((await events(rig)).filter(({ kind }) => kind === 'fault').length, 1);
});

test('alarms: off means none', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const rig = await begin(t, site({ d1: { url: server.url, settings: 'security: none, publishing: 200ms', points } }));
  await rig.good('d1/level');
  server.nodes.level.set(95);
  await rig.shows('d1/level', 95);
  await sleep(700);
  assert.deepEqual((await events(rig)).filter((e) => /LevelAlarm|Level/.test(JSON.stringify(e))), []);
});
