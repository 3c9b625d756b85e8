// SPDX-License-Identifier: Apache-2.0
// Messages in CBOR, MessagePack and Protobuf, made by others' encoders and protoc, packed and not, posted to a real gateway.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { encode, Token, Type } from 'cborg';
import { freePort, makeFolder, run, startGateway } from '../support/gateway.mjs';

const require = createRequire(import.meta.url);
const { encode: encodeMsgpack } = require('@msgpack/msgpack');
const protobuf = require('protobufjs');

/** Times as seconds with tag 1, which says that they are times. */
const encodeCbor = (message) => Buffer.from(encode(message, {
  typeEncoders: { Date: (date) => [new Token(Type.tag, 1), new Token(Type.float, date.getTime() / 1000)] },
}));

const proto = `syntax = "proto3";
package acme;
message Phase { string name = 1; double amps = 2; }
message Reading {
  enum State { OFF = 0; RUNNING = 1; }
  string id = 1;
  int64 ts = 2;
  Phase mains = 3;
  repeated Phase phases = 4;
  map<string, sint32> counters = 5;
  State state = 6;
  bool ok = 7;
}
`;

const site = (listen) => `version: 1
drivers:
  http: { listen: "127.0.0.1:${listen}", schemas: schemas }
connectors:
  any: { key: !secret any }
devices:
  cbor-1:
    http: { connector: any, time: "cbor $.at" }
    points:
      t: { cbor: $.t, units: degC }
      l2: { cbor: "$.phases[?@.name=='L2'].amps" }
      big: { cbor: $.big }
  senml-1: { http: { connector: any }, points: { t: { cbor: "$[0].2" } } }
  pack-1:
    http: { connector: any, time: "msgpack $.at" }
    points: { t: { msgpack: $.t }, l2: { msgpack: "$.phases[1].amps" } }
  proto-1:
    http: { connector: any, message: acme.Reading, time: "protobuf $.ts" }
    points:
      mains: { protobuf: $.mains.amps, units: A }
      l2: { protobuf: "$.phases[?@.name=='L2'].amps" }
      starts: { protobuf: $.counters.starts }
      state: { protobuf: $.state }
      ok: { protobuf: $.ok, type: bool }
`;

const AT_MS = 1732345678500;
const values = { t: 21.5, phases: [{ name: 'L1', amps: 1.25 }, { name: 'L2', amps: 2.5 }] };
let gateway;
let folder;
let port;
let Reading;

