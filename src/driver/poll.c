/* SPDX-License-Identifier: Apache-2.0 */
/* Polls: the points of one device and one period, in requests of at most HOST_POLL_POINTS_MAX. Watched
 * points (watch.c) are in polls of their own.
 *
 *     IDLE -> WAITING -> READY -> OPEN -> WAITING ...      READY and OPEN: see poll_pump()
 *              (timer)   (queue)  (with the driver)
 *
 * Every poll has a grid: the times that are phase_us off a multiple of period_us, the phase drawn
 * from the device's name. A poll that ends before its next time waits for it. One that ends later
 * has missed some: they are counted as lag, and it goes once more to the end of the device's queue,
 * so a period shorter than the device's answers means polling as fast as it goes, never a growing
 * queue. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "driver/host_private.h"

static void poll_timer(struct timer *timer, void *ctx);

/* ---- the grid ---- */

int64_t poll_grid_after(int64_t now_us, int64_t period_us, int64_t phase_us)
{
    int64_t offset = now_us - phase_us;
    int64_t into = offset % period_us;
    return now_us + period_us - (into < 0 ? into + period_us : into);
}

/* The time after the one that `due_us` stands for: due_us need not be on the grid (a first poll, a
 * recovery); then it stands for the nearest time that is. */
static int64_t next_due(const struct poll *poll, int64_t due_us)
{
    return poll_grid_after(due_us + poll->period_us / 2, poll->period_us, poll->phase_us);
}

/* ---- making them ---- */

struct sort_key {
    int64_t every_us;
    uint32_t index;
};

