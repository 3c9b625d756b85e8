/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every tree that a decoder made, whatever the bytes were. */
#ifndef BUSBAR_TESTS_FUZZ_PAYLOAD_CHECK_H
#define BUSBAR_TESTS_FUZZ_PAYLOAD_CHECK_H

#include <stdlib.h>

#include "base/str.h"
#include "payload/tree.h"

static inline void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* Returns the node behind; reads every byte that the node points to. */
static inline const struct payload_node *check_node(const struct payload_node *node, unsigned depth)
{
    const struct payload_node *at = node + 1;
    check(depth <= PAYLOAD_DEPTH_MAX && node->type <= PAYLOAD_OBJECT);
    check(node->key == NULL || str_is_utf8(node->key, node->key_size));
    if (node->type == PAYLOAD_TEXT) {
        check(str_is_utf8(node->value.text, node->size));
    } else if (node->type == PAYLOAD_BYTES) {
        unsigned sum = 0;
        for (uint32_t i = 0; i < node->size; i++) {
            sum += (unsigned char)node->value.text[i];
        }
        check(sum <= 255U * node->size);
    } else if (node->type >= PAYLOAD_ARRAY) {
        for (uint32_t i = 0; i < node->size; i++) {
            check((at->key != NULL) == (node->type == PAYLOAD_OBJECT));
            at = check_node(at, depth + 1);
        }
    }
    check((uint32_t)(at - node) == node->next);
    return at;
}

/* A decoder's result: a whole tree, or none and a reason. */
static inline void check_filled(const struct payload_tree *tree, int error, const struct err *err)
{
    if (error != 0) {
        check(error == BUSBAR_EPROTO || error == BUSBAR_ESYNTAX || error == BUSBAR_ELIMIT);
        check(err->code == error && err->message[0] != '\0');
        check(payload_tree_root(tree) == NULL);
    } else {
        (void)check_node(payload_tree_root(tree), 0);
    }
}

#endif
