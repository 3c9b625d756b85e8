/* SPDX-License-Identifier: Apache-2.0 */
/* Changes go to the disk in the order they came, off the loop: what comes while a job runs waits for
 * the next one. */
#include "app/holds.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "net/jobs.h"

enum change_kind { CHANGE_SAVE, CHANGE_REMOVE, CHANGE_JOURNAL };

struct change {
    struct list link;
    enum change_kind kind;
    struct state_hold hold; /* texts are ours */
    char *path, *value, *who, *from, *result;
    int error;
    void (*saved)(void *ctx, int error);
    void *saved_ctx;
};

struct holds_keeper {
    struct gateway *gw;
    struct list waiting, working;
    bool busy; /* a job has `working` */
};

static void change_free(struct change *change)
{
    busbar_free(change->path);
    busbar_free(change->value);
    busbar_free(change->who);
    busbar_free(change->from);
    busbar_free(change->result);
    busbar_free(change);
}

/* ---- the job ---- */

static int note(struct state *state, const struct change *change)
{
    char what[64];
    str_format(what, sizeof what, "release at priority %u", change->hold.priority);
    struct state_entry entry = { .time_us = clock_wall_us(),
                                 .who = "busbar",
                                 .from = "",
                                 .what = "release",
                                 .path = change->path,
                                 .old_value = change->value,
                                 .new_value = what,
                                 .result = change->result };
    return state_journal_add(state, &entry, 1);
}

static void work(void *ctx)
{
    struct holds_keeper *keeper = ctx;
    struct state *state = keeper->gw->state;
    list_each(at, &keeper->working) {
        struct change *change = list_entry(at, struct change, link);
        switch (change->kind) {
        case CHANGE_SAVE: change->error = state_hold_set(state, &change->hold); break;
        case CHANGE_REMOVE:
            change->error = state_hold_remove(state, change->path, change->hold.priority);
            break;
        default: change->error = note(state, change); break;
        }
    }
}

static void begin(struct holds_keeper *keeper);

static void worked(void *ctx, int error)
{
    struct holds_keeper *keeper = ctx;
    struct list done;
    list_init(&done);
    list_move_all(&done, &keeper->working);
    keeper->busy = false;
    while (!list_empty(&done)) {
        struct change *change = list_entry(list_shift(&done), struct change, link);
        change->error = error != 0 ? error : change->error;
        if (change->error != 0) {
            busbar_log(LOG_LEVEL_ERROR, "state", change->path, "a hold could not be kept: %s",
                       err_text(change->error));
        }
        if (change->saved != NULL) {
            change->saved(change->saved_ctx, change->error);
        }
        change_free(change);
    }
    begin(keeper);
}

static void begin(struct holds_keeper *keeper)
{
    if (!keeper->busy && !list_empty(&keeper->waiting)) {
        keeper->busy = true;
        list_move_all(&keeper->working, &keeper->waiting);
        jobs_submit(keeper->gw->loop, work, worked, keeper);
    }
}

/* ---- what the host asks ---- */

static struct holds_keeper *keeper_of(struct gateway *gw)
{
    if (gw->holds == NULL) {
        gw->holds = busbar_alloc(sizeof *gw->holds);
        gw->holds->gw = gw;
        list_init(&gw->holds->waiting);
        list_init(&gw->holds->working);
    }
    return gw->holds;
}

static struct change *change_new(enum change_kind kind, const struct host_hold *hold)
{
    struct change *change = busbar_alloc(sizeof *change);
    change->kind = kind;
    change->path = busbar_strdup(hold->path);
    change->value = busbar_strdup(hold->value);
    change->who = busbar_strdup(hold->who);
    change->from = busbar_strdup(hold->from);
    change->hold = (struct state_hold){ .path = change->path,
                                        .priority = hold->priority,
                                        .value = change->value,
                                        .who = change->who,
                                        .from = change->from,
                                        .since_us = hold->since_us,
                                        .until_us = hold->until_us };
    return change;
}

static void submit(struct gateway *gw, struct change *change)
{
    struct holds_keeper *keeper = keeper_of(gw);
    list_append(&keeper->waiting, &change->link);
    begin(keeper);
}

static void save(void *ctx, const struct host_hold *hold, void (*saved)(void *ctx, int error),
                 void *saved_ctx)
{
    struct change *change = change_new(CHANGE_SAVE, hold);
    change->saved = saved;
    change->saved_ctx = saved_ctx;
    submit(ctx, change);
}

static void remove_hold(void *ctx, const char *path, uint8_t priority)
{
    struct host_hold hold = { .path = path, .priority = priority };
    submit(ctx, change_new(CHANGE_REMOVE, &hold));
}

static struct point *find_point(void *ctx, const char *path)
{
    const struct gateway *gw = ctx;
    return registry_point(gw->registry, path);
}

static void released(void *ctx, const struct host_hold *hold, int error, const char *result)
{
    struct change *change = change_new(CHANGE_JOURNAL, hold);
    (void)error;
    change->result = busbar_strdup(result);
    submit(ctx, change);
}

struct host_hold_store holds_store(void)
{
    return (struct host_hold_store){
        .save = save, .remove = remove_hold, .point = find_point, .released = released
    };
}

static void loaded(void *ctx, const struct state_hold *hold)
{
    const struct gateway *gw = ctx;
    struct host_hold own = { .path = hold->path,
                             .priority = hold->priority,
                             .value = hold->value,
                             .who = hold->who,
                             .from = hold->from,
                             .since_us = hold->since_us,
                             .until_us = hold->until_us };
    if (host_hold_restore(gw->host, &own) != 0) {
        busbar_log(LOG_LEVEL_WARN, "state", hold->path, "too many holds: this one is forgotten");
    }
}

int holds_load(struct gateway *gw, struct err *err)
{
    char reason[256];
    int error = state_holds(gw->state, loaded, gw);
    if (error != 0) {
        state_reason(gw->state, reason, sizeof reason);
        err_set(err, error, "what is held cannot be read: %s", reason);
    }
    return error;
}

void holds_keeper_free(struct holds_keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    list_move_all(&keeper->waiting, &keeper->working);
    while (!list_empty(&keeper->waiting)) {
        change_free(list_entry(list_shift(&keeper->waiting), struct change, link));
    }
    busbar_free(keeper);
}