static int compare_keys(const void *left, const void *right)
{
    const struct sort_key *a = left, *b = right;
    if (a->every_us != b->every_us) {
        return a->every_us < b->every_us ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static void find_stale(struct poll *poll)
{
    poll->stale_us = poll->watched ? poll->stale_default_us : INT64_MAX;
    if (poll->watched) {
        return;
    }
    for (size_t i = 0; i < poll->ask.req.count; i++) {
        int64_t own_us = poll->hd->dev->points[poll->ask.req.points[i]].cls->stale_after_us;
        int64_t after_us = own_us > 0 ? own_us : poll->stale_default_us;
        poll->stale_us = after_us < poll->stale_us ? after_us : poll->stale_us;
    }
}

static struct poll *poll_new(struct host_device *hd, const uint32_t *points, size_t count,
                             int64_t period_us, bool watched)
{
    struct poll *poll = busbar_alloc(sizeof(*poll));
    uint64_t spread = hash_u64(hash_text(hd->dev->name) ^ hash_u64(hd->host->config.seed) ^
                               (uint64_t)period_us);
    int64_t three_polls_us = period_us < INT64_MAX / 3 ? 3 * period_us : INT64_MAX;
    int64_t two_deadlines_us = 2 * hd->settings.timeout_us;
    poll->ask.kind = ASK_POLL;
    poll->points = busbar_alloc_array(count, sizeof(*points));
    memcpy(poll->points, points, count * sizeof(*points));
    poll->ask.req.points = poll->points;
    poll->ask.req.count = count;
    poll->watched = watched;
    poll->hd = hd;
    poll->period_us = period_us;
    poll->phase_us = (int64_t)(spread % (uint64_t)period_us);
    poll->stale_default_us = three_polls_us > two_deadlines_us ? three_polls_us : two_deadlines_us;
    list_init(&poll->ready);
    list_append(&hd->polls, &poll->link);
    timer_init(&poll->timer, hd->host->config.loop, poll_timer, poll);
    find_stale(poll);
    return poll;
}

static size_t points_max(const struct host_device *hd)
{
    return hd->points_max > 0 && hd->points_max < HOST_POLL_POINTS_MAX ? (size_t)hd->points_max
                                                                       : HOST_POLL_POINTS_MAX;
}

int64_t poll_own_period(const struct point *pt)
{
    return pt->cls->every_us > 0 ? pt->cls->every_us : CLOCK_US_PER_S;
}

/* The points of a device that can be asked for by period, then as configured. */
static struct sort_key *sorted_keys(const struct device *dev, size_t *count)
{
    struct sort_key *keys = busbar_alloc_array(dev->point_count + 1, sizeof(*keys));
    size_t used = 0;
    for (size_t i = 0; i < dev->point_count; i++) {
        if (dev->points[i].readable && !dev->points[i].pushed) {
            keys[used++] = (struct sort_key){ poll_own_period(&dev->points[i]), (uint32_t)i };
        }
    }
    qsort(keys, used, sizeof(*keys), compare_keys);
    *count = used;
    return keys;
}

void poll_make_all(struct host_device *hd)
{
    size_t count, from = 0;
    struct sort_key *keys = sorted_keys(hd->dev, &count);
    uint32_t *points = busbar_alloc_array(count + 1, sizeof(*points));
    for (size_t i = 0; i < count; i++) {
        points[i] = keys[i].index;
    }
    for (size_t i = 1; i <= count && hd->driver->ops->read != NULL; i++) {
        if (i == count || keys[i].every_us != keys[from].every_us || i - from == points_max(hd)) {
            poll_new(hd, points + from, i - from, keys[from].every_us, false);
            from = i;
        }
    }
    busbar_free(points);
    busbar_free(keys);
}

static void unplan(struct poll *poll)
{
    const struct driver_ops *ops = poll->hd->driver->ops;
    if (poll->ask.req.plan != NULL && ops->unplan != NULL) {
        ops->unplan(poll->hd->dev, &poll->ask.req);
        poll->ask.req.plan = NULL;
    }
}

static void poll_free(struct poll *poll)
{
    assert(poll->state != POLL_OPEN);
    unplan(poll);
    timer_stop(&poll->timer);
    list_remove(&poll->ready);
    list_remove(&poll->link);
    busbar_free(poll->points);
    busbar_free(poll);
}

void poll_free_all(struct host_device *hd)
{
    list_each_safe(at, &hd->polls) {
        poll_free(list_entry(at, struct poll, link));
    }
}

/* ---- states ---- */

static void wait_until(struct poll *poll, int64_t due_us)
{
    assert(poll->state == POLL_IDLE);
    poll->state = POLL_WAITING;
    poll->due_us = due_us;
    timer_start_at_us(&poll->timer, due_us, 0);
}

static void make_idle(struct poll *poll)
{
    assert(poll->state != POLL_OPEN);
    timer_stop(&poll->timer);
    list_remove(&poll->ready);
    poll->state = POLL_IDLE;
}

static void enqueue(struct poll *poll, int64_t due_us)
{
    make_idle(poll);
    poll->state = POLL_READY;
    poll->due_us = due_us;
    list_append(&poll->hd->ready, &poll->ready);
}

void poll_make_ready(struct poll *poll)
{
    if (poll->state == POLL_IDLE || poll->state == POLL_WAITING) {
        enqueue(poll, host_now(poll->hd));
    }
}

void poll_begin_all(struct host_device *hd)
{
    int64_t now_us = host_now(hd);
    list_each(at, &hd->polls) {
        struct poll *poll = list_entry(at, struct poll, link);
        int64_t most_us = HOST_FIRST_POLL_MS * CLOCK_US_PER_MS;
        int64_t spread_us = poll->period_us < most_us ? poll->period_us : most_us;
        poll->fresh_us = now_us;
        make_idle(poll);
        wait_until(poll, now_us + poll->phase_us % spread_us);
    }
}

void poll_resume_all(struct host_device *hd)
{
    list_each(at, &hd->polls) {
        struct poll *poll = list_entry(at, struct poll, link);
        if (poll->watched) { /* one that is open may fail yet */
            poll->failures = 0;
        }
        if (poll->state == POLL_IDLE) {
            poll->fresh_us = host_now(hd);
            poll_make_ready(poll);
        }
    }
}

void poll_halt_all(struct host_device *hd)
{
    list_each(at, &hd->polls) {
        struct poll *poll = list_entry(at, struct poll, link);
        if (poll->state != POLL_OPEN) {
            make_idle(poll);
        }
    }
}

static int compare_points(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

/* Out of its turn, but not more often than every HOST_POLL_NOW_MS: whoever makes a device say that
 * something changed cannot make us ask it without end. */
static void read_soon(struct poll *poll)
{
    int64_t now_us = host_now(poll->hd);
    int64_t least_us = poll->soon_us + HOST_POLL_NOW_MS * CLOCK_US_PER_MS;
    int64_t soon_us = poll->soon_us == 0 || least_us < now_us ? now_us : least_us;
    if (poll->state == POLL_OPEN) {
        poll->once_more = true;
    } else if (poll->state == POLL_WAITING && poll->due_us > soon_us) {
        make_idle(poll);
        wait_until(poll, soon_us);
        poll->soon_us = soon_us;
    }
}

static bool has_any(const struct poll *poll, const uint32_t *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bsearch(&points[i], poll->points, poll->ask.req.count, sizeof(*points),
                    compare_points) != NULL) {
            return true;
        }
    }
    return false;
}

void driver_poll_now(struct device *dev, const uint32_t *points, size_t count)
{
    struct host_device *hd = host_of(dev);
    if (!host_running(hd)) {
        return;
    }
    if (hd->breaker == BREAKER_OPEN && host_now(hd) >= hd->heard_us) {
        hd->heard_us = host_now(hd) + HOST_POLL_NOW_MS * CLOCK_US_PER_MS;
        timer_start(&hd->probe, 0, 0);
    }
    list_each(at, &hd->polls) {
        struct poll *poll = list_entry(at, struct poll, link);
        if (has_any(poll, points, count)) {
            read_soon(poll);
        }
    }
}

/* ---- points that go from one to another ---- */

size_t poll_take_out(struct poll *poll, bool (*leaves)(const struct poll *poll, uint32_t point),
                     uint32_t *out)
{
    struct request *req = &poll->ask.req;
    size_t taken = 0, kept = 0;
    assert(poll->state != POLL_OPEN);
    for (size_t i = 0; i < req->count; i++) {
        if (leaves(poll, poll->points[i])) {
            out[taken++] = poll->points[i];
        } else {
            poll->points[kept++] = poll->points[i];
        }
    }
    if (taken > 0) {
        unplan(poll);
        req->count = kept;
        find_stale(poll);
    }
    if (kept == 0) {
        poll_free(poll);
    }
    return taken;
}

static void grow(struct poll *poll, const uint32_t *points, size_t count)
{
    struct request *req = &poll->ask.req;
    unplan(poll);
    poll->points = busbar_realloc(poll->points, (req->count + count) * sizeof(*points));
    memcpy(poll->points + req->count, points, count * sizeof(*points));
    req->points = poll->points;
    req->count += count;
    qsort(poll->points, req->count, sizeof(*points), compare_points);
    find_stale(poll);
}

/* A check waits for its time; what is polled again is polled soon. */
static void begin_new(struct poll *poll)
{
    struct host_device *hd = poll->hd;
    int64_t now_us = host_now(hd), most_us = HOST_FIRST_POLL_MS * CLOCK_US_PER_MS;
    poll->fresh_us = now_us;
    if (!host_running(hd) || hd->breaker != BREAKER_CLOSED) {
        return;
    }
    most_us = poll->period_us < most_us ? poll->period_us : most_us;
    wait_until(poll, poll->watched ? poll_grid_after(now_us, poll->period_us, poll->phase_us)
                                   : now_us + poll->phase_us % most_us);
}

void poll_put_in(struct host_device *hd, const uint32_t *points, size_t count, int64_t period_us,
                 bool watched)
{
    size_t most = points_max(hd);
    list_each(at, &hd->polls) {
        struct poll *poll = list_entry(at, struct poll, link);
        if (count > 0 && poll->period_us == period_us && poll->watched == watched &&
            poll->state != POLL_OPEN && poll->ask.req.count < most) {
            size_t room = most - poll->ask.req.count;
            size_t part = count < room ? count : room;
            grow(poll, points, part);
            points += part;
            count -= part;
        }
    }
    while (count > 0) {
        size_t part = count < most ? count : most;
        begin_new(poll_new(hd, points, part, period_us, watched));
        points += part;
        count -= part;
    }
}

/* ---- asking ---- */

static void ask_driver(struct poll *poll)
{
    struct ask *ask = &poll->ask;
    ask->open = true;
    ask->calling = true;
    poll->hd->driver->ops->read(poll->hd->dev, &ask->req);
    ask->calling = false;
}

/* Gives the second half of a poll to a new one, which is asked next. */
static void split(struct poll *poll)
{
    struct request *req = &poll->ask.req;
    size_t first = (req->count + 1) / 2;
    unplan(poll);
    struct poll *rest = poll_new(poll->hd, req->points + first, req->count - first, poll->period_us,
                                 poll->watched);
    req->count = first;
    find_stale(poll);
    rest->fresh_us = poll->fresh_us;
    enqueue(rest, poll->due_us);
}

/* Times that passed while the poll waited for its turn are skipped and counted. */
static void count_lag(struct poll *poll, int64_t now_us)
{
    int64_t late_us = now_us - poll->due_us;
    poll->hd->stats.lag_us = late_us > 0 ? late_us : 0;
    if (late_us >= poll->period_us) {
        int64_t missed = late_us / poll->period_us;
        poll->hd->stats.lag_polls += (uint64_t)missed;
        poll->due_us += missed * poll->period_us;
    }
}

static void begin(struct poll *poll)
{
    struct host_device *hd = poll->hd;
    int64_t now_us = host_now(hd);
    while (poll->ask.req.count > points_max(hd)) {
        split(poll);
    }
    poll->state = POLL_IDLE;
    poll->ask.req.samples = pool_take(&hd->host->pool, poll->ask.req.count);
    if (poll->ask.req.samples == NULL) { /* no memory now: this poll is left out, as if it lagged */
        hd->stats.lag_polls++;
        wait_until(poll, next_due(poll, now_us));
        return;
    }
    count_lag(poll, now_us);
    poll->state = POLL_OPEN;
    poll->once_more = false;
    poll->tries = 0;
    poll->began_us = now_us;
    poll->ask.late = false;
    poll->ask.req.deadline_us = now_us + hd->settings.timeout_us;
    hd->poll_open++;
    hd->stats.polls++;
    timer_start_at_us(&poll->timer, poll->ask.req.deadline_us, 0);
    ask_driver(poll);
}

void poll_pump(struct host_device *hd)
{
    size_t open_max = hd->breaker == BREAKER_CLOSED ? (size_t)hd->settings.in_flight : 1;
    while (host_running(hd) && hd->poll_open < open_max && !list_empty(&hd->ready)) {
        struct poll *poll = list_entry(list_shift(&hd->ready), struct poll, ready);
        begin(poll);
    }
}

static void poll_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct poll *poll = ctx;
    if (poll->state == POLL_OPEN) {
        poll->ask.late = true;
        poll->hd->driver->ops->cancel(poll->hd->dev, &poll->ask.req);
        return;
    }
    enqueue(poll, poll->due_us);
    poll_pump(poll->hd);
}

