// SPDX-License-Identifier: Apache-2.0
// Real senders and readers: a Prometheus that writes to us by remote write, another that reads from us by
// remote read and scrapes our federation, and a vmagent. What one end has, the other must have, to the bit.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, makeFolder, start, startGateway, until } from '../support/gateway.mjs';
import { peerTool } from '../support/peer_tools.mjs';

async function api(base, path, params) {
  const answer = await fetch(`${base}${path}?${new URLSearchParams(params)}`, { signal: AbortSignal.timeout(10000) });
  const body = await answer.json();
  assert.equal(body.status, 'success', JSON.stringify(body));
  return body.data;
}

const query = (base, expression, time) => api(base, '/api/v1/query', time ? { query: expression, time } : { query: expression });

/** name -> samples of a range selector. */
function samplesOf(data) {
  return new Map(data.result.map(({ metric, values }) => [JSON.stringify(Object.entries(metric).sort()), values]));
}

async function startPrometheus(folder, name, config) {
  const port = await freePort();
  const home = join(folder.folder, name);
  mkdirSync(home);
  writeFileSync(join(home, 'prometheus.yml'), config(port));
  const prometheus = start(peerTool('prometheus'), [
    `--config.file=${home}/prometheus.yml`, `--storage.tsdb.path=${home}/data`, `--web.listen-address=127.0.0.1:${port}`,
  ]);
  prometheus.url = `http://127.0.0.1:${port}`;
  try {
    await until(`${name} is ready`, async () => (await fetch(`${prometheus.url}/-/ready`)).ok, 60000);
  } catch (error) {
    await prometheus.stop('SIGKILL');
    throw new Error(`${error.message}\n${prometheus.output}`);
  }
  return prometheus;
}

async function setUp(t) {
  const folder = makeFolder({ 'site.yaml': 'version: 1\nsite: { id: ts, name: TS }\n' });
  const address = `127.0.0.1:${await freePort()}`;
  const gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: address });
  const ours = `http://${address}`;
  const children = [gateway];
  t.after(async () => {
    for (const child of children.reverse()) {
      await child.stop('SIGKILL');
    }
    folder.remove();
  });
  return { folder, gateway, ours, address, children };
}

test('a real Prometheus writes to us, and another reads it back', { timeout: 240000 }, async (t) => {
  const { folder, ours, address, children } = await setUp(t);
  const writer = await startPrometheus(folder, 'writer', (port) => `
global: { scrape_interval: 1s }
scrape_configs:
  - { job_name: self, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }
remote_write:
  - { url: '${ours}/api/v1/write', queue_config: { batch_send_deadline: 1s } }
`);
  children.push(writer);
  const expression = '{__name__=~"up|scrape_.*|prometheus_tsdb_head_.*|go_goroutines",job="self"}[30s]';
  await until('some scrapes', async () => (await query(writer.url, 'count_over_time(up[1m]) > 8')).result.length > 0, 60000);
  const now = Date.now() / 1000 - 2;
  const theirs = samplesOf(await query(writer.url, expression, now));
  assert.ok(theirs.size > 20, `${theirs.size} series at the writer`);
  await until('all of it is here', async () => {
    const here = samplesOf(await query(ours, expression, now));
    return here.size === theirs.size && [...theirs].every(([name, values]) => here.get(name)?.length >= values.length);
  }, 60000);
  assert.deepEqual(samplesOf(await query(ours, expression, now)), theirs);

  // Metadata comes with remote write once a minute: not waited for. Our own series go out by federation.
  const stamp = Date.now();
  const wrote = await fetch(`${ours}/write?precision=ms`, {
    method: 'POST', body: `plant,line=7 temp=21.25,on=true ${stamp}\nplant,line=8 temp=-0.1 ${stamp}\n`,
  });
  assert.equal(wrote.status, 204);
  const reader = await startPrometheus(folder, 'reader', () => `
global: { scrape_interval: 1s }
remote_read:
  - { url: '${ours}/api/v1/read', read_recent: true, required_matchers: { job: self } }
scrape_configs:
  - job_name: federation
    honor_labels: true
    metrics_path: /federate
    params: { 'match[]': ['{__name__=~"plant_.*"}'] }
    static_configs: [{ targets: ['${address}'] }]
`);
  children.push(reader);
  assert.deepEqual(samplesOf(await query(reader.url, expression, now)), theirs, 'remote read');
  const ranged = { query: 'rate(prometheus_tsdb_head_samples_appended_total{job="self"}[10s])', start: now - 10, end: now, step: 1 };
  assert.deepEqual(await api(reader.url, '/api/v1/query_range', ranged), await api(writer.url, '/api/v1/query_range', ranged));
  await until('the federation is scraped', async () => (await query(reader.url, 'count({__name__=~"plant_.*"})')).result.length > 0, 30000);
  const plant = await query(reader.url, '{__name__=~"plant_.*"}[5m]', Date.now() / 1000);
  const flat = Object.fromEntries(plant.result.map(({ metric, values }) => [`${metric.__name__}/${metric.line}`, values]));
  assert.deepEqual(flat, {
    'plant_temp/7': [[stamp / 1000, '21.25']], 'plant_on/7': [[stamp / 1000, '1']], 'plant_temp/8': [[stamp / 1000, '-0.1']],
  });
  assert.ok(plant.result.every(({ metric }) => metric.instance === undefined), 'the scraper puts its own instance there');
});

