/* SPDX-License-Identifier: Apache-2.0 */
/* Event notifications to events of the journal: whatever a device sends becomes an event that the log takes, reads back,
 * and that can be acknowledged. First byte: the device's clock, in quarters of an hour. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "drivers/bacnet/bacnet_alarm_words.h"

#define NOW INT64_C(1790000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* As the log and the journal have it. */
static void check_kept(const struct event *event, const struct bacnet_event_notification *told)
{
    struct buf bytes;
    struct event_decoded decoded;
    struct bacnet_alarm_key key;
    buf_init(&bytes, EVENT_BYTES_MAX);
    check(event_encode(event, &bytes) == 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    check(event_decode(&in, &decoded) == 0);
    check(decoded.event.kind[0] != '\0' && decoded.event.text[0] != '\0');
    check(strpbrk(decoded.event.text, "\r\n\t\x1b") == NULL);
    if (decoded.event.key[0] != '\0') {
        check(bacnet_alarm_key(&decoded.event, &key));
        check(bacnet_object_equal(key.object, told->object) && key.state == told->to_state &&
              bacnet_stamp_equal(&key.stamp, &told->stamp));
    }
    event_decoded_fini(&decoded);
    buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bacnet_event_notification told;
    if (size < 1) {
        return 0;
    }
    struct bytes in = bytes_dup(data + 1, size - 1);
    if (bacnet_get_event_notification(&in, &told) == 0) {
        struct bacnet_alarm_about about = { .source = "ahu-1",
                                            .now_us = NOW,
                                            .offset_minutes = ((int)data[0] % 112 - 56) * 15,
                                            .standing = data[0] % 3 == 0,
                                            .unacked = data[0] & 7 };
        struct bacnet_alarm_event made;
        bacnet_alarm_words(&told, &about, &made);
        check(made.event.argument_count <= EVENT_ARGUMENTS_MAX);
        check_kept(&made.event, &told);
        bacnet_alarm_words_fini(&made);
    }
    bytes_fini(&in);
    return 0;
}
