/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for simulated devices. The gateway's configuration names what it trusts (ca) and
 * what it shows (cert, key); the simulator needs the other side of that:
 *
 *   FILE.server.pem beside the ca FILE    certificate and key of the device; used when it is there
 *   neither it nor FILE is there          both are made, and the gateway's cert and key when they
 *   are
 *                                         named and missing: enough to try TLS on one machine */
#ifndef BUSBAR_SIM_SIM_TLS_H
#define BUSBAR_SIM_SIM_TLS_H

#include "base/err.h"
#include "net/tls.h"

/* host: what the certificate is for, with localhost, 127.0.0.1 and ::1. cert_file, key_file: the
 * gateway's, NULL = it shows none and is not asked for one. BUSBAR_ENOENT, BUSBAR_ETLS ... */
int sim_tls_server(const char *host, const char *ca_file, const char *cert_file,
                   const char *key_file, struct tls_context **out, struct err *err);

#endif
