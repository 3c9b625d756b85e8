// SPDX-License-Identifier: Apache-2.0
// Every ```console block of README and docs/ is run: lines "$ COMMAND", with "> MORE" below, in a shell beside the example
// site, simulated; exit code 0, or the one in a comment "# exit N" behind the command; of the output that is shown, the
// first word of each line must come. (pages.test.mjs looks at links and YAML.) 127.0.0.1:9090 is this gateway's Time
// Series port.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { freePort, program, startGateway, startSim, until } from '../support/gateway.mjs';
import { peerTool } from '../support/peer_tools.mjs';

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter((n) => n.endsWith('.md')).map((n) => `docs/${n}`)];

/** Fenced blocks of a page: {kind, line, text}. */
function blocks(page) {
  const found = [];
  let open = null;
  readFileSync(join(root, page), 'utf8').split('\n').forEach((line, index) => {
    const fence = /^```(.*)$/.exec(line);
    if (fence && open) {
      found.push(open);
      open = null;
    } else if (fence) {
      open = { kind: fence[1].trim(), line: index + 1, text: '' };
    } else if (open) {
      open.text += `${line}\n`;
    }
  });
  assert.equal(open, null, `${page}: a block is not closed`);
  return found;
}

/** Commands of a console block, each with the output lines shown below it. */
function commands(block) {
  const found = [];
  block.text.split('\n').forEach((line, index) => {
    if (line.startsWith('$ ')) {
      const exit = /#\s*exit (\d+)/.exec(line);
      found.push({ line: block.line + 1 + index, command: line.slice(2), exit: exit ? Number(exit[1]) : 0, shown: [] });
    } else if (line.startsWith('> ') && found.at(-1)?.shown.length === 0) {
      found.at(-1).command += `\n${line.slice(2)}`;
    } else if (line.trim() !== '' && found.length > 0) {
      found.at(-1).shown.push(line);
    }
  });
  return found;
}

const sitePorts = /\b(150\d\d|4825\d)\b/g;

/** The example site on free ports, it may be running on its own ones beside this test; examples send old samples.
 *  Returns what became of each port. */
async function moveSite(folder) {
  const ports = new Map();
  const bacnet = await freePort();
  for (const name of readdirSync(folder).filter((n) => n.endsWith('.yaml'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [port] of text.matchAll(sitePorts)) {
      ports.set(port, ports.get(port) ?? (await freePort()));
    }
    const moved = text.replace(sitePorts, (port) => ports.get(port));
    const apart = moved.replace('127.0.2.1/8', `127.0.2.1/8, port: ${bacnet}`)
      .replace(/address: (127\.0\.2\.\d+)(?=[ ,}])/g, `address: "$1:${bacnet}"`);
    writeFileSync(join(folder, name), apart.replace('keep: 2y', 'keep: forever'));
  }
  return ports;
}

test('console examples run', { timeout: 300000 }, async (t) => {
  // A folder that looks like a newcomer's clone after ./run.
  const folder = mkdtempSync(join(tmpdir(), 'busbar-docs-'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(resolve(program), join(folder, 'bin', 'busbar'));
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  const ports = await moveSite(join(folder, 'examples/site'));
  const sim = await startSim(join(folder, 'examples/site'));
  let gateway = null;
  t.after(async () => {
    await gateway?.stop();
    await sim.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  gateway = await startGateway({
    config: join(folder, 'examples/site'), data: join(folder, 'data'), timeSeries: true,
  });
  const series = new URL(gateway.timeSeries).host; // pages say the default address
  await until('all points that are polled are good', async () => {
    const { points } = await gateway.get('/api/v1/points?limit=1000');
    return points.every(({ path, quality, reason }) =>
      quality === 'good' || reason === 'paused' || path.startsWith('extruder-1/')); // waits to be trusted by a person
  }, 30000);
  const tools = dirname(peerTool('promtool'));
  const env = { ...process.env, PATH: `${folder}/bin:${process.env.PATH}:${tools}`, BUSBAR_SERVER: gateway.server, NO_COLOR: '1' };
  let count = 0;
  for (const page of pages) {
    for (const block of blocks(page).filter((b) => b.kind === 'console')) {
      for (const example of commands(block)) {
        const command = example.command.replaceAll('127.0.0.1:9090', series)
          .replace(sitePorts, (port) => ports.get(port) ?? port); // and those of the site
        const ran = spawnSync('bash', ['-c', command], { cwd: folder, env, encoding: 'utf8', timeout: 60000 });
        const all = `${ran.stdout}${ran.stderr}`;
        assert.equal(ran.status, example.exit, `${page}:${example.line}: ${example.command}\n${all}`);
        for (const line of example.shown) {
          const word = line.trim().split(/\s+/)[0];
          assert.ok(all.includes(word), `${page}:${example.line}: ${example.command}\nno '${word}' in:\n${all}`);
        }
        count++;
      }
    }
  }
  assert.ok(count > 10, `only ${count} examples were found`);
});