async function post(device, body, headers = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}/${device}`, {
    method: 'POST',
    body,
    headers: { 'x-api-key': 'a key for all of them', ...headers },
    signal: AbortSignal.timeout(10000),
  });
  return { status: answer.status, text: await answer.text() };
}

const value = async (path) => (await gateway.point(path)).value;

before(async () => {
  port = await freePort();
  folder = makeFolder({ 'site.yaml': site(port) });
  mkdirSync(join(folder.site, 'schemas'));
  writeFileSync(join(folder.folder, 'acme.proto'), proto);
  execFileSync('protoc', ['--include_imports', `--descriptor_set_out=${join(folder.site, 'schemas', 'acme.pb')}`,
    `-I${folder.folder}`, 'acme.proto']);
  Reading = protobuf.parse(proto).root.lookupType('acme.Reading');
  const secret = await run(['secret', 'set', 'any', '--data', folder.data], { input: 'a key for all of them\n' });
  assert.equal(secret.code, 0, secret.stderr);
  gateway = await startGateway({ config: folder.site, data: folder.data });
});

after(async () => {
  await gateway?.stop();
  folder?.remove();
});

test('CBOR: numbers, filters, integers of any size, times with a tag', async () => {
  const body = encodeCbor({ ...values, at: new Date(AT_MS), big: 12345678901234567890n });
  assert.deepEqual(await post('cbor-1', body), { status: 204, text: '' });
  assert.equal(await value('cbor-1/t'), 21.5);
  assert.equal(await value('cbor-1/l2'), 2.5);
  assert.equal(await value('cbor-1/big'), 12345678901234567000);
  assert.equal(Date.parse((await gateway.point('cbor-1/t')).time), AT_MS);
});

test('CBOR: keys that are numbers, as SenML has them', async () => {
  const body = encodeCbor([new Map([[0, 'probe'], [2, 23.75]])]);
  assert.equal((await post('senml-1', body)).status, 204);
  assert.equal(await value('senml-1/t'), 23.75);
});

test('MessagePack: numbers, lists, times of its own kind', async () => {
  assert.deepEqual(await post('pack-1', encodeMsgpack({ ...values, at: new Date(AT_MS) })), { status: 204, text: '' });
  assert.equal(await value('pack-1/t'), 21.5);
  assert.equal(await value('pack-1/l2'), 2.5);
  assert.equal(Date.parse((await gateway.point('pack-1/t')).time), AT_MS);
});

test('Protobuf: messages in messages, lists, maps, words, and what is 0 and not sent', async () => {
  const message = { id: 'm', ts: AT_MS, mains: { name: 'all', amps: 3.75 }, phases: values.phases, counters: { starts: -7 }, state: 1, ok: true };
  const body = Reading.encode(Reading.fromObject(message)).finish();
  assert.deepEqual(await post('proto-1', body), { status: 204, text: '' });
  assert.equal(await value('proto-1/mains'), 3.75);
  assert.equal(await value('proto-1/l2'), 2.5);
  assert.equal(await value('proto-1/starts'), -7);
  assert.equal(await value('proto-1/state'), 'RUNNING');
  assert.equal(await value('proto-1/ok'), true);
  const off = Reading.encode(Reading.fromObject({ id: 'm', ts: AT_MS + 1000 })).finish();
  assert.equal((await post('proto-1', off)).status, 204);
  assert.equal(await value('proto-1/state'), 'OFF');
  assert.equal(await value('proto-1/ok'), false);
  assert.equal(await value('proto-1/mains'), 3.75); // a message that is not there says nothing
});

test('Protobuf: a field that the type does not have is told when the configuration is read', async () => {
  const data = join(folder.folder, 'other'); // the gateway has its own
  const secret = await run(['secret', 'set', 'any', '--data', data], { input: 'a key for all of them\n' });
  assert.equal(secret.code, 0, secret.stderr);
  const check = async (from, to) => {
    folder.write('site.yaml', site(port).replace(from, to));
    const { code, stdout, stderr } = await run(['check', '--config', folder.site, '--data', data]);
    folder.write('site.yaml', site(port));
    return { code, text: stdout + stderr };
  };
  const good = await check('', '');
  assert.equal(good.code, 0, good.text);
  const point = await check('$.mains.amps', '$.mains.amp');
  assert.notEqual(point.code, 0);
  assert.match(point.text, /site\.yaml:20:\d+: .*protobuf '\$\.mains\.amp': acme\.Phase has no field 'amp'/);
  assert.match(point.text, /did you mean 'amps'\?/);
  const list = await check("protobuf: \"$.phases[?@.name=='L2'].amps\"", 'protobuf: $.phases.amps');
  assert.match(list.text, /site\.yaml:21:.*'phases' is a list/);
  const time = await check('protobuf $.ts', 'protobuf $.tts');
  assert.match(time.text, /site\.yaml:18:\d+: .*time: protobuf '\$\.tts': acme\.Reading has no field/);
});

test('Protobuf: the descriptors are known although something else of the section is wrong', async () => {
  const { code, stdout, stderr } = await run(['check', '--config', folder.site]); // no data folder: no secret
  assert.notEqual(code, 0);
  assert.match(stdout + stderr, /secret 'any' is not set/);
  assert.doesNotMatch(stdout + stderr, /no Protobuf message/);
});

test('packed bodies are unpacked first', async () => {
  const body = encodeMsgpack({ ...values, t: 1.5, at: new Date(AT_MS + 2000) });
  assert.equal((await post('pack-1', gzipSync(body), { 'content-encoding': 'gzip' })).status, 204);
  assert.equal(await value('pack-1/t'), 1.5);
  const bare = encodeMsgpack({ ...values, t: 2.5, at: new Date(AT_MS + 3000) });
  assert.equal((await post('pack-1', deflateRawSync(bare), { 'content-encoding': 'deflate' })).status, 204);
  assert.equal(await value('pack-1/t'), 2.5);
});

test('what is broken is refused whole, with the byte', async () => {
  const cut = await post('cbor-1', encodeCbor({ ...values, t: 99 }).subarray(0, 20));
  assert.equal(cut.status, 422);
  assert.match(cut.text, /byte \d+: the CBOR ends/);
  const wrong = await post('proto-1', encodeCbor(values));
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /byte 0: .*Reading/);
  assert.equal(await value('cbor-1/t'), 21.5);
});
