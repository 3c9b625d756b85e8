/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_trend.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_time.h"
#include "drivers/bacnet/wire/numbers.h"

enum {
    LOST_AGAIN_MS = 60000, /* after a turn that was cut short */
    WORDS_MAX = 320,
};

/* ---- the end of a turn ---- */

static void rest(struct bacnet_trends *trends, int64_t delay_us)
{
    trends->state = BACNET_TREND_IDLE;
    trends->at = 0;
    timer_start_us(&trends->timer, delay_us, 0);
}

/* The device does not answer: the link says so; when it is up again all begins anew. */
void bacnet_trend_give_up(struct bacnet_trends *trends)
{
    rest(trends, LOST_AGAIN_MS * CLOCK_US_PER_MS);
}

/* ---- the device's clock ---- */

static void set_offset(struct bacnet_trends *trends)
{
    int64_t now_us = clock_wall_us();
    int ours = bacnet_clock_offset_minutes(now_us);
    int its = trends->offset_minutes + (trends->summer ? 60 : 0);
    trends->zone_is_ours = !trends->has_offset || its == ours;
    trends->offset_minutes = trends->has_offset ? its : ours;
}

static void check_clock(struct bacnet_trends *trends)
{
    int64_t its_us;
    char words[WORDS_MAX];
    if (!trends->has_date || !trends->has_time ||
        bacnet_datetime_us(&trends->clock, trends->offset_minutes, &its_us) != 0) {
        return;
    }
    int64_t off_us = its_us - trends->clock_asked_us;
    bool wrong = llabs(off_us) > BACNET_TREND_CLOCK_OFF_S * CLOCK_US_PER_S;
    if (wrong && !trends->told_clock) {
        char by[32];
        int64_t minute_us = 60 * CLOCK_US_PER_S;
        int64_t minutes = (llabs(off_us) + minute_us / 2) / minute_us;
        str_format_duration(by, sizeof(by), minutes * minute_us);
        str_format(
            words, sizeof(words),
            "the device's clock is %s %s: the records of its trend logs carry that time; set "
            "it, or 'time_sync' of the network",
            by, off_us > 0 ? "ahead" : "behind");
        bacnet_trend_say(trends, "clock", words);
    }
    trends->told_clock = wrong;
}

/* ---- how many records there are ---- */

static uint64_t number_of(const struct bacnet_element *element)
{
    bool number = element->value.type == BACNET_UNSIGNED;
    return number && element->value.as.number <= UINT32_MAX ? element->value.as.number : 0;
}

static void take_clock(struct bacnet_trends *trends, uint32_t property,
                       const struct bacnet_value *value)
{
    if (property == BACNET_PROP_LOCAL_DATE && value->type == BACNET_DATE) {
        trends->has_date = true;
        trends->clock.date = value->as.date;
    } else if (property == BACNET_PROP_LOCAL_TIME && value->type == BACNET_TIME) {
        trends->has_time = true;
        trends->clock.time = value->as.time;
    } else if (property == BACNET_PROP_UTC_OFFSET && value->type == BACNET_SIGNED &&
               value->as.integer >= -1440 && value->as.integer <= 1440) {
        trends->has_offset = true;
        trends->offset_minutes = (int)-value->as.integer; /* it counts to the west */
    } else if (property == BACNET_PROP_DAYLIGHT_SAVINGS_STATUS && value->type == BACNET_BOOLEAN) {
        trends->summer = value->as.boolean;
    }
}

static void got(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_trends *trends = fetch->user;
    struct bytes value = fetched->value;
    struct bacnet_element element;
    if (fetched->refused != 0 || bacnet_get_element(&value, &element) != 0 || !element.primitive) {
        return;
    }
    if (trends->state == BACNET_TREND_CLOCK) {
        take_clock(trends, fetched->property, &element.value);
        return;
    }
    struct bacnet_trend_log *log = bacnet_trend_log_of(trends);
    bool number = element.value.type == BACNET_UNSIGNED;
    switch (fetched->property) {
    case BACNET_PROP_ENABLE:
        log->enabled = element.value.type == BACNET_BOOLEAN && element.value.as.boolean;
        break;
    case BACNET_PROP_RECORD_COUNT:
        log->has_count = number;
        log->count = (uint32_t)number_of(&element);
        break;
    default:
        log->has_total = number;
        log->total = (uint32_t)number_of(&element);
        break;
    }
}

static void say_lost(struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                     uint32_t lost)
{
    char words[WORDS_MAX];
    str_format(words, sizeof(words),
               "%u records were overwritten before they were read; it holds %u: set "
               "'trend_every' shorter than it takes to fill it",
               lost, log->count);
    bacnet_trend_say_of(trends, log, words);
}

