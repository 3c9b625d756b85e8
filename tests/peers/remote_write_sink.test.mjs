// SPDX-License-Identifier: Apache-2.0
// Remote write into others: VictoriaMetrics, Prometheus, and another busbar. Every sample that we have is asked for there and
// compared, also after outages and kill -9 of either. What targets answer in bad days is told by a server of our own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createProxy } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, makeFolder, run, sleep, start, startGateway, startSim, until } from '../support/gateway.mjs';
import { peerTool } from '../support/peer_tools.mjs';
import { decodeWrite, unsnap } from '../support/write_receiver.mjs';
import { remoteWrite, STALE } from './promql/remote_write.mjs';

const STEP_MS = 1000;
const STEPS = 600;

/** Series of another program, that came by port 9090: every kind of number, a gap, a name that is odd. */
function ingested(end) {
  const values = {
    level: (i) => i / 7,
    huge: (i) => (i % 2 ? 1e300 : -1e300),
    whole_total: (i) => 2 ** 40 - i,
    endless: (i) => [Infinity, -Infinity, NaN][i % 3],
    gaps: (i) => (i % 10 === 9 ? STALE : i),
  };
  return Object.entries(values).flatMap(([name, value]) => ['a', 'ä "b"'].map((device) => ({
    labels: { __name__: name, device, room: 'x=1, y' },
    samples: Array.from({ length: STEPS }, (_, i) => ({ time: end - (STEPS - i) * STEP_MS, value: value(i) })),
  })));
}

// ---- those that take it ----

const receivers = {
  VictoriaMetrics: (folder, port) => start(peerTool('victoria-metrics'), [
    `-storageDataPath=${folder}/victoria`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=1y', '-dedup.minScrapeInterval=1ms',
    '-search.latencyOffset=0', '-loggerLevel=ERROR', '-search.disableCache',
  ]),
  Prometheus: (folder, port) => {
    mkdirSync(join(folder, 'prometheus'), { recursive: true });
    writeFileSync(join(folder, 'prometheus', 'prometheus.yml'),
      'global: { scrape_interval: 1h }\nstorage: { tsdb: { out_of_order_time_window: 1h } }\n');
    return start(peerTool('prometheus'), [
      `--config.file=${folder}/prometheus/prometheus.yml`, `--storage.tsdb.path=${folder}/prometheus/data`,
      `--web.listen-address=127.0.0.1:${port}`, '--web.enable-remote-write-receiver', '--log.level=error',
    ]);
  },
};

/** A target that can be stopped, killed, and started again with what it had. */
async function startTarget(t, name, folder) {
  const port = await freePort();
  const target = { url: `http://127.0.0.1:${port}`, program: null };
  target.start = async () => {
    target.program = receivers[name](folder, port);
    await until(`${name} is ready`, async () => (await fetch(`${target.url}/api/v1/query?query=1`)).ok, 60000);
  };
  t.after(() => target.program?.stop('SIGKILL'));
  await target.start();
  return target;
}

/**
 * All numbers of all series: "labels" -> "ms value" in the order of time, of each millisecond the last (we keep microseconds).
 * Stale markers are seen as they count: not at all.
 */
