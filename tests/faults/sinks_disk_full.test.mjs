// SPDX-License-Identifier: Apache-2.0
// The disk of the database gets full, on a small disk of its own: it is said, everything waits, and follows by itself when
// there is room again; also when the server gave up over it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fillDisk } from '../support/disk.mjs';
import { noPostgres, startPostgres } from '../support/postgres.mjs';
import { sleep, until } from '../support/gateway.mjs';
import { beginSink } from './sinks_rig.mjs';

const noRoot = process.getuid() !== 0 && 'a small disk can be mounted by root only';

test('the disk of the database is full', { skip: noPostgres || noRoot, timeout: 180000 }, async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'busbar-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', disk]);
  let server = null;
  t.after(async () => {
    await server?.remove();
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  server = await startPostgres(null, { folder: disk, settings: { max_wal_size: "'64MB'", min_wal_size: "'32MB'", wal_recycle: 'off' } });
  const rig = await beginSink(t, { server, rate: 2000, sink: 'batch_time: 200ms' });
  const { sender } = rig;
  await rig.published(2000);
  const filler = join(disk, 'filler');
  fillDisk(filler);
  await rig.says(/is full: .*No space left on device|closed the connection|is not ready|refuses the connection/s, 60000);
  const acked = sender.acked;
  await until('collecting goes on', () => sender.acked > acked + 2000);
  const waiting = await rig.sink();
  assert.ok(waiting.waiting > 0 && waiting.aside === 0, JSON.stringify(waiting));
  rmSync(filler);
  if (server.process.exitCode !== null || server.process.signalCode !== null) {
    t.diagnostic('the server gave up over it (its log was full) and was started again');
    await server.start();
  }
  await until('it publishes again', async () => {
    await rig.retry();
    await sleep(300);
    return (await rig.sink()).phase === 'live';
  }, 60000);
  await sender.stop();
  const rows = await rig.complete();
  t.diagnostic(`${rows} rows, 0 lost, 0 doubled; said: ${waiting.error.message}`);
});
