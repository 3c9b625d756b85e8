/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/read_range.h"

#include "drivers/bacnet/service/whole.h"

enum { FLAG_FIRST = 1u << 0, FLAG_LAST = 1u << 1, FLAG_MORE = 1u << 2, FLAGS = 3 };

static uint32_t get_index(struct bytes *in)
{
    uint64_t index;
    return bacnet_try_unsigned(in, 2, BACNET_INDEX_ALL - 1, &index) ? (uint32_t)index
                                                                    : BACNET_INDEX_ALL;
}

static int32_t get_count(struct bytes *in)
{
    int64_t count = bacnet_get_signed(in, BACNET_APPLICATION);
    if (count == 0 || count < INT32_MIN || count > INT32_MAX) {
        bytes_fail(in);
        return 0;
    }
    return (int32_t)count;
}

static void get_range(struct bytes *in, struct bacnet_read_range *ask)
{
    static const uint8_t ranges[] = { BACNET_RANGE_POSITION, BACNET_RANGE_SEQUENCE,
                                      BACNET_RANGE_TIME };
    for (size_t i = 0; i < sizeof(ranges); i++) {
        if (!bacnet_next_opens(in, ranges[i])) {
            continue;
        }
        ask->range = ranges[i];
        bacnet_get_open(in, ask->range);
        if (ask->range == BACNET_RANGE_TIME) {
            ask->at = bacnet_get_datetime(in);
        } else {
            ask->reference = (uint32_t)bacnet_get_unsigned(in, BACNET_APPLICATION, UINT32_MAX);
        }
        ask->count = get_count(in);
        bacnet_get_close(in, ask->range);
        return;
    }
}

int bacnet_get_read_range(struct bytes *in, struct bacnet_read_range *ask)
{
    *ask = (struct bacnet_read_range){ .range = BACNET_RANGE_ALL };
    ask->object = bacnet_get_object(in, 0);
    ask->property = bacnet_get_enumerated(in, 1);
    ask->index = get_index(in);
    get_range(in, ask);
    return bacnet_whole(in);
}

static void put_what(struct bytes_out *out, struct bacnet_object object, uint32_t property,
                     uint32_t index)
{
    bacnet_put_object(out, 0, object);
    bacnet_put_enumerated(out, 1, property);
    if (index != BACNET_INDEX_ALL) {
        bacnet_put_unsigned(out, 2, index);
    }
}

void bacnet_put_read_range(struct bytes_out *out, const struct bacnet_read_range *ask)
{
    put_what(out, ask->object, ask->property, ask->index);
    if (ask->range == BACNET_RANGE_ALL) {
        return;
    }
    assert(ask->count != 0);
    bacnet_put_open(out, ask->range);
    if (ask->range == BACNET_RANGE_TIME) {
        bacnet_put_datetime(out, &ask->at);
    } else {
        bacnet_put_unsigned(out, BACNET_APPLICATION, ask->reference);
    }
    bacnet_put_signed(out, BACNET_APPLICATION, ask->count);
    bacnet_put_close(out, ask->range);
}

int bacnet_get_range_items(struct bytes *in, const struct bacnet_read_range *ask,
                           struct bacnet_range_items *answer)
{
    unsigned flags;
    answer->object = bacnet_get_object(in, 0);
    answer->property = bacnet_get_enumerated(in, 1);
    answer->index = get_index(in);
    uint32_t bits = bacnet_get_bits(in, 3, &flags);
    answer->first = (bits & FLAG_FIRST) != 0;
    answer->last = (bits & FLAG_LAST) != 0;
    answer->more = (bits & FLAG_MORE) != 0;
    answer->count = (uint32_t)bacnet_get_unsigned(in, 4, UINT32_MAX);
    answer->items = bacnet_get_inside(in, 5);
    uint64_t sequence = 0;
    answer->has_sequence = bacnet_try_unsigned(in, 6, UINT32_MAX, &sequence);
    answer->sequence = (uint32_t)sequence;
    if (bacnet_whole(in) != 0 || flags != FLAGS ||
        !bacnet_object_equal(answer->object, ask->object) || answer->property != ask->property ||
        answer->index != ask->index) {
        return BUSBAR_EPROTO;
    }
    return 0;
}

void bacnet_put_range_items(struct bytes_out *out, const struct bacnet_range_items *answer)
{
    uint32_t bits = (answer->first ? FLAG_FIRST : 0u) | (answer->last ? FLAG_LAST : 0u) |
                    (answer->more ? FLAG_MORE : 0u);
    put_what(out, answer->object, answer->property, answer->index);
    bacnet_put_bits(out, 3, bits, FLAGS);
    bacnet_put_unsigned(out, 4, answer->count);
    bacnet_put_open(out, 5);
    bytes_put_block(out, answer->items.at, bytes_left(&answer->items));
    bacnet_put_close(out, 5);
    if (answer->has_sequence) {
        bacnet_put_unsigned(out, 6, answer->sequence);
    }
}
