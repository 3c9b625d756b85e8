// SPDX-License-Identifier: Apache-2.0
// What must not start, or must not replace what runs.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort, makeFolder, run, sleep, startGateway, startSim, until } from '../support/gateway.mjs';

const good = (port, extra = '') => `version: 1
site: { id: t, name: Test }
devices:
  d1:
    modbus: { tcp: "127.0.0.1:${port}" }
    points:
      a: { holding: 0, type: uint16, every: 100ms${extra} }
`;

test('a wrong configuration does not start, and names its place', async (t) => {
  const folder = makeFolder({ 'site.yaml': good(1502).replace('holding', 'holdin') });
  t.after(() => folder.remove());
  const ended = await run(['run', '--config', folder.site, '--data', folder.data, '--http', '127.0.0.1:1',
    '--time-series', 'off']);
  assert.equal(ended.code, 3, ended.stderr);
  assert.match(ended.stderr, /site\.yaml:7:12: error: unknown key 'holdin'/);
  assert.match(ended.stderr, /did you mean 'holding'/);
});

test('a port in use is named with the process that holds it', async (t) => {
  const folder = makeFolder({ 'site.yaml': good(1502) });
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address();
  t.after(() => {
    holder.close();
    folder.remove();
  });
  const ended = await run(['run', '--config', folder.site, '--data', folder.data, '--http', `127.0.0.1:${port}`,
    '--time-series', 'off', '--socket', `${folder.folder}/s`]);
  assert.equal(ended.code, 1, ended.stderr);
  assert.match(ended.stderr, new RegExp(`127\\.0\\.0\\.1:${port} is held by .*process ${process.pid}`));
});

test('a second gateway on the same data folder is refused', async (t) => {
  const folder = makeFolder({ 'site.yaml': good(await freePort()) });
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop();
    folder.remove();
  });
  const ended = await run(['run', '--config', folder.site, '--data', folder.data, '--http', `127.0.0.1:${await freePort()}`,
    '--time-series', 'off']);
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, new RegExp(`${gateway.child.pid}`));
});

test('apply: wrong files change nothing, unchanged devices keep polling, rollback brings files back', async (t) => {
  const port = await freePort();
  const folder = makeFolder({ 'a.yaml': good(port) });
  const sim = await startSim(folder.site);
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(async () => {
    await gateway.stop();
    await sim.stop('SIGKILL');
    folder.remove();
  });
  await until('d1 answers', async () => (await gateway.point('d1/a')).quality === 'good');
  const first = (await gateway.get('/api/v1/config')).version;

  folder.write('b.yaml', 'devices:\n  d2: { modbus: { tcp: "127.0.0.1:1" }, points: { x: { holdig: 1 } } }\n');
  let reply = await gateway.cli(['config', 'apply']);
  assert.equal(reply.code, 3, reply.stdout + reply.stderr);
  assert.match(reply.stderr, /b\.yaml:2:\d+: error: unknown key 'holdig'/);
  assert.equal((await gateway.get('/api/v1/config')).version, first);

  folder.write('b.yaml', `devices:\n  d2: { modbus: { tcp: "127.0.0.1:${port}" }, points: { x: { holding: 0 } } }\n`);
  reply = await gateway.cli(['config', 'diff']);
  assert.equal(reply.code, 1, reply.stdout + reply.stderr);
  assert.match(reply.stdout, /\+ d2 \(modbus, 1 point\)/);
  const before = await gateway.get('/api/v1/devices/d1');
  reply = await gateway.cli(['config', 'apply']);
  assert.equal(reply.code, 0, reply.stdout + reply.stderr);
  assert.match(reply.stdout, /polling stops for a moment for: none/);
  await until('d2 is polled', async () => (await gateway.point('d2/x')).quality === 'good');
  const after = await gateway.get('/api/v1/devices/d1');
  assert.ok(after.polls >= before.polls, 'the unchanged device kept its counters');
  assert.equal(after.since, before.since, 'its link did not go down');
  assert.equal((await gateway.cli(['config', 'diff'])).code, 0);

  folder.write('a.yaml', good(port, ', units: degC'));
  reply = await gateway.cli(['config', 'apply']);
  assert.match(reply.stdout, /d1\/a\.units/);
  assert.match(reply.stdout, /for a moment for: d1/);
  await until('units changed', async () => (await gateway.point('d1/a')).units === 'degC');
  await until('the ledger balances', async () => (await gateway.get('/api/v1/ledger?match=*')).balances);

  reply = await gateway.cli(['config', 'rollback', String(first), '--yes']);
  assert.equal(reply.code, 0, reply.stdout + reply.stderr);
  await until('d2 is gone', async () => (await gateway.get('/api/v1/devices')).total === 1);
  assert.equal((await gateway.point('d1/a')).units, '');
  assert.equal((await gateway.cli(['config', 'diff'])).code, 0, 'the files are those of the version');
  await until('the ledger balances', async () => (await gateway.get('/api/v1/ledger?match=*')).balances);
});

