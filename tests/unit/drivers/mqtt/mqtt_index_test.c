/* SPDX-License-Identifier: Apache-2.0 */
/* The index of topics against a naive twin: every filter asked one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_index.h"

enum { FILTERS = 200, ROUNDS = 4000, TEXT_MAX = 64 };

/* ---- by hand ---- */

static void count(void *ctx, void *value)
{
    size_t *n = ctx;
    (void)value;
    (*n)++;
}

static size_t matches(const struct mqtt_index *index, const char *topic)
{
    size_t n = 0;
    mqtt_index_match(index, topic, count, &n);
    return n;
}

/* MQTT 5, 4.7.1 and 4.7.2: the examples of the standard. */
static void examples_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool fits;
    } rows[] = {
        { "sport/tennis/player1/#", "sport/tennis/player1", true },
        { "sport/tennis/player1/#", "sport/tennis/player1/ranking", true },
        { "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
        { "sport/#", "sport", true },
        { "#", "a/b", true },
        { "sport/tennis/+", "sport/tennis/player1", true },
        { "sport/tennis/+", "sport/tennis/player1/ranking", false },
        { "sport/+", "sport", false },
        { "sport/+", "sport/", true },
        { "+/+", "/finance", true },
        { "/+", "/finance", true },
        { "+", "/finance", false },
        { "#", "$SYS/uptime", false },
        { "+/monitor/Clients", "$SYS/monitor/Clients", false },
        { "$SYS/#", "$SYS/uptime", true },
        { "$SYS/monitor/+", "$SYS/monitor/Clients", true },
        { "a/b", "a/b", true },
        { "a/b", "a/b/", false },
        { "a//b", "a//b", true },
        { "a/+/b", "a//b", true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int value = 0;
        struct mqtt_index *index = mqtt_index_new();
        assert_int_equal(mqtt_index_put(index, rows[i].filter, &value), 0);
        assert_int_equal(matches(index, rows[i].topic), rows[i].fits ? 1 : 0);
        assert_ptr_equal(mqtt_index_get(index, rows[i].filter), &value);
        assert_ptr_equal(mqtt_index_remove(index, rows[i].filter), &value);
        assert_int_equal(matches(index, rows[i].topic), 0);
        assert_int_equal(mqtt_index_count(index), 0);
        mqtt_index_free(index);
    }
}

static void covers(void **state)
{
    (void)state;
    static const struct {
        const char *wide, *narrow;
        bool covers;
    } rows[] = {
        { "#", "a/b", true },          { "#", "+/+", true },       { "#", "a/#", true },
        { "a/#", "a", true },          { "a/#", "a/+/c", true },   { "a/+", "a/b", true },
        { "a/+", "a/#", false },       { "a/b", "a/+", false },    { "+/b", "a/b", true },
        { "+/+", "a/+", true },        { "a/+/c", "a/b/c", true }, { "a/+/c", "a/b/d", false },
        { "#", "$SYS/uptime", false }, { "+/x", "$SYS/x", false }, { "$SYS/#", "$SYS/x", true },
        { "a/+", "a", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int wide = 0;
        int narrow = 0;
        struct mqtt_index *index = mqtt_index_new();
        assert_int_equal(mqtt_index_put(index, rows[i].wide, &wide), 0);
        assert_int_equal(mqtt_index_put(index, rows[i].narrow, &narrow), 0);
        assert_ptr_equal(mqtt_index_cover(index, rows[i].narrow), rows[i].covers ? &wide : NULL);
        if (rows[i].covers) {
            assert_null(mqtt_index_cover(index, rows[i].wide));
        }
        mqtt_index_free(index);
    }
}

static void deep_filters_are_refused(void **state)
{
    (void)state;
    int value = 0;
    char deep[4 * MQTT_INDEX_LEVELS_MAX] = "+";
    struct mqtt_index *index = mqtt_index_new();
    for (int i = 1; i < MQTT_INDEX_LEVELS_MAX; i++) {
        size_t used = strlen(deep);
        str_format(deep + used, sizeof(deep) - used, "/+");
    }
    assert_int_equal(mqtt_index_put(index, deep, &value), 0);
    char deeper[sizeof(deep) + 2];
    str_format(deeper, sizeof(deeper), "%s/+", deep);
    assert_int_equal(mqtt_index_put(index, deeper, &value), BUSBAR_ELIMIT);
    assert_int_equal(mqtt_index_count(index), 1);
    mqtt_index_free(index);
}

/* ---- at random ---- */

struct filter {
    char text[TEXT_MAX];
    bool in;
    bool found;
};

static void random_text(uint64_t *seed, bool filter, char to[TEXT_MAX])
{
    static const char *const words[] = { "a", "b", "", "$s", "tele" };
    size_t levels = 1 + hash_random(seed) % 4;
    to[0] = '\0';
    for (size_t i = 0; i < levels; i++) {
        uint64_t dice = hash_random(seed) % 10;
        const char *word = filter && dice == 0 && i + 1 == levels ? "#"
                           : filter && dice < 3                   ? "+"
                                                                  : words[hash_random(seed) % 5];
        size_t used = strlen(to);
        str_format(to + used, TEXT_MAX - used, "%s%s", i > 0 ? "/" : "", word);
    }
    if (to[0] == '\0') {
        str_format(to, TEXT_MAX, "a");
    }
}

static void mark(void *ctx, void *value)
{
    struct filter *filter = value;
    (void)ctx;
    assert_false(filter->found); /* once */
    filter->found = true;
}

static void agree(const struct mqtt_index *index, struct filter *filters, const char *topic)
{
    mqtt_index_match(index, topic, mark, NULL);
    for (size_t i = 0; i < FILTERS; i++) {
        bool fits = filters[i].in && mqtt_topic_fits(filters[i].text, topic);
        if (filters[i].found != fits) {
            print_error("filter '%s', topic '%s'\n", filters[i].text, topic);
        }
        assert_int_equal(filters[i].found, fits);
        filters[i].found = false;
    }
}

static void random_filters_come_and_go(void **state)
{
    (void)state;
    uint64_t seed = 7;
    struct filter *filters = busbar_alloc_array(FILTERS, sizeof(*filters));
    struct mqtt_index *index = mqtt_index_new();
    size_t in = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct filter *filter = &filters[hash_random(&seed) % FILTERS];
        char topic[TEXT_MAX];
        if (filter->in) {
            assert_ptr_equal(mqtt_index_remove(index, filter->text), filter);
            filter->in = false;
            in--;
        } else {
            random_text(&seed, true, filter->text);
            if (mqtt_index_get(index, filter->text) == NULL) {
                assert_int_equal(mqtt_index_put(index, filter->text, filter), 0);
                filter->in = true;
                in++;
            }
        }
        assert_int_equal(mqtt_index_count(index), in);
        random_text(&seed, false, topic);
        agree(index, filters, topic);
    }
    mqtt_index_free(index);
    busbar_free(filters);
}

/* A filter that is covered by nothing must not be said to be, and the other way round: on all topics of up to four levels. */
static void covering_is_sound(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < 2000; round++) {
        struct filter wide = { .in = true };
        struct filter narrow = { .in = true };
        random_text(&seed, true, wide.text);
        random_text(&seed, true, narrow.text);
        if (strcmp(wide.text, narrow.text) == 0) {
            continue;
        }
        struct mqtt_index *index = mqtt_index_new();
        assert_int_equal(mqtt_index_put(index, wide.text, &wide), 0);
        assert_int_equal(mqtt_index_put(index, narrow.text, &narrow), 0);
        bool said = mqtt_index_cover(index, narrow.text) == &wide;
        for (int i = 0; said && i < 50; i++) {
            char topic[TEXT_MAX];
            random_text(&seed, false, topic);
            if (mqtt_topic_fits(narrow.text, topic)) {
                assert_true(mqtt_topic_fits(wide.text, topic));
            }
        }
        mqtt_index_free(index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard), cmocka_unit_test(covers),
        cmocka_unit_test(deep_filters_are_refused), cmocka_unit_test(random_filters_come_and_go),
        cmocka_unit_test(covering_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
