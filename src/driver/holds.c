/* SPDX-License-Identifier: Apache-2.0 */
/* Holds, sorted by path and priority, and those that end by the time of it.
 *
 *     noted --its end comes--> released by a write of ours --taken--> gone
 *                                  ^                  |
 *                                  +--back-off <--failed, paused, no such point
 *
 * Ends are wall clock times: the nearest is looked at when it is due, and every HOLDS_LOOK_MS, so that
 * a clock that is set is noticed. At most HOLDS_RELEASES_MAX releases are under way. */
#include "driver/holds.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host_private.h"

enum {
    HOLDS_LOOK_MS = 30000,
    HOLDS_RELEASES_MAX = 64,
    HOLDS_RETRY_MIN_S = 1,
    HOLDS_RETRY_MAX_S = 600,
    HOLDS_RETRY_DOUBLINGS = 10,
    HOLDS_TIMEOUT_MS = 10000,
};

/* A hold with its own texts. */
struct hold_copy {
    struct host_hold view;
    char texts[];
};

struct hold {
    struct heap_node due; /* while it has an end and is not being released */
    struct host_hold view;
    struct hold_copy *own; /* what the view's texts point to, but for trouble */
    uint64_t version;
    int64_t try_us; /* wall; of the heap */
    bool releasing;
    char trouble[HOST_HOLD_TEXT_MAX];
};

struct holds {
    struct host *host;
    struct hold **list; /* by path, then priority */
    size_t count, capacity;
    struct heap due;
    struct timer timer;
    struct loop_deferred again; /* a release ended: is there another to begin? */
    size_t releasing;
    uint64_t versions;
    bool stopped;
};

static void look(struct holds *holds);

static bool is_sooner(const struct heap_node *a, const struct heap_node *b)
{
    return heap_entry(a, const struct hold, due)->try_us <
           heap_entry(b, const struct hold, due)->try_us;
}

static void timer_fired(struct timer *timer, void *ctx)
{
    (void)timer;
    look(ctx);
}

static void look_again(void *ctx)
{
    look(ctx);
}

struct holds *holds_new(struct host *host)
{
    struct holds *holds = busbar_alloc(sizeof(*holds));
    holds->host = host;
    heap_init(&holds->due, is_sooner);
    timer_init(&holds->timer, host->config.loop, timer_fired, holds);
    loop_deferred_init(&holds->again, look_again, holds);
    return holds;
}

static void hold_free(struct hold *hold)
{
    hold_copy_free(hold->own);
    busbar_free(hold);
}

void holds_free(struct holds *holds)
{
    if (holds == NULL) {
        return;
    }
    timer_stop(&holds->timer);
    loop_defer_cancel(&holds->again);
    for (size_t i = 0; i < holds->count; i++) {
        hold_free(holds->list[i]);
    }
    heap_fini(&holds->due);
    busbar_free(holds->list);
    busbar_free(holds);
}

void holds_stop(struct holds *holds)
{
    holds->stopped = true;
    timer_stop(&holds->timer);
    loop_defer_cancel(&holds->again);
}

/* ---- copies ---- */

static size_t kept_size(const char *text)
{
    size_t size = text != NULL ? strlen(text) : 0;
    return size <= HOST_HOLD_TEXT_MAX ? size : str_utf8_cut(text, size, HOST_HOLD_TEXT_MAX);
}

static const char *copy_text(char **to, const char *text, size_t size)
{
    char *copy = *to;
    if (size > 0) {
        memcpy(copy, text, size);
    }
    copy[size] = '\0';
    *to += size + 1;
    return copy;
}

/* A path is never cut. */
static struct hold_copy *copy_of(const struct host_hold *hold)
{
    size_t path = strlen(hold->path), value = kept_size(hold->value);
    size_t who = kept_size(hold->who), from = kept_size(hold->from);
    struct hold_copy *copy = busbar_alloc(sizeof(*copy) + path + value + who + from + 4);
    char *at = copy->texts;
    copy->view = *hold;
    copy->view.path = copy_text(&at, hold->path, path);
    copy->view.value = copy_text(&at, hold->value, value);
    copy->view.who = copy_text(&at, hold->who, who);
    copy->view.from = copy_text(&at, hold->from, from);
    copy->view.failures = 0;
    copy->view.next_try_us = 0;
    copy->view.trouble = "";
    return copy;
}

void hold_copy_free(struct hold_copy *copy)
{
    busbar_free(copy);
}

/* ---- the list ---- */

static int compare(const struct host_hold *hold, const char *path, uint8_t priority)
{
    int order = strcmp(hold->path, path);
    return order != 0 ? order : (int)hold->priority - (int)priority;
}

