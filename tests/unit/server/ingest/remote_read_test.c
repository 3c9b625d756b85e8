/* SPDX-License-Identifier: Apache-2.0 */
/* Remote read's messages: questions as Prometheus asks them, broken ones, limits, and the answer's bytes. */
#include "rig.h"

#include "server/ingest/remote_read.h"
#include "support/random.h"

/* start 5, end 9, a=~"b.*", hints; accepted types 1, 0 */
static const uint8_t question[] = { 0x0a, 0x16, 0x08, 0x05, 0x10, 0x09, 0x1a, 0x0a, 0x08, 0x02,
                                    0x12, 0x01, 'a',  0x1a, 0x03, 'b',  '.',  '*',  0x22, 0x04,
                                    0x08, 0x01, 0x12, 0x00, 0x12, 0x02, 0x01, 0x00 };

static int get(const void *data, size_t size, struct arena *arena,
               struct ingest_read_query **queries, size_t *count, struct err *err)
{
    struct bytes copy = bytes_dup(data, size);
    int error = ingest_read_get(copy.start, size, arena, queries, count, err);
    bytes_fini(&copy);
    return error;
}

static void a_question_is_read(void **state)
{
    struct ingest_read_query *queries = NULL;
    struct arena arena;
    struct err err = { 0 };
    size_t count = 0;
    (void)state;
    arena_init(&arena, 0);
    assert_int_equal(get(question, sizeof(question), &arena, &queries, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_true(queries[0].start_ms == 5 && queries[0].end_ms == 9);
    assert_int_equal(queries[0].matcher_count, 1);
    assert_int_equal(queries[0].matchers[0].match, LABEL_MATCHES);
    assert_string_equal(queries[0].matchers[0].name, "a");
    assert_string_equal(queries[0].matchers[0].value, "b.*");
    assert_int_equal(get("", 0, &arena, &queries, &count, &err), 0);
    assert_int_equal(count, 0);
    arena_fini(&arena);
}

static void limits_are_named(void **state)
{
    uint8_t many[2 * (INGEST_READ_QUERIES_MAX + 1)];
    uint8_t matchers[2 + 2 + 3 * (HISTORY_MATCHERS_MAX + 1)];
    struct ingest_read_query *queries = NULL;
    struct arena arena;
    struct err err = { 0 };
    size_t count = 0;
    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof(many); i += 2) {
        many[i] = 0x0a;
        many[i + 1] = 0;
    }
    assert_int_equal(get(many, sizeof(many) - 2, &arena, &queries, &count, &err), 0);
    assert_int_equal(count, INGEST_READ_QUERIES_MAX);
    assert_int_equal(get(many, sizeof(many), &arena, &queries, &count, &err), BUSBAR_ELIMIT);
    size_t body = 2 * (HISTORY_MATCHERS_MAX + 1);
    matchers[0] = 0x0a;
    matchers[1] = (uint8_t)(0x80 | (body & 0x7f));
    matchers[2] = (uint8_t)(body >> 7);
    for (size_t i = 0; i < body; i += 2) {
        matchers[3 + i] = 0x1a;
        matchers[4 + i] = 0;
    }
    assert_int_equal(get(matchers, 3 + body, &arena, &queries, &count, &err), BUSBAR_ELIMIT);
    assert_true(err.message[0] != '\0');
    arena_fini(&arena);
}

static void prefixes_and_flips_are_safe(void **state)
{
    struct ingest_read_query *queries = NULL;
    struct random random = { 41 };
    size_t count = 0;
    (void)state;
    for (size_t size = 1; size < sizeof(question); size++) {
        struct arena arena;
        arena_init(&arena, 0);
        int error = get(question, size, &arena, &queries, &count, NULL);
        assert_int_equal(error, size == 24 ? 0 : BUSBAR_EPROTO); /* 24: the query is whole */
        arena_fini(&arena);
    }
    for (int i = 0; i < 5000; i++) {
        uint8_t copy[sizeof(question)];
        struct arena arena;
        arena_init(&arena, 0);
        memcpy(copy, question, sizeof(copy));
        copy[random_below(&random, sizeof(copy))] ^= (uint8_t)(1u << random_below(&random, 8));
        if (get(copy, sizeof(copy), &arena, &queries, &count, NULL) == 0) {
            assert_true(count <= 2);
        }
        arena_fini(&arena);
    }
}

static void the_answer_has_these_bytes(void **state)
{
    static const uint8_t bytes[] = {
        0x0a, 0x2a, 0x0a, 0x28, 0x0a, 0x06, 0x0a, 0x01, 'a',  0x12, 0x01, 'b',  0x12,
        0x0b, 0x09, 0,    0,    0,    0,    0,    0,    0xf0, 0x3f, 0x10, 0x01,
    };
    const struct label label = label_of("a", "b");
    const int64_t times_us[] = { 1000, 1001, 1999, 2000 }; /* the last of a millisecond stays */
    const double values[] = { 7, 8, 1, 2 };
    struct buf result, response;
    (void)state;
    buf_init(&result, 4096);
    buf_init(&response, 4096);
    ingest_read_put_series(&result, &label, 1, times_us, values, 4);
    ingest_read_put_result(&response, &result);
    assert_int_equal(response.data[0], 0x0a);
    assert_int_equal(response.data[1], response.size - 2);
    assert_int_equal(response.data[2], 0x0a);
    assert_int_equal(response.data[3], response.size - 4);
    assert_memory_equal(response.data + 4, bytes + 4, 21);
    assert_int_equal(response.size, 4 + 8 + 13 + 13);
    buf_fini(&result);
    buf_fini(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(prefixes_and_flips_are_safe),
        cmocka_unit_test(the_answer_has_these_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
