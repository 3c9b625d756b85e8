/* SPDX-License-Identifier: Apache-2.0 */
#include "server/task.h"

#include <assert.h>

#include "base/clock.h"
#include "base/str.h"

enum { SWEEP_MS = 10000 };

static struct task *task_of(struct list *link)
{
    return list_entry(link, struct task, link);
}

static void on_sweep(struct timer *timer, void *ctx)
{
    struct tasks *tasks = ctx;
    int64_t before_us = clock_mono_us() - TASK_KEPT_S * CLOCK_US_PER_S;
    (void)timer;
    list_each_safe(at, &tasks->all) {
        struct task *task = task_of(at);
        if (task->state != TASK_RUNNING && task->ended_mono_us < before_us) {
            tasks_drop(tasks, task);
        }
    }
}

void tasks_init(struct tasks *tasks, struct loop *loop, const char *what,
                void (*free_one)(struct task *task))
{
    *tasks = (struct tasks){ .what = what, .free_one = free_one };
    list_init(&tasks->all);
    timer_init(&tasks->sweep, loop, on_sweep, tasks);
    timer_start(&tasks->sweep, SWEEP_MS, SWEEP_MS);
}

void tasks_fini(struct tasks *tasks, void (*orphan)(struct task *task))
{
    struct list *at;
    timer_stop(&tasks->sweep);
    while ((at = list_shift(&tasks->all)) != NULL) {
        struct task *task = task_of(at);
        if (task->state == TASK_RUNNING) {
            orphan(task);
        } else {
            tasks->free_one(task);
        }
    }
    tasks->count = 0;
}

struct task *tasks_oldest_ended(const struct tasks *tasks)
{
    list_each(at, &tasks->all) {
        if (task_of(at)->state != TASK_RUNNING) {
            return task_of(at);
        }
    }
    return NULL;
}

int tasks_room(struct tasks *tasks, struct err *err)
{
    if (tasks->count < TASKS_MAX) {
        return 0;
    }
    struct task *oldest = tasks_oldest_ended(tasks);
    if (oldest == NULL) {
        err_set(err, BUSBAR_EBUSY, "%d %s are running already", TASKS_MAX, tasks->what);
        return err_hint(err, "wait for one to end, or stop one: DELETE /api/v1/%s/ID", tasks->what);
    }
    tasks_drop(tasks, oldest);
    return 0;
}

void tasks_add(struct tasks *tasks, struct task *task)
{
    assert(tasks->count < TASKS_MAX);
    task->id = ++tasks->last_id;
    task->state = TASK_RUNNING;
    task->began_us = clock_wall_us();
    list_append(&tasks->all, &task->link);
    tasks->count++;
}

void tasks_drop(struct tasks *tasks, struct task *task)
{
    assert(task->state != TASK_RUNNING);
    list_remove(&task->link);
    tasks->count--;
    tasks->free_one(task);
}

struct task *tasks_find(struct tasks *tasks, const char *id, struct err *err)
{
    int64_t number = 0;
    if (str_parse_i64(id, &number) == 0) {
        list_each(at, &tasks->all) {
            if (task_of(at)->id == number) {
                struct task *task = task_of(at);
                list_remove(&task->link);
                list_append(&tasks->all, &task->link);
                return task;
            }
        }
    }
    err_set(err, BUSBAR_ENOENT, "no '%s' among the %s", id, tasks->what);
    err_hint(err, "one that has ended is kept %d minutes, and the last %d: begin it again",
             TASK_KEPT_S / 60, TASKS_MAX);
    return NULL;
}

void task_end(struct task *task, int error, const char *message)
{
    task->state = error == 0 ? TASK_DONE : error == BUSBAR_ECANCELED ? TASK_STOPPED : TASK_FAILED;
    task->error = error;
    task->ended_us = clock_wall_us();
    task->ended_mono_us = clock_mono_us();
    if (message != NULL && message[0] != '\0') {
        str_copy(task->message, sizeof(task->message), message);
    } else if (task->state == TASK_FAILED) {
        str_copy(task->message, sizeof(task->message), err_text(error));
    }
}

void task_put(const struct task *task, struct json_writer *json)
{
    static const char *const words[] = { "running", "done", "failed", "stopped" };
    json_put_u64(json, "id", task->id);
    json_put_string(json, "state", words[task->state]);
    json_put_u64(json, "done", task->done);
    json_put_u64(json, "total", task->total);
    json_put_string(json, "code", task->state == TASK_FAILED ? err_name(task->error) : "");
    json_put_string(json, "message", task->message);
    json_put_time(json, "began", task->began_us);
    if (task->state == TASK_RUNNING) {
        json_put_null(json, "ended");
    } else {
        json_put_time(json, "ended", task->ended_us);
    }
}
