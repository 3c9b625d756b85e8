/* SPDX-License-Identifier: Apache-2.0 */
/* Intrinsic reporting (ASHRAE 135, clause 13): out of range of living measurements, change of state of alarm
 * inputs. Limits are so that a living value goes over them now and then. */
#include "sim/sim_bacnet_object.h"

#include <math.h>

#include "base/alloc.h"

/* A share of the swing on both sides of its center; it goes over this for a short time in a turn. */
#define LIMIT_SHARE    0.92f
#define DEADBAND_SHARE 0.05f

static const struct sim_bacnet_alarm none = {
    .limit_enable = 3,
    .event_enable = 7,
    .acked = 7,
    .state = BACNET_STATE_NORMAL,
};

const struct sim_bacnet_alarm *sim_bacnet_alarm(const struct sim_bacnet_device *bd,
                                                const struct sim_bacnet_object *obj,
                                                struct sim_bacnet_alarm *scratch)
{
    const struct point *pt = sim_bacnet_point(bd, obj);
    if (obj->alarm != NULL) {
        return obj->alarm;
    }
    *scratch = none;
    if ((obj->sets & SIM_BACNET_LIMITED) != 0 && pt != NULL) {
        float scale = (float)pt->cls->scale, offset = (float)pt->cls->offset;
        float center = (obj->value.center - offset) / scale;
        float span = obj->value.span / (scale < 0.0f ? -scale : scale);
        scratch->high = roundf((center + LIMIT_SHARE * span) * 100.0f) / 100.0f;
        scratch->low = roundf((center - LIMIT_SHARE * span) * 100.0f) / 100.0f;
        scratch->deadband = roundf(DEADBAND_SHARE * span * 100.0f) / 100.0f;
    }
    return scratch;
}

struct sim_bacnet_alarm *sim_bacnet_alarm_make(const struct sim_bacnet_device *bd,
                                               struct sim_bacnet_object *obj)
{
    if (obj->alarm == NULL) {
        struct sim_bacnet_alarm made, *kept = busbar_alloc(sizeof(*kept));
        *kept = *sim_bacnet_alarm(bd, obj, &made);
        obj->alarm = kept;
    }
    return obj->alarm;
}

unsigned sim_bacnet_transition(uint8_t state)
{
    switch (state) {
    case BACNET_STATE_NORMAL: return BACNET_TO_NORMAL;
    case BACNET_STATE_FAULT: return BACNET_TO_FAULT;
    default: return BACNET_TO_OFFNORMAL;
    }
}

/* Clause 13.3.6. */
static uint8_t range_state(const struct sim_bacnet_alarm *alarm, double value)
{
    bool low_on = (alarm->limit_enable & 1) != 0, high_on = (alarm->limit_enable & 2) != 0;
    double high = (double)alarm->high, low = (double)alarm->low, dead = (double)alarm->deadband;
    if (high_on && value > high) {
        return BACNET_STATE_HIGH_LIMIT;
    }
    if (low_on && value < low) {
        return BACNET_STATE_LOW_LIMIT;
    }
    bool stays_high = alarm->state == BACNET_STATE_HIGH_LIMIT && high_on && value >= high - dead;
    bool stays_low = alarm->state == BACNET_STATE_LOW_LIMIT && low_on && value <= low + dead;
    return stays_high || stays_low ? alarm->state : BACNET_STATE_NORMAL;
}

void sim_bacnet_alarm_look(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                           int64_t wall_us)
{
    struct sim_bacnet_alarm scratch;
    struct sim_bacnet_reading reading;
    uint8_t to;
    if ((obj->sets & (SIM_BACNET_LIMITED | SIM_BACNET_WATCHED)) == 0 || !obj->enabled) {
        return;
    }
    const struct sim_bacnet_alarm *alarm = sim_bacnet_alarm(bd, obj, &scratch);
    sim_bacnet_present(bd, obj, wall_us, &reading);
    if (obj->reliability != 0) {
        to = BACNET_STATE_FAULT;
    } else if ((obj->sets & SIM_BACNET_LIMITED) != 0) {
        to = range_state(alarm, reading.value.d);
    } else {
        to = reading.value.i != 0 ? BACNET_STATE_OFFNORMAL : BACNET_STATE_NORMAL;
    }
    if (to == alarm->state) {
        return;
    }
    struct sim_bacnet_alarm *kept = sim_bacnet_alarm_make(bd, obj);
    uint8_t from = kept->state;
    unsigned transition = sim_bacnet_transition(to);
    bool told = (kept->event_enable >> transition & 1) != 0;
    kept->state = to;
    kept->stamps_us[transition] = wall_us;
    kept->states[transition] = to;
    /* a return to normal needs no acknowledgement here (ack-required of the class) */
    if (told && transition != BACNET_TO_NORMAL) {
        kept->acked = (uint8_t)(kept->acked & ~(1u << transition));
    }
    if (told && bd->event != NULL) {
        bd->event(bd, obj, from, to, wall_us);
    }
}
