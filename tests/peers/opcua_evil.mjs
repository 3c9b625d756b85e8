// SPDX-License-Identifier: Apache-2.0
// An OPC UA server that does what it should not. It speaks the TCP mapping itself (Part 6, 7.1: HEL, ACK, OPN, MSG, without
// security), answers every service the gateway calls as a good server would, and lets a test replace any answer:
//
//   answers: { Read: (good, request, server) => ... }
//     what it gives: a response of another kind or content (an object of node-opcua), bytes of the body (Buffer),
//     NEVER (no answer), CUT (the connection ends), or raw(buffer): bytes to the wire, without any frame
import { createServer } from 'node:net';
import opcua from 'node-opcua';

const { BinaryStream, DataType, DataValue, StatusCodes, Variant, resolveNodeId } = opcua;

export const NEVER = Symbol('never');
export const CUT = Symbol('cut');
export const raw = (buffer) => ({ raw: buffer });
export const uri = 'urn:test:evil';

const SERVICES = ['OpenSecureChannel', 'CloseSecureChannel', 'GetEndpoints', 'FindServers', 'CreateSession', 'ActivateSession', 'CloseSession',
  'Read', 'Write', 'Browse', 'BrowseNext', 'TranslateBrowsePathsToNodeIds', 'Call', 'HistoryRead', 'CreateSubscription', 'ModifySubscription',
  'DeleteSubscriptions', 'SetPublishingMode', 'CreateMonitoredItems', 'ModifyMonitoredItems', 'DeleteMonitoredItems', 'Publish', 'Republish',
  'TransferSubscriptions', 'RegisterNodes', 'UnregisterNodes'];
const byId = new Map(SERVICES.map((name) => [opcua[`${name}Request`].schema?.encodingDefaultBinary?.value
  ?? new opcua[`${name}Request`]().schema.encodingDefaultBinary.value, name]));

/** The body of a message: type, then fields. */
export function encode(object) {
  const stream = new BinaryStream(Buffer.alloc(2048 * 1024));
  opcua.encodeExpandedNodeId(object.schema.encodingDefaultBinary, stream);
  object.encode(stream);
  return Buffer.from(stream.buffer.subarray(0, stream.length));
}

const u32 = (...numbers) => {
  const out = Buffer.alloc(4 * numbers.length);
  numbers.forEach((n, i) => out.writeUInt32LE(n >>> 0, 4 * i));
  return out;
};

/** A frame: kind "MSG", final "F", "C" (more follows) or "A". size: what it says, where that is not the truth. */
export function frame(kind, final, body, size = body.length + 8) {
  return Buffer.concat([Buffer.from(kind + final), u32(size), body]);
}

const text = (string) => (string === null ? u32(0xffffffff) : Buffer.concat([u32(Buffer.byteLength(string)), Buffer.from(string)]));

/** A value of the address space; a test may set others in server.values (key: the node id's identifier). */
const good = (value, dataType = DataType.Double) =>
  new DataValue({ value: new Variant({ dataType, value }), statusCode: StatusCodes.Good, sourceTimestamp: new Date(), serverTimestamp: new Date() });

const description = (port) => ({ applicationUri: uri, productUri: 'urn:test', applicationName: { text: 'evil' }, applicationType: 0,
  discoveryUrls: [`opc.tcp://127.0.0.1:${port}`] });

const endpoints = (port) => [{ endpointUrl: `opc.tcp://127.0.0.1:${port}`, server: description(port), securityMode: opcua.MessageSecurityMode.None,
  securityPolicyUri: opcua.SecurityPolicy.None, securityLevel: 0, transportProfileUri: 'http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary',
  userIdentityTokens: [{ policyId: 'anonymous', tokenType: opcua.UserTokenType.Anonymous, securityPolicyUri: opcua.SecurityPolicy.None }] }];

