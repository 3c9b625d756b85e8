// SPDX-License-Identifier: Apache-2.0
// OPC UA links that are cut, frozen, moved and started again, with servers that are not ours: what was sampled meanwhile is
// not lost where the server kept it, and what is wrong is said.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, sleep, until } from '../support/gateway.mjs';
import { makeCertificate } from './opcua_certificates.mjs';
import { opcua, startServer } from './opcua_peers.mjs';
import { startProxy } from './opcua_proxy.mjs';
import { begin, site } from './opcua_rig.mjs';
import { addHistorized, addVariable, nsu } from './opcua_space.mjs';

const { DataType } = opcua;
const node = (id, more = '') => `{ node: "${nsu(id)}"${more} }`;

let files;
let folder;
let certificate;

before(() => {
  files = makeFolder({});
  folder = files.folder;
  certificate = makeCertificate(folder, 'links');
});

after(() => files.remove());

const counter = (_space, ns, plant) => addVariable(ns, plant, 'n', 'Double', { dataType: DataType.Double, value: 0 });

async function serve(t, options = {}) {
  const server = await startServer({ folder, certificate, build: counter, ...options });
  t.after(() => server.stop());
  return server;
}

const fast = 'security: none, timeout: 1s, publishing: 200ms, keep_alive: 1s';
const points = { n: node('n', ', sampling: fastest, queue: 1000') };

/** Counts up every 10 ms; until(): stops, gives [first, last]. */
function count(server, from, began = Date.now()) {
  let i = 0;
  const timer = setInterval(() => {
    server.find('n').set(from + i, { time: new Date(began + i) });
    i++;
  }, 10);
  return () => {
    clearInterval(timer);
    return from + i - 1;
  };
}

/** Every value between the two is on disk. */
const complete = (rig, first, last, path = 'd1/n') => until(`${first} to ${last} are on disk`, async () => {
  const seen = new Set((await rig.samples(path)).map(([, value]) => value));
  const missing = [];
  for (let i = first; i <= last; i++) {
    if (!seen.has(i)) {
      missing.push(i);
    }
  }
  return missing.length === 0 ? true : Promise.reject(new Error(`${missing.length} are missing: ${missing.slice(0, 20)}`));
}, 20000);

test('a connection that is cut again and again: session and subscription go on, no sample is lost', { timeout: 90000 }, async (t) => {
  const server = await serve(t);
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings: fast, points } }));
  await rig.good('d1/n');
  await until('it is subscribed', () => server.subscriptions()[0]?.monitoredItemCount === 1);
  const [session] = server.sessions();
  const [subscription] = server.subscriptions();
  const stop = count(server, 1000);
  for (let i = 0; i < 4; i++) {
    await sleep(500);
    proxy.cut();
    await until('it is connected again', () => proxy.pairs.size > 0);
  }
  await sleep(300);
  await complete(rig, 1010, stop());
  assert.equal(server.sessions().length, 1);
  assert.equal(server.subscriptions().length, 1);
  assert.equal(server.sessions()[0].authenticationToken.toString(), session.authenticationToken.toString(), 'the session is the same');
  assert.equal(server.subscriptions()[0].id, subscription.id, 'the subscription is the same');
});

test('an outage shorter than the session: what the server kept comes afterwards', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings: fast, points } }));
  await rig.good('d1/n');
  const stop = count(server, 1000);
  await sleep(500);
  proxy.close();
  await rig.link('d1', /^(down|connecting)/);
  await rig.bad('d1/n');
  await sleep(2000);
  proxy.close(false);
  await rig.good('d1/n', 20000);
  await complete(rig, 1010, stop());
});

test('a session that the server ends during an outage: its subscription is taken over, no sample is lost', { timeout: 60000 }, async (t) => {
  const server = await serve(t, { allowAnonymousSubscriptionTransferOnUnsecuredChannel: true });
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings: fast, points } }));
  await rig.good('d1/n');
  await until('it is subscribed', () => server.subscriptions()[0]?.monitoredItemCount === 1);
  const [session] = server.sessions();
  const [{ id }] = server.subscriptions();
  const stop = count(server, 1000);
  await sleep(300);
  proxy.close();
  await rig.link('d1', /^(down|connecting)/);
  server.engine.closeSession(session.authenticationToken, false, 'Timeout');
  await sleep(500);
  proxy.close(false);
  await rig.good('d1/n', 20000);
  await sleep(300);
  await complete(rig, 1010, stop());
  assert.deepEqual(server.subscriptions().map((s) => s.id), [id], 'the subscription is the same');
  assert.notEqual(server.sessions()[0].authenticationToken.toString(), session.authenticationToken.toString());
  assert.equal(server.asked.TransferSubscriptions, 1);
});

test('frozen, not closed: noticed within timeout and keep-alive; another device is not late', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings: fast, points }, other: { url: server.url, settings: fast, points } }));
  await rig.good('d1/n');
  await rig.good('other/n');
  const stop = count(server, 1);
  proxy.frozen = true;
  const began = Date.now();
  await rig.bad('d1/n', /./, 15000);
  const took = Date.now() - began;
  t.diagnostic(`noticed after ${took} ms`);
  assert.ok(took < 8000, `${took} ms`);
  await sleep(500);
  const last = stop();
  await rig.shows('other/n', last);
  proxy.frozen = false;
  await rig.shows('d1/n', last, 20000);
});

