/* SPDX-License-Identifier: Apache-2.0 */
/* A path and a message, with a zero between: each alone does no harm, together they end at the limit of visits at the latest. */
#include <string.h>

#include "base/bytes.h"
#include "payload/path.h"
#include "payload_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const struct payload_node *first;
    int count;
};

static bool on_found(void *ctx, const struct payload_node *node)
{
    struct seen *seen = ctx;
    seen->first = seen->count++ == 0 ? node : seen->first;
    (void)check_node(node, 0);
    return seen->count < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char any[] = "{\"a\":[{\"b\":1,\"c\":\"x\"},{\"b\":2.5},null,[true,[]]],\"d\":{}}";
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    if (zero == NULL) {
        return 0;
    }
    struct bytes text = bytes_dup(data, (size_t)(zero - data) + 1);
    struct bytes message = bytes_dup(zero + 1, size - (size_t)(zero - data) - 1);
    struct payload_tree *tree = payload_tree_new();
    struct payload_path *path = NULL;
    struct err err = { 0 };
    int error = payload_path_new((const char *)text.start, &path, &err);
    if (error != 0) {
        check((error == BUSBAR_ESYNTAX || error == BUSBAR_ELIMIT) && err.message[0] != '\0');
    } else {
        if (payload_tree_json(tree, (const char *)message.start, bytes_left(&message), NULL) != 0) {
            check(payload_tree_json(tree, any, sizeof(any) - 1, NULL) == 0);
        }
        struct seen seen = { 0 };
        int count = payload_path_each(path, payload_tree_root(tree), on_found, &seen);
        check(count == seen.count || count == BUSBAR_ELIMIT);
        check(!payload_path_single(path) || seen.count <= 1);
        check(payload_path_first(path, payload_tree_root(tree)) == seen.first);
        payload_path_free(path);
    }
    payload_tree_free(tree);
    bytes_fini(&text);
    bytes_fini(&message);
    return 0;
}
