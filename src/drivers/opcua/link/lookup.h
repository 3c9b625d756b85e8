/* SPDX-License-Identifier: Apache-2.0 */
/* One question to a server without a session: FindServers, FindServersOnNetwork, GetEndpoints (Part 4, 5.4). They
 * are answered to everybody over a channel without security, so what they say is a hint and no proof. The channel is
 * opened for the question and closed after it. OPC UA thread only. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_LOOKUP_H
#define BUSBAR_DRIVERS_OPCUA_LINK_LOOKUP_H

#include "drivers/opcua/link/channel.h"

struct opcua_lookup; /* under way; gone when `called` returned */

/* url, request: copied. timeout_us: of connecting, and again of the answer. `called` follows once, never from inside:
 * response as of opcua_channel_call(). */
struct opcua_lookup *opcua_lookup_start(struct opcua_thread *thread, const char *url,
                                        int64_t timeout_us, const void *request,
                                        const UA_DataType *request_type,
                                        const UA_DataType *response_type, opcua_called_cb called,
                                        void *ctx);
/* No callback after this; not from inside of it. NULL is fine. */
void opcua_lookup_cancel(struct opcua_lookup *lookup);

/* The three questions. All endpoints, whatever their transport; servers by any of their URIs. */
struct opcua_lookup *opcua_lookup_endpoints(struct opcua_thread *thread, const char *url,
                                            int64_t timeout_us, opcua_called_cb called, void *ctx);
struct opcua_lookup *opcua_lookup_servers(struct opcua_thread *thread, const char *url,
                                          int64_t timeout_us, opcua_called_cb called, void *ctx);
/* first: the record to begin with; most: records in the answer, 0: all. */
struct opcua_lookup *opcua_lookup_network(struct opcua_thread *thread, const char *url,
                                          int64_t timeout_us, uint32_t first, uint32_t most,
                                          opcua_called_cb called, void *ctx);

#endif
