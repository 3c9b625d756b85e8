/* SPDX-License-Identifier: Apache-2.0 */
/* Points that the device sends by itself and that cannot be asked for (point_facts.pushed).
 *
 * They are bad when their link is down, and "not yet known" from then until the next value. They get stale only where
 * the configuration says how often they come. A device keeps the time at which the first of them can be stale at the
 * earliest, so that a million points that are heard in time are looked at about once in their stale_after, not every
 * second.
 *
 * A device of which nothing is polled speaks first: its link is up only when it was heard; until then it is "connecting:
 * waiting for its first message". When all that could be stale is, it is down: silent. */
#include "base/str.h"
#include "driver/host_private.h"

static bool waits_for_device(const struct point *pt)
{
    return pt->pushed && pt->readable;
}

static bool is_bad(const struct point *pt)
{
    return quality_class(pt->last.quality) == QUALITY_CLASS_BAD;
}

/* Those of one quality, or all, become another. */
static void turn(struct host_device *hd, bool all, uint8_t from, uint8_t to)
{
    for (size_t i = 0; i < hd->dev->point_count; i++) {
        const struct point *pt = &hd->dev->points[i];
        uint32_t index = (uint32_t)i;
        if (waits_for_device(pt) && (all || pt->last.quality == from)) {
            publish_bad(hd, &index, 1, to, 0);
        }
    }
}

void pushed_make(struct host_device *hd)
{
    bool polled = false, pushed = false;
    hd->stale_due_us = INT64_MAX;
    for (size_t i = 0; i < hd->dev->point_count; i++) {
        const struct point *pt = &hd->dev->points[i];
        pushed |= waits_for_device(pt);
        polled |= pt->readable && !pt->pushed && hd->driver->ops->read != NULL;
        if (waits_for_device(pt) && pt->cls->stale_after_us > 0) {
            hd->stale_due_us = 0;
        }
    }
    hd->has_pushed = pushed;
    hd->stats.speaks_first = pushed && !polled;
}

void pushed_begin(struct host_device *hd)
{
    if (hd->has_pushed) {
        turn(hd, false, QUALITY_PAUSED, QUALITY_NOT_YET);
        turn(hd, false, QUALITY_LINK_DOWN, QUALITY_NOT_YET);
    }
}

void pushed_link_down(struct host_device *hd)
{
    if (hd->has_pushed) {
        hd->heard = false;
        turn(hd, true, 0, QUALITY_LINK_DOWN);
    }
}

bool pushed_link_up(struct host_device *hd)
{
    if (!hd->has_pushed) {
        return false;
    }
    turn(hd, false, QUALITY_LINK_DOWN, QUALITY_NOT_YET);
    if (!hd->stats.speaks_first || hd->heard) {
        return false;
    }
    stats_link(hd, LINK_CONNECTING, 0,
               hd->stats.last_answer_us == 0
                   ? "waiting for its first message"
                   : "waiting for its first message since the connection is there again");
    return true;
}

/* ---- stale values ---- */

static void tell_silent(struct host_device *hd, int64_t longest_us)
{
    char detail[HOST_DETAIL_MAX], after[32];
    str_format_duration(after, sizeof(after), longest_us);
    str_format(detail, sizeof(detail),
               "silent: none of its values came within its stale_after (the longest is %s); look "
               "whether the "
               "device is on and sends to the right place",
               after);
    hd->heard = false;
    stats_link(hd, LINK_DOWN, BUSBAR_ETIMEOUT, detail);
}

void pushed_sweep(struct host_device *hd, int64_t now_us)
{
    int64_t wall_us = clock_wall_us(), next_us = INT64_MAX, longest_us = 0;
    size_t left = 0, turned = 0;
    if (now_us < hd->stale_due_us) {
        return;
    }
    for (size_t i = 0; i < hd->dev->point_count; i++) {
        const struct point *pt = &hd->dev->points[i];
        uint32_t index = (uint32_t)i;
        int64_t after_us = pt->cls->stale_after_us;
        if (!waits_for_device(pt)) {
            continue;
        }
        left += after_us <= 0 && !is_bad(pt);
        if (after_us <= 0) {
            continue;
        }
        int64_t age_us = wall_us - pt->last.receive_us;
        longest_us = after_us > longest_us ? after_us : longest_us;
        if (!is_bad(pt) && age_us > after_us) {
            publish_bad(hd, &index, 1, QUALITY_STALE, 0);
            turned++;
        }
        left += !is_bad(pt);
        int64_t fresh_us = !is_bad(pt) && age_us > 0 ? after_us - age_us : after_us;
        next_us = fresh_us < next_us ? fresh_us : next_us;
    }
    hd->stale_due_us = next_us == INT64_MAX ? INT64_MAX : now_us + next_us;
    if (turned > 0 && left == 0 && hd->stats.speaks_first && hd->stats.link == LINK_UP) {
        tell_silent(hd, longest_us);
    }
}