/* The place of the first that is not before the key. */
static size_t place_of(const struct holds *holds, const char *path, uint8_t priority)
{
    size_t low = 0, high = holds->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&holds->list[middle]->view, path, priority) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct hold *find(const struct holds *holds, const char *path, uint8_t priority)
{
    size_t at = place_of(holds, path, priority);
    return at < holds->count && compare(&holds->list[at]->view, path, priority) == 0
               ? holds->list[at]
               : NULL;
}

bool holds_have_room(const struct holds *holds, const char *path, uint8_t priority)
{
    return holds->count < HOST_HOLDS_MAX || find(holds, path, priority) != NULL;
}

static struct hold *insert(struct holds *holds, const char *path, uint8_t priority)
{
    size_t at = place_of(holds, path, priority);
    if (holds->count == holds->capacity) {
        holds->capacity = holds->capacity > 0 ? 2 * holds->capacity : 64;
        holds->list = busbar_realloc(holds->list, holds->capacity * sizeof(struct hold *));
    }
    memmove(&holds->list[at + 1], &holds->list[at], (holds->count - at) * sizeof(struct hold *));
    holds->count++;
    holds->list[at] = busbar_alloc(sizeof(struct hold));
    return holds->list[at];
}

static void leave_queue(struct holds *holds, struct hold *hold)
{
    if (heap_holds(&hold->due)) {
        heap_remove(&holds->due, &hold->due);
    }
}

static void take_out(struct holds *holds, struct hold *hold)
{
    size_t at = place_of(holds, hold->view.path, hold->view.priority);
    assert(holds->list[at] == hold);
    leave_queue(holds, hold);
    holds->count--;
    memmove(&holds->list[at], &holds->list[at + 1], (holds->count - at) * sizeof(struct hold *));
    hold_free(hold);
}

/* ---- time ---- */

static void arm(struct holds *holds)
{
    const struct heap_node *first = heap_first(&holds->due);
    int64_t most_us = HOLDS_LOOK_MS * CLOCK_US_PER_MS;
    if (holds->stopped || first == NULL || holds->releasing >= HOLDS_RELEASES_MAX) {
        timer_stop(&holds->timer);
        return;
    }
    int64_t wait_us = heap_entry(first, const struct hold, due)->try_us - clock_wall_us();
    wait_us = wait_us < most_us ? wait_us : most_us;
    timer_start_us(&holds->timer, wait_us > 0 ? wait_us : 0, 0);
}

static void plan(struct holds *holds, struct hold *hold, int64_t try_us)
{
    leave_queue(holds, hold);
    hold->try_us = try_us;
    if (hold->view.until_us != 0 && !hold->releasing) {
        heap_insert(&holds->due, &hold->due);
    }
    arm(holds);
}

/* ---- what the host notes ---- */

/* The hold of this key says from now on what `copy` says. */
static struct hold *put(struct holds *holds, struct hold_copy *copy)
{
    struct hold *hold = find(holds, copy->view.path, copy->view.priority);
    hold = hold != NULL ? hold : insert(holds, copy->view.path, copy->view.priority);
    hold->own = copy;
    hold->view = copy->view;
    hold->version = ++holds->versions;
    hold->trouble[0] = '\0';
    plan(holds, hold, hold->view.until_us);
    return hold;
}

static bool save(struct holds *holds, const struct host_hold *hold,
                 void (*saved)(void *ctx, int error), void *saved_ctx)
{
    const struct host_config *config = &holds->host->config;
    if (config->holds.save == NULL) {
        return false;
    }
    config->holds.save(config->ctx, hold, saved, saved_ctx);
    return true;
}

static void forget(struct holds *holds, const char *path, uint8_t priority)
{
    const struct host_config *config = &holds->host->config;
    if (config->holds.remove != NULL) {
        config->holds.remove(config->ctx, path, priority);
    }
}

bool holds_note(struct holds *holds, const struct host_hold *hold, struct hold_copy **before,
                void (*saved)(void *ctx, int error), void *saved_ctx)
{
    struct hold *old = find(holds, hold->path, hold->priority);
    struct hold_copy *left = old != NULL ? old->own : NULL;
    struct hold *now = put(holds, copy_of(hold));
    if (before != NULL) {
        *before = left;
    } else {
        hold_copy_free(left);
    }
    return save(holds, &now->view, saved, saved_ctx);
}

void holds_put_back(struct holds *holds, const char *path, uint8_t priority,
                    struct hold_copy *before)
{
    struct hold *now = find(holds, path, priority);
    if (before != NULL) {
        struct hold_copy *left = now != NULL ? now->own : NULL;
        now = put(holds, before);
        hold_copy_free(left);
        (void)save(holds, &now->view, NULL, NULL);
    } else if (now != NULL) {
        forget(holds, path, priority);
        take_out(holds, now);
    }
}

