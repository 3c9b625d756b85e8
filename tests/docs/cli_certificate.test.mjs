// SPDX-License-Identifier: Apache-2.0
// busbar certificate and busbar doctor, against a gateway with an OPC UA device that nobody answers for: our own certificate is
// there from the start; another gateway takes it as that of a peer.
// Runs alone: it needs port 4840.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort, makeFolder, program, run, startGateway, startSim, until } from '../support/gateway.mjs';

const port = await freePort();
const folder = makeFolder({ 'site.yaml': `version: 1
devices:
  press:
    opcua: { url: "opc.tcp://127.0.0.1:${port}" }
    every: 200ms
    points: { a: { node: "ns=1;s=a" } }
` });
const gateway = await startGateway({ config: folder.site, data: folder.data });
after(async () => {
  await gateway.stop();
  folder.remove();
});
const cli = (words, options) => gateway.cli(words.split(' '), options);
const list = async (of) => JSON.parse((await cli(`certificate list --list ${of} --json`)).stdout);

await until('our own certificate is made', async () => (await list('own')).length === 1);
const [own] = await list('own');

test('our own certificate is there from the start, shown, and a file', async () => {
  assert.equal(own.protocol, 'opcua');
  assert.match(own.uri, /^urn:.*:busbar$/);
  assert.ok(own.days_left > 1800);
  const shown = await cli(`certificate show ${own.fingerprint.slice(0, 8)}`);
  assert.equal((await cli('certificate show own')).stdout, shown.stdout);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /^list +own\nfingerprint +([0-9a-f]{2}:){15}[0-9a-f]{2}\n +([0-9a-f]{2}:){15}[0-9a-f]{2}\n/);
  assert.match((await cli(`certificate show ${own.fingerprint} --pem`)).stdout, /^-----BEGIN CERTIFICATE-----\n/);
});

test('it is no use to trust or remove our own', async () => {
  const trusted = await cli(`certificate trust ${own.fingerprint} --yes`);
  assert.equal(trusted.code, 4, trusted.stderr);
  assert.match(trusted.stderr, /is our own: it needs no trust here/);
  const removed = await cli(`certificate remove ${own.fingerprint} --yes`);
  assert.match(removed.stderr, /it is renewed, not removed[\s\S]*hint: +busbar certificate renew/);
});

test('one is imported, listed, shown, taken back, forgotten; the journal knows', async (t) => {
  const other = makeFolder({ 'site.yaml': 'version: 1\n' });
  t.after(() => other.remove());
  const second = await startGateway({ config: other.site, data: other.data });
  t.after(() => second.stop());
  const file = join(other.data, 'busbar.pem');
  writeFileSync(file, (await cli(`certificate show ${own.fingerprint} --pem`)).stdout);
  const at = (words) => second.cli(words.split(' '));
  assert.match((await at('certificate list')).stderr, /there is no certificate yet/);
  const imported = await at(`certificate import ${file}`);
  assert.equal(imported.stdout, `trusted ${own.fingerprint.slice(0, 16)}  ${own.subject}\n`);
  assert.match((await at('certificate list')).stdout, new RegExp(`^trusted\t${own.fingerprint}\t`));
  const asked = await at(`certificate remove ${own.fingerprint.slice(0, 12)}`);
  assert.equal(asked.code, 1);
  assert.match(asked.stderr, /nothing was changed/);
  assert.match((await at(`certificate remove ${own.fingerprint.slice(0, 12)} --yes`)).stdout, /^removed /);
  assert.match((await at('certificate list')).stdout, /^refused\t/);
  assert.equal((await at(`certificate remove ${own.fingerprint} -n`)).stdout, `would remove ${own.fingerprint}\n`);
  await at(`certificate remove ${own.fingerprint} --yes`);
  assert.equal((await at(`certificate show ${own.fingerprint}`)).code, 5);
  const journal = await second.get('/api/v1/journal');
  assert.deepEqual(journal.entries.slice(0, 3).map(({ what }) => what),
    ['remove certificate', 'remove certificate', 'import certificate']);
});

test('wrong use says what is right', async () => {
  const short = await cli('certificate show 3f2a');
  assert.equal(short.code, 2, short.stderr);
  assert.match(short.stderr, /'3f2a' is no fingerprint\nhint: +8 or more/);
  assert.equal((await cli('certificate show 0123456789')).code, 5);
  assert.match((await cli('certificate list --list nope')).stderr, /refused, own, trusted/);
  const nothing = await cli(`certificate import ${folder.site}/site.yaml`);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /there is no certificate in it/);
  assert.equal((await cli('certificate renew modbus --yes')).code, 5);
});

