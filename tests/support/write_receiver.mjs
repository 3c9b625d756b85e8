// SPDX-License-Identifier: Apache-2.0
// A receiver of Prometheus remote write that keeps what it takes, and fails as it is told to. Decodes by itself (snappy,
// protobuf), so that it shares no code with the sender.
import { createServer } from 'node:http';

function varint(bytes, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n, at++) {
    if (at >= bytes.length) {
      throw new Error('a number ends too early');
    }
    value |= BigInt(bytes[at] & 0x7f) << shift;
    if (bytes[at] < 0x80) {
      return [BigInt.asUintN(64, value), at + 1];
    }
  }
}

/** The block format of snappy. */
export function unsnap(bytes) {
  const [size, begin] = varint(bytes, 0);
  const out = Buffer.alloc(Number(size));
  let to = 0;
  for (let at = begin; at < bytes.length;) {
    const tag = bytes[at++];
    let length;
    let back = 0;
    if ((tag & 3) === 0) {
      const wide = (tag >> 2) - 59;
      length = (wide > 0 ? bytes.readUIntLE(at, wide) : tag >> 2) + 1;
      at += Math.max(wide, 0);
      bytes.copy(out, to, at, at + length);
      at += length;
      to += length;
      continue;
    }
    if ((tag & 3) === 1) {
      length = ((tag >> 2) & 7) + 4;
      back = ((tag >> 5) << 8) | bytes[at++];
    } else {
      const wide = (tag & 3) === 2 ? 2 : 4;
      length = (tag >> 2) + 1;
      back = bytes.readUIntLE(at, wide);
      at += wide;
    }
    for (; length > 0; length--, to++) {
      out[to] = out[to - back];
    }
  }
  return out;
}

/** Fields of a message as [number, value]: bytes, number (fixed 64 as double), or bigint (varint). */
function* fields(bytes) {
  for (let at = 0; at < bytes.length;) {
    let key;
    [key, at] = varint(bytes, at);
    const kind = Number(key & 7n);
    if (kind === 0) {
      let value;
      [value, at] = varint(bytes, at);
      yield [Number(key >> 3n), value];
    } else if (kind === 1) {
      yield [Number(key >> 3n), bytes.readDoubleLE(at)];
      at += 8;
    } else {
      let size;
      [size, at] = varint(bytes, at);
      yield [Number(key >> 3n), bytes.subarray(at, at + Number(size))];
      at += Number(size);
    }
  }
}

/** WriteRequest: [{ labels: {name: value}, samples: [[time_ms, value]] }] */
export function decodeWrite(bytes) {
  const all = [];
  for (const [number, value] of fields(bytes)) {
    if (number !== 1) {
      continue;
    }
    const series = { labels: {}, samples: [] };
    for (const [part, inner] of fields(value)) {
      const map = Object.fromEntries([...fields(inner)]);
      if (part === 1) {
        series.labels[map[1].toString()] = map[2].toString();
      } else if (part === 2) {
        series.samples.push([Number(BigInt.asIntN(64, map[2] ?? 0n)), map[1] ?? 0]);
      }
    }
    all.push(series);
  }
  return all;
}

/**
 * receiver.answer(series) may give [status, text]; then nothing of the request is taken. receiver.samples: those that were,
 * in their order, [name, time_ms, value]; receiver.stop() and receiver.start() are an outage.
 */
export async function startReceiver(t, port) {
  const receiver = { samples: [], requests: 0, answer: () => null, forget: false };
  let server;
  const take = (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const all = decodeWrite(unsnap(Buffer.concat(parts)));
      const refused = receiver.answer(all);
      receiver.requests++;
      if (refused) {
        response.writeHead(refused[0]).end(refused[1]);
        return;
      }
      for (const { labels, samples } of all) {
        receiver.samples.push(...samples.map(([time, value]) => [labels.__name__, time, value]));
      }
      if (receiver.forget) { // it was taken, but the answer is lost
        request.socket.destroy();
        return;
      }
      response.writeHead(204).end();
    });
  };
  receiver.start = () => new Promise((resolve, reject) => {
    server = createServer(take);
    server.on('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  receiver.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  receiver.distinct = () => new Set(receiver.samples.map(([name, time]) => `${name} ${time}`)).size;
  await receiver.start();
  t.after(() => server.listening && receiver.stop());
  return receiver;
}
