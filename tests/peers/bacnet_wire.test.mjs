// SPDX-License-Identifier: Apache-2.0
// Every kind of BACnet datagram that we write, read by tshark, which is not ours: nothing is malformed, and
// services, objects, properties, values, invoke ids and segments are those that were meant.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { makeFolder, program } from '../support/gateway.mjs';

const writer = resolve(dirname(program), 'peers', 'bacnet_wire_frames');

/** Frames as a packet capture of raw IPv4 (link type 101), from port 47808 to port 47808. */
function capture(frames) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(101, 20);
  return Buffer.concat([head, ...frames.flatMap((frame, i) => packet(frame.data, i))]);
}

function packet(data, second) {
  const ip = Buffer.alloc(28);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + data.length, 2);
  ip[8] = 64;
  ip[9] = 17;
  ip.set([10, 0, 1, 1, 10, 0, 1, 21], 12);
  ip.writeUInt16BE(47808, 20);
  ip.writeUInt16BE(47808, 22);
  ip.writeUInt16BE(8 + data.length, 24);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(second, 0);
  record.writeUInt32LE(28 + data.length, 8);
  record.writeUInt32LE(28 + data.length, 12);
  return [record, ip, data];
}

// A short name for each field that is compared; several values of one frame are joined by ','.
const names = {
  bvlc: 'bvlc.function',
  result: 'bvlc.result',
  ttl: 'bvlc.reg_ttl',
  bdt: 'bvlc.bdt_ip',
  fdt: 'bvlc.fdt_ip',
  fdtLeft: 'bvlc.fdt_timeout',
  origin: 'bvlc.fwd_ip',
  originPort: 'bvlc.fwd_port',
  to: 'bacnet.dnet',
  from: 'bacnet.snet',
  hops: 'bacnet.hopc',
  reply: 'bacnet.control_expect',
  message: 'bacnet.mesgtyp',
  routeReject: 'bacnet.rejectreason',
  pdu: 'bacapp.type',
  invoke: 'bacapp.invoke_id',
  service: 'bacapp.confirmed_service',
  tells: 'bacapp.unconfirmed_service',
  accepts: 'bacapp.SA',
  segments: 'bacapp.response_segments',
  apdu: 'bacapp.max_adpu_size',
  segmented: 'bacapp.segmented_request',
  more: 'bacapp.more_segments',
  sequence: 'bacapp.sequence_number',
  window: 'bacapp.window_size',
  negative: 'bacapp.NAK',
  server: 'bacapp.SRV',
  type: 'bacapp.objectType',
  instance: 'bacapp.instance_number',
  property: 'bacapp.property_identifier',
  real: 'bacapp.present_value.real',
  errorClass: 'bacapp.error_class',
  errorCode: 'bacapp.error_code',
  reject: 'bacapp.reject_reason',
  abort: 'bacapp.abort_reason',
  process: 'bacapp.processId',
  low: 'bacapp.who_is.low_limit',
  high: 'bacapp.who_is.high_limit',
  name: 'bacapp.object_name',
  vendor: 'bacapp.vendor_identifier',
};

const ask = (service, more) => ({ bvlc: '0x0a', pdu: '0', invoke: '77', service, accepts: '1', segments: '6', apdu: '5', ...more });
const ack = (service, more) => ({ pdu: '3', invoke: '77', service, ...more });
const tell = (tells, more) => ({ pdu: '1', tells, ...more });
const input = { type: '0', instance: '16' };
const output = { type: '1', instance: '3' };
const told = { type: '8,0', instance: '2001,16' };

