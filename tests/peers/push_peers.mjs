// SPDX-License-Identifier: Apache-2.0
// What tests of devices that speak first share: a private mosquitto, and a wire between it and the gateway that notes what
// the gateway acknowledged.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { freePort, start, until } from '../support/gateway.mjs';

/** A mosquitto on a free port; more: lines of its configuration. kill() and start() again on the same port and files. */
export async function startMosquitto(t, more = '') {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-mosquitto-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 200\n${
    more.replaceAll('{folder}', folder)}\n`);
  const broker = { port, folder, process: null };
  broker.start = async () => {
    broker.process = start('mosquitto', ['-c', file]);
    await until('mosquitto listens', () => new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
      socket.on('error', () => resolve(false));
    }));
  };
  broker.stop = (signal) => broker.process.stop(signal);
  t.after(async () => {
    await broker.process.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await broker.start();
  return broker;
}

const PUBLISH = 3, PUBACK = 4, PUBREC = 5, PUBREL = 6, PUBCOMP = 7;

/** Calls each(type, flags, bytes after the fixed header) for every whole packet of a stream. */
function packets(each) {
  let rest = Buffer.alloc(0);
  return (data) => {
    rest = rest.length > 0 ? Buffer.concat([rest, data]) : data;
    for (;;) {
      let size = 0, at = 1, shift = 0, more = true;
      while (at < rest.length && more) {
        size += (rest[at] & 0x7f) << shift;
        shift += 7;
        more = (rest[at++] & 0x80) !== 0;
      }
      if (more || rest.length < at + size) {
        return;
      }
      each(rest[0] >> 4, rest[0] & 15, rest.subarray(at, at + size));
      rest = rest.subarray(at + size);
    }
  };
}

/**
 * A wire from a free port to the broker's. told: what the gateway answered PUBACK or PUBREC for (by textOf(payload));
 * again: how often the broker sent something anew after the gateway's PUBCOMP. version5: properties stand before the payload.
 */
export async function startWire(t, to, textOf, { version5 = false } = {}) {
  const port = await freePort();
  const wire = { port, told: new Set(), completed: new Set(), again: new Map(), sockets: new Set() };
  const server = createServer({ noDelay: true }, (inner) => {
    const outer = connect({ port: to, host: '127.0.0.1', noDelay: true });
    const open = new Map(); // packet id -> text
    const fromBroker = packets((type, flags, body) => {
      const qos = (flags >> 1) & 3;
      if (type === PUBLISH && qos > 0) {
        let at = 2 + body.readUInt16BE(0);
        const id = body.readUInt16BE(at);
        at += 2 + (version5 ? 1 + body[at + 2] : 0);
        const text = textOf(body.subarray(at).toString());
        open.set(id, text);
        if (wire.completed.has(text)) {
          wire.again.set(text, (wire.again.get(text) ?? 0) + 1);
        }
      }
    });
    const fromGateway = packets((type, flags, body) => {
      const text = type >= PUBACK && type <= PUBCOMP && type !== PUBREL ? open.get(body.readUInt16BE(0)) : undefined;
      if (text === undefined) {
        return;
      }
      if (type === PUBACK || type === PUBREC) {
        wire.told.add(text);
      }
      if (type === PUBCOMP) {
        wire.completed.add(text);
      }
    });
    for (const socket of [inner, outer]) {
      wire.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => { wire.sockets.delete(socket); inner.destroy(); outer.destroy(); });
    }
    // What is written is noted before: who is told may lose it in between, never the other way round.
    outer.on('data', (data) => { fromBroker(data); inner.write(data); });
    inner.on('data', (data) => { fromGateway(data); outer.write(data); });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of wire.sockets) {
      socket.destroy();
    }
    server.close();
  });
  return wire;
}

/** Keeps `rate` a second: calls send(n) for n = 1, 2, ... until stopped. */
export function startPace(rate, send) {
  const pace = { sent: 0, stopped: false };
  let began = Date.now(), from = 0;
  const timer = setInterval(() => {
    const due = from + (Date.now() - began) / 1000 * rate;
    while (!pace.stopped && pace.sent < due) {
      send(++pace.sent);
    }
  }, 2);
  pace.stop = () => {
    pace.stopped = true;
    clearInterval(timer);
  };
  return pace;
}

/** How often each number was stored for a point since `began` (ms). */
export async function storedNumbers(rig, path, began) {
  const found = new Map();
  const to = new Date(Date.now() + 60000).toISOString();
  let from = new Date(began).toISOString();
  for (let last = null; ;) {
    const { samples, more } = await rig.gateway.get(`/api/v1/samples/${path}?from=${from}&to=${to}&limit=50000`);
    for (const [time, value] of samples) {
      if (typeof value === 'number' && time !== last) {
        found.set(value, (found.get(value) ?? 0) + 1);
      }
    }
    if (!more) {
      return found;
    }
    from = last = samples.at(-1)[0]; // comes once more
  }
}

/** A publisher of numbered messages that keeps its session; acknowledged: what the broker has taken. */
export async function startPublisher(t, port, topic, qos) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    clientId: `sender-${Math.random().toString(16).slice(2)}`, clean: false, reconnectPeriod: 100, protocolVersion: 4,
  });
  const publisher = { acknowledged: new Set(), sent: 0 };
  client.on('error', () => {});
  publisher.send = (n) => {
    publisher.sent++;
    client.publish(topic, n % 20 === 0 ? `{"n":${n},"tick":${n}}` : `{"n":${n}}`, { qos }, (error) => {
      if (!error) {
        publisher.acknowledged.add(n);
      }
    });
  };
  t.after(() => client.end(true));
  return publisher;
}
