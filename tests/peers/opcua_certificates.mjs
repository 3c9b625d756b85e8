// SPDX-License-Identifier: Apache-2.0
// Certificates of OPC UA applications, made with openssl: good ones, and each of the ways in which one can be bad.
// An application's certificate names its URI and its hosts (Part 6, 6.2.2); `openssl ca` is used because it alone
// lets us choose both ends of the validity.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const stamp = (days) => `${new Date(Date.now() + days * 86400e3).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;

const config = ({ at, names, usage, digest, ca }) => `
[ca]
default_ca = it
[it]
database = ${at}/index
serial = ${at}/serial
new_certs_dir = ${at}
crlnumber = ${at}/crlnumber
default_md = ${digest}
default_crl_days = 30
policy = any
x509_extensions = ext
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[ext]
basicConstraints = critical, CA:${ca ? 'TRUE' : 'FALSE'}
keyUsage = critical, ${usage}
${ca ? '' : `extendedKeyUsage = serverAuth, clientAuth\nsubjectAltName = ${names}`}
subjectKeyIdentifier = hash
`;

const USAGE = 'digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyCertSign';

/**
 * A certificate and its key in `folder`. from, until: days from now. issuer: what makeAuthority() gave; else it signs
 * itself. Returns the paths of the PEM files, the fingerprint (SHA-256 of the DER), and the DER bytes.
 */
export function makeCertificate(folder, name, { uri = `urn:test:${name}`, hosts = ['127.0.0.1'], from = -1, until = 30,
  bits = 2048, digest = 'sha256', usage = USAGE, issuer = null, ca = false } = {}) {
  const at = join(folder, `made-${name}`);
  mkdirSync(at, { recursive: true });
  const file = (suffix) => join(at, `${name}.${suffix}`);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  const names = [`URI:${uri}`, ...hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`))].join(',');
  for (const [of, text] of [['index', ''], ['serial', '1000\n'], ['crlnumber', '1000\n'],
    ['cnf', config({ at, names, usage: ca ? 'keyCertSign, cRLSign' : usage, digest, ca })]]) {
    writeFileSync(join(at, of), text);
  }
  openssl('genrsa', '-out', file('key'), String(bits));
  openssl('req', '-new', '-config', join(at, 'cnf'), '-key', file('key'), '-subj', `/CN=${name}`, '-out', file('csr'));
  const signer = issuer ? ['-cert', issuer.certificate, '-keyfile', issuer.key] : ['-selfsign', '-keyfile', file('key')];
  openssl('ca', '-batch', '-notext', '-config', join(at, 'cnf'), ...signer, '-startdate', stamp(from), '-enddate', stamp(until),
    '-rand_serial', '-in', file('csr'), '-out', file('pem'));
  const der = execFileSync('openssl', ['x509', '-in', file('pem'), '-outform', 'DER']);
  writeFileSync(file('der'), der);
  return { certificate: file('pem'), key: file('key'), derFile: file('der'), der, uri, at,
    fingerprint: createHash('sha256').update(der).digest('hex') };
}

/** An authority; revoke() and revocations() (a CRL in DER) keep its books. */
export function makeAuthority(folder, name) {
  const authority = makeCertificate(folder, name, { ca: true });
  const openssl = (...args) =>
    execFileSync('openssl', ['ca', '-config', join(authority.at, 'cnf'), '-cert', authority.certificate, '-keyfile', authority.key, ...args],
      { stdio: 'pipe' });
  authority.revoke = (certificate) => openssl('-revoke', certificate.certificate);
  authority.revocations = () => {
    const pem = join(authority.at, 'crl.pem');
    openssl('-gencrl', '-out', pem);
    const out = join(authority.at, 'crl.der');
    execFileSync('openssl', ['crl', '-in', pem, '-outform', 'DER', '-out', out]);
    return readFileSync(out);
  };
  return authority;
}
