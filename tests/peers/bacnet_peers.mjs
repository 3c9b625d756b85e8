// SPDX-License-Identifier: Apache-2.0
// BACnet devices and clients made of other people's stacks: node-bacnet and @bacnet-js/client. Both alike to a
// test: a device holds objects and answers by the libraries' server-side events; a client asks with promises.
import { createSocket } from 'node:dgram';
import bacnetJs from '@bacnet-js/client';
import nodeBacnet from 'node-bacnet';

const BacnetJs = bacnetJs.default;
export const libraries = { 'node-bacnet': nodeBacnet, '@bacnet-js/client': BacnetJs };

// Application tags, objects, properties, errors: numbers of ASHRAE 135, clause 21.
export const Tag = { NULL: 0, BOOLEAN: 1, UNSIGNED: 2, SIGNED: 3, REAL: 4, DOUBLE: 5, OCTETS: 6, TEXT: 7, BITS: 8,
  ENUMERATED: 9, DATE: 10, TIME: 11, OBJECT: 12 };
export const Type = { AI: 0, AO: 1, AV: 2, BI: 3, BO: 4, BV: 5, DEVICE: 8, MSI: 13, MSO: 14, CLASS: 15, MSV: 19,
  LOG: 20, TEXT: 40, INTEGER: 45, LARGE: 46, POSITIVE: 48 };
export const Prop = { ALL: 8, DESCRIPTION: 28, EVENT_STATE: 36, MAX_APDU: 62, MODEL: 70, NAME: 77, ID: 75, LIST: 76,
  TYPE: 79, OUT_OF_SERVICE: 81, PRESENT: 85, PRIORITIES: 87, REVISION: 139, DEFAULT: 104, SEGMENTATION: 107,
  STATES: 74, STATE_TEXT: 110, STATUS: 111, STATUS_FLAGS: 111, UNITS: 117, VENDOR: 120, VENDOR_NAME: 121,
  SERVICES: 97, FIRMWARE: 44, LOG_BUFFER: 131, SYSTEM_STATUS: 112 };
const Class = { OBJECT: 1, PROPERTY: 2, SERVICES: 5 };
const Code = { UNKNOWN_OBJECT: 31, UNKNOWN_PROPERTY: 32, WRITE_DENIED: 40, BAD_INDEX: 42 };
const Service = { COV: 5, WRITE: 15, WRITE_MANY: 16, COV_PROPERTY: 28, ACK_ALARM: 0, EVENT: 2, READ: 12, READ_MANY: 14,
  ADD_LIST: 8, COV_NOTIFY: 1 };
export const ALL = 0xffffffff; // no array index

export const real = (value) => [{ type: Tag.REAL, value }];
export const unsigned = (value) => [{ type: Tag.UNSIGNED, value }];
export const enumerated = (value) => [{ type: Tag.ENUMERATED, value }];
export const text = (value) => [{ type: Tag.TEXT, value, encoding: 0 }];
export const flags = (bits = 0) => [{ type: Tag.BITS, value: { value: [bits], bitsUsed: 4 } }];
const key = ({ type, instance }) => `${type}:${instance}`;

/** Where a library's message came from, as its send functions take it. */
const senderOf = (message) => message.header.sender;

function makeStack(library, { address, port }) {
  const Library = libraries[library];
  return new Library({ port, interface: address, broadcastAddress: `127.255.255.255:${port}`, apduTimeout: 3000 });
}

/**
 * A device. objects: [{ type, instance, values: { property: [{ type, value }] }, commandable }]; more can be added to
 * device.objects while it runs. rpm: false refuses ReadPropertyMultiple as devices do that cannot.
 */
