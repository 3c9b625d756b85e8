/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values: the first byte chooses the device's rows, the rest is the message. */
#include "payload/csv.h"
#include "payload_rig.h"

static void walk(const char *text, size_t size, bool comma, bool form)
{
    struct scratch scratch = { 0 };
    struct pair pair;
    size_t before = 0, at = 0;
    while (keys_next(text, size, comma, form, &at, &scratch, &pair)) {
        assert(at > before && at <= size); /* it comes to an end */
        assert(pair.key.size > 0);
        before = at;
    }
    scratch_fini(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const devices[] = { "", "decimal=,", "encoding=latin-1",
                                           "only=key a == 1\ntime=key t" };
    static const char *const points[] = { "key=a", "key=b\ntype=text", "key=t", NULL };
    if (size == 0) {
        return 0;
    }
    struct payload_rig rig;
    bool opened = payload_rig_open(&rig, devices[data[0] % 4], points, NULL);
    assert(opened);
    payload_rig_message(&rig, data + 1, size - 1);
    payload_rig_close(&rig);
    char *copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    char *exact = realloc(copy, size - 1 + (size == 1));
    walk(exact, size - 1, (data[0] & 4) != 0, (data[0] & 8) != 0);
    free(exact);
    return 0;
}
