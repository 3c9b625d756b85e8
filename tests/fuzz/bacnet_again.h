/* SPDX-License-Identifier: Apache-2.0 */
/* The property that all codecs of services are fuzzed with: what reads is written, and that reads and is
 * written as the same bytes again. Data from the fuzzer is read from an exact-size copy. */
#ifndef BUSBAR_TESTS_FUZZ_BACNET_AGAIN_H
#define BUSBAR_TESTS_FUZZ_BACNET_AGAIN_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"

enum { AGAIN_IN_MAX = 2048, AGAIN_OUT_MAX = 4 * AGAIN_IN_MAX };

/* Reads, and writes what was read. Returns what reading returned. */
typedef int (*again_fn)(struct bytes *in, struct bytes_out *out);

static inline void again_fuzz(again_fn again, const uint8_t *data, size_t size)
{
    static uint8_t once[AGAIN_OUT_MAX];
    static uint8_t twice[AGAIN_OUT_MAX];
    struct bytes copy = bytes_dup(data, size);
    struct bytes in = copy;
    struct bytes_out out = bytes_out_of(once, sizeof(once));
    if (again(&in, &out) == 0) {
        size_t written = bytes_out_size(&out);
        in = bytes_of(once, written);
        out = bytes_out_of(twice, sizeof(twice));
        int error = again(&in, &out);
        assert(error == 0);
        assert(bytes_out_size(&out) == written);
        assert(memcmp(once, twice, written) == 0);
        (void)error;
    }
    bytes_fini(&copy);
}

/* The first byte chooses which. */
static inline int again_choose(const again_fn *agains, size_t count, const uint8_t *data,
                               size_t size)
{
    if (size >= 1 && size <= AGAIN_IN_MAX) {
        again_fuzz(agains[data[0] % count], data + 1, size - 1);
    }
    return 0;
}

#endif
