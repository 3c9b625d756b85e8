// SPDX-License-Identifier: Apache-2.0
// BACnet over real networks: hosts in network namespaces of their own, joined by bridges. The middle namespace is the
// switch of both networks, and the IP router between them, which passes no broadcast: as in a building.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, program, run, start, until } from '../support/gateway.mjs';

const script = join(import.meta.dirname, 'bacnet_host.mjs');
const port = 47808;
let nets = 0;

const ip = (...args) => execFileSync('ip', args, { stdio: 'pipe' });

/** Why there can be no namespaces here; null: there can. */
function trouble() {
  const name = `bb${process.pid}try`;
  try {
    ip('netns', 'add', name);
  } catch (error) {
    return `network namespaces cannot be made here (root is needed): ${String(error.stderr ?? error.message).trim()}`;
  }
  try {
    ip('-n', name, 'link', 'add', 'name', 'br0', 'type', 'bridge');
    return null;
  } catch (error) {
    return `no bridges in this kernel: ${String(error.stderr).trim()}`;
  } finally {
    ip('netns', 'del', name);
  }
}

const skip = trouble() ?? false;

/** Networks 10.77.1.0/24 and 10.77.2.0/24. */
function makeNetworks(t) {
  const id = `bb${process.pid}n${nets++}`;
  const middle = `${id}m`;
  const names = [middle];
  const children = [];
  t.after(async () => {
    await Promise.all(children.map((child) => child.stop()));
    names.forEach((name) => ip('netns', 'del', name));
  });
  ip('netns', 'add', middle);
  ip('netns', 'exec', middle, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  for (const lan of [1, 2]) {
    ip('-n', middle, 'link', 'add', 'name', `br${lan}`, 'type', 'bridge');
    ip('-n', middle, 'address', 'add', `10.77.${lan}.254/24`, 'dev', `br${lan}`);
    ip('-n', middle, 'link', 'set', `br${lan}`, 'up');
  }
  let cables = 0;
  /** A host with a card eth0, eth1 ... for each address "LAN.N". */
  const host = (name, ...addresses) => {
    const namespace = `${id}${name}`;
    ip('netns', 'add', namespace);
    names.push(namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    for (const [i, address] of addresses.entries()) {
      const lan = address.split('.')[0];
      const cable = `c${cables++}`;
      ip('link', 'add', cable, 'netns', middle, 'type', 'veth', 'peer', 'name', `eth${i}`, 'netns', namespace);
      ip('-n', middle, 'link', 'set', cable, 'master', `br${lan}`);
      ip('-n', middle, 'link', 'set', cable, 'up');
      ip('-n', namespace, 'address', 'add', `10.77.${address}/24`, 'broadcast', '+', 'dev', `eth${i}`);
      ip('-n', namespace, 'link', 'set', `eth${i}`, 'up');
      if (i === 0) {
        ip('-n', namespace, 'route', 'add', 'default', 'via', `10.77.${lan}.254`);
      }
    }
    const inside = (command, args, options) => {
      const child = start('ip', ['netns', 'exec', namespace, command, ...args], options);
      children.push(child);
      return child;
    };
    return { namespace, inside };
  };
  /** A host with a role of bacnet_host.mjs. */
  host.play = async (name, addresses, role) => {
    const child = host(name, ...addresses).inside(process.execPath, [script, JSON.stringify({ port, ...role })]);
    await until(`${name} is ready`, () => {
      assert.equal(child.child.exitCode, null, child.output);
      return child.output.includes('ready\n');
    });
    return child;
  };
  return host;
}

const device = (address, instance, value, library = 'node-bacnet') => ({ role: 'device', library, instance, value,
  address: `10.77.${address}`, broadcast: `10.77.${address.split('.')[0]}.255` });

/** A gateway in a host's namespace; asked over its Unix socket, which namespaces share. */
async function startGateway(t, host, yaml) {
  const folder = makeFolder({ 'site.yaml': `version: 1\nsite: { id: t, name: Test }\n${yaml}` });
  const socketPath = join(folder.folder, 'socket');
  const child = host.inside(program, ['run', '--config', folder.site, '--data', folder.data, '--http', '127.0.0.1:9080',
    '--time-series', 'off', '--socket', socketPath]);
  t.after(() => folder.remove());
  const get = (path) => new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: 10000 }, (answer) => {
      let body = '';
      answer.on('data', (data) => (body += data));
      answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(body)) : reject(new Error(body))));
    });
    asked.on('error', reject);
    asked.end();
  });
  await until('the gateway answers', () => {
    assert.equal(child.child.exitCode, null, child.output);
    return get('/api/v1/health');
  });
  return { child, get, shows: (point, value) => until(`${point} is ${value}`, async () => {
    const seen = await get(`/api/v1/points/${point}`);
    return seen.quality === 'good' && seen.value === value && seen;
  }, 30000),
  discover: async (...args) => {
    const { code, stdout, stderr } = await run(['discover', 'bacnet', ...args, '--server', `unix:${socketPath}`]);
    assert.equal(code, 0, stderr + stdout);
    return stdout;
  } };
}

