/* SPDX-License-Identifier: Apache-2.0 */
/* The structures and enumerations of one server, asked for when a value of one is met. OPC UA thread only.
 *
 * A value names its *encoding*; a reference leads from it to the data type (Browse, HasEncoding), whose attribute
 * DataTypeDefinition tells how it is built (Read); a type without one is another name of the type it is derived from
 * (Browse, HasSubtype). What fields are made of is asked for the same way. The types of the standard are known. Servers
 * from before DataTypeDefinition (version 1.04 of the standard) tell nothing: their structures stay raw. What is not
 * answered in time is asked again, later and later, and is raw from the last try on. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_TYPES_H
#define BUSBAR_DRIVERS_OPCUA_DATA_TYPES_H

#include "drivers/opcua/data/definition.h"
#include "drivers/opcua/link/session.h"

enum {
    OPCUA_TYPES_MAX = 2048,  /* of one server */
    OPCUA_FIELDS_MAX = 1024, /* of one structure */
    OPCUA_TYPE_BYTES_MAX = 4 << 20,
    OPCUA_TYPES_TRIES = 6, /* questions without an answer, one after another */
};

struct opcua_types;

/* loaded: what was asked for is known now, as far as the server tells it: look again at what was PENDING. Never from
 * inside a call. May be NULL. loop: for asking again; NULL: what is not answered once is not known. */
struct opcua_types *opcua_types_new(struct opcua_seat *seat, struct loop *loop,
                                    void (*loaded)(void *ctx), void *ctx);
/* Cancels what is under way. NULL is fine. */
void opcua_types_free(struct opcua_types *types);

/* The link is up: what is known stays when the session is the one from before, else it is forgotten (the numbers of
 * namespaces may have changed). Down: what was being asked for is asked again when somebody wants it. */
void opcua_types_up(struct opcua_types *types, bool resumed);
void opcua_types_down(struct opcua_types *types);
/* The server's facts changed: where its namespaces did, all is forgotten, and loaded() follows from inside. */
void opcua_types_changed(struct opcua_types *types);

/* Never NULL; PENDING: it is being asked for. types NULL: only the types of the standard. */
const struct opcua_definition *opcua_types_of_encoding(struct opcua_types *types,
                                                       const UA_NodeId *encoding);
const struct opcua_definition *opcua_types_of_data_type(struct opcua_types *types,
                                                        const UA_NodeId *data_type);

/* For printing node ids; NULL where there is no server. */
const struct opcua_server_facts *opcua_types_facts(const struct opcua_types *types);

#endif
