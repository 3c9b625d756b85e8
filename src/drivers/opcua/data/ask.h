/* SPDX-License-Identifier: Apache-2.0 */
/* Many small questions as few calls: attributes by Read, references by Browse and BrowseNext. One call at a
 * time, never more in it than the server allows; what it refuses for its size is halved and asked again, and the
 * limit is learned. Continuation points are followed to their end, or given back. OPC UA thread only.
 *
 * An asking is at rest until it is begun and after `done`; it may be begun again from inside `done`. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_ASK_H
#define BUSBAR_DRIVERS_OPCUA_DATA_ASK_H

#include "drivers/opcua/link/session.h"

enum {
    OPCUA_ASK_READ_MAX = 2000,  /* attributes in one call */
    OPCUA_ASK_BROWSE_MAX = 500, /* nodes in one call */
    OPCUA_ASK_EMPTY_MAX = 16,   /* answers without a reference, though there should be more */
};

struct opcua_ask_item {
    const UA_NodeId *node; /* borrowed until done */
    uint32_t attribute;
};

struct opcua_ask_ops {
    /* Of the item asked for: never NULL; its status says why there is no value. Borrowed for the call. */
    void (*value)(void *ctx, size_t index, const UA_DataValue *value);
    /* A reference of the node asked for. False: no more of this node, please. Borrowed for the call. */
    bool (*reference)(void *ctx, size_t index, const UA_ReferenceDescription *reference);
    /* A node that cannot be browsed. */
    void (*refused)(void *ctx, size_t index, UA_StatusCode status);
    /* After each answer: false: wait for opcua_ask_go_on(). May be NULL. */
    bool (*page)(void *ctx);
    /* All is asked; else why not: the link is lost, or the server broke the protocol. Always last. */
    void (*done)(void *ctx, const struct opcua_trouble *trouble);
};

struct opcua_ask_cursor;

struct opcua_ask {
    struct opcua_seat *seat;
    const struct opcua_ask_ops *ops;
    void *ctx;
    struct opcua_call *call; /* under way */
    int64_t timeout_us;
    const struct opcua_ask_item *items;       /* Read; else NULL */
    const UA_BrowseDescription *descriptions; /* Browse; else NULL */
    uint32_t references_max;                  /* of a node in one answer; 0: the server decides */
    size_t count, at, sent;
    size_t most; /* in one call, by now */
    struct opcua_ask_cursor *cursors;
    size_t cursor_count;
    UA_ByteString *unwanted; /* continuation points to be given back */
    size_t unwanted_count;
    size_t *again; /* for which the server had no continuation point left: one at a time */
    size_t again_count;
    size_t single; /* asked alone; SIZE_MAX: a batch */
};

void opcua_ask_init(struct opcua_ask *ask, struct opcua_seat *seat, int64_t timeout_us,
                    const struct opcua_ask_ops *ops, void *ctx);

/* items, descriptions: borrowed until done. Never calls back from inside. count > 0. */
void opcua_ask_read(struct opcua_ask *ask, const struct opcua_ask_item *items, size_t count);
void opcua_ask_browse(struct opcua_ask *ask, const UA_BrowseDescription *descriptions, size_t count,
                      uint32_t references_max);
void opcua_ask_go_on(struct opcua_ask *ask);

/* At rest at once, without a callback; continuation points are given back. Its memory must stay until the seat
 * is left: a call that could not be sent is answered all the same. */
void opcua_ask_stop(struct opcua_ask *ask);

#endif
