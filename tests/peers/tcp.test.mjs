// SPDX-License-Identifier: Apache-2.0
// Others' programs as devices: socat, ncat, openssl s_client and Node connect to busbar, are connected to, and send datagrams.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { freePort, makeFolder, run, sleep, until } from '../support/gateway.mjs';
import { begin, head } from '../support/rig.mjs';

let folder;

/** Certificates of one authority: ca.pem, and NAME.pem with NAME.key. */
function makeCertificates() {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  for (const name of ['server', 'panel-7', 'stranger']) {
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2', '-subj',
      `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-addext', 'basicConstraints=critical,CA:false'];
    openssl(...args, ...(name === 'stranger' ? [] : ['-CA', 'ca.pem', '-CAkey', 'ca.key']));
  }
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-tcp-'));
  makeCertificates();
});
after(() => rmSync(folder, { recursive: true, force: true }));

const file = (name) => join(folder, name);

/** What a program says when it is given `input`; its end of input is not the end of what it hears. */
function talk(command, args, input, ms = 8000) {
  const child = spawn(command, args, { timeout: ms });
  let said = '';
  child.stdout.on('data', (data) => (said += data.toString('latin1')));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return once(child, 'close').then(() => said);
}

/** A connection that keeps what it hears. */
async function dial(port, options = {}) {
  const socket = options.tls ? connectTls({ port, host: '127.0.0.1', ...options.tls }) : connect(port, '127.0.0.1');
  const peer = { socket, heard: '', closed: false };
  socket.on('data', (data) => (peer.heard += data.toString('latin1')));
  socket.on('error', () => {});
  socket.on('close', () => (peer.closed = true));
  await once(socket, options.tls ? 'secureConnect' : 'connect');
  peer.hears = (text, ms) => until(`'${text}' is heard`, () => peer.heard.includes(text), ms);
  return peer;
}

/** A device that busbar connects to: answer(line, socket) for each line. */
async function serve(t, answer, { tls, greeting } = {}) {
  const device = { lines: [], sockets: new Set(), port: await freePort() };
  const onSocket = (socket) => {
    device.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => device.sockets.delete(socket));
    let rest = '';
    socket.on('data', (data) => {
      const lines = (rest + data.toString('latin1')).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        device.lines.push(line);
        answer?.(line, socket);
      }
    });
    if (greeting) {
      socket.write(greeting);
    }
  };
  const server = tls ? createTlsServer(tls, onSocket) : createServer(onSocket);
  server.on('tlsClientError', () => {});
  server.listen(device.port, '127.0.0.1');
  await once(server, 'listening');
  device.say = (text) => device.sockets.forEach((socket) => socket.write(text, 'latin1'));
  device.stop = async () => {
    device.sockets.forEach((socket) => socket.destroy());
    server.close();
    await once(server, 'close');
  };
  device.again = async () => {
    server.listen(device.port, '127.0.0.1');
    await once(server, 'listening');
  };
  t.after(() => {
    device.sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return device;
}

const site = (listeners, devices) => `${head}drivers:\n  tcp:\n    listeners: { ${listeners} }\ndevices:\n${devices}`;
const status = async (rig) => (await rig.gateway.get('/api/v1/drivers')).drivers.find(({ protocol }) => protocol === 'tcp').facts;
const refused = async (rig) => (await rig.gateway.cli(['drivers', 'tcp', '--refused'])).stdout;

test('lines of socat, ncat and Node: stored, then acknowledged, each by its id', async (t) => {
  const port = await freePort();
  const rig = await begin(t, site(`panels: { listen: "127.0.0.1:${port}", ack: 'ACK {id} {device}\\r\\n', nack: 'NAK\\r\\n' }`,
    `  m7: { tcp: { listener: panels, id: "7", id_from: 'match ^(\\d+);', separator: ";" }, points: { v: { csv: 2 } } }
  m8: { tcp: { listener: panels, id: "8", id_from: 'match ^(\\d+);', separator: ";" }, points: { v: { csv: 2 } } }
`));
  assert.equal(await talk('socat', ['-t3', '-', `TCP:127.0.0.1:${port}`], '7;21.5\r\n8;3\n'), 'ACK 7 m7\r\nACK 8 m8\r\n');
  await rig.shows('m7/v', 21.5);
  await rig.shows('m8/v', 3);
  assert.equal(await talk('ncat', ['-i', '2', '127.0.0.1', String(port)], '7;22\n9;1\n7;23\n'), 'ACK 7 m7\r\nNAK\r\nACK 7 m7\r\n');
  await rig.shows('m7/v', 23);
  const node = await dial(port);
  node.socket.write('8;4\n8;');
  await node.hears('ACK 8');
  assert.equal(node.heard, 'ACK 8 m8\r\n');
  node.socket.write('5\n');
  await rig.shows('m8/v', 5);
  const facts = await status(rig);
  assert.match(facts.find(({ name }) => name === 'connection').text, /127\.0\.0\.1:\d+, since .*, 2 messages, 0 refused, device m8/);
  assert.match((await rig.gateway.cli(['drivers', 'tcp', '--unknown'])).stdout, /^9\t/m);
  assert.match(await refused(rig), /no device has the id '9'/);
  node.socket.destroy();
  await until('the connection is gone', async () => (await status(rig)).every(({ name }) => name !== 'connection'));
  assert.equal((await rig.good('m8/v')).value, 5); // a connection that ends takes nothing with it
});

test('the last message in which no rule found anything is told', async (t) => {
  const port = await freePort();
  const rig = await begin(t, site(`p: { listen: "127.0.0.1:${port}", ack: '+' }`, `  d1: { tcp: { listener: p }, points: { n: { match: '^N=(\\d+)$' } } }\n`));
  const peer = await dial(port);
  peer.socket.write('N=1\nHELLO\nN=2\n');
  await peer.hears('+++');
  const told = (await status(rig)).find(({ name }) => name === 'last without use');
  assert.match(told?.text ?? 'nothing', /^\d{4}-.*Z from .*127\.0\.0\.1.*: no rule of device d1 finds anything in 'HELLO'$/);
});

test('what was acknowledged is there after kill -9', async (t) => {
  const port = await freePort();
  const rig = await begin(t, site(`p: { listen: "127.0.0.1:${port}", ack: '{time_ms}+' }`, `  d1: { tcp: { listener: p }, points: { n: { text: all, type: int } } }\n`));
  const peer = await dial(port);
  for (let i = 1; i <= 2000; i++) {
    peer.socket.write(`${i}\n`);
  }
  await until('some are acknowledged', () => peer.heard.split('+').length > 100);
  await rig.kill();
  const acknowledged = peer.heard.split('+').length - 1;
  await rig.start();
  const values = new Set((await rig.samples('d1/n')).map(([, value]) => value));
  const lost = Array.from({ length: acknowledged }, (_, i) => i + 1).filter((n) => !values.has(n));
  assert.deepEqual(lost, []);
});

const frames = {
  'delimiter ;': ['a=1;a=2;', 2],
  "delimiter \\x03\\r": ['a=3\x03\ra=4\x03\r', 4],
  'fixed 4': ['a=05a=06', 6],
  'length 1': ['\x03a=7\x03a=8', 8],
  'length 2 little included offset 1 extra 1': ['h\x06\0a=8ch\x06\0a=9c', 9, String.raw`match: '^a=(\d+)c$'`],
  'stx-etx': ['junk\x02a=10\x03\x02a=11\x03', 11],
  'stx-etx dle': ['\x10\x02a=12\x10\x03', 12],
  'gap 80ms': ['a=13', 13],
};

test('frames of all kinds, at once and byte by byte', async (t) => {
  const rows = await Promise.all(Object.entries(frames).map(async ([frame, [data, value, rule]], i) => ({ frame, data, value, rule, name: `f${i}`, port: await freePort() })));
  const rig = await begin(t, site(rows.map(({ name, port, frame }) => `${name}: { listen: "127.0.0.1:${port}", frame: '${frame}', ack: '+' }`).join(', '),
    rows.map(({ name, rule }) => `  ${name}: { tcp: { listener: ${name} }, points: { a: { ${rule ?? String.raw`match: '^a=(\d+)$'`}, type: int } } }\n`).join('')));
  for (const { frame, data, value, name, port } of rows) {
    const peer = await dial(port);
    peer.socket.write(Buffer.from(data, 'latin1'));
    await rig.shows(`${name}/a`, value);
    await peer.hears('+');
    const before = peer.heard.length;
    peer.socket.setNoDelay(true);
    for (const byte of Buffer.from(data, 'latin1')) {
      peer.socket.write(Buffer.of(byte));
      await sleep(1);
    }
    await until(`${frame}: byte by byte`, () => peer.heard.length >= 2 * before);
    peer.socket.destroy();
  }
});

test('TLS: with a certificate of the authority, without one, and of another authority', async (t) => {
  const [open, closed] = [await freePort(), await freePort()];
  const rig = await begin(t, site(`own: { listen: "127.0.0.1:${open}", tls: true, ack: "+" },
      known: { listen: "127.0.0.1:${closed}", tls: true, certificate: ${file('server.pem')}, key: ${file('server.key')}, client_ca: ${file('ca.pem')}, ack: "+" }`,
  `  d1: { tcp: { listener: own }, points: { a: { key: a } } }
  d2: { tcp: { listener: known, id: panel-7, id_from: certificate }, points: { a: { key: a } } }
`));
  const own = await until('its own certificate is made', () => dial(open, { tls: { rejectUnauthorized: false } }).catch(() => null));
  assert.match(own.socket.getPeerCertificate().subject.CN, /^busbar at /);
  own.socket.write('a=1\n');
  await own.hears('+');
  await rig.shows('d1/a', 1);
  const certificate = (name) => ['-cert', file(`${name}.pem`), '-key', file(`${name}.key`)];
  const client = spawn('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${closed}`, '-CAfile', file('ca.pem'), '-verify_return_error', ...certificate('panel-7')]);
  client.stdin.write('a=2\n');
  await rig.shows('d2/a', 2);
  assert.match((await status(rig)).find(({ part, name }) => part === 'known' && name === 'connection').text, /certificate panel-7/);
  client.kill();
  for (const args of [[], certificate('stranger')]) {
    const before = (await rig.point('d2/a')).time;
    await talk('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${closed}`, ...args], 'a=3\n', 2000);
    assert.equal((await rig.point('d2/a')).time, before);
  }
  await until('both are told', async () => /certificate not accepted|peer did not return a certificate/.test(await refused(rig)));
  const plain = await dial(closed);
  plain.socket.write('a=4\n');
  await until('plain text is not taken', () => plain.closed);
  assert.equal((await rig.good('d2/a')).value, 2);
});