/* Where to go on. False: there is nothing new. */
static bool plan_sequence(struct bacnet_trends *trends, struct bacnet_trend_log *log)
{
    uint32_t oldest = log->total - log->count + 1;
    log->by = BACNET_TREND_BY_SEQUENCE;
    if (log->count == 0) {
        return false;
    }
    if (!log->knows_next || log->next > log->total + 1) {
        log->next = oldest; /* for the first time, or the log was begun anew */
    } else if (log->next < oldest) {
        say_lost(trends, log, oldest - log->next);
        log->next = oldest;
    }
    log->knows_next = true;
    return log->next <= log->total;
}

static bool plan_log(struct bacnet_trends *trends, struct bacnet_trend_log *log)
{
    if (!log->enabled && !log->told_off) {
        bacnet_trend_say_of(trends, log, "it is switched off (enable): nothing is recorded");
    }
    log->told_off = !log->enabled;
    if (log->has_count && log->count == 0) {
        return false;
    }
    if (log->has_total && log->has_count && log->by == BACNET_TREND_BY_SEQUENCE &&
        log->total >= log->count) {
        return plan_sequence(trends, log);
    }
    if (log->by == BACNET_TREND_BY_SEQUENCE) {
        log->by = BACNET_TREND_BY_TIME;
    }
    if (log->by == BACNET_TREND_BY_POSITION) {
        log->next = 1;
    }
    return true;
}

static void head_done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    struct bacnet_trends *trends = fetch->user;
    if (answer != NULL) {
        bacnet_trend_give_up(trends);
        return;
    }
    if (trends->state == BACNET_TREND_CLOCK) {
        set_offset(trends);
        check_clock(trends);
        bacnet_trend_next(trends);
        return;
    }
    struct bacnet_trend_log *log = bacnet_trend_log_of(trends);
    trends->read = 0;
    if (plan_log(trends, log)) {
        trends->state = BACNET_TREND_RANGE;
        bacnet_trend_ask_range(trends);
        return;
    }
    trends->at++;
    bacnet_trend_next(trends);
}

static const struct bacnet_fetch_ops head_ops = { .got = got, .done = head_done };

static void fetch(struct bacnet_trends *trends, struct bacnet_object object,
                  const uint32_t *properties, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        trends->items[i] = (struct bacnet_fetch_item){
            .object = object,
            .property = properties[i],
            .index = BACNET_INDEX_ALL,
        };
    }
    trends->fetch.ops = &head_ops;
    bacnet_fetch_start(&trends->fetch, trends->items, count);
}

void bacnet_trend_next(struct bacnet_trends *trends)
{
    static const uint32_t wanted[] = { BACNET_PROP_ENABLE, BACNET_PROP_RECORD_COUNT,
                                       BACNET_PROP_TOTAL_RECORD_COUNT };
    if (trends->at == trends->log_count) {
        rest(trends, trends->device->config.trend_every_us);
        return;
    }
    struct bacnet_trend_log *log = bacnet_trend_log_of(trends);
    log->enabled = true;
    log->has_count = log->has_total = false;
    log->count = log->total = 0;
    trends->state = BACNET_TREND_HEAD;
    fetch(trends, log->object, wanted, sizeof(wanted) / sizeof(wanted[0]));
}

/* ---- life ---- */

static bool is_linked(const struct bacnet_trends *trends, uint32_t point)
{
    for (size_t i = 0; i < trends->log_count; i++) {
        for (size_t j = 0; j < trends->logs[i].link_count; j++) {
            if (trends->logs[i].links[j].point == point) {
                return true;
            }
        }
    }
    return false;
}

/* Points that nothing in the device logs, though they say `auto`. */
static void say_unlogged(struct bacnet_trends *trends)
{
    const struct bacnet_device *device = trends->device;
    const struct bacnet_target *targets = bacnet_targets(device);
    unsigned count = 0;
    const char *first = "";
    char words[WORDS_MAX];
    for (uint32_t i = 0; i < device->dev->point_count; i++) {
        if ((targets[i].flags & BACNET_TARGET_LOG_AUTO) != 0 && !is_linked(trends, i)) {
            first = count++ == 0 ? device->dev->points[i].name : first;
        }
    }
    if (count > 0) {
        str_format(words, sizeof(words),
                   "no trend log of the device logs %s%s: make one there, or leave out 'trend_log: "
                   "auto'",
                   first, count > 1 ? " and others" : "");
        bacnet_trend_say(trends, "trend log", words);
    }
}