test('vmagent writes to us', { timeout: 120000 }, async (t) => {
  const { folder, ours, children } = await setUp(t);
  const port = await freePort();
  const agent = start(peerTool('vmagent'), [
    `-httpListenAddr=127.0.0.1:${port}`, `-remoteWrite.url=${ours}/api/v1/write`, `-remoteWrite.tmpDataPath=${folder.folder}/agent`,
    '-remoteWrite.flushInterval=1s',
  ]);
  children.push(agent);
  const url = `http://127.0.0.1:${port}`;
  await until('vmagent listens', async () => (await fetch(`${url}/health`)).ok, 30000);
  const stamp = Date.now() - 5000;
  const values = ['0', '-0.5', '1e+300', '21.7', '123456789', '5e-324', '+Inf'];
  const text = values.map((value, i) => `agent_value{n="${i}"} ${value} ${stamp + i}\n`).join('');
  const answer = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: text });
  assert.ok(answer.ok);
  await until('all of it is here', async () => (await query(ours, 'agent_value')).result.length === values.length, 30000);
  const { result } = await query(ours, 'agent_value[1m]');
  const got = result.map(({ metric, values: [[time, value]] }) => [Number(metric.n), time, value]).sort((a, b) => a[0] - b[0]);
  assert.deepEqual(got, values.map((value, i) => [i, (stamp + i) / 1000, value]));
});

test('what is exported can be imported again', { timeout: 60000 }, async (t) => {
  const { ours } = await setUp(t);
  const lines = [
    '{"metric":{"__name__":"a","x":"1"},"values":[1,2.5,null,"NaN","Infinity","-Infinity"],"timestamps":[1000,2000,3000,4000,5000,6000]}',
    '{"metric":{"__name__":"ünï","y.z":"q\\"\\\\"},"values":[1.1],"timestamps":[7000]}',
  ];
  const now = Date.now();
  const moved = lines.map((line) => line.replace(/\[([0-9,]+)\]\}/, (_, times) => `[${times.split(',').map((ms) => now - 60000 + Number(ms))}]}`));
  const ask = async (match) => {
    const answer = await fetch(`${ours}/api/v1/export?${new URLSearchParams({ 'match[]': match })}`);
    assert.equal(answer.status, 200);
    return (await answer.text()).trim().split('\n');
  };
  for (let round = 0; round < 2; round++) { // the second time as VictoriaMetrics' lines of its own
    const answer = await fetch(`${ours}/api/v1/import`, { method: 'POST', body: moved.join('\n') });
    assert.equal(answer.status, 204, await answer.text());
    assert.deepEqual((await ask('{__name__=~".+"}')).sort(), [...moved].sort());
  }
});