test('a subscription that the server lets die without a word is noticed and made anew', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const rig = await begin(t, site({ d1: { url: server.url, settings: fast, points, every: '1m' } }));
  await rig.good('d1/n');
  await until('it is subscribed', () => server.subscriptions()[0]?.monitoredItemCount === 1);
  const [old] = server.subscriptions();
  server.silence();
  const began = Date.now();
  server.find('n').set(4711);
  await rig.shows('d1/n', 4711, 30000);
  t.diagnostic(`noticed after ${Date.now() - began} ms`);
  await until('there is a new one', () => server.subscriptions().some((s) => s.id !== old.id)); // the value may be read before
  server.find('n').set(4712);
  await rig.shows('d1/n', 4712);
});

test('a subscription deleted at the server is made anew', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const rig = await begin(t, site({ d1: { url: server.url, settings: fast, points, every: '1m' } }));
  await rig.good('d1/n');
  await until('it is subscribed', () => server.subscriptions()[0]?.monitoredItemCount === 1);
  const [session] = server.sessions();
  session.deleteSubscription(server.subscriptions()[0].id);
  server.find('n').set(12);
  await rig.shows('d1/n', 12, 20000);
});

test('a session closed at the server is made anew', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const rig = await begin(t, site({ d1: { url: server.url, settings: fast, points, every: '1m' } }));
  await rig.good('d1/n');
  const [session] = server.sessions();
  server.engine.closeSession(session.authenticationToken, true, 'Terminated');
  server.find('n').set(13);
  await rig.shows('d1/n', 13, 20000);
});

test('a server that starts again, its nodes later than it, its namespaces in another order', { timeout: 90000 }, async (t) => {
  const port = await freePort();
  let server = await startServer({ folder, certificate, port, build: counter });
  t.after(() => server.stop());
  const rig = await begin(t, site({ d1: { url: server.url, settings: fast, points } }));
  await rig.good('d1/n');
  await server.stop();
  await rig.bad('d1/n', /./, 20000);
  server = await startServer({ folder, certificate, port, structures: true, build: (space) => space.registerNamespace('urn:moves:the:indexes') });
  await rig.link('d1', /^up/, 30000);
  await rig.bad('d1/n', /BadNodeIdUnknown|no such node/, 20000);
  const ns = server.engine.addressSpace.getNamespace('urn:busbar:peer');
  counter(null, ns, server.find('Plant')).set(99);
  await rig.shows('d1/n', 99, 30000);
  server.find('n').set(100);
  await rig.shows('d1/n', 100);
});

test('redundant endpoints are tried in order', { timeout: 90000 }, async (t) => {
  const [first, second] = [await serve(t), await serve(t)];
  first.find('n').set(1);
  second.find('n').set(2);
  const proxy = await startProxy(first.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings: `${fast}, redundant: "${second.url}"`, points } }));
  await rig.shows('d1/n', 1);
  proxy.close();
  await rig.shows('d1/n', 2, 20000);
  assert.ok(second.sessions().length === 1);
});

test('a server that shuts down and one that is not there do not delay the others', { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const mute = createServer(() => {}); // takes connections, says nothing
  await new Promise((resolve) => mute.listen(0, '127.0.0.1', resolve));
  t.after(() => mute.close());
  const devices = { live: { url: server.url, settings: fast, points } };
  for (const [i, url] of [`opc.tcp://127.0.0.1:${await freePort()}`, 'opc.tcp://no-such-host.invalid', `opc.tcp://127.0.0.1:${mute.address().port}`].entries()) {
    devices[`dead${i}`] = { url, settings: fast, points };
  }
  const rig = await begin(t, site(devices));
  const began = Date.now();
  await rig.good('live/n');
  assert.ok(Date.now() - began < 5000);
  const stop = count(server, 1);
  await sleep(2000);
  const last = stop();
  const late = Date.now();
  await rig.shows('live/n', last);
  assert.ok(Date.now() - late < 1500, `${Date.now() - late} ms`);
  assert.match((await rig.link('dead0', /refused/i)).error, /refused/i);
  assert.match((await rig.link('dead1', /no-such-host\.invalid/)).error, /name|found|unknown/i);
  await rig.link('dead2', /within 1000 ms/, 15000);
});

test('history: the hole of an outage that outlives session and queue is filled', { timeout: 90000 }, async (t) => {
  const server = await serve(t, { build: (space, ns, plant) => {
    addHistorized(space, ns, plant, 'logged');
    addHistorized(space, ns, plant, 'plain');
  } });
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ d1: { url: proxy.url, settings: `${fast}, session_timeout: 5s`,
    points: { logged: node('logged', ', history: true'), plain: node('plain') } } }));
  await rig.good('d1/logged');
  server.find('logged').set(1);
  await rig.shows('d1/logged', 1);
  await sleep(500);
  proxy.close();
  const began = Date.now();
  await rig.link('d1', /^(down|connecting)/);
  server.sessions().forEach((session) => server.engine.closeSession(session.authenticationToken, true, 'Terminated'));
  for (let i = 0; i < 200; i++) {
    server.find('logged').set(100 + i, { time: new Date(began + 500 + i * 10) });
    server.find('plain').set(100 + i, { time: new Date(began + 500 + i * 10) });
    await sleep(10);
  }
  await sleep(500);
  proxy.close(false);
  await rig.good('d1/logged', 30000);
  await complete(rig, 100, 299, 'd1/logged');
  const all = await rig.samples('d1/logged');
  assert.equal(new Set(all.map(([time]) => time)).size, all.length, 'nothing is there twice');
  assert.ok((await rig.samples('d1/plain')).length < 50, 'only where it is asked for');
});
