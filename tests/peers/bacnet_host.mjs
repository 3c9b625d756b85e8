// SPDX-License-Identifier: Apache-2.0
// One host of bacnet_network.test.mjs, started inside its network namespace with its role as JSON:
//   device   a device of a third-party stack, with one analog input
//   bbmd     a BBMD: foreign devices, broadcasts of its network to them and theirs to its network (annex J.4, J.5)
//   router   between two BACnet/IP networks with their numbers (clause 6)
// Written for the test from the standard, apart from busbar's code. Says "ready", then what happens, a line each.
import { createSocket } from 'node:dgram';
import { Prop, flags, real, startDevice, text, Type } from './bacnet_peers.mjs';

const role = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${line}\n`);

const Bvlc = { RESULT: 0, READ_BDT: 2, READ_BDT_ACK: 3, FORWARDED: 4, REGISTER: 5, READ_FDT: 6, READ_FDT_ACK: 7, DELETE_FDT: 8, DISTRIBUTE: 9,
  UNICAST: 10, BROADCAST: 11 };

function bvlc(function_, ...parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.from([0x81, function_, 0, 0]);
  head.writeUInt16BE(body.length + 4, 2);
  return Buffer.concat([head, body]);
}

/** "10.0.0.1:47808" as the six bytes of a B/IP address, and back. */
const mac = (at) => {
  const [ip, port] = at.split(':');
  return Buffer.from([...ip.split('.').map(Number), port >> 8, port & 255]);
};
const unmac = (bytes) => `${[...bytes.subarray(0, 4)].join('.')}:${bytes.readUInt16BE(4)}`;

async function open(address, port, heard) {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (data, from) => heard(data, `${from.address}:${from.port}`));
  await new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, resolve);
  });
  socket.setBroadcast(true);
  const tell = (data, to) => socket.send(data, to.split(':')[1], to.split(':')[0]);
  return { socket, tell };
}

async function device({ library, address, port, broadcast, instance, value, shout = false }) {
  const peer = await startDevice({ library, address, port, instance, cov: false, objects: [{ type: Type.AI, instance: 1,
    values: { [Prop.NAME]: text('temperature'), [Prop.PRESENT]: real(value), [Prop.STATUS_FLAGS]: flags() } }] });
  if (shout) { // says it to all by itself, as some do: to 255.255.255.255
    peer.stack.removeAllListeners('whoIs');
    const socket = peer.stack._transport._server;
    socket.setBroadcast(true);
    const iAm = Buffer.from([1, 0, 0x10, 0, 0xc4, 2, instance >> 16, instance >> 8 & 255, instance & 255, 0x22, 1, 0xe0, 0x91, 3, 0x21, 7]);
    setInterval(() => socket.send(bvlc(Bvlc.BROADCAST, iAm), port, '255.255.255.255'), 300);
  }
  // The stacks hear their own address only, and answer a forwarded message to the BBMD.
  await open(broadcast, port, (data, from) => {
    if (data[1] === Bvlc.FORWARDED) {
      peer.stack._transport.emit('message', bvlc(Bvlc.UNICAST, data.subarray(10)), unmac(data.subarray(4, 10)));
    } else {
      peer.stack._transport.emit('message', data, from);
    }
  });
}

async function bbmd({ address, port, broadcast, refuse = 0 }) {
  const foreign = new Map();
  let refusals = refuse;
  const everyone = `${broadcast}:${port}`;
  const own = `${address}:${port}`;
  const tellForeign = (data, but) => {
    for (const [at, until] of foreign) {
      if (until > Date.now() && at !== but) {
        unicast.tell(data, at);
      }
    }
  };
  const unicast = await open(address, port, (data, from) => {
    const body = data.subarray(4);
    if (data[1] === Bvlc.REGISTER) {
      const code = refusals > 0 ? 0x30 : 0;
      refusals -= 1;
      if (code === 0) {
        foreign.set(from, Date.now() + (body.readUInt16BE(0) + 30) * 1000);
      }
      unicast.tell(bvlc(Bvlc.RESULT, Buffer.from([0, code])), from);
      say(`${code ? 'refused' : 'registered'} ${from} ${body.readUInt16BE(0)}`);
    } else if (data[1] === Bvlc.DISTRIBUTE) {
      if (!foreign.has(from)) {
        unicast.tell(bvlc(Bvlc.RESULT, Buffer.from([0, 0x60])), from);
        return;
      }
      const forwarded = bvlc(Bvlc.FORWARDED, mac(from), body);
      unicast.tell(forwarded, everyone);
      tellForeign(forwarded, from);
      say(`distributed ${from}`);
    } else if (data[1] === Bvlc.READ_BDT) {
      unicast.tell(bvlc(Bvlc.READ_BDT_ACK, Buffer.concat([mac(own), Buffer.from([255, 255, 255, 255])])), from);
    } else if (data[1] === Bvlc.DELETE_FDT) {
      foreign.delete(unmac(body));
      say(`deleted ${unmac(body)}`);
    }
  });
  await open(broadcast, port, (data, from) => {
    if (data[1] === Bvlc.BROADCAST && from !== own) {
      tellForeign(bvlc(Bvlc.FORWARDED, mac(from), data.subarray(4)));
    }
  });
  process.on('SIGUSR1', () => {
    foreign.clear(); // as after a restart
    say('forgotten');
  });
}

/** The head of an NPDU: { control, to, from, rest }; to and from are { net, adr }. */
function readNpdu(npdu) {
  const control = npdu[1];
  let at = 2;
  const address = () => {
    const size = npdu[at + 2];
    const read = { net: npdu.readUInt16BE(at), adr: npdu.subarray(at + 3, at + 3 + size) };
    at += 3 + size;
    return read;
  };
  const to = control & 0x20 ? address() : null;
  const from = control & 0x08 ? address() : null;
  at += to ? 1 : 0;
  return { control, to, from, rest: npdu.subarray(at) };
}

function makeNpdu({ control, to, from, rest }) {
  const part = ({ net, adr }) => Buffer.concat([Buffer.from([net >> 8, net & 255, adr.length]), adr]);
  const flags_ = (control & ~0x28) | (to ? 0x20 : 0) | (from ? 0x08 : 0);
  return Buffer.concat([Buffer.from([1, flags_]), ...(to ? [part(to)] : []), ...(from ? [part(from)] : []),
    ...(to ? [Buffer.from([254])] : []), rest]);
}

async function router({ sides, port }) {
  const heard = async (side, other, data, from) => {
    if (from === `${side.address}:${port}` || ![Bvlc.UNICAST, Bvlc.BROADCAST].includes(data[1])) {
      return;
    }
    const npdu = readNpdu(data.subarray(4));
    if (npdu.control & 0x80) {
      const asked = npdu.rest.length >= 3 ? npdu.rest.readUInt16BE(1) : other.number;
      if (npdu.rest[0] === 0 && asked === other.number) {
        const list = Buffer.from([1, other.number >> 8, other.number & 255]);
        side.tell(bvlc(Bvlc.BROADCAST, makeNpdu({ control: 0x80, rest: list })), `${side.broadcast}:${port}`);
        say(`i-am-router ${other.number}`);
      }
      return;
    }
    if (!npdu.to || ![other.number, 0xffff].includes(npdu.to.net)) {
      return;
    }
    const source = npdu.from ?? { net: side.number, adr: mac(from) };
    const everywhere = npdu.to.net === 0xffff;
    const single = npdu.to.adr.length === 6;
    const on = makeNpdu({ control: npdu.control, to: everywhere ? npdu.to : null, from: source, rest: npdu.rest });
    other.tell(bvlc(single ? Bvlc.UNICAST : Bvlc.BROADCAST, on), single ? unmac(npdu.to.adr) : `${other.broadcast}:${port}`);
  };
  for (const [i, side] of sides.entries()) {
    const other = sides[1 - i];
    const unicast = await open(side.address, port, (data, from) => heard(side, other, data, from));
    side.tell = unicast.tell;
    await open(side.broadcast, port, (data, from) => heard(side, other, data, from));
  }
}

await { device, bbmd, router }[role.role](role);
say('ready');
