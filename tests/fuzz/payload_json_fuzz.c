/* SPDX-License-Identifier: Apache-2.0 */
/* JSON into the tree: what the strict reader of base takes, this one takes, too, with the same number of values. */
#include "base/bytes.h"
#include "base/json.h"
#include "payload_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t count_values(const struct json_value *value)
{
    struct json_iter iter = json_iter(value);
    const struct json_value *item;
    uint32_t count = 1;
    while (json_next(&iter, NULL, &item)) {
        count += count_values(item);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes copy = bytes_dup(data, size);
    struct payload_tree *tree = payload_tree_new();
    struct json_limits limits = { .number_max = 400 };
    struct json_doc *doc = NULL;
    for (int round = 0; round < 2; round++) { /* the second into memory that is there */
        struct err err = { 0 };
        int error = payload_tree_json(tree, (const char *)copy.start, size, &err);
        check_filled(tree, error, &err);
        if (json_parse((const char *)copy.start, size, &limits, &doc, NULL) == 0) {
            check(error == 0 && payload_tree_root(tree)->next == count_values(json_root(doc)));
            json_free(doc);
        }
    }
    payload_tree_free(tree);
    bytes_fini(&copy);
    return 0;
}
