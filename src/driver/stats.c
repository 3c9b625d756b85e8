/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and the state of the link. What costs a walk over the points is counted when somebody
 * asks, and only when a quality changed since. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host_private.h"

#define HOUR_PART_US (CLOCK_US_PER_S * 3600 / HOST_HOUR_PARTS)

const char *link_state_word(enum link_state state)
{
    static const char *const words[] = {
        [LINK_CONNECTING] = "connecting",
        [LINK_UP] = "up",
        [LINK_DOWN] = "down",
        [LINK_PAUSED] = "paused",
    };
    return words[state];
}

void stats_link(struct host_device *hd, enum link_state link, int error, const char *detail)
{
    bool changed = hd->stats.link != link;
    enum log_level level = hd->stats.link == LINK_CONNECTING && link == LINK_UP ? LOG_LEVEL_DEBUG
                                                                                : LOG_LEVEL_INFO;
    hd->stats.link = link;
    hd->stats.error = error;
    if (detail != hd->stats.detail) {
        str_copy(hd->stats.detail, sizeof(hd->stats.detail), detail);
    }
    if (changed) {
        hd->stats.since_us = clock_wall_us();
        busbar_log(level, "driver", hd->dev->name, "%s%s%s", link_state_word(link),
                   detail[0] != '\0' ? ": " : "", detail);
    }
}

/* Forgets the parts of the last hour that are more than an hour old. */
static void move_hour(struct host_device *hd)
{
    int64_t part = host_now(hd) / HOUR_PART_US;
    int64_t passed = part - hd->failed_part;
    for (int64_t i = 1; i <= passed && i <= HOST_HOUR_PARTS; i++) {
        hd->failed_parts[(hd->failed_part + i) % HOST_HOUR_PARTS] = 0;
    }
    hd->failed_part = part;
}

void stats_failure(struct host_device *hd, int error)
{
    if (error == BUSBAR_EREFUSED) {
        hd->stats.refusals++;
    } else if (error == BUSBAR_ETIMEOUT) {
        hd->stats.timeouts++;
    }
    move_hour(hd);
    hd->failed_parts[hd->failed_part % HOST_HOUR_PARTS]++;
}

static void count_points(struct host_device *hd)
{
    size_t bad = 0, all = 0;
    for (size_t i = 0; i < hd->dev->point_count; i++) {
        const struct point *pt = &hd->dev->points[i];
        all += pt->readable ? 1 : 0;
        bad += pt->readable && quality_class(pt->last.quality) == QUALITY_CLASS_BAD ? 1 : 0;
    }
    hd->stats.points_bad = bad;
    hd->stats.points_good = all - bad;
    hd->count_dirty = false;
}

static void fill(struct host_device *hd)
{
    if (hd->count_dirty) {
        count_points(hd);
    }
    move_hour(hd);
    hd->stats.reads_failed_hour = 0;
    for (size_t i = 0; i < HOST_HOUR_PARTS; i++) {
        hd->stats.reads_failed_hour += hd->failed_parts[i];
    }
}

void host_stats(const struct device *dev, struct device_stats *stats)
{
    struct host_device *hd = host_of(dev);
    fill(hd);
    *stats = hd->stats;
}

static void add_counters(struct host_totals *totals, const struct device_stats *stats)
{
    totals->polls += stats->polls;
    totals->answers += stats->answers;
    totals->timeouts += stats->timeouts;
    totals->refusals += stats->refusals;
    totals->bad_frames += stats->bad_frames;
    totals->retries += stats->retries;
    totals->lag_polls += stats->lag_polls;
}

void stats_fold(struct host *host, const struct host_device *hd)
{
    add_counters(&host->gone, &hd->stats);
}

void host_totals(const struct host *host, struct host_totals *totals)
{
    *totals = host->gone;
    totals->samples = host->samples;
    list_each(at, &host->devices) {
        struct host_device *hd = list_entry(at, struct host_device, link);
        if (hd->stranger) {
            continue;
        }
        fill(hd);
        add_counters(totals, &hd->stats);
        totals->points_good += hd->stats.points_good;
        totals->points_bad += hd->stats.points_bad;
        totals->devices_paused += hd->stats.link == LINK_PAUSED ? 1 : 0;
        totals->devices_down += hd->stats.link == LINK_DOWN ? 1 : 0;
        totals->devices_up += hd->stats.link == LINK_UP ? 1 : 0;
    }
}

void driver_retried(struct device *dev)
{
    host_of(dev)->stats.retries++;
}
