// SPDX-License-Identifier: Apache-2.0
// A full disk: nothing is acknowledged, the broker keeps it, and repeats all of it once there is room; subscriptions, and what
// the gateway says of itself, are as before.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, site, startBroker } from '../peers/mqtt_peers.mjs';
import { fillDisk } from '../support/disk.mjs';
import { makeFolder, startGateway, until } from '../support/gateway.mjs';

const options = { timeout: 180000, skip: process.getuid() !== 0 && 'a small disk can be mounted by root only' };

/** clean: the session begins with the gateway, not with each connection. */
const fill = (clean) => async (t) => {
  const home = makeFolder({});
  const broker = await startBroker(home.folder);
  const config = site(broker, { d1: { settings: 'topic: "full/+"', points: { n: '{ json: $.n }', pad: '{ json: $.pad }' } } },
    { more: `status_topic: gw/full, client_id: full-gate, clean: ${clean}` });
  const folder = makeFolder({ 'site.yaml': config });
  mkdirSync(folder.data);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=15m', 'tmpfs', folder.data]);
  const device = await connect(broker, { listen: ['gw/full'] });
  let gateway = null;
  t.after(async () => {
    await gateway?.stop('SIGKILL');
    execFileSync('umount', ['-l', folder.data]);
    folder.remove();
    await device.end();
    await broker.stop();
    home.remove();
  });
  gateway = await startGateway({ config: folder.site, data: folder.data });
  let n = 0;
  const say = () => device.say('full/d1', { n: ++n, pad: 'x'.repeat(20000) + n });
  const shows = (value, ms) => until(`d1/n is ${value}`, async () => (await gateway.point('d1/n')).value === value, ms);
  await until('it is subscribed', async () => {
    await say();
    return (await gateway.point('d1/n')).value === n;
  });
  fillDisk(join(folder.data, 'filler'));
  const from = n + 1;
  await until('it connects anew', async () => {
    await say();
    return /connecting anew/.test(gateway.output);
  }, 60000);
  const last = n;
  rmSync(join(folder.data, 'filler'));
  await until('all of it is stored', async () => {
    const { samples } = await gateway.get(`/api/v1/samples/d1/n?from=${new Date(Date.now() - 3600e3).toISOString()}&to=now&limit=100000`);
    const stored = new Set(samples.map((sample) => sample[1]));
    const lost = Array.from({ length: last - from + 1 }, (_, i) => from + i).filter((one) => !stored.has(one));
    assert.deepEqual(lost.slice(0, 5), []);
    return true;
  }, 60000);
  await say();
  await shows(n, 30000);
  assert.equal(device.heard.at(-1).text, 'online');
  const { devices } = await gateway.get('/api/v1/status');
  assert.equal(devices.up, 1);
  await gateway.stop();
  await until('it says that it goes', () => device.heard.at(-1).text === 'offline');
};

test('disk full: what came meanwhile is stored when there is room, and the next messages, too', options, fill(false));
test('disk full: the same with a clean session', options, fill(true));
