// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments: every sample that the history gave out once must be there after the restart, with the same
// value. (History gives out only what is on disk.) BUSBAR_KILL_ROUNDS sets the rounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, makeFolder, sleep, startGateway, startSim, until } from '../support/gateway.mjs';

const rounds = Number(process.env.BUSBAR_KILL_ROUNDS ?? 50);

function site(port) {
  const points = Array.from({ length: 20 }, (_, i) => `      r${i}: { holding: ${i}, type: uint16, every: 10ms }`);
  return `version: 1
site: { id: kill, name: Kill }
devices:
  d1:
    modbus: { tcp: "127.0.0.1:${port}" }
    points:
${points.join('\n')}
`;
}

test(`no acknowledged sample is lost in ${rounds} kills`, { timeout: Math.max(550000, rounds * 11000) }, async (t) => {
  const modbus = await freePort();
  const folder = makeFolder({ 'site.yaml': site(modbus) });
  const sim = await startSim(folder.site);
  let gateway = null;
  t.after(async () => {
    await gateway?.stop('SIGKILL');
    await sim.stop('SIGKILL');
    folder.remove();
  });
  const known = new Map(); // point -> time -> value
  let given = 0;
  const began = new Date(Date.now() - 1000).toISOString();
  const paths = ['d1/r0', 'd1/r7', 'd1/r19'];

  async function samples(gateway, path) {
    const answer = await gateway.get(`/api/v1/samples/${path}?from=${began}&to=now&limit=200000`);
    assert.equal(answer.more, false);
    return answer.samples;
  }

  for (let round = 0; round < rounds; round++) {
    gateway = await startGateway({ config: folder.site, data: folder.data });
    for (const path of paths) {
      const now = new Map((await samples(gateway, path)).map(([time, value]) => [time, value]));
      for (const [time, value] of known.get(path) ?? []) {
        assert.ok(now.has(time), `round ${round}: ${path} at ${time} is lost`);
        assert.deepEqual(now.get(time), value, `round ${round}: ${path} at ${time} changed`);
      }
    }
    await sleep(50 + Math.random() * 500);
    for (const path of paths) {
      const seen = new Map((await samples(gateway, path)).map(([time, value]) => [time, value]));
      given += seen.size - (known.get(path)?.size ?? 0);
      known.set(path, seen);
    }
    await gateway.stop('SIGKILL');
  }
  gateway = await startGateway({ config: folder.site, data: folder.data });
  const health = await gateway.get('/api/v1/health');
  assert.equal(health.problems.filter((p) => /damage/.test(p.what)).length, 0, JSON.stringify(health.problems));
  assert.ok(given > rounds, `only ${given} samples were given out: the test tests nothing`);
  await until('the ledger balances', async () => (await gateway.get('/api/v1/ledger?match=*')).balances);
  t.diagnostic(`${given} samples given out before kills, 0 lost`);
});
