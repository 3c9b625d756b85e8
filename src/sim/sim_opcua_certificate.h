/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of simulated OPC UA servers. */
#ifndef BUSBAR_SIM_SIM_OPCUA_CERTIFICATE_H
#define BUSBAR_SIM_SIM_OPCUA_CERTIFICATE_H

#include <open62541/types.h>

#include "base/err.h"

/* DER; the caller clears both. uri: the application's, which goes into it with the host, localhost and 127.0.0.1.
 * BUSBAR_ETLS. */
int sim_opcua_certificate(const char *host, uint16_t port, const char *uri,
                          UA_ByteString *certificate, UA_ByteString *key, struct err *err);

#endif