uint64_t holds_version(const struct holds *holds, const char *path, uint8_t priority)
{
    const struct hold *hold = find(holds, path, priority);
    return hold != NULL ? hold->version : 0;
}

void holds_released(struct holds *holds, const char *path, uint8_t priority, uint64_t version)
{
    struct hold *hold = find(holds, path, priority);
    if (hold != NULL && hold->version == version) {
        forget(holds, path, priority);
        take_out(holds, hold);
        arm(holds);
    }
}

/* ---- releasing ---- */

/* One that is under way; its hold may go or change meanwhile. */
struct release {
    struct holds *holds;
    struct hold_copy *hold;
    uint64_t version;
};

static void retry_later(struct holds *holds, struct hold *hold, const char *why)
{
    uint32_t doublings = hold->view.failures;
    int64_t wait_s = doublings < HOLDS_RETRY_DOUBLINGS ? (int64_t)HOLDS_RETRY_MIN_S << doublings
                                                       : HOLDS_RETRY_MAX_S;
    wait_s = wait_s < HOLDS_RETRY_MAX_S ? wait_s : HOLDS_RETRY_MAX_S;
    hold->view.failures++;
    str_copy(hold->trouble, sizeof(hold->trouble), why);
    hold->view.trouble = hold->trouble;
    hold->view.next_try_us = clock_wall_us() + wait_s * CLOCK_US_PER_S;
    if (hold->view.failures == 1) {
        busbar_log(LOG_LEVEL_WARN, "driver", hold->view.path,
                   "not released yet at priority %u: %s; trying on", hold->view.priority, why);
    }
    plan(holds, hold, hold->view.next_try_us);
}

static void tell(struct holds *holds, const struct host_hold *hold, int error, const char *result)
{
    const struct host_config *config = &holds->host->config;
    if (config->holds.released != NULL) {
        config->holds.released(config->ctx, hold, error, result);
    }
}

/* Failures are told once, the rest is in the hold itself. */
static void release_done(void *ctx, const struct host_write_result *result)
{
    struct release *release = ctx;
    struct holds *holds = release->holds;
    const struct host_hold *was = &release->hold->view;
    struct hold *hold = find(holds, was->path, was->priority);
    bool same = hold != NULL && hold->version == release->version;
    holds->releasing--;
    if (hold != NULL) {
        hold->releasing = false;
    }
    if (result->taken) {
        tell(holds, was, 0, result->message);
    } else if (same && !holds->stopped) {
        if (hold->view.failures == 0) {
            tell(holds, was, result->error, result->message);
        }
        retry_later(holds, hold, result->message);
    }
    if (hold != NULL && !same) { /* noted anew meanwhile: its own end counts */
        plan(holds, hold, hold->view.until_us);
    }
    hold_copy_free(release->hold);
    busbar_free(release);
    if (!holds->stopped) {
        loop_defer(holds->host->config.loop, &holds->again);
    }
}

static void release(struct holds *holds, struct hold *hold)
{
    const struct host_config *config = &holds->host->config;
    struct point *pt = config->holds.point != NULL
                           ? config->holds.point(config->ctx, hold->view.path)
                           : NULL;
    struct err err = { 0 };
    if (pt == NULL || pt->device->host == NULL) {
        retry_later(holds, hold, "there is no such point in the configuration any more");
        return;
    }
    struct host_write_how how = { .priority = hold->view.priority,
                                  .release = true,
                                  .who = "busbar" };
    struct release *release = busbar_alloc(sizeof(*release));
    release->holds = holds;
    release->hold = copy_of(&hold->view);
    release->version = hold->version;
    hold->releasing = true;
    holds->releasing++;
    int error = host_write(holds->host, pt, VALUE_NONE, (union value){ 0 }, &how,
                           HOLDS_TIMEOUT_MS * CLOCK_US_PER_MS, release_done, release, &err);
    if (error != 0) {
        hold->releasing = false;
        holds->releasing--;
        hold_copy_free(release->hold);
        busbar_free(release);
        retry_later(holds, hold, err.message);
    }
}

/* Begins what is due. */
static void look(struct holds *holds)
{
    int64_t now_us = clock_wall_us();
    for (;;) {
        struct heap_node *first = heap_first(&holds->due);
        if (holds->stopped || first == NULL || holds->releasing >= HOLDS_RELEASES_MAX) {
            break;
        }
        struct hold *hold = heap_entry(first, struct hold, due);
        if (hold->try_us > now_us) {
            break;
        }
        heap_remove(&holds->due, first);
        release(holds, hold);
    }
    arm(holds);
}

