// SPDX-License-Identifier: Apache-2.0
// Devices made of other people's Modbus: libmodbus (C), pymodbus (Python), jsmodbus (Node). All alike to a test:
// set(), get(), refuse(), stop(). And the table of types and orders that every one of them must serve.
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Modbus from 'jsmodbus';
import { freePort, program, start, until } from '../support/gateway.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** A child that takes commands, one line each, and answers with one line. */
async function startChild(command, args) {
  const peer = start(command, args);
  const lines = [];
  const waiting = [];
  let text = '';
  peer.child.stdout.on('data', (data) => {
    text += data;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      (waiting.shift() ?? ((l) => lines.push(l)))(line);
    }
  });
  const next = () => (lines.length > 0 ? Promise.resolve(lines.shift()) : new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${command} does not answer: ${peer.output}`)), 30000);
    waiting.push((line) => {
      clearTimeout(timer);
      resolve(line);
    });
    peer.exited.then(() => clearTimeout(timer));
  }));
  const ended = peer.exited.then((how) => {
    throw new Error(`${command} ended (${JSON.stringify(how)}): ${peer.output}`);
  });
  ended.catch(() => {});
  try {
    const first = await Promise.race([next(), ended]);
    if (first !== 'ready') {
      throw new Error(`${command} says '${first}': ${peer.output}`);
    }
  } catch (error) {
    await peer.stop('SIGKILL');
    throw error;
  }
  const say = async (line, expected) => {
    peer.child.stdin.write(`${line}\n`);
    const answer = await Promise.race([next(), ended]);
    if (expected !== undefined && answer !== expected) {
      throw new Error(`'${line}' was answered '${answer}'`);
    }
    return answer;
  };
  return {
    set: (table, at, words) => say(`set ${table} ${at} ${words.join(' ')}`, 'ok'),
    get: async (table, at, count) => (await say(`get ${table} ${at} ${count}`)).trim().split(/\s+/).map(Number),
    refuse: (table, at) => say(`refuse ${table} ${at}`, 'ok'),
    silent: (unit) => say(`silent ${unit}`, 'ok'),
    busy: (count) => say(`busy ${count}`, 'ok'),
    stop: (signal = 'SIGKILL') => peer.stop(signal),
  };
}

const libmodbus = join(dirname(program), 'peers', 'modbus_libmodbus_server');
const pymodbus = ['/usr/bin/python3', join(here, 'modbus_pymodbus_server.py')];

export async function startLibmodbus(port) {
  port ??= await freePort();
  return { port, ...(await startChild(libmodbus, ['tcp', String(port)])) };
}

export const startLibmodbusRtu = (path, unit, baud, parity) =>
  startChild(libmodbus, ['rtu', path, String(unit), String(baud), parity]);

export async function startPymodbus(kind = 'tcp', ...files) {
  const port = await freePort();
  return { port, ...(await startChild(pymodbus[0], [pymodbus[1], kind, String(port), ...files])) };
}

export const startPymodbusRtu = (path, unit, baud, parity) =>
  startChild(pymodbus[0], [pymodbus[1], 'rtu', path, String(unit), String(baud), parity]);

/** In this very process. */
export async function startJsmodbus() {
  const port = await freePort();
  const listener = createServer();
  const sockets = new Set();
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  const tables = {
    coil: Buffer.alloc(256),
    discrete: Buffer.alloc(256),
    input: Buffer.alloc(4000),
    holding: Buffer.alloc(4000),
  };
  new Modbus.server.TCP(listener, { ...tables, coils: tables.coil });
  await new Promise((resolve) => listener.listen(port, '127.0.0.1', resolve));
  const isBits = (table) => table === 'coil' || table === 'discrete';
  return {
    port,
    async set(table, at, words) {
      words.forEach((word, i) => {
        if (isBits(table)) {
          const [byte, bit] = [(at + i) >> 3, (at + i) & 7];
          tables[table][byte] = (tables[table][byte] & ~(1 << bit)) | ((word ? 1 : 0) << bit);
        } else {
          tables[table].writeUInt16BE(word, 2 * (at + i));
        }
      });
    },
    async get(table, at, count) {
      return Array.from({ length: count }, (_, i) =>
        isBits(table) ? (tables[table][(at + i) >> 3] >> ((at + i) & 7)) & 1 : tables[table].readUInt16BE(2 * (at + i)),
      );
    },
    async stop() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** A pair of serial lines joined by socat. */
export async function startLines(folder) {
  const [near, far] = [join(folder, 'near'), join(folder, 'far')];
  const socat = start('socat', ['-d', '-d', `pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`]);
  await until('socat joins two lines', () => /starting data transfer loop/.test(socat.output));
  return { near, far, stop: () => socat.stop('SIGKILL') };
}

// ---- values ----

/** Bytes, most significant first -> words on the wire in that order. */
export function words(bytes, order = 'ABCD') {
  const list = [];
  for (let i = 0; i < bytes.length; i += 2) {
    list.push([bytes[i], bytes[i + 1]]);
  }
  if (order === 'CDAB' || order === 'DCBA') {
    list.reverse();
  }
  return list.map(([high, low]) => (order === 'BADC' || order === 'DCBA' ? (low << 8) | high : (high << 8) | low));
}

function bytesOf(type, value) {
  const data = Buffer.alloc(8);
  switch (type) {
    case 'int16': data.writeInt16BE(value); return data.subarray(0, 2);
    case 'uint16': data.writeUInt16BE(value); return data.subarray(0, 2);
    case 'int32': data.writeInt32BE(value); return data.subarray(0, 4);
    case 'uint32': data.writeUInt32BE(value); return data.subarray(0, 4);
    case 'int64': data.writeBigInt64BE(BigInt(value)); return data;
    case 'uint64': data.writeBigUInt64BE(BigInt(value)); return data;
    case 'float32': data.writeFloatBE(value); return data.subarray(0, 4);
    case 'float64': data.writeDoubleBE(value); return data;
    case 'float16': data.writeUInt16BE(value === 1.5 ? 0x3e00 : 0xc100); return data.subarray(0, 2);
    case 'bcd16': return Buffer.from(String(value).padStart(4, '0'), 'hex');
    case 'bcd32': return Buffer.from(String(value).padStart(8, '0'), 'hex');
    case 'bcd64': return Buffer.from(String(value).padStart(16, '0'), 'hex');
    default: throw new Error(type);
  }
}

const samples = {
  int16: [-2, 32767],
  uint16: [65535],
  int32: [-123456789],
  uint32: [4123456789],
  int64: [-1234567890123],
  uint64: [9007199254740991],
  float16: [1.5, -2.5],
  float32: [230.25, -0.015625],
  float64: [3.141592653589793],
  bcd16: [4711],
  bcd32: [12345678],
  bcd64: [1234567890123456],
};

/** Points of all types and orders in the holding table from address 0: { name, yaml, at, words, value }. */
export function allTypes() {
  const points = [];
  let at = 0;
  const add = (name, yaml, list, value) => {
    points.push({ name, yaml: `{ holding: ${at}, ${yaml}, every: 200ms, write: true }`, at, words: list, value });
    at += list.length;
  };
  for (const [type, values] of Object.entries(samples)) {
    for (const order of ['ABCD', 'CDAB', 'BADC', 'DCBA']) {
      values.forEach((value, i) => {
        add(`${type}-${order.toLowerCase()}-${i}`, `type: ${type}, order: ${order}`, words(bytesOf(type, value), order), value);
      });
    }
  }
  add('text', 'type: string, length: 5', words(Buffer.from('Pump 7\0\0\0\0')), 'Pump 7');
  add('text-swapped', 'type: string, length: 3, order: BADC', words(Buffer.from('abcdef'), 'BADC'), 'abcdef');
  add('bit-3', 'bit: 3', [0x0008], true);
  add('bit-4', 'bit: 4', [0xffef], false);
  add('bits', 'bits: 4-7', [0x1a5f], 5);
  add('low-byte', 'type: uint8, byte: low', [0x12fe], 0xfe);
  add('high-byte', 'type: int8, byte: high', [0xfe12], -2);
  add('scaled', 'type: int16, scale: 0.1, offset: -10', [250], 15);
  add('named', 'type: uint16, enum: [stopped, running]', [1], 1);
  return points;
}
