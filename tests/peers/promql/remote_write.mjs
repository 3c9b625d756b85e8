// SPDX-License-Identifier: Apache-2.0
// A remote write request (protocol 1.0), made by hand so that every bit of a value is ours: stale markers
// are NaNs with a payload, which numbers of JavaScript do not keep.

/** Bits of Prometheus' stale marker. */
export const STALE = 0x7ff0000000000002n;

function varint(value) {
  const bytes = [];
  let left = BigInt(value);
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

function field(number, data) {
  return Buffer.concat([varint((number << 3) | 2), varint(data.length), data]);
}

function label(name, value) {
  return field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]));
}

function sample({ time, value }) {
  const bits = Buffer.alloc(9);
  bits[0] = 0x09;
  if (typeof value === 'bigint') {
    bits.writeBigUInt64LE(value, 1);
  } else {
    bits.writeDoubleLE(value, 1);
  }
  return field(2, Buffer.concat([bits, Buffer.from([0x10]), varint(time)]));
}

/** Snappy's block format with literals only. */
function snappy(data) {
  const parts = [varint(data.length)];
  for (let at = 0; at < data.length; at += 65536) {
    const piece = data.subarray(at, at + 65536);
    parts.push(Buffer.from([61 << 2, (piece.length - 1) & 0xff, (piece.length - 1) >> 8]), piece);
  }
  return Buffer.concat(parts);
}

/** series: [{ labels: {name: value}, samples: [{ time (ms), value (number, or bits as bigint) }] }] */
export function writeRequest(series) {
  const all = series.map(({ labels, samples }) => {
    const names = Object.keys(labels).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return field(1, Buffer.concat([...names.map((name) => label(name, labels[name])), ...samples.map(sample)]));
  });
  return snappy(Buffer.concat(all));
}

/** Posts it; fails unless the server took it. */
export async function remoteWrite(url, series) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body: writeRequest(series),
    signal: AbortSignal.timeout(60000),
  });
  if (!answer.ok) {
    throw new Error(`POST ${url}: ${answer.status} ${await answer.text()}`);
  }
}
