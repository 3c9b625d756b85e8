// SPDX-License-Identifier: Apache-2.0
// Devices that are asked: a Node server that counts what it is asked, wants logins, moves, is silent, and can be written.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, run, sleep, startGateway, until } from '../support/gateway.mjs';

let server;
let port;
let folder;
let gateway;
const hits = new Map();
const device = { p: 5.5, limit: 3, on: false, mode: 'fine', bodies: [], sockets: new Set() };

const md5 = (text) => createHash('md5').update(text).digest('hex');

function digestIsRight(header, method) {
  const field = (name) => new RegExp(`${name}="?([^",]+)"?`).exec(header ?? '')?.[1];
  if (!header?.startsWith('Digest ')) {
    return false;
  }
  const ha1 = md5(`admin:plant:${'s3cret'}`);
  const ha2 = md5(`${method}:${field('uri')}`);
  return field('response') === md5([ha1, field('nonce'), field('nc'), field('cnonce'), field('qop'), ha2].join(':'));
}

function answer(request, response) {
  const url = new URL(request.url, 'http://x');
  const json = (value, status = 200) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  hits.set(url.pathname, (hits.get(url.pathname) ?? 0) + 1);
  device.sockets.add(request.socket);
  switch (url.pathname) {
    case '/status':
      if (device.mode === 'silent') {
        return;
      }
      if (device.mode === 'garbage') {
        response.end('<html>busy</html>');
        return;
      }
      json(device.mode === 'broken' ? { error: 1 } : { p: device.p, limit: device.limit, name: 'inverter ä', 'odd key': [1, 2] },
        device.mode === 'refuses' ? 503 : 200);
      return;
    case '/other': json({ t: 21 }); return;
    case '/moved': response.writeHead(302, { location: '/status' }).end(); return;
    case '/basic':
      json({ v: 1 }, request.headers.authorization === `Basic ${Buffer.from('admin:s3cret').toString('base64')}` ? 200 : 401);
      return;
    case '/digest':
      if (digestIsRight(request.headers.authorization, request.method)) {
        json({ v: 2 });
      } else {
        response.writeHead(401, { 'www-authenticate': 'Digest realm="plant", nonce="abc", qop="auth"' }).end();
      }
      return;
    case '/switch':
      device.on = url.searchParams.get('on') === 'true';
      json({});
      return;
    case '/once': request.socket.destroy(); return; // it took it, and nobody hears of that
    case '/once-digest':
      if (digestIsRight(request.headers.authorization, request.method)) {
        hits.set('taken by digest', (hits.get('taken by digest') ?? 0) + 1);
        if (device.mode === 'mute') {
          request.socket.destroy();
        } else {
          json({});
        }
      } else {
        response.writeHead(401, { 'www-authenticate': 'Digest realm="plant", nonce="abc", qop="auth"' }).end();
      }
      return;
    case '/state': json({ on: device.on }); return;
    case '/api/limit': {
      let body = '';
      request.on('data', (data) => (body += data));
      request.on('end', () => {
        device.bodies.push({ method: request.method, type: request.headers['content-type'], body });
        device.limit = JSON.parse(body).limit;
        json({}, device.limit === 9 ? 422 : 200);
      });
      return;
    }
    default: json({}, 404);
  }
}

before(async () => {
  port = await freePort();
  server = createServer(answer);
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const host = `http://127.0.0.1:${port}`;
  folder = makeFolder({
    'site.yaml': `version: 1
devices:
  inverter:
    http: { url: "${host}/status" }
    every: 1s
    timeout: 1s
    points:
      p: { json: $.p, units: kW }
      name: { json: $.name }
      t: { json: $.t, url: /other }
      limit: { json: $.limit, send: '{"limit": {value}}', send_url: /api/limit, send_method: PUT, write: { min: 0, max: 10 } }
  moved: { http: { url: "${host}/moved" }, every: 1s, points: { p: { json: $.p } } }
  missing: { http: { url: "${host}/nowhere" }, every: 1s, points: { p: { json: $.p } } }
  basic: { http: { url: "${host}/basic", user: admin, password: !secret pw }, every: 1s, points: { v: { json: $.v } } }
  digest: { http: { url: "${host}/digest", user: admin, password: !secret pw, login: digest }, every: 1s, points: { v: { json: $.v } } }
  plug:
    http: { url: "${host}/state" }
    every: 1s
    points: { on: { json: $.on, type: bool, send_url: "/switch?on={value}", send_method: GET, write: true } }
  valve:
    http: { url: "${host}/state" }
    every: 1s
    points: { open: { json: $.on, send: '{"open": {value}}', send_url: /once, write: true } }
  gate:
    http: { url: "${host}/digest", user: admin, password: !secret pw, login: digest }
    every: 1s
    points: { open: { json: $.v, send: '{"open": {value}}', send_url: /once-digest, write: true } }
  gone: { http: { url: "http://127.0.0.1:1/" }, every: 1s, points: { v: { json: $.v } } }
`,
  });
  const secret = await run(['secret', 'set', 'pw', '--data', folder.data], { input: 's3cret\n' });
  assert.equal(secret.code, 0, secret.stderr);
  gateway = await startGateway({ config: folder.site, data: folder.data });
});