test('whose it is: by the first message, by the address; unknown ones are closed', async (t) => {
  const port = await freePort();
  const rig = await begin(t, site(`p: { listen: "127.0.0.1:${port}", first: '^LOGIN (\\w+)$', unknown: close, ack: '+' }`,
    `  p7: { tcp: { listener: p, id: seven, id_from: first }, points: { a: { key: a } } }
  p8: { tcp: { listener: p, id: eight, id_from: first }, points: { a: { key: a } } }
`));
  const [seven, eight, nine, none] = await Promise.all([dial(port), dial(port), dial(port), dial(port)]);
  seven.socket.write('LOGIN seven\na=7\n');
  eight.socket.write('LOGIN eight\r\na=8\r\n');
  nine.socket.write('LOGIN nine\na=9\n');
  none.socket.write('a=10\n');
  await rig.shows('p7/a', 7);
  await rig.shows('p8/a', 8);
  await until('a stranger is closed', () => nine.closed);
  await until('who does not say who it is is closed', () => none.closed);
  assert.equal(seven.closed || eight.closed, false);
  assert.match(await refused(rig), /does not say who it is/);
  seven.socket.destroy();
  eight.socket.destroy();
});

test('slow and broken peers are closed, with the reason', async (t) => {
  const port = await freePort();
  const rig = await begin(t, site(`p: { listen: "127.0.0.1:${port}", first_byte: 300ms, frame_time: 400ms, idle: 800ms, frame_max: 20, per_source: 3,
      keep_alive_text: 'PING', keep_alive: 200ms }`, `  d1: { tcp: { listener: p }, points: { a: { json: $.a } } }\n`));
  const silent = await dial(port);
  await until('silent', () => silent.closed);
  const slow = await dial(port);
  slow.socket.write('{"a"');
  await until('slow', () => slow.closed);
  assert.match(slow.heard, /^(PING)+$/);
  const idle = await dial(port);
  idle.socket.write('{"a":1}\n');
  await rig.shows('d1/a', 1);
  await until('idle', () => idle.closed);
  const broken = await dial(port);
  broken.socket.write('{"a":2}\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n{"a":\nno\n{"a":3}\n');
  await until('three bad ones', () => broken.closed);
  await rig.shows('d1/a', 2);
  const many = await Promise.all([dial(port), dial(port), dial(port)]);
  const fourth = await dial(port);
  await until('one too many of its address', () => fourth.closed);
  many.forEach(({ socket }) => socket.destroy());
  const told = await refused(rig);
  for (const why of [/connected and sent nothing/, /took too long to come/, /three bad messages/, /too long/, /too many connections of this address/]) {
    assert.match(told, why);
  }
});

