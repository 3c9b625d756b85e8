/* SPDX-License-Identifier: Apache-2.0 */
/* What every codec of a service must stand: its vectors in both directions, every prefix of them, every
 * single flipped bit. Bytes are written as hex with spaces, as in annex F of the standard. */
#ifndef BUSBAR_TESTS_BACNET_CODEC_RIG_H
#define BUSBAR_TESTS_BACNET_CODEC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

enum { CODEC_MAX = 512 };

/* Reads with one function of a pair and writes with the other; returns what reading returned. */
typedef int (*codec_again)(struct bytes *in, struct bytes_out *out);

struct codec_vector {
    const char *origin; /* clause of ASHRAE 135 */
    const char *hex;
    codec_again again;
    size_t fine; /* a shorter message that is whole too: its size; CODEC_WHOLE: none is */
};
#define CODEC_WHOLE SIZE_MAX

static inline size_t codec_hex(const char *hex, uint8_t *to)
{
    size_t size = 0;
    while (*hex != '\0') {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        assert_true(size < CODEC_MAX && hex[1] != '\0');
        int high = str_hex_digit(hex[0]);
        int low = str_hex_digit(hex[1]);
        assert_true(high >= 0 && low >= 0);
        to[size++] = (uint8_t)(high << 4 | low);
        hex += 2;
    }
    return size;
}

/* Reads an exact-size copy, so that ASan sees one byte too many. */
static inline int codec_run(codec_again again, const uint8_t *data, size_t size, uint8_t *to,
                            size_t *to_size)
{
    struct bytes whole = bytes_dup(data, size);
    struct bytes in = whole;
    struct bytes_out out = bytes_out_of(to, 2 * CODEC_MAX);
    int error = again(&in, &out);
    *to_size = bytes_out_size(&out);
    bytes_fini(&whole);
    return error;
}

static inline void codec_vector_holds(const struct codec_vector *vector)
{
    uint8_t data[CODEC_MAX];
    uint8_t again[2 * CODEC_MAX];
    size_t again_size;
    size_t size = codec_hex(vector->hex, data);
    if (codec_run(vector->again, data, size, again, &again_size) != 0) {
        fail_msg("%s does not read", vector->origin);
    }
    if (again_size != size || memcmp(again, data, size) != 0) {
        fail_msg("%s is written differently", vector->origin);
    }
    for (size_t cut = 0; cut < size; cut++) {
        int error = codec_run(vector->again, data, cut, again, &again_size);
        if (error != (cut == vector->fine ? 0 : BUSBAR_EPROTO)) {
            fail_msg("%s cut to %zu bytes: %d", vector->origin, cut, error);
        }
    }
    data[size] = 0x09; /* one value too many */
    data[size + 1] = 0x01;
    assert_int_not_equal(codec_run(vector->again, data, size + 2, again, &again_size), 0);
}

/* What still reads with a flipped bit must be written so that it reads as the same. */
static inline void codec_flips(const struct codec_vector *vector)
{
    uint8_t data[CODEC_MAX];
    uint8_t once[2 * CODEC_MAX];
    uint8_t twice[2 * CODEC_MAX];
    size_t once_size;
    size_t twice_size;
    size_t size = codec_hex(vector->hex, data);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (codec_run(vector->again, data, size, once, &once_size) == 0) {
            assert_int_equal(codec_run(vector->again, once, once_size, twice, &twice_size), 0);
            assert_int_equal(twice_size, once_size);
            assert_memory_equal(twice, once, once_size);
        }
        data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

#endif
