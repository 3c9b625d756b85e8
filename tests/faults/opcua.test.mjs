// SPDX-License-Identifier: Apache-2.0
// OPC UA servers that do what they should not, against the sanitized build: wrong types, torn and endless chunks, lengths
// beyond all memory, wrong handles, answers to nobody, silence. The gateway lives, the device says what is wrong, and
// another device goes on as if nothing was.
// Runs alone: it measures how long good devices wait.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, until } from '../support/gateway.mjs';
import { CUT, encode, frame, NEVER, raw, startEvil, uri } from '../peers/opcua_evil.mjs';
import { opcua } from '../peers/opcua_peers.mjs';
import { begin, site } from '../peers/opcua_rig.mjs';

const { DataType, DataValue, StatusCodes, Variant, VariantArrayType } = opcua;
const settings = 'security: none, timeout: 500ms, publishing: 100ms, keep_alive: 500ms, history: true';
const node = (id, more = '') => `{ node: "nsu=urn:busbar:peer;s=${id}"${more} }`;
const points = { a: node('a'), b: node('b'), x: node('x', ', member: X'), r: node('r', ', range: "1:2"'), polled: node('polled', ', poll: true') };

let good;

before(async () => {
  good = await startEvil();
  good.step = 1;
});

after(() => good.stop());

const u32 = (n) => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(n >>> 0);
  return out;
};

const random = (size, seed) => {
  const out = Buffer.alloc(size);
  for (let i = 0, x = seed; i < size; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    out[i] = x >>> 16;
  }
  return out;
};

/** A gateway with the evil server as `evil` and a good one as `fine`; act() runs; then both are looked at. */
async function survives(t, evils, { act = () => sleep(1500), every = '200ms', says } = {}) {
  const devices = { fine: { url: good.url, settings, points: { a: node('a') }, every } };
  const servers = [];
  for (const [i, options] of evils.entries()) {
    const server = await startEvil(options);
    t.after(() => server.stop());
    servers.push(server);
    devices[`evil${i}`] = { url: server.url, settings, points, every };
  }
  const rig = await begin(t, site(devices));
  let ended = null;
  rig.gateway.exited.then((how) => (ended = how));
  await rig.shows('fine/a', good.step);
  await act(rig, servers);
  good.values.set('a', new DataValue({ value: new Variant({ dataType: DataType.Double, value: ++good.step }), statusCode: StatusCodes.Good,
    sourceTimestamp: new Date() }));
  const began = Date.now();
  await rig.shows('fine/a', good.step);
  assert.ok(Date.now() - began < 3000, `the other device was ${Date.now() - began} ms late`);
  assert.equal(ended, null, rig.gateway.output);
  for (const [i, matching] of Object.entries(says ?? {})) {
    await rig.link(`evil${i}`, matching, 20000);
  }
  const { code } = await rig.gateway.stop();
  assert.equal(code, 0, rig.gateway.output);
  assert.doesNotMatch(rig.gateway.output, /Sanitizer|runtime error/);
  servers.forEach((server, i) => {
    assert.deepEqual(server.errors, [], `evil${i} did what it was told`);
    assert.ok(server.connections > 0 && (Object.keys(server.answers).length === 0 || server.tricks > 0), `evil${i} was met: ${JSON.stringify(server.asked)}`);
  });
}

test('frames: garbage, lies about sizes, chunks without end', { timeout: 90000 }, async (t) => {
  const endless = (kind) => (_good, _request, server) => {
    const piece = frame('MSG', 'C', Buffer.concat([u32(2), u32(1), u32(server.sequence++), u32(3), Buffer.alloc(60000, 0x41)]));
    let sent = 0;
    const timer = setInterval(() => {
      server.send(piece);
      if (++sent > 400) {
        clearInterval(timer);
      }
    }, 2);
    timer.unref();
    return kind;
  };
  await survives(t, [
    { hello: random(64, 1) },
    { hello: frame('ACK', 'F', Buffer.alloc(20), 0xffffffff) },
    { hello: frame('ACK', 'F', Buffer.alloc(20), 8) },
    { hello: frame('ACK', 'F', Buffer.concat([u32(0), u32(1), u32(1), u32(1), u32(1)])) },
    { hello: frame('ERR', 'F', Buffer.concat([u32(0x80ac0000), u32(0x7fffffff)])) },
    { open: frame('OPN', 'F', random(200, 2)) },
    { open: frame('OPN', 'F', Buffer.concat([u32(1), u32(0x7fffffff), random(100, 3)])) },
    { open: random(5000, 4) },
    { answers: { Read: endless(NEVER) } },
    { answers: { Read: () => raw(random(10000, 5)) } },
    { answers: { Read: () => raw(frame('MSG', 'F', Buffer.alloc(4), 0x7fffffff)) } },
    { answers: { Read: () => raw(frame('MSG', 'A', Buffer.alloc(100))) } },
    { answers: { Read: (_good, _request, server) => raw(frame('MSG', 'F', Buffer.concat([u32(77), u32(99), u32(server.sequence), u32(12345), random(50, 6)]))) } },
  ], { act: () => sleep(3000) });
});

