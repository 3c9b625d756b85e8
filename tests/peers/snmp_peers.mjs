// SPDX-License-Identifier: Apache-2.0
// SNMP agents and senders that are not ours: Debian's snmpd and its tools, snmpsim, npm's net-snmp. Each is a private
// process with a folder of its own, on a free port of loopback.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freeUdpPort, sleep, start, until } from '../support/gateway.mjs';

const require = createRequire(import.meta.url);
export const snmp = require('net-snmp');

export const AUTH = 'authentic pass';
export const PRIV = 'very private pass';
/** For every site of these tests. */
export const secrets = { auth: AUTH, priv: PRIV, wrong: 'not the password', rw: 'private', odd: 'nobody knows', trap: 'trapcom' };

/** Our words for algorithms, and those of net-snmp's tools and of its createUser. */
export const auths = { MD5: 'MD5', SHA: 'SHA', 'SHA-224': 'SHA-224', 'SHA-256': 'SHA-256', 'SHA-384': 'SHA-384', 'SHA-512': 'SHA-512' };
export const privs = { DES: 'DES', 'AES-128': 'AES', 'AES-192': 'AES-192', 'AES-256': 'AES-256', 'AES-192-Cisco': 'AES-192-C', 'AES-256-Cisco': 'AES-256-C' };

export const userName = (auth, priv) => `u-${auth ?? 'none'}-${priv ?? 'none'}`.toLowerCase();

/** A UDP port that nobody has. */
export const freeUdp = freeUdpPort;

/** The environment of a net-snmp program: no MIB, no file of the machine; what it keeps over a restart is in `folder`. */
function quiet(folder) {
  return { ...process.env, MIBS: '', SNMP_PERSISTENT_DIR: folder, SNMPCONFPATH: folder };
}

/** Runs a tool of net-snmp; resolves with its lines, as [oid, value] where they are a variable. */
export async function tool(folder, name, args) {
  const home = mkdtempSync(join(folder, 'tool-'));
  const child = start(name, args, { env: quiet(home) });
  const { code } = await child.end();
  const lines = child.output.split('\n').filter((line) => line && !/^Created directory/.test(line));
  return { code, lines, output: child.output };
}

/** What a tool says of OIDs, without words of a MIB: oid -> value. args: who asks and whom. */
export async function read(folder, name, args, oids) {
  const { code, lines, output } = await tool(folder, name, ['-On', '-Oe', '-OQ', '-OU', '-Ot', ...args, ...oids]);
  if (code !== 0) {
    throw new Error(`${name} ${args.join(' ')}: ${output}`);
  }
  return new Map(lines.map((line) => {
    const at = line.indexOf(' = ');
    return [line.slice(1, at), line.slice(at + 3).replace(/^"(.*)"$/s, '$1')];
  }));
}

/** The arguments of a tool for a user of SNMPv3. */
export const as = (auth, priv, user = userName(auth, priv)) => ['-v3', '-u', user,
  '-l', priv ? 'authPriv' : auth ? 'authNoPriv' : 'noAuthNoPriv',
  ...(auth ? ['-a', auths[auth], '-A', AUTH] : []), ...(priv ? ['-x', privs[priv], '-X', PRIV] : [])];

/**
 * snmpd: community public reads, private writes; users: [auth, priv] pairs. Its engine id and its folder stay over
 * restart(), so its boots count on.
 */