/** What a good server says to each service. */
const honest = {
  GetEndpoints: (_request, server) => new opcua.GetEndpointsResponse({ endpoints: endpoints(server.port) }),
  FindServers: (_request, server) => new opcua.FindServersResponse({ servers: [description(server.port)] }),
  CreateSession: (_request, server) => new opcua.CreateSessionResponse({ sessionId: resolveNodeId(`ns=1;i=${++server.count}`),
    authenticationToken: resolveNodeId(`ns=1;i=${1000 + server.count}`), revisedSessionTimeout: 60000, serverNonce: Buffer.alloc(32, 1),
    serverEndpoints: endpoints(server.port), maxRequestMessageSize: 0 }),
  ActivateSession: () => new opcua.ActivateSessionResponse({ serverNonce: Buffer.alloc(32, 2) }),
  CloseSession: () => new opcua.CloseSessionResponse({}),
  Read: (request, server) => new opcua.ReadResponse({ results: request.nodesToRead.map((node) => server.value(node)) }),
  Write: (request) => new opcua.WriteResponse({ results: request.nodesToWrite.map(() => StatusCodes.Good) }),
  Browse: (request) => new opcua.BrowseResponse({ results: request.nodesToBrowse.map(() => ({ statusCode: StatusCodes.Good, references: [] })) }),
  BrowseNext: (request) => new opcua.BrowseNextResponse({ results: request.continuationPoints.map(() => ({ statusCode: StatusCodes.Good, references: [] })) }),
  TranslateBrowsePathsToNodeIds: (request) => new opcua.TranslateBrowsePathsToNodeIdsResponse({ results: request.browsePaths.map(() => ({ statusCode: StatusCodes.BadNoMatch })) }),
  Call: (request) => new opcua.CallResponse({ results: request.methodsToCall.map(() => ({ statusCode: StatusCodes.Good })) }),
  HistoryRead: (request) => new opcua.HistoryReadResponse({ results: request.nodesToRead.map(() => ({ statusCode: StatusCodes.GoodNoData })) }),
  CreateSubscription: (request, server) => new opcua.CreateSubscriptionResponse({ subscriptionId: (server.subscription = ++server.count),
    revisedPublishingInterval: request.requestedPublishingInterval, revisedLifetimeCount: request.requestedLifetimeCount,
    revisedMaxKeepAliveCount: request.requestedMaxKeepAliveCount }),
  ModifySubscription: (request) => new opcua.ModifySubscriptionResponse({ revisedPublishingInterval: request.requestedPublishingInterval,
    revisedLifetimeCount: request.requestedLifetimeCount, revisedMaxKeepAliveCount: request.requestedMaxKeepAliveCount }),
  DeleteSubscriptions: (request) => new opcua.DeleteSubscriptionsResponse({ results: request.subscriptionIds.map(() => StatusCodes.Good) }),
  SetPublishingMode: (request) => new opcua.SetPublishingModeResponse({ results: request.subscriptionIds.map(() => StatusCodes.Good) }),
  CreateMonitoredItems: (request, server) => new opcua.CreateMonitoredItemsResponse({ results: request.itemsToCreate.map((item) => {
    server.items.push({ handle: item.requestedParameters.clientHandle, node: item.itemToMonitor.nodeId });
    return { statusCode: StatusCodes.Good, monitoredItemId: ++server.count, revisedSamplingInterval: 100, revisedQueueSize: 10 };
  }) }),
  ModifyMonitoredItems: (request) => new opcua.ModifyMonitoredItemsResponse({ results: request.itemsToModify.map(() => ({ statusCode: StatusCodes.Good })) }),
  DeleteMonitoredItems: (request) => new opcua.DeleteMonitoredItemsResponse({ results: request.monitoredItemIds.map(() => StatusCodes.Good) }),
  /** All items once in 100 ms; server.notify may replace the notification. */
  Publish: (request, server) => server.publish(request),
  Republish: () => new opcua.ServiceFault({ responseHeader: { serviceResult: StatusCodes.BadMessageNotAvailable } }),
  TransferSubscriptions: (request) => new opcua.TransferSubscriptionsResponse({ results: request.subscriptionIds.map(() => ({ statusCode: StatusCodes.BadSubscriptionIdInvalid })) }),
};

const CHUNK = 60000;
const NAMESPACES = 2255;
const STATE = 2259;

