// SPDX-License-Identifier: Apache-2.0
// Devices that post: curl and Node's fetch against a real gateway. Keys, certificates, packed bodies, repeated messages,
// batches for many devices, and what each mistake is answered.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { freePort, makeFolder, run, sleep, startGateway, until } from '../support/gateway.mjs';

let port;
let folder;
let gateway;
let key;

const site = (listen) => `version: 1
drivers:
  http: { listen: "127.0.0.1:${listen}" }
connectors:
  meters: { allow: 127.0.0.0/8 }
  simple: { query_key: true, rate: 3 }
  far: { allow: 10.9.9.9, open: true }
  fixed: { key: !secret fixed }
devices:
  pv-1:
    http: { connector: meters }
    points:
      yield: { json: $.ac.power, units: W }
      state: { json: $.state }
    events:
      fault: { json: $.fault, text: "fault", severity: high }
  pv-9: { http: { connector: meters }, points: { yield: { json: $.ac.power } } }
  plain-1: { http: { connector: simple }, points: { v: { text: all, type: number } } }
  fixed-1: { http: { connector: fixed }, points: { v: { json: $.v } } }
  room-12: { http: { connector: meters, each: "json $.readings[*]", id_from: "json $.id", time: "json $.ts", id: "12" }, points: { co2: { json: $.co2 } } }
  room-13: { http: { connector: meters, each: "json $.readings[*]", id_from: "json $.id", time: "json $.ts", id: "13" }, points: { co2: { json: $.co2 } } }
`;

const at = (path) => `http://127.0.0.1:${port}/${path}`;