test('bodies: torn at every place, one bit flipped, of another service', { timeout: 120000 }, async (t) => {
  let cut = 0;
  const torn = (right) => {
    const body = encode(right);
    return body.subarray(0, cut++ % body.length);
  };
  let flip = 0;
  const flipped = (right) => {
    const body = encode(right);
    const at = (flip++ * 13) % (8 * body.length);
    body[at >> 3] ^= 1 << (at & 7);
    return body;
  };
  const all = (how) => Object.fromEntries(['Read', 'CreateMonitoredItems', 'CreateSubscription', 'Publish', 'HistoryRead'].map((name) => [name, how]));
  const session = (how) => ({ GetEndpoints: how, CreateSession: how, ActivateSession: how });
  await survives(t, [
    { answers: all(torn) }, { answers: all(flipped) }, { answers: session(torn) }, { answers: session(flipped) },
    { answers: { Read: () => new opcua.WriteResponse({ results: [StatusCodes.Good] }) } },
    { answers: { Publish: flipped } }, { answers: { Publish: torn } },
    { answers: { CreateSession: () => new opcua.ServiceFault({ responseHeader: { serviceResult: StatusCodes.BadTooManySessions } }) } },
  ], { act: () => sleep(6000), says: { 7: /BadTooManySessions|too many sessions/ } });
});

const value = (variant, more = {}) => new DataValue({ value: new Variant(variant), statusCode: StatusCodes.Good, sourceTimestamp: new Date(), ...more });

test('values: of wrong types, empty arrays, null, nested without end, times beyond the calendar', { timeout: 90000 }, async (t) => {
  const wrong = [
    value({ dataType: DataType.String, value: null }), value({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [] }),
    value({ dataType: DataType.Double, arrayType: VariantArrayType.Matrix, dimensions: [0, 0], value: [] }), value({ dataType: DataType.ByteString, value: null }),
    value({ dataType: DataType.Double, value: NaN }), value({ dataType: DataType.Double, value: -Infinity }),
    value({ dataType: DataType.Variant, arrayType: VariantArrayType.Array, value: [{ dataType: DataType.Int32, value: 1 }, { dataType: DataType.String, value: 'x' }] }),
    value({ dataType: DataType.String, value: 'x'.repeat(100000) }), value({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value: new Float64Array(20000) }),
    value({ dataType: DataType.Double, value: 1 }, { sourceTimestamp: new Date('0001-01-01') }), value({ dataType: DataType.Double, value: 1 }, { sourceTimestamp: new Date('9999-12-31') }),
    value({ dataType: DataType.LocalizedText, value: {} }), new DataValue({}), new DataValue({ statusCode: StatusCodes.Good }),
    new DataValue({ statusCode: StatusCodes.BadSensorFailure }),
  ];
  let turn = 0;
  const next = () => wrong[turn++ % wrong.length];
  const read = (_good, request, server) => new opcua.ReadResponse({ responseHeader: _good.responseHeader,
    results: request.nodesToRead.map((of) => (of.nodeId.namespace === 0 ? server.value(of) : next())) });
  // A variant in a variant in a variant ..., written by hand: deeper than any stack likes.
  const deep = (right) => {
    const body = encode(right);
    return Buffer.concat([body.subarray(0, body.length - 4), u32(1), Buffer.from([1]), Buffer.alloc(60000, 24), Buffer.from([1, 1])]);
  };
  const huge = (right) => {
    const body = encode(right);
    return Buffer.concat([body.subarray(0, body.length - 4), u32(0x7fffffff), Buffer.alloc(100)]);
  };
  // Structures of a type nobody knows, with a length that lies.
  const structure = (right, request) => {
    if (request.nodesToRead.some((of) => of.nodeId.namespace === 0)) {
      return right;
    }
    const head = encode(new opcua.ReadResponse({ responseHeader: right.responseHeader, results: [] })).subarray(0, -8);
    const item = (size) => Buffer.concat([Buffer.from([1, 22, 1, 2, 0x77, 0x77]), Buffer.from([1]), u32(size), random(40, 9)]);
    return Buffer.concat([head, u32(request.nodesToRead.length), ...request.nodesToRead.map((_of, i) => item(i % 2 ? 40 : 0x7ffffff0)), u32(0xffffffff)]);
  };
  await survives(t, [{ answers: { Read: read } }, { answers: { Read: deep } }, { answers: { Read: huge } }, { answers: { Read: structure } },
    { answers: {}, notify: 1 }], { act: async (_rig, servers) => {
    servers[4].notify = () => new opcua.DataChangeNotification({ monitoredItems: servers[4].items.map(({ handle }) => ({ clientHandle: handle, value: next() })) });
    await sleep(4000);
  } });
});

