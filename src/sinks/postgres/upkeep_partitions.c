/* SPDX-License-Identifier: Apache-2.0 */
/* The task that makes the partitions of the next days, so that no batch has to wait for one. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/postgres/partitions.h"
#include "sinks/postgres/upkeep.h"

#define EVERY_US (INT64_C(3600) * CLOCK_US_PER_S)
enum { AHEAD = 3 }; /* days, weeks or months */

struct ahead {
    struct sink_target *target;
    struct pg_upkeep *upkeep;
    struct pg_link *link;       /* of the step */
    struct pg_partitions *made; /* a list of its own: the live connection may be making some, too */
    int64_t next_us;            /* wall clock */
};

static int64_t due_us(void *ctx)
{
    const struct ahead *ahead = ctx;
    int64_t last = clock_wall_us() + EVERY_US; /* the clock was set back */
    return ahead->next_us < last ? ahead->next_us : last;
}

static enum pg_unit unit_of(const struct ahead *ahead)
{
    return (enum pg_unit)settings_int(ahead->target->settings, POSTGRES_PARTITION);
}

static void finish(struct ahead *ahead, const struct pg_answer *answer)
{
    if (answer->error == 0) {
        ahead->next_us = clock_wall_us() + EVERY_US;
        pg_upkeep_done(ahead->upkeep, NULL);
    } else {
        pg_upkeep_done(ahead->upkeep, &answer->err);
    }
}

static void made(void *ctx, const struct pg_answer *answer)
{
    struct ahead *ahead = ctx;
    if (answer->error == 0) {
        pg_partitions_copy(ahead->target->partitions, ahead->made);
    }
    finish(ahead, answer);
}

static void loaded(void *ctx, const struct pg_answer *answer)
{
    struct ahead *ahead = ctx;
    int64_t times[AHEAD + 1], at = clock_wall_us();
    if (answer->error != 0) {
        finish(ahead, answer);
        return;
    }
    for (size_t i = 0; i <= AHEAD; i++) {
        times[i] = at;
        at = pg_partition_high(unit_of(ahead), pg_partition_low(unit_of(ahead), at));
    }
    pg_partitions_make(ahead->made, ahead->link, times, AHEAD + 1, made, ahead);
}

static void step(void *ctx, struct pg_link *link)
{
    struct ahead *ahead = ctx;
    ahead->link = link;
    pg_partitions_free(ahead->made);
    ahead->made = pg_partitions_new(unit_of(ahead), false);
    pg_partitions_load(ahead->made, link, loaded, ahead);
}

static void cancel(void *ctx)
{
    (void)ctx; /* what is loaded or made is not answered any more */
}

static void free_ahead(void *ctx)
{
    struct ahead *ahead = ctx;
    pg_partitions_free(ahead->made);
    busbar_free(ahead);
}

static void detail(void *ctx, char *text, size_t size)
{
    const struct ahead *ahead = ctx;
    if (ahead->made != NULL) {
        str_format(text, size, "%zu", pg_partitions_count(ahead->made));
    }
}

struct pg_task pg_partitions_task(struct sink_target *target, struct pg_upkeep *upkeep)
{
    if (target->facts.timescale) {
        return (struct pg_task){ .name = NULL };
    }
    struct ahead *ahead = busbar_alloc(sizeof(*ahead));
    ahead->target = target;
    ahead->upkeep = upkeep;
    return (struct pg_task){ .name = "partitions",
                             .due_us = due_us,
                             .step = step,
                             .cancel = cancel,
                             .free = free_ahead,
                             .detail = detail,
                             .ctx = ahead };
}
