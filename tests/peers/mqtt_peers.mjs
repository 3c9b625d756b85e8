// SPDX-License-Identifier: Apache-2.0
// Debian's mosquitto as a private process, and the npm client that speaks as the devices do.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { begin as beginSite, head } from '../support/rig.mjs';
import { freePort, start, until } from '../support/gateway.mjs';

const mqtt = createRequire(import.meta.url)('mqtt');

export { head } from '../support/rig.mjs';

/** An authority, and certificates it signed: broker (127.0.0.1, localhost), client, and one of another authority. */
export function makeCertificates(folder) {
  const at = (name) => join(folder, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  for (const authority of ['ca', 'other']) {
    openssl('req', '-x509', ...key, '-days', '2', '-subj', `/CN=Test ${authority}`, '-keyout', at(`${authority}.key`), '-out', at(`${authority}.crt`));
  }
  const sign = (name, authority, subject, names) => {
    writeFileSync(at(`${name}.ext`), names ? `subjectAltName=${names}\n` : 'basicConstraints=CA:FALSE\n');
    openssl('req', ...key, '-subj', `/CN=${subject}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`));
    openssl('x509', '-req', '-days', '2', '-in', at(`${name}.csr`), '-CA', at(`${authority}.crt`), '-CAkey', at(`${authority}.key`), '-CAcreateserial',
      '-extfile', at(`${name}.ext`), '-out', at(`${name}.crt`));
  };
  sign('broker', 'ca', 'broker.test', 'DNS:broker.test,IP:127.0.0.1');
  sign('client', 'ca', 'gateway-1');
  sign('stranger', 'other', 'gateway-2');
  return at;
}

/**
 * A mosquitto on a free port. options: lines of its configuration; users: name -> password; acl: text; tls: `at` of
 * makeCertificates, mutual: clients need a certificate.
 */
export async function startBroker(folder, { options = '', users = null, acl = '', tls = null, mutual = false, port = null } = {}) {
  const broker = { port: port ?? (await freePort()), process: null };
  const home = join(folder, `broker-${broker.port}`);
  mkdirSync(home, { recursive: true });
  const lines = [`listener ${broker.port} 127.0.0.1`, 'persistence true', `persistence_location ${home}/`, 'autosave_interval 1',
    'autosave_on_changes true', 'max_queued_messages 0', 'log_type all', 'user root', options];
  if (users) {
    for (const [index, [name, password]] of Object.entries(users).entries()) {
      execFileSync('mosquitto_passwd', [...(index === 0 ? ['-c'] : []), '-b', join(home, 'passwords'), name, password], { stdio: 'pipe' });
    }
    lines.push(`password_file ${home}/passwords`);
  }
  lines.push(`allow_anonymous ${users || mutual ? 'false' : 'true'}`);
  if (acl) {
    writeFileSync(join(home, 'acl'), acl);
    lines.push(`acl_file ${home}/acl`);
  }
  if (tls) {
    lines.push(`cafile ${tls('ca.crt')}`, `certfile ${tls('broker.crt')}`, `keyfile ${tls('broker.key')}`);
    lines.push(...(mutual ? ['require_certificate true', 'use_identity_as_username true'] : []));
  }
  writeFileSync(join(home, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  broker.url = `mqtt${tls ? 's' : ''}://127.0.0.1:${broker.port}`;
  broker.start = async () => {
    broker.process = start('mosquitto', ['-c', join(home, 'mosquitto.conf')]);
    await until('mosquitto runs', () => /running/.test(broker.process.output));
  };
  broker.stop = (signal) => broker.process.stop(signal);
  broker.said = () => broker.process.output;
  await broker.start();
  return broker;
}

/** A client as a device is one; publish() resolves when the broker has it. heard: what came to `listen`. */
export async function connect(broker, options = {}) {
  const { listen = [], ...rest } = options;
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0, ...rest });
  const heard = [];
  client.on('message', (topic, payload, packet) => heard.push({ topic, text: payload.toString(), payload, packet }));
  for (const topic of listen) {
    await client.subscribeAsync(topic, { qos: 1 });
  }
  return {
    client,
    heard,
    say: (topic, payload, opts = {}) => client.publishAsync(topic, typeof payload === 'object' && !Buffer.isBuffer(payload) ? JSON.stringify(payload) : payload, { qos: 1, ...opts }),
    end: () => client.endAsync(true),
  };
}

/** The YAML of a site with one broker `b`: devices: name -> { settings, points, events, more }. */
export function site(broker, devices, { more = '', drivers = '' } = {}) {
  const text = Object.entries(devices).map(([name, { settings = '', points = {}, events = {}, extra = '' }]) => {
    const lines = Object.entries(points).map(([point, of]) => `      ${point}: ${of}\n`);
    const happen = Object.entries(events).map(([event, of]) => `      ${event}: ${of}\n`);
    return `  ${name}:\n    mqtt: { broker: b${settings ? `, ${settings}` : ''} }\n${extra}${lines.length ? `    points:\n${lines.join('')}` : ''}` +
      (happen.length ? `    events:\n${happen.join('')}` : '');
  });
  return `${head}drivers:\n  mqtt:\n${drivers}    brokers:\n      b: { url: "${broker.url}"${more ? `, ${more}` : ''} }\ndevices:\n${text.join('')}`;
}

export const begin = beginSite;

/** Folder, broker and a client that ends with the test. */
export async function speaker(t, broker, options) {
  const device = await connect(broker, options);
  t.after(() => device.end());
  return device;
}