// What tshark must read in each frame: fields, and lines of its text.
const meant = {
  'read property': [ask('12', { ...input, property: '85' })],
  'read element': [ask('12', { type: '8', instance: '2001', property: '76' }), 'Index (Unsigned) 3'],
  'read property ack': [ack('12', { ...input, property: '85', real: '72.5' })],
  'read property ack of all types': [
    ack('12', { type: '8,1', instance: '2001,3' }), 'NULL', 'TRUE', '(Unsigned) 70000', '(Signed) -300',
    '21.500000 (Real)', '-0.125000 (Double)', '1234ff', "UTF-8 'François'", '(Bit String) (FTFF)',
    'November 22, 2026, (Day of Week = Sunday)', '10:44:08.25', 'analog-output, 3',
  ],
  'read property multiple': [ask('14', { type: '0,1', instance: '16,3', property: '85,111,87' })],
  'read property multiple ack': [
    ack('14', { type: '0,1', instance: '16,3', property: '85,87', real: '72.5', errorClass: '2', errorCode: '42' }),
  ],
  'write property': [ask('15', { ...output, property: '85', real: '18' }), 'Priority: (Unsigned) 8'],
  relinquish: [ask('15', { ...output, property: '85' }), 'Priority: (Unsigned) 16', 'NULL'],
  'write property multiple': [ask('16', { ...output, property: '85', real: '18' }), 'Priority: (Unsigned) 8'],
  'subscribe cov': [
    ask('5', input), 'subscriber Process Id: (Unsigned) 18', 'issue Confirmed Notifications: TRUE', '0.10.00',
  ],
  'unsubscribe cov': [ask('5', input), 'subscriber Process Id: (Unsigned) 18'],
  'subscribe cov property': [
    ask('28', { ...input, property: '85' }), 'issue Confirmed Notifications: FALSE', '0.10.00',
    'COV Increment: 0.500000 (Real)',
  ],
  'subscribe cov property multiple': [
    ask('30', { ...input, property: '85' }), '0.00.05', 'COV Increment: 0.500000 (Real)', 'timestamped: TRUE',
  ],
  'confirmed cov': [ask('1', { ...told, process: '18', property: '85', real: '65' }), '0.09.50'],
  'unconfirmed cov': [tell('2', { ...told, process: '18', property: '85', real: '65' }), '0.09.50'],
  'confirmed cov multiple': [
    ask('31', { ...told, process: '18', property: '85', real: '65' }), '0.09.50', 'November 22, 2026',
    'time of change: 10:44:08.25',
  ],
  'confirmed event': [
    ask('2', { ...told, process: '1' }), 'Notification Class: (Unsigned) 4', 'Priority: (Unsigned) 100',
    'Event Type: out-of-range (5)', 'Notify Type: alarm (0)', 'ack Required: TRUE', 'From State: normal (0)',
    'To State: high-limit (3)', 'exceeding-value: 80.500000 (Real)', 'in-alarm = TRUE', 'deadband: 1.000000 (Real)',
    'exceeded-limit: 80.000000 (Real)',
  ],
  'unconfirmed event': [tell('3', { ...told, process: '1' }), 'exceeding-value: 80.500000 (Real)'],
  'acknowledge alarm': [
    ask('0', input), 'event State Acknowledged:  high-limit (3)', 'sequence number: (Unsigned) 16', "UTF-8 'anna'",
    'November 22, 2026',
  ],
  'get event information': [ask('29', input)],
  'get event information ack': [
    ack('29', input), 'event State:  high-limit (3)', 'TO-NORMAL Priority: (Unsigned) 12', 'event Enable: (Bit String) (TTT)',
    'more Events: FALSE',
  ],
  'read range': [
    ask('26', { type: '20', instance: '1', property: '131' }), 'reference Index: (Unsigned) 79201',
    'reference Count: (Signed) 50',
  ],
  'add list element': [
    ask('8', { type: '15,8', instance: '1,2001', property: '102', process: '1' }), 'valid Days: (Bit String) (TTTTTTT)',
    '23:59:59.99', 'issue confirmed notifications: TRUE', 'transitions: (Bit String) (TTT)',
  ],
  'who is': [tell('8', { low: '2000', high: '2999' })],
  'i am': [tell('0', { type: '8', instance: '2001', vendor: '260' }), '1476', 'segmented-both'],
  'who has': [tell('7', { name: 'ahu-1 sat' })],
  'i have': [tell('1', { ...told, name: 'ahu-1 sat' })],
  'time synchronization': [tell('6'), 'November 22, 2026', '10:44:08.25'],
  'utc time synchronization': [tell('9'), 'November 22, 2026', '10:44:08.25'],
  error: [{ pdu: '5', invoke: '77', service: '12', errorClass: '1', errorCode: '31' }],
  'write property multiple error': [
    { pdu: '5', invoke: '77', service: '16', ...output, property: '85', errorClass: '2', errorCode: '40' },
  ],
  'simple ack': [{ pdu: '2', invoke: '77', service: '15' }],
  reject: [{ pdu: '6', invoke: '77', reject: '9' }],
  abort: [{ pdu: '7', invoke: '77', abort: '4', server: '1' }],
  segment: [ack('14', { segmented: '1', more: '1', sequence: '0', window: '8' })],
  'segment ack': [{ pdu: '4', invoke: '77', negative: '1', server: '0', sequence: '3', window: '8' }],
  'to a remote node': [ask('12', { to: '7', from: '9', hops: '254', reply: '1' })],
  'to all networks': [tell('8', { bvlc: '0x0b', to: '65535', hops: '255', reply: '0' })],
  forwarded: [tell('8', { bvlc: '0x04', origin: '10.0.1.21', originPort: '47809' })],
  distributed: [tell('8', { bvlc: '0x09', to: '65535' })],
  'who is router': [{ message: '0x00', to: '7' }],
  'i am router': [{ message: '0x01', to: '7,8' }],
  'reject message': [{ message: '0x03', routeReject: '1', to: '7' }],
  'router busy': [{ message: '0x04', to: '7,8' }],
  'router available': [{ message: '0x05', to: '7,8' }],
  'what is network number': [{ message: '0x12' }],
  'network number is': [{ message: '0x13' }],
  result: [{ bvlc: '0x00', result: '0x0030' }],
  'write bdt': [{ bvlc: '0x01', bdt: '10.0.2.1' }],
  'read bdt': [{ bvlc: '0x02' }],
  'read bdt ack': [{ bvlc: '0x03', bdt: '10.0.2.1' }],
  register: [{ bvlc: '0x05', ttl: '300' }],
  'read fdt': [{ bvlc: '0x06' }],
  'read fdt ack': [{ bvlc: '0x07', fdt: '10.0.1.5', fdtLeft: '330' }],
  'delete fdt entry': [{ bvlc: '0x08', fdt: '10.0.1.5' }],
};

