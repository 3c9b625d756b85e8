/* SPDX-License-Identifier: Apache-2.0 */
#include "history/postings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"

enum { TWIN_MAX = 300000 };

struct walk {
    const bool *twin;
    uint32_t next;
    size_t seen;
};

static bool step(void *ctx, uint32_t number)
{
    struct walk *walk = ctx;
    assert_true(number >= walk->next && number < TWIN_MAX && walk->twin[number]);
    walk->next = number + 1;
    walk->seen++;
    return true;
}

static void compare(const struct postings *set, const bool *twin)
{
    struct walk walk = { .twin = twin };
    size_t count = 0;
    for (uint32_t i = 0; i < TWIN_MAX; i++) {
        count += twin[i];
    }
    postings_each(set, step, &walk);
    assert_int_equal(walk.seen, count);
    assert_int_equal(set->count, count);
}

/* Runs, lists, bitmaps and all the ways between them, beside an array of bools. */
static void random_against_a_twin(void **state)
{
    (void)state;
    static bool twin[TWIN_MAX];
    uint64_t seed = 1;
    for (int round = 0; round < 30; round++) {
        struct postings set = { 0 };
        memset(twin, 0, sizeof(twin));
        uint32_t span = round % 3 == 0 ? 5000 : round % 3 == 1 ? 70000 : TWIN_MAX;
        for (int step_count = 0; step_count < 60; step_count++) {
            bool add = hash_random(&seed) % 5 < 3;
            uint32_t at = (uint32_t)(hash_random(&seed) % span);
            uint32_t stride = hash_random(&seed) % 3 == 0 ? 1
                                                          : 1 + (uint32_t)(hash_random(&seed) % 50);
            uint32_t length = (uint32_t)(hash_random(&seed) % 3000);
            for (uint32_t i = 0; i < length && at < span; i++, at += stride) {
                if (add) {
                    assert_int_equal(postings_add(&set, at), 0);
                } else {
                    postings_remove(&set, at);
                }
                twin[at] = add;
            }
            uint32_t probe = (uint32_t)(hash_random(&seed) % span);
            assert_int_equal(postings_holds(&set, probe), twin[probe]);
        }
        compare(&set, twin);
        for (uint32_t i = 0; i < span; i++) {
            postings_remove(&set, (i * 7919) % span);
        }
        for (uint32_t i = 0; i < span; i++) {
            postings_remove(&set, i);
        }
        assert_int_equal(set.count, 0);
        assert_null(set.containers);
        postings_fini(&set);
    }
}

static void a_run_takes_no_memory(void **state)
{
    (void)state;
    struct postings set = { 0 };
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(postings_add(&set, 500 + i), 0);
    }
    assert_int_equal(postings_add(&set, 499), 0);
    assert_int_equal(postings_bytes(&set), 0);
    postings_remove(&set, 499);
    postings_remove(&set, 1499);
    assert_int_equal(postings_bytes(&set), 0);
    assert_int_equal(set.count, 999);
    assert_true(postings_holds(&set, 500) && !postings_holds(&set, 499));
    postings_fini(&set);
}

/* Whichever allocation fails, the set is as before. */
static void out_of_memory(void **state)
{
    (void)state;
    static bool twin[TWIN_MAX];
    struct postings set = { 0 };
    long failures = 0;
    memset(twin, 0, sizeof(twin));
    for (uint32_t i = 0; i < 140000; i += i < 20000 ? 2 : i < 70000 ? 1 : 3) {
        alloc_fail_nth(1);
        int error = postings_add(&set, i);
        alloc_fail_nth(0);
        if (error != 0) {
            assert_int_equal(error, BUSBAR_ENOMEM);
            assert_false(postings_holds(&set, i));
            failures++;
            assert_int_equal(postings_add(&set, i), 0);
        }
        twin[i] = true;
    }
    assert_true(failures > 10);
    compare(&set, twin);
    postings_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_against_a_twin),
        cmocka_unit_test(a_run_takes_no_memory),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
