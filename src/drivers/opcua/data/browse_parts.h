/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a look at a server, private to data/browse*.c. Nodes come from the walk (browse.c) and wait in `fresh`;
 * a round of them is looked at: properties and attributes (browse_look.c), names of types (browse_types.c), then told
 * (browse_tell.c), and the walk goes on. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_BROWSE_PARTS_H
#define BUSBAR_DRIVERS_OPCUA_DATA_BROWSE_PARTS_H

#include "base/map.h"
#include "drivers/opcua/data/ask.h"
#include "drivers/opcua/data/browse.h"
#include "drivers/opcua/data/types.h"
#include "drivers/opcua/text/node.h"

enum {
    BROWSE_TEXT_MAX = 512, /* bytes kept of a name or description */
    BROWSE_ID_MAX = 2 * OPCUA_ID_BYTES_MAX + OPCUA_URI_MAX,
    BROWSE_EXPAND = 20,             /* nodes whose children are asked for together */
    BROWSE_REFERENCES = 1000,       /* of one node in one answer */
    BROWSE_OWN_REFERENCES = 200,    /* of a variable or method: properties, mostly */
    BROWSE_REPEATS_MAX = 10000,     /* nodes told before, one after another below one node */
    BROWSE_REFERENCES_MAX = 400000, /* of a whole look */
    BROWSE_SUPERTYPES_MAX = 32,
    BROWSE_TYPES_BATCH = 200,  /* asked for together */
    BROWSE_ARGUMENTS_MAX = 64, /* of a method */
    BROWSE_ASIDE_MAX = 1000,   /* references of one node that is looked at, not listed */
    BROWSE_MEMBERS_MAX = 200,  /* of a structure, those of inner ones counted */
    BROWSE_AWAITED_MAX = 16,   /* for what a structure is made of */
};

/* Properties of a variable or a method that say something of it (Part 8, 5.3; Part 3, 5.7). */
enum browse_property {
    BROWSE_UNITS,
    BROWSE_RANGE,
    BROWSE_INSTRUMENT_RANGE,
    BROWSE_ENUM_STRINGS,
    BROWSE_ENUM_VALUES,
    BROWSE_TRUE_STATE,
    BROWSE_FALSE_STATE,
    BROWSE_INPUTS,
    BROWSE_OUTPUTS,
    BROWSE_PROPERTIES, /* how many */
};

/* A node by now. Its ids are its own (browse_looked_fini()), texts of `ids` or of the round. */
struct browse_looked {
    unsigned references; /* told of it, to find an end */
    UA_NodeId node, type_definition, data_type;
    UA_NodeId properties[BROWSE_PROPERTIES];
    UA_NodeClass class;
    const char *id, *parent, *name; /* ids */
    const char *above;       /* name of the parent, for names of points; "" = it says nothing */
    unsigned level;          /* below what was asked for: 0 = directly */
    bool property;           /* of the node above it */
    bool children;           /* more than properties are below it */
    const char *description; /* of the round, as all below */
    int32_t rank;            /* -1: one value; 0 and above: an array */
    uint8_t access;
    bool executable;
    bool read; /* its value was */
    UA_StatusCode status;
    struct sample value;
    UA_DataValue raw; /* of the node that was asked for: its members are told too */
    const char *units;
    bool has_range;
    double min, max;
    const struct point_enum *enums;
    size_t enum_count;
    UA_Variant true_state, false_state;  /* until both are there */
    UA_Variant inputs, outputs;          /* of a method; type NULL: none */
    const struct browse_type *type, *of; /* data type, type definition; NULL: not known */
};
void browse_looked_fini(struct browse_looked *looked);

/* A data type or the type of a node. */
struct browse_type {
    struct list link;                     /* browse->types_new, until it was asked for */
    const char *id;                       /* as it is printed */
    const char *name;                     /* "PressType"; the id where the server does not tell */
    UA_NodeId node, super, enum_property; /* its own */
    unsigned builtin;    /* 1 to 29, the standard's own number; 0: look at `super` */
    bool data;           /* a data type, not the type of a node */
    unsigned references; /* told of it, to find an end */
    const struct point_enum *enums;
    size_t enum_count;
};

