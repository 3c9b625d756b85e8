// SPDX-License-Identifier: Apache-2.0
// What is held by hand in a BACnet device over kills, silence and changes of the setup; and what a device that is not
// configured tells while other things go on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFolder, sleep, startGateway, startSim, until } from '../support/gateway.mjs';

let nets = 1;

/** Addresses and a port that no other test has. */
function makeNet() {
  const n = nets++;
  const port = 31000 + ((process.pid * 7 + n) % 8000);
  return { port, at: (i) => `127.3.${n}.${i}`, full: (i) => `127.3.${n}.${i}:${port}`,
    drivers: `drivers: { bacnet: { networks: { test: { interface: lo, address: 127.3.${n}.1/8, port: ${port} } } } }\n` };
}

const points = '{ sp: { object: "AV:1", units: degC, write: { min: 16, max: 26 } }, a: { object: "AI:1", units: degC } }';

function site(net, names, extra = '') {
  const devices = names.map((name, i) => `  ${name}:
    every: 200ms
    bacnet: { device: ${2001 + i}, address: "${net.full(2 + i)}", network: test, timeout: 300ms, retries: 1, cov: false${extra} }
    points: ${points}
`);
  return `version: 1\nsite: { id: t, name: T }\n${net.drivers}devices:\n${devices.join('')}`;
}