void holds_device_up(struct holds *holds, const struct device *dev)
{
    char path[DEVICE_NAME_MAX + 2];
    int64_t now_us = clock_wall_us();
    size_t size = str_format(path, sizeof(path), "%s/", dev->name);
    for (size_t i = place_of(holds, path, 0); i < holds->count; i++) {
        struct hold *hold = holds->list[i];
        if (strncmp(hold->view.path, path, size) != 0) {
            break;
        }
        if (heap_holds(&hold->due) && hold->view.failures > 0) {
            plan(holds, hold, now_us);
        }
    }
}

/* ---- for people ---- */

void host_holds(const struct host *host, const char *after_path, uint8_t after_priority,
                size_t limit, host_hold_cb cb, void *ctx)
{
    const struct holds *holds = host->holds;
    size_t at = after_path != NULL ? place_of(holds, after_path, after_priority) : 0;
    if (after_path != NULL && at < holds->count &&
        compare(&holds->list[at]->view, after_path, after_priority) == 0) {
        at++;
    }
    for (size_t given = 0; at < holds->count && given < limit; at++, given++) {
        cb(ctx, &holds->list[at]->view);
    }
}

void host_holds_of(const struct host *host, const char *path, host_hold_cb cb, void *ctx)
{
    const struct holds *holds = host->holds;
    for (size_t at = place_of(holds, path, 0);
         at < holds->count && strcmp(holds->list[at]->view.path, path) == 0; at++) {
        cb(ctx, &holds->list[at]->view);
    }
}

size_t host_hold_count(const struct host *host)
{
    return host->holds->count;
}

static int no_hold(struct err *err, const char *path, uint8_t priority)
{
    err_set(err, BUSBAR_ENOENT, "nobody holds '%s' at priority %u", path, priority);
    return err_hint(err, "busbar point list --manual lists what is held");
}

/* Nothing keeps holds: still not from inside the call. */
struct later {
    void (*saved)(void *ctx, int error);
    void *ctx;
};

static void tell_later(void *ctx)
{
    struct later *later = ctx;
    later->saved(later->ctx, 0);
    busbar_free(later);
}

int host_hold_extend(struct host *host, const char *path, uint8_t priority, int64_t for_us,
                     void (*saved)(void *ctx, int error), void *saved_ctx, struct err *err)
{
    struct holds *holds = host->holds;
    struct hold *hold = find(holds, path, priority);
    if (hold == NULL) {
        no_hold(err, path, priority);
        return BUSBAR_ENOENT;
    }
    if (for_us < 0 || for_us > HOST_HOLD_FOR_MAX_US) {
        return err_set(err, BUSBAR_ERANGE, "a hold lasts at most a year");
    }
    const struct host_config *config = &host->config;
    const struct point *pt = config->holds.point != NULL ? config->holds.point(config->ctx, path)
                                                         : NULL;
    int64_t most_us = pt != NULL ? pt->cls->write.max_time_us : 0;
    if (most_us > 0 && (for_us == 0 || for_us > most_us)) {
        char most[32];
        str_format_duration(most, sizeof(most), most_us);
        return err_set(err, BUSBAR_ERANGE,
                       "'%s' may be held for %s at most (max_time in its configuration)", path,
                       most);
    }
    struct host_hold longer = hold->view;
    longer.until_us = for_us > 0 ? clock_wall_us() + for_us : 0;
    if (!holds_note(holds, &longer, NULL, saved, saved_ctx) && saved != NULL) {
        struct later *later = busbar_alloc(sizeof(*later));
        *later = (struct later){ saved, saved_ctx };
        (void)loop_post(config->loop, tell_later, later);
    }
    return 0;
}

int host_hold_forget(struct host *host, const char *path, uint8_t priority)
{
    struct hold *hold = find(host->holds, path, priority);
    if (hold == NULL) {
        return BUSBAR_ENOENT;
    }
    forget(host->holds, path, priority);
    take_out(host->holds, hold);
    arm(host->holds);
    return 0;
}

int host_hold_restore(struct host *host, const struct host_hold *hold)
{
    struct holds *holds = host->holds;
    if (!holds_have_room(holds, hold->path, hold->priority)) {
        return BUSBAR_ELIMIT;
    }
    struct hold *old = find(holds, hold->path, hold->priority);
    struct hold_copy *left = old != NULL ? old->own : NULL;
    (void)put(holds, copy_of(hold));
    hold_copy_free(left);
    return 0;
}