export async function startSnmpd(folder, { users = [], engine = '80001f8804736e6d7064', address = '127.0.0.1', port: wanted, config = '' } = {}) {
  const home = mkdtempSync(join(folder, 'snmpd-'));
  const port = wanted ?? (await freeUdp(address));
  const host = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const agent = { port, host, target: address.includes(':') ? `udp6:${host}` : host, engine };
  const begin = async () => {
    writeFileSync(join(home, 'busbar.conf'), [`agentaddress udp${address.includes(':') ? '6' : ''}:${host}`,
      `exactEngineID 0x${agent.engine}`, 'rocommunity public', 'rwcommunity private', 'rocommunity6 public', 'sysServices 72',
      ...users.map(([auth, priv]) => `createUser ${userName(auth, priv)}${auth ? ` ${auths[auth]} "${AUTH}"` : ''}${priv ? ` ${privs[priv]} "${PRIV}"` : ''}`),
      ...users.map(([auth, priv]) => `rwuser ${userName(auth, priv)} ${priv ? 'priv' : auth ? 'auth' : 'noauth'}`), config, ''].join('\n'));
    agent.process = start('snmpd', ['-f', '-Lo', '-r', '-c', join(home, 'busbar.conf'), '-p', join(home, 'pid')], { env: quiet(home) });
    try {
      await until('snmpd listens', () => /NET-SNMP version/.test(agent.process.output));
    } catch (error) {
      await agent.stop('SIGKILL');
      throw error;
    }
  };
  agent.stop = (signal = 'SIGTERM') => agent.process.stop(signal);
  agent.restart = async ({ engine: other = agent.engine, forget = false } = {}) => {
    await agent.stop();
    if (forget || other !== agent.engine) { // boots count from 1 again; it would go on answering to the old id
      rmSync(join(home, 'snmpd.conf'));
    }
    agent.engine = other;
    await begin();
  };
  await begin();
  return agent;
}

/** snmpsim: recorded devices, by their community (v1, v2c) or context (v3, user "sim", SHA-256, AES-128). */
export async function startSnmpsim(folder, devices) {
  const home = mkdtempSync(join(folder, 'snmpsim-'));
  for (const name of ['data', 'cache']) {
    mkdirSync(join(home, name));
  }
  for (const [name, records] of Object.entries(devices)) {
    writeFileSync(join(home, 'data', `${name}.snmprec`), records.map((r) => `${r.join('|')}\n`).join(''));
  }
  const port = await freeUdp();
  const args = [`--data-dir=${home}/data`, `--cache-dir=${home}/cache`, `--agent-udpv4-endpoint=127.0.0.1:${port}`,
    '--v3-user=sim', '--v3-auth-proto=SHA256', `--v3-auth-key=${AUTH}`, '--v3-priv-proto=AES', `--v3-priv-key=${PRIV}`];
  if (process.getuid() === 0) { // it does not run as root
    args.push('--process-user=nobody', '--process-group=nogroup');
    for (const name of ['..', '.', 'data', 'cache']) {
      chmodSync(join(home, name), 0o777);
    }
  }
  const child = start('snmpsimd', args);
  let ended = false;
  child.exited.then(() => (ended = true));
  try {
    await until('snmpsim listens', () => ended || /Listening at UDP\/IPv4/.test(child.output), 30000);
    if (ended) {
      throw new Error(`snmpsim ended: ${child.output}`);
    }
  } catch (error) {
    await child.stop('SIGKILL');
    throw error;
  }
  return { host: `127.0.0.1:${port}`, port, stop: () => child.stop() };
}

/** npm's agent. providers: as its documentation has them; fill(mib): values. asked counts the OIDs it was asked for. */
export async function startAgent({ providers = [], fill = () => {}, users = [], engineID = '8000b98380616263646566', port } = {}) {
  const at = port ?? (await freeUdp());
  const agent = snmp.createAgent({ port: at, address: '127.0.0.1', disableAuthorization: false, engineID,
    accessControlModelType: snmp.AccessControlModelType.Simple }, (error) => {
    if (error) {
      agent.errors.push(error.message);
    }
  });
  agent.errors = [];
  const authorizer = agent.getAuthorizer();
  authorizer.addCommunity('public');
  authorizer.addCommunity('private');
  for (const user of users) {
    authorizer.addUser(user);
  }
  const access = authorizer.getAccessControlModel();
  access.setCommunityAccess('public', snmp.AccessLevel.ReadOnly);
  access.setCommunityAccess('private', snmp.AccessLevel.ReadWrite);
  for (const user of users) {
    access.setUserAccess(user.name, snmp.AccessLevel.ReadWrite);
  }
  agent.registerProviders(providers);
  try {
    fill(agent.getMib());
  } catch (error) {
    agent.close();
    throw error;
  }
  await sleep(50); // it does not tell when it listens
  return { agent, mib: agent.getMib(), port: at, host: `127.0.0.1:${at}`, errors: agent.errors,
    stop: () => new Promise((resolve) => agent.close(resolve)) };
}
