/* SPDX-License-Identifier: Apache-2.0 */
/* Private to types: what is kept of a type, and how it is filled. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_TYPES_PRIVATE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_TYPES_PRIVATE_H

#include "base/arena.h"
#include "drivers/opcua/data/types.h"
#include "net/timer.h"

enum { TYPE_BUCKETS = 256, TYPES_AT_ONCE = 100 };

enum type_step {
    TYPE_READY,
    TYPE_ENCODING,   /* of which data type is this the encoding? */
    TYPE_DEFINITION, /* how is it built? */
    TYPE_PARENT,     /* of what is it derived? */
};

struct type_entry {
    struct type_entry *next_in_bucket;
    struct type_entry *next; /* of all, in the order of asking */
    UA_NodeId id;            /* of an encoding or of a data type; owned */
    bool encoding;
    enum type_step step;
    struct type_entry *same; /* READY: it is what that one is (an encoding's type, a parent) */
    struct opcua_definition definition; /* READY and no `same` */
};

struct opcua_types {
    struct opcua_seat *seat; /* NULL: nobody can be asked */
    void (*loaded)(void *ctx);
    void *ctx;
    struct arena arena; /* of entries, fields, names */
    struct type_entry *buckets[TYPE_BUCKETS];
    struct type_entry *first, **last;
    size_t count;
    struct opcua_call *call;
    struct type_entry *asked[TYPES_AT_ONCE];
    size_t asked_count, most; /* most: the server takes no more in one call */
    enum type_step asking;
    bool up, may_retry;
    struct timer retry;  /* nothing is asked while it runs */
    unsigned tries;      /* not answered in time, one after another */
    uint64_t namespaces; /* of the server, as a hash */
};

/* The entry of an id, made when there is none. NULL: no room. */
struct type_entry *opcua_types_entry(struct opcua_types *types, const UA_NodeId *id, bool encoding);
/* What is known of an entry. */
const struct opcua_definition *opcua_types_known(const struct type_entry *entry);
/* The definition that a field of this type has; asks for it when nobody has. */
const struct opcua_definition *opcua_types_field(struct opcua_types *types, const UA_NodeId *id);

/* From what a server tells; where it does not fit the limits the entry stays unknown. */
void opcua_types_structure(struct opcua_types *types, struct type_entry *entry,
                           const UA_StructureDefinition *from);
void opcua_types_enumeration(struct opcua_types *types, struct type_entry *entry,
                             const UA_EnumDefinition *from);
/* From the library's own table of the standard's types. */
void opcua_types_native(struct opcua_types *types, struct type_entry *entry,
                        const UA_DataType *from);

#endif