const point = 'points: { temperature: { object: "analog-input:1" } }';

test('devices on our own network are found by broadcast', { skip }, async (t) => {
  const host = makeNetworks(t);
  await host.play('a', ['1.21'], device('1.21', 2001, 21.5));
  await host.play('b', ['1.22'], device('1.22', 2002, 22.5, '@bacnet-js/client'));
  await host.play('d', ['1.24'], { ...device('1.24', 2004, 24.5), shout: true });
  await host.play('c', ['2.23'], device('2.23', 2003, 23.5));
  const gateway = await startGateway(t, host('g', '1.1'), `
drivers: { bacnet: { networks: { roof: { interface: eth0 } } } }
devices:
  one: { every: 500ms, bacnet: { device: 2001 }, ${point} }
  two: { every: 500ms, bacnet: { device: 2002 }, ${point} }
  three: { every: 500ms, bacnet: { device: 2003 }, ${point} }
  four: { every: 500ms, bacnet: { device: 2004 }, ${point} }
`);
  await gateway.shows('one/temperature', 21.5);
  await gateway.shows('two/temperature', 22.5);
  await gateway.shows('four/temperature', 24.5);
  const found = await gateway.discover();
  assert.match(found, /2001/);
  assert.match(found, /2002/);
  assert.doesNotMatch(found, /2003/); // behind the IP router, which passes no broadcast
  const far = await gateway.get('/api/v1/points/three/temperature');
  assert.notEqual(far.quality, 'good');
});

test('behind an IP router: as a foreign device of a BBMD', { skip }, async (t) => {
  const host = makeNetworks(t);
  await host.play('a', ['2.21'], device('2.21', 2001, 21.5));
  const bbmd = await host.play('b', ['2.9'], { role: 'bbmd', address: '10.77.2.9', broadcast: '10.77.2.255', refuse: 1 });
  const gateway = await startGateway(t, host('g', '1.1'), `
drivers: { bacnet: { networks: { roof: { interface: eth0, foreign: "10.77.2.9:47808", ttl: 30s } } } }
devices:
  one: { every: 500ms, bacnet: { device: 2001 }, ${point} }
`);
  await until('it is refused', () => bbmd.output.includes('refused 10.77.1.1:47808 30'));
  await until('and tries again', () => bbmd.output.includes('registered 10.77.1.1:47808 30'), 30000);
  await gateway.shows('one/temperature', 21.5);
  assert.match(bbmd.output, /distributed 10\.77\.1\.1:47808/);
  assert.match(await gateway.discover(), /2001/);
  const network = await until('its table is read', async () => {
    const { drivers } = await gateway.get('/api/v1/drivers');
    return drivers.find((d) => d.protocol === 'bacnet').facts.find((f) => f.name === 'BBMDs');
  });
  assert.equal(network.text, '10.77.2.9:47808');
  const renewals = () => bbmd.output.match(/^registered/gm).length;
  const before = renewals();
  await until('it is renewed before its time is over', () => renewals() > before, 25000);
  bbmd.child.kill('SIGUSR1');
  await until('the BBMD forgets all', () => bbmd.output.includes('forgotten'));
  const known = renewals();
  await gateway.discover();
  await until('it registers at once when it hears that', () => renewals() > known, 3000);
  await gateway.child.stop();
  await until('it leaves', () => bbmd.output.includes('deleted 10.77.1.1:47808'));
});

test('behind a BACnet router: found, read, and the router is learned', { skip }, async (t) => {
  const host = makeNetworks(t);
  await host.play('a', ['2.21'], device('2.21', 2001, 21.5, '@bacnet-js/client'));
  const router = await host.play('r', ['1.9', '2.9'], { role: 'router', sides: [
    { number: 1, address: '10.77.1.9', broadcast: '10.77.1.255' },
    { number: 7, address: '10.77.2.9', broadcast: '10.77.2.255' }] });
  const gateway = await startGateway(t, host('g', '1.1'), `
drivers: { bacnet: { networks: { roof: { interface: eth0 } } } }
devices:
  looked-for: { every: 500ms, bacnet: { device: 2001 }, ${point} }
  told: { every: 500ms, bacnet: { device: 2001, remote_network: 7, remote_mac: "10.77.2.21:47808" }, ${point} }
`);
  await gateway.shows('told/temperature', 21.5);
  await gateway.shows('looked-for/temperature', 21.5);
  assert.match(router.output, /i-am-router 7/);
  const found = await gateway.discover();
  assert.match(found, /2001/);
  assert.match(found, /network 7/);
});