let frames;

before(() => {
  const folder = makeFolder({});
  const file = join(folder.folder, 'frames.pcap');
  const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  frames = run(writer, []).trim().split('\n').map((line) => {
    const [name, hex] = line.split('\t');
    return { name, data: Buffer.from(hex, 'hex') };
  });
  writeFileSync(file, capture(frames));
  const fields = Object.entries(names);
  const rows = run('tshark', ['-r', file, '-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=,',
    ...fields.flatMap(([, field]) => ['-e', field])]).split('\n');
  const texts = run('tshark', ['-r', file, '-V']).split(/^Frame \d+: /m).slice(1);
  folder.remove();
  assert.equal(texts.length, frames.length);
  frames.forEach((frame, i) => {
    frame.text = texts[i];
    frame.fields = Object.fromEntries(rows[i].split('\t').map((value, at) => [fields[at][0], value]));
  });
});

test('every frame is known to this test, and the other way round', () => {
  assert.deepEqual(frames.map((frame) => frame.name).sort(), Object.keys(meant).sort());
});

for (const [name, [fields, ...words]] of Object.entries(meant)) {
  test(`tshark reads: ${name}`, () => {
    const frame = frames.find((one) => one.name === name);
    assert.doesNotMatch(frame.text, /malformed|expert info \((error|warning)/i);
    const seen = Object.fromEntries(Object.keys(fields).map((key) => [key, frame.fields[key]]));
    assert.deepEqual(seen, fields, frame.text);
    for (const word of words) {
      assert.ok(frame.text.includes(word), `'${word}' is missing in\n${frame.text}`);
    }
  });
}
