// SPDX-License-Identifier: Apache-2.0
// `busbar sink test` against a real PostgreSQL: what it finds where all is well, and in each way a person gets an address, a
// login, a certificate, a database wrong; and the ways to log in that there are.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { beginSink } from '../faults/sinks_rig.mjs';
import { noPostgres } from '../support/postgres.mjs';
import { until } from '../support/gateway.mjs';

/** name -> settings, and what must be found: [verdict, what, text or hint]. */
const sinks = (server, http) => ({
  altered: { schema: 'altered', finds: [['bad', 'schema', /quality/]] },
  bare: { schema: 'bare', make: false, finds: [['bad', 'schema', /no schema 'bare'.*busbar sink sql bare/s]] },
  made: { schema: 'made', finds: [['warn', 'schema', /no schema 'made'/], ['ok', 'rights', /may make the tables/]] },
  password: { password: '!secret wrong', finds: [['bad', 'login', /does not take the password of user busbar.*busbar secret set/s]] },
  nobody: { user: 'nobody', finds: [['bad', 'login', /does not take the password of user nobody/]] },
  database: { postgres: `host=127.0.0.1 port=${server.port} dbname=other`, finds: [['bad', 'login', /no database other.*CREATE DATABASE other/s]] },
  name: { postgres: `host=nowhere.invalid port=${server.port} dbname=plant`, finds: [['bad', 'name', /nowhere\.invalid is not found/]] },
  port: { postgres: 'host=127.0.0.1 port=1 dbname=plant', finds: [['bad', 'address', /refuses the connection.*listen_addresses/s]] },
  http: { postgres: `host=127.0.0.1 port=${http} dbname=plant`, finds: [['bad', /./, /no PostgreSQL server/]] },
  trust: { ca: null, finds: [['bad', 'TLS', /signed by no authority in the system's list/]] },
  names: { postgres: `host=localhost.localdomain hostaddr=127.0.0.1 port=${server.port} dbname=plant`, finds: [['bad', /./, /for another name/]] },
  plain: { sslmode: 'disable', ca: null, finds: [['ok', 'TLS', /none, which is fine on this machine/]] },
  hosts: { postgres: `host=127.0.0.1,localhost port=1,${server.port} dbname=plant`, finds: [['ok', 'address', new RegExp(`localhost:${server.port}`)]] },
  url: { postgres: `postgresql://127.0.0.1:${server.port}/plant`, finds: [['ok', 'login', /user busbar, database plant/]] },
  certificate: { user: 'machine', password: null, certificate: `${server.folder}/client.pem`, key: `${server.folder}/client.key`,
    finds: [['ok', 'login', /user machine/], ['bad', 'rights', /may not make the tables.*GRANT CREATE ON DATABASE plant TO machine/s]], schema: 'own' },
});

const text = (settings) => Object.entries(settings).filter(([key, value]) => key !== 'finds' && value !== null)
  .map(([key, value]) => `    ${key}: ${typeof value === 'string' && !value.startsWith('!') ? JSON.stringify(value) : value}`).join('\n');

describe('sink test', { skip: noPostgres }, () => {
  const ends = [];
  let rig;
  let listener;
  before(async () => {
    listener = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
    rig = await beginSink({ after: (end) => ends.push(end) }, {
      postgres: { tls: 'good' }, rate: 50,
      sink: (server) => `sslmode: verify-full\nca: ${server.ca}`,
      more: (server) => Object.entries(sinks(server, listener.address().port)).map(([name, settings]) => `  ${name}:\n${text({
        postgres: server.target, user: 'busbar', password: '!secret plant-db', sslmode: 'verify-full', ca: server.ca,
        enabled: false, ...settings })}`).join('\n'),
      secrets: { wrong: 'not it' },
    });
    const { server } = rig;
    server.sql('CREATE ROLE machine LOGIN');
    server.hba('hostssl all machine 127.0.0.1/32 cert map=m\nhost all all 127.0.0.1/32 scram-sha-256');
    server.ident('m busbar machine');
    server.reload();
    await rig.published(10);
    server.sql('CREATE SCHEMA altered AUTHORIZATION busbar');
    for (const [table] of server.psql("SELECT tablename FROM pg_tables WHERE schemaname = 'busbar'").trim().split('\n').map((line) => [line])) {
      if (!/^sample_/.test(table)) {
        server.sql(`CREATE TABLE altered.${table} (LIKE busbar.${table} INCLUDING ALL); ALTER TABLE altered.${table} OWNER TO busbar`);
      }
    }
    server.sql('INSERT INTO altered.meta SELECT * FROM busbar.meta; ALTER TABLE altered.sample DROP COLUMN quality');
  });
  after(async () => {
    rig.sender.running = false;
    listener?.close();
    for (const end of ends.reverse()) {
      await end();
    }
  });

  const look = async (name) => {
    const { stdout, stderr } = await rig.gateway.cli(['sink', 'test', name]);
    return `${stdout}${stderr}`;
  };

  test('all is well', async () => {
    const found = await until('it is well', async () => {
      const seen = await look('plant');
      assert.doesNotMatch(seen, /^bad/m, seen);
      return seen;
    });
    for (const what of ['address', 'login', 'TLS', 'server', 'writes', 'encoding', 'clock', 'connections', 'space', 'schema', 'rights', 'partitions']) {
      assert.match(found, new RegExp(`^ok +${what}: `, 'm'));
    }
    assert.match(found, /^warn +certificate: CN = localhost, signed by CN = busbar test authority, valid for 1\d days/m);
  });

  for (const name of Object.keys(sinks({}, 0))) {
    test(name, async () => {
      const found = await look(name);
      for (const [verdict, what, matching] of sinks(rig.server, 0)[name].finds) {
        const from = found.search(new RegExp(`^${verdict} +${what.source ? '\\S+' : what}: `, 'm'));
        assert.ok(from >= 0, `no '${verdict} ${what}' in:\n${found}`);
        assert.match(found.slice(from).replace(/\n {6}hint/g, ' hint'), matching);
      }
    });
  }

  test('nothing was made or changed by that', () => {
    assert.deepEqual(rig.server.rows("SELECT nspname FROM pg_namespace WHERE nspname IN ('bare', 'made', 'own')"), []);
  });
});
