// SPDX-License-Identifier: Apache-2.0
// Servers announced by avahi, which we did not write, are heard without asking, and asked for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { makeFolder, program } from '../support/gateway.mjs';

const plant = `version: 1
devices:
  press-1:
    opcua: { url: "opc.tcp://10.9.0.1:48250/machine", security: none }
    points:
      oil-t: { node: "nsu=urn:acme:press;s=Oil.Temp", type: double }
`;
const can = ['avahi-daemon', 'avahi-publish', 'dbus-daemon', 'ip'].every(
  (tool) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${tool}`]).status === 0)
  && spawnSync('unshare', ['--net', '--mount', 'true']).status === 0;

test('servers announced by avahi are heard, and asked for', { timeout: 90000, skip: can ? false : 'needs avahi, and the right to make network namespaces' }, () => {
  const folder = makeFolder({ 'site.yaml': 'version: 1\ndrivers: { opcua: { mdns: true } }\n' });
  try {
    mkdirSync(join(folder.folder, 'plant'));
    writeFileSync(join(folder.folder, 'plant', 'plant.yaml'), plant);
    const script = new URL('opcua_mdns.sh', import.meta.url).pathname;
    const { stdout, stderr, status } = spawnSync('unshare', ['--net', '--mount', script, resolve(program), folder.folder],
      { encoding: 'utf8', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    assert.equal(status, 0, stderr);
    const [heard, asked] = stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
    for (const finds of [heard, asked]) {
      assert.equal(finds.length, 1, stdout);
      assert.equal(finds[0].address, 'opc.tcp://10.9.0.1:48250/machine');
      const facts = Object.fromEntries(finds[0].facts.map(({ name, text }) => [name, text]));
      assert.equal(facts.capabilities, 'DA,HD');
      assert.equal(facts['told by'], 'heard by multicast DNS');
      assert.match(facts['endpoint 1'], /users: anonymous/);
    }
    const trust = (finds) => finds[0].facts.some(({ name }) => name === 'trust');
    assert.equal(trust(heard), false); // nobody asked: its certificate is not kept for people
    assert.equal(trust(asked), true);
  } finally {
    folder.remove();
  }
});