test('UDP: datagrams, lines in them, acknowledgements to where they came from', async (t) => {
  const [one, lines] = [await freePort(), await freePort()];
  const rig = await begin(t, site(`one: { listen: "127.0.0.1:${one}", transport: udp, ack: 'OK {id}' }, lines: { listen: "127.0.0.1:${lines}", transport: udp, frame: line, ack: '+' }`,
    `  u1: { tcp: { listener: one, id_from: 'json $.id' }, points: { v: { json: $.v }, out: { send: 'out {value}', write: true } } }
  u2: { tcp: { listener: lines, id: 127.0.0.1, id_from: source }, points: { v: { key: v } } }
`));
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const heard = [];
  socket.on('message', (data) => heard.push(data.toString()));
  socket.send('{"id":"u1","v":5}', one, '127.0.0.1');
  await rig.shows('u1/v', 5);
  await until('it is acknowledged', () => heard.includes('OK u1'));
  socket.send('v=1\r\nv=2\nv=3', lines, '127.0.0.1');
  await rig.shows('u2/v', 3);
  await until('three are acknowledged', () => heard.filter((text) => text === '+').length === 3);
  await talk('socat', ['-', `UDP:127.0.0.1:${one}`], '{"id":"u1","v":6}');
  await rig.shows('u1/v', 6);
  socket.send('{"id":"u1","v":7}', one, '127.0.0.1');
  await rig.shows('u1/v', 7);
  const written = await rig.write('u1/out', 'on');
  assert.equal(written.status, 200, JSON.stringify(written.body));
  await until('the write goes where it spoke from', () => heard.includes('out on'));
});

