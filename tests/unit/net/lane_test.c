/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "net/loop.h"

enum { JOBS = 6 };

static struct {
    atomic_int running, most, let_go;
    int order[JOBS], errors[JOBS], done;
} seen;

static void work(void *ctx)
{
    (void)ctx;
    int now = atomic_fetch_add(&seen.running, 1) + 1;
    if (now > atomic_load(&seen.most)) {
        atomic_store(&seen.most, now);
    }
    while (atomic_load(&seen.let_go) == 0) {
        usleep(500);
    }
    atomic_fetch_sub(&seen.running, 1);
}

static void done(void *ctx, int error)
{
    seen.errors[seen.done] = error;
    seen.order[seen.done++] = (int)(intptr_t)ctx;
}

static void only_some_run_and_a_full_line_turns_away(void **state)
{
    struct loop *loop = loop_new();
    (void)state;
    seen.done = 0;
    atomic_store(&seen.let_go, 0);
    struct lane *lane = lane_new(loop, 2, 3);
    for (intptr_t i = 0; i < 5; i++) {
        assert_int_equal(lane_submit(lane, work, done, (void *)i), 0);
    }
    assert_int_equal(lane_submit(lane, work, done, (void *)5), BUSBAR_EBUSY);
    assert_int_equal(lane_running(lane), 2);
    assert_int_equal(lane_waiting(lane), 3);
    while (atomic_load(&seen.running) < 2) {
        usleep(500);
    }
    atomic_store(&seen.let_go, 1);
    while (seen.done < 5) {
        loop_turn(loop, true);
    }
    assert_int_equal(atomic_load(&seen.most), 2);
    assert_int_equal(lane_running(lane) + lane_waiting(lane), 0);
    assert_int_equal(lane_submit(lane, work, done, (void *)5), 0);
    jobs_drain(loop);
    assert_int_equal(seen.done, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(seen.errors[i], 0);
    }
    lane_free(lane);
    loop_free(loop);
}

static void what_waits_is_told_of_the_end(void **state)
{
    struct loop *loop = loop_new();
    (void)state;
    seen.done = 0;
    atomic_store(&seen.let_go, 0);
    struct lane *lane = lane_new(loop, 1, 5);
    for (intptr_t i = 0; i < 3; i++) {
        assert_int_equal(lane_submit(lane, work, done, (void *)i), 0);
    }
    lane_free(lane);
    assert_int_equal(seen.done, 2);
    assert_int_equal(seen.order[0], 1);
    assert_int_equal(seen.errors[0], BUSBAR_ECANCELED);
    atomic_store(&seen.let_go, 1);
    jobs_drain(loop);
    assert_int_equal(seen.done, 3);
    assert_int_equal(seen.errors[2], 0);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_some_run_and_a_full_line_turns_away),
        cmocka_unit_test(what_waits_is_told_of_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
