/* SPDX-License-Identifier: Apache-2.0 */
/* Against a naive twin: an array indexed by the key's number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/map.h"

enum { KEYS = 300, ROUNDS = 30000 };

static char names[KEYS][24];
static int values[KEYS];

static void name_keys(void)
{
    for (int i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof(names[i]), "point-%d", i);
    }
}

static void check_walk(const struct map *map, void *const *twin)
{
    size_t at = 0;
    size_t count = 0;
    const char *key;
    void *value;
    while (map_next(map, &at, &key, &value)) {
        int index = (int)((int *)value - values);
        assert_ptr_equal(twin[index], value);
        assert_string_equal(key, names[index]);
        count++;
    }
    assert_int_equal(count, map->count);
}

static void random_operations_match_the_naive_twin(void **state)
{
    (void)state;
    struct map map;
    void *twin[KEYS] = { 0 };
    size_t count = 0;
    uint64_t seed = 7;
    name_keys();
    map_init(&map);
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = hash_random(&seed) % KEYS;
        if (hash_random(&seed) % 2 == 0) {
            assert_ptr_equal(map_set(&map, names[i], &values[i]), twin[i]);
            count += twin[i] == NULL;
            twin[i] = &values[i];
        } else {
            assert_ptr_equal(map_remove(&map, names[i]), twin[i]);
            count -= twin[i] != NULL;
            twin[i] = NULL;
        }
        size_t other = hash_random(&seed) % KEYS;
        assert_ptr_equal(map_get(&map, names[other]), twin[other]);
        assert_int_equal(map.count, count);
        if (round % 1000 == 0) {
            check_walk(&map, twin);
        }
    }
    map_fini(&map);
    assert_null(map_get(&map, "point-1"));
}

static void a_key_may_be_part_of_a_text(void **state)
{
    (void)state;
    struct map map = { 0 };
    int a = 1;
    int b = 2;
    map_set(&map, "ahu", &a);
    map_set(&map, "ahu-1", &b);
    assert_ptr_equal(map_get_n(&map, "ahu-1/supply", 5), &b);
    assert_ptr_equal(map_get_n(&map, "ahu-1/supply", 3), &a);
    assert_null(map_get_n(&map, "ahu-1/supply", 4));
    assert_null(map_get(&map, ""));
    map_fini(&map);
}

static void room_is_made_in_one_step(void **state)
{
    (void)state;
    struct map map = { 0 };
    map_reserve(&map, 1000);
    size_t capacity = map.capacity;
    name_keys();
    for (size_t i = 0; i < KEYS; i++) {
        map_set(&map, names[i], &values[i]);
    }
    assert_int_equal(map.capacity, capacity);
    assert_true(capacity >= 1024);
    map_fini(&map);
}

static void numbers_match_the_naive_twin(void **state)
{
    (void)state;
    struct map64 map;
    void *twin[KEYS] = { 0 };
    uint64_t seed = 9;
    map64_init(&map);
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = hash_random(&seed) % KEYS;
        uint64_t key = i * UINT64_C(0x100000000);
        if (hash_random(&seed) % 2 == 0) {
            assert_ptr_equal(map64_set(&map, key, &values[i]), twin[i]);
            twin[i] = &values[i];
        } else {
            assert_ptr_equal(map64_remove(&map, key), twin[i]);
            twin[i] = NULL;
        }
        size_t other = hash_random(&seed) % KEYS;
        assert_ptr_equal(map64_get(&map, other * UINT64_C(0x100000000)), twin[other]);
    }
    size_t at = 0;
    size_t count = 0;
    uint64_t key;
    void *value;
    while (map64_next(&map, &at, &key, &value)) {
        assert_ptr_equal(twin[key >> 32], value);
        count++;
    }
    assert_int_equal(count, map.count);
    map64_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_match_the_naive_twin),
        cmocka_unit_test(a_key_may_be_part_of_a_text),
        cmocka_unit_test(room_is_made_in_one_step),
        cmocka_unit_test(numbers_match_the_naive_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
