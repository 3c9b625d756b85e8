/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_trend.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_time.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/names.h"

enum {
    LOST_AGAIN_MS = 60000, /* after a turn that was cut short */
    NAME_MAX = 48,
    WORDS_MAX = 320,
};

/* 1990-01-01: no record is older. */
#define OLDEST_US (INT64_C(631152000) * CLOCK_US_PER_S)

/* Samples on their way to the disk; outlives the trends when the device is stopped meanwhile. */
struct bacnet_trend_pending {
    struct bacnet_trends *trends; /* NULL: stopped */
};

static void next_log(struct bacnet_trends *trends);
static void ask_range(struct bacnet_trends *trends);
static void store(struct bacnet_trends *trends, const struct bacnet_range_items *answer);

static struct bacnet_trend_log *log_of(struct bacnet_trends *trends)
{
    return &trends->logs[trends->at];
}

static void format_log(const struct bacnet_trend_log *log, char *to, size_t size)
{
    bacnet_format_object(to, size, log->object);
}

/* ---- what a person should know ---- */

static void say(struct bacnet_trends *trends, const char *kind, const char *text)
{
    struct event event = {
        .time_us = clock_wall_us(),
        .kind = kind,
        .text = text,
        .severity = EVENT_LOW,
    };
    event.receive_us = event.time_us;
    (void)driver_event(trends->device->drv, trends->device->dev, &event, NULL, NULL);
}

static void say_of_log(struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                       const char *text)
{
    char name[NAME_MAX];
    char words[WORDS_MAX];
    format_log(log, name, sizeof(name));
    str_format(words, sizeof(words), "%s: %s", name, text);
    say(trends, "trend log", words);
}

static void say_lost(struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                     uint32_t lost)
{
    char words[WORDS_MAX];
    str_format(words, sizeof(words),
               "%u records were overwritten before they were read; it holds %u: set "
               "'trend_every' shorter than it takes to fill it",
               lost, log->count);
    say_of_log(trends, log, words);
}

/* ---- what is remembered ---- */

/* driver_limit names: of the first few logs only, as there is no room for all. */
static bool is_remembered(const struct bacnet_trends *trends, const struct bacnet_trend_log *log)
{
    return log - trends->logs < BACNET_TREND_REMEMBERED;
}

static void limit_name(const struct bacnet_trend_log *log, const char *what, char *to, size_t size)
{
    char name[NAME_MAX];
    format_log(log, name, sizeof(name));
    str_format(to, size, "%s %s", name, what);
}

static void recall(const struct bacnet_trends *trends, struct bacnet_trend_log *log)
{
    char name[2 * NAME_MAX];
    int64_t value;
    if (!is_remembered(trends, log)) {
        return;
    }
    limit_name(log, "next", name, sizeof(name));
    if (driver_limit_get(trends->device->dev, name, &value) && value >= 0 && value <= UINT32_MAX) {
        log->knows_next = true;
        log->next = (uint32_t)value;
    }
    limit_name(log, "until", name, sizeof(name));
    if (driver_limit_get(trends->device->dev, name, &value)) {
        log->knows_time = true;
        log->time_us = value * CLOCK_US_PER_S;
    }
}

static void remember(const struct bacnet_trends *trends, const struct bacnet_trend_log *log)
{
    char name[2 * NAME_MAX];
    if (!is_remembered(trends, log)) {
        return;
    }
    if (log->by == BACNET_TREND_BY_SEQUENCE) {
        limit_name(log, "next", name, sizeof(name));
        driver_limit_set(trends->device->dev, name, log->next);
    } else if (log->knows_time) {
        limit_name(log, "until", name, sizeof(name));
        driver_limit_set(trends->device->dev, name, log->time_us / CLOCK_US_PER_S);
    }
}

/* ---- the end of a turn ---- */

static void rest(struct bacnet_trends *trends, int64_t delay_us)
{
    trends->state = BACNET_TREND_IDLE;
    trends->at = 0;
    timer_start_us(&trends->timer, delay_us, 0);
}