/** hello: what is sent instead of ACK; open: instead of the answer to OPN. */
export async function startEvil({ answers = {}, hello, open } = {}) {
  const sockets = new Set();
  const server = { answers, asked: {}, connections: 0, count: 1, items: [], values: new Map(), sequence: 1, published: 0, tricks: 0, sockets, errors: [] };
  server.value = ({ nodeId, attributeId }) => {
    if (server.values.has(nodeId.value)) {
      return server.values.get(nodeId.value);
    }
    if (nodeId.namespace === 0 && nodeId.value === NAMESPACES) {
      return new DataValue({ statusCode: StatusCodes.Good, value: new Variant({ dataType: DataType.String, arrayType: opcua.VariantArrayType.Array,
        value: ['http://opcfoundation.org/UA/', uri, 'urn:busbar:peer'] }) });
    }
    if (nodeId.namespace === 0 && nodeId.value === STATE) {
      return good(0, DataType.Int32);
    }
    if (nodeId.namespace === 0) {
      return new DataValue({ statusCode: StatusCodes.BadNodeIdUnknown });
    }
    if (attributeId === 14) {
      return good(resolveNodeId('i=11'), DataType.NodeId);
    }
    return attributeId === 13 ? good(1) : new DataValue({ statusCode: StatusCodes.BadAttributeIdInvalid });
  };
  server.publish = (request) => new Promise((resolve) => {
    setTimeout(() => {
      server.published++;
      const notification = server.notify?.(request) ?? new opcua.DataChangeNotification({
        monitoredItems: server.items.map(({ handle, node }) => ({ clientHandle: handle, value: server.value({ nodeId: node, attributeId: 13 }) })) });
      resolve(new opcua.PublishResponse({ subscriptionId: server.subscription, availableSequenceNumbers: [server.published], moreNotifications: false,
        notificationMessage: { sequenceNumber: server.published, publishTime: new Date(), notificationData: [notification] },
        results: (request.subscriptionAcknowledgements ?? []).map(() => StatusCodes.Good) }));
    }, 100).unref();
  });

  async function answer(socket, kind, requestId, service, request) {
    const right = await honest[service]?.(request, server)
      ?? new opcua.ServiceFault({ responseHeader: { serviceResult: StatusCodes.BadServiceUnsupported } });
    right.responseHeader.requestHandle = request.requestHeader.requestHandle;
    right.responseHeader.timestamp = new Date();
    let given = right;
    if (server.answers[service]) {
      server.tricks++;
      given = await server.answers[service](right, request, server);
    }
    if (given === NEVER || socket.destroyed) {
      return;
    }
    if (given === CUT) {
      socket.destroy();
      return;
    }
    if (given.raw) {
      socket.write(given.raw);
      return;
    }
    const body = Buffer.isBuffer(given) ? given : encode(given);
    for (let at = 0; at === 0 || at < body.length; at += CHUNK) {
      socket.write(frame('MSG', at + CHUNK < body.length ? 'C' : 'F',
        Buffer.concat([u32(socket.channel, 1, server.sequence++, requestId), body.subarray(at, at + CHUNK)])));
    }
  }

  function take(socket, kind, body) {
    if (kind === 'HEL') {
      socket.write(hello ?? frame('ACK', 'F', u32(0, 65536, 65536, 0, 0)));
      return;
    }
    if (kind === 'OPN') {
      const { at, request } = openRequest(body);
      socket.channel ??= ++server.count;
      const response = new opcua.OpenSecureChannelResponse({ responseHeader: { requestHandle: request.requestHeader.requestHandle, timestamp: new Date() },
        serverProtocolVersion: 0, serverNonce: Buffer.alloc(0),
        securityToken: { channelId: socket.channel, tokenId: 1, createdAt: new Date(), revisedLifetime: request.requestedLifetime } });
      socket.write(open ?? frame('OPN', 'F', Buffer.concat([u32(socket.channel), text(opcua.SecurityPolicy.None), text(null), text(null),
        u32(server.sequence++, body.readUInt32LE(at - 4)), encode(response)])));
      return;
    }
    if (kind === 'MSG') {
      const requestId = body.readUInt32LE(12);
      const stream = new BinaryStream(body.subarray(16));
      const service = byId.get(opcua.decodeExpandedNodeId(stream).value);
      const request = new opcua[`${service}Request`]();
      request.decode(stream);
      server.asked[service] = (server.asked[service] ?? 0) + 1;
      answer(socket, kind, requestId, service, request).catch((error) => server.errors.push(error));
    }
  }

  function openRequest(body) {
    let at = 4;
    for (let i = 0; i < 3; i++) {
      const size = body.readInt32LE(at);
      at += 4 + Math.max(size, 0);
    }
    at += 8;
    const stream = new BinaryStream(body.subarray(at));
    opcua.decodeExpandedNodeId(stream);
    const request = new opcua.OpenSecureChannelRequest();
    request.decode(stream);
    return { at, request };
  }

  const listener = createServer((socket) => {
    server.connections++;
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 8 && rest.length >= rest.readUInt32LE(4)) {
        const size = rest.readUInt32LE(4);
        const piece = rest.subarray(0, size);
        rest = rest.subarray(size);
        try {
          take(socket, piece.toString('latin1', 0, 3), piece.subarray(8));
        } catch (error) {
          server.errors.push(error);
        }
      }
    });
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  server.port = listener.address().port;
  server.url = `opc.tcp://127.0.0.1:${server.port}`;
  /** Bytes to all who are connected. */
  server.send = (buffer) => sockets.forEach((socket) => socket.write(buffer));
  server.stop = () => {
    sockets.forEach((socket) => socket.destroy());
    return new Promise((resolve) => listener.close(resolve));
  };
  return server;
}
