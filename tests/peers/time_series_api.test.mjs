// SPDX-License-Identifier: Apache-2.0
// The Prometheus API as its clients use it: promtool, the requests of Grafana's Prometheus data source, and the same
// requests to a real Prometheus beside us on the same data, whose answers must have the same keys and types. Then
// what only we can promise: a query stops with its client, and polling goes on beside a heavy one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, makeFolder, run, sleep, start, startGateway, startSim, until } from '../support/gateway.mjs';
import { peerTool } from '../support/peer_tools.mjs';
import { remoteWrite } from './promql/remote_write.mjs';

const STEP_MS = 15000;
const STEPS = 40;
const end = Math.floor(Date.now() / 60000) * 60000;
const begin = end - STEPS * STEP_MS;

let folder;
let gateway;
let simulator;
let prometheus;
let ours;
let theirs;

/** Two devices, two metrics, one name that needs quotes. */
function makeSeries() {
  const series = [];
  for (const device of ['ahu-1', 'ahu-2']) {
    for (const [name, value] of [['sat', (i) => 21 + i / 10], ['starts_total', (i) => i * 3], ['odd name', () => 1.5]]) {
      const samples = [];
      for (let i = 0; i < STEPS; i++) {
        samples.push({ time: begin + i * STEP_MS, value: value(i) });
      }
      series.push({ labels: { __name__: name, device, 'room/no': '1 "a"' }, samples });
    }
  }
  return series;
}

