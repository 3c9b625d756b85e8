// SPDX-License-Identifier: Apache-2.0
// kill -9 while senders write to the time series: every sample of a request that was answered 204 must be there
// after the restart, with its value. BUSBAR_INGEST_KILL_ROUNDS sets the rounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, makeFolder, sleep, startGateway, until } from '../support/gateway.mjs';

const rounds = Number(process.env.BUSBAR_INGEST_KILL_ROUNDS ?? 50);
const SENDERS = 4;
const BATCH = 50;

/** Sends batches until told to stop or nobody answers; acknowledged: key -> value. */
async function send(base, sender, state, acknowledged) {
  while (!state.over) {
    const batch = Array.from({ length: BATCH }, () => {
      const n = state.next++;
      return { key: `${sender}/${n % 25}/${state.start + n}`, series: n % 25, time: state.start + n, value: (n * 7919) % 100003 };
    });
    const body = batch.map(({ series, time, value }) => `kill,sender=${sender},n=${series} value=${value} ${time}`).join('\n');
    try {
      const answer = await fetch(`${base}/write?precision=ms`, { method: 'POST', body, signal: AbortSignal.timeout(5000) });
      if (answer.status === 204) {
        batch.forEach(({ key, value }) => acknowledged.set(key, value));
      } else {
        assert.equal(answer.status, 503, await answer.text());
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) {
        throw error;
      }
      return; // killed
    }
  }
}

async function everything(base) {
  // 503 while the series are being loaded: never an answer with some of them.
  const answer = await until('the export answers', async () => {
    const got = await fetch(`${base}/api/v1/export?${new URLSearchParams({ 'match[]': 'kill_value' })}`);
    assert.ok(got.status === 200 || got.status === 503, `${got.status}`);
    return got.status === 200 && got;
  });
  const found = new Map();
  for (const line of (await answer.text()).split('\n').filter(Boolean)) {
    const { metric, values, timestamps } = JSON.parse(line);
    timestamps.forEach((time, i) => found.set(`${metric.sender}/${metric.n}/${time}`, values[i]));
  }
  return found;
}

test(`no acknowledged sample of a sender is lost in ${rounds} kills`, { timeout: 550000 }, async (t) => {
  const folder = makeFolder({ 'site.yaml': 'version: 1\nsite: { id: kill, name: Kill }\n' });
  let gateway = null;
  t.after(async () => {
    await gateway?.stop('SIGKILL');
    folder.remove();
  });
  const acknowledged = new Map();
  const start = Date.now() - 3600000;
  const states = Array.from({ length: SENDERS }, () => ({ next: 0, start, over: false }));
  for (let round = 0; round <= rounds; round++) {
    const address = `127.0.0.1:${await freePort()}`;
    gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: address });
    const found = await everything(`http://${address}`);
    for (const [key, value] of acknowledged) {
      assert.equal(found.get(key), value, `round ${round}: ${key} of ${acknowledged.size} acknowledged`);
    }
    if (round < rounds) {
      const senders = states.map((state, i) => send(`http://${address}`, i, state, acknowledged));
      await sleep(50 + Math.random() * 400);
      await gateway.stop('SIGKILL');
      await Promise.all(senders);
    }
  }
  assert.ok(acknowledged.size > rounds * BATCH, `only ${acknowledged.size} samples were acknowledged: the test tests nothing`);
  const { totals, balances } = await gateway.get('/api/v1/ledger');
  assert.ok(balances, JSON.stringify(totals));
  t.diagnostic(`${acknowledged.size} samples acknowledged before kills, 0 lost`);
});
