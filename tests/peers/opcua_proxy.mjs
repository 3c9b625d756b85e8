// SPDX-License-Identifier: Apache-2.0
// Between the gateway and a server: a TCP relay that can be cut, frozen or closed, and that counts.
import { connect, createServer } from 'node:net';

export async function startProxy(port) {
  const pairs = new Set();
  const proxy = { connections: 0, closed: false, frozen: false, pairs };
  const server = createServer((near) => {
    if (proxy.closed) {
      near.destroy();
      return;
    }
    proxy.connections++;
    const far = connect(port, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      pair.forEach((socket) => socket.destroy());
    };
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('error', end);
      from.on('close', end);
      from.on('data', (data) => proxy.frozen || to.write(data));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.port = server.address().port;
  proxy.url = `opc.tcp://127.0.0.1:${proxy.port}`;
  /** Ends all connections, as a cable that is pulled and plugged in again. */
  proxy.cut = () => pairs.forEach((pair) => pair.forEach((socket) => socket.resetAndDestroy()));
  /** Takes no connection any more (they are closed at once), or does again. */
  proxy.close = (closed = true) => {
    proxy.closed = closed;
    if (closed) {
      proxy.cut();
    }
  };
  proxy.stop = () => {
    proxy.close();
    return new Promise((resolve) => server.close(resolve));
  };
  return proxy;
}