/* The device does not answer: the link says so; when it is up again all begins anew. */
static void give_up(struct bacnet_trends *trends)
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
        str_format_duration(by, sizeof(by), llabs(off_us) / CLOCK_US_PER_S * CLOCK_US_PER_S);
        str_format(
            words, sizeof(words),
            "the device's clock is %s %s: the records of its trend logs carry that time; set "
            "it, or 'time_sync' of the network",
            by, off_us > 0 ? "ahead" : "behind");
        say(trends, "clock", words);
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
    struct bacnet_trend_log *log = log_of(trends);
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
        say_of_log(trends, log, "it is switched off (enable): nothing is recorded");
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
        give_up(trends);
        return;
    }
    if (trends->state == BACNET_TREND_CLOCK) {
        set_offset(trends);
        check_clock(trends);
        next_log(trends);
        return;
    }
    struct bacnet_trend_log *log = log_of(trends);
    trends->read = 0;
    if (plan_log(trends, log)) {
        trends->state = BACNET_TREND_RANGE;
        ask_range(trends);
        return;
    }
    trends->at++;
    next_log(trends);
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

static void next_log(struct bacnet_trends *trends)
{
    static const uint32_t wanted[] = { BACNET_PROP_ENABLE, BACNET_PROP_RECORD_COUNT,
                                       BACNET_PROP_TOTAL_RECORD_COUNT };
    if (trends->at == trends->log_count) {
        rest(trends, trends->device->config.trend_every_us);
        return;
    }
    struct bacnet_trend_log *log = log_of(trends);
    log->enabled = true;
    log->has_count = log->has_total = false;
    log->count = log->total = 0;
    trends->state = BACNET_TREND_HEAD;
    fetch(trends, log->object, wanted, sizeof(wanted) / sizeof(wanted[0]));
}

/* ---- ranges ---- */

/* A way of asking that the log does not take: the next one. False: there is none left. */
static bool ask_otherwise(struct bacnet_trends *trends, struct bacnet_trend_log *log)
{
    if (trends->read > 0 || log->by == BACNET_TREND_BY_POSITION) {
        return false;
    }
    log->by++;
    log->next = 1;
    ask_range(trends);
    return true;
}

static void log_over(struct bacnet_trends *trends)
{
    trends->at++;
    next_log(trends);
}

static void refused(struct bacnet_trends *trends, const struct bacnet_answer *answer)
{
    struct bacnet_trend_log *log = log_of(trends);
    char words[WORDS_MAX];
    const char *why = bacnet_explain(bacnet_detail_answer(answer));
    if (answer->outcome == BACNET_ABORTED && trends->most > 1) {
        trends->most = trends->most / 2; /* too long an answer */
        ask_range(trends);
        return;
    }
    if (answer->outcome == BACNET_ERRORED && ask_otherwise(trends, log)) {
        return;
    }
    if (!log->told_refused) {
        str_format(words, sizeof(words), "it cannot be read: %s", why != NULL ? why : "refused");
        say_of_log(trends, log, words);
        log->told_refused = true;
    }
    log_over(trends);
}

static void answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_trends *trends = ask->user;
    struct bytes in = answer->data;
    struct bacnet_range_items items;
    switch (answer->outcome) {
    case BACNET_ACKED: break;
    case BACNET_ERRORED:
    case BACNET_REJECTED:
    case BACNET_ABORTED: refused(trends, answer); return;
    default: give_up(trends); return;
    }
    if (bacnet_get_range_items(&in, &trends->range, &items) != 0) {
        struct bacnet_trend_log *log = log_of(trends);
        if (!log->told_refused) {
            say_of_log(trends, log, "its answer cannot be read");
            log->told_refused = true;
        }
        log_over(trends);
        return;
    }
    store(trends, &items);
}

static void set_range(struct bacnet_trends *trends, const struct bacnet_trend_log *log)
{
    int64_t from_us = log->knows_time ? log->time_us : OLDEST_US;
    trends->range = (struct bacnet_read_range){
        .object = log->object,
        .property = BACNET_PROP_LOG_BUFFER,
        .index = BACNET_INDEX_ALL,
        .count = (int32_t)trends->most,
        .reference = log->next,
    };
    switch (log->by) {
    case BACNET_TREND_BY_SEQUENCE: trends->range.range = BACNET_RANGE_SEQUENCE; break;
    case BACNET_TREND_BY_POSITION: trends->range.range = BACNET_RANGE_POSITION; break;
    default: {
        int offset = trends->zone_is_ours ? bacnet_clock_offset_minutes(from_us)
                                          : trends->offset_minutes;
        trends->range.range = BACNET_RANGE_TIME;
        (void)bacnet_datetime_of(from_us, offset, &trends->range.at);
        break;
    }
    }
}