/* ---- answers ---- */

/* What the driver's answer means: nothing at all is a timeout, whichever way it was said. Keeps the
 * protocol's own code for it. */
static int meaning(struct poll *poll, int error)
{
    poll->detail = error == BUSBAR_EREFUSED ? poll->ask.req.samples[0].detail : 0;
    if (error == BUSBAR_ECANCELED) {
        return BUSBAR_ETIMEOUT;
    }
    if (error != 0) {
        return error;
    }
    bool link_down = false;
    for (size_t i = 0; i < poll->ask.req.count; i++) {
        uint8_t quality = poll->ask.req.samples[i].quality;
        if (quality != QUALITY_NO_ANSWER && quality != QUALITY_LINK_DOWN) {
            return 0;
        }
        link_down = link_down || quality == QUALITY_LINK_DOWN;
    }
    poll->detail = poll->ask.req.samples[0].detail;
    return link_down ? BUSBAR_ENOTCONN : BUSBAR_ETIMEOUT;
}

/* Asks again at once where that may help. A probe is never repeated. */
static bool retry(struct poll *poll, int error)
{
    struct host_device *hd = poll->hd;
    bool helps = error == BUSBAR_ETIMEOUT || error == BUSBAR_EPROTO || error == BUSBAR_ERESET ||
                 error == BUSBAR_ECLOSED;
    if (!helps || hd->breaker != BREAKER_CLOSED || poll->ask.late ||
        poll->tries >= (uint32_t)hd->settings.retries ||
        host_now(hd) >= poll->ask.req.deadline_us) {
        return false;
    }
    poll->tries++;
    hd->stats.retries++;
    stats_failure(hd, error);
    ask_driver(poll);
    return true;
}

