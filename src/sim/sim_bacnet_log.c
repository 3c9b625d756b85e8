/* SPDX-License-Identifier: Apache-2.0 */
/* Trend logs (ASHRAE 135, clauses 12.25 and 12.30) that take no memory: a record is a function of its time, as the living
 * value is. Record n was made at epoch + n x interval, on a grid that all logs share, so that numbers go on after a restart. */
#include "sim/sim_bacnet_object.h"

#define SECOND_US INT64_C(1000000)
#define EPOCH_US  (INT64_C(1767225600) * SECOND_US) /* 2026-01-01 */
#define STEP_US   (SIM_BACNET_LOG_EVERY_S * SECOND_US)

void sim_bacnet_log_range(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                          int64_t wall_us, uint32_t *oldest, uint32_t *newest)
{
    int64_t count = (wall_us - EPOCH_US) / STEP_US;
    (void)bd;
    (void)obj;
    *newest = count > 0 ? (uint32_t)count : 0;
    *oldest = *newest > SIM_BACNET_LOG_RECORDS ? *newest - SIM_BACNET_LOG_RECORDS + 1 : 1;
    *oldest = *newest == 0 ? 0 : *oldest;
}

int64_t sim_bacnet_log_time(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                            uint32_t record)
{
    (void)bd;
    (void)obj;
    return EPOCH_US + record * STEP_US;
}

uint32_t sim_bacnet_log_after(const struct sim_bacnet_device *bd,
                              const struct sim_bacnet_object *obj, int64_t time_us)
{
    (void)bd;
    (void)obj;
    int64_t since_us = time_us - EPOCH_US;
    if (since_us <= 0) {
        return 1;
    }
    int64_t record = (since_us + STEP_US - 1) / STEP_US;
    return record < UINT32_MAX ? (uint32_t)record : UINT32_MAX;
}

/* Of a log that the configuration names: the points that say so. */
static struct sim_bacnet_object *named(const struct sim_bacnet_device *bd, uint32_t log, unsigned n)
{
    unsigned many = bacnet_object_of(log).type == BACNET_TREND_LOG_MULTIPLE;
    for (uint32_t i = 0; i < bd->dev->point_count; i++) {
        const struct bacnet_target *target = &bd->targets[i];
        if (target->log == log && (many ? target->log_member == n + 1 : n == 0)) {
            return sim_bacnet_object(bd, bacnet_object_of(target->object));
        }
    }
    return NULL;
}

struct sim_bacnet_object *sim_bacnet_logged(const struct sim_bacnet_device *bd,
                                            const struct sim_bacnet_object *obj, unsigned n)
{
    struct sim_bacnet_object *found = named(bd, bacnet_object_number(obj->id), n);
    if (found != NULL) {
        return found;
    }
    if (obj->point != SIM_BACNET_NO_POINT) {
        return n == 0 ? sim_bacnet_object(bd, bacnet_object_of(bd->targets[obj->point].object))
                      : NULL;
    }
    if ((obj->sets & SIM_BACNET_LOGS_MANY) == 0 || n >= 2) {
        return NULL;
    }
    /* one that nobody named holds what the first two logs hold */
    struct bacnet_object id = { .type = BACNET_TREND_LOG, .instance = n + 1 };
    const struct sim_bacnet_object *single = sim_bacnet_object(bd, id);
    return single != NULL ? sim_bacnet_logged(bd, single, 0) : NULL;
}
