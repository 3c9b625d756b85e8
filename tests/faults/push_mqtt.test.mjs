// SPDX-License-Identifier: Apache-2.0
// kill -9 of the gateway, and of the broker, under some thousand messages a second through a mosquitto with persistence. A
// wire between broker and gateway notes what the gateway acknowledged: that must be in the history. What the broker took of
// the sender must come to be there, too, as long as the broker lives. QoS 2 is stored once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMosquitto, startPace, startPublisher, startWire, storedNumbers } from '../peers/push_peers.mjs';
import { sleep, until } from '../support/gateway.mjs';
import { begin, head } from '../support/rig.mjs';

const rounds = Number(process.env.BUSBAR_KILL_ROUNDS ?? 4);
const RATE = Number(process.env.BUSBAR_PUSH_RATE ?? 5000);
const timeout = 120000 + rounds * 40000;

const site = (port, qos, version) => `${head}drivers:
  mqtt:
    brokers:
      plant: { url: "mqtt://127.0.0.1:${port}", qos: ${qos}, version: "${version}", client_id: busbar-test, clean: false, session_expiry: 1h }
devices:
  d1: { mqtt: { broker: plant, topic: push/d1 }, points: { n: { json: $.n } },
    events: { tick: { json: $.tick, arguments: "n=$.tick" } } }
`;
const numberIn = (payload) => Number(/"n":(\d+)/.exec(payload)?.[1]);

async function startAll(t, qos, version, more = '') {
  const broker = await startMosquitto(t, more);
  const wire = await startWire(t, broker.port, numberIn, { version5: version === '5' });
  const rig = await begin(t, site(wire.port, qos, version));
  await until('it is subscribed', async () => /waiting|up/.test(JSON.stringify(await rig.device('d1'))));
  await sleep(300);
  const publisher = await startPublisher(t, broker.port, 'push/d1', qos);
  return { broker, wire, rig, publisher, began: Date.now() - 1000 };
}

function assertKept(all, found, told, when) {
  const lost = told.filter((n) => !found.has(n));
  assert.equal(lost.length, 0, `${when}: ${lost.length} of ${told.length} acknowledged are lost: ${lost.slice(0, 5)}`);
}

/** How often the event of each number is in the journal. */
async function journal(rig) {
  const found = new Map();
  for (let before = ''; ;) {
    const { events } = await rig.gateway.get(`/api/v1/events?limit=1000&kind=tick${before}`);
    for (const event of events) {
      const n = Number(event.arguments.find(({ name }) => name === 'n').value);
      found.set(n, (found.get(n) ?? 0) + 1);
    }
    if (events.length < 1000) {
      return found;
    }
    before = `&before=${events.at(-1).id}`;
  }
}

/** Stored more than once, but for what the broker itself sent anew after it was completed. */
function storedTwice({ wire }, found) {
  return [...found].filter(([n, times]) => times > 1 + (wire.again.get(n) ?? 0));
}

async function killGateway(t, qos, version) {
  const all = await startAll(t, qos, version);
  const { wire, rig, publisher, began } = all;
  const pace = startPace(RATE, publisher.send);
  t.after(pace.stop);
  for (let round = 0; round < rounds; round++) {
    const had = wire.told.size;
    await until('messages are acknowledged', () => wire.told.size > had + 1000, 60000);
    await sleep(100 + Math.random() * 400);
    await rig.kill();
    const told = [...wire.told];
    await rig.start();
    assertKept(all, await storedNumbers(rig, 'd1/n', began), told, `round ${round}`);
  }
  pace.stop();
  await until('the broker has all', () => publisher.acknowledged.size === publisher.sent, 60000);
  const found = await until('all of it is stored', async () => {
    const now = await storedNumbers(rig, 'd1/n', began);
    const missing = Array.from({ length: publisher.sent }, (_, i) => i + 1).filter((n) => !now.has(n));
    if (missing.length > 0) {
      await sleep(200);
      throw new Error(`${missing.length} are missing, of them ${missing.filter((n) => wire.told.has(n)).length} acknowledged: ${missing.slice(0, 5)}`);
    }
    return now;
  }, 30000);
  assert.ok(publisher.sent > rounds * 1000, `only ${publisher.sent} messages were sent: the test tests nothing`);
  const twice = [...found].filter(([, times]) => times > 1);
  t.diagnostic(`${publisher.sent} messages of QoS ${qos}, ${rounds} kills of the gateway, 0 lost, ${twice.length} stored twice`);
  const ticks = await until('all events are in the journal', async () => {
    const seen = await journal(rig);
    return seen.size === Math.floor(publisher.sent / 20) && seen;
  });
  if (qos === 2) {
    assert.deepEqual([...ticks].filter(([, times]) => times > 1), []);
  }
  const { balances, totals } = await rig.gateway.get('/api/v1/ledger');
  assert.ok(balances, JSON.stringify(totals));
  return twice;
}

test(`QoS 1: nothing acknowledged is lost in ${rounds} kills of the gateway at ${RATE} messages a second`, { timeout }, async (t) => {
  await killGateway(t, 1, '3.1.1');
});

test(`QoS 2: nothing is lost or stored twice in ${rounds} kills of the gateway at ${RATE} messages a second`, { timeout }, async (t) => {
  assert.deepEqual(await killGateway(t, 2, '5'), []);
});

for (const [qos, version] of [[1, '5'], [2, '3.1.1']]) {
  test(`QoS ${qos}: nothing that the gateway acknowledged is lost in ${rounds} kills of the broker`, { timeout }, async (t) => {
    const all = await startAll(t, qos, version,
      'persistence true\npersistence_location {folder}/\nautosave_interval 1\nautosave_on_changes false');
    const { broker, wire, rig, publisher, began } = all;
    const pace = startPace(RATE, publisher.send);
    t.after(pace.stop);
    for (let round = 0; round < rounds; round++) {
      const had = wire.told.size;
      await until('messages are acknowledged', () => wire.told.size > had + 1000, 60000);
      await sleep(100 + Math.random() * 1500);
      await broker.stop('SIGKILL');
      await sleep(200);
      await broker.start();
    }
    const had = wire.told.size;
    await until('messages come again', () => wire.told.size > had + 1000, 60000);
    pace.stop();
    for (let before = -1; before < wire.told.size;) { // until no more comes: some are lost with the broker
      before = wire.told.size;
      await sleep(1000);
    }
    const found = await storedNumbers(rig, 'd1/n', began);
    assertKept(all, found, [...wire.told], 'at the end');
    if (qos === 2) {
      assert.deepEqual(storedTwice(all, found), []);
    }
    const again = [...wire.again.values()].reduce((sum, times) => sum + times, 0);
    t.diagnostic(`${wire.told.size} messages of QoS ${qos} acknowledged, ${rounds} kills of the broker, 0 lost; the broker sent ${again} anew that were completed`);
  });
}
