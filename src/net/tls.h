/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS settings, loaded once and shared by many streams. TLS 1.2 or newer, no compression, no renegotiation.
 * Counted references: a stream holds one while it lives.
 */
#ifndef BUSBAR_NET_TLS_H
#define BUSBAR_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tls_context;

struct tls_options {
    bool server; /* for a listener */
    const char
        *ca_file; /* PEM; NULL: the system's (client), no client certificate asked for (server) */
    const char *cert_file; /* PEM chain; a server needs it, or cert_der */
    const char *key_file;  /* PEM; NULL: in cert_file */
    /* Instead of both files: DER, a certificate and its key. */
    const uint8_t *cert_der, *key_der;
    size_t cert_size, key_size;
    bool verify_off; /* client: take any certificate. To be said loudly by whoever sets it */
};

/* BUSBAR_ENOENT, BUSBAR_ETLS ...; err names the file and the reason. Reads files: not for the loop's hot path. */
int tls_context_new(const struct tls_options *options, struct tls_context **out, struct err *err);
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* NULL is fine */

#endif
