// SPDX-License-Identifier: Apache-2.0
// busbar snmp translate and mibs, and a site with modules of its own: checked, started from the cache, applied when a
// module changed.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolder, run, startGateway } from '../support/gateway.mjs';

const acme = (states) => `ACME-MIB DEFINITIONS ::= BEGIN
IMPORTS enterprises, OBJECT-TYPE FROM SNMPv2-SMI;
acme OBJECT IDENTIFIER ::= { enterprises 99999 }
acmeState OBJECT-TYPE SYNTAX INTEGER { ${states} } MAX-ACCESS read-only STATUS current
    DESCRIPTION "How it is." ::= { acme 1 }
END
`;
const site = `version: 1
drivers:
  snmp: { mibs: mibs }
devices:
  box:
    snmp: { host: 127.0.0.1, version: 2c, timeout: 100ms }
    points: { state: { oid: acmeState } }
`;

let folder;
let mibs;
const busbar = (...args) => run(['snmp', ...args], { env: { XDG_CACHE_HOME: join(folder.folder, 'user'), NO_COLOR: '1' } });

before(() => {
  folder = makeFolder({ 'site.yaml': site });
  mibs = join(folder.site, 'mibs');
  mkdirSync(mibs);
  writeFileSync(join(mibs, 'from the vendor.txt'), acme('off(1), on(2)'));
});
after(() => folder.remove());

test('a name becomes its number, a number its name', async () => {
  const shown = await busbar('translate', 'IF-MIB::ifOperStatus.7');
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /^IF-MIB::ifOperStatus\.7\n {2}oid +1\.3\.6\.1\.2\.1\.2\.2\.1\.8\.7\n/);
  assert.match(shown.stdout, /values +up\(1\), down\(2\)/);
  const json = await busbar('translate', '1.3.6.1.2.1.33.1.2.4.0', 'linkUp', '--json');
  const [charge, link] = JSON.parse(json.stdout);
  assert.equal(charge.name, 'UPS-MIB::upsEstimatedChargeRemaining.0');
  assert.equal(charge.units, 'percent');
  assert.deepEqual(charge.ranges, [{ low: 0, high: 100 }]);
  assert.deepEqual(link.objects, ['ifIndex', 'ifAdminStatus', 'ifOperStatus']);
  const csv = await busbar('translate', 'sysName', '--csv');
  assert.equal(csv.stdout, 'name,oid,kind,syntax,access,units\nSNMPv2-MIB::sysName.0,1.3.6.1.2.1.1.5.0,scalar,OCTET STRING,read-write,\n');
});

test('a name that nobody knows says which may be meant', async () => {
  const told = await busbar('translate', 'sysUptime', 'sysName');
  assert.equal(told.code, 2);
  assert.match(told.stderr, /no MIB module knows 'sysUptime'\nhint: +did you mean 'sysUpTime'/);
  assert.match(told.stdout, /SNMPv2-MIB::sysName\.0/); // the others are told all the same
});

test('modules of a folder, and what is wrong with them', async () => {
  const fine = await busbar('mibs', mibs);
  assert.equal(fine.code, 0, fine.stderr);
  assert.match(fine.stdout, /ACME-MIB\t2\t.*from the vendor\.txt/);
  assert.ok(existsSync(join(folder.folder, 'user/busbar')));
  const broken = makeFolder({ 'site.yaml': '' });
  writeFileSync(join(broken.site, 'b.mib'), 'B-MIB DEFINITIONS ::= BEGIN\nIMPORTS x FROM MISSING-MIB;\ny OBJECT IDENTIFIER ::= { x 1 }\nEND\n');
  const told = await busbar('mibs', broken.site);
  assert.equal(told.code, 3);
  assert.match(told.stderr, /b\.mib:2: warning: B-MIB: it imports MISSING-MIB, which is in no file/);
  const json = JSON.parse((await busbar('mibs', broken.site, '--json')).stdout);
  assert.deepEqual(json.problems.map(({ line }) => line), [2, 3]);
  assert.deepEqual(json.modules.map(({ module }) => module), ['B-MIB']);
  broken.remove();
  const none = await busbar('mibs', '/no/such/folder');
  assert.equal(none.code, 5);
  const own = await busbar('translate', 'acmeState', '--mibs', mibs);
  assert.match(own.stdout, /ACME-MIB::acmeState\.0\n {2}oid +1\.3\.6\.1\.4\.1\.99999\.1\.0/);
});

test('a gateway keeps what it compiled, and takes up a module that changed', async () => {
  const gateway = await startGateway({ config: folder.site, data: folder.data });
  try {
    const cache = () => readdirSync(join(folder.data, 'cache'));
    assert.equal(cache().length, 1);
    const states = async () => (await gateway.get('/api/v1/points/box/state')).enum;
    const before_ = JSON.stringify(await states());
    assert.match(before_, /off/);
    writeFileSync(join(mibs, 'from the vendor.txt'), acme('off(1), on(2), broken(3)'));
    const applied = await run(['config', 'apply', '--yes'], { env: { BUSBAR_SERVER: gateway.server } });
    assert.equal(applied.code, 0, applied.stderr);
    assert.equal(cache().length, 2);
    assert.match(JSON.stringify(await states()), /broken/);
  } finally {
    await gateway.stop();
  }
});