after(async () => {
  await gateway?.stop();
  for (const socket of device.sockets) {
    socket.destroy();
  }
  server?.close();
  folder?.remove();
});

const point = (path) => gateway.point(path);

test('one request gives all points of a page, on a connection that is kept', async () => {
  await until('values', async () => (await point('inverter/p')).value === 5.5 && (await point('inverter/t')).value === 21);
  assert.equal((await point('inverter/name')).value, 'inverter ä');
  const before_ = { status: hits.get('/status'), other: hits.get('/other') };
  await sleep(3000);
  const status = hits.get('/status') - before_.status;
  assert.ok(Math.abs(status - 2 * (hits.get('/other') - before_.other)) <= 3, `${status}`); // /moved ends there too
  assert.ok(device.sockets.size <= 16, `${device.sockets.size} connections`);
});

test('redirects and logins', async () => {
  await until('moved', async () => (await point('moved/p')).value === 5.5);
  await until('basic', async () => (await point('basic/v')).value === 1);
  await until('digest', async () => (await point('digest/v')).value === 2);
});

test('what is not there is said', async () => {
  await until('404', async () => (await point('missing/p')).quality !== undefined && JSON.stringify(await point('missing/p')).includes('refused'));
  const explained = await gateway.cli(['point', 'get', 'missing/p']);
  assert.match(explained.stdout + explained.stderr, /404|no such page/);
  const tested = await gateway.cli(['device', 'test', 'gone']);
  assert.notEqual(tested.code, 0);
  assert.match(tested.stdout, /nothing answers/);
});

test('a write is sent, taken and read back; a refusal is told', async () => {
  const written = await gateway.post('/api/v1/points/inverter/limit/write', { value: 7 });
  assert.equal(written.status, 200, JSON.stringify(written.body));
  assert.deepEqual(device.bodies.at(-1), { method: 'PUT', type: 'application/json', body: '{"limit": 7}' });
  await until('read back', async () => (await point('inverter/limit')).value === 7);
  const refused = await gateway.post('/api/v1/points/inverter/limit/write', { value: 9 });
  assert.equal(refused.status, 502);
  assert.match(JSON.stringify(refused.body), /422|does not take/);
  const beyond = await gateway.post('/api/v1/points/inverter/limit/write', { value: 11 });
  assert.equal(beyond.status, 422);
  assert.equal((await gateway.post('/api/v1/points/plug/on/write', { value: true })).status, 200);
  assert.equal(device.on, true);
});

test('a write without an answer is not sent again', async () => {
  await until('connections to the device wait', () => (hits.get('/state') ?? 0) > 3);
  const written = await gateway.post('/api/v1/points/valve/open/write', { value: true });
  assert.notEqual(written.status, 200);
  assert.equal(hits.get('/once'), 1);
  await until('the gate answers', async () => (await point('gate/open')).value === 2);
  const digest = await gateway.post('/api/v1/points/gate/open/write', { value: 2 });
  assert.equal(digest.status, 200, JSON.stringify(digest.body));
  assert.equal(hits.get('taken by digest'), 1);
  device.mode = 'mute'; // the second request of a login goes by a connection that was there
  const mute = await gateway.post('/api/v1/points/gate/open/write', { value: 2 });
  device.mode = 'fine';
  assert.equal(hits.get('taken by digest'), 2);
  assert.match(JSON.stringify(mute.body), /clos/);
});

test('browsing proposes a point for each value', async () => {
  const browsed = await gateway.cli(['device', 'browse', 'inverter']);
  assert.equal(browsed.code, 0, browsed.stderr);
  for (const path of ['$.p', '$.limit', '$.name', "$['odd key'][1]"]) {
    assert.ok(browsed.stdout.includes(path), `${path}\n${browsed.stdout}`);
  }
});

test('silence, garbage and refusals turn values bad, and only for so long', async () => {
  for (const [mode, quality] of [['silent', /no answer/], ['garbage', /decode/], ['refuses', /refused/], ['broken', /configuration/]]) {
    device.mode = mode;
    await until(`${mode} is seen`, async () => quality.test(JSON.stringify(await point('inverter/p'))), 20000);
    device.mode = 'fine';
    await until('it is back', async () => (await point('inverter/p')).quality === 'good', 40000);
  }
});