static void finish(struct poll *poll)
{
    struct host_device *hd = poll->hd;
    timer_stop(&poll->timer);
    if (poll->ask.req.samples != NULL) {
        pool_give(&hd->host->pool, poll->ask.req.samples, poll->ask.req.count);
        poll->ask.req.samples = NULL;
    }
    poll->state = POLL_IDLE;
    hd->poll_open--;
    watch_poll_ended(hd);
}

/* Plans the next one; not_before_us holds a failed one back. */
static void plan_next(struct poll *poll, int64_t now_us, int64_t not_before_us)
{
    int64_t due_us = next_due(poll, poll->due_us);
    if (due_us < not_before_us) {
        wait_until(poll, next_due(poll, not_before_us));
    } else if (due_us > now_us) {
        wait_until(poll, due_us);
    } else {
        int64_t missed = (now_us - due_us) / poll->period_us + 1;
        poll->hd->stats.lag_polls += (uint64_t)missed;
        enqueue(poll, due_us + (missed - 1) * poll->period_us);
    }
}

static void answered(struct poll *poll, int64_t now_us)
{
    struct host_device *hd = poll->hd;
    struct request *req = &poll->ask.req;
    poll->fresh_us = now_us;
    poll->failures = 0;
    poll->failed_us = 0;
    hd->stats.answers++;
    publish_answer(hd, req->points, req->samples, req->count);
}

