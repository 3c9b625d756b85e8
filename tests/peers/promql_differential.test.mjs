// SPDX-License-Identifier: Apache-2.0
// PromQL against a real Prometheus over the same data: thousands of expressions, as instant and as range queries. What
// differs for a reason is listed in `differences` and in docs/promql.md.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, start, startGateway, until } from '../support/gateway.mjs';
import { peerTool } from '../support/peer_tools.mjs';
import { difference } from './promql/compare.mjs';
import { SPAN_MS, dataset } from './promql/dataset.mjs';
import { edges } from './promql/edges.mjs';
import { generated, handwritten } from './promql/expressions.mjs';
import { remoteWrite } from './promql/remote_write.mjs';

const GENERATED = Number(process.env.PROMQL_EXPRESSIONS ?? 4000);
const SEED = Number(process.env.PROMQL_SEED ?? 1);
const IN_FLIGHT = 4;

const begin = Math.floor((Date.now() - SPAN_MS) / 60000) * 60000 - 60000;
const end = begin + SPAN_MS;

/** What may differ: a reason, and the expressions it is about, matchers left out. All of it is in docs/promql.md.
 * `chance`: only generated expressions may, and few of them. */
const differences = [
  { reason: 'series without the label have no place of their own', about: /\bsort_by_label/ },
  { reason: 'Prometheus forgets the offset', about: /\btimestamp\(.*(offset.*@|@.*offset)/ },
  { reason: 'Prometheus finds no info series, or drops series, by mistake', about: /\binfo\(.*(offset|@|,)/ },
  { chance: true, reason: 'which of equal values comes first', about: /\b(topk|bottomk|sort|sort_desc)\b/ },
  { chance: true, reason: 'the last digit of a number in a label', about: /\bcount_values\b/ },
  { chance: true, reason: 'the last digit decides', about: /\b(resets|changes|i?rate|increase)\(.*\[[^\]]*:|\b(sin|cos|tan)\(|[<>]|==|!=|%/ },
];

function mayDiffer({ query }, chance) {
  const bare = query.replaceAll(/\{[^}]*\}/g, '');
  return differences.some((each) => each.about.test(bare) && (chance || !each.chance));
}

/** Of the generated expressions. */
const DIFFERENT_MOST = 0.004;

let folder;
let prometheus;
let gateway;
let theirs;
let ours;

async function startPrometheus() {
  folder = mkdtempSync(join(tmpdir(), 'busbar-prometheus-'));
  const port = await freePort();
  writeFileSync(join(folder, 'prometheus.yml'), 'global: { scrape_interval: 1h }\n');
  prometheus = start(peerTool('prometheus'), [
    `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`, '--web.enable-remote-write-receiver',
    '--enable-feature=promql-experimental-functions', '--storage.tsdb.retention.time=10y', '--log.level=error',
  ]);
  theirs = `http://127.0.0.1:${port}`;
  await until('Prometheus is ready', async () => (await fetch(`${theirs}/-/ready`)).ok, 30000);
}

before(async () => {
  await startPrometheus();
  const site = makeFolder({ 'site.yaml': 'version: 1\nsite: { id: differential }\n' });
  gateway = await startGateway({ config: site.site, data: site.data, timeSeries: true });
  gateway.remove = () => site.remove();
  ours = gateway.timeSeries;
  const series = dataset(begin);
  for (const url of [ours, theirs]) {
    await remoteWrite(`${url}/api/v1/write`, series);
  }
});

after(async () => {
  await prometheus?.stop();
  await gateway?.stop();
  gateway?.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(url, path, parameters) {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
    signal: AbortSignal.timeout(30000),
  });
  return answer.json();
}

/** Runs all; the list of those that differ. */
async function compareAll(questions) {
  const found = [];
  const queue = [...questions];
  const counts = { asked: 0, results: 0, errors: 0, forgiven: 0 };
  async function worker() {
    for (let question = queue.pop(); question !== undefined; question = queue.pop()) {
      const { path, parameters, options } = question;
      const [mine, other] = await Promise.all([ask(ours, path, parameters), ask(theirs, path, parameters)]);
      counts.asked++;
      counts.errors += other.status === 'error' ? 1 : 0;
      counts.results += other.data?.result?.length > 0 ? 1 : 0;
      const what = difference(mine, other, options);
      if (what !== null && mayDiffer(parameters, options.chance)) {
        counts.forgiven++;
      } else if (what !== null) {
        found.push(`${parameters.query}\n    ${path} ${parameters.time ?? ''}: ${what}`);
      }
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return { found, counts };
}

const seconds = (ms) => String(ms / 1000);

function instant(query, time) {
  const ordered = /^(sort|topk|bottomk)/.test(query) && !/by|without/.test(query);
  return {
    path: '/api/v1/query',
    parameters: { query, time: seconds(time) },
    options: { ordered: ordered && /^sort/.test(query), magnitude: magnitudeOf(query) },
  };
}

function range(query, from, to, step) {
  return {
    path: '/api/v1/query_range',
    parameters: { query, start: seconds(from), end: seconds(to), step: String(step) },
    options: { magnitude: magnitudeOf(query) },
  };
}

/** Differences of big numbers that should be 0 leave rounding behind. */
function magnitudeOf(query) {
  return /deriv|predict_linear|stddev|stdvar|time\(\)|timestamp|%|sin|cos|tan/.test(query) ? 1 : 1e-6;
}

function report(found, counts) {
  const shown = found.slice(0, Number(process.env.PROMQL_SHOW ?? 40)).join('\n  ');
  return `${found.length} of ${counts.asked} differ:\n  ${shown}`;
}

const atEnd = (query) => query.replaceAll('END', seconds(end - 600000));

test('hand-written expressions as instant queries, equal to 1e-9', async () => {
  const list = handwritten().map(atEnd);
  assert.ok(list.length > 1000, `only ${list.length} expressions`);
  const moments = [end - 600000, begin + 3600000 + 7000];
  const { found, counts } = await compareAll(list.flatMap((query) => moments.map((time) => instant(query, time))));
  assert.ok(counts.results > list.length / 2, `too many empty answers: ${JSON.stringify(counts)}`);
  assert.ok(counts.errors > 50, 'errors are part of it');
  assert.equal(found.length, 0, report(found, counts));
});

test('hand-written expressions as range queries, equal to 1e-9', async () => {
  const list = handwritten().map(atEnd);
  const { found, counts } = await compareAll(list.map((query) => range(query, begin + 1800000, end - 1800000, 97)));
  assert.equal(found.length, 0, report(found, counts));
});

test('functions at their edges, equal to 1e-9', async () => {
  const list = edges.map(atEnd);
  const { found, counts } = await compareAll(list.flatMap((query) => [
    instant(query, end - 600000), range(query, begin + 1800000, end - 1800000, 97),
  ]));
  assert.ok(counts.results > list.length, `too many empty answers: ${JSON.stringify(counts)}`);
  assert.equal(found.length, 0, report(found, counts));
});

test(`${GENERATED} generated expressions, equal to 1e-9`, async () => {
  const list = generated(GENERATED, SEED).map(atEnd);
  const questions = list.map((query, i) => (i % 3 === 0
    ? range(query, begin + 900000, begin + 5400000, 61)
    : instant(query, begin + 1800000 + (i % 50) * 71000)));
  questions.forEach(({ options }) => { options.chance = true; });
  const { found, counts } = await compareAll(questions);
  assert.ok(counts.results > list.length / 4, `too many empty answers: ${JSON.stringify(counts)}`);
  assert.ok(counts.forgiven <= DIFFERENT_MOST * counts.asked, `too many differences: ${JSON.stringify(counts)}`);
  assert.equal(found.length, 0, report(found, counts));
});
