// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server of a test's own: Debian's programs, a temporary folder, a free port; as an unprivileged user where
// the test is root, for the server refuses to run as root. Ready in about two seconds, gone with the test.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, sleep, until } from './gateway.mjs';

/** The folder with initdb, postgres and psql; null where there is none. */
export function findPostgres() {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(base, version, 'bin')), ...process.env.PATH.split(delimiter)];
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

/** What a test is told that cannot run: for `skip` of node:test; false where it can. */
export const noPostgres = findPostgres() ? false : 'PostgreSQL is not on this machine';

const root = process.getuid() === 0;
function userIds() {
  const [uid, gid] = execFileSync('getent', ['passwd', 'nobody'], { encoding: 'utf8' }).split(':').slice(2, 4);
  return { uid: Number(uid), gid: Number(gid) };
}
const ids = root ? userIds() : {};

const how = (folder, options) => ({
  cwd: folder, ...ids, encoding: 'utf8', timeout: 120000, killSignal: 'SIGKILL', ...options,
  env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
});

function runProgram(folder, program, args, options = {}) {
  return execFileSync(join(findPostgres(), program), args, { ...how(folder, options), stdio: ['ignore', 'pipe', 'pipe'] });
}

function openssl(folder, ...args) {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60000 });
}

/** An authority and certificates of 127.0.0.1 and localhost: `good`, `expired`, `wrong` (another name), `client`. */
function makeCertificates(folder) {
  openssl(folder, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
    '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=busbar test authority');
  const make = (name, subject, names, from, to) => {
    openssl(folder, 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
    writeFileSync(join(folder, `${name}.ext`), names ? `subjectAltName=${names}\n` : 'keyUsage=digitalSignature\n');
    writeFileSync(join(folder, 'ca.conf'), '[ca]\ndefault_ca=x\n[x]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n' +
      'default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n');
    writeFileSync(join(folder, 'index'), '');
    writeFileSync(join(folder, 'serial'), '01\n');
    openssl(folder, 'ca', '-batch', '-config', 'ca.conf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-in', `${name}.csr`,
      '-out', `${name}.pem`, '-notext', '-startdate', from, '-enddate', to, '-extfile', `${name}.ext`);
    chmodSync(join(folder, `${name}.key`), 0o600);
  };
  const stamp = (days) => new Date(Date.now() + days * 864e5).toISOString().replace(/[-:T]|\.\d+/g, '').slice(2);
  const here = 'DNS:localhost,IP:127.0.0.1';
  make('good', 'localhost', here, stamp(-1), stamp(20));
  make('expired', 'localhost', here, stamp(-20), stamp(-1));
  make('wrong', 'elsewhere', 'DNS:elsewhere.example', stamp(-1), stamp(20));
  make('client', 'busbar', '', stamp(-1), stamp(20));
}

function sendSignal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    assert.equal(error.code, 'ESRCH', `${name} to ${pid}: ${error}`); // it ended meanwhile
  }
}

/** The state of a process (one letter) and its parent; null: it ended. */
function processState(pid) {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

function folderOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null; // it ended, or is somebody else's
  }
}

function chownAll(folder) {
  if (root) {
    for (const name of readdirSync(folder)) {
      chownSync(join(folder, name), ids.uid, ids.gid);
    }
    chownSync(folder, ids.uid, ids.gid);
  }
}

/**
 * A cluster. Superuser `admin` by its Unix socket (trusted); all others by TCP and password (scram-sha-256).
 *   tls       the server's certificate: 'good', 'expired', 'wrong'; none: without TLS
 *   settings  lines of postgresql.conf
 *   folder    where the data is (a small disk ...); else a temporary folder
 *   fsync     true: as in production; else off, for speed
 * The server: start(), stop(mode), kill() (-9), restart(), pause() and resume() (SIGSTOP of all its processes), rows(sql),
 * value(sql), sql(text), reload(), certificate(name), login(user, password), target, ca.
 */
