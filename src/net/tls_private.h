/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net/: what the TLS stream takes from its settings. */
#ifndef BUSBAR_NET_TLS_PRIVATE_H
#define BUSBAR_NET_TLS_PRIVATE_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "net/stream.h"
#include "net/tls.h"

SSL_CTX *tls_context_ssl(struct tls_context *context);

/* The names in a certificate. */
void tls_names(X509 *cert, struct stream_certificate *out);

/* OpenSSL's first queued error as one phrase; empties the queue. */
void tls_reason(char *text, size_t size);

#endif