async function post(path, body, headers = {}, method = 'POST') {
  const answer = await fetch(at(path), {
    method,
    body,
    headers: { 'x-api-key': key, ...headers },
    signal: AbortSignal.timeout(10000),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, error: text === '' ? null : JSON.parse(text).error };
}

const value = async (path) => (await gateway.point(path)).value;

before(async () => {
  port = await freePort();
  folder = makeFolder({ 'site.yaml': site(port) });
  const secret = await run(['secret', 'set', 'fixed', '--data', folder.data], { input: 'a fixed key\n' });
  assert.equal(secret.code, 0, secret.stderr);
  gateway = await startGateway({ config: folder.site, data: folder.data });
  const made = await gateway.cli(['connector', 'key', 'add', 'meters', '--label', 'test']);
  assert.equal(made.code, 0, made.stderr);
  key = made.stdout.trim();
  assert.match(key, /^bbk_[\w-]{43}$/);
});

after(async () => {
  await gateway?.stop();
  folder?.remove();
});

test('a posted value is stored when 204 is answered', async () => {
  const answer = await post('pv-1', '{"ac": {"power": 812.5}, "state": "on"}');
  assert.equal(answer.status, 204, JSON.stringify(answer.error));
  assert.equal(await value('pv-1/yield'), 812.5);
  assert.equal(await value('pv-1/state'), 'on');
  assert.equal((await post('pv-1', '{"ac": {"power": 813}}', {}, 'PUT')).status, 204);
  assert.equal(await value('pv-1/yield'), 813);
  assert.equal(await value('pv-1/state'), 'on', 'what is missing keeps its value');
});

test('curl posts too, by a bearer, and keeps its connection', () => {
  const curl = spawnSync('curl', [
    '-sS', '-w', '%{http_code} %{num_connects}\n', '-H', `Authorization: Bearer ${key}`, '-d', '{"ac":{"power":1}}',
    at('pv-1'), '-o', '/dev/null', '--next', '-sS', '-w', '%{http_code} %{num_connects}\n', '-H', `X-Api-Key: ${key}`,
    '-d', '{"ac":{"power":2}}', at('pv-1'), '-o', '/dev/null',
  ], { encoding: 'utf8' });
  assert.deepEqual(curl.stdout.trim().split('\n'), ['204 1', '204 0'], curl.stderr);
});

test('packed bodies are unpacked', async () => {
  const body = JSON.stringify({ ac: { power: 77 } });
  assert.equal((await post('pv-1', gzipSync(body), { 'content-encoding': 'gzip' })).status, 204);
  assert.equal(await value('pv-1/yield'), 77);
  assert.equal((await post('pv-1', deflateSync(JSON.stringify({ ac: { power: 78 } })), { 'content-encoding': 'deflate' })).status, 204);
  assert.equal(await value('pv-1/yield'), 78);
  assert.equal((await post('pv-1', body, { 'content-encoding': 'br' })).status, 415);
  assert.equal((await post('pv-1', gzipSync(body).subarray(0, 20), { 'content-encoding': 'gzip' })).status, 422);
  const bomb = await post('pv-1', gzipSync(Buffer.alloc(64 << 20)), { 'content-encoding': 'gzip' });
  assert.ok([413, 422].includes(bomb.status), `${bomb.status}`);
});

test('one message feeds many devices, with times of their own', async () => {
  const ts = Date.now() - 60000;
  const readings = [
    { id: '12', ts: new Date(ts).toISOString(), co2: 640 },
    { id: 13, ts: new Date(ts).toISOString(), co2: 711 },
    { id: 'unknown', ts: new Date(ts).toISOString(), co2: 1 },
  ];
  const answer = await post('anything/at/all', JSON.stringify({ readings }));
  assert.equal(answer.status, 204, JSON.stringify(answer.error));
  assert.equal(await value('room-12/co2'), 640);
  assert.equal(await value('room-13/co2'), 711);
  assert.equal(Date.parse((await gateway.point('room-12/co2')).time), ts);
});

test('a repeated message is stored once', async () => {
  const count = async () => {
    const { samples } = await gateway.get('/api/v1/samples/pv-1/yield?from=-5m&to=now');
    return samples.filter(([, power]) => power === 4711).length;
  };
  const body = '{"ac": {"power": 4711}}';
  const headers = { 'idempotency-key': 'c0ffee-1' };
  assert.equal((await post('pv-1', body, headers)).status, 204);
  assert.equal(await count(), 1);
  for (let i = 0; i < 5; i++) {
    assert.equal((await post('pv-1', body, headers)).status, 204);
  }
  assert.equal(await count(), 1);
  assert.equal((await post('pv-1', body, { 'idempotency-key': 'x'.repeat(65) })).status, 400);
  const before = Date.now();
  assert.equal((await post('pv-9', '{"ac": {"power": 12}}', headers)).status, 204); // the same key, of another device:
  const other = await gateway.point('pv-9/yield');
  assert.equal(other.value, 12);
  assert.ok(Date.parse(other.time) >= before - 1, `${other.time} is the time of the first`); // a message of its own
});

test('a message that does not fit is refused whole, with why', async () => {
  await post('pv-1', '{"ac": {"power": 5}, "state": "on"}');
  const wrong = await post('pv-1', '{"ac": {"power": 6}, "state": "off"');
  assert.equal(wrong.status, 422);
  assert.match(wrong.error.message, /line|column|JSON|end/i);
  assert.equal(await value('pv-1/yield'), 5);
  assert.equal(await value('pv-1/state'), 'on');
  const number = await fetch(at('plain-1?apikey=nope'), { method: 'POST', body: '1' });
  assert.equal(number.status, 401);
});

test('mistakes are answered with status, reason and hint', async () => {
  const none = await fetch(at('pv-1'), { method: 'POST', body: '{}' });
  assert.equal(none.status, 401);
  assert.match((await none.json()).error.hint, /connector key add/);
  assert.match(none.headers.get('www-authenticate'), /Bearer/);
  assert.equal((await post('pv-1', '{}', { 'x-api-key': `${key}x` })).status, 401);
  assert.equal((await fetch(at('pv-1'))).status, 405);
  assert.equal((await post('pv-1', Buffer.alloc((1 << 20) + 1, 0x20))).status, 413);
  assert.equal((await post('%zz', '{}')).status, 400);
  const query = await fetch(`${at('pv-1')}?apikey=${key}`, { method: 'POST', body: '{}' });
  assert.equal(query.status, 401);
  assert.match((await query.json()).error.message, /no key in the URL/);
});

/** The status of a request that no proper client would send. */
function raw(text) {
  return new Promise((resolve, reject) => {
    let got = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      got += data;
      if (got.includes('\r\n\r\n')) {
        socket.destroy();
      }
    });
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(got)?.[1] ?? 0)));
    socket.on('error', reject);
    socket.setTimeout(5000, () => socket.destroy());
  });
}