export async function startPostgres(t, { tls, settings = {}, folder: given, fsync = false, port } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-pg-'));
  chmodSync(folder, 0o755);
  const data = given ? join(given, 'data') : join(folder, 'data');
  const server = { folder, data, port: port ?? await freePort(), process: null, output: '' };
  const conf = { ...settings };
  if (tls) {
    makeCertificates(folder);
  }
  chownAll(folder);
  if (given && root) {
    chownSync(given, ids.uid, ids.gid);
  }
  runProgram(folder, 'initdb', ['-D', data, '-U', 'admin', '-N', '-E', 'UTF8', '--locale=C', '-A', 'trust',
    '--no-instructions']);
  server.hba = (lines) => writeFileSync(join(data, 'pg_hba.conf'), `local all admin trust\n${lines}\n`);
  server.hba('local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256');
  server.ident = (lines) => writeFileSync(join(data, 'pg_ident.conf'), `${lines}\n`);
  const write = () => {
    const all = {
      listen_addresses: "'127.0.0.1'", port: server.port, unix_socket_directories: `'${folder}'`,
      fsync: fsync ? 'on' : 'off', full_page_writes: fsync ? 'on' : 'off', max_connections: 40,
      log_min_messages: 'warning', shared_buffers: "'32MB'",
      ...(tls ? { ssl: 'on', ssl_cert_file: `'${folder}/server.pem'`, ssl_key_file: `'${folder}/server.key'`,
        ssl_ca_file: `'${folder}/ca.pem'` } : {}),
      ...conf,
    };
    writeFileSync(join(data, 'postgresql.auto.conf'),
      Object.entries(all).map(([key, value]) => `${key} = ${value}\n`).join(''));
  };
  /** Which of the certificates it shows from its next start (or reload) on. */
  server.certificate = (name) => {
    for (const end of ['pem', 'key']) {
      execFileSync('cp', [join(folder, `${name}.${end}`), join(folder, `server.${end}`)]);
    }
    chmodSync(join(folder, 'server.key'), 0o600);
    chownAll(folder);
  };
  if (tls) {
    server.certificate(tls);
  }
  server.set = (key, value) => {
    conf[key] = value;
    write();
  };
  const begin = () => {
    write();
    const child = spawn(join(findPostgres(), 'postgres'), ['-D', data], {
      cwd: folder, ...ids, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    });
    const keep = (text) => (server.output = (server.output + text).slice(-65536));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    server.process = child;
    server.exited = new Promise((resolve) => child.on('close', resolve));
  };
  const question = (sql, database, json) => ['-X', '-q', '-A', '-t',
    '-v', 'ON_ERROR_STOP=1', '-h', folder, '-p', String(server.port), '-U', 'admin', '-d', database, '-c',
    json ? `SELECT coalesce(json_agg(x), '[]') FROM (${sql}) x` : sql];
  server.psql = (sql, { database = 'plant', json = false } = {}) =>
    runProgram(folder, 'psql', question(sql, database, json), { maxBuffer: 1 << 28 });
  server.sql = (sql, database = 'plant') => server.psql(sql, { database });
  /** Rows as objects. */
  server.rows = (sql, database = 'plant') => JSON.parse(server.psql(sql, { database, json: true }));
  /** So, while the test goes on with other things. */
  server.rowsMeanwhile = async (sql, database = 'plant') => {
    const { stdout } = await promisify(execFile)(join(findPostgres(), 'psql'), question(sql, database, true),
      how(folder, { maxBuffer: 1 << 28 }));
    return JSON.parse(stdout);
  };
  /** The first column of the first row. */
  server.value = (sql, database = 'plant') => Object.values(server.rows(sql, database)[0] ?? {})[0];
  const answer = () => until('PostgreSQL answers', () =>
    (server.process.exitCode !== null ? 'it ended' : server.psql('SELECT 1', { database: 'postgres' }).trim() === '1' && 'yes'), 60000);
  server.ready = async () => assert.equal(await answer(), 'yes', server.output);
  server.start = async () => {
    begin();
    await server.ready();
  };
  /** Somebody may have taken the port while the folder was made: then it is another one. */
  const startFirst = async () => {
    begin();
    while (port === undefined && await answer() !== 'yes') {
      await server.exited;
      assert.match(server.output, /Address already in use/);
      Object.assign(server, { port: await freePort(), output: '' });
      begin();
    }
    await server.ready();
    server.target = `host=127.0.0.1 port=${server.port} dbname=plant`;
  };
  const signal = (name) => {
    if (server.process && server.process.exitCode === null && server.process.signalCode === null) {
      server.process.kill(name);
    }
  };
  /** mode: 'fast' (sessions are ended), 'immediate'. */
  server.stop = async (mode = 'fast') => {
    signal(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      group().forEach((pid) => sendSignal(pid, 'SIGKILL'));
    }, 120000);
    await server.exited;
    clearTimeout(timer);
    assert.ok(!late, `PostgreSQL did not stop (${mode}): ${server.output}`);
  };
  const home = realpathSync(data);
  /** It, its children, and those of them that outlived it: all work in the folder of the data. */
  const group = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) =>
    pid === server.process.pid || processState(pid)?.parent === server.process.pid || folderOf(pid) === home);
  /** Its parent first: a child that it makes while the others are being stopped would be missed. */
  server.pause = () => {
    const { pid } = server.process;
    const deadline = Date.now() + 10000;
    sendSignal(pid, 'SIGSTOP');
    while (!'TZX'.includes(processState(pid)?.state ?? 'X')) {
      assert.ok(Date.now() < deadline, 'PostgreSQL does not stop');
    }
    group().forEach((one) => sendSignal(one, 'SIGSTOP'));
  };
  server.resume = () => group().forEach((pid) => sendSignal(pid, 'SIGCONT'));
  /** As a power cut of the server: no process of it says anything more. */
  server.kill = async () => {
    server.pause();
    group().forEach((pid) => sendSignal(pid, 'SIGKILL'));
    await server.exited;
    await sleep(50);
  };
  server.restart = async (mode) => {
    await server.stop(mode);
    await server.start();
  };
  server.reload = () => signal('SIGHUP');
  server.ca = join(folder, 'ca.pem');
  /** Whatever became of it: nothing is left that would keep the test's file from ending. */
  server.remove = async () => {
    server.resume();
    const timer = setTimeout(() => group().forEach((pid) => sendSignal(pid, 'SIGKILL')), 10000);
    if (server.process.exitCode === null && server.process.signalCode === null) {
      signal('SIGQUIT');
    } else {
      group().forEach((pid) => sendSignal(pid, 'SIGKILL'));
    }
    await server.exited;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  };
  t?.after(server.remove);
  await startFirst();
  server.sql("CREATE ROLE busbar LOGIN PASSWORD 'secret'", 'postgres');
  server.sql('CREATE DATABASE plant OWNER busbar', 'postgres');
  return server;
}
