// SPDX-License-Identifier: Apache-2.0
// A disk that gets full, for tests on a small one of their own.
import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';

/** Writes the file until the disk has no room left. */
export function fillDisk(path) {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(65536);
  try {
    for (;;) {
      writeSync(file, block);
    }
  } catch (error) {
    assert.equal(error.code, 'ENOSPC');
  } finally {
    closeSync(file);
  }
}
