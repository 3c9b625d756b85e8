// SPDX-License-Identifier: Apache-2.0
// busbar sink, with status, ports, doctor and completion, against a gateway that publishes to a receiver of remote write
// which refuses, goes away and comes back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { freePort, makeFolder, run, startGateway, until } from '../support/gateway.mjs';
import { startReceiver } from '../support/write_receiver.mjs';

const [http, target] = [await freePort(), await freePort()];
const folder = makeFolder({ 'site.yaml': `version: 1
drivers: { http: { listen: "127.0.0.1:${http}" } }
connectors: { meters: {} }
devices:
  pv-1:
    http: { connector: meters }
    points: { watts: { json: $.w, type: int }, amps: { json: $.a } }
sinks:
  cloud: { remote_write: "http://127.0.0.1:${target}/api/v1/write", batch_time: 0s }
  spare: { remote_write: "http://127.0.0.1:${target}/api/v1/write", enabled: false }
` });
const receiver = await startReceiver({ after }, target);
const gateway = await startGateway({ config: folder.site, data: folder.data });
after(async () => {
  await gateway.stop();
  folder.remove();
});
const cli = (words, options) => gateway.cli(words.split(' '), options);
const one = async () => gateway.get('/api/v1/sinks/cloud');
const { stdout: key } = await cli('connector key add meters');
const send = async (body) => {
  const answer = await fetch(`http://127.0.0.1:${http}/pv-1`,
    { method: 'POST', body: JSON.stringify(body), headers: { 'x-api-key': key.trim() } });
  assert.equal(answer.status, 204);
};
await until('the sink is live', async () => (await one()).phase === 'live');

test('the list and one of it say how far it is', async () => {
  await send({ w: 1500, a: 6.5 });
  await until('both are published', async () => (await one()).published === 2);
  const [cloud, spare] = JSON.parse((await cli('sink list --json')).stdout);
  assert.equal(cloud.phase, 'live');
  assert.equal(cloud.why, '');
  assert.equal(spare.name, 'spare');
  assert.equal(spare.up, false);
  const shown = await cli('sink show cloud');
  assert.match(shown.stdout, /^cloud +Prometheus remote write at http:\/\/127\.0\.0\.1:\d+\/api\/v1\/write, each sample at least once$/m);
  assert.match(shown.stdout, /^published +2 samples \(0 repeated\)/m);
  assert.match(shown.stdout, /^quota +10\.0 GB of 10\.0 GB left/m);
  assert.match(shown.stdout, /^ledger +balances: 2 stored = 2 published/m);
  assert.match((await cli('status')).stdout, /^sinks +cloud live, lag .*, 0 waiting, 2 published$/m);
  assert.match((await cli('ports')).stdout, new RegExp(`^Prometheus remote write\ttcp\t${target}\t\tout\t127\\.0\\.0\\.1`, 'm'));
  assert.match((await cli('sink list --csv')).stdout, /^name,title,phase,lag_s,/);
});

test('an unknown sink is told with those there are; wrong words with what is right', async () => {
  const none = await cli('sink show clod');
  assert.equal(none.code, 5);
  assert.match(none.stderr, /there is no sink 'clod'\nhint: +there is: cloud, spare/);
  assert.equal((await cli('sink retry cloud all')).code, 2);
  const when = await cli('sink resend cloud');
  assert.equal(when.code, 2);
  assert.match(when.stderr, /--from -24h/);
  const sql = await cli('sink sql cloud');
  assert.notEqual(sql.code, 0);
  assert.match(sql.stderr, /no SQL/);
  const words = await run(['complete-words', '--', 'sink', 'show', 'c'], { env: { BUSBAR_SERVER: gateway.server } });
  assert.match(words.stdout, /^cloud$/m);
});

test('a test names what it looked at; also from the files, without a gateway', async () => {
  const tested = await cli('sink test cloud');
  assert.equal(tested.code, 0, tested.stdout);
  assert.match(tested.stdout, /^ok +address: /m);
  const files = ['--config', folder.site, '--data', folder.data];
  const alone = await run(['sink', 'test', 'spare', ...files]);
  assert.equal(alone.code, 0, alone.stdout + alone.stderr);
  assert.match(alone.stdout, /^ok +address: /m);
  const none = await run(['sink', 'test', 'clod', ...files]);
  assert.equal(none.code, 5);
  assert.match(none.stderr, /there is: cloud, spare/);
  const json = JSON.parse((await cli('sink test cloud --json')).stdout);
  assert.equal(json.fine, true);
});

