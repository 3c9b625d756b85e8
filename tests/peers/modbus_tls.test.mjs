// SPDX-License-Identifier: Apache-2.0
// Modbus/TCP Security: pymodbus behind Python's TLS that demands a client certificate. Certificates are made here.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, startGateway, until } from '../support/gateway.mjs';
import { startPymodbus } from './modbus_peers.mjs';

const head = 'version: 1\nsite: { id: t, name: Test }\ndevices:\n';

/** An authority and certificates that it signed; `names` are their common names. */
function certificates(folder, authority, names) {
  const at = (file) => join(folder, file);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
    `/CN=${authority}`, '-keyout', at(`${authority}.key`), '-out', at(`${authority}.crt`));
  for (const name of names) {
    writeFileSync(at(`${name}.ext`), `subjectAltName=DNS:${name}\n`);
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout',
      at(`${name}.key`), '-out', at(`${name}.csr`));
    openssl('x509', '-req', '-days', '2', '-in', at(`${name}.csr`), '-CA', at(`${authority}.crt`), '-CAkey',
      at(`${authority}.key`), '-CAcreateserial', '-extfile', at(`${name}.ext`), '-out', at(`${name}.crt`));
  }
}

test('TLS with a client certificate; wrong authority, wrong name and no certificate are refused', async (t) => {
  const folder = makeFolder({});
  t.after(() => folder.remove());
  const at = (file) => join(folder.folder, file);
  certificates(folder.folder, 'plant', ['plc.test', 'gateway.test']);
  certificates(folder.folder, 'stranger', ['other.test']);
  const server = await startPymodbus('tls', at('plc.test.crt'), at('plc.test.key'), at('plant.crt'));
  t.after(() => server.stop());
  await server.set('holding', 0, [4711]);
  const device = (name, settings) =>
    `  ${name}:\n    modbus: { tls: "127.0.0.1:${server.port}", ${settings} }\n    points: { a: { holding: 0, every: 200ms } }\n`;
  const own = `certificate: ${at('gateway.test.crt')}, key: ${at('gateway.test.key')}`;
  folder.write(
    'site.yaml',
    head +
      device('right', `ca: ${at('plant.crt')}, ${own}, server_name: plc.test`) +
      device('wrong-authority', `ca: ${at('stranger.crt')}, ${own}, server_name: plc.test`) +
      device('wrong-name', `ca: ${at('plant.crt')}, ${own}, server_name: plc.example`) +
      device('no-certificate', `ca: ${at('plant.crt')}, server_name: plc.test`) +
      device('no-file', `ca: ${at('missing.crt')}, server_name: plc.test`),
  );
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  t.after(() => gateway.stop());
  await until('the right one is good', async () => (await gateway.point('right/a')).value === 4711);
  for (const name of ['wrong-authority', 'wrong-name', 'no-certificate', 'no-file']) {
    const seen = await until(`${name} is refused`, async () => {
      const row = await gateway.get(`/api/v1/devices/${name}`);
      return row.link === 'down' && row;
    });
    assert.notEqual(seen.error, '', name);
    const point = await gateway.point(`${name}/a`);
    assert.equal(point.value, null, name);
    assert.equal(point.quality, 'bad', name);
  }
  const { address } = await gateway.get('/api/v1/devices/right');
  assert.match(address, /^tls 127\.0\.0\.1:\d+/);
});
