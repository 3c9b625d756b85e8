// SPDX-License-Identifier: Apache-2.0
// The MQTT client against brokers that others wrote: mosquitto and aedes, over TCP, TLS and WebSocket; old versions, limits,
// sessions lost and taken over, and ports that are no brokers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer as createWebServer } from 'node:http';
import { createServer as createSecureWebServer } from 'node:https';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, sleep, until } from '../support/gateway.mjs';
import { begin, connect, makeCertificates, site, speaker, startBroker } from './mqtt_peers.mjs';

const require = createRequire(import.meta.url);
const createAedes = require('aedes');
const { WebSocketServer, createWebSocketStream } = require('ws');

let files;
let at;
let broker;

before(async () => {
  files = makeFolder({});
  at = makeCertificates(files.folder);
  broker = await startBroker(files.folder);
});

after(async () => {
  await broker.stop();
  files.remove();
});

const one = (topic) => ({ d1: { settings: `topic: "${topic}"`, points: { x: '{ json: $.x }' } } });
const facts = async (rig) => (await rig.gateway.get('/api/v1/drivers')).drivers.find((driver) => driver.protocol === 'mqtt').facts;
const listening = (rig) => until('all is subscribed', async () => {
  const row = (await facts(rig)).find((fact) => fact.name === 'subscriptions');
  const [granted, all] = (row?.text.match(/^(\d+) of (\d+)/) ?? []).slice(1).map(Number);
  return all > 0 && granted === all;
}, 30000);