async function everySample(base, at, { more = {}, nan = true } = {}) {
  const query = new URLSearchParams({ query: '{__name__!=""}[30m]', time: String(at) });
  const answer = await fetch(`${base}/api/v1/query`, { method: 'POST', body: query, signal: AbortSignal.timeout(60000) });
  const body = await answer.json();
  assert.equal(body.status, 'success', JSON.stringify(body).slice(0, 500));
  const all = new Map();
  for (const { metric, values } of body.data.result) {
    const labels = Object.entries({ ...metric, ...more }).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`).join(',');
    const last = new Map(values.map(([time, value]) => [Math.floor(Math.round(time * 1e6) / 1000), value]));
    all.set(labels, [...last].filter(([, value]) => nan || value !== 'NaN').map(([ms, value]) => `${ms} ${value}`));
  }
  return all;
}

/** The same of a target, when it shows as many: some show what they took a little later. */
async function everySampleThere(base, at, ours, options) {
  const count = (all) => [...all.values()].reduce((sum, samples) => sum + samples.length, 0);
  let theirs;
  for (const deadline = Date.now() + 15000; Date.now() < deadline; await sleep(200)) {
    theirs = await everySample(base, at, options);
    if (count(theirs) >= count(ours)) {
      break;
    }
  }
  return theirs;
}

/** VictoriaMetrics keeps a decimal of some 13 digits in place of the double, and no NaN. */
const exact = { VictoriaMetrics: false, Prometheus: true };

function compare(ours, theirs, name) {
  assert.deepEqual([...theirs.keys()].sort(), [...ours.keys()].sort(), `${name}: the series`);
  let count = 0;
  for (const [labels, samples] of ours) {
    const there = theirs.get(labels);
    const times = [new Set(samples.map(timeOf)), new Set(there.map(timeOf))];
    assert.deepEqual([...times[0]].filter((time) => !times[1].has(time)), [], `${name}: ${labels}: missing there`);
    assert.deepEqual([...times[1]].filter((time) => !times[0].has(time)), [], `${name}: ${labels}: missing here`);
    for (const [which, all] of [['here', samples], ['there', there]]) {
      const again = all.filter((sample, i) => i > 0 && Number(timeOf(sample)) <= Number(timeOf(all[i - 1])));
      assert.deepEqual(again, [], `${name}: ${labels}: not in order, or twice, ${which}`);
    }
    samples.forEach((sample, i) => {
      const [a, b] = [numberOf(sample), numberOf(there[i])];
      const same = Object.is(a, b) || (!exact[name] && Math.abs(a - b) <= Math.abs(a) * 1e-11);
      assert.ok(same, `${name}: ${labels}: ${sample} is ${there[i]}`);
    });
    count += samples.length;
  }
  return count;
}

function timeOf(sample) {
  return sample.split(' ')[0];
}

/** 1e+300 and 10000...0 are the same. */
function numberOf(sample) {
  return Number(sample.split(' ')[1].replace('Inf', 'Infinity'));
}

function site(url, { more = '', devices = '', points = '' } = {}) {
  return `version: 1\nsite: { id: hq, name: HQ }\nsinks:\n  cloud: { remote_write: "${url}", series: all, batch: 500, batch_time: 100ms, timeout: 5s`
    + `${more} }\ndevices:${devices || ' {}'}\n${points}`;
}

const meter = (port, every) => `
  meter-1:
    modbus: { tcp: "127.0.0.1:${port}", unit_id: 1 }
    every: ${every}
    points:
      power: { holding: 0, type: float32, units: kW }
      state: { holding: 4, type: uint16 }
`;

async function sinkOf(gateway, name = 'cloud') {
  return gateway.get(`/api/v1/sinks/${name}`);
}

/** Nothing waits any more: counted by reading the log, not the figure that is looked at now and then. */
async function settled(gateway, name = 'cloud') {
  await until('all is published', async () => {
    const ledger = await gateway.get(`/api/v1/sinks/${name}/ledger`);
    return ledger.balances !== null && ledger.waiting === 0 && ledger.stored > 0;
  }, 60000);
  return sinkOf(gateway, name);
}

async function ledgerBalances(gateway, name = 'cloud') {
  const ledger = await until('the ledger is counted', async () => {
    const row = await gateway.get(`/api/v1/sinks/${name}/ledger`);
    return row.balances !== null && row;
  });
  assert.ok(ledger.balances, JSON.stringify(ledger));
  return ledger;
}

for (const name of Object.keys(receivers)) {
  test(`every sample arrives at ${name}`, { timeout: 180000 }, async (t) => {
    const modbus = await freePort();
    const simulated = makeFolder({ 'site.yaml': `version: 1\ndevices:${meter(modbus, '50ms')}` });
    const simulator = await startSim(simulated.site);
    const target = await startTarget(t, name, simulated.folder);
    const folder = makeFolder({ 'site.yaml': site(`${target.url}/api/v1/write`, { devices: meter(modbus, '50ms'), more: ', labels: "gateway=7, device=no"' }) });
    const gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
    t.after(async () => {
      await gateway.stop();
      await simulator.stop();
      folder.remove();
      simulated.remove();
    });
    const now = Date.now();
    await remoteWrite(`${gateway.timeSeries}/api/v1/write`, ingested(now));
    await until('points are polled', async () => (await gateway.point('meter-1/power')).quality === 'good');
    await sleep(3000);
    await simulator.stop(); // bad quality from here on: stale markers
    await until('the device is silent', async () => (await gateway.point('meter-1/power')).quality !== 'good', 30000);
    await until('a silent device is stale there too', async () => {
      const gone = await fetch(`${target.url}/api/v1/query?query=power&time=${Date.now() / 1000}`);
      return (await gone.json()).data.result.length === 0;
    });
    await settled(gateway);
    await gateway.post('/api/v1/sinks/cloud/pause');
    const at = Date.now() / 1000 + 1;
    const ours = await everySample(gateway.timeSeries, at, { more: { gateway: '7' }, nan: exact[name] });
    const theirs = await everySampleThere(target.url, at, ours, { nan: exact[name] });
    const labels = [...theirs.keys()].find((key) => key.includes('__name__=power'));
    assert.match(labels, /device=meter-1,gateway=7/, 'the labels of a series stay');
    const count = compare(ours, theirs, name);
    assert.ok(count > 8 * STEPS + 50, `${count} samples`);
    const ledger = await ledgerBalances(gateway);
    assert.equal(ledger.aside + ledger.released, 0);
  });

  test(`outages and kill -9 with ${name}: nothing is lost`, { timeout: 240000 }, async (t) => {
    const modbus = await freePort();
    const simulated = makeFolder({ 'site.yaml': `version: 1\ndevices:${meter(modbus, '20ms')}` });
    const simulator = await startSim(simulated.site);
    const target = await startTarget(t, name, simulated.folder);
    const folder = makeFolder({ 'site.yaml': site(`${target.url}/api/v1/write`, { devices: meter(modbus, '20ms') }) });
    let gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
    t.after(async () => {
      await gateway.stop();
      await simulator.stop();
      folder.remove();
      simulated.remove();
    });
    await until('samples flow', async () => (await sinkOf(gateway)).published > 50);
    // VictoriaMetrics keeps what it took for some seconds in memory alone: a kill -9 of it loses what it acknowledged.
    await target.program.stop(name === 'VictoriaMetrics' ? 'SIGTERM' : 'SIGKILL');
    await until('the outage is said', async () => {
      const sink = await sinkOf(gateway);
      return !sink.up && sink.error?.message.includes('nothing answers') && sink.waiting > 50;
    }, 30000);
    await gateway.stop('SIGKILL');
    gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
    await sleep(1000);
    await target.start();
    await until('samples flow again', async () => (await sinkOf(gateway)).phase === 'live', 60000);
    for (let i = 0; i < 3; i++) { // in the middle of a batch, with some luck
      await gateway.stop('SIGKILL');
      gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
      await until('samples flow again', async () => (await sinkOf(gateway)).published > 0, 60000);
      await sleep(300);
    }
    await simulator.stop();
    await until('the device is silent', async () => (await gateway.point('meter-1/power')).quality !== 'good', 30000);
    await settled(gateway);
    const at = Date.now() / 1000 + 1;
    const ours = await everySample(gateway.timeSeries, at, { nan: exact[name] });
    const theirs = await everySampleThere(target.url, at, ours, { nan: exact[name] });
    assert.ok(compare(ours, theirs, name) > 200);
    const ledger = await ledgerBalances(gateway);
    assert.equal(ledger.aside + ledger.released, 0);
  });
}

test('another busbar takes it, bit by bit', { timeout: 120000 }, async (t) => {
  const there = makeFolder({ 'site.yaml': 'version: 1\nsite: { id: there }\n' });
  const target = await startGateway({ config: there.site, data: there.data, timeSeries: true });
  const here = makeFolder({ 'site.yaml': site(`${target.timeSeries}/api/v1/write`) });
  const gateway = await startGateway({ config: here.site, data: here.data, timeSeries: true });
  t.after(async () => {
    await gateway.stop();
    await target.stop();
    here.remove();
    there.remove();
  });
  await remoteWrite(`${gateway.timeSeries}/api/v1/write`, ingested(Date.now()));
  await until('all is there', async () => (await settled(gateway)).published >= 10 * STEPS);
  const lines = async (base) => (await (await fetch(`${base}/api/v1/export?match[]={__name__!=""}`)).text()).trim().split('\n').sort();
  const ours = await lines(gateway.timeSeries);
  assert.equal(ours.length, 10);
  assert.deepEqual(await lines(target.timeSeries), ours);
  const test_ = await gateway.cli(['sink', 'test', 'cloud']);
  assert.equal(test_.code, 0, test_.stdout + test_.stderr);
  assert.match(test_.stdout, /remote write 1\.0/);
});

// ---- a server of our own, for bad days ----

/** tls: options of https; then the server speaks it. */
async function startServer(t, tls) {
  const server = { seen: [], taken: [], answer: () => [204], requests: 0, headers: {} };
  const http = (tls ? createTlsServer : createServer)(tls ?? {}, (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      const body = Buffer.concat(parts);
      const samples = decodeWrite(unsnap(body)).flatMap(({ labels, samples: all }) => all.map(([ms, value]) => `${labels.__name__} ${ms} ${value}`));
      server.requests++;
      server.headers = request.headers;
      server.seen.push({ at: Date.now(), count: samples.length });
      const [status, headers = {}, text = ''] = await server.answer(samples, body) ?? [204];
      if (status === 0) {
        request.socket.destroy();
        return;
      }
      if (status < 300) {
        server.taken.push(...samples);
      }
      response.writeHead(status, headers).end(text);
    });
  });
  const port = await freePort();
  await new Promise((resolve) => http.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    http.close();
    http.closeAllConnections();
  });
  server.url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}/api/v1/write`;
  return server;
}

/** A gateway that sends `steps` samples of one series to the server. */
async function startSender(t, server, { steps = 100, more = '' } = {}) {
  const folder = makeFolder({ 'site.yaml': site(server.url, { more }) });
  const gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
  t.after(async () => {
    await gateway.stop();
    folder.remove();
  });
  const begun = Date.now() - 3600e3;
  let sent = 0;
  gateway.feed = async (count) => {
    const samples = Array.from({ length: count }, () => ({ time: begun + sent * STEP_MS, value: sent++ }));
    await remoteWrite(`${gateway.timeSeries}/api/v1/write`, [{ labels: { __name__: 'level' }, samples }]);
  };
  gateway.wanted = () => Array.from({ length: sent }, (_, i) => `level ${begun + i * STEP_MS} ${i}`);
  await gateway.feed(steps);
  return gateway;
}

test('429 with Retry-After is obeyed, 500 and a lost answer are tried again', { timeout: 120000 }, async (t) => {
  const server = await startServer(t);
  const answers = [[429, { 'retry-after': '2' }, 'slower'], [500, {}, 'disk'], [0], [503]];
  server.answer = (samples) => (samples.length > 0 ? answers.shift() ?? [204] : [204]);
  const gateway = await startSender(t, server);
  const waiting = await until('429 is said', async () => {
    const sink = await sinkOf(gateway);
    return sink.error?.message.includes('429') && sink;
  });
  assert.match(waiting.error.message, /says that it gets too much \(429\): slower/);
  await settled(gateway);
  assert.deepEqual(server.taken, gateway.wanted());
  assert.ok(server.seen.some(({ at }, i) => i > 0 && at - server.seen[i - 1].at >= 1900), 'two seconds without a request');
  assert.equal(server.headers['x-prometheus-remote-write-version'], '0.1.0');
  assert.equal(server.headers['content-encoding'], 'snappy');
  assert.equal(server.headers['content-type'], 'application/x-protobuf');
  assert.match(server.headers['user-agent'], /^busbar\//);
  await ledgerBalances(gateway);
});

test('a sample that is refused is set aside, the others arrive in their order', { timeout: 120000 }, async (t) => {
  const server = await startServer(t);
  server.answer = (samples) => (samples.some((sample) => / (13|57)$/.test(sample)) ? [400, {}, 'out of order sample'] : [204]);
  const gateway = await startSender(t, server);
  await until('two are aside', async () => (await sinkOf(gateway)).aside === 2, 30000);
  await settled(gateway);
  assert.deepEqual(server.taken, gateway.wanted().filter((_, i) => i !== 13 && i !== 57));
  const ledger = await ledgerBalances(gateway);
  assert.equal(ledger.published, 98);
  const aside = await gateway.cli(['sink', 'aside', 'cloud']);
  assert.match(aside.stdout, /refuses what was sent \(400\): out of order sample/);
  server.answer = () => [204];
  const again = await gateway.cli(['sink', 'retry', 'cloud']);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  await until('nothing is aside', async () => (await sinkOf(gateway)).aside === 0, 30000);
  assert.deepEqual([...server.taken].sort(), gateway.wanted().sort());
  await ledgerBalances(gateway);
});

test('after 413 requests are smaller', { timeout: 120000 }, async (t) => {
  const server = await startServer(t);
  server.answer = (_, body) => (body.length > 1500 ? [413, {}, 'too large'] : [204]);
  const gateway = await startSender(t, server, { steps: 3000 });
  await settled(gateway);
  assert.deepEqual(server.taken, gateway.wanted());
  assert.equal((await sinkOf(gateway)).aside, 0);
});

test('a login that is refused, a wrong path, a target that is slow: each is said', { timeout: 120000 }, async (t) => {
  const server = await startServer(t);
  server.answer = () => [401, {}, 'who are you'];
  const gateway = await startSender(t, server, { more: ', headers: "X-Scope-OrgID: plant"' });
  const stuck = await until('it is stuck', async () => {
    const sink = await sinkOf(gateway);
    return sink.phase === 'stuck' && sink;
  });
  assert.match(stuck.error.message, /wants another login \(401\): who are you/);
  assert.equal(server.headers['x-scope-orgid'], 'plant');
  const tested = await gateway.cli(['sink', 'test', 'cloud']);
  assert.notEqual(tested.code, 0);
  assert.match(tested.stdout + tested.stderr, /wants another login/);
  server.answer = async (samples) => {
    await sleep(samples.length > 0 && server.requests < 6 ? 7000 : 0); // over the timeout of 5 s
    return [204];
  };
  const woken = await gateway.cli(['sink', 'try', 'cloud']);
  assert.equal(woken.code, 0, woken.stdout + woken.stderr);
  await until('it gave up waiting', async () => /no answer in time/.test((await sinkOf(gateway)).error?.message ?? ''), 90000);
  await settled(gateway);
  const wanted = new Set(gateway.wanted());
  assert.equal(new Set(server.taken).size, wanted.size);
});

/** An authority, a server's certificate of 127.0.0.1, and a client's. */
function makeCertificates(folder) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '30', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=busbar test authority');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1\n');
  for (const name of ['server', 'client']) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '20',
      '-extfile', 'names', '-out', `${name}.pem`);
  }
  return (name) => readFileSync(join(folder, name));
}

