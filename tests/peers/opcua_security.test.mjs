// SPDX-License-Identifier: Apache-2.0
// OPC UA security against servers that are not ours: every policy, the choice of an endpoint, certificates that are
// refused and how a person trusts them, users. Each refusal is looked at as a person sees it: on the device.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, sleep, until } from '../support/gateway.mjs';
import { makeAuthority, makeCertificate } from './opcua_certificates.mjs';
import { ALL_POLICIES, Mode, opcua, Policy, startServer } from './opcua_peers.mjs';
import { startProxy } from './opcua_proxy.mjs';
import { begin, site } from './opcua_rig.mjs';
import { addVariable, nsu } from './opcua_space.mjs';

const { DataType } = opcua;
const points = { a: `{ node: "${nsu('a')}" }` };
const secure = { small: true, policies: [Policy.Basic256Sha256], modes: [Mode.SignAndEncrypt] };
const build = (_space, ns, plant) => addVariable(ns, plant, 'a', 'Double', { dataType: DataType.Double, value: 5 });

let files;
let folder;
let all; // offers everything, users and certificate users
let person; // a user's certificate

before(async () => {
  files = makeFolder({});
  folder = files.folder;
  person = makeCertificate(folder, 'person');
  all = await startServer({ folder, build, small: true, policies: [Policy.None, ...ALL_POLICIES], modes: [Mode.None, Mode.Sign, Mode.SignAndEncrypt],
    users: { busbar: 'geheim' }, trustUsers: [person] });
});

after(async () => {
  await all.stop();
  files.remove();
});

async function serve(t, options) {
  const server = await startServer({ folder, build, ...secure, ...options });
  t.after(() => server.stop());
  return server;
}

const device = (url, settings = '') => ({ url, settings: `${settings ? `${settings}, ` : ''}timeout: 3s`, points });

/** What the server's side knows of the channel: [policy, mode]. */
const channels = (server) => server.sessions().map((session) => [session.channel?.securityPolicy, session.channel?.securityMode]);

const trust = (rig, fingerprint) => rig.ok('certificate', 'trust', fingerprint, '--yes');

test('security: auto takes the strongest, each other by its name; the password is never sent in the clear', { timeout: 120000 }, async (t) => {
  const names = ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'];
  const devices = { auto: device(all.url) };
  for (const name of names) {
    devices[`sign-${name.toLowerCase().replaceAll('_', '-')}`] = device(all.url, `security: "sign ${name}"`);
    devices[`encrypt-${name.toLowerCase().replaceAll('_', '-')}`] = device(all.url, `security: "encrypt ${name}", user: busbar, password: !secret press`);
  }
  const rig = await begin(t, site(devices), { secrets: { press: 'geheim' } });
  await rig.link('auto', /not trusted/);
  await trust(rig, all.own.fingerprint);
  for (const name of Object.keys(devices)) {
    await rig.good(`${name}/a`, 30000);
  }
  const seen = channels(all).map(([policy, mode]) => `${policy.split('#')[1]} ${mode}`).sort();
  const want = [...names.flatMap((name) => [`${name} 2`, `${name} 3`]), 'Aes256_Sha256_RsaPss 3'].sort();
  assert.deepEqual(seen, want);
  assert.match(JSON.stringify(await rig.gateway.get('/api/v1/devices/auto')), /Aes256_Sha256_RsaPss/);
});

