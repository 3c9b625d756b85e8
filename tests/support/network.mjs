// SPDX-License-Identifier: Apache-2.0
// A network of a test's own behind a pair of virtual interfaces, that can die in silence: what is sent goes to a hardware
// address that nobody has. Nothing is refused, reset or unreachable then, as with a cable cut behind a switch.
import { execFileSync } from 'node:child_process';
import { start, until } from './gateway.mjs';

const NOBODY = '02:00:00:00:00:ff';

/** For `skip` of node:test; false where networks can be made. */
export const noNetworks = process.getuid() === 0 ? false : 'networks are made by root only';

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 10000 });

/** number: tells those of one test file apart. network.here, network.there: addresses of this side and the other. */
export function makeNetwork(t, number) {
  const name = `busbar-${process.pid}-${number}`;
  const [near, far] = ['n', 'f'].map((side) => `b${process.pid}${side}${number}`);
  const base = `10.${200 + (process.pid >> 8) % 50}.${process.pid & 255}`;
  const network = { here: `${base}.${4 * number + 1}`, there: `${base}.${4 * number + 2}` };
  const inside = (...args) => ip('-n', name, ...args);
  ip('netns', 'add', name);
  t.after(() => ip('netns', 'del', name));
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
  t.after(() => ip('link', 'del', near)); // the other with it; its network is there until the last program in it has ended
  ip('address', 'add', `${network.here}/30`, 'dev', near);
  ip('link', 'set', near, 'up');
  inside('address', 'add', `${network.there}/30`, 'dev', far);
  inside('link', 'set', far, 'up');
  inside('link', 'set', 'lo', 'up');
  network.cut = () => {
    ip('neigh', 'replace', network.there, 'lladdr', NOBODY, 'dev', near, 'nud', 'permanent');
    inside('neigh', 'replace', network.here, 'lladdr', NOBODY, 'dev', far, 'nud', 'permanent');
  };
  network.mend = () => {
    ip('neigh', 'del', network.there, 'dev', near);
    inside('neigh', 'del', network.here, 'dev', far);
  };
  /** A program on the other side. */
  network.start = (command, args, options) => start('ip', ['netns', 'exec', name, command, ...args], options);
  /** What comes to there:port goes to here:to. */
  network.relay = async (port, to) => {
    const relay = network.start('socat', [`TCP-LISTEN:${port},bind=${network.there},fork,reuseaddr,backlog=100`, `TCP:${network.here}:${to}`]);
    t.after(() => relay.stop('SIGKILL'));
    await until('the relay listens', () => listens(name, port));
  };
  return network;
}

function listens(name, port) {
  return ip('netns', 'exec', name, 'ss', '-Hltn', `sport = :${port}`).length > 0;
}
