/* SPDX-License-Identifier: Apache-2.0 */
/* What every head of a packet must stand: its vectors both ways, every prefix, every flipped bit. */
#ifndef BUSBAR_TESTS_BACNET_WIRE_RIG_H
#define BUSBAR_TESTS_BACNET_WIRE_RIG_H

#include "../service/codec_rig.h"

struct wire_vector {
    const char *origin;
    const char *hex;
    size_t head; /* shorter is BUSBAR_ESHORT; at least so long may be whole as well */
};

static inline void wire_same_again(codec_again again, const uint8_t *data, size_t size,
                                   const char *origin)
{
    uint8_t once[2 * CODEC_MAX];
    uint8_t twice[2 * CODEC_MAX];
    size_t once_size;
    size_t twice_size;
    if (codec_run(again, data, size, once, &once_size) != 0) {
        return;
    }
    if (codec_run(again, once, once_size, twice, &twice_size) != 0 || twice_size != once_size ||
        memcmp(once, twice, once_size) != 0) {
        fail_msg("%s reads differently when written again", origin);
    }
}

static inline void wire_vector_holds(const struct wire_vector *vector, codec_again again)
{
    uint8_t data[CODEC_MAX];
    uint8_t out[2 * CODEC_MAX];
    size_t out_size;
    size_t size = codec_hex(vector->hex, data);
    if (codec_run(again, data, size, out, &out_size) != 0) {
        fail_msg("%s does not read", vector->origin);
    }
    if (out_size != size || memcmp(out, data, size) != 0) {
        fail_msg("%s is written differently", vector->origin);
    }
    for (size_t cut = 0; cut < size; cut++) {
        int error = codec_run(again, data, cut, out, &out_size);
        if (cut < vector->head && error != BUSBAR_ESHORT) {
            fail_msg("%s cut to %zu bytes: %d", vector->origin, cut, error);
        }
        wire_same_again(again, data, cut, vector->origin);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        wire_same_again(again, data, size, vector->origin);
        data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* Reads hex and returns what the reader said. */
static inline int wire_error(codec_again again, const char *hex)
{
    uint8_t data[CODEC_MAX];
    uint8_t out[2 * CODEC_MAX];
    size_t out_size;
    return codec_run(again, data, codec_hex(hex, data), out, &out_size);
}

#endif
