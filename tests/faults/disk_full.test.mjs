// SPDX-License-Identifier: Apache-2.0
// A full disk stops acknowledgements, not polling; it is said, and it ends by itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fillDisk } from '../support/disk.mjs';
import { freePort, makeFolder, startGateway, startSim, until } from '../support/gateway.mjs';

test('disk full: polling goes on, nothing is acknowledged, it recovers', {
  timeout: 120000, skip: process.getuid() !== 0 && 'a small disk can be mounted by root only',
}, async (t) => {
  const modbus = await freePort();
  const folder = makeFolder({
    'site.yaml': `version: 1
site: { id: full, name: Full }
devices:
  d1:
    modbus: { tcp: "127.0.0.1:${modbus}" }
    points:
${Array.from({ length: 100 }, (_, i) => `      r${i}: { holding: ${i}, type: uint16, every: 50ms }`).join('\n')}
`,
  });
  mkdirSync(folder.data);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=15m', 'tmpfs', folder.data]);
  const sim = await startSim(folder.site);
  let gateway = null;
  t.after(async () => {
    await gateway?.stop('SIGKILL');
    await sim.stop('SIGKILL');
    execFileSync('umount', ['-l', folder.data]);
    folder.remove();
  });
  gateway = await startGateway({ config: folder.site, data: folder.data });
  await until('samples are stored', async () => (await gateway.get('/api/v1/status')).stored > 100);

  fillDisk(join(folder.data, 'filler'));
  // (A segment of the log is larger than this disk, so that none is preallocated.)
  const health = await until('the log says it is full', async () => {
    const now = await gateway.get('/api/v1/health');
    return now.log.state === 'full' && now.problems.length > 0 && now;
  }, 90000);
  assert.equal(health.status, 'degraded');
  assert.match(health.problems[0].what, /disk full/);
  const before = await gateway.get('/api/v1/devices/d1');
  await until('polling goes on', async () => (await gateway.get('/api/v1/devices/d1')).answers > before.answers + 5);
  const ledger = await gateway.get('/api/v1/ledger?match=*');
  assert.ok(ledger.totals.refused.some((row) => /log full/.test(row.reason) && row.count > 0), JSON.stringify(ledger.totals));

  rmSync(join(folder.data, 'filler'));
  await until('the log acknowledges again', async () => (await gateway.get('/api/v1/health')).log.state === 'ok', 15000);
  const stored = (await gateway.get('/api/v1/status')).stored;
  await until('samples are stored again', async () => (await gateway.get('/api/v1/status')).stored > stored + 100);
  await until('the ledger balances', async () => (await gateway.get('/api/v1/ledger?match=*')).balances);
});
