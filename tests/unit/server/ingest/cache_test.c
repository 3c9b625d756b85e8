/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and the cache against a plain array; memory that runs out. */
#include "rig.h"

#include "support/random.h"

static struct ingest_key key_of(const struct ingest_cache *cache, uint32_t number)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "series-%u", number);
    return ingest_key_add(cache, (struct ingest_key){ 1, 2 }, text, (size_t)size);
}

static void what_was_put_is_found(void **state)
{
    enum { COUNT = 200000 };
    struct ingest_cache cache;
    struct random random = { 31 };
    uint32_t *ids = calloc(COUNT, sizeof(*ids));
    (void)state;
    ingest_cache_init(&cache);
    for (uint32_t round = 0; round < 2; round++) { /* the second time they are replaced */
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t number = (uint32_t)random_below(&random, COUNT);
            ids[number] = 1 + (uint32_t)random_below(&random, HISTORY_SERIES_MAX);
            ingest_cache_put(&cache, key_of(&cache, number), ids[number]);
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(ingest_cache_find(&cache, key_of(&cache, i)), ids[i]);
        }
    }
    assert_true(cache.count < cache.mask);
    ingest_cache_clear(&cache);
    for (uint32_t i = 0; i < COUNT; i += 1000) {
        assert_int_equal(ingest_cache_find(&cache, key_of(&cache, i)), 0);
    }
    free(ids);
    ingest_cache_fini(&cache);
}

/* Every byte, the size and the parts' borders count; the seed differs from cache to cache. */
static void keys_differ_with_their_bytes(void **state)
{
    struct ingest_cache cache, other;
    const struct ingest_key start = { 5, 6 };
    char text[80];
    (void)state;
    ingest_cache_init(&cache);
    ingest_cache_init(&other);
    memset(text, 'a', sizeof(text));
    for (size_t size = 0; size < sizeof(text); size++) {
        struct bytes copy = bytes_dup(text, size);
        struct ingest_key key = ingest_key_add(&cache, start, (const char *)copy.start, size);
        bytes_fini(&copy);
        struct ingest_key longer = ingest_key_add(&cache, start, text, size + 1);
        assert_true(key.a != longer.a && key.b != longer.b);
        struct ingest_key foreign = ingest_key_add(&other, start, text, size);
        assert_true(key.a != foreign.a && key.b != foreign.b);
        for (size_t i = 0; i < size; i++) {
            text[i] ^= 1;
            struct ingest_key flipped = ingest_key_add(&cache, start, text, size);
            text[i] ^= 1;
            assert_true(key.a != flipped.a && key.b != flipped.b);
        }
    }
    struct ingest_key one = ingest_key_add(&cache, ingest_key_add(&cache, start, "ab", 2), "c", 1);
    struct ingest_key two = ingest_key_add(&cache, ingest_key_add(&cache, start, "a", 1), "bc", 2);
    assert_true(one.a != two.a && one.b != two.b);
    ingest_cache_fini(&cache);
    ingest_cache_fini(&other);
}

/* Each allocation fails once: an error or a smaller cache, nothing wrong and nothing lost. */
static void memory_runs_out(void **state)
{
    static const char text[] = "m,a=b f=1,g=\"x\" 1\nn f=2 1\n";
    struct rig rig;
    struct err err = { 0 };
    (void)state;
    rig_open(&rig);
    for (long n = 1; n <= 5; n++) {
        struct ingest_rows rows;
        alloc_fail_nth(n);
        assert_int_equal(ingest_rows_init(&rows, &rig.cache), BUSBAR_ENOMEM);
    }
    struct ingest_influx in;
    alloc_fail_nth(0);
    ingest_influx_begin(&in, &rig.rows, text, sizeof(text) - 1, 0);
    assert_false(ingest_influx_turn(&in, &rig.rows));
    ingest_rows_find(&rig.rows);
    alloc_fail_nth(1); /* the ids of the new series */
    assert_int_equal(ingest_rows_make(&rig.rows, rig_make, &rig, &err), BUSBAR_ENOMEM);
    alloc_fail_nth(0);
    assert_int_equal(ingest_rows_make(&rig.rows, rig_make, &rig, &err), 0);
    assert_int_equal(rig.rows.count, 3);
    for (uint32_t i = 0; i < 10000; i++) { /* growing fails: it starts anew */
        alloc_fail_nth(i % 2);
        ingest_cache_put(&rig.cache, key_of(&rig.cache, i), i + 1);
        assert_int_equal(ingest_cache_find(&rig.cache, key_of(&rig.cache, i)), i + 1);
    }
    alloc_fail_nth(0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found),
        cmocka_unit_test(keys_differ_with_their_bytes),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
