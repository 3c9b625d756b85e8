// SPDX-License-Identifier: Apache-2.0
// What people and machines do to a database that a gateway publishes to, one after the other, under load: each is said in
// words, with what to do, by `busbar sink show`; collecting goes on; once it is mended all of it is there, once, in order.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPostgres, noPostgres } from '../support/postgres.mjs';
import { sleep, until } from '../support/gateway.mjs';
import { beginSink } from './sinks_rig.mjs';

/** Ends the gateway's sessions, so that what was changed is met at the next login. */
const cut = (server) => server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'busbar'", 'postgres');

/** A session that holds a lock on the table until end(). */
async function lockTable(server, table) {
  const psql = spawn(join(findPostgres(), 'psql'), ['-X', '-q', '-h', server.folder, '-p', String(server.port), '-U', 'admin',
    '-d', 'plant'], { stdio: ['pipe', 'pipe', 'inherit'] });
  psql.stdin.write(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n`);
  await new Promise((resolve) => psql.stdout.on('data', (text) => /locked/.test(text) && resolve()));
  return { end: () => new Promise((resolve) => {
    psql.on('close', resolve);
    psql.stdin.end('ROLLBACK;\n');
  }) };
}

const TABLE = 'busbar.sample';
/** name, what happens, what is said, how it is mended. `cut`: the sessions are ended after it happened. */
const faults = [
  { name: 'a session is ended by a person', happens: cut, says: /ended the connection.*administrator command/s },
  {
    name: 'the right to insert is revoked',
    happens: (server) => server.sql(`REVOKE INSERT ON ${TABLE} FROM busbar`),
    says: /(permission denied for table sample|lacks|may not).*hint.*busbar sink sql/is,
    mend: (server) => server.sql(`GRANT INSERT ON ${TABLE} TO busbar`),
  },
  {
    name: 'the user may not log in any more', cut: true,
    happens: (server) => server.sql('ALTER ROLE busbar NOLOGIN'),
    says: /user busbar may not log in.*ALTER ROLE busbar LOGIN/s,
    mend: (server) => server.sql('ALTER ROLE busbar LOGIN'),
  },
  {
    name: 'the password is another one', cut: true,
    happens: (server) => server.sql("ALTER ROLE busbar PASSWORD 'other'"),
    says: /does not take the password of user busbar.*busbar secret set/s,
    mend: (server) => server.sql("ALTER ROLE busbar PASSWORD 'secret'"),
  },
  {
    name: 'pg_hba.conf has no line any more', cut: true,
    happens: (server) => {
      server.hba('');
      server.reload();
    },
    says: /no line for this gateway in pg_hba\.conf.*hostssl plant busbar/s,
    mend: (server) => {
      server.hba('host all all 127.0.0.1/32 scram-sha-256');
      server.reload();
    },
  },
  {
    name: 'no connection is left', cut: true,
    happens: (server) => server.sql('ALTER ROLE busbar CONNECTION LIMIT 0'),
    says: /no connection left.*max_connections/s,
    mend: (server) => server.sql('ALTER ROLE busbar CONNECTION LIMIT -1'),
  },
  {
    name: 'the database is read only', cut: true,
    happens: (server) => server.sql('ALTER DATABASE plant SET default_transaction_read_only = on', 'postgres'),
    says: /takes no writes|read.only/,
    mend: (server) => server.sql('ALTER DATABASE plant RESET default_transaction_read_only', 'postgres'),
    cutAfter: true,
  },
  {
    name: 'the table is gone',
    happens: (server) => server.sql(`ALTER TABLE ${TABLE} RENAME TO gone`),
    says: /sample.*(is missing|does not exist|not there)|(is missing|no table).*sample/s,
    mend: (server) => server.sql('ALTER TABLE busbar.gone RENAME TO sample'),
  },
  {
    name: 'a column has another name',
    happens: (server) => server.sql(`ALTER TABLE ${TABLE} RENAME COLUMN quality TO grade`),
    says: /quality/,
    mend: (server) => server.sql(`ALTER TABLE ${TABLE} RENAME COLUMN grade TO quality`),
  },
  {
    name: 'the certificate has expired',
    happens: async (server) => {
      server.certificate('expired');
      await server.restart();
    },
    says: /the certificate of 127\.0\.0\.1:\d+\/plant has expired/,
    mend: async (server) => {
      server.certificate('good');
      await server.restart();
    },
  },
  {
    name: 'the certificate is for another name',
    happens: async (server) => {
      server.certificate('wrong');
      await server.restart();
    },
    says: /for another name.*elsewhere/s,
    mend: async (server) => {
      server.certificate('good');
      await server.restart();
    },
  },
  {
    name: 'the server is stopped',
    happens: (server) => server.stop(),
    says: /refuses the connection.*is PostgreSQL running there/s,
    mend: (server) => server.start(),
  },
  { name: 'the server crashes and recovers', happens: async (server) => {
    await server.kill();
    await server.start();
  }, says: /(closed|reset|ended|refuses) the connection|is not ready/ },
  {
    name: 'the server hangs (SIGSTOP)',
    happens: (server) => server.pause(),
    says: /did not answer within 3s/,
    mend: (server) => server.resume(),
  },
  { name: 'another session locks the table for too long', locks: true, says: /did not answer within 3s.*waits for a lock/s },
];

test('what happens to a database is said, and leaves no trace in the rows', { skip: noPostgres, timeout: 400000 }, async (t) => {
  const rig = await beginSink(t, { postgres: { tls: 'good' }, rate: 1000, sink: (server) => `timeout: 3s\nsslmode: verify-full\nca: ${server.ca}\nbatch_time: 200ms` });
  const { server, sender } = rig;
  await rig.phase(/live/);
  await rig.published(500);
  for (const fault of faults) {
    await t.test(fault.name, async () => {
      const acked = sender.acked;
      const lock = fault.locks ? await lockTable(server, TABLE) : null;
      const from = Date.now();
      await fault.happens?.(server);
      if (fault.cut) {
        cut(server);
      }
      const shown = await rig.says(fault.says, 30000, from);
      assert.match(shown, /hint/i);
      await until('collecting goes on', () => sender.acked > acked + 200);
      await lock?.end();
      await fault.mend?.(server);
      if (fault.cutAfter) {
        cut(server);
      }
      await until('it publishes again', async () => {
        await rig.retry();
        await sleep(200);
        return (await rig.sink()).phase === 'live';
      }, 60000);
      rig.inOrder();
    });
  }
  await sender.stop();
  const rows = await rig.complete();
  t.diagnostic(`${faults.length} faults, ${rows} rows, 0 lost, 0 doubled`);
});

test('rows that the database refuses are set aside, do not block, and come when they are retried', { skip: noPostgres, timeout: 120000 }, async (t) => {
  const rig = await beginSink(t, { rate: 1000, sink: 'batch_time: 200ms' });
  const { server, sender } = rig;
  await rig.published(500);
  server.sql(`ALTER TABLE ${TABLE} ADD CONSTRAINT no_hundreds CHECK (value IS NULL OR value::int8 % 100 <> 0) NOT VALID`);
  const refused = await until('rows are set aside', async () => {
    const seen = await rig.sink();
    return seen.aside >= 20 && seen.phase === 'live' && seen;
  }, 60000);
  assert.match(await rig.ok('sink', 'aside', 'plant'), /no_hundreds/);
  await rig.published(refused.published + 1000);
  server.sql(`ALTER TABLE ${TABLE} DROP CONSTRAINT no_hundreds`);
  await sender.stop();
  await rig.ok('sink', 'retry', 'plant', '--yes');
  await until('nothing is aside any more', async () => (await rig.sink()).aside === 0, 60000);
  const rows = await rig.complete();
  t.diagnostic(`${refused.aside} rows set aside and retried, ${rows} rows in all`);
});
