/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for TLS tests, made on the spot: an authority, and what it signs. PEM files in a folder of their own,
 * removed at the end. Names are NAME.cert.pem and NAME.key.pem.
 */
#ifndef BUSBAR_TESTS_CERTIFICATES_H
#define BUSBAR_TESTS_CERTIFICATES_H

struct certificates;

/* An authority named `ca`. Asserts that all goes well. */
struct certificates *certificates_new(void);
void certificates_free(struct certificates *certificates);

/* A certificate signed by the authority. alt_names as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; days may be
 * negative: expired. */
void certificates_make(struct certificates *certificates, const char *name, const char *alt_names,
                       int days);

/* Paths, valid until certificates_free() or eight more calls. */
const char *certificates_cert(struct certificates *certificates, const char *name);
const char *certificates_key(struct certificates *certificates, const char *name);

#endif
