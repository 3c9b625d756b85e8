/* SPDX-License-Identifier: Apache-2.0 */
/* The range coder: any bytes are safe to read; what was read is written and read again as it was. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "history/range_coder.h"

enum { COUNT = 256, ROOM = 32 * COUNT };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int64_t values[COUNT], again[COUNT];
    static uint8_t code[ROOM];
    if (size < 1) {
        return 0;
    }
    size_t count = (size_t)data[0] + 1;
    uint8_t *exact = malloc(size > 1 ? size - 1 : 1);
    memcpy(exact, data + 1, size - 1);
    if (history_range_get(exact, size - 1, values, count)) {
        size_t written = history_range_put(code, sizeof(code), values, count);
        assert(written > 0);
        assert(history_range_get(code, written, again, count));
        assert(memcmp(values, again, count * sizeof(*values)) == 0);
    }
    free(exact);
    return 0;
}