test('an untrusted server: refused with its fingerprint, shown, trusted by one command, connected', { timeout: 60000 }, async (t) => {
  const server = await serve(t, { });
  const rig = await begin(t, site({ d1: device(server.url) }));
  const { error } = await rig.link('d1', /not trusted/);
  const short = server.own.fingerprint.slice(0, 16);
  assert.match(error, new RegExp(`${short}.*busbar certificate trust ${short}`));
  await rig.bad('d1/a');
  assert.deepEqual(server.sessions(), [], 'nothing was told to it');
  const { certificates } = await rig.gateway.get('/api/v1/certificates');
  const refused = certificates.find((one) => one.fingerprint === server.own.fingerprint);
  assert.equal(refused.list, 'refused', JSON.stringify(certificates));
  assert.match(await rig.ok('certificate', 'list'), new RegExp(short));
  assert.equal((await rig.ok('certificate', 'show', short)).replace(/[\s:]/g, '').includes(server.own.fingerprint), true);
  await trust(rig, short);
  await rig.shows('d1/a', 5);
  assert.deepEqual(channels(server), [[Policy.Basic256Sha256, Mode.SignAndEncrypt]]);
  await rig.ok('certificate', 'remove', short, '--yes');
  await rig.link('d1', /not trusted/, 30000);
  const own = join(rig.folder.data, 'certificates', 'own');
  for (const file of readdirSync(own).filter((name) => name.endsWith('.key'))) {
    assert.equal(statSync(join(own, file)).mode & 0o777, 0o600, file);
  }
});

/** Each certificate a person would not accept, whether it is trusted or not, and the words for it. */
const refusals = [
  { name: 'expired', make: { from: -100, until: -2 }, words: /expired|was valid until/i },
  { name: 'not yet valid', make: { from: 2, until: 30 }, words: /not yet|valid from|clock/i },
  { name: 'of another host', make: { hosts: ['10.9.8.7', 'plc.example'] }, words: /127\.0\.0\.1.*(10\.9\.8\.7|server_name)/ },
  { name: 'of another application', make: {}, uri: 'urn:test:somebody-else', words: /urn:test:somebody-else|URI/i },
  { name: 'weak', make: { digest: 'sha1', bits: 2048 }, words: /SHA-?1|weak/i },
  { name: 'short', make: { bits: 1024 }, words: /1024|weak|bits/i },
  { name: 'for other uses', make: { usage: 'keyAgreement' }, words: /use|usage/i },
];

for (const { name, make, uri, words } of refusals) {
  test(`a certificate ${name} is refused though it is trusted, in words`, { timeout: 60000 }, async (t) => {
    const certificate = makeCertificate(folder, `bad-${name.replaceAll(' ', '-')}`, make);
    const server = await serve(t, { certificate, uri });
    const rig = await begin(t, site({ d1: device(server.url), other: device(all.url, 'security: none') }));
    await rig.link('d1', /down: ./);
    await rig.ok('certificate', 'import', certificate.derFile, '--yes');
    await sleep(500);
    const { error } = await rig.link('d1', words, 20000);
    assert.ok(error.length > 30, error);
    t.diagnostic(error);
    assert.deepEqual(server.sessions(), []);
    await rig.shows('other/a', 5);
  });
}

test('server_name: a certificate of another name is fine where a person says so', { timeout: 60000 }, async (t) => {
  const certificate = makeCertificate(folder, 'named', { hosts: ['plc.example'] });
  const server = await serve(t, { certificate });
  const rig = await begin(t, site({ d1: device(server.url, 'server_name: plc.example') }));
  await rig.link('d1', /not trusted/);
  await trust(rig, certificate.fingerprint);
  await rig.shows('d1/a', 5);
});

test('an authority: its servers are trusted with it, and refused when revoked', { timeout: 60000 }, async (t) => {
  const authority = makeAuthority(folder, 'plant');
  const certificate = makeCertificate(folder, 'signed', { issuer: authority });
  const server = await serve(t, { certificate });
  const rig = await begin(t, site({ d1: device(server.url) }));
  await rig.link('d1', /not trusted|plant/);
  await rig.ok('certificate', 'import', authority.derFile, '--yes');
  await rig.shows('d1/a', 5, 20000);
  authority.revoke(certificate);
  const crl = join(folder, 'plant.crl');
  writeFileSync(crl, authority.revocations());
  mkdirSync(join(rig.folder.data, 'certificates', 'revoked'), { recursive: true });
  copyFileSync(crl, join(rig.folder.data, 'certificates', 'revoked', 'plant.crl'));
  await rig.gateway.post('/api/v1/devices/d1/pause', {});
  await rig.gateway.post('/api/v1/devices/d1/resume', {});
  await rig.link('d1', /revoked/i, 20000);
});