test('check names all that would stop run, and run agrees', async (t) => {
  const port = await freePort();
  const folder = makeFolder({ 'site.yaml': `server: { time_series: off }\n${good(port)}` });
  const serving = (address, more = '') => `server: { http: "${address}", time_series: off${more} }\n${good(port)}`;
  const check = (data = folder.data) => run(['check', '--config', folder.site, '--data', data]);
  const stops = (data = folder.data) =>
    run(['run', '--config', folder.site, '--data', data, '--time-series', 'off', '--socket', `${folder.folder}/s`],
      { timeout: 5000 });
  t.after(() => folder.remove());

  const fine = await check();
  assert.equal(fine.code, 0, fine.stderr);
  assert.equal(fine.stdout, '1 device, 1 point: ok\n');

  const cases = [
    ['a folder that cannot be written', good(port), '/proc/nothing', /cannot be written[\s\S]*hint: name another with --data/],
    ['an address of another machine', serving(`192.0.2.1:${port}`, ', insecure: allow'), undefined, /192\.0\.2\.1:\d+/],
    ['an open address without a word', serving(`0.0.0.0:${port}`), undefined, /site\.yaml:1:18: error: .*without TLS and login/],
    ['two mistakes at once', `servr: {}\n${good(port).replace('tcp', 'tpc')}`, undefined, /'servr'[\s\S]*'tpc'/],
  ];
  for (const [what, text, data, words] of cases) {
    folder.write('site.yaml', text);
    const checked = await check(data);
    assert.equal(checked.code, 3, `${what}: ${checked.stdout}${checked.stderr}`);
    assert.match(checked.stderr, words, what);
    const ran = await stops(data);
    assert.notEqual(ran.code, 0, `${what}: ${ran.stderr}`);
    assert.equal(ran.signal, null, `${what}: run did start`);
  }

  const holder = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  folder.write('site.yaml', serving(`127.0.0.1:${port}`));
  const held = await check();
  holder.close();
  assert.equal(held.code, 3);
  assert.match(held.stderr, new RegExp(`site\\.yaml:1:18: error: port ${port} is held by .* \\(process ${process.pid}\\)`));

  const gateway = await startGateway({ config: folder.site, data: folder.data });
  const busy = await check();
  await gateway.stop();
  assert.equal(busy.code, 3);
  assert.match(busy.stderr, new RegExp(`in use by another busbar \\(process ${gateway.child.pid}\\)`));
});

test('a BACnet port that is taken: it starts, says once who has it, and opens it when it is free', async (t) => {
  const udp = 20000 + (process.pid % 10000);
  const folder = makeFolder({ 'site.yaml': `version: 1
site: { id: t, name: Test }
drivers: { bacnet: { networks: { roof: { interface: lo, address: 127.4.0.1/8, port: ${udp} } } } }
devices:
  ahu: { every: 200ms, bacnet: { device: 2001, address: "127.4.0.2:${udp}", network: roof, timeout: 300ms }, points: { a: { object: "AI:1" } } }
` });
  const holder = createSocket('udp4');
  await new Promise((resolve) => holder.bind(udp, '127.4.0.1', resolve));
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  let open = true;
  t.after(async () => {
    open && holder.close();
    await gateway.stop();
    folder.remove();
  });
  const named = new RegExp(`UDP port ${udp} of 127\\.4\\.0\\.1 is already in use by .* \\(process ${process.pid}\\)`);
  await until('it is said', () => named.test(gateway.output));
  await until('the device says it too', async () => named.test((await gateway.get('/api/v1/devices/ahu')).error));
  await sleep(6000);
  assert.equal(gateway.output.match(/the network is not open/g).length, 1, gateway.output);
  const doctor = await gateway.cli(['doctor']);
  assert.equal(doctor.code, 3, doctor.stdout);
  assert.match(doctor.stdout, named);
  assert.match((await gateway.cli(['status'])).stdout, named);
  holder.close();
  open = false;
  await until('it is open', () => /the network is open now/.test(gateway.output), 10000);
  assert.doesNotMatch((await gateway.cli(['status'])).stdout, named);
});