static void too_big(struct poll *poll)
{
    struct host_device *hd = poll->hd;
    int64_t half = (int64_t)(poll->ask.req.count + 1) / 2;
    int64_t due_us = poll->due_us;
    finish(poll);
    hd->stats.answers++;
    driver_limit_set(hd->dev, LIMIT_POINTS_PER_POLL, half);
    enqueue(poll, due_us);
    breaker_answered(hd);
}

static int64_t hold_back_us(const struct poll *poll, int64_t now_us)
{
    uint32_t doublings = poll->failures > 1 ? poll->failures - 1 : 0;
    int64_t wait_ms = doublings < 6 ? (int64_t)BACKOFF_MIN_MS << doublings : BACKOFF_MAX_MS;
    return now_us + wait_ms * CLOCK_US_PER_MS;
}

static int64_t soonest_us(const struct poll *poll, int64_t due_us)
{
    int64_t next_us = next_due(poll, poll->due_us);
    return next_us < due_us ? next_us : due_us;
}

static void failed(struct poll *poll, int error, int64_t now_us)
{
    struct host_device *hd = poll->hd;
    struct request *req = &poll->ask.req;
    bool silent = breaker_is_silence(error);
    bool alone = hd->breaker == BREAKER_CLOSED &&
                 hd->answered_us > (poll->failed_us != 0 ? poll->failed_us : poll->began_us);
    poll->failures++;
    poll->failed_us = now_us;
    stats_failure(hd, error);
    if (!silent || alone) { /* the device lives: only these points suffer */
        uint8_t quality;
        bool spoke = silent && poll->watched; /* it goes on sending: stale when it does not */
        if (!spoke && breaker_quality(error, &quality)) {
            publish_bad(hd, req->points, req->count, quality, poll->detail);
        }
        finish(poll);
        if (!host_running(hd)) {
            return;
        }
        if (spoke) { /* a check is seldom: it is tried again before the next one */
            wait_until(poll, soonest_us(poll, hold_back_us(poll, now_us)));
        } else {
            plan_next(poll, now_us, silent ? hold_back_us(poll, now_us) : 0);
        }
        if (error == BUSBAR_EREFUSED) {
            breaker_answered(hd);
        }
        return;
    }
    finish(poll);
    breaker_failed(poll, error);
}

void poll_done(struct poll *poll, int error)
{
    struct host_device *hd = poll->hd;
    int64_t now_us = host_now(hd);
    if (!host_running(hd)) {
        finish(poll);
        return;
    }
    error = meaning(poll, error);
    if (error != 0 && retry(poll, error)) {
        return;
    }
    hd->stats.poll_us = now_us - poll->began_us;
    if (error == 0) {
        answered(poll, now_us);
        finish(poll);
        if (!host_running(hd)) { /* a listener of the bus paused or removed the device */
            return;
        }
        plan_next(poll, now_us, 0);
        if (poll->once_more) {
            poll->once_more = false;
            read_soon(poll);
        }
        breaker_answered(hd);
    } else if (error == BUSBAR_ETOOBIG && poll->ask.req.count > 1) {
        too_big(poll);
    } else {
        failed(poll, error, now_us);
    }
    poll_pump(hd);
}

int host_poll_now(struct host *host, struct device *dev)
{
    struct host_device *hd = host_of(dev);
    (void)host;
    if (hd == NULL || !host_running(hd)) {
        return BUSBAR_EBUSY;
    }
    if (hd->breaker != BREAKER_CLOSED) {
        breaker_probe_now(hd);
        return 0;
    }
    list_each(at, &hd->polls) {
        poll_make_ready(list_entry(at, struct poll, link));
    }
    poll_pump(hd);
    return 0;
}
