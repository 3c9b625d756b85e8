// SPDX-License-Identifier: Apache-2.0
// A full disk: senders are told 503 with Retry-After, what was acknowledged stays, and it goes on by itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fillDisk } from '../support/disk.mjs';
import { freePort, makeFolder, startGateway, until } from '../support/gateway.mjs';

test('disk full: senders are told to come again, and then all is there', {
  timeout: 120000, skip: process.getuid() !== 0 && 'a small disk can be mounted by root only',
}, async (t) => {
  const folder = makeFolder({ 'site.yaml': 'version: 1\nsite: { id: full, name: Full }\n' });
  mkdirSync(folder.data);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=15m', 'tmpfs', folder.data]);
  let gateway = null;
  t.after(async () => {
    await gateway?.stop('SIGKILL');
    execFileSync('umount', ['-l', folder.data]);
    folder.remove();
  });
  const address = `127.0.0.1:${await freePort()}`;
  gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: address });
  const started = Date.now() - 3600000;
  let next = 0;
  const acknowledged = [];
  /** Sends 2,000 samples of full precision; the status. */
  const send = async () => {
    const batch = Array.from({ length: 2000 }, () => next++);
    const body = batch.map((n) => `full,n=${n % 20} value=${Math.sin(n)} ${started + n}`).join('\n');
    const answer = await fetch(`http://${address}/write?precision=ms`, { method: 'POST', body, signal: AbortSignal.timeout(60000) });
    if (answer.status === 204) {
      acknowledged.push(...batch);
    } else {
      const text = await answer.text();
      assert.equal(answer.status, 503, text);
      assert.ok(Number(answer.headers.get('retry-after')) > 0, text);
    }
    return answer.status;
  };
  assert.equal(await send(), 204);
  fillDisk(join(folder.data, 'filler'));
  // A request that is open when the disk fills up waits until there is room: it is answered then.
  const open = [];
  await until('a sender is told to come again', async () => {
    const sent = send();
    open.push(sent);
    return (await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 200, 0))])) === 503;
  }, 60000);
  rmSync(join(folder.data, 'filler'));
  await Promise.all(open);
  await until('samples are taken again', async () => (await send()) === 204, 30000);
  const lines = await (await fetch(`http://${address}/api/v1/export?match[]=full_value`)).text();
  const found = new Map();
  for (const line of lines.split('\n').filter(Boolean)) {
    const { values, timestamps } = JSON.parse(line);
    timestamps.forEach((time, i) => found.set(time - started, values[i]));
  }
  for (const n of acknowledged) {
    assert.equal(found.get(n), Math.sin(n), `sample ${n} of ${acknowledged.length}`);
  }
  await until('the ledger balances', async () => (await gateway.get('/api/v1/ledger')).balances);
});
