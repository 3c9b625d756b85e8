/* SPDX-License-Identifier: Apache-2.0 */
/* How long operations are kept: their number, their time, their end. */
#include "server/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/loop.h"

static size_t freed, orphans;

static void free_one(struct task *task)
{
    freed++;
    busbar_free(task);
}

static void take_orphan(struct task *task)
{
    orphans++;
    busbar_free(task);
}

struct rig {
    struct loop *loop;
    struct tasks tasks;
};

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    clock_fake_set(CLOCK_US_PER_S, 1000 * CLOCK_US_PER_S);
    freed = orphans = 0;
    rig->loop = loop_new();
    tasks_init(&rig->tasks, rig->loop, "walks", free_one);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    tasks_fini(&rig->tasks, take_orphan);
    loop_free(rig->loop);
    clock_fake_off();
    free(rig);
    return 0;
}

static struct task *add(struct rig *rig)
{
    struct err err = { 0 };
    assert_int_equal(tasks_room(&rig->tasks, &err), 0);
    struct task *task = busbar_alloc(sizeof(*task));
    tasks_add(&rig->tasks, task);
    return task;
}

static void one_that_ended_is_kept_some_minutes(void **state)
{
    struct rig *rig = *state;
    struct err err = { 0 };
    task_end(add(rig), 0, NULL);
    (void)add(rig);
    loop_advance_for_test(rig->loop, (TASK_KEPT_S - 20) * CLOCK_US_PER_S);
    assert_non_null(tasks_find(&rig->tasks, "1", &err));
    loop_advance_for_test(rig->loop, 60 * CLOCK_US_PER_S);
    assert_null(tasks_find(&rig->tasks, "1", &err));
    assert_int_equal(err.code, BUSBAR_ENOENT);
    assert_non_null(tasks_find(&rig->tasks, "2", &err));
    assert_int_equal(freed, 1);
}

static void there_is_room_only_beside_those_that_run(void **state)
{
    struct rig *rig = *state;
    struct err err = { 0 };
    struct task *third = NULL;
    for (int i = 0; i < TASKS_MAX; i++) {
        struct task *task = add(rig);
        third = i == 2 ? task : third;
    }
    assert_int_equal(tasks_room(&rig->tasks, &err), BUSBAR_EBUSY);
    assert_non_null(strstr(err.message, "walks"));
    task_end(third, BUSBAR_ETIMEOUT, NULL);
    assert_ptr_equal(tasks_oldest_ended(&rig->tasks), third);
    assert_int_equal(tasks_room(&rig->tasks, &err), 0);
    assert_int_equal(freed, 1);
    assert_null(tasks_oldest_ended(&rig->tasks));
}

static void what_is_asked_for_stays(void **state)
{
    struct rig *rig = *state;
    struct err err = { 0 };
    struct task *first = add(rig), *second = add(rig);
    task_end(first, 0, NULL);
    task_end(second, 0, NULL);
    assert_ptr_equal(tasks_oldest_ended(&rig->tasks), first);
    assert_ptr_equal(tasks_find(&rig->tasks, "1", &err), first);
    assert_ptr_equal(tasks_oldest_ended(&rig->tasks), second);
}

static void ids_are_never_given_again(void **state)
{
    struct rig *rig = *state;
    struct err err = { 0 };
    struct task *first = add(rig);
    task_end(first, 0, NULL);
    tasks_drop(&rig->tasks, first);
    assert_int_equal(add(rig)->id, 2);
    assert_null(tasks_find(&rig->tasks, "1", &err));
    assert_null(tasks_find(&rig->tasks, "x", &err));
    assert_null(tasks_find(&rig->tasks, "4294967298", &err));
}

static void its_end_says_why(void **state)
{
    static const struct {
        int error;
        const char *message, *state, *told;
    } rows[] = {
        { 0, NULL, "\"state\":\"done\"", "\"message\":\"\"" },
        { 0, "one net", "\"state\":\"done\"", "\"message\":\"one net\"" },
        { BUSBAR_ECANCELED, "", "\"state\":\"stopped\"", "\"message\":\"\"" },
        { BUSBAR_ETIMEOUT, NULL, "\"state\":\"failed\"", "\"message\":\"no answer in time\"" },
        { BUSBAR_EREFUSED, "no", "\"code\":\"EREFUSED\"", "\"message\":\"no\"" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct task *task = add(*state);
        struct buf out;
        buf_init(&out, 4096);
        struct json_writer json = json_writer(&out);
        task_end(task, rows[i].error, rows[i].message);
        json_begin_object(&json);
        task_put(task, &json);
        json_end_object(&json);
        assert_non_null(strstr(buf_text(&out), rows[i].state));
        assert_non_null(strstr(buf_text(&out), rows[i].told));
        assert_null(strstr(buf_text(&out), "\"ended\":null"));
        buf_fini(&out);
    }
}

static void at_the_end_those_that_run_are_handed_over(void **state)
{
    struct rig *rig = *state;
    task_end(add(rig), 0, NULL);
    (void)add(rig);
    (void)add(rig);
    tasks_fini(&rig->tasks, take_orphan);
    assert_int_equal(freed, 1);
    assert_int_equal(orphans, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(one_that_ended_is_kept_some_minutes),
        TEST(there_is_room_only_beside_those_that_run),
        TEST(what_is_asked_for_stays),
        TEST(ids_are_never_given_again),
        TEST(its_end_says_why),
        TEST(at_the_end_those_that_run_are_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
