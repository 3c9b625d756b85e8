/* SPDX-License-Identifier: Apache-2.0 */
/* A file of message keys, whatever stands in it: what was read is bounded, and works on: a key that is added is known, one
 * that is removed is not. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "feed/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    loop = loop != NULL ? loop : loop_new();
    struct bytes in = bytes_dup(data, size);
    struct feed_keys *keys;
    int64_t time_us = 0;
    feed_keys_read(loop, in, &keys);
    assert(feed_keys_count(keys) <= size / 32);
    size_t before = feed_keys_count(keys);
    feed_keys_add(keys, "key", 3, 5000);
    assert(feed_keys_find(keys, "key", 3, &time_us) && time_us == 5000);
    feed_keys_remove(keys, "key", 3);
    assert(!feed_keys_find(keys, "key", 3, &time_us));
    assert(feed_keys_count(keys) <= before);
    feed_keys_close(keys);
    bytes_fini(&in);
    return 0;
}