test('where a body ends is said in one way only', async () => {
  const head = `POST /pv-1 HTTP/1.1\r\nHost: a\r\nX-Api-Key: ${key}\r\n`;
  assert.equal(await raw(`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), 400);
  assert.equal(await raw(`${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`), 400);
  assert.equal(await raw(`${head}Transfer-Encoding: gzip\r\n\r\n`), 400);
  assert.equal(await raw(`${head}Content-Length: +2\r\n\r\n{}`), 400);
  assert.equal(await raw(`${head}\r\n`), 411);
  assert.equal(await raw(`${head}X-Long: ${'a'.repeat(9000)}\r\nContent-Length: 0\r\n\r\n`), 431);
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n12\r\n{"ac":{"power":9}}\r\n0\r\n\r\n`;
  assert.equal(await raw(chunked), 204);
  assert.equal(await value('pv-1/yield'), 9);
});

test('who posts too often is told to wait', async () => {
  const made = (await gateway.cli(['connector', 'key', 'add', 'simple'])).stdout.trim();
  const statuses = [];
  let wait;
  for (let i = 0; i < 12; i++) {
    const answer = await fetch(`${at('plain-1')}?apikey=${made}`, { method: 'POST', body: String(i) });
    statuses.push(answer.status);
    wait = answer.status === 429 ? answer.headers.get('retry-after') : wait;
  }
  assert.equal(statuses[0], 204);
  assert.ok(statuses.includes(429), statuses.join(' '));
  assert.equal(wait, '1');
});

test('a fixed key is a secret of the configuration', async () => {
  assert.equal((await post('fixed-1', '{"v": 3}', { 'x-api-key': 'a fixed key' })).status, 204);
  assert.equal(await value('fixed-1/v'), 3);
  assert.equal((await post('fixed-1', '{"v": 4}')).status, 404, 'the key of another connector');
});

test('an unknown id is told, counted and proposed', async () => {
  const answer = await post('pv-99', '{"ac": {"power": 1}}');
  assert.equal(answer.status, 404, 'neither the address nor the message names a device');
  const simple = (await gateway.cli(['connector', 'key', 'add', 'fixed'])).stdout.trim();
  const unknown = await post('new-7', '{"v": 1}', { 'x-api-key': simple });
  assert.equal(unknown.status, 404);
  assert.match(unknown.error.message, /no device 'new-7'/);
  await until('it is proposed', async () => (await gateway.get('/api/v1/finds')).finds.some((find) => find.id === 'new-7'));
});

test('keys are rotated without a gap', async () => {
  const second = (await gateway.cli(['connector', 'key', 'add', 'meters'])).stdout.trim();
  assert.notEqual(second, key);
  for (const each of [key, second]) {
    assert.equal((await post('pv-1', '{"ac":{"power":1}}', { 'x-api-key': each })).status, 204);
  }
  const { keys } = await gateway.get('/api/v1/connectors/keys?connector=meters');
  assert.equal(keys.length, 2);
  assert.ok(keys.every((each) => each.used !== null && !JSON.stringify(each).includes(key)));
  const old = keys.find((each) => each.label === 'test');
  const removed = await gateway.cli(['connector', 'key', 'remove', 'meters', old.id, '--yes']);
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal((await post('pv-1', '{}', { 'x-api-key': key })).status, 401);
  key = second;
  assert.equal((await post('pv-1', '{"ac":{"power":2}}')).status, 204);
  const journal = await gateway.get('/api/v1/journal');
  assert.ok(JSON.stringify(journal).includes('add connector key'));
  assert.ok(!JSON.stringify(journal).includes(second));
  assert.ok(!readFileSync(join(folder.data, 'connector-keys'), 'utf8').includes(second.slice(4)));
});

test('what came is shown: connectors, last messages, ports', async () => {
  const list = await gateway.cli(['connector', 'list']);
  assert.match(list.stdout, /meters/);
  const { connectors } = await gateway.get('/api/v1/connectors');
  assert.ok(connectors.find((each) => each.name === 'meters').messages > 0);
  const frames = await gateway.cli(['device', 'frames', 'pv-1']);
  assert.match(frames.stdout, /power/);
  const ports = await gateway.cli(['ports']);
  assert.match(ports.stdout, new RegExp(String(port)));
  const tested = await gateway.cli(['device', 'test', 'pv-1']);
  assert.equal(tested.code, 0, tested.stdout + tested.stderr);
});

test('a reconfiguration keeps keys, and new devices are there', async () => {
  folder.write('site.yaml', `${site(port)}  pv-2: { http: { connector: meters }, points: { yield: { json: $.ac.power } } }\n`);
  const applied = await gateway.cli(['config', 'apply', '--yes']);
  assert.equal(applied.code, 0, applied.stderr);
  await until('it can post', async () => (await post('pv-2', '{"ac":{"power":33}}')).status === 204);
  assert.equal(await value('pv-2/yield'), 33);
});

test('while the configuration is applied, senders are put off, not turned away', async () => {
  const told = new Map();
  let stop = false;
  const sending = Array.from({ length: 4 }, async (_, i) => {
    for (let n = 0; !stop; n++) {
      const { status } = await post('pv-1', `{"ac":{"power":${n}}}`, { 'idempotency-key': `${i}-${n}` })
        .catch(() => ({ status: 'no answer' }));
      told.set(status, (told.get(status) ?? 0) + 1);
    }
  });
  const apply = async () => {
    const applied = await gateway.cli(['config', 'apply', '--yes']);
    assert.equal(applied.code, 0, applied.stderr);
    await sleep(300);
  };
  for (const [listen, units] of [[port, 'kW'], [await freePort(), 'kW'], [port, 'W'], [await freePort(), 'W'], [port, 'W']]) {
    folder.write('site.yaml', site(listen).replace('units: W', `units: ${units}`));
    await apply();
  }
  const meter = (_, i) => `  m${i}: { modbus: { tcp: "127.0.0.1:1" }, every: 1h, points: { v: { holding: 0 } } }\n`;
  folder.write('a.yaml', `devices:\n${Array.from({ length: 8000 }, meter).join('')}`); // they come before the others
  folder.write('site.yaml', site(port).replace('rate: 3', 'rate: 4'));
  await apply();
  folder.write('a.yaml', 'devices: {}\n');
  folder.write('site.yaml', site(port));
  await apply();
  await until('it goes on', async () => (await post('pv-1', '{"ac":{"power":77}}')).status === 204);
  stop = true;
  await Promise.all(sending);
  const others = [...told.keys()].filter((status) => ![204, 503, 'no answer'].includes(status));
  assert.deepEqual(others, [], JSON.stringify([...told]));
  assert.ok(told.get(204) > 10, JSON.stringify([...told]));
});

test('what comes at the moment a listener closes does no harm', async () => {
  const one = `POST /pv-1 HTTP/1.1\r\nHost: x\r\nX-Api-Key: wrong\r\nContent-Length: 2\r\n\r\n{}`;
  const sockets = new Set();
  let stop = false;
  const flood = () => {
    const socket = connect(port, '127.0.0.1');
    const again = () => {
      sockets.delete(socket);
      if (!stop) {
        setTimeout(flood, 5);
      }
    };
    const write = () => {
      while (!stop && socket.writable && socket.write(one.repeat(100))) { /* until it is full */ }
    };
    sockets.add(socket);
    socket.on('connect', write).on('drain', write).on('error', () => {}).on('close', again).resume();
  };
  for (let i = 0; i < 8; i++) {
    flood();
  }
  const other = await freePort();
  for (const listen of [other, port, other, port]) {
    folder.write('site.yaml', site(listen));
    const applied = await gateway.cli(['config', 'apply', '--yes']);
    assert.equal(applied.code, 0, applied.stderr);
    await sleep(300);
  }
  stop = true;
  sockets.forEach((socket) => socket.destroy());
  await until('it goes on', async () => (await post('pv-1', '{"ac":{"power":78}}').catch(() => ({}))).status === 204);
});

test('TLS with certificates of both sides', async () => {
  const keys = mkdtempSync(join(tmpdir(), 'busbar-http-tls-'));
  const openssl = (...args) => {
    const done = spawnSync('openssl', args, { cwd: keys, encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
  };
  const sign = (name, ca, extension) => {
    writeFileSync(join(keys, `${name}.ext`), extension);
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-days', '2',
      '-out', `${name}.pem`, '-extfile', `${name}.ext`);
  };
  for (const ca of ['ca', 'evil']) {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${ca}.key`, '-out', `${ca}.pem`, '-days', '2',
      '-subj', `/CN=${ca}`, '-addext', 'basicConstraints=critical,CA:TRUE');
  }
  const client = 'extendedKeyUsage=clientAuth\n';
  sign('server', 'ca', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  sign('pv-7', 'ca', client);
  sign('other', 'ca', client);
  sign('pv-8', 'evil', client);
  const tlsPort = await freePort();
  const files = makeFolder({
    'site.yaml': `version: 1
drivers:
  http: { listen: "127.0.0.1:${tlsPort}", certificate: ${keys}/server.pem, key: ${keys}/server.key, client_ca: ca.pem }
connectors: { plant: { certificate_names: "pv-*" } }
devices:
  pv-7: { http: { connector: plant }, points: { v: { json: $.v }, who: { about: certificate } } }
`,
    'ca.pem': readFileSync(join(keys, 'ca.pem'), 'utf8'), // beside the configuration
  });
  const own = await startGateway({ config: files.site, data: files.data });
  try {
    const curl = (...args) => spawnSync('curl', ['-sS', '--cacert', `${keys}/ca.pem`, '-o', '/dev/null', '-w', '%{http_code}',
      '-d', '{"v": 5}', ...args, `https://127.0.0.1:${tlsPort}/pv-7`], { encoding: 'utf8' }).stdout;
    const as = (name) => curl('--cert', `${keys}/${name}.pem`, '--key', `${keys}/${name}.key`);
    await until('it listens', () => as('pv-7') === '204');
    assert.equal((await own.point('pv-7/v')).value, 5);
    assert.equal((await own.point('pv-7/who')).value, 'pv-7');
    assert.equal(as('other'), '401', 'no connector names it');
    assert.notEqual(as('pv-8'), '204', 'made by somebody else');
    assert.equal(curl(), '401', 'no certificate at all');
    assert.equal(curl('--tls-max', '1.1'), '000', 'old TLS');
  } finally {
    await own.stop();
    files.remove();
    rmSync(keys, { recursive: true });
  }
});

test('beyond this machine it is TLS, with a certificate of its own', async () => {
  const tlsPort = await freePort();
  const files = makeFolder({
    'site.yaml': `version: 1
drivers: { http: { listen: "0.0.0.0:${tlsPort}" } }
connectors: { any: {} }
devices:
  a: { http: { connector: any }, points: { v: { json: $.v } } }
`,
  });
  const own = await startGateway({ config: files.site, data: files.data });
  try {
    const made = (await own.cli(['connector', 'key', 'add', 'any'])).stdout.trim();
    const curl = () => spawnSync('curl', ['-sSk', '-o', '/dev/null', '-w', '%{http_code}', '-H', `X-Api-Key: ${made}`, '-d',
      '{"v": 5}', `https://127.0.0.1:${tlsPort}/a`], { encoding: 'utf8' }).stdout;
    await until('it listens', () => curl() === '204');
    const plain = spawnSync('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '-d', '{}', `http://127.0.0.1:${tlsPort}/a`], { encoding: 'utf8' });
    assert.equal(plain.stdout, '000');
    const shown = await own.cli(['certificate', 'show', 'own', '--pem']);
    writeFileSync(join(files.folder, 'own.pem'), shown.stdout);
    const trusted = spawnSync('curl', ['-sS', '--cacert', join(files.folder, 'own.pem'), '-o', '/dev/null', '-w', '%{http_code}',
      '-H', `X-Api-Key: ${made}`, '-d', '{"v": 6}', `https://127.0.0.1:${tlsPort}/a`], { encoding: 'utf8' });
    assert.equal(trusted.stdout, '204', trusted.stderr);
  } finally {
    await own.stop();
    files.remove();
  }
});