/* A node whose children are to be told. */
struct browse_branch {
    struct list link;
    UA_NodeId node;
    const char *id, *name;
    unsigned level;       /* of its children */
    unsigned repeats;     /* nodes that were told before, in a row */
    bool skip_properties; /* they were told with it */
};

struct opcua_browse {
    struct opcua_thread *thread;
    struct opcua_seat *seat;
    const struct opcua_browse_events *events;
    void *ctx;
    char *at;
    const char *root; /* id of what is looked at; ids */
    int64_t timeout_us;
    bool running, ending;
    int error; /* that it ends with */
    char message[ERR_MESSAGE_MAX];
    struct opcua_types *types; /* for values that are structures */
    unsigned awaited;          /* times that the round waited for them */
    bool awaits;               /* does so now */
    /* the walk */
    struct opcua_ask walk;
    struct list branches;
    struct browse_branch *open[BROWSE_EXPAND]; /* whose children are coming */
    UA_BrowseDescription descriptions[BROWSE_EXPAND];
    size_t open_count;
    bool walking; /* not all of `open` came */
    bool held;    /* and a round comes first */
    bool cut;     /* deeper nodes were left out */
    bool full;    /* OPCUA_BROWSE_NODES_MAX */
    bool repeats; /* the server told the same over and over */
    uint64_t references;
    struct arena ids;
    struct map seen; /* id -> something */
    uint64_t told, met;
    /* the round */
    struct browse_looked *fresh;
    size_t fresh_count, fresh_capacity;
    size_t round; /* of fresh, looked at now; 0: no round is under way */
    bool itself;  /* the round is the node that was asked for */
    struct opcua_told *out;
    struct opcua_ask look;
    struct opcua_ask_item *items;
    struct browse_item *wanted; /* beside `items` */
    size_t item_count, item_capacity;
    UA_BrowseDescription *asked; /* of the look */
    size_t *asked_of;            /* beside it: of which node or type */
    size_t asked_count;
    /* types */
    struct map by_id; /* struct browse_type */
    struct list types_new;
    struct browse_type *batch[BROWSE_TYPES_BATCH]; /* asked for now */
    size_t batch_count;
};

/* What an item is asked for. */
struct browse_item {
    size_t of; /* node of the round, or type of the batch */
    uint8_t what;
};

/* Each step ends in the next, or in browse_fail(). */
void browse_look_begin(struct opcua_browse *browse);  /* browse_look.c */
void browse_types_begin(struct opcua_browse *browse); /* browse_types.c */
void browse_tell_round(struct opcua_browse *browse);  /* browse_tell.c; goes on at once */
void browse_round_over(struct opcua_browse *browse);  /* browse.c */
void browse_fail(struct opcua_browse *browse, int error, const char *message);

/* An item for browse->items. node: borrowed until it is read. */
void browse_want(struct opcua_browse *browse, const UA_NodeId *node, uint32_t attribute, size_t of,
                 uint8_t what);
/* A description for browse->asked: forward or inverse references of a node. */
void browse_ask_of(struct opcua_browse *browse, const UA_NodeId *node, uint32_t reference,
                   bool forward, size_t of);
void browse_asked_clear(struct opcua_browse *browse);

/* Text of the server as it can be shown: UTF-8 without control characters, cut. "" where there is none, or no room. */
const char *browse_text(struct arena *arena, const UA_String *text);
const char *browse_id(const struct opcua_browse *browse, struct arena *arena,
                      const UA_NodeId *node);

/* The type of an id; of a null one, or when there are too many: NULL; where it is new it is asked for by the next browse_types_begin(). */
struct browse_type *browse_type_get(struct opcua_browse *browse, const UA_NodeId *node, bool data);
/* The built-in type that a data type is made of, 1 to 29; 0: not known. */
unsigned browse_type_builtin(const struct opcua_browse *browse, const struct browse_type *type);
/* Names of the states of an enumeration, also of one that it is derived from. */
const struct browse_type *browse_type_enums(const struct opcua_browse *browse,
                                            const struct browse_type *type);
/* Whether the type of a node is this one of the standard, or derived from it. */
bool browse_type_is(const struct opcua_browse *browse, const struct browse_type *type,
                    uint32_t standard);
/* "Double"; "" where it is not known. */
const char *browse_type_name(struct opcua_browse *browse, const UA_NodeId *data_type);
void browse_types_free(struct opcua_browse *browse);

#endif