test('answers: too few, too many, for other handles, to nobody; subscriptions of nobody', { timeout: 90000 }, async (t) => {
  const fewer = (name, key) => (right) => new opcua[`${name}Response`]({ ...right, [key]: [] });
  const more = (name, key) => (right) => new opcua[`${name}Response`]({ ...right, [key]: Array(50).fill(right[key][0]) });
  const lists = { Read: 'results', CreateMonitoredItems: 'results', Write: 'results', HistoryRead: 'results' };
  const of = (how) => Object.fromEntries(Object.entries(lists).map(([name, key]) => [name, how(name, key)]));
  const publish = (change) => (right) => {
    change(right);
    return right;
  };
  const handles = (right) => {
    const items = [0, 1, 0xffffffff, 4096, 77777].map((clientHandle) => ({ clientHandle, value: value({ dataType: DataType.Double, value: 3 }) }));
    right.notificationMessage.notificationData = [new opcua.DataChangeNotification({ monitoredItems: items })];
  };
  const strange = (right) => {
    right.notificationMessage.notificationData = [new opcua.EventNotificationList({ events: [{ clientHandle: 9, eventFields: [] }] }),
      new opcua.StatusChangeNotification({ status: StatusCodes.BadTimeout }), new opcua.BrowseRequest({})];
  };
  await survives(t, [
    { answers: of(fewer) }, { answers: of(more) },
    { answers: { Publish: publish(handles) } }, { answers: { Publish: publish(strange) } },
    { answers: { Publish: publish((right) => (right.subscriptionId = 999999)) } },
    { answers: { Publish: publish((right) => (right.notificationMessage.sequenceNumber = 0)) } },
    { answers: { Publish: publish((right) => (right.notificationMessage.sequenceNumber = (right.notificationMessage.sequenceNumber * 7919) >>> 0)) } },
    { answers: { Publish: publish((right) => (right.availableSequenceNumbers = Array.from({ length: 10000 }, (_, i) => i))) } },
    { answers: { Publish: publish((right) => (right.moreNotifications = true)) } },
    { answers: { Publish: publish((right) => (right.responseHeader.requestHandle = 4711)) } },
    { answers: { CreateSubscription: (right) => Object.assign(right, { revisedPublishingInterval: NaN, revisedMaxKeepAliveCount: 0, revisedLifetimeCount: 0 }) } },
    { answers: { CreateSubscription: (right) => Object.assign(right, { revisedPublishingInterval: 1e308, revisedMaxKeepAliveCount: 0xffffffff }) } },
    { answers: { CreateSession: (right) => Object.assign(right, { revisedSessionTimeout: -1, maxRequestMessageSize: 1 }) } },
    { answers: { Publish: (right) => new opcua.ServiceFault({ responseHeader: { ...right.responseHeader, serviceResult: StatusCodes.BadTooManyPublishRequests } }) } },
    { answers: { Publish: (right) => new opcua.ServiceFault({ responseHeader: { ...right.responseHeader, serviceResult: StatusCodes.BadNoSubscription } }) } },
  ], { act: () => sleep(4000) });
});