test('TLS: whose certificate is not trusted, our own, and logins', { timeout: 120000 }, async (t) => {
  const folder = makeFolder({ 'site.yaml': '' });
  const read = makeCertificates(folder.site);
  const server = await startServer(t, { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true });
  for (const [name, value] of [['cloud', 'hidden word'], ['token', 'abc.def']]) {
    const set = await run(['secret', 'set', name, '--data', folder.data], { input: value });
    assert.equal(set.code, 0, set.stderr);
  }
  folder.write('site.yaml', site(server.url));
  const gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
  t.after(async () => {
    await gateway.stop();
    folder.remove();
  });
  const says = async (more, matching) => {
    folder.write('site.yaml', site(server.url, { more }));
    const applied = await gateway.cli(['config', 'apply']);
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);
    await until(`it says ${matching}`, async () => matching.test(JSON.stringify((await sinkOf(gateway)).error) ?? ''));
    const tested = await gateway.cli(['sink', 'test', 'cloud']);
    assert.equal(tested.code !== 0, true, tested.stdout);
    assert.match(tested.stdout + tested.stderr, matching);
  };
  const works = async (more, authorization) => {
    folder.write('site.yaml', site(server.url, { more }));
    const applied = await gateway.cli(['config', 'apply']);
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);
    const before = server.taken.length;
    await remoteWrite(`${gateway.timeSeries}/api/v1/write`, [{ labels: { __name__: 'level' }, samples: [{ time: Date.now(), value: 1 }] }]);
    await until('it arrives', async () => {
      const sink = await sinkOf(gateway);
      if (server.taken.length <= before) {
        throw new Error(`${sink.phase}, ${sink.error?.message}`);
      }
      return true;
    }, 30000);
    assert.equal(server.headers.authorization, authorization);
    const tested = await gateway.cli(['sink', 'test', 'cloud']);
    assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  };
  await says('', /certificate is not trusted/);
  await says(', ca: "gone.pem"', /'gone\.pem' of 'ca' cannot be read/);
  // The server's words are lost when it closes the connection before they are read.
  await says(', ca: "ca.pem"', /certificate required|certificate of ours/);
  const ours = ', certificate: "client.pem", key: "client.key"';
  await works(`, ca: "ca.pem"${ours}`, undefined);
  await works(`, ca: "ca.pem"${ours}, user: plant, password: !secret cloud`, `Basic ${Buffer.from('plant:hidden word').toString('base64')}`);
  await works(`, ca: "ca.pem"${ours}, token: !secret token`, 'Bearer abc.def');
  await works(`, unverified: true${ours}`, undefined);
  const told = [await gateway.cli(['sink', 'show', 'cloud']), gateway].map((one) => one.stdout ?? one.output).join('\n');
  assert.doesNotMatch(told, /hidden word|abc\.def/);
});

