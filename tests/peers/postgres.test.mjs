// SPDX-License-Identifier: Apache-2.0
// What PostgreSQL has is what the gateway's history says, row by row: all types and qualities, repeated samples, points that
// are renamed or leave, events, the journal; what cannot be held is set aside; two gateways in one database.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeFolder, run, startGateway, until } from '../support/gateway.mjs';
import { noPostgres, startPostgres } from '../support/postgres.mjs';

const options = { timeout: 240000, skip: noPostgres };
const begun = (Date.now() - 7200e3) * 1000; // microseconds

/** A gateway with the sink `plant`. */
async function begin(t, server, { site = 't', sink = '', more = '' } = {}) {
  const text = (settings = sink, rest = more) => `version: 1
site: { id: ${site}, name: Site ${site} }
sinks:
  plant: { postgres: "${server.target}", user: busbar, password: !secret plant-db, series: all, batch: 500, batch_time: 50ms${settings} }
${rest}`;
  const folder = makeFolder({ 'site.yaml': text() });
  const all = { folder, text };
  const set = await run(['secret', 'set', 'plant-db', '--data', folder.data], { input: 'secret' });
  assert.equal(set.code, 0, set.stderr);
  t.after(async () => {
    await all.gateway?.stop();
    folder.remove();
  });
  all.start = async () => {
    all.gateway = await startGateway({ config: folder.site, data: folder.data, timeSeries: true });
  };
  all.ok = async (...args) => {
    const { code, stdout, stderr } = await all.gateway.cli(args);
    assert.equal(code, 0, `busbar ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  all.import = async (lines) => {
    const file = join(folder.folder, 'in.jsonl');
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    return all.ok('history', 'import', file);
  };
  all.apply = async (settings, rest) => {
    folder.write('site.yaml', text(settings, rest));
    await all.ok('config', 'apply');
  };
  all.settled = () => until('all is published', async () => {
    const row = await all.gateway.get('/api/v1/sinks/plant/ledger');
    return row.balances !== null && row.waiting === 0 && row;
  }, 60000);
  await all.start();
  return all;
}

/** The bits of a double, as hexadecimal digits. */
function bits(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

const exact = 2n ** 53n;

/** A sample of an export as the table has it. */
function row(type, [time, value, quality = 0, detail = 0, received = time]) {
  let number = null;
  let text = null;
  if (value !== null && type === 'string') {
    text = value;
  } else if (value !== null && type === 'bool') {
    number = bits(value ? 1 : 0);
  } else if (value !== null && type === 'int') {
    const whole = BigInt(value);
    number = bits(Number(whole));
    text = whole > exact || whole < -exact ? String(whole) : null;
  } else if (value !== null) {
    number = typeof value === 'string' && value.startsWith('0x') ? value.slice(2) : bits(Number(value));
  }
  return { time: Number(time), number, text, quality: Number(quality), detail: Number(detail), received: Number(received) };
}

/** All that the gateway's history has, as rows by series. Integers of any size. */
async function historyRows(all) {
  const rows = new Map();
  for (const line of (await all.ok('history', 'export')).trim().split('\n').filter(Boolean)) {
    const { type } = JSON.parse(line);
    const whole = type === 'int' ? line.replace(/\[(\d+),(-?\d+)/g, '[$1,"$2"') : line;
    const { labels, samples } = JSON.parse(whole);
    const key = JSON.stringify(Object.entries(labels).sort());
    rows.set(key, [...(rows.get(key) ?? []), ...samples.map((sample) => row(type, sample))]);
  }
  for (const list of rows.values()) {
    list.sort((a, b) => a.time - b.time);
  }
  return rows;
}

function databaseRows(server, site = 't') {
  const rows = new Map();
  const us = (column) => `(extract(epoch from ${column}) * 1000000)::int8`;
  for (const { labels, ...one } of server.rows(`select p.labels, ${us('s.time')} as time,
      encode(float8send(s.value), 'hex') as number, s.text, s.quality, s.detail, ${us('coalesce(s.received, s.time)')} as received
      from busbar.sample s join busbar.point p on p.site = s.site and p.point = s.point
      join busbar.site w on w.number = s.site where w.name = '${site}' order by s.point, s.time`)) {
    const key = JSON.stringify(Object.entries(labels).sort());
    const detail = one.detail === null ? 0 : one.detail & 0xffff;
    rows.set(key, [...(rows.get(key) ?? []), { ...one, detail }]);
  }
  return rows;
}

async function sameRows(all, server, site) {
  const ours = await historyRows(all);
  const theirs = databaseRows(server, site);
  assert.deepEqual([...theirs.keys()].sort(), [...ours.keys()].sort());
  let count = 0;
  for (const [key, list] of ours) {
    assert.deepEqual(theirs.get(key), list, key);
    count += list.length;
  }
  return count;
}

const line = (name, type, samples) => `{"labels":{"__name__":"${name}","room":"Küche \\"3\\""},"type":"${type}","samples":[${samples
  .map((sample, i) => `[${begun + i * 1000001},${sample}]`).join(',')}]}`;

test('all types and qualities, bit by bit', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  const received = begun + 777;
  const qualities = Array.from({ length: 15 }, (_, quality) => quality);
  await all.import([
    line('doubles', 'double', ['0', '1.5', '-21.437', '1e308', '5e-324', '"0x8000000000000000"', '"0x7ff0000000000000"',
      '"0xfff0000000000000"', '"0x7ff8000000000000"', '"0x7ff0000000000002"', '0.1']),
    line('ints', 'int', ['0', '-1', '9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993',
      '9223372036854775807', '-9223372036854775808', '1152921504606846976']),
    line('bools', 'bool', ['true', 'false', 'true']),
    line('texts', 'string', ['"fine"', '""', '"tab\\t, \\"quotes\\" and \\\\ \\n lines"', '"äöü €𝄞"', '"\\\\N"', `"${'x'.repeat(4096)}"`]),
    line('none', 'none', ['null', `null,5,11,${received}`, `null,3,0,${received}`]),
    line('with_quality', 'double', qualities.map((quality) => `${quality}.25,${quality},${quality * 4681},${received + quality * 1000000}`)),
    line('text_bad', 'string', qualities.map((quality) => `"text ${quality}",${quality},65535,${received}`)),
    line('int_bad', 'int', [`9007199254740995,14,40000,${received}`, `7,1,1,${received}`]),
  ]);
  await all.settled();
  assert.equal(await sameRows(all, server), 64);
  assert.equal(server.value("select count(*)::int from busbar.samples where quality = 'no answer'"), 3);
  assert.equal(server.value("select labels ->> 'room' from busbar.samples where labels ->> '__name__' = 'ints' limit 1"), 'Küche "3"');
  assert.equal(server.value("select text from busbar.samples where labels ->> '__name__' = 'ints' and text like '922%'"), '9223372036854775807');
});

test('what PostgreSQL cannot hold is set aside, all else goes on', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import([
    line('texts', 'string', ['"a"', '"NUL \\u0000 in it"', '"b"']),
    `{"labels":{"__name__":"early"},"type":"double","samples":[[-5000000,1],[${begun},2],[${begun + 400 * 864e8},3]]}`,
    line('fine', 'double', Array.from({ length: 200 }, (_, i) => `${i}.5`)),
  ]);
  const ledger = await all.settled();
  assert.ok(ledger.balances);
  assert.equal(ledger.aside, 3);
  assert.equal(server.value('select count(*)::int from busbar.sample'), 203);
  const { rows } = await all.gateway.get('/api/v1/sinks/plant/aside');
  const reasons = rows.map((one) => one.reason).sort();
  assert.match(reasons[0], /^its text has a NUL byte/);
  assert.match(reasons[1], /^its time is .*: no partition is made/);
  assert.match(reasons[2], /^its time is .*: no partition is made/);
});

test('a check and a trigger of a person refuse by row', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import([line('first', 'double', ['1'])]);
  await all.settled();
  server.sql('alter table busbar.sample add constraint sane check (value < 1000)');
  server.sql(`create function busbar.strict() returns trigger language plpgsql as $$ begin
    if new.text = 'forbidden' then raise exception 'not that word'; end if; return new; end $$;
    create trigger strict before insert on busbar.sample for each row execute function busbar.strict();`);
  await all.import([
    line('numbers', 'double', Array.from({ length: 400 }, (_, i) => (i % 100 === 50 ? '2000' : `${i}`))),
    line('words', 'string', ['"fine"', '"forbidden"', '"fine again"']),
  ]);
  const ledger = await all.settled();
  assert.equal(ledger.aside, 5);
  assert.ok(ledger.balances);
  assert.equal(server.value('select count(*)::int from busbar.sample'), 399);
  const { rows } = await all.gateway.get('/api/v1/sinks/plant/aside');
  assert.equal(rows.filter((one) => /check sane/.test(one.reason)).length, 4);
  assert.equal(rows.filter((one) => /not that word/.test(one.reason)).length, 1);
});

test('the same time again: the later replaces, and counts as repeated', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import([line('a', 'double', Array.from({ length: 100 }, (_, i) => `${i}`))]);
  await all.settled();
  await all.import([line('a', 'double', Array.from({ length: 150 }, (_, i) => `${i}.5`))]);
  const ledger = await all.settled();
  assert.equal(ledger.published, 250);
  assert.equal(ledger.repeated, 100);
  assert.ok(ledger.balances);
  assert.equal(await sameRows(all, server), 150);
  assert.deepEqual(server.rows('select published::int, repeated::int, kept::int from busbar.ledger'),
    [{ published: 250, repeated: 100, kept: 150 }]);
});

test('samples that come late are noted: their hours and days are made again', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server, { sink: ', chunks: false, rows: forever' });
  const old = begun - 40 * 864e8;
  await all.import([`{"labels":{"__name__":"late"},"type":"double","samples":[[${old},1,0,0,${begun}],[${old + 3600e6},2,0,0,${begun}],[${begun},3]]}`]);
  await all.settled();
  await until('the hours are made', () => server.value('select count(*)::int from busbar.hour') >= 2, 60000);
  assert.equal(await sameRows(all, server), 3);
  const day = new Date(old / 1000).toISOString().slice(0, 10).replaceAll('-', '');
  assert.equal(server.value(`select count(*)::int from busbar.sample_${day}`), 1 + (old % 864e8 < 828e8));
});

test('facts of points, events and the journal; a point is renamed and one leaves', options, async (t) => {
  const values = { power: 5.5, mode: 1, name: 'inverter' };
  const device = createServer((request, response) => response.end(JSON.stringify(values)));
  await new Promise((resolve) => device.listen(0, '127.0.0.1', resolve));
  t.after(() => device.close());
  const config = (points) => `devices:
  inverter:
    http: { url: "http://127.0.0.1:${device.address().port}/" }
    every: 200ms
    points:
      ${points}
`;
  const power = 'power: { json: $.power, units: kW, name: Active power }';
  const mode = 'mode: { json: $.mode, type: int, enum: { 0: off, 1: on } }';
  const server = await startPostgres(t);
  const all = await begin(t, server, { more: config(`${power}\n      ${mode}`) });
  const facts = (path) => server.rows(`select * from busbar.point where path = '${path}'`)[0];
  await until('points are there', () => server.value("select to_regclass('busbar.latest') is not null") &&
    server.rows("select * from busbar.latest where path in ('inverter/power', 'inverter/mode')").length === 2, 30000);
  const [first] = server.rows("select * from busbar.latest where path = 'inverter/power'");
  assert.equal(first.site, 't');
  assert.equal(first.value, 5.5);
  assert.equal(first.units, 'kW');
  assert.equal(first.title, 'Active power');
  assert.equal(first.quality, 'good');
  assert.equal(server.value("select meaning from busbar.latest where path = 'inverter/mode'"), 'on');
  const old = facts('inverter/power');
  assert.equal(old.protocol, 'http');
  assert.equal(old.device, 'inverter');
  assert.equal(old.labels.device, 'inverter');
  assert.deepEqual(facts('inverter/mode').enums, { 0: 'off', 1: 'on' });
  assert.equal(facts('inverter/mode').type, 'int');

  values.mode = 0;
  await all.apply(undefined, config('power: { json: $.power, units: W, name: Power now }'));
  await until('the new facts', () => facts('inverter/power').title === 'Power now', 30000);
  const now = facts('inverter/power');
  assert.equal(now.units, 'W');
  assert.equal(now.point, old.point);
  assert.equal(now.first, old.first);
  assert.ok(now.changed > old.changed);
  assert.deepEqual(facts('inverter/mode').enums, { 0: 'off', 1: 'on' }, 'a point that left keeps what it was');

  await until('what a person did is in the journal', () =>
    server.value("select count(*)::int from busbar.journal where what like 'config%'") > 0, 30000);
  await all.gateway.stop('SIGKILL');
  await all.start();
  await all.apply(undefined, config('power: { json: $.power, units: W, name: Power again }'));
  const { entries } = await all.gateway.get('/api/v1/journal?limit=1000');
  await until('it goes on', () => server.value('select count(*)::int from busbar.journal') >= entries.length, 30000);
  const rows = server.rows('select id, who, what, path, old_value, new_value, result from busbar.journal order by id desc');
  assert.deepEqual(rows.slice(-entries.length).map(({ id, who, what }) => ({ id, who, what })),
    entries.map(({ id, who, what }) => ({ id: Number(id), who, what })));
});

test('a point that left keeps all its facts, though its last samples come afterwards', options, async (t) => {
  const device = createServer((request, response) => response.end('{"power": 5.5, "mode": 1}'));
  await new Promise((resolve) => device.listen(0, '127.0.0.1', resolve));
  t.after(() => device.close());
  const config = (points) => `devices:
  inverter:
    http: { url: "http://127.0.0.1:${device.address().port}/" }
    every: 100ms
    place: plant/roof
    labels: { owner: works }
    points:
      power: { json: $.power, units: kW }
      ${points}
`;
  const server = await startPostgres(t);
  const all = await begin(t, server, {
    more: config('mode: { json: $.mode, type: int, name: Mode, units: step, enum: { 0: off, 1: on }, labels: { part: "7" } }'),
  });
  const mode = `select site, point, path, device, name, title, units, type, protocol, place, profile, writable, counter, labels, enums,
      first, changed from busbar.point where path = 'inverter/mode'`;
  const samples = () => server.value(`select count(*)::int from busbar.sample where (site, point) in (select site, point from (${mode}) x)`);
  await until('mode is there', () => server.value("select to_regclass('busbar.point') is not null") && samples() > 0, 30000);
  const [was] = server.rows(mode);
  assert.deepEqual(was.enums, { 0: 'off', 1: 'on' });
  assert.deepEqual([was.type, was.title, was.units, was.place, was.protocol, was.device], ['int', 'Mode', 'step', 'plant/roof', 'http', 'inverter']);
  assert.deepEqual([was.labels.part, was.labels.owner], ['7', 'works']);
  await server.stop();
  const had = (await all.gateway.get('/api/v1/sinks/plant/ledger')).published;
  await until('many samples wait', async () => (await all.gateway.get('/api/v1/sinks/plant/ledger')).waiting >= 100, 60000);
  await all.apply(undefined, config(''));
  await server.start();
  await until('they are published', async () => (await all.gateway.get('/api/v1/sinks/plant/ledger')).published >= had + 100, 60000);
  await all.settled();
  assert.ok(samples() >= 50);
  assert.deepEqual(server.rows(mode), [was]);
});

test('each event is there once, with its arguments, also after kill -9 of both', options, async (t) => {
  const sockets = new Set();
  const panel = createTcp((socket) => {
    sockets.add(socket);
    socket.on('error', () => sockets.delete(socket)).on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => panel.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    panel.close();
  });
  let door = 0;
  const open = async (count) => {
    await until('it is connected', () => sockets.size > 0, 30000);
    for (let i = 0; i < count; i++) {
      sockets.forEach((socket) => socket.write(`DOOR ${door} OPEN\r\n`));
      door++;
    }
  };
  const server = await startPostgres(t);
  const all = await begin(t, server, { more: `devices:
  panel:
    tcp: { connect: "127.0.0.1:${panel.address().port}", timeout: 400ms }
    points: { zone: { match: '^Z=(OK|ALARM)$' } }
    events:
      door: { match: '^DOOR (?<door>\\d+) (?<what>OPEN|SHUT)$', text: "door {door} {what}", severity: high }
` });
  const has = () => server.value("select count(*)::int from busbar.event where kind = 'door'");
  await open(20);
  await until('twenty', () => has() === 20, 30000);
  for (let i = 0; i < 4; i++) {
    await open(30);
    await until('the gateway has them', async () => JSON.stringify(await all.gateway.get('/api/v1/events?limit=1000'))
      .includes(`door ${door - 1} OPEN`), 30000);
    if (i % 2 === 0) {
      await all.gateway.stop('SIGKILL');
      sockets.clear();
      await all.start();
    } else {
      await server.kill();
      await open(10);
      await server.start();
    }
  }
  await until('all are there', () => has() === door, 60000);
  const rows = server.rows("select text, severity, source, arguments, site from busbar.event where kind = 'door' order by time, uid");
  assert.deepEqual(rows.map((one) => one.text).sort(), Array.from({ length: door }, (_, i) => `door ${i} OPEN`).sort());
  for (const one of rows) {
    assert.equal(one.severity, 3);
    assert.match(one.source, /^panel/);
    assert.equal(`door ${one.arguments.door} ${one.arguments.what}`, one.text);
  }
  const [ledger] = server.rows('select events::int from busbar.ledger');
  assert.equal(ledger.events, server.value('select count(*)::int from busbar.event'));
});

test('two gateways in one database do not see one another', options, async (t) => {
  const server = await startPostgres(t);
  const one = await begin(t, server, { site: 'one' });
  const two = await begin(t, server, { site: 'two' });
  const samples = Array.from({ length: 2000 }, (_, i) => `${i}`);
  await Promise.all([one.import([line('a', 'double', samples)]), two.import([line('b', 'double', samples), line('a', 'int', samples)])]);
  await Promise.all([one.settled(), two.settled()]);
  assert.equal(await sameRows(one, server, 'one'), 2000);
  assert.equal(await sameRows(two, server, 'two'), 4000);
  await two.gateway.stop('SIGKILL');
  await one.import([line('c', 'double', samples)]);
  await two.start();
  await two.import([line('c', 'double', samples)]);
  await Promise.all([one.settled(), two.settled()]);
  assert.equal(await sameRows(one, server, 'one'), 4000);
  assert.equal(await sameRows(two, server, 'two'), 6000);
  assert.deepEqual(server.rows('select site, published::int, repeated::int from busbar.ledger order by site'),
    [{ site: 'one', published: 4000, repeated: 0 }, { site: 'two', published: 6000, repeated: 0 }]);
});

test('a place that somebody else moved is found, and nothing is written twice', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import([line('a', 'double', ['1', '2', '3'])]);
  await all.settled();
  server.sql('update busbar.site set sequence = 1, taken = 0, published = 0'); // back to the beginning
  await all.import([line('b', 'double', ['4', '5', '6'])]);
  await until('it goes on from there', () => server.value('select count(*)::int from busbar.sample') === 6, 60000);
  assert.equal(await sameRows(all, server), 6);
});

test('a partition that somebody dropped is made again; refusals are found among repeated samples', options, async (t) => {
  const server = await startPostgres(t);
  const all = await begin(t, server);
  await all.import([line('a', 'double', Array.from({ length: 50 }, (_, i) => `${i}`))]);
  await all.settled();
  const parts = server.rows("select inhrelid::regclass::text as name from pg_inherits where inhparent = 'busbar.sample'::regclass");
  assert.ok(parts.length > 0);
  parts.forEach(({ name }) => server.sql(`drop table ${name}`));
  await all.import([line('b', 'double', Array.from({ length: 50 }, (_, i) => `${i}`))]);
  let ledger = await all.settled();
  assert.equal(ledger.aside, 0);
  assert.equal(server.value('select count(*)::int from busbar.sample'), 50, 'those of the dropped ones are gone, new ones are there');
  assert.equal(server.value("select count(*)::int from busbar.ledger where published = 100 and repeated = 0"), 1);

  server.sql('alter table busbar.sample add constraint sane check (value < 1000)');
  await all.import([line('b', 'double', Array.from({ length: 80 }, (_, i) => (i % 20 === 7 ? '5000' : `${i}.5`)))]);
  ledger = await all.settled();
  assert.ok(ledger.balances);
  assert.equal(ledger.aside, 4);
  assert.equal(ledger.repeated, 47, 'fifty were there, three of these are refused now');
  assert.equal(server.value('select count(*)::int from busbar.sample'), 50 + 29);
  assert.equal(server.value("select count(*)::int from busbar.sample where value = 7"), 1, 'what is refused does not replace');
});
