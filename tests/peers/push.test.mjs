// SPDX-License-Identifier: Apache-2.0
// What people see of devices that speak first: waiting, heard, silent; what was refused and why; ids that no device has.
// By HTTP; it is the same for MQTT and TCP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, until } from '../support/gateway.mjs';
import { begin, head } from '../support/rig.mjs';

const KEY = 'a-key-for-tests-0123456789';

async function start(t, devices) {
  const port = await freePort();
  const rig = await begin(t, `${head}drivers:
  http:
    listen: "127.0.0.1:${port}"
    connectors: { meters: { key: !secret meters } }
devices:
${devices}`, { secrets: { meters: KEY } });
  rig.send = async (path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { method: 'POST', headers: { 'x-api-key': KEY }, body });
    return { status: answer.status, text: await answer.text() };
  };
  await until('it takes posts', async () => (await rig.send('nobody', '{}')).status !== 503);
  return rig;
}

test('a device that was never heard waits for its first message, and is silent when it stops', async (t) => {
  const rig = await start(t, '  pv-1: { http: { connector: meters }, points: { yield: { json: $.p, units: W, stale_after: 2s } } }\n');
  let seen = await rig.link('pv-1', /^connecting: waiting for its first message$/);
  assert.equal(seen.speaks_first, true);
  assert.equal(seen.last_answer, null);
  await rig.bad('pv-1/yield', /not yet known/);
  assert.equal((await rig.send('pv-1', '{"p":12}')).status, 204);
  await rig.shows('pv-1/yield', 12);
  seen = await rig.link('pv-1', /^up: $/);
  assert.ok(Date.now() - Date.parse(seen.last_answer) < 5000);
  await rig.link('pv-1', /^down: silent: none of its values came within its stale_after \(the longest is 2s\)/, 20000);
  await rig.bad('pv-1/yield', /stale/);
  assert.equal((await rig.send('pv-1', '{"p":13}')).status, 204);
  await rig.link('pv-1', /^up: $/);
});

test('refused messages say why, are counted by sender, and can be looked at', async (t) => {
  const rig = await start(t, '  pv-1: { http: { connector: meters }, points: { yield: { json: $.p, units: W }, x: { json: $.x } } }\n');
  assert.equal((await rig.send('pv-1', '{"p":12,"x":1}')).status, 204);
  const bad = await rig.send('pv-1', '{"p":"high","x":2}');
  assert.equal(bad.status, 422, bad.text);
  assert.match(bad.text, /high/);
  const broken = await rig.send('pv-1', '{"p":12,');
  assert.ok(broken.status === 400 || broken.status === 422, broken.text);
  await rig.shows('pv-1/x', 1); // nothing half applied
  const list = await rig.gateway.get('/api/v1/drivers/http/messages');
  const mine = list.refusals.filter(({ excerpt }) => excerpt.startsWith('{"p"'));
  assert.equal(mine.length, 2);
  assert.equal(mine[0].excerpt, '{"p":12,');
  assert.match(mine[1].why, /high/);
  assert.match(mine[1].where, /pv-1\/yield/);
  assert.ok(list.sources.some(({ refused, messages }) => refused >= 2 && messages >= 3), JSON.stringify(list.sources));
  const { stdout } = await rig.cli('drivers', 'http', '--refused');
  assert.match(stdout, /pv-1\/yield.*high/);
  const metrics = await (await fetch(`${rig.gateway.url}/metrics`)).text();
  assert.match(metrics, /busbar_messages_total\{protocol="http"\} \d/);
  assert.match(metrics, new RegExp(`busbar_messages_refused_total\\{protocol="http"\\} ${list.refused}\n`));
  const doctor = await rig.cli('doctor');
  assert.match(doctor.stdout, /http messages: \d+ of \d+ were refused/);
  assert.match(doctor.stdout, /busbar drivers http --refused/);
  const none = await rig.cli('drivers', 'modbus', '--refused');
  assert.notEqual(none.code, 0);
  assert.match(none.stderr, /sends messages by itself/);
});

test('ids that no device has are listed and proposed', async (t) => {
  const rig = await start(t, `  m-1: { http: { connector: meters, id: m-1, id_from: 'json $.id' }, points: { v: { json: $.v } } }
`);
  const answers = [await rig.send('', '{"id":"m-1","v":1}'), await rig.send('', '{"id":"m-9","v":2}')];
  await rig.shows('m-1/v', 1);
  const { unknown_ids: ids } = await until('the id is listed', async () => {
    const list = await rig.gateway.get('/api/v1/drivers/http/messages');
    return list.unknown_ids.length > 0 && list;
  }).catch((error) => { throw new Error(`${JSON.stringify(answers)} ${error.message}`); });
  assert.equal(ids[0].id, 'm-9');
  assert.equal(ids[0].sample, '{"id":"m-9","v":2}');
  const { stdout } = await rig.cli('drivers', 'http', '--unknown');
  assert.match(stdout, /m-9/);
  const { finds } = await rig.gateway.get('/api/v1/finds?protocol=http');
  assert.equal(finds.length, 1);
  assert.match(JSON.stringify(finds[0]), /id: \\"m-9\\"/);
  assert.match(JSON.stringify(finds[0]), /connector: /);
});