const panel = (port, more = '') => `  d1:
    tcp: { connect: "127.0.0.1:${port}", timeout: 400ms${more} }
    points:
      zone: { match: '^Z=(OK|ALARM)$' }
      t: { ask: 'T?\\r\\n', match: '^T=(.*)$', every: 200ms, send: 'T={value}\\r\\n', answer: '^OK$', refused: '^ERR', write: true }
      u: { ask: 'U?\\r\\n', match: '^U=(\\d+)$', every: 200ms }
    events:
      door: { match: '^DOOR (?<door>\\d+) (?<what>OPEN|SHUT)$', text: "door {door} {what}", severity: high }
`;

test('busbar connects: pushed and asked points, writes, events, another connection after an end', async (t) => {
  let temperature = 20.5;
  const device = await serve(t, (line, socket) => {
    const written = line.match(/^T=(.*)$/);
    if (line === 'T?') {
      socket.write(`T=${temperature}\r\n`);
    } else if (line === 'U?') {
      socket.write('noise between\r\nU=5\r\n');
    } else if (written && Number(written[1]) > 50) {
      socket.write('ERR range\r\n');
    } else if (written) {
      temperature = Number(written[1]);
      socket.write('Z=ALARM\r\nOK\r\n'); // what it sends unasked may come in between
    }
  }, { greeting: 'Z=OK\r\nDOOR 4 OPEN\r\n' });
  const rig = await begin(t, `${head}devices:\n${panel(device.port, ", hello: 'LOGIN {password}\\r\\n', password: !secret pin")}`, { secrets: { pin: '4711' } });
  await rig.shows('d1/t', 20.5);
  await rig.shows('d1/u', 5);
  await rig.shows('d1/zone', 'OK');
  assert.equal(device.lines[0], 'LOGIN 4711');
  const events = await until('the event is there', async () => {
    const { events: found } = await rig.gateway.get('/api/v1/events?limit=50');
    return found.find(({ kind }) => kind === 'door');
  });
  assert.equal(events.text, 'door 4 OPEN');
  assert.equal(events.severity, 'high');
  const written = await rig.write('d1/t', 25);
  assert.equal(written.status, 200, JSON.stringify(written.body));
  await rig.shows('d1/t', 25);
  await rig.shows('d1/zone', 'ALARM');
  assert.notEqual((await rig.write('d1/t', 60)).status, 200);
  assert.equal(temperature, 25);
  await device.stop();
  await rig.bad('d1/zone', /link down/);
  await rig.bad('d1/t');
  await device.again();
  await rig.shows('d1/zone', 'OK', 20000);
  await rig.shows('d1/t', 25);
});