export async function startDevice({ library, address, port, instance, objects = [], rpm = true, cov = true, broadcast }) {
  const stack = makeStack(library, { address, port });
  const device = { stack, instance, objects: new Map(), asked: { read: 0, many: 0, write: 0, subscribe: 0, list: 0 },
    subscriptions: [], writes: [], acknowledged: [], errors: [] };
  stack.on('error', (error) => device.errors.push(error));

  device.add = (object) => {
    const { type, instance: number, values = {}, commandable = false } = object;
    const kept = { id: { type, instance: number }, slots: commandable ? Array(16).fill(null) : null, values: {
      [Prop.ID]: [{ type: Tag.OBJECT, value: { type, instance: number } }],
      [Prop.TYPE]: enumerated(type), ...values } };
    device.objects.set(key(kept.id), kept);
    return kept;
  };
  const supported = Array(41).fill(0);
  for (const bit of [12, 15, 26, 34, ...(rpm ? [14] : []), ...(cov ? [5] : [])]) {
    supported[bit] = 1;
  }
  const bytes = Array.from({ length: 6 }, (_, i) =>
    supported.slice(8 * i, 8 * i + 8).reduce((byte, bit, j) => byte | (bit << j), 0));
  device.add({ type: Type.DEVICE, instance, values: { [Prop.NAME]: text(`peer ${instance}`), [Prop.MAX_APDU]: unsigned(1476),
    [Prop.SEGMENTATION]: enumerated(3), [Prop.VENDOR]: unsigned(0), [Prop.VENDOR_NAME]: text(library),
    [Prop.MODEL]: text('a peer'), [Prop.FIRMWARE]: text('1'), [Prop.SYSTEM_STATUS]: enumerated(0),
    [Prop.REVISION]: unsigned(22), [Prop.SERVICES]: [{ type: Tag.BITS, value: { value: bytes, bitsUsed: 41 } }] } });
  objects.forEach(device.add);

  /** The elements of a property, or { error: [class, code] }. */
  function read(id, property) {
    const wanted = id.type === Type.DEVICE && id.instance === 0x3fffff ? { type: Type.DEVICE, instance } : id;
    const object = device.objects.get(key(wanted));
    if (!object) {
      return { error: [Class.OBJECT, Code.UNKNOWN_OBJECT] };
    }
    let value = object.values[property.id];
    if (wanted.type === Type.DEVICE && property.id === Prop.LIST) {
      value = [...device.objects.values()].map((o) => ({ type: Tag.OBJECT, value: o.id }));
    } else if (property.id === Prop.PRIORITIES && object.slots) {
      value = object.slots.map((slot) => slot ?? { type: Tag.NULL, value: null });
    } else if (property.id === Prop.PRESENT && object.slots) {
      const slot = object.slots.find((s) => s !== null);
      value = slot ? [slot] : object.values[Prop.DEFAULT];
    }
    if (value === undefined) {
      return { error: [Class.PROPERTY, Code.UNKNOWN_PROPERTY] };
    }
    if (property.index === ALL || property.index === undefined) {
      return { value };
    }
    if (property.index === 0) {
      return { value: unsigned(value.length) };
    }
    return property.index <= value.length ? { value: [value[property.index - 1]] }
      : { error: [Class.PROPERTY, Code.BAD_INDEX] };
  }

  stack.on('whoIs', (message) => {
    const { lowLimit, highLimit } = message.payload ?? {};
    if (lowLimit === undefined || (instance >= lowLimit && instance <= highLimit)) {
      stack.iAmResponse(senderOf(message), instance, 3, 0);
    }
  });
  stack.on('readProperty', (message) => {
    device.asked.read++;
    const { objectId, property } = message.payload;
    const { value, error } = read(objectId, property);
    if (error) {
      stack.errorResponse(senderOf(message), Service.READ, message.invokeId, ...error);
    } else {
      stack.readPropertyResponse(senderOf(message), message.invokeId, objectId, property, value);
    }
  });
  stack.on('readPropertyMultiple', (message) => {
    device.asked.many++;
    if (!rpm) {
      stack.errorResponse(senderOf(message), Service.READ_MANY, message.invokeId, Class.SERVICES, 29);
      return;
    }
    const answer = message.payload.properties.map(({ objectId, properties }) => ({
      objectId,
      values: properties.map((property) => {
        const { value, error } = read(objectId, property);
        return { property, value: value ?? [{ type: 105, value: { type: 'BacnetError', errorClass: error[0], errorCode: error[1] } }] };
      }),
    }));
    stack.readPropertyMultipleResponse(senderOf(message), message.invokeId, answer);
  });
  stack.on('writeProperty', (message) => {
    device.asked.write++;
    const { objectId, value } = message.payload;
    const object = device.objects.get(key(objectId));
    device.writes.push({ objectId, property: value.property.id, value: value.value, priority: value.priority });
    if (!object || value.property.id !== Prop.PRESENT || (!object.slots && !object.writable)) {
      stack.errorResponse(senderOf(message), Service.WRITE, message.invokeId, Class.PROPERTY, Code.WRITE_DENIED);
      return;
    }
    const [element] = value.value;
    if (object.slots) {
      object.slots[(value.priority || 16) - 1] = element.type === Tag.NULL ? null : { type: element.type, value: element.value };
    } else {
      object.values[Prop.PRESENT] = [element];
    }
    stack.simpleAckResponse(senderOf(message), Service.WRITE, message.invokeId);
  });
  stack.on('subscribeCov', (message) => {
    device.asked.subscribe++;
    if (!cov) {
      stack.errorResponse(senderOf(message), Service.COV, message.invokeId, Class.SERVICES, 45);
      return;
    }
    const { monitoredObjectId, subscriberProcessId, issueConfirmedNotifications, cancellationRequest, lifetime } = message.payload;
    device.subscriptions = device.subscriptions.filter((s) => key(s.id) !== key(monitoredObjectId));
    stack.simpleAckResponse(senderOf(message), Service.COV, message.invokeId);
    if (!cancellationRequest) {
      device.subscriptions.push({ id: monitoredObjectId, process: subscriberProcessId, lifetime,
        confirmed: issueConfirmedNotifications, to: senderOf(message) });
      setImmediate(() => device.notify(monitoredObjectId).catch((error) => device.errors.push(error)));
    }
  });
  stack.on('alarmAcknowledge', (message) => {
    device.acknowledged.push(message.payload);
    stack.simpleAckResponse(senderOf(message), Service.ACK_ALARM, message.invokeId);
  });
  stack.on('addListElement', (message) => {
    device.asked.list++;
    stack.simpleAckResponse(senderOf(message), Service.ADD_LIST, message.invokeId);
  });

  /** Tells who subscribed; resolves when all that wanted to have confirmed. */
  device.notify = async (id) => {
    const values = [Prop.PRESENT, Prop.STATUS].map((p) => ({ property: { id: p }, value: read(id, { id: p }).value }));
    for (const subscription of device.subscriptions.filter((s) => key(s.id) === key(id))) {
      const { process, to, confirmed, lifetime } = subscription;
      if (confirmed) {
        await promise(library, stack, 'confirmedCOVNotification', to, id, process, instance, lifetime, values);
      } else {
        // node-bacnet gives its socket the address as it is: a string
        const receiver = library === 'node-bacnet' ? to.address : to;
        stack.unconfirmedCOVNotification(receiver, process, instance, id, lifetime, values);
      }
    }
  };
  /** Sets a present value and tells it. */
  device.set = (id, value, told = true) => {
    device.objects.get(key(id)).values[Prop.PRESENT] = value;
    return told ? device.notify(id) : undefined;
  };
  device.confirmedEvent = (to, event) => promise(library, stack, 'confirmedEventNotification', to, event);

  // The libraries listen on one address only; what goes to all is heard here and given to them.
  let ear;
  if (broadcast) {
    ear = createSocket({ type: 'udp4', reuseAddr: true });
    ear.on('message', (data, from) => stack._transport.emit('message', data, `${from.address}:${from.port}`));
    await new Promise((resolve, reject) => {
      ear.once('error', reject);
      ear.bind(port, '127.255.255.255', resolve);
    });
  }
  await ready(stack);
  device.stop = () => {
    ear?.close();
    stack.close();
  };
  return device;
}

