/* SPDX-License-Identifier: Apache-2.0 */
/* ReadRange both ways, with the records of Trend Log and Trend Log Multiple. First byte: which. */
#include "bacnet_again.h"

#include "drivers/bacnet/service/log_record.h"
#include "drivers/bacnet/service/read_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int again_ask(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_range ask;
    int error = bacnet_get_read_range(in, &ask);
    if (error == 0) {
        bacnet_put_read_range(out, &ask);
        assert(bytes_out_size(out) <= BACNET_READ_RANGE_MAX);
    }
    return error;
}

static int again_items(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_range ask = { .object = { BACNET_TREND_LOG, 1 },
                                     .property = BACNET_PROP_LOG_BUFFER,
                                     .index = BACNET_INDEX_ALL };
    struct bacnet_range_items answer;
    int error = bacnet_get_range_items(in, &ask, &answer);
    if (error == 0) {
        bacnet_put_range_items(out, &answer);
    }
    return error;
}

static int again_records(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_log_record record;
        if (bacnet_get_log_record(in, &record) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_log_record(out, &record);
    }
    return 0;
}

static int again_multiple(struct bytes *in, struct bytes_out *out)
{
    static uint8_t memory[AGAIN_OUT_MAX];
    while (bytes_left(in) > 0) {
        struct bacnet_log_multiple record;
        struct bytes_out data = bytes_out_of(memory, sizeof(memory));
        if (bacnet_get_log_multiple(in, &record) != 0) {
            return BUSBAR_EPROTO;
        }
        while (bytes_left(&record.data) > 0) {
            struct bacnet_datum datum;
            if (bacnet_get_log_datum(&record.data, &datum) != 0) {
                return BUSBAR_EPROTO;
            }
            bacnet_put_log_datum(&data, &datum);
        }
        record.data = bytes_of(memory, bytes_out_size(&data));
        bacnet_put_log_multiple(out, &record);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const again_fn agains[] = { again_ask, again_items, again_records, again_multiple };
    return again_choose(agains, sizeof(agains) / sizeof(agains[0]), data, size);
}
