/* SPDX-License-Identifier: Apache-2.0 */
/* What a person should know of trend logs, and what is remembered of them over restarts. */
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_trend.h"
#include "drivers/bacnet/wire/names.h"

enum { NAME_MAX = 48, WORDS_MAX = 320 };

static void format_log(const struct bacnet_trend_log *log, char *to, size_t size)
{
    bacnet_format_object(to, size, log->object);
}

/* ---- what a person should know ---- */

void bacnet_trend_say(struct bacnet_trends *trends, const char *kind, const char *text)
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

void bacnet_trend_say_of(struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                         const char *text)
{
    char name[NAME_MAX];
    char words[WORDS_MAX];
    format_log(log, name, sizeof(name));
    str_format(words, sizeof(words), "%s: %s", name, text);
    bacnet_trend_say(trends, "trend log", words);
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

void bacnet_trend_recall(const struct bacnet_trends *trends, struct bacnet_trend_log *log)
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

void bacnet_trend_remember(const struct bacnet_trends *trends, const struct bacnet_trend_log *log)
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