static void ask_range(struct bacnet_trends *trends)
{
    const struct bacnet_config *config = &trends->device->config;
    struct bytes_out out = bytes_out_of(trends->data, sizeof(trends->data));
    size_t fit = bacnet_peer_answer_max(trends->device->peer) / BACNET_LOG_RECORD_MAX;
    if (trends->most == 0) {
        trends->most = fit < 1                      ? 1
                       : fit < BACNET_TREND_RECORDS ? (uint32_t)fit
                                                    : BACNET_TREND_RECORDS;
    }
    set_range(trends, log_of(trends));
    bacnet_put_read_range(&out, &trends->range);
    trends->state = BACNET_TREND_RANGE;
    trends->ask.service = BACNET_READ_RANGE;
    trends->ask.data = trends->data;
    trends->ask.size = bytes_out_size(&out);
    trends->ask.retries = config->retries;
    trends->ask.timeout_us = config->timeout_us;
    bacnet_ask(trends->device->peer, &trends->ask);
}

/* ---- to the disk ---- */

static void go_on(struct bacnet_trends *trends)
{
    struct bacnet_trend_log *log = log_of(trends);
    remember(trends, log);
    if (trends->over || trends->read >= BACNET_TREND_CYCLE_MAX) {
        log_over(trends);
    } else {
        ask_range(trends);
    }
}

static void stored(void *ctx, int error)
{
    struct bacnet_trend_pending *pending = ctx;
    struct bacnet_trends *trends = pending->trends;
    busbar_free(pending);
    if (trends == NULL) {
        return;
    }
    trends->pending = NULL;
    if (trends->state != BACNET_TREND_STORING) {
        return; /* the link went down: asked again then */
    }
    if (error != 0) {
        give_up(trends); /* not on disk: what is remembered stays */
        log_of(trends)->knows_next = false;
        recall(trends, log_of(trends));
    } else {
        go_on(trends);
    }
}

static void said(struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                 const struct bacnet_trend_samples *samples)
{
    char words[WORDS_MAX];
    if (samples->purged) {
        say_of_log(trends, log, "its buffer was emptied by somebody");
    }
    if (samples->future > 0 && !trends->told_clock) {
        str_format(words, sizeof(words),
                   "%u records are from a time that is still to come and were left out: the "
                   "device's clock is or was wrong",
                   samples->future);
        say_of_log(trends, log, words);
        trends->told_clock = true;
    }
}

/* Where the next question begins, and whether there is one. */
static void advance(struct bacnet_trends *trends, struct bacnet_trend_log *log,
                    const struct bacnet_range_items *answer,
                    const struct bacnet_trend_samples *samples)
{
    bool moved = samples->records > 0;
    trends->read += samples->records;
    switch (log->by) {
    case BACNET_TREND_BY_SEQUENCE: {
        uint32_t first = answer->has_sequence ? answer->sequence : log->next;
        log->next = moved ? first + samples->records : log->next;
        trends->over = !moved || log->next > log->total;
        break;
    }
    case BACNET_TREND_BY_POSITION:
        log->next += samples->records;
        trends->over = !moved || answer->last;
        break;
    default:
        moved = samples->last_us > (log->knows_time ? log->time_us : 0);
        if (moved) {
            log->knows_time = true;
            log->time_us = samples->last_us;
        }
        trends->over = !moved || answer->last;
        break;
    }
}

static void store(struct bacnet_trends *trends, const struct bacnet_range_items *answer)
{
    struct bacnet_trend_log *log = log_of(trends);
    struct bacnet_trend_samples samples;
    int error = bacnet_trend_records(trends, log, answer->items, &samples);
    said(trends, log, &samples);
    advance(trends, log, answer, &samples);
    trends->over = trends->over || error != 0;
    trends->state = BACNET_TREND_STORING;
    if (samples.count > 0) {
        struct bacnet_trend_pending *pending = busbar_alloc(sizeof(*pending));
        pending->trends = trends;
        error = driver_publish(trends->device->dev, samples.points, samples.samples, samples.count,
                               stored, pending);
        if (error == 0) {
            trends->pending = pending;
        } else {
            busbar_free(pending);
            give_up(trends);
        }
    } else {
        go_on(trends);
    }
    bacnet_trend_samples_fini(&samples);
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
        say(trends, "trend log", words);
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
        give_up(trends);
        return;
    }
    if (!trends->found) {
        trends->found = true;
        say_unlogged(trends);
        for (size_t i = 0; i < trends->log_count; i++) {
            recall(trends, &trends->logs[i]);
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
            trends->ask.answered = answered;
            trends->ask.user = trends;
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
