// SPDX-License-Identifier: Apache-2.0
// MIB modules that are not ours (of Debian's libsnmp-base and of npm's net-snmp): compiled by busbar and compared with what
// snmptranslate says of the same files, and what our own standard modules say compared with the real ones.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { makeFolder, run } from '../support/gateway.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const real = [join(here, 'node_modules/net-snmp/lib/mibs'), '/usr/share/snmp/mibs'];
const own = join(here, '../../src/drivers/snmp/mib/standard');
const BATCH = 60;
const names = real.flatMap((folder) => readdirSync(folder)).map((name) => name.replace(/\.(mib|txt)$/, ''));

let files;

before(() => {
  files = makeFolder({});
});
after(() => files.remove());

/** What busbar says of names or OIDs, by what was asked. */
async function translate(asked, mibs) {
  const told = new Map();
  for (let at = 0; at < asked.length; at += BATCH) {
    const part = asked.slice(at, at + BATCH);
    const args = ['snmp', 'translate', ...part, '--json', ...(mibs ? ['--mibs', mibs.join(', ')] : [])];
    const got = await run(args, { env: { ...process.env, XDG_CACHE_HOME: files.folder } });
    assert.equal(got.code, 0, got.stderr);
    JSON.parse(got.stdout).forEach((one, i) => told.set(part[i], one));
  }
  return told;
}

/** snmptranslate on the real files and nothing else. */
const said = (args) => execFileSync('snmptranslate', ['-M', real.join(':'), '-m', 'ALL', ...args],
  { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, SNMPCONFPATH: files.folder } });

/** What `snmptranslate -Td` prints of each, as objects. */
function details(oids) {
  const all = [];
  for (let at = 0; at < oids.length; at += BATCH) {
    for (const text of said(['-Td', ...oids.slice(at, at + BATCH)]).split(/\n(?=\S+::\S+\n)/)) {
      const one = (key) => text.match(new RegExp(`^ +(?:\\(.*\\) +)?${key}\\s+(.*)$`, 'm'))?.[1].trim();
      all.push({
        name: text.match(/::(\S+)/)[1],
        from: one('-- FROM')?.split(', ') ?? [],
        values: [...(one('SYNTAX')?.match(/\{(.*)\}/)?.[1] ?? '').matchAll(/([\w-]+)\((-?\d+)\)/g)].map((m) => `${m[1]}=${m[2]}`).sort(),
        convention: one('-- TEXTUAL CONVENTION') ?? '',
        units: one('UNITS')?.replaceAll('"', '') ?? '',
        hint: one('DISPLAY-HINT')?.replaceAll('"', '') ?? '',
        access: one('MAX-ACCESS') ?? '',
        indexes: one('INDEX')?.replace(/[{}]|IMPLIED/g, '').split(',').map((name) => name.trim()) ?? [],
      });
    }
  }
  return all;
}

test('every object of the real modules is what snmptranslate says', async () => {
  // below iso.org: what stands above has no OID that could be asked for
  const oids = said(['-To']).split('\n').filter((oid) => oid.split('.').length > 3);
  assert.ok(oids.length > 700, `${oids.length} objects`);
  const ours = await translate(oids.map((oid) => oid.slice(1)), real);
  const theirs = details(oids);
  assert.equal(theirs.length, oids.length);
  let compared = 0;
  for (const [i, oid] of oids.entries()) {
    const mine = ours.get(oid.slice(1));
    const yours = theirs[i];
    if (mine.object === undefined || mine.kind === 'node' || yours.from.length !== 1 || mine.object !== yours.name || !names.includes(mine.module)) {
      continue; // named twice, below a value, or of a module of ours that has taken over an old one
    }
    compared += 1;
    assert.equal(mine.module, yours.from[0], oid);
    if (yours.values.length > 0 || mine.convention === '') { // conventions of modules that only we have
      assert.deepEqual(mine.values.map((v) => `${v.name}=${v.value}`).sort(), yours.values, `${oid} ${mine.name}`);
    }
    assert.equal(mine.units, yours.units, oid);
    if (yours.convention !== '' && mine.hint !== '' && yours.hint !== '') {
      assert.equal(mine.convention, yours.convention, oid);
      assert.equal(mine.hint, yours.hint, oid);
    }
    if (mine.kind === 'scalar' || mine.kind === 'column') {
      assert.equal(mine.access, yours.access.replace('write-only', 'read-write'), oid);
    }
    if (mine.kind === 'row' && yours.indexes.length > 0) {
      assert.deepEqual(mine.indexes, yours.indexes, oid);
    }
  }
  assert.ok(compared > 350, `${compared} compared`);
});

test('names lead to the same OIDs as with snmptranslate', async () => {
  const asked = ['IF-MIB::ifOperStatus.7', 'sysUpTime.0', 'UCD-SNMP-MIB::laLoad.1', 'NET-SNMP-TC::linux',
    'ifXEntry', 'UCD-DISKIO-MIB::diskIODevice.3'];
  const ours = await translate(asked, real);
  const theirs = said(['-IR', '-On', ...asked]).trim().split(/\n+/);
  asked.forEach((name, i) => assert.equal(`.${ours.get(name).oid}`, theirs[i], name));
});

/** Objects that one of our files defines. */
const defined = (file) => [...readFileSync(join(own, file), 'utf8').matchAll(/^([a-z][\w-]*) (?:OBJECT-TYPE|NOTIFICATION-TYPE|OBJECT IDENTIFIER)/gm)].map((m) => m[1]);

test('our own modules say what the real ones say', async () => {
  const asked = readdirSync(own).map((name) => name.replace('.mib', '')).filter((name) => names.includes(name) && name !== 'RFC1213-MIB')
    .flatMap((name) => defined(`${name}.mib`).map((object) => `${name}::${object}`));
  assert.ok(asked.length > 200, `${asked.length} objects`);
  const ours = await translate(asked);
  const theirs = await translate(asked, real);
  const differences = [];
  for (const name of asked) {
    const [mine, yours] = [ours.get(name), theirs.get(name)];
    for (const key of ['oid', 'kind', 'syntax', 'access', 'indexes', 'objects', 'values']) {
      // the registry of interface types has grown since that file was written
      const grown = key === 'values' && mine.convention === 'IANAifType';
      if (!grown && !isDeepStrictEqual(mine[key], yours[key])) {
        differences.push(`${key} of ${name}: ${JSON.stringify(mine[key])}, really ${JSON.stringify(yours[key])}`);
      }
    }
  }
  assert.deepEqual(differences, []);
});
