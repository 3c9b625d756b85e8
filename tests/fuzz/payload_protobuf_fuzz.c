/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf: descriptors and a message that is read by each type of them. Two bytes say how long the descriptors are. */
#include "base/bytes.h"
#include "payload/schema_parts.h"
#include "payload_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPES_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    size_t length = bytes_get_u16(&in);
    const uint8_t *descriptors = bytes_get_block(&in, length);
    if (descriptors == NULL) {
        return 0;
    }
    struct bytes first = bytes_dup(descriptors, length);
    struct bytes message = bytes_dup(in.at, bytes_left(&in));
    struct prepared *made = NULL;
    struct err err = { 0 };
    int error = payload_schemas_read(first, &made, &err);
    if (error != 0) {
        check((error == BUSBAR_EPROTO || error == BUSBAR_ELIMIT || error == BUSBAR_ENOMEM) &&
              err.message[0] != '\0');
    } else {
        struct payload_tree *tree = payload_tree_new();
        const struct payload_schema *at = ((struct payload_schemas *)made)->messages;
        for (int i = 0; at != NULL && i < TYPES_MAX; at = at->next, i++) {
            const struct payload_schema *found = NULL;
            check(payload_schemas_find((struct payload_schemas *)made, at->name, &found, NULL) ==
                  0);
            err = (struct err){ 0 };
            error = payload_tree_protobuf(tree, at, message, &err);
            check_filled(tree, error, &err);
        }
        payload_tree_free(tree);
        prepared_drop(made);
    }
    bytes_fini(&first);
    bytes_fini(&message);
    return 0;
}
