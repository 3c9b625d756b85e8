// SPDX-License-Identifier: Apache-2.0
// The curl examples of docs/time-series-ingest.md, run one after the other against a gateway: each must print what
// the page shows (each line of the page is in the output, in this order).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, makeFolder, startGateway } from '../support/gateway.mjs';

const page = join(dirname(fileURLToPath(import.meta.url)), '../../docs/time-series-ingest.md');

/** Commands with the output that is shown for them; "> " goes on with a command. */
function examples(text) {
  const found = [];
  for (const [, block] of text.matchAll(/^```console\n(.*?)^```/gms)) {
    for (const line of block.split('\n').filter((words) => words !== '')) {
      if (line.startsWith('$ ')) {
        found.push({ command: line.slice(2), output: [] });
      } else if (line.startsWith('> ')) {
        found.at(-1).command += `\n${line.slice(2)}`;
      } else {
        found.at(-1).output.push(line);
      }
    }
  }
  return found;
}

test('the examples of docs/time-series-ingest.md work', { timeout: 60000 }, async (t) => {
  const folder = makeFolder({ 'site.yaml': 'version: 1\nsite: { id: docs, name: Docs }\nhistory: { keep: forever }\n' });
  const address = `127.0.0.1:${await freePort()}`;
  const gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: address });
  t.after(async () => {
    await gateway.stop('SIGKILL');
    folder.remove();
  });
  const all = examples(readFileSync(page, 'utf8'));
  assert.ok(all.length >= 5, `${all.length} examples`);
  for (const { command, output } of all) {
    const ran = spawnSync('sh', ['-c', command.replaceAll('127.0.0.1:9090', address)], { encoding: 'utf8', timeout: 20000 });
    assert.equal(ran.status, 0, `${command}: ${ran.stderr}`);
    let at = 0;
    for (const line of output) {
      const next = ran.stdout.indexOf(line, at);
      assert.ok(next >= 0, `${command} shows\n${ran.stdout}\nnot\n${line}`);
      at = next + line.length;
    }
    assert.ok(output.length > 0 || ran.stdout === '', `${command} shows\n${ran.stdout}`);
  }
});