void bacnet_trend_found(struct bacnet_trends *trends, const struct bacnet_answer *silent)
{
    static const uint32_t wanted[] = { BACNET_PROP_LOCAL_DATE, BACNET_PROP_LOCAL_TIME,
                                       BACNET_PROP_UTC_OFFSET,
                                       BACNET_PROP_DAYLIGHT_SAVINGS_STATUS };
    struct bacnet_object self = { .type = BACNET_DEVICE,
                                  .instance = trends->device->config.device };
    if (silent != NULL) {
        bacnet_trend_give_up(trends);
        return;
    }
    if (!trends->found) {
        trends->found = true;
        say_unlogged(trends);
        for (size_t i = 0; i < trends->log_count; i++) {
            bacnet_trend_recall(trends, &trends->logs[i]);
        }
    }
    trends->at = 0;
    trends->state = BACNET_TREND_CLOCK;
    trends->has_date = trends->has_time = trends->has_offset = trends->summer = false;
    trends->clock_asked_us = clock_wall_us();
    fetch(trends, self, wanted, sizeof(wanted) / sizeof(wanted[0]));
}

static void begin(struct bacnet_trends *trends)
{
    bool automatic = false;
    const struct bacnet_device *device = trends->device;
    const struct bacnet_target *targets = bacnet_targets(device);
    if (trends->state != BACNET_TREND_IDLE) {
        return;
    }
    if (trends->pending != NULL) {
        rest(trends, CLOCK_US_PER_S); /* those of the turn before are not on disk yet */
        return;
    }
    timer_stop(&trends->timer);
    for (size_t i = 0; !trends->found && i < device->dev->point_count; i++) {
        automatic = automatic || (targets[i].flags & BACNET_TARGET_LOG_AUTO) != 0;
    }
    if (automatic) {
        trends->state = BACNET_TREND_FINDING;
        bacnet_trend_find(trends);
    } else {
        bacnet_trend_found(trends, NULL);
    }
}

static void due(struct timer *timer, void *ctx)
{
    struct bacnet_trends *trends = ctx;
    (void)timer;
    if (trends->device->link == BACNET_LINK_UP) {
        begin(trends);
    }
}

static bool is_wanted(const struct bacnet_target *target)
{
    return target->log != BACNET_LOG_NONE || (target->flags & BACNET_TARGET_LOG_AUTO) != 0;
}

static struct bacnet_trends *trends_new(struct bacnet_device *device)
{
    const struct bacnet_target *targets = bacnet_targets(device);
    struct bacnet_trends *trends = NULL;
    for (uint32_t i = 0; i < device->dev->point_count; i++) {
        if (!is_wanted(&targets[i])) {
            continue;
        }
        if (trends == NULL) {
            trends = busbar_alloc(sizeof(*trends));
            trends->device = device;
            bacnet_trend_range_init(trends);
            timer_init(&trends->timer, device->loop, due, trends);
        }
        if (targets[i].log != BACNET_LOG_NONE) {
            bacnet_trend_link_point(trends, targets[i].log, targets[i].log_member, i);
        }
    }
    return trends;
}

void bacnet_trend_start(struct bacnet_device *device)
{
    if (device->trends == NULL) {
        device->trends = trends_new(device);
    }
    struct bacnet_trends *trends = device->trends;
    if (trends == NULL || trends->state != BACNET_TREND_IDLE) {
        return;
    }
    bacnet_fetch_init(&trends->fetch, &head_ops, trends, device->peer);
    trends->fetch.timeout_us = device->config.timeout_us;
    trends->fetch.retries = device->config.retries;
    trends->fetch.no_multiple = device->learnt.no_multiple;
    begin(trends);
}

void bacnet_trend_down(struct bacnet_device *device)
{
    struct bacnet_trends *trends = device->trends;
    if (trends == NULL) {
        return;
    }
    bacnet_fetch_stop(&trends->fetch);
    bacnet_ask_cancel(&trends->ask);
    timer_stop(&trends->timer);
    trends->state = BACNET_TREND_IDLE;
}

void bacnet_trend_stop(struct bacnet_device *device)
{
    struct bacnet_trends *trends = device->trends;
    if (trends == NULL) {
        return;
    }
    bacnet_trend_down(device);
    if (trends->pending != NULL) {
        trends->pending->trends = NULL;
    }
    for (size_t i = 0; i < trends->log_count; i++) {
        busbar_free(trends->logs[i].links);
    }
    busbar_free(trends->logs);
    busbar_free(trends->objects);
    busbar_free(trends);
    device->trends = NULL;
}
