// SPDX-License-Identifier: Apache-2.0
// Certificates: who waits to be trusted, who is, and our own.
import { pathOf, post, remove } from "./client";
import type { Certificate } from "./types";

export function certificateKey(row: Certificate): string {
  return `${row.list} ${row.fingerprint}`;
}

function place(row: Certificate, ...rest: string[]): string {
  return pathOf("certificates", row.fingerprint, ...rest);
}

/** What is left wrong with it stands in its words. */
export function trustCertificate(row: Certificate): Promise<Certificate> {
  return post<Certificate>(place(row, "trust"));
}

export function removeCertificate(row: Certificate): Promise<void> {
  return remove(place(row));
}

export function renewCertificate(row: Certificate): Promise<Certificate> {
  return post<Certificate>(pathOf("certificates", "own", row.protocol, "renew"));
}

export function certificateFile(row: Certificate): string {
  return `/api/v1/${place(row, "file")}?format=der`;
}

/** "3f:2a:9c:...": as devices and other programs show it. */
export function colons(fingerprint: string): string {
  return fingerprint.match(/../g)?.join(":") ?? fingerprint;
}
