/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_time.h"

#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/wire/apdu.h"

enum {
    FIRST_MS = 2000, /* after the network opened: the first devices are there */
};

/* 2024-01-01: a clock before that was never set, and would put all the others wrong. */
#define PLAUSIBLE_US (INT64_C(1704067200) * CLOCK_US_PER_S)

struct bacnet_clock {
    struct bacnet_network *network;
    struct timer timer;
};

int bacnet_clock_offset_minutes(int64_t time_us)
{
    time_t seconds = (time_t)(time_us / CLOCK_US_PER_S);
    struct tm local;
    return localtime_r(&seconds, &local) != NULL ? (int)(local.tm_gmtoff / 60) : 0;
}

static void tell_time(struct bacnet_network *network, int64_t now_us)
{
    uint8_t data[BACNET_TIME_SYNC_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_datetime at;
    struct bacnet_address all = { .network = BACNET_NETWORK_ALL };
    bool utc = network->config.time_sync == BACNET_TIME_SYNC_UTC;
    if (now_us < PLAUSIBLE_US ||
        bacnet_datetime_of(now_us, utc ? 0 : bacnet_clock_offset_minutes(now_us), &at) != 0) {
        return;
    }
    bacnet_put_time_sync(&out, &at);
    (void)bacnet_tell(network->node, NULL, &all, utc ? BACNET_UTC_TIME_SYNC : BACNET_TIME_SYNC,
                      data, bytes_out_size(&out));
}

static void due(struct timer *timer, void *ctx)
{
    struct bacnet_clock *clock = ctx;
    int64_t every_us = clock->network->config.time_sync_every_us;
    int64_t now_us = clock_wall_us();
    tell_time(clock->network, now_us);
    timer_start_us(timer, every_us - now_us % every_us, 0);
}

struct bacnet_clock *bacnet_clock_new(struct bacnet_network *network)
{
    if (network->config.time_sync == BACNET_TIME_SYNC_OFF ||
        network->config.time_sync_every_us <= 0) {
        return NULL;
    }
    struct bacnet_clock *clock = busbar_alloc(sizeof(*clock));
    clock->network = network;
    timer_init(&clock->timer, network->state->loop, due, clock);
    timer_start(&clock->timer, FIRST_MS, 0);
    return clock;
}

void bacnet_clock_free(struct bacnet_clock *clock)
{
    if (clock != NULL) {
        timer_stop(&clock->timer);
        busbar_free(clock);
    }
}
