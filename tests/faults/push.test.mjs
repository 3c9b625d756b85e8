// SPDX-License-Identifier: Apache-2.0
// kill -9 of the gateway while devices post by HTTP and send lines by TCP, some thousands a second: what was acknowledged
// (204; the acknowledgement text) is in the history after the restart. A post that got no answer is sent again with the
// same Idempotency-Key and is stored once.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startPace, storedNumbers } from '../peers/push_peers.mjs';
import { freePort, sleep, until } from '../support/gateway.mjs';
import { begin, head } from '../support/rig.mjs';

const rounds = Number(process.env.BUSBAR_KILL_ROUNDS ?? 4);
const RATE = Number(process.env.BUSBAR_PUSH_RATE ?? 5000);
const CONNECTIONS = 64;
const KEY = 'a-key-for-tests-0123456789';

/** Connections that send numbered messages one after another, each again until it is answered; it comes back by itself. */
function startSenders(port, messageOf, answersIn) {
  const senders = { waiting: [], acknowledged: new Set(), refused: [], stopped: false, sockets: new Set(), window: 32 };
  const open = () => {
    if (senders.stopped) {
      return;
    }
    const flying = [];
    let text = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let resting = 0;
    const more = () => {
      const out = [];
      if (Date.now() < resting) {
        return;
      }
      while (flying.length < senders.window && senders.waiting.length > 0) {
        flying.push(senders.waiting.shift());
        out.push(messageOf(flying.at(-1)));
      }
      if (out.length > 0) {
        socket.write(out.join(''));
      }
    };
    senders.sockets.add(socket);
    socket.on('connect', more);
    socket.on('data', (data) => {
      const { answers, rest } = answersIn(text + data);
      text = rest;
      let pause = 0;
      for (const answer of answers) {
        const n = flying.shift();
        if (answer === true) {
          senders.acknowledged.add(n);
          continue;
        }
        senders.waiting.push(n);
        if (/^HTTP\/1.1 503/.test(answer)) { // while it starts: again soon
          pause = 100;
        } else {
          senders.refused.push(`${n}: ${answer}`);
        }
      }
      if (pause > 0) {
        resting = Date.now() + pause;
      }
      more();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      senders.sockets.delete(socket);
      senders.waiting.unshift(...flying);
      setTimeout(open, 50);
    });
    const timer = setInterval(() => { if (socket.readyState === 'open') more(); }, 5);
  };
  for (let i = 0; i < CONNECTIONS; i++) {
    open();
  }
  senders.close = () => {
    senders.stopped = true;
    for (const socket of senders.sockets) {
      socket.destroy();
    }
  };
  return senders;
}

/** Kills under load, then everything is answered; each acknowledged number must be stored. */
async function killUnderLoad(t, rig, path, senders) {
  const began = Date.now() - 1000;
  const pace = startPace(RATE, (n) => senders.waiting.push(n));
  t.after(() => { pace.stop(); senders.close(); });
  for (let round = 0; round < rounds; round++) {
    const had = senders.acknowledged.size;
    await until('messages are acknowledged', () => senders.acknowledged.size > had + 500, 30000);
    await sleep(200 + Math.random() * 400);
    await rig.kill();
    const acknowledged = [...senders.acknowledged];
    await rig.start();
    const found = await storedNumbers(rig, path, began);
    const lost = acknowledged.filter((n) => !found.has(n));
    assert.equal(lost.length, 0, `round ${round}: ${lost.length} of ${acknowledged.length} acknowledged are lost: ${lost.slice(0, 5)}`);
  }
  pace.stop();
  await until('all is acknowledged', () => senders.acknowledged.size === pace.sent, 60000);
  const found = await storedNumbers(rig, path, began);
  assert.equal(found.size, pace.sent);
  assert.ok(pace.sent > rounds * 500, `only ${pace.sent} messages were sent: the test tests nothing`);
  const { balances, totals } = await rig.gateway.get('/api/v1/ledger');
  assert.ok(balances, JSON.stringify(totals));
  const twice = [...found.values()].filter((times) => times > 1).length;
  t.diagnostic(`${pace.sent} messages in ${((Date.now() - began) / 1000).toFixed(1)} s, ${rounds} kills, 0 acknowledged lost, ${twice} stored twice`);
  return { found, twice };
}

test(`HTTP: no acknowledged post is lost in ${rounds} kills at ${RATE} a second, none is stored twice`, { timeout: 120000 + rounds * 30000 }, async (t) => {
  const port = await freePort();
  const rig = await begin(t, `${head}drivers:
  http:
    listen: "127.0.0.1:${port}"
    connectors: { meters: { key: !secret meters } }
devices:
  h1: { http: { connector: meters }, points: { n: { json: $.n } } }
`, { secrets: { meters: KEY } });
  const post = (n) => {
    const body = `{"n":${n}}`;
    return `POST /h1 HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\nIdempotency-Key: post-${n}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  const answers = (text) => {
    const list = [];
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) {
        return { answers: list, rest: text };
      }
      list.push(text.startsWith('HTTP/1.1 204') || text.slice(0, end + 4 + length));
      text = text.slice(end + 4 + length);
    }
  };
  const senders = startSenders(port, post, answers);
  senders.window = 1; // an answer before the next post, as devices do
  const { twice } = await killUnderLoad(t, rig, 'h1/n', senders);
  assert.equal(twice, 0);
  assert.deepEqual(senders.refused, []);
});

test(`TCP: no acknowledged line is lost in ${rounds} kills at ${RATE} a second`, { timeout: 120000 + rounds * 30000 }, async (t) => {
  const port = await freePort();
  const rig = await begin(t, `${head}drivers:
  tcp:
    listeners: { panels: { listen: "127.0.0.1:${port}", frame: line, ack: "ACK {id}\\r\\n" } }
devices:
  t1: { tcp: { listener: panels, id: "7", separator: ";", id_from: 'match ^(\\d+);' }, points: { n: { csv: 2 } } }
`);
  const answers = (text) => {
    const lines = text.split('\r\n');
    return { answers: lines.slice(0, -1).map((line) => line === 'ACK 7' || line), rest: lines.at(-1) };
  };
  const senders = startSenders(port, (n) => `7;${n}\r\n`, answers);
  await killUnderLoad(t, rig, 't1/n', senders);
  assert.deepEqual(senders.refused, []);
});
