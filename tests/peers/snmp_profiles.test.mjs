// SPDX-License-Identifier: Apache-2.0
// The profiles that are shipped: each is checked against the built-in MIBs, simulated, and polled until all points are good.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { freePort, makeFolder, run, startGateway, startSim, until } from '../support/gateway.mjs';

const shipped = readFileSync(new URL('../../profiles/snmp.yaml', import.meta.url), 'utf8');
const names = [...shipped.matchAll(/^  (snmp-[a-z]+):/gm)].map((match) => match[1]);

test('every shipped profile is right and can be polled', { timeout: 60000 }, async (t) => {
  assert.ok(names.length >= 7, names.join());
  const port = await freePort();
  const devices = names.map((name, i) =>
    `  d-${name}: { profile: ${name}, every: 1s, snmp: { host: "127.0.7.${i + 1}:${port}", version: 2c } }`);
  const folder = makeFolder({ 'snmp.yaml': shipped, 'site.yaml': `devices:\n${devices.join('\n')}\n` });
  t.after(() => folder.remove());
  const checked = await run(['check', '--config', folder.site]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stderr, /^0 errors/m);
  const sim = await startSim(folder.site);
  t.after(() => sim.stop('SIGKILL'));
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(() => gateway.stop('SIGKILL'));
  await until('all points are good', async () => {
    const list = await gateway.cli(['point', 'list', '--json']);
    const points = JSON.parse(list.stdout);
    const bad = points.filter((point) => point.quality !== 'good').map((point) => `${point.path} ${point.reason}`);
    if (bad.length > 0) {
      throw new Error(bad.join('; '));
    }
    return points.length > 20;
  }, 20000);
});

test('a find names no profile that is not shipped', () => {
  const source = readFileSync(new URL('../../src/drivers/snmp/snmp_find.c', import.meta.url), 'utf8');
  const told = [...source.matchAll(/"(snmp-[a-z]+)"/g)].map((match) => match[1]);
  assert.ok(told.length > 0);
  for (const name of told) {
    assert.ok(names.includes(name), name);
  }
});
