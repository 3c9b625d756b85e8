// SPDX-License-Identifier: Apache-2.0
// peer.mjs DEVICES POINTS PORT SECONDS: reads the simulated devices with @bacnet-js/client, as fast as it goes, and prints
// the points that were read and the CPU seconds that it took.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../tests/peers/package.json', import.meta.url));
const { default: Client } = require('@bacnet-js/client');

const [devices, points, port, seconds] = process.argv.slice(2).map(Number);
const OBJECTS = 20; // of one request
const AT_ONCE = 16; // devices
const PRESENT_VALUE = 85;
const STATUS_FLAGS = 111;

const client = new Client({ port, interface: '127.9.0.2', apduTimeout: 3000 });
client.on('error', () => {});
await new Promise((resolve) => client._transport.once('listening', resolve));
client._transport._server.setRecvBufferSize(4 << 20);

const asks = [];
for (let first = 1; first <= points; first += OBJECTS) {
  asks.push(Array.from({ length: Math.min(OBJECTS, points + 1 - first) }, (_, i) => ({
    objectId: { type: 0, instance: first + i }, properties: [{ id: PRESENT_VALUE }, { id: STATUS_FLAGS }],
  })));
}

let next = 0;
let read = 0;
let failed = 0;
const began = process.hrtime.bigint();
const cpu = process.cpuUsage();
const isOver = () => Number(process.hrtime.bigint() - began) / 1e9 > seconds;

async function work() {
  while (!isOver()) {
    const device = next++ % devices;
    const address = `127.9.${1 + Math.floor(device / 250)}.${1 + (device % 250)}:${port}`;
    for (const ask of asks) {
      try {
        const { values } = await client.readPropertyMultiple({ address }, ask);
        read += values.filter((object) => typeof object.values[0].value[0].value === 'number').length;
      } catch {
        failed++;
      }
    }
  }
}

// a request whose answer is lost and whose invoke id comes round again is forgotten by the library: nobody waits for it
const over = new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 500));
await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, work)), over]);
const { user, system } = process.cpuUsage(cpu);
console.log(read, (user + system) / 1e6, failed);
process.exit(0);
