/* SPDX-License-Identifier: Apache-2.0 */
/* Work off the loop, the result on it, and none lost when the loop ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "net/jobs.h"
#include "net/loop.h"
#include "support/wait.h"

enum { JOBS = 50 };

struct job {
    pthread_t worker;
    int result;
    int *done;
};

static void work(void *ctx)
{
    struct job *job = ctx;
    job->worker = pthread_self();
    job->result = 42;
    usleep(100);
}

static void done(void *ctx, int error)
{
    struct job *job = ctx;
    assert_int_equal(error, 0);
    assert_int_equal(job->result, 42);
    assert_false(pthread_equal(job->worker, pthread_self()));
    (*job->done)++;
}

static void results_come_back_on_the_loop(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct job jobs[JOBS];
    int count = 0;
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].done = &count;
        jobs_submit(loop, work, done, &jobs[i]);
    }
    assert_int_equal(count, 0);
    wait_for(loop, &count, JOBS);
    loop_free(loop);
}

static void the_end_waits_for_running_jobs(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    static struct job jobs[JOBS];
    int count = 0;
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].done = &count;
        jobs_submit(loop, work, done, &jobs[i]);
    }
    loop_free(loop);
    assert_int_equal(count, JOBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_back_on_the_loop),
        cmocka_unit_test(the_end_waits_for_running_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