test('paused it waits, resumed all follows', async () => {
  const before = (await one()).published;
  assert.match((await cli('sink pause cloud')).stdout, /^cloud: paused/);
  assert.match((await cli('sink pause cloud')).stdout, /paused already/);
  await send({ w: 1501, a: 6.6 });
  await until('it waits', async () => (await one()).waiting === 2);
  assert.match((await cli('doctor')).stdout, /^warn +sink cloud: paused by a person\n +hint: busbar sink resume cloud$/m);
  const tried = await cli('sink try cloud');
  assert.match(tried.stderr, /is paused\nhint: +busbar sink resume cloud/);
  assert.equal((await cli('sink resume cloud')).code, 0);
  await until('both followed', async () => (await one()).published === before + 2);
});

test('what is refused is set aside, retried, dropped', async () => {
  receiver.answer = (series) => (series.some(({ labels }) => labels.__name__ === 'amps') ? [400, 'no amps here'] : null);
  await send({ w: 1502, a: 6.7 });
  await send({ w: 1503, a: 6.8 });
  await until('two are aside', async () => (await one()).aside === 2);
  const aside = await cli('sink aside cloud');
  assert.match(aside.stdout, /pv-1\/amps\t6\.8\t.*no amps here/);
  assert.match((await cli('doctor')).stdout, /^warn +sink cloud: 2 rows are set aside/m);
  const again = await cli('sink retry cloud');
  assert.equal(again.code, 8, again.stderr);
  const [first] = JSON.parse((await cli('sink aside cloud --json=id')).stdout).slice(-1);
  receiver.answer = () => null;
  const one_ = await cli(`sink retry cloud ${first.id}`);
  assert.equal(one_.code, 0, one_.stderr);
  assert.match(one_.stderr, /cloud: 1 sent/);
  assert.equal((await cli('sink drop cloud --no-input')).code, 1, 'it asks first');
  assert.match((await cli('sink drop cloud --yes')).stderr, /cloud: 1 dropped/);
  const { aside: left, released } = await one();
  assert.deepEqual([left, released], [0, 1]);
  assert.match((await cli('sink aside cloud')).stderr, /nothing is set aside/);
  const ledger = await gateway.get('/api/v1/sinks/cloud/ledger');
  assert.equal(ledger.balances, true, ledger.text);
});

test('history is sent again, what was dropped too', async () => {
  const before = receiver.samples.length;
  const sent = await cli('sink resend cloud --from -1h');
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(receiver.samples.length, before + 8);
  assert.ok(receiver.samples.some(([name, , value]) => name === 'amps' && value === 6.8));
});

test('a receiver that is away is said, with what to do; and gone when it is back', async () => {
  await receiver.stop();
  await send({ w: 1504, a: 6.9 });
  await until('it waits for it', async () => (await one()).phase === 'waiting');
  const shown = await cli('sink show cloud');
  assert.match(shown.stdout, /^phase +(waiting|connecting), for/m);
  assert.match(shown.stdout, /^last error +.*\n +hint +/m);
  assert.match((await cli('sink list')).stdout, /nothing answers at that address/);
  assert.match((await cli('doctor')).stdout, /^bad +sink cloud, address/m);
  assert.equal((await cli('sink test cloud')).code, 3);
  const checked = await run(['check', '--config', folder.site, '--data', `${folder.data}-other`]);
  assert.match(checked.stderr, /warning: sink cloud, address: /);
  await receiver.start();
  assert.equal((await cli('sink try cloud')).code, 0);
  await until('all followed', async () => (await one()).phase === 'live' && (await one()).waiting === 0);
  const { entries } = await gateway.get('/api/v1/journal?match=cloud');
  for (const what of ['sink pause', 'sink resume', 'sink retry', 'sink drop', 'sink resend', 'sink try']) {
    assert.ok(entries.some((entry) => entry.what === what), `${what} is in the journal`);
  }
});