test('a sink that leads back to its own gateway is refused', async (t) => {
  const folder = makeFolder({ 'site.yaml': 'version: 1\nsinks: { loop: { remote_write: "http://localhost:9090/api/v1/write" } }\n' });
  t.after(() => folder.remove());
  const checked = await run(['check', '--config', folder.site]);
  assert.notEqual(checked.code, 0);
  assert.match(checked.stdout + checked.stderr, /leads back to this gateway: localhost:9090 is its own port/);
});

test('a sink that leads back by a way that cannot be known before is stuck, and says so', async (t) => {
  const way = await freePort(); // of a proxy before the gateway
  const folder = makeFolder({ 'site.yaml': `version: 1
sinks: { loop: { remote_write: "http://127.0.0.1:${way}/api/v1/write", series: all, batch_time: 0s } }
` });
  t.after(() => folder.remove());
  const gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
  t.after(() => gateway.stop());
  const proxy = createProxy((socket) => {
    const onward = connect(new URL(gateway.timeSeries).port, '127.0.0.1');
    socket.on('error', () => onward.destroy()).pipe(onward);
    onward.on('error', () => socket.destroy()).pipe(socket);
  });
  await new Promise((resolve) => proxy.listen(way, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  await fetch(`${gateway.timeSeries}/write`, { method: 'POST', body: 'm x=1' });
  const { error } = await until('it is stuck', async () => {
    await gateway.cli(['sink', 'try', 'loop']);
    const sink = await gateway.get('/api/v1/sinks/loop');
    return sink.phase === 'stuck' && sink;
  });
  assert.match(error.message, /is this gateway itself, or leads back to it \(508\)/);
  assert.match(error.hint, /write the address of another program/);
  const { ingest } = await gateway.get('/api/v1/ledger');
  assert.equal(ingest.received, 1);
});
