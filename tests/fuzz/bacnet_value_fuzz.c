/* SPDX-License-Identifier: Apache-2.0 */
/* What properties hold: rows of elements, primitive or constructed, and their texts. First byte: which table
 * names the values. */
#include "bacnet_again.h"

#include "base/str.h"
#include "drivers/bacnet/wire/stamp.h"
#include "drivers/bacnet/wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 300 };

static void times(const struct bacnet_value *value)
{
    static const struct bacnet_time noon = { 12, 0, 0, 0 };
    struct bacnet_datetime back;
    int64_t time_us;
    if (value->type == BACNET_DATE) {
        struct bacnet_datetime at = { .date = value->as.date, .time = noon };
        if (bacnet_datetime_us(&at, 90, &time_us) == 0) {
            assert(bacnet_datetime_of(time_us, 90, &back) == 0);
            assert(back.date.day == at.date.day && back.date.month == at.date.month);
            assert(back.date.year == at.date.year && back.time.hour == 12);
        }
    }
}

static int again_elements(struct bytes *in, struct bytes_out *out)
{
    int count = 0;
    while (bytes_left(in) > 0) {
        struct bacnet_element element;
        int error = bacnet_get_element(in, &element);
        if (error != 0) {
            return error;
        }
        assert(bytes_left(&element.raw) > 0);
        count++;
        if (element.primitive) {
            times(&element.value);
            size_t before = bytes_out_size(out);
            bacnet_put_value(out, BACNET_APPLICATION, &element.value);
            struct bytes written = bytes_of(out->start + before, bytes_out_size(out) - before);
            struct bacnet_value back;
            assert(bytes_left(&written) <= bacnet_value_size(&element.value));
            assert(bacnet_get_value(&written, &back) == 0);
            assert(bacnet_value_equal(&element.value, &back));
        } else {
            bytes_put_block(out, element.raw.at, bytes_left(&element.raw));
        }
    }
    return count > 0 ? 0 : BUSBAR_EPROTO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > AGAIN_IN_MAX) {
        return 0;
    }
    again_fuzz(again_elements, data + 1, size - 1);
    struct bytes copy = bytes_dup(data + 1, size - 1);
    struct buf text;
    buf_init(&text, 2 * TEXT_MAX);
    bacnet_print_elements(copy, (enum bacnet_list)(data[0] % BACNET_LISTS), TEXT_MAX, &text);
    assert(text.size <= TEXT_MAX + 3 && !text.overflow);
    assert(str_is_utf8(buf_text(&text), text.size));
    buf_fini(&text);
    bytes_fini(&copy);
    return 0;
}