test('a late answer is told as late and not taken for another one', async (t) => {
  let slow = false;
  let n = 0;
  const device = await serve(t, (line, socket) => {
    if (line === 'T?') {
      const value = ++n;
      setTimeout(() => socket.write(`T=${value}\r\n`), slow ? 600 : 0);
    }
  });
  const rig = await begin(t, `${head}devices:
  d1:
    tcp: { connect: "127.0.0.1:${device.port}", timeout: 400ms }
    points: { t: { ask: 'T?\\r\\n', match: '^T=(.*)$', every: 300ms } }
`);
  await rig.good('d1/t');
  slow = true;
  await rig.bad('d1/t', /no answer/);
  const asked = n;
  slow = false;
  const seen = await rig.good('d1/t');
  assert.ok(seen.value > asked, `${seen.value} was asked for before ${asked}`);
  const values = (await rig.gateway.cli(['device', 'frames', 'd1'])).stdout;
  assert.match(values, /late answer/);
});

test('devices that share a connection are told apart by their ids, also in answers', async (t) => {
  let n = 0;
  const device = await serve(t, (line, socket) => {
    const id = line.match(/^(\w+)\?$/)?.[1];
    if (id) { // the other one says something by itself first
      socket.write(`${JSON.stringify({ id: id === 'a' ? 'b' : 'a', v: 1000 + ++n })}\r\n`);
      socket.write(`${JSON.stringify({ id, v: id === 'a' ? 1 : 2 })}\r\n`);
    }
  });
  const one = (id) => `  ${id}:
    tcp: { connect: "127.0.0.1:${device.port}", timeout: 400ms, id_from: "json $.id" }
    points: { v: { ask: '${id}?\\r\\n', json: $.v, every: 200ms } }
`;
  const rig = await begin(t, `${head}devices:\n${one('a')}${one('b')}`);
  await rig.shows('a/v', 1);
  await rig.shows('b/v', 2);
  for (let i = 0; i < 10; i++) {
    assert.equal((await rig.good('a/v')).value, 1);
    assert.equal((await rig.good('b/v')).value, 2);
    await sleep(100);
  }
  assert.ok(n > 5, `${n} questions`);
});

test('what cannot be read while an answer is waited for is what the device sends by itself', async (t) => {
  const device = await serve(t, (line, socket) => socket.write('HELLO 7\r\n{"t":5}\r\n'));
  const rig = await begin(t, `${head}devices:
  d1:
    tcp: { connect: "127.0.0.1:${device.port}", timeout: 400ms }
    points:
      t: { ask: 'T?\\r\\n', json: $.t, every: 200ms }
      greeted: { match: '^HELLO (\\d+)$' }
`);
  await rig.shows('d1/t', 5);
  await rig.shows('d1/greeted', 7);
});