test('fingerprints are completed', async () => {
  const words = `complete-words certificate show ${own.fingerprint.slice(0, 3)}`;
  await until('it is offered', async () => (await cli(words)).stdout.trim() === own.fingerprint); // it asks 150 ms only
});

test('a device is trusted with one command and comes up at once', async (t) => {
  const sim = await startSim(folder.site);
  t.after(() => sim.stop('SIGKILL'));
  await until('it is refused', async () => (await list('refused')).length === 1, 90_000);
  const [refused] = await list('refused');
  assert.equal(refused.device, 'press');
  assert.equal(refused.fault, 'untrusted');
  const health = await gateway.get('/api/v1/health');
  assert.equal(health.problems[0].what, 'a device waits to be trusted');
  const device = await gateway.get('/api/v1/devices/press');
  assert.match(device.error, new RegExp(`busbar certificate trust ${refused.fingerprint.slice(0, 16)}`));
  const sick = await cli('doctor');
  assert.equal(sick.code, 3);
  assert.match(sick.stdout, /^bad {3}device press: certificate [0-9a-f]{16} is not trusted/m);
  assert.equal((await cli('certificate show press --json=fingerprint')).stdout, `{"fingerprint":"${refused.fingerprint}"}\n`);
  const nobody = await cli('certificate trust nobody --yes');
  assert.equal(nobody.code, 5);
  assert.match(nobody.stderr, /no certificate of 'nobody' was refused/);
  const trusted = await cli('certificate trust press --yes');
  assert.equal(trusted.code, 0, trusted.stderr);
  await until('it is up', async () => (await gateway.get('/api/v1/devices/press')).link === 'up', 10_000);
  const well = await cli('doctor');
  assert.equal(well.code, 0, well.stdout);
  assert.match(well.stdout, /^ok {4}certificates: 1 trusted, 0 waiting/m);
  assert.match(well.stdout, /^ok {4}OPC UA discovery, udp 4840: /m);
});

test('renewed: another fingerprint, the old one beside', async () => {
  const renewed = await cli('certificate renew --yes');
  assert.equal(renewed.code, 0, renewed.stderr);
  const [now] = await list('own');
  assert.notEqual(now.fingerprint, own.fingerprint);
  assert.equal(now.uri, own.uri);
  assert.ok(readFileSync(join(folder.data, 'certificates/own/opcua.der.old')).length > 500);
});

test('doctor without a gateway: files, secrets, certificates', async (t) => {
  const sick = makeFolder({ 'site.yaml': `version: 1
server: { http: "127.0.0.1:${await freePort()}", time_series: off }
devices:
  press:
    opcua: { url: "opc.tcp://127.0.0.1:${port}", user: bob, password: !secret press-password }
    points: { a: { node: "ns=1;s=a" } }
` });
  t.after(() => sick.remove());
  const words = ['doctor', '--config', sick.site, '--data', sick.data];
  mkdirSync(join(sick.data, 'certificates/trusted'), { recursive: true });
  writeFileSync(join(sick.data, 'certificates/trusted/notes.txt'), 'call Bob');
  const found = await run(words);
  assert.equal(found.code, 3, found.stderr);
  assert.match(found.stdout, /^bad {3}site\.yaml:5:\d+: secret 'press-password' is not set\n +hint: busbar secret set/m);
  assert.match(found.stdout, /^warn {2}certificate: notes\.txt \(trusted\) this file holds no certificate/m);
  assert.match(found.stdout, /^(ok|warn|bad) +disk: .* free$/m);
  assert.match(found.stdout, /^(ok|warn) +clock: /m);
  spawnSync(program, ['secret', 'set', 'press-password', '--data', sick.data], { input: 'x' });
  const fine = await run([...words, '--json']);
  assert.equal(fine.code, 0, fine.stdout);
  const rows = JSON.parse(fine.stdout);
  assert.ok(rows.every(({ level }) => level !== 'bad'));
  assert.ok(rows.some(({ what, level }) => what === 'configuration' && level === 'ok'));
});

test('a program that is no discovery server at its port is told', async (t) => {
  const stranger = createServer((socket) => socket.end('hello\n'));
  const taken = await new Promise((done) => {
    stranger.once('error', () => done(false));
    stranger.listen(4840, '127.0.0.1', () => done(true));
  });
  if (!taken) {
    t.skip('something is at port 4840');
    return;
  }
  t.after(() => stranger.close());
  const found = await cli('doctor');
  assert.match(found.stdout, /^warn {2}OPC UA discovery, tcp 4840: .* does not speak OPC UA$/m);
});
