/* SPDX-License-Identifier: Apache-2.0 */
/* What certificate a PostgreSQL server shows, and why it is not trusted: libpq 15 says only that it is not. A TLS handshake
 * of our own, that trusts nobody and sends nothing. Blocks up to PG_PROBE_S: for job threads. */
#ifndef BUSBAR_SINKS_POSTGRES_PROBE_H
#define BUSBAR_SINKS_POSTGRES_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

enum { PG_PROBE_S = 5 };

struct pg_probe {
    /* in */
    char address[ADDRESS_HOST_MAX]; /* numeric */
    char host[ADDRESS_HOST_MAX];    /* the name it is asked by */
    uint16_t port;
    char ca[256]; /* file of authorities */
    /* out */
    int error;         /* 0: it showed a certificate */
    bool tls;          /* the server speaks TLS */
    char version[16];  /* "TLSv1.3" */
    char reason[128];  /* why it is not trusted, in OpenSSL's words; "": it is, by its authority */
    int64_t until_us;  /* wall clock: it expires */
    char subject[160]; /* "CN = db.example.org" */
    char issuer[160];
};

void pg_probe_run(struct pg_probe *probe);

#endif
