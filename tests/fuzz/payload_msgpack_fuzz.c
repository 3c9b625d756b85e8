/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack into the tree: a whole tree or a reason, and the same again into memory that is there. */
#include "base/bytes.h"
#include "payload_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes copy = bytes_dup(data, size);
    struct payload_tree *tree = payload_tree_new();
    uint32_t nodes = 0;
    for (int round = 0; round < 2; round++) {
        struct err err = { 0 };
        int error = payload_tree_msgpack(tree, copy, &err);
        check_filled(tree, error, &err);
        check(round == 0 || nodes == (error == 0 ? payload_tree_root(tree)->next : 0));
        nodes = error == 0 ? payload_tree_root(tree)->next : 0;
    }
    payload_tree_free(tree);
    bytes_fini(&copy);
    return 0;
}
