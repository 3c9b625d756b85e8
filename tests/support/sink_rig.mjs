// SPDX-License-Identifier: Apache-2.0
// A gateway with one sink, samples that are told apart by their times, and the sink's ledger, which has to balance.
import assert from 'node:assert/strict';
import { makeFolder, run, startGateway, until } from './gateway.mjs';

const begun = Date.now() - 3600e3;

/** sink: its settings in YAML, name: what it is called; secrets: name -> value. */
export async function beginSink(t, sink, { name = 'cloud', secrets = {} } = {}) {
  const text = (settings) => `version: 1\nsite: { id: t, name: T }\nsinks: { ${name}: { ${settings} } }\n`;
  const folder = makeFolder({ 'site.yaml': text(sink) });
  const all = { folder, gateway: null, fed: 0 };
  for (const [secret, value] of Object.entries(secrets)) {
    const { code, stderr } = await run(['secret', 'set', secret, '--data', folder.data], { input: value });
    assert.equal(code, 0, stderr);
  }
  t.after(async () => {
    await all.gateway?.stop();
    folder.remove();
  });
  all.start = async (data = folder.data) => {
    all.gateway = await startGateway({ config: folder.site, data, timeSeries: true });
  };
  all.kill = () => all.gateway.stop('SIGKILL');
  /** Other settings of the sink, applied. */
  all.apply = async (settings) => {
    folder.write('site.yaml', text(settings));
    const { code, stderr } = await all.gateway.cli(['config', 'apply']);
    assert.equal(code, 0, stderr);
  };
  /** Stores a sample of each of `count` series at each of `times` moments that never were before. */
  all.feed = async (times, { count = 3, metric = 'a' } = {}) => {
    const lines = [];
    for (let i = 0; i < times; i++, all.fed++) {
      for (let s = 0; s < count; s++) {
        lines.push(`${metric}${s} value=${all.fed}.5 ${begun + all.fed * 10}`);
      }
    }
    const answer = await fetch(`${all.gateway.timeSeries}/write?precision=ms`, { method: 'POST', body: lines.join('\n'), signal: AbortSignal.timeout(60000) });
    assert.equal(answer.status, 204, await answer.text());
    return times * count;
  };
  all.ok = async (...args) => {
    const { code, stdout, stderr } = await all.gateway.cli(args);
    assert.equal(code, 0, `busbar ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  all.ledger = () => all.gateway.get(`/api/v1/sinks/${name}/ledger`);
  /** The ledger, which has to balance, also as the command line tells it. */
  all.balanced = async () => {
    const ledger = await until('the ledger is counted', async () => {
      const row = await all.ledger();
      return row.balances !== null && row;
    });
    assert.ok(ledger.balances, JSON.stringify(ledger));
    assert.equal(ledger.stored, ledger.published + ledger.waiting + ledger.aside + ledger.released);
    assert.match(await all.ok('ledger'), new RegExp(`^sink ${name}: balances: \\d+ stored = \\d+ published`, 'm'));
    return ledger;
  };
  /** Waits until nothing waits. */
  all.settled = (ms = 60000) => until('all is published', async () => {
    const row = await all.ledger();
    return row.balances !== null && row.waiting === 0 && row;
  }, ms);
  await all.start();
  return all;
}
