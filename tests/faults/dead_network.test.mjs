// SPDX-License-Identifier: Apache-2.0
// The network dies in silence, with no reset and no end of any connection: half open to both sides. Each time it is noticed
// and said, what nobody holds any more is let go, the others are served all the while, and afterwards nothing is missing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { startMosquitto, startPace, startPublisher, storedNumbers } from '../peers/push_peers.mjs';
import { freePort, sleep, until } from '../support/gateway.mjs';
import { makeNetwork, noNetworks } from '../support/network.mjs';
import { noPostgres, startPostgres } from '../support/postgres.mjs';
import { begin, head } from '../support/rig.mjs';
import { beginSink } from './sinks_rig.mjs';

const MANY = 300;

/** Opens connections to each port and leaves them with the beginning of something. */
const HANGERS = `
const { connect } = require('node:net');
const [host, count, ...ports] = process.argv.slice(1);
let open = 0;
const beginnings = ['good n=', 'POST /good HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 100\\r\\nx-api-key: k\\r\\n\\r\\n{'];
for (let i = 0; i < count; i++) {
  ports.forEach((port, at) => {
    const socket = connect(port, host, () => {
      socket.write(beginnings[at]);
      if (++open === count * ports.length) console.log('open');
    });
    socket.on('error', (error) => console.log(error.message));
  });
}`;

describe('a network that dies in silence', { concurrency: true, skip: noNetworks }, () => {
  test('who hangs on dead connections to the TCP and HTTP servers is let go; others are served', { timeout: 150000 }, async (t) => {
    const network = makeNetwork(t, 0);
    const [tcp, http] = [await freePort(), await freePort()];
    const rig = await begin(t, `${head}drivers:
  tcp: { listeners: { p: { listen: "0.0.0.0:${tcp}", plain: allow, per_source: 1000, ack: "+", idle: never, frame_time: never } } }
  http: { listen: "0.0.0.0:${http}", plain: allow, per_source: 1000 }
connectors: { meters: { rate: 1000 } }
devices:
  good: { tcp: { listener: p, id: good, id_from: 'match ^(good) ' }, points: { n: { key: n, type: int } } }
  posts: { http: { connector: meters }, points: { n: { json: $.n } } }
`);
    const key = (await rig.ok('connector', 'key', 'add', 'meters')).trim();
    const descriptors = () => readdirSync(`/proc/${rig.gateway.child.pid}/fd`).length;
    const before = descriptors();
    const hangers = network.start('node', ['-e', HANGERS, network.here, String(MANY), String(tcp), String(http)]);
    await until('all hang', () => /open/.test(hangers.output), 30000);
    await until('all are accepted', () => descriptors() >= before + 2 * MANY);
    network.cut();
    await hangers.stop('SIGKILL'); // nobody hears of it
    const good = connect(tcp, '127.0.0.1');
    let heard = 0;
    let longest = 0;
    good.on('data', (data) => (heard += data.length));
    await once(good, 'connect');
    const cut = Date.now();
    for (let n = 1; descriptors() > before + 10; n++) {
      assert.ok(Date.now() - cut < 90000, `${descriptors()} descriptors after 90 s, before ${before}`);
      const began = performance.now();
      good.write(`good n=${n}\n`);
      await until('it is acknowledged', () => heard === n, 10000);
      const status = await new Promise((resolve, reject) => request({ host: '127.0.0.1', port: http, path: '/posts', method: 'POST',
        headers: { 'x-api-key': key } }, (answer) => answer.resume().on('end', () => resolve(answer.statusCode))).on('error', reject).end(`{"n":${n}}`));
      assert.equal(status, 204);
      longest = Math.max(longest, performance.now() - began);
      await sleep(100);
    }
    t.diagnostic(`gone after ${Date.now() - cut} ms; the longest a good one waited meanwhile: ${Math.round(longest)} ms`);
    assert.ok(longest < 3000, `${longest} ms`);
    good.destroy();
  });

  test('the way to the MQTT broker', { timeout: 150000 }, async (t) => {
    const network = makeNetwork(t, 1);
    const port = await freePort();
    const broker = await startMosquitto(t, `listener ${port} ${network.here}\nallow_anonymous true`);
    await network.relay(1883, port);
    const rig = await begin(t, `${head}drivers:
  mqtt: { brokers: { plant: { url: "mqtt://${network.there}", qos: 1, keep_alive: 5s, client_id: busbar-test, clean: false } } }
devices:
  d1: { mqtt: { broker: plant, topic: push/d1 }, points: { n: { json: $.n } } }
`);
    await until('it is subscribed', async () => /1 of 1 granted/.test(await rig.ok('drivers', 'mqtt')));
    const publisher = await startPublisher(t, broker.port, 'push/d1', 1);
    const began = Date.now() - 1000;
    const pace = startPace(200, publisher.send);
    t.after(pace.stop);
    await until('messages are stored', async () => (await rig.point('d1/n')).value > 100);
    network.cut();
    const cut = Date.now();
    const { error } = await rig.link('d1', /no answer in time; look at the address, the network/, 30000);
    t.diagnostic(`noticed after ${Date.now() - cut} ms: ${error}`);
    await sleep(3000);
    network.mend();
    await sleep(3000);
    pace.stop();
    await until('all of it is stored', async () => (await storedNumbers(rig, 'd1/n', began)).size === publisher.sent, 60000);
  });

  test('the way to PostgreSQL', { timeout: 240000, skip: noPostgres }, async (t) => {
    const network = makeNetwork(t, 2);
    const server = await startPostgres(t, { settings: { listen_addresses: `'127.0.0.1,${network.here}'` } });
    server.hba('host all all 0.0.0.0/0 scram-sha-256');
    server.reload();
    await network.relay(5432, server.port);
    server.target = `host=${network.there} port=5432 dbname=plant`;
    const rig = await beginSink(t, { server, rate: 1000, sink: 'sslmode: disable' });
    await rig.published(2000);
    network.cut();
    const cut = Date.now();
    const acked = rig.sender.acked;
    const seen = await rig.phase(/waiting|connecting/, 60000);
    t.diagnostic(`noticed after ${Date.now() - cut} ms: ${seen.error?.message}`);
    await sleep(3000);
    assert.ok(rig.sender.acked > acked + 10000, 'collecting goes on');
    network.mend();
    await rig.phase(/live|catching/, 60000);
    await sleep(2000);
    await rig.sender.stop();
    await rig.complete();
  });
});
