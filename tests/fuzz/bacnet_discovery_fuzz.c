/* SPDX-License-Identifier: Apache-2.0 */
/* Who-Is, I-Am, Who-Has, I-Have, time synchronization. First byte: which. */
#include "bacnet_again.h"

#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int again_who_is(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_who_is who;
    int error = bacnet_get_who_is(in, &who);
    if (error == 0 && who.low <= who.high) {
        bacnet_put_who_is(out, &who);
        assert(bytes_out_size(out) <= BACNET_WHO_IS_MAX);
    }
    return error;
}

static int again_i_am(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_i_am i_am;
    int error = bacnet_get_i_am(in, &i_am);
    if (error == 0) {
        bacnet_put_i_am(out, &i_am);
        assert(bytes_out_size(out) <= BACNET_I_AM_MAX);
    }
    return error;
}

static int again_who_has(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_who_has who;
    int error = bacnet_get_who_has(in, &who);
    if (error == 0) {
        bacnet_put_who_has(out, &who);
    }
    return error;
}

static int again_i_have(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_i_have i_have;
    int error = bacnet_get_i_have(in, &i_have);
    if (error == 0) {
        bacnet_put_i_have(out, &i_have);
    }
    return error;
}

static int again_time_sync(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_datetime at;
    int error = bacnet_get_time_sync(in, &at);
    if (error == 0) {
        int64_t time_us;
        bacnet_put_time_sync(out, &at);
        assert(bytes_out_size(out) == BACNET_TIME_SYNC_MAX);
        error = bacnet_datetime_us(&at, 0, &time_us);
        assert(error == 0);
    }
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const again_fn agains[] = { again_who_is, again_i_am, again_who_has, again_i_have,
                                       again_time_sync };
    return again_choose(agains, sizeof(agains) / sizeof(agains[0]), data, size);
}
