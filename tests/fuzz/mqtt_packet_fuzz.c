/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of either version: what is decoded is written, decoded and written again the same; and said in words. The first
 * byte chooses the version. */
#include <assert.h>
#include <string.h>

#include "drivers/mqtt/mqtt_words.h"
#include "support/mqtt_again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 0: `out` has the packet again. */
static int once(const uint8_t *data, size_t size, int version, struct buf *out)
{
    struct bytes in = bytes_dup(data, size);
    struct mqtt_head head;
    struct mqtt_wrong wrong = { 0 };
    int error = mqtt_get_head(&in, &head);
    if (error == 0) {
        struct bytes body = bytes_get_bytes(&in, head.size);
        error = bytes_short(&in) ? BUSBAR_ESHORT : mqtt_again(body, &head, version, out, &wrong);
    }
    bytes_fini(&in);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    int version = data[0] % 2 == 0 ? MQTT_VERSION_5 : MQTT_VERSION_3_1_1;
    struct buf first, second;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    if (once(data + 1, size - 1, version, &first) == 0) {
        int error = once(first.data, first.size, version, &second);
        assert(error == 0 && first.size == second.size);
        assert(memcmp(first.data, second.data, first.size) == 0);
    }
    buf_clear(&second);
    struct bytes copy = bytes_dup(data + 1, size - 1);
    mqtt_describe(version, false, copy.start, size - 1, &second);
    assert(second.size > 0);
    bytes_fini(&copy);
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
