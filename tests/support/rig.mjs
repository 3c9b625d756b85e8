// SPDX-License-Identifier: Apache-2.0
// A gateway of one site, and what tests of any protocol ask of it.
import assert from 'node:assert/strict';
import { makeFolder, run, startGateway, until } from './gateway.mjs';

export const head = 'version: 1\nsite: { id: t, name: Test }\n';

/** secrets: name -> value. config: text of site.yaml. */
export async function begin(t, config, { secrets = {} } = {}) {
  const folder = makeFolder({ 'site.yaml': config });
  for (const [name, value] of Object.entries(secrets)) {
    const { code, stderr } = await run(['secret', 'set', name, '--data', folder.data], { input: value });
    assert.equal(code, 0, stderr);
  }
  const rig = { folder, gateway: null };
  t.after(async () => {
    await rig.gateway?.stop();
    folder.remove();
  });
  rig.start = async () => {
    rig.gateway = await startGateway({ config: folder.site, data: folder.data });
  };
  rig.kill = () => rig.gateway.stop('SIGKILL');
  rig.point = (path) => rig.gateway.point(path);
  rig.device = (name = 'd1') => rig.gateway.get(`/api/v1/devices/${name}`);
  rig.values = async (device = 'd1') => {
    const { points } = await rig.gateway.get(`/api/v1/points?device=${device}&limit=10000`);
    return Object.fromEntries(points.map((point) => [point.path.split('/')[1], point]));
  };
  rig.good = (path, ms) => until(`${path} is good`, async () => {
    const seen = await rig.point(path);
    return seen.quality === 'good' && seen;
  }, ms);
  rig.shows = (path, value, ms) => until(`${path} is ${value}`, async () => {
    const seen = await rig.point(path);
    return seen.quality === 'good' && seen.value === value && seen;
  }, ms);
  rig.bad = (path, matching = /./, ms) => until(`${path} is bad: ${matching}`, async () => {
    const seen = await rig.point(path);
    return seen.quality !== 'good' && matching.test(`${seen.reason} | ${seen.detail}`) && seen;
  }, ms);
  rig.link = (name, matching, ms) => until(`link of ${name}: ${matching}`, async () => {
    const seen = await rig.device(name);
    return matching.test(`${seen.link}: ${seen.error}`) && seen;
  }, ms);
  rig.samples = async (path, from = 0) => {
    const all = [];
    for (let at = new Date(from || Date.now() - 3600e3).toISOString();;) {
      const answer = await rig.gateway.get(`/api/v1/samples/${path}?from=${at}&to=now&limit=100000`);
      all.push(...answer.samples);
      if (!answer.more) {
        return all;
      }
      at = answer.next;
    }
  };
  rig.cli = (...args) => rig.gateway.cli(args);
  rig.ok = async (...args) => {
    const { code, stdout, stderr } = await rig.gateway.cli(args);
    assert.equal(code, 0, `busbar ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  rig.write = (path, value) => rig.gateway.post(`/api/v1/points/${path}/write`, { confirmed: true, value });
  await rig.start();
  return rig;
}