/** A simulator of `simulated` devices and a gateway that has the first `configured` of them. */
async function begin(t, { simulated = ['d1'], configured = simulated } = {}) {
  const net = makeNet();
  const all = makeFolder({ 'site.yaml': site(net, simulated) });
  const folder = makeFolder({ 'site.yaml': site(net, configured) });
  const rig = { net, folder, sim: await startSim(all.site) };
  t.after(async () => {
    await rig.gateway?.stop('SIGKILL');
    await rig.sim.stop('SIGKILL');
    all.remove();
    folder.remove();
  });
  rig.start = async () => {
    rig.gateway = await startGateway({ config: folder.site, data: folder.data });
    return rig.gateway;
  };
  rig.kill = () => rig.gateway.stop('SIGKILL');
  rig.ok = async (...args) => {
    const { code, stdout, stderr } = await rig.gateway.cli(args);
    assert.equal(code, 0, `busbar ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  rig.shows = (point, value, ms) => until(`${point} is ${value}`, async () => {
    const seen = await rig.gateway.point(point);
    return seen.quality === 'good' && seen.value === value && seen;
  }, ms);
  rig.holds = async () => (await rig.gateway.get('/api/v1/holds')).holds;
  /** Who has the slot of the priority array, as the device tells it: null is nobody. */
  rig.slot = async (priority) => {
    const nodes = JSON.parse(await rig.ok('device', 'browse', 'd1', 'analog-value:1', '--json'));
    const slot = (Array.isArray(nodes) ? nodes : nodes.nodes).find((node) => node.kind === 'priority' && node.name === String(priority));
    assert.ok(slot, `there is a slot ${priority}: ${JSON.stringify(nodes).slice(0, 2000)}`);
    return slot.value ?? null;
  };
  rig.journal = async () => (await rig.gateway.get('/api/v1/journal?limit=50')).entries;
  await rig.start();
  await rig.shows('d1/sp', 21);
  return rig;
}

const write = ['--yes', '--priority', '10'];

test('a hold whose end passes while the gateway is dead is released at once, by busbar', { timeout: 90000 }, async (t) => {
  const rig = await begin(t);
  await rig.ok('point', 'write', 'd1/sp', '25', '--for', '3s', ...write);
  await rig.shows('d1/sp', 25);
  assert.equal(await rig.slot(10), 25);
  await rig.kill();
  await sleep(3500);
  await rig.start();
  const started = Date.now();
  await rig.shows('d1/sp', 21);
  assert.ok(Date.now() - started < 6000, 'at once');
  await until('nothing is held', async () => (await rig.holds()).length === 0);
  assert.equal(await rig.slot(10), null);
  const entry = await until('the journal says so', async () =>
    (await rig.journal()).find(({ what, path }) => what === 'release' && path === 'd1/sp'));
  assert.equal(entry.who, 'busbar');
});

test('a hold that ends while the device is silent is released when it is back, over a kill too', { timeout: 90000 }, async (t) => {
  const rig = await begin(t);
  await rig.ok('point', 'write', 'd1/sp', '24', '--for', '2s', ...write);
  await rig.shows('d1/sp', 24);
  await rig.sim.control('d1=silence');
  await rig.kill();
  await rig.start();
  const held = await until('it was tried', async () => (await rig.holds()).find(({ failures }) => failures > 0), 20000);
  assert.equal(held.path, 'd1/sp');
  assert.notEqual(held.trouble, '');
  await rig.sim.control('d1=none');
  await rig.shows('d1/sp', 21, 30000);
  await until('nothing is held', async () => (await rig.holds()).length === 0);
  assert.equal(await rig.slot(10), null);
});

test('released by hand: the slot is empty, and it stays so after its time', { timeout: 60000 }, async (t) => {
  const rig = await begin(t);
  await rig.ok('point', 'write', 'd1/sp', '23', '--for', '4s', ...write);
  await rig.shows('d1/sp', 23);
  assert.equal((await rig.holds())[0].priority, 10);
  await rig.ok('point', 'release', 'd1/sp', '--priority', '10', '--yes');
  await rig.shows('d1/sp', 21);
  assert.deepEqual(await rig.holds(), []);
  assert.equal(await rig.slot(10), null);
  await sleep(4500);
  const releases = (await rig.journal()).filter(({ what }) => what === 'release');
  assert.equal(releases.length, 1, JSON.stringify(releases));
  assert.notEqual(releases[0].who, 'busbar');
});

test('a hold of a device that an apply takes away is shown until it is forgotten, or the device is back', { timeout: 90000 }, async (t) => {
  const rig = await begin(t, { simulated: ['d1', 'd2'] });
  await rig.shows('d2/sp', 21);
  await rig.ok('point', 'write', 'd2/sp', '25', '--for', '2s', ...write);
  await rig.shows('d2/sp', 25);
  rig.folder.write('site.yaml', site(rig.net, ['d1']));
  await rig.ok('config', 'apply');
  const [held] = await rig.holds();
  assert.equal(held.path, 'd2/sp');
  assert.equal(held.configured, false);
  await sleep(2500);
  assert.equal((await rig.holds()).length, 1, 'nobody can release it now');
  assert.match(await rig.ok('point', 'list', '--manual'), /d2\/sp/);
  rig.folder.write('site.yaml', site(rig.net, ['d1', 'd2']));
  await rig.ok('config', 'apply');
  await rig.shows('d2/sp', 21, 30000);
  await until('nothing is held', async () => (await rig.holds()).length === 0);
});

test('a device that is not configured is browsed, by two at once, and while the setup changes', { timeout: 120000 }, async (t) => {
  const rig = await begin(t, { simulated: ['d1', 'd2'], configured: ['d1'] });
  const found = await rig.ok('discover', 'bacnet', 'test');
  assert.match(found, /2002/);
  const { finds } = await rig.gateway.get('/api/v1/finds?protocol=bacnet');
  const { find } = finds.find(({ key }) => key === '2002');
  const tree = (text) => {
    assert.match(text, /analog-value:1/);
    assert.match(text, /analog-input:1/);
  };
  tree(await rig.ok('device', 'browse', '--find', String(find)));
  const ended = async (id) => until(`browse ${id} ends`, async () => {
    const browse = await rig.gateway.get(`/api/v1/browses/${id}?limit=500`);
    return browse.state !== 'running' && browse;
  }, 30000);
  const begun = async () => {
    const { status, body } = await rig.gateway.post('/api/v1/browses', { find });
    assert.equal(status, 202, JSON.stringify(body));
    return body.id;
  };
  const ids = await Promise.all([begun(), begun()]);
  for (const browse of await Promise.all(ids.map(ended))) {
    assert.equal(browse.state, 'done', browse.message);
    assert.ok(browse.nodes.some(({ id }) => id === 'analog-value:1'), JSON.stringify(browse.nodes));
  }
  // An apply that changes the networks ends a browse or lets it go on, and says which; the next one works.
  await rig.sim.control('d2=slow:200ms');
  const id = await begun();
  rig.folder.write('site.yaml', site(rig.net, ['d1']).replace('networks: {', 'networks: { other: { interface: lo, address: 127.3.200.1/8, port: 30999 },'));
  await rig.ok('config', 'apply');
  const cut = await ended(id);
  assert.match(cut.message, cut.state === 'done' ? /^$/ : /configuration changed meanwhile/, JSON.stringify({ ...cut, nodes: cut.nodes.length }));
  await rig.sim.control('d2=none');
  const again = await ended(await begun());
  assert.equal(again.state, 'done', again.message);
  await rig.shows('d1/sp', 21);
});
