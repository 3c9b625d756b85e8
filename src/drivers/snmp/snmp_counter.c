/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: what a number that only grows, and begins again, says about the time between two polls.
 *
 *   new >= old                    new - old
 *   new < old, 32 bits            2^32 - old + new: it wrapped
 *   new < old, 64 bits            it began again: 64 bits do not wrap in the life of a device
 *   restarted                     the change is not known: no rate, and a total goes on from the new number
 *
 * Two things look like a wrap and are none: a restart that nobody saw, and a counter that went back a little.
 * Both would be a change of nearly 2^32 where before there was much less. And who did not poll for longer than a
 * wrap takes cannot know how many there were: a total adds what is certain, a rate waits for the next poll. */
#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_value.h"
#include "model/quality.h"

#define WRAP_32 0x1p32

enum {
    TICK_US = 10000,     /* sysUpTime counts hundredths of a second */
    UPTIME_SLACK = 1000, /* ticks: agents that renew it every few seconds */
    UPTIME_JITTER = 100, /* ticks: answers that overtook each other */
    UPTIME_DRIFT = 10,   /* a tenth of the time may be wrong */
    GROWTH_MAX = 16,     /* a wrap that would be so many times the growth before is none */
};

bool snmp_uptime_restarted(uint32_t before, uint32_t now, int64_t elapsed_us)
{
    int64_t elapsed = elapsed_us / TICK_US;
    int64_t slack = UPTIME_SLACK + elapsed / UPTIME_DRIFT;
    int64_t advance = (uint32_t)(now - before);
    if (advance >= elapsed - slack && advance <= elapsed + slack) {
        return false; /* also where it wrapped */
    }
    bool fell = now < before && before - now > UPTIME_JITTER;
    return fell || now + slack < elapsed; /* it began after the value before */
}

void snmp_counter_resume(struct snmp_counter *counter, uint64_t total, int64_t age_us,
                         int64_t now_us)
{
    assert(counter->at_us == 0);
    int64_t at_us = now_us - age_us; /* below 0: before the machine was switched on */
    *counter = (struct snmp_counter){
        .raw = total, .total = total, .at_us = at_us != 0 ? at_us : 1, .per_s = -1
    };
}

static bool set_int(struct sample *out, uint64_t value)
{
    bool fits = value <= INT64_MAX;
    out->type = fits ? VALUE_INT : VALUE_NONE;
    out->value.i = fits ? (int64_t)value : 0;
    out->quality = fits ? QUALITY_GOOD : QUALITY_OUT_OF_RANGE;
    out->detail = fits ? 0 : SNMP_DETAIL_TOO_LARGE;
    return true;
}

/* To what the clock bears: a decimal number of at most nine digits where it has a fraction. */
static double rounded(double per_s)
{
    static const struct {
        double below, times;
    } steps[] = {
        { 1e-3, 1e9 }, { 1, 1e6 }, { 1e6, 1e3 }, { 1e7, 1e2 }, { 1e8, 1e1 },
    };
    double times = 1;
    for (size_t i = sizeof(steps) / sizeof(steps[0]); i-- > 0 && per_s < steps[i].below;) {
        times = steps[i].times;
    }
    return round(per_s * times) / times;
}

static bool set_rate(struct sample *out, double per_s)
{
    out->type = VALUE_DOUBLE;
    out->value.d = rounded(per_s);
    out->quality = QUALITY_GOOD;
    out->detail = 0;
    return true;
}

enum growth {
    GREW,
    GREW_AT_LEAST, /* wraps may be missing */
    BEGAN_AGAIN,
};

/* What became of it, and how much it grew. */
static enum growth growth_of(const struct snmp_counter *counter, unsigned bits, uint64_t raw,
                             double elapsed_s, uint64_t *grown)
{
    if (bits != 32) {
        *grown = raw - counter->raw;
        return raw < counter->raw ? BEGAN_AGAIN : GREW;
    }
    uint32_t old = (uint32_t)counter->raw;
    uint32_t by = (uint32_t)raw - old;
    *grown = by;
    if (counter->per_s < 0) {
        return GREW;
    }
    double usual = (double)counter->per_s * elapsed_s;
    if (raw < old && by > INT32_MAX && by > GROWTH_MAX * (usual + 1)) {
        return BEGAN_AGAIN;
    }
    return usual < WRAP_32 ? GREW : GREW_AT_LEAST;
}

bool snmp_counter_next(struct snmp_counter *counter, enum snmp_as as, unsigned bits, uint64_t raw,
                       bool restarted, int64_t now_us, struct sample *out)
{
    bool first = counter->at_us == 0;
    double elapsed_s = (double)(now_us - counter->at_us) / CLOCK_US_PER_S;
    uint64_t grown = 0;
    enum growth growth = first || restarted ? BEGAN_AGAIN
                                            : growth_of(counter, bits, raw, elapsed_s, &grown);
    double per_s = growth == GREW && elapsed_s > 0 ? (double)grown / elapsed_s : -1;
    counter->total = growth == BEGAN_AGAIN ? raw : counter->total + grown;
    counter->raw = raw;
    counter->at_us = now_us;
    counter->per_s = (float)per_s;
    switch (as) {
    case SNMP_RATE: return per_s >= 0 && set_rate(out, per_s);
    case SNMP_CHANGE: return growth == GREW && set_int(out, grown);
    case SNMP_TOTAL: return set_int(out, counter->total);
    default: return set_int(out, raw);
    }
}