test('services that never answer, or cut, each in turn', { timeout: 90000 }, async (t) => {
  const names = ['GetEndpoints', 'CreateSession', 'ActivateSession', 'Read', 'CreateSubscription', 'CreateMonitoredItems', 'Publish'];
  await survives(t, [...names.map((name) => ({ answers: { [name]: () => NEVER } })), ...names.map((name) => ({ answers: { [name]: () => CUT } }))],
    { act: () => sleep(4000), says: { 0: /^(down|connecting).*./, 1: /^(down|connecting).*./, 3: /./ } });
});

test('browsing: continuation points without end, references to itself, garbage', { timeout: 90000 }, async (t) => {
  const reference = (i) => ({ referenceTypeId: 'i=35', isForward: true, nodeId: `ns=2;s=loop.${i}`, browseName: { namespaceIndex: 2, name: `loop.${i}` },
    displayName: { text: 'x'.repeat(200) }, nodeClass: 2, typeDefinition: 'i=63' });
  const page = (request, key) => request[key].map((of) => (/loop/.test(of.nodeId?.value) ? { statusCode: StatusCodes.Good }
    : { statusCode: StatusCodes.Good, continuationPoint: Buffer.alloc(200, 7), references: Array.from({ length: 300 }, (_, i) => reference(i)) }));
  const endless = { Browse: (_good, request) => new opcua.BrowseResponse({ responseHeader: _good.responseHeader, results: page(request, 'nodesToBrowse') }),
    BrowseNext: (_good, request) => new opcua.BrowseNextResponse({ responseHeader: _good.responseHeader, results: page(request, 'continuationPoints') }) };
  const none = { Browse: endless.Browse, BrowseNext: (right) => new opcua.BrowseNextResponse({ responseHeader: right.responseHeader, results: [] }) };
  const bad = { Browse: endless.Browse, BrowseNext: (right) => new opcua.BrowseNextResponse({ responseHeader: right.responseHeader,
    results: [{ statusCode: StatusCodes.BadContinuationPointInvalid }] }) };
  await survives(t, [{ answers: endless }, { answers: none }, { answers: bad }], { act: async (rig) => {
    for (const name of ['evil0', 'evil1', 'evil2']) {
      await rig.good(`${name}/a`);
      const began = await rig.gateway.post('/api/v1/browses', { device: name, at: '' });
      assert.equal(began.status, 202, JSON.stringify(began.body));
      const seen = await until(`the browse of ${name} ends`, async () => {
        const at = await rig.gateway.get(`/api/v1/browses/${began.body.id}?limit=10`);
        return at.state !== 'running' && at;
      }, 40000);
      assert.ok(seen.count < 200000);
    }
  } });
});

test('endpoints: another host, another scheme, thousands, without a certificate', { timeout: 60000 }, async (t) => {
  const endpoint = (more) => ({ endpointUrl: 'opc.tcp://127.0.0.1:1', server: { applicationUri: uri, productUri: 'x', applicationName: { text: 'evil' } },
    securityMode: 1, securityPolicyUri: opcua.SecurityPolicy.None, securityLevel: 255, transportProfileUri: 'http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary',
    userIdentityTokens: [{ policyId: 'anonymous', tokenType: 0 }], ...more });
  const says = (endpoints) => ({ answers: { GetEndpoints: (right) => new opcua.GetEndpointsResponse({ responseHeader: right.responseHeader, endpoints }) } });
  await survives(t, [
    says([]), says([endpoint({})]), says([endpoint({ endpointUrl: 'http://example.org/' })]), says([endpoint({ endpointUrl: null })]),
    says(Array(2000).fill(endpoint({}))), says([endpoint({ userIdentityTokens: [] })]), says([endpoint({ transportProfileUri: 'urn:none' })]),
    says([endpoint({ securityMode: 3, securityPolicyUri: opcua.SecurityPolicy.Basic256Sha256, serverCertificate: random(500, 8) })]),
  ], { act: async (rig) => {
    await rig.good('evil1/a', 10000); // the host it names is not gone to
    await rig.link('evil0', /^(down|connecting): ./, 10000);
    await rig.link('evil7', /^(down|connecting).*./, 10000);
  } });
});
