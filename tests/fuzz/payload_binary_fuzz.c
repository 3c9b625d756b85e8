/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as values: the first bytes say where and as what, the rest is the message. */
#include "payload_rig.h"

enum { HEAD = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD) {
        return 0;
    }
    struct expression expression = { .kind = PAYLOAD_POINT_BYTES,
                                     .as = data[0] % PAYLOAD_TYPES,
                                     .order = data[1] & 3,
                                     .first_bit = PAYLOAD_BIT_NONE,
                                     .last_bit = PAYLOAD_BIT_NONE,
                                     .number = (int8_t)data[2] };
    bool counted = expression.as == PAYLOAD_AS_BCD || expression.as == PAYLOAD_AS_ASCII;
    expression.length = counted ? 1U + data[3] % 9 : 0;
    unsigned bits = 8 * (unsigned)binary_size(&expression);
    if ((data[4] & 1) != 0 && !counted && expression.as < PAYLOAD_AS_FLOAT32) {
        expression.first_bit = (uint8_t)(data[5] % bits);
        expression.last_bit = (uint8_t)(expression.first_bit +
                                        (data[4] >> 1) % (bits - expression.first_bit));
    }
    uint8_t *copy = malloc(size - HEAD + (size == HEAD));
    memcpy(copy, data + HEAD, size - HEAD);
    struct payload_node node;
    int found = binary_find(&expression, copy, size - HEAD, &node);
    assert(found == 0 || found == 1 || found == BUSBAR_EPROTO);
    if (found == 1 && node.type == PAYLOAD_TEXT) {
        assert(str_is_utf8(node.value.text, node.size));
    }
    if (found == 1 && expression.first_bit != PAYLOAD_BIT_NONE) {
        assert(node.type == PAYLOAD_BOOL || node.type == PAYLOAD_INT ||
               node.type == PAYLOAD_DOUBLE);
    }
    free(copy);
    return 0;
}