test('writes are sent in their order, and a late answer confirms no other one', async (t) => {
  let late = false;
  const device = await serve(t, (line, socket) => {
    if (line === 'T?') {
      setTimeout(() => socket.write('T=1\r\n'), 250);
    } else if (line === 'V=1') {
      setTimeout(() => socket.write('OK\r\n'), late ? 600 : 0);
    } else if (line.startsWith('V=') && !late) {
      socket.write('OK\r\n');
    }
  });
  const rig = await begin(t, `${head}devices:
  d1:
    tcp: { connect: "127.0.0.1:${device.port}", timeout: 400ms }
    points:
      t: { ask: 'T?\\r\\n', match: '^T=(.*)$', every: 300ms }
${['v', 'w', 'x'].map((name) => `      ${name}: { send: 'V={value}\\r\\n', answer: '^OK$', write: true }`).join('\n')}
`);
  await rig.good('d1/t');
  await until('a question is under way', () => device.lines.at(-1) === 'T?');
  const asked = [['v', 11], ['w', 12], ['x', 13]];
  const done = [];
  for (const [name, value] of asked) {
    done.push(rig.write(`d1/${name}`, value));
    await sleep(20);
  }
  assert.deepEqual((await Promise.all(done)).map(({ status }) => status), [200, 200, 200]);
  assert.deepEqual(device.lines.filter((line) => line.startsWith('V=')), ['V=11', 'V=12', 'V=13']);
  late = true;
  const [first, second] = await Promise.all([rig.write('d1/v', 1), sleep(20).then(() => rig.write('d1/w', 2))]);
  assert.notEqual(first.status, 200); // its answer came after `timeout`,
  assert.notEqual(second.status, 200); // and was not that of this one, which never got one
});

test('TLS to a device: its certificate must be right', async (t) => {
  const options = { cert: readFileSync(file('server.pem')), key: readFileSync(file('server.key')) };
  const device = await serve(t, (line, socket) => socket.write(`${line[0]}=1\r\n`), { tls: options });
  const connectTo = (name, more) => `  ${name}:\n    tcp: { connect: "127.0.0.1:${device.port}", tls: true${more} }\n    points: { t: { ask: 'T?\\n', match: '^T=(.*)$', every: 300ms } }\n`;
  const rig = await begin(t, `${head}devices:\n${connectTo('d1', `, ca: ${file('ca.pem')}`)}${connectTo('d2', `, ca: ${file('stranger.pem')}`)}${connectTo('d3', ', verify: false')}`);
  await rig.shows('d1/t', 1);
  await rig.shows('d3/t', 1);
  const told = await until('d2 is down', async () => {
    const seen = await rig.device('d2');
    return /certificate not accepted/.test(JSON.stringify(seen)) && seen;
  });
  assert.ok(told);
  const checked = await run(['config', 'check', rig.folder.site]);
  assert.match(checked.stdout + checked.stderr, /insecure: any certificate is taken/);
});

test('UDP to a device: asked and written', async (t) => {
  const device = createSocket('udp4');
  let on = 'off';
  device.on('message', (data, from) => {
    const text = data.toString();
    on = text.startsWith('set ') ? text.slice(4) : on;
    device.send(`state=${on}`, from.port, from.address);
  });
  device.bind(0, '127.0.0.1');
  await once(device, 'listening');
  t.after(() => device.close());
  const rig = await begin(t, `${head}devices:
  lamp:
    tcp: { connect: "127.0.0.1:${device.address().port}", transport: udp, timeout: 300ms }
    points: { on: { ask: 'state?', key: state, type: bool, every: 300ms, send: 'set {value:on|off}', write: true } }
`);
  await rig.shows('lamp/on', false);
  const written = await rig.write('lamp/on', true);
  assert.equal(written.status, 200, JSON.stringify(written.body));
  await rig.shows('lamp/on', true);
});

test('mistakes in the configuration say what to write', async (t) => {
  const { site: config, remove } = makeFolder({ 'site.yaml': `${head}drivers:\n  tcp:\n    listeners: { p: { listen: "0.0.0.0:4001" } }\ndevices:\n  d1: { tcp: { listener: q }, points: { a: { key: a } } }
  d2: { tcp: { connect: 10.0.0.1, frame: lines }, points: { a: { key: a } } }
  d3: { tcp: { connect: 10.0.0.1, ack: ok }, points: { a: { key: a }, b: { ask: 'x' } } }
  d4: { tcp: { listener: p }, points: { a: { key: a } } }
` });
  t.after(remove);
  const { code, stdout, stderr } = await run(['config', 'check', config]);
  assert.notEqual(code, 0);
  for (const words of [/takes unencrypted messages of other machines/, /'lines' does not say where a message ends/, /'ack' beside 'connect'/]) {
    assert.match(stdout + stderr, words);
  }
  assert.doesNotMatch(stdout + stderr, /^site\.yaml:10:/m, 'the listener is told where it stands, not of its devices');
});