/** A socket is bound when it knows its address. */
async function ready(stack) {
  for (let i = 0; i < 200; i++) {
    try {
      stack._transport._server.address();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  throw new Error('the peer does not listen');
}

/** Both libraries' calls as promises: one takes a callback, the other returns one. */
function promise(library, stack, name, ...args) {
  if (library !== 'node-bacnet') {
    return stack[name](...args, {});
  }
  return new Promise((resolve, reject) => {
    stack[name](...args, {}, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** A client; `at` is "127.0.1.7:47808". */
export async function startClient({ library, address, port }) {
  const stack = makeStack(library, { address, port });
  stack.on('error', () => {});
  await ready(stack);
  const to = (at) => ({ address: at });
  const call = (name, at, ...args) => promise(library, stack, name, to(at), ...args);
  return {
    stack,
    read: async (at, object, property, arrayIndex) => {
      const options = arrayIndex === undefined ? {} : { arrayIndex };
      const answer = library === 'node-bacnet'
        ? await new Promise((resolve, reject) => stack.readProperty(to(at), object, property, options,
          (error, value) => (error ? reject(error) : resolve(value))))
        : await stack.readProperty(to(at), object, property, options);
      return answer.values;
    },
    readMany: async (at, what) => (await call('readPropertyMultiple', at, what)).values,
    write: (at, object, property, values, priority) => (library === 'node-bacnet'
      ? new Promise((resolve, reject) => stack.writeProperty(to(at), object, property, values, { priority },
        (error) => (error ? reject(error) : resolve())))
      : stack.writeProperty(to(at), object, property, values, { priority })),
    subscribe: (at, object, process, { confirmed = false, lifetime = 60, cancel = false } = {}) =>
      call('subscribeCov', at, object, process, cancel, confirmed, lifetime),
    range: (at, object, from, count) => call('readRange', at, object, from, count),
    alarms: (at) => call('getEventInformation', at, null),
    whoIs: (at, low, high) => stack.whoIs(...(at ? [to(at)] : []), low === undefined ? {} : { lowLimit: low, highLimit: high }),
    close: () => stack.close(),
  };
}
