/* SPDX-License-Identifier: Apache-2.0 */
/* A message taken apart: one flat row of nodes in the order of the text, whatever the format was (JSON, CBOR,
 * MessagePack, Protobuf, Sparkplug ...), so that one path language (path.h) reads them all.
 *
 * A tree is scratch: made once, filled again for each message, allocating nothing once it has grown. Texts point
 * into the message's bytes where they can, else into the tree's own memory; both live until the next filling. */
#ifndef BUSBAR_PAYLOAD_TREE_H
#define BUSBAR_PAYLOAD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
    PAYLOAD_DEPTH_MAX = 16,
    PAYLOAD_NODES_MAX = 1 << 20, /* of one message */
};

enum payload_type {
    PAYLOAD_NULL,
    PAYLOAD_BOOL,
    PAYLOAD_INT,    /* exact to 64 bits */
    PAYLOAD_DOUBLE, /* and integers beyond int64 */
    PAYLOAD_TEXT,   /* UTF-8 */
    PAYLOAD_BYTES,  /* CBOR, MessagePack, Protobuf */
    PAYLOAD_ARRAY,
    PAYLOAD_OBJECT,
};

struct payload_node {
    const char *key; /* of a member; NULL: none */
    union {
        bool b;
        int64_t i;
        double d;
        const char *text; /* no NUL at its end */
    } value;
    uint32_t key_size;
    uint32_t size; /* TEXT, BYTES: bytes; ARRAY, OBJECT: members */
    uint32_t
        next; /* nodes from this one to what follows it: 1, and for ARRAY and OBJECT all inside */
    uint8_t type; /* enum payload_type */
};

struct payload_tree;

struct payload_tree *payload_tree_new(void);
void payload_tree_free(struct payload_tree *tree); /* NULL is fine */

/* Fill it; the former content is gone, also on error. Errors say the place in the message: line and column (JSON),
 * else the byte. BUSBAR_ESYNTAX, BUSBAR_EPROTO, BUSBAR_ELIMIT (depth, nodes), BUSBAR_ENOMEM. */
int payload_tree_json(struct payload_tree *tree, const char *text, size_t size, struct err *err);
int payload_tree_cbor(struct payload_tree *tree, struct bytes in, struct err *err); /* RFC 8949 */
int payload_tree_msgpack(struct payload_tree *tree, struct bytes in, struct err *err);

/* The first node; valid after a filling that returned 0. A node's members follow it: the first is node + 1, the next
 * of any node is node + node->next. */
const struct payload_node *payload_tree_root(const struct payload_tree *tree);
/* NULL: not there, or no object. The last one wins where a key stands twice. */
const struct payload_node *payload_node_get(const struct payload_node *object, const char *key,
                                            size_t key_size);

/* For decoders: begin, then nodes in order, containers ended in turn. Errors are sticky; payload_tree_end()
 * returns the first. */
void payload_tree_begin(struct payload_tree *tree);
void payload_tree_key(struct payload_tree *tree, const char *key,
                      size_t size); /* of the next node; borrowed */
void payload_tree_null(struct payload_tree *tree);
void payload_tree_bool(struct payload_tree *tree, bool value);
void payload_tree_int(struct payload_tree *tree, int64_t value);
void payload_tree_double(struct payload_tree *tree, double value);
void payload_tree_text(struct payload_tree *tree, const char *text, size_t size);  /* borrowed */
void payload_tree_bytes(struct payload_tree *tree, const void *data, size_t size); /* borrowed */
void payload_tree_open(struct payload_tree *tree, enum payload_type container);
void payload_tree_close(struct payload_tree *tree);
/* Memory of the tree, until the next filling; NULL when it is out (the error sticks). */
char *payload_tree_room(struct payload_tree *tree, size_t size);
int payload_tree_end(struct payload_tree *tree);

#endif
