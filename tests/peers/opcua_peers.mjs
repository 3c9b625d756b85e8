// SPDX-License-Identifier: Apache-2.0
// OPC UA servers, a discovery server and a client that we did not write: node-opcua. Each server has a certificate and
// a trust list of its own, listens at a free port of loopback, and can be stopped and started again at the same.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import opcua from 'node-opcua';
import { makeCertificate } from './opcua_certificates.mjs';
import { SPACE } from './opcua_space.mjs';

const { MessageSecurityMode: Mode, SecurityPolicy: Policy } = opcua;

export { opcua, Mode, Policy };
opcua.setLogLevel(opcua.LogLevel.Emergency);

export const ALL_POLICIES = [Policy.Basic256Sha256, Policy.Aes128_Sha256_RsaOaep, Policy.Aes256_Sha256_RsaPss];

/** A trust list in `folder`; trusted, issuers: of makeCertificate(). */
async function makeManager(folder, { accept = true, trusted = [], issuers = [] } = {}) {
  const manager = new opcua.OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: accept, disableFileWatchers: true });
  for (const [where, list] of [['trusted', trusted], ['issuers', issuers]]) {
    mkdirSync(join(folder, where, 'certs'), { recursive: true });
    list.forEach((one, i) => writeFileSync(join(folder, where, 'certs', `${i}.pem`), one.der ? pem(one.der) : one));
  }
  await manager.initialize();
  return manager;
}

const pem = (der) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;

let made = 0;

/**
 * A server. folder: for its files. build(space, ns, folder): adds nodes; what it gives back is server.nodes.
 * policies, modes: endpoints are all pairs of them. users: name -> password. trustUsers: certificates that may log in.
 * accept: any client is trusted, else only those of `trusted`. limits, capabilities: of the server (Part 5, 6.3.2).
 * discovery: URL of the discovery server to register at. announce: by multicast DNS.
 * small: without most of the standard's own nodes, which takes a fifth of the time to start.
 */
export async function startServer({ folder, name = `server-${++made}`, port = 0, policies = [Policy.None], modes = [Mode.None], anonymous = true,
  users = {}, trustUsers = [], certificate, accept = true, trusted = [], issuers = [], build = () => {}, structures = false, limits = {},
  capabilities = {}, uri, discovery, announce = false, small = false, ...more }) {
  const own = certificate ?? makeCertificate(folder, name);
  const at = join(folder, `pki-${name}-${++made}`);
  const server = new opcua.OPCUAServer({
    port, host: '127.0.0.1', hostname: '127.0.0.1', securityPolicies: policies, securityModes: modes, allowAnonymous: anonymous,
    certificateFile: own.certificate, privateKeyFile: own.key,
    serverCertificateManager: await makeManager(join(at, 'own'), { accept, trusted, issuers }),
    userCertificateManager: await makeManager(join(at, 'users'), { accept: false, trusted: trustUsers }),
    userManager: { isValidUser: (user, password) => Object.hasOwn(users, user) && users[user] === password },
    serverInfo: { applicationUri: uri ?? own.uri, productUri: 'urn:test:product', applicationName: { text: name } },
    nodeset_filename: [small ? opcua.get_mini_nodeset_filename() : opcua.nodesets.standard, ...(structures ? [fileURLToPath(new URL('opcua_types.xml', import.meta.url))] : [])],
    serverCapabilities: { maxSessions: 50, maxSubscriptions: 50, minSupportedSampleRate: 0, ...capabilities, operationLimits: limits },
    registerServerMethod: opcua.RegisterServerMethod[discovery ? 'LDS' : announce ? 'MDNS' : 'HIDDEN'],
    ...(discovery && { discoveryServerEndpointUrl: discovery }),
    ...more,
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const ns = space.registerNamespace(SPACE);
  const plant = ns.addFolder(space.rootFolder.objects, { browseName: 'Plant', nodeId: 's=Plant' });
  server.nodes = build(space, ns, plant);
  await server.start();
  server.port = server.endpoints[0].port;
  server.url = `opc.tcp://127.0.0.1:${server.port}`;
  server.own = own;
  server.asked = {};
  server.on('request', (request) => {
    const service = request.schema.name.replace(/Request$/, '');
    server.asked[service] = (server.asked[service] ?? 0) + 1;
  });
  server.find = (id) => space.findNode(`ns=${ns.index};s=${id}`);
  server.sessions = () => Object.values(server.engine._sessions);
  server.subscriptions = () => server.sessions().flatMap((session) => session.publishEngine.subscriptions);
  /** Subscriptions that say nothing any more, though the session lives: no values, no keep-alives, no refusal. */
  server.silence = () => server.subscriptions().forEach((subscription) => subscription._stop_timer());
  server.stop = () => server.shutdown(1);
  return server;
}

/** A discovery server; servers with discovery: its url register themselves. */
export async function startDiscovery({ folder }) {
  const own = makeCertificate(folder, `lds-${++made}`);
  const server = new opcua.OPCUADiscoveryServer({ port: 0, hostname: '127.0.0.1', certificateFile: own.certificate, privateKeyFile: own.key,
    serverCertificateManager: await makeManager(join(folder, `pki-lds-${made}`)), securityPolicies: [Policy.None, Policy.Basic256Sha256],
    securityModes: [Mode.None, Mode.SignAndEncrypt], serverInfo: { applicationUri: own.uri, applicationName: { text: 'lds' } } });
  await server.start();
  server.url = `opc.tcp://127.0.0.1:${server.endpoints[0].port}`;
  server.stop = () => server.shutdown();
  return server;
}

/** A session of node-opcua's client: what the gateway's values are compared with. */
export async function startClient({ folder, url, policy = Policy.None, mode = Mode.None, user }) {
  const client = opcua.OPCUAClient.create({ endpointMustExist: false, securityPolicy: policy, securityMode: mode, keepSessionAlive: false,
    connectionStrategy: { maxRetry: 1 }, clientCertificateManager: await makeManager(join(folder, `pki-client-${++made}`)) });
  await client.connect(url);
  const session = await client.createSession(user);
  session.stop = async () => {
    await session.close();
    await client.disconnect();
  };
  return session;
}
