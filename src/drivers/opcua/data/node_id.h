/* SPDX-License-Identifier: Apache-2.0 */
/* Node ids between what a person writes (text/node.h) and a server's own, whose namespace indexes are its own and
 * may be others after each connect. OPC UA thread only. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_NODE_ID_H
#define BUSBAR_DRIVERS_OPCUA_DATA_NODE_ID_H

#include "drivers/opcua/link/session.h"
#include "drivers/opcua/text/node.h"

/* The id as the server has it now; borrows the bytes of `id`. facts NULL: only ids by index. BUSBAR_ENOENT: the
 * server has no such namespace. */
int opcua_node_id(const struct opcua_id *id, const struct opcua_server_facts *facts,
                  UA_NodeId *out);

/* As busbar writes it: the namespace by its URI where the server tells it, else by index. */
void opcua_node_id_print(const UA_NodeId *id, const struct opcua_server_facts *facts,
                         struct buf *out);
/* An id that may name its namespace itself, or be in another server ("svr=1;..."). */
void opcua_expanded_id_print(const UA_ExpandedNodeId *id, const struct opcua_server_facts *facts,
                             struct buf *out);

/* Whether a browse name is this one of the standard's own namespace. */
bool opcua_is_named(const UA_QualifiedName *name, const char *text);

#endif