/** An aedes on a free port; connections counted by the version they speak. over: 'tcp', 'tls', 'ws' or 'wss'. */
async function startAedes(t, over = 'tcp', { old = false } = {}) {
  const aedes = createAedes();
  const port = await freePort();
  const secure = { cert: readFileSync(at('broker.crt')), key: readFileSync(at('broker.key')) };
  const seen = { versions: [], protocols: [], paths: [], sockets: new Set() };
  aedes.preConnect = (client, packet, done) => {
    seen.versions.push(packet.protocolVersion);
    done(null, true);
  };
  const handle = (stream) => {
    seen.sockets.add(stream);
    stream.on('error', () => {});
    if (!old) {
      aedes.handle(stream);
      return;
    }
    stream.once('data', (data) => { // a broker that knows 3.1.1 only, and says so as the standard asks it to
      seen.versions.push(data[8]);
      if (data[8] !== 4) {
        stream.end(Buffer.from([0x20, 2, 0, 1]));
        return;
      }
      stream.pause();
      stream.unshift(data);
      aedes.handle(stream);
    });
  };
  let server;
  if (over === 'ws' || over === 'wss') {
    server = over === 'ws' ? createWebServer() : createSecureWebServer(secure);
    const sockets = new WebSocketServer({ server, path: '/mqtt', handleProtocols: (names) => (names.has('mqtt') ? 'mqtt' : false) });
    sockets.on('connection', (socket, request) => {
      seen.protocols.push(socket.protocol);
      seen.paths.push(request.url);
      handle(createWebSocketStream(socket));
    });
  } else {
    server = over === 'tls' ? createTlsServer({ ...secure, ALPNProtocols: ['mqtt'] }, (socket) => {
      seen.protocols.push(socket.alpnProtocol);
      handle(socket);
    }) : createServer(handle);
  }
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(async () => {
    for (const stream of seen.sockets) {
      stream.destroy();
    }
    await new Promise((resolve) => aedes.close(resolve));
    server.close();
    server.closeAllConnections?.();
  });
  const scheme = { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' }[over];
  return { aedes, seen, url: `${scheme}://127.0.0.1:${port}${over.startsWith('ws') ? '/mqtt' : ''}`,
    say: (topic, payload, options = {}) => new Promise((resolve, reject) => {
      aedes.publish({ topic, payload: JSON.stringify(payload), qos: 1, retain: false, ...options }, (error) => (error ? reject(error) : resolve()));
    }) };
}

for (const over of ['tcp', 'tls', 'ws', 'wss']) {
  test(`aedes over ${over}`, async (t) => {
    const peer = await startAedes(t, over);
    const secure = over === 'tls' || over === 'wss' ? `, ca: "${at('ca.crt')}"` : '';
    const rig = await begin(t, site(peer, one('a/d1'), { more: `keep_alive: 5s${secure}${over === 'tls' ? ', alpn: mqtt' : ''}` }));
    await listening(rig);
    for (const qos of [0, 1, 2]) {
      await peer.say('a/d1', { x: qos + 1 }, { qos });
      await rig.shows('d1/x', qos + 1);
    }
    if (over === 'tls') {
      assert.ok(peer.seen.protocols.every((name) => name === 'mqtt'), 'ALPN');
    }
    if (over.startsWith('ws')) {
      assert.ok(peer.seen.protocols.every((name) => name === 'mqtt'), 'subprotocol');
      assert.ok(peer.seen.paths.every((path) => path === '/mqtt'));
    }
  });
}

test('a broker that knows 3.1.1 only gets 3.1.1', async (t) => {
  const peer = await startAedes(t, 'tcp', { old: true });
  const rig = await begin(t, site(peer, one('a/d1')));
  await listening(rig);
  await peer.say('a/d1', { x: 9 });
  await rig.shows('d1/x', 9);
  assert.deepEqual([peer.seen.versions[0], peer.seen.versions[1]], [5, 4]);
  assert.match((await facts(rig)).find((fact) => fact.name === 'connection').text, /MQTT 3\.1\.1/);
});

test('mosquitto over WebSocket, plain and with TLS, keeps the session', async (t) => {
  const [plain, secure] = [await freePort(), await freePort()];
  const own = await startBroker(files.folder, {
    options: `listener ${plain} 127.0.0.1\nprotocol websockets\nlistener ${secure} 127.0.0.1\nprotocol websockets\n` +
      `cafile ${at('ca.crt')}\ncertfile ${at('broker.crt')}\nkeyfile ${at('broker.key')}`,
  });
  t.after(() => own.stop());
  const device = await speaker(t, own);
  for (const [url, more] of [[`ws://127.0.0.1:${plain}/mqtt`, ''], [`wss://127.0.0.1:${secure}/mqtt`, `ca: "${at('ca.crt')}"`]]) {
    const rig = await begin(t, site({ url }, one('ws/d1'), { more }));
    await listening(rig);
    const big = 'y'.repeat(70000); // more than a frame of 16 bits
    for (const [n, text] of [[1, ''], [2, big], [3, '']]) {
      await device.say('ws/d1', { text, x: n }, { qos: n % 3 });
      await rig.shows('d1/x', n);
    }
    await rig.gateway.stop();
    await device.say('ws/d1', { x: 4 });
    await rig.start();
    await rig.shows('d1/x', 4);
    await rig.gateway.stop();
  }
});

test('10,000 topics are subscribed to in seconds, and again after a restart that lost the session', async (t) => {
  const own = await startBroker(files.folder, { options: 'persistence false' });
  t.after(() => own.stop());
  const devices = Object.fromEntries([...Array(10000).keys()].map((n) => [`d${n}`, { settings: `topic: many/d${n}`, points: { x: '{ json: $.x }' } }]));
  const rig = await begin(t, site(own, devices));
  await listening(rig);
  const count = () => own.said().match(/Received SUBSCRIBE/g)?.length ?? 0;
  assert.ok(count() <= 10, `${count()} packets`);
  let device = await connect(own);
  await device.say('many/d9999', { x: 1 });
  await rig.shows('d9999/x', 1);
  await device.end();
  await own.stop('SIGKILL');
  await rig.link('d0', /^down/);
  await own.start();
  device = await speaker(t, own);
  await until('values come again', async () => {
    await device.say('many/d9999', { x: 2 });
    return (await rig.point('d9999/x')).value === 2;
  }, 60000);
});

test('a window of one message, and small packets', async (t) => {
  const own = await startBroker(files.folder, { options: 'max_inflight_messages 1\nmax_packet_size 2000' });
  t.after(() => own.stop());
  const device = await speaker(t, own);
  const devices = Object.fromEntries([...Array(200).keys()].map((n) => [`d${n}`, { settings: `topic: small/with/a/long/name/of/device/d${n}`, points: { x: '{ json: $.x }' } }]));
  const rig = await begin(t, site(own, devices));
  await listening(rig);
  const speakers = [device, ...(await Promise.all([...Array(9)].map(() => speaker(t, own))))];
  await Promise.all(speakers.map(async (each, k) => {
    for (let n = 0; n < 5; n++) {
      await each.say('small/with/a/long/name/of/device/d7', { x: k * 5 + n }, { qos: 1 + (n % 2) });
    }
  }));
  await until('all are stored', async () => new Set((await rig.samples('d7/x')).map((sample) => sample[1]).filter((value) => value !== null)).size === 50);
});

test('a message that is too big for 3.1.1 is passed over, the next is taken', async (t) => {
  const device = await speaker(t, broker);
  const rig = await begin(t, site(broker, one('big/d1'), { more: 'version: "3.1.1", packet_max: 10kB' }));
  await listening(rig);
  for (const qos of [0, 1, 2]) {
    await device.say('big/d1', { x: 0, text: 'z'.repeat(300000) }, { qos });
    await device.say('big/d1', { x: qos + 1 });
    await rig.shows('d1/x', qos + 1);
  }
  assert.equal((await rig.samples('d1/x')).filter((sample) => sample[1] === 0).length, 0);
});

test('a session that another client takes over is told as such', async (t) => {
  const same = `same-${'x'.repeat(200)}`;
  const rig = await begin(t, site(broker, one('taken/d1'), { more: `client_id: ${same}` }));
  await listening(rig);
  const other = await connect(broker, { clientId: same });
  await rig.link('d1', /another client.*'same-x+'/);
  await other.end();
});

test('ports that are no MQTT brokers, and wrong schemes, are told in words', async (t) => {
  const web = createWebServer((request, answer) => answer.end('hello'));
  const mute = createServer(() => {});
  const closing = createServer((socket) => socket.destroy());
  const ssh = createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  const tls = createTlsServer({ cert: readFileSync(at('broker.crt')), key: readFileSync(at('broker.key')) }, () => {});
  tls.on('tlsClientError', () => {});
  const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  const servers = [web, mute, closing, ssh, tls];
  const [webPort, mutePort, closingPort, sshPort, tlsPort] = await Promise.all(servers.map(listen));
  t.after(() => servers.forEach((server) => server.close() && server.closeAllConnections?.()));
  const nobody = await freePort();
  const cases = [
    [`mqtt://127.0.0.1:${webPort}`, /web server|use ws:/],
    [`ws://127.0.0.1:${webPort}/mqtt`, /WebSocket.*path/],
    [`mqtt://127.0.0.1:${closingPort}`, /without an answer to CONNECT|reset/],
    [`mqtt://127.0.0.1:${sshPort}`, /does not speak MQTT/],
    [`mqtt://127.0.0.1:${tlsPort}`, /mqtts:/],
    [`mqtts://127.0.0.1:${broker.port}`, /no TLS|TLS port/],
    [`mqtts://127.0.0.1:${tlsPort}`, /certificate/],
    [`mqtt://127.0.0.1:${nobody}`, /is the broker running/],
    ['mqtt://no-such-host.invalid', /look at the name|not found/],
    [`mqtt://127.0.0.1:${mutePort}`, /did not answer CONNECT/],
  ];
  await Promise.all(cases.map(async ([url, why]) => {
    const rig = await begin(t, site({ url }, one('x/d1')));
    await rig.link('d1', why, 40000);
    await rig.gateway.stop();
  }));
});

test('a half-open link is found by keep-alive', async (t) => {
  const target = { port: broker.port };
  const { connect: dial } = await import('node:net');
  const pairs = [];
  let mute = false;
  const proxy = createServer((socket) => {
    if (mute) {
      return;
    }
    const on = dial(target.port, '127.0.0.1');
    pairs.push([socket, on]);
    socket.on('data', (data) => mute || on.write(data));
    on.on('data', (data) => mute || socket.write(data));
    socket.on('error', () => {});
    on.on('error', () => {});
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    proxy.close();
    pairs.flat().forEach((socket) => socket.destroy());
  });
  const rig = await begin(t, site({ url: `mqtt://127.0.0.1:${proxy.address().port}` }, one('half/d1'), { more: 'keep_alive: 5s' }));
  await listening(rig);
  mute = true;
  const began = Date.now();
  await rig.link('d1', /down.*(did not answer|dead)/, 20000);
  assert.ok(Date.now() - began < 17000);
  mute = false;
  const device = await speaker(t, broker);
  await until('values come again', async () => {
    await device.say('half/d1', { x: 3 });
    await sleep(200);
    return (await rig.point('d1/x')).value === 3;
  }, 60000);
});
