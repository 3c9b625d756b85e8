/* SPDX-License-Identifier: Apache-2.0 */
/* Long operations as resources: POST begins one and answers 202 with its id, GET looks at it, DELETE
 * stops it, or forgets it when it has ended. So no request waits for minutes, and who began one may
 * go and look at it from elsewhere.
 *
 *   running --+--> done        it came to its end
 *             +--> failed      it could not; `message` says why and what to do
 *             +--> stopped     by DELETE, or by a stop of busbar
 *
 * A list holds those of one kind, TASKS_MAX at most: of those that have ended a new one takes the place
 * of the one that nobody asked for longest. One that ended is kept TASK_KEPT_S. Embedded by its owner; loop thread only. */
#ifndef BUSBAR_SERVER_TASK_H
#define BUSBAR_SERVER_TASK_H

#include "base/json.h"
#include "base/list.h"
#include "net/timer.h"

enum { TASKS_MAX = 16, TASK_KEPT_S = 600, TASK_MESSAGE_MAX = 480 };

enum task_state { TASK_RUNNING, TASK_DONE, TASK_FAILED, TASK_STOPPED };

struct task {
    struct list link; /* tasks->all, the one asked for last at the end */
    uint32_t id;      /* 1, 2 ...; never given again */
    enum task_state state;
    uint64_t done, total; /* total 0: not known */
    int error;
    char message[TASK_MESSAGE_MAX];
    int64_t began_us, ended_us; /* wall clock */
    int64_t ended_mono_us;
};

struct tasks {
    struct list all;
    size_t count;
    uint32_t last_id;
    const char *what; /* "discoveries", for errors */
    void (*free_one)(struct task *task);
    struct timer sweep;
};

/* free_one: frees one that is not running; it is in no list any more. */
void tasks_init(struct tasks *tasks, struct loop *loop, const char *what,
                void (*free_one)(struct task *task));
/* Frees those that have ended and takes the others out, for their owner to stop: each is given to
 * `orphan`, which frees it when it ends. */
void tasks_fini(struct tasks *tasks, void (*orphan)(struct task *task));

/* Room for one more: BUSBAR_EBUSY when all run. */
int tasks_room(struct tasks *tasks, struct err *err);
/* Adds a running one and gives it its id; there must be room. */
void tasks_add(struct tasks *tasks, struct task *task);
/* Takes out and frees one that has ended. */
void tasks_drop(struct tasks *tasks, struct task *task);
/* Of those that have ended, the one asked for longest ago; NULL: none. */
struct task *tasks_oldest_ended(const struct tasks *tasks);
/* The one that a path's {id} names. NULL with err when there is none (any more). */
struct task *tasks_find(struct tasks *tasks, const char *id, struct err *err);

/* error 0: done; BUSBAR_ECANCELED: stopped; else failed. message may be NULL. */
void task_end(struct task *task, int error, const char *message);
/* "id", "state", "done", "total", "message", "began", "ended" into the object that is open. */
void task_put(const struct task *task, struct json_writer *json);

#endif