before(async () => {
  const port = await freePort();
  const meter = `
  meter-1:
    name: Main meter
    modbus: { tcp: "127.0.0.1:${await freePort()}", unit_id: 1 }
    every: 50ms
    points:
      power: { holding: 0, units: kW, name: Active power }
`;
  const site = `version: 1\nsite: { id: api }\ndevices:${meter}`;
  folder = makeFolder({
    'site.yaml': `${site}
  meter-2:
    modbus: { tcp: "127.0.0.1:${await freePort()}", unit_id: 1, timeout: 200ms }
    points:
      power: { holding: 0, units: kW }
`,
  });
  writeFileSync(join(folder.folder, 'simulated.yaml'), site); // meter-2 is not
  simulator = await startSim(join(folder.folder, 'simulated.yaml'));
  const home = join(folder.folder, 'prometheus');
  mkdirSync(home);
  writeFileSync(join(home, 'prometheus.yml'), 'global: { scrape_interval: 1h }\n');
  prometheus = start(peerTool('prometheus'), [
    `--config.file=${home}/prometheus.yml`, `--storage.tsdb.path=${home}/data`, `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver', '--web.enable-admin-api', '--log.level=error',
  ]);
  theirs = `http://127.0.0.1:${port}`;
  gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
  ours = gateway.timeSeries;
  await until('Prometheus is ready', async () => (await fetch(`${theirs}/-/ready`)).ok, 60000);
  for (const url of [ours, theirs]) {
    await remoteWrite(`${url}/api/v1/write`, makeSeries());
  }
});

after(async () => {
  await prometheus?.stop('SIGKILL');
  await gateway?.stop();
  await simulator?.stop();
  folder?.remove();
});

async function get(base, path) {
  const answer = await fetch(base + path, { signal: AbortSignal.timeout(20000) });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

async function post(base, path, form) {
  const answer = await fetch(base + path, {
    method: 'POST',
    body: new URLSearchParams(form),
    signal: AbortSignal.timeout(20000),
  });
  return { status: answer.status, body: await answer.json() };
}

function promtool(...args) {
  const ended = spawnSync(peerTool('promtool'), args, { encoding: 'utf8', timeout: 30000 });
  return { code: ended.status, text: ended.stdout + ended.stderr };
}

test('promtool asks', async () => {
  const at = ['--time', String(end / 1000 - 15)];
  const checks = [
    [['check', 'healthy', '--url', ours], /healthy/i],
    [['check', 'ready', '--url', ours], /ready/i],
    [['query', 'instant', ...at, ours, 'sat{device="ahu-1"}'], /sat\{device="ahu-1".*=> 24\.9 @\[/],
    [['query', 'instant', ...at, ours, '1/0'], /scalar: \+Inf/],
    [['query', 'range', '--start', String(begin / 1000), '--end', String(end / 1000), '--step', '1m', ours,
      'sum(rate(starts_total[5m]))'], /\d @\[\d+/],
    [['query', 'series', '--match', 'sat', ours], /__name__="sat".*device="ahu-2"/s],
    [['query', 'labels', ours, 'device'], /ahu-1\nahu-2\n/],
  ];
  for (const [args, expected] of checks) {
    const { code, text } = promtool(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${text}`);
    assert.match(text, expected, args.join(' '));
  }
  const wrong = promtool('query', 'instant', ours, 'sum(');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.text, /bad_data.*1:5: parse error: unclosed left parenthesis/);
  assert.deepEqual(promtool('query', 'instant', ...at, ours, 'sum by (device) (starts_total)').text,
    promtool('query', 'instant', ...at, theirs, 'sum by (device) (starts_total)').text);
});

/** "object{a:string,b:array[number]}": keys and types; of arrays the first element. */
function shape(value) {
  if (Array.isArray(value)) {
    return value.length > 0 ? `[${shape(value[0])}]` : '[]';
  }
  if (value !== null && typeof value === 'object') {
    return `{${Object.keys(value).sort().map((key) => `${key}:${shape(value[key])}`).join(',')}}`;
  }
  return value === null ? 'null' : typeof value;
}

const span = `start=${begin / 1000}&end=${end / 1000}`;
// What Grafana sends, and what else the documentation of the API lists.
const requests = [
  ['GET', '/api/v1/status/buildinfo'],
  ['POST', '/api/v1/query', { query: '1+1', time: String(end / 1000) }],
  ['POST', '/api/v1/query', { query: 'sat', time: new Date(end - 15000).toISOString() }],
  ['POST', '/api/v1/query', { query: 'sat[1m]', time: String(end / 1000) }],
  ['POST', '/api/v1/query', { query: '"text"', time: String(end / 1000) }],
  ['POST', '/api/v1/query', { query: 'sat', time: String(end / 1000), limit: '1' }],
  ['POST', '/api/v1/query', { query: 'rate(sat[1m])', time: String(end / 1000) }],
  ['POST', '/api/v1/query', { query: '{"odd name", "room/no"=~".*"}', time: String(end / 1000 - 15) }],
  ['POST', '/api/v1/query', { query: 'sat', time: String(end / 1000), stats: 'true' }],
  ['POST', '/api/v1/query_range', { query: 'sat', start: String(begin / 1000), end: String(end / 1000), step: '15' }],
  ['POST', '/api/v1/query_range', { query: 'avg(sat)', start: String(begin / 1000), end: String(end / 1000), step: '1m' }],
  ['GET', `/api/v1/query_range?query=sat&${span}&step=30s&timeout=10s`],
  ['GET', `/api/v1/labels?${span}&match[]=sat`],
  ['POST', '/api/v1/labels', { 'match[]': 'sat' }],
  ['GET', `/api/v1/label/device/values?${span}&match[]=sat`],
  ['GET', `/api/v1/label/__name__/values?${span}&match[]={device="ahu-1"}`],
  ['GET', '/api/v1/label/U__room_2f_no/values'],
  ['GET', `/api/v1/series?${span}&match[]=sat&match[]=starts_total`],
  ['POST', '/api/v1/series', { 'match[]': '{device="ahu-2"}' }],
  ['GET', '/api/v1/rules'],
  ['GET', '/api/v1/rules?type=alert'],
  ['GET', '/api/v1/alerts'],
  ['GET', '/api/v1/alertmanagers'],
  ['GET', `/api/v1/query_exemplars?query=sat&${span}`],
  ['GET', '/api/v1/format_query?query=sum(rate(a{b="c"}[5m]))by(d)'],
  ['GET', '/api/v1/parse_query?query=sum(rate(a{b="c"}[5m]))by(d)/on(x)group_left(y)b*2'],
  ['GET', '/api/v1/parse_query?query=topk(3,-max_over_time(a[5m:1m]offset 1m))'],
  ['GET', '/api/v1/status/runtimeinfo'],
  ['GET', '/api/v1/status/config'],
  ['GET', '/api/v1/status/walreplay'],
  ['GET', '/api/v1/notifications'],
  // errors
  ['POST', '/api/v1/query', { query: 'sum(' }],
  ['POST', '/api/v1/query', { query: '' }],
  ['POST', '/api/v1/query', { query: 'sat', time: 'yesterday' }],
  ['POST', '/api/v1/query', { query: 'sat', timeout: 'soon' }],
  ['POST', '/api/v1/query', { query: 'sat * on () starts_total', time: String(end / 1000 - 15) }],
  ['POST', '/api/v1/query_range', { query: 'sat', start: '10', end: '0', step: '1' }],
  ['POST', '/api/v1/query_range', { query: 'sat', start: '0', end: '10', step: '0' }],
  ['POST', '/api/v1/query_range', { query: 'sat', start: '0', end: '100000000', step: '1' }],
  ['POST', '/api/v1/query_range', { query: 'sat[1m]', start: '0', end: '10', step: '1' }],
  ['GET', '/api/v1/series'],
  ['GET', '/api/v1/series?match[]={}'],
  ['GET', '/api/v1/labels?match[]=x{'],
  ['GET', '/api/v1/rules?type=none'],
  ['GET', '/api/v1/format_query?query=('],
  ['GET', '/api/v1/status/tsdb?limit=0'],
];

test('every answer has the shape that a real Prometheus gives it', async () => {
  for (const [method, path, form] of requests) {
    const [us, them] = await Promise.all(
      [ours, theirs].map((base) => (method === 'GET' ? get(base, path) : post(base, path, form))),
    );
    const what = `${method} ${path} ${JSON.stringify(form ?? '')}: ${JSON.stringify(us.body).slice(0, 300)}`;
    assert.equal(us.status, them.status, what);
    assert.equal(us.body.status, them.body.status, what);
    assert.equal(us.body.errorType, them.body.errorType, what);
    assert.equal(shape(us.body), shape(them.body), what);
  }
});

test('values, labels and orders are the same', async () => {
  const equal = [
    `/api/v1/query_range?query=sat&${span}&step=15`,
    `/api/v1/query?query=sort(sat)&time=${end / 1000 - 15}`,
    `/api/v1/query?query=sat[1m]&time=${end / 1000 - 15}`,
    '/api/v1/labels?match[]=sat',
    '/api/v1/label/device/values?match[]=sat&match[]=starts_total',
    '/api/v1/label/__name__/values?match[]={device="ahu-1"}',
    '/api/v1/label/U__room_2f_no/values?match[]=sat',
    '/api/v1/label/U__odd_2z_/values',
    '/api/v1/format_query?query=sum(rate(a{b="c"}[5m]))by(d)',
    '/api/v1/parse_query?query=sum(rate(a{b="c"}[5m]))by(d)/on(x)group_left(y)b*2',
  ];
  for (const path of equal) {
    assert.deepEqual((await get(ours, path)).body, (await get(theirs, path)).body, path);
  }
  const ordered = (body) => body.data.map((labels) => JSON.stringify(Object.entries(labels).sort())).sort();
  assert.deepEqual(ordered((await get(ours, '/api/v1/series?match[]={device=~"ahu.*"}')).body),
    ordered((await get(theirs, '/api/v1/series?match[]={device=~"ahu.*"}')).body));
});

test('devices are targets, points are metrics with units', async () => {
  await until('both devices were tried', async () => {
    const { body } = await get(ours, '/api/v1/targets');
    return body.data.activeTargets.map((target) => target.health).join() === 'up,down';
  });
  const { body } = await get(ours, '/api/v1/targets?state=active');
  assert.equal(body.data.activeTargets.length, 2);
  const { labels, scrapePool, scrapeUrl, lastError } = body.data.activeTargets[1];
  assert.equal(labels.device, 'meter-2');
  assert.equal(body.data.activeTargets[0].lastError, '');
  assert.equal(scrapePool, 'modbus');
  assert.match(scrapeUrl, /^modbus:\/\/tcp\/127\.0\.0\.1:\d+/);
  assert.match(lastError, /refused/);
  assert.deepEqual((await get(ours, '/api/v1/scrape_pools')).body.data.scrapePools, ['modbus']);
  const metadata = (await get(ours, '/api/v1/metadata?metric=power')).body.data;
  assert.deepEqual(metadata, { power: [{ type: 'gauge', unit: 'kW', help: 'Active power' }] });
  const tsdb = (await get(ours, '/api/v1/status/tsdb?limit=2')).body.data;
  assert.ok(tsdb.headStats.numSeries >= 6);
  assert.equal(tsdb.seriesCountByMetricName.length, 2);
});

test('methods and addresses are judged', async () => {
  const options = await fetch(`${ours}/api/v1/query`, { method: 'OPTIONS' });
  assert.equal(options.status, 204);
  assert.match(options.headers.get('allow'), /GET/);
  const head = await fetch(`${ours}/-/ready`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  const none = await get(ours, '/api/v1/nothing');
  assert.equal(none.status, 404);
  assert.equal(none.body.errorType, 'not_found');
  const foreign = await fetch(`${ours}/api/v1/query`, {
    method: 'POST', headers: { Origin: 'http://evil.example' }, body: new URLSearchParams({ query: '1' }),
  });
  assert.equal(foreign.status, 403);
  assert.match(await (await fetch(`${ours}/metrics`)).text(), /^busbar_queries_running \d+$/m);
});

test('the command line asks the same', async () => {
  const base = ['query', '--server', gateway.server];
  const table = await run([...base, 'sat', '--time', String(end / 1000 - 15), '--csv']);
  assert.equal(table.code, 0, table.stderr);
  assert.match(table.stdout, /^series,value,units\n/);
  assert.match(table.stdout, /device=""ahu-1"".*,24\.9,/);
  const rows = await run([...base, 'sum(sat)', '--start', String(begin / 1000), '--end', String(end / 1000), '--step', '1m',
    '--json']);
  const list = JSON.parse(rows.stdout);
  assert.equal(list.length, 11);
  assert.equal(list[0].value, 42);
  assert.equal(list[0].series, '{}');
  assert.equal(new Date(list[0].time).getTime(), begin);
  const wrong = await run([...base, 'sum(sat']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /unclosed left parenthesis\n {4}\| sum\(sat\n {4}\| +\^/);
  const never = await run([...base, 'sat', '--time', 'once']);
  assert.equal(never.code, 2);
});

async function metric(name) {
  const text = await (await fetch(`${ours}/metrics`)).text();
  return Number(text.match(new RegExp(`^busbar_${name} (.*)$`, 'm'))[1]);
}

// Many seconds of work: the median of an hour, for each second of two days.
const heavy = 'sum_over_time(quantile_over_time(0.5,vector(time())[1h:1s])[2d:1s])';

/** Sends a heavy query; the open request. */
function askHeavy() {
  const request = http.get(`${ours}/api/v1/query?query=${encodeURIComponent(heavy)}&timeout=60s`);
  request.on('error', () => {});
  return request;
}

test('a query stops when its client goes away', async () => {
  const requests = [askHeavy(), askHeavy(), askHeavy(), askHeavy()];
  await until('two run and two wait', async () => (await metric('queries_running')) === 2 && (await metric('queries_waiting')) === 2);
  requests.forEach((request) => request.destroy());
  const gone = Date.now();
  await until('none runs', async () => (await metric('queries_running')) + (await metric('queries_waiting')) === 0);
  assert.ok(Date.now() - gone < 1000, `took ${Date.now() - gone} ms`);
});

test('a query ends at its timeout, with the words of Prometheus', async () => {
  const { status, body } = await post(ours, '/api/v1/query', { query: heavy, timeout: '200ms' });
  assert.equal(status, 503);
  assert.equal(body.errorType, 'timeout');
});

test('queries delay neither polls nor writes', async () => {
  const requests = [askHeavy(), askHeavy()];
  await until('both run', async () => (await metric('queries_running')) === 2);
  const polls = await metric('polls_total');
  let longest = 0;
  for (let i = 0; i < 10; i++) {
    const begun = Date.now();
    await remoteWrite(`${ours}/api/v1/write`, [{ labels: { __name__: 'beside' }, samples: [{ time: end + i, value: i }] }]);
    longest = Math.max(longest, Date.now() - begun);
    await sleep(50);
  }
  assert.equal(await metric('queries_running'), 2, 'they ran all the while');
  assert.ok((await metric('polls_total')) >= polls + 5);
  assert.ok(longest < 1000, `a write took ${longest} ms`);
  assert.ok((await metric('loop_longest_seconds')) < 0.25);
  requests.forEach((request) => request.destroy());
  await until('none runs', async () => (await metric('queries_running')) === 0);
});

test('a line of queries that is full turns new ones away', async () => {
  const requests = Array.from({ length: 60 }, askHeavy);
  const statuses = requests.map((request) => new Promise((resolve) => {
    request.on('response', (answer) => { answer.resume(); resolve(answer.statusCode); });
    request.on('close', () => resolve(0));
  }));
  await until('the line is full', async () => (await metric('queries_waiting')) === 50);
  const { status, body } = await post(ours, '/api/v1/query', { query: '1' });
  assert.equal(status, 503);
  assert.equal(body.errorType, 'unavailable');
  requests.forEach((request) => request.destroy());
  await until('none runs', async () => (await metric('queries_running')) + (await metric('queries_waiting')) === 0);
  assert.ok((await Promise.all(statuses)).includes(503));
});

test('series are deleted', async () => {
  await remoteWrite(`${ours}/api/v1/write`, [
    { labels: { __name__: 'gone', a: '1' }, samples: [{ time: begin, value: 1 }, { time: end, value: 2 }] },
    { labels: { __name__: 'gone', a: '2' }, samples: [{ time: begin, value: 1 }, { time: end, value: 2 }] },
  ]);
  const count = async (what) => (await get(ours, `/api/v1/query?query=count_over_time(${what}[1h])&time=${end / 1000}`)).body.data.result;
  const erase = async (query) => (await fetch(`${ours}/api/v1/admin/tsdb/delete_series?${query}`, { method: 'POST' })).status;
  assert.equal((await count('gone')).length, 2);
  assert.equal(await erase(`match[]=gone{a="1"}&start=${begin / 1000 - 1}&end=${begin / 1000 + 1}`), 204);
  assert.equal((await count('gone{a="1"}'))[0].value[1], '1');
  assert.equal(await erase('match[]=gone'), 204);
  assert.deepEqual(await count('gone'), []);
  assert.deepEqual((await get(ours, '/api/v1/series?match[]=gone')).body.data, []);
  assert.equal(await erase('match[]=gone{'), 400);
  assert.equal((await fetch(`${ours}/api/v1/admin/tsdb/clean_tombstones`, { method: 'POST' })).status, 204);
});