test('security: auto never goes down to None: not at first, not later', { timeout: 90000 }, async (t) => {
  const open = await serve(t, { policies: [Policy.None], modes: [Mode.None] });
  let server = await startServer({ folder, build, ...secure, small: false, policies: ALL_POLICIES });
  t.after(() => server.stop());
  const proxy = await startProxy(server.port);
  t.after(() => proxy.stop());
  const rig = await begin(t, site({ never: device(open.url), later: device(proxy.url) }));
  const { error } = await rig.link('never', /none/i);
  t.diagnostic(error);
  assert.equal(open.sessions().length, 0);
  await rig.link('later', /not trusted/);
  await trust(rig, server.own.fingerprint);
  await rig.shows('later/a', 5);
  const { own, port } = server;
  await server.stop();
  server = await startServer({ folder, build, certificate: own, port, policies: [Policy.None], modes: [Mode.None] });
  await rig.link('later', /down: .*none/i, 30000);
  assert.equal(server.sessions().length, 0, 'nothing was told to it');
  await server.stop();
  server = await startServer({ folder, build, certificate: own, port, ...secure, small: false });
  t.diagnostic((await rig.link('later', /down: .*stronger security before/, 30000)).error);
  assert.equal(server.sessions().length, 0, 'a weaker policy than before is a downgrade too');
});

test('users: a wrong password, a certificate, anonymous where it is not allowed, in words', { timeout: 90000 }, async (t) => {
  const closed = await serve(t, { anonymous: false, users: { busbar: 'geheim' }, trustUsers: [person] });
  const stranger = makeCertificate(folder, 'stranger');
  const files = ({ certificate, key }) => `certificate: ${certificate}, key: ${key}`;
  const rig = await begin(t, site({ right: device(closed.url, 'user: busbar, password: !secret right'),
    wrong: device(closed.url, 'user: busbar, password: !secret wrong'), nobody: device(closed.url), person: device(closed.url, files(person)),
    stranger: device(closed.url, files(stranger)) }), { secrets: { right: 'geheim', wrong: 'raten' } });
  await rig.link('right', /not trusted/);
  await trust(rig, closed.own.fingerprint);
  await rig.shows('right/a', 5, 20000);
  await rig.shows('person/a', 5, 20000);
  const wrong = await rig.link('wrong', /refuses the user/i, 20000);
  t.diagnostic(wrong.error);
  assert.match(wrong.error, /password|user/);
  assert.doesNotMatch(JSON.stringify(wrong), /raten/);
  const nobody = await rig.link('nobody', /without a login/, 20000);
  t.diagnostic(nobody.error);
  const refused = await rig.link('stranger', /refuses.*certificate|BadIdentityToken|BadUserAccessDenied/i, 20000);
  t.diagnostic(refused.error);
});

test('a server that does not trust us: said, with our fingerprint; it goes on when it does', { timeout: 60000 }, async (t) => {
  const server = await serve(t, { accept: false });
  const rig = await begin(t, site({ d1: device(server.url) }));
  await rig.link('d1', /not trusted/);
  await trust(rig, server.own.fingerprint);
  const { error } = await rig.link('d1', /busbar's certificate/, 20000);
  t.diagnostic(error);
  const { certificates } = await rig.gateway.get('/api/v1/certificates');
  const own = certificates.find((one) => one.list === 'own');
  assert.ok(error.includes(own.fingerprint.slice(0, 16)), error);
  const der = readdirSync(join(rig.folder.data, 'certificates', 'own')).find((name) => name.endsWith('.der'));
  await server.serverCertificateManager.trustCertificate(readFileSync(join(rig.folder.data, 'certificates', 'own', der)));
  await rig.shows('d1/a', 5, 30000);
});
