/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of points, one point, writes. */
#include "server/points.h"

#include "server/filter.h"
#include "server/walk.h"
#include "unit/server/gateway.h"

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, 0);
    *state = gw;
    return 0;
}

static int close_gateway(void **state)
{
    gateway_close(*state);
    free(*state);
    return 0;
}

static void set_value(struct point *pt, uint8_t type, union value value, uint8_t quality)
{
    pt->last.type = type;
    pt->last.value = value;
    pt->last.quality = quality;
    pt->last.time_us = pt->last.receive_us = clock_wall_us();
    pt->value_type = type;
}

static int64_t total_of(struct gateway *gw, const char *query)
{
    char target[512];
    str_format(target, sizeof(target), "/api/v1/points?%s", query);
    struct answer answer = ask(gw, "GET", target, NULL, NULL);
    int64_t total = number_at(&answer, "total");
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    return total;
}

static void a_polled_point_is_told(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 3);
    gateway_wait_good(gw, &dev->points[2]);
    struct answer answer = ask(gw, "GET", "/api/v1/points", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 3);
    assert_int_equal(number_at(&answer, "all"), 3);
    assert_string_equal(text_at(&answer, "points.2.path"), "meter-1/p2");
    assert_int_equal(number_at(&answer, "points.2.value"), 102);
    assert_string_equal(text_at(&answer, "points.2.text"), "102 kW");
    assert_string_equal(text_at(&answer, "points.2.type"), "int");
    assert_string_equal(text_at(&answer, "points.2.units"), "kW");
    assert_string_equal(text_at(&answer, "points.2.quality"), "good");
    assert_string_equal(text_at(&answer, "points.2.reason"), "good");
    assert_string_equal(text_at(&answer, "points.2.source"), "toy register p2");
    assert_string_equal(text_at(&answer, "points.2.device"), "meter-1");
    assert_string_equal(text_at(&answer, "points.2.config"), "site.yaml:28");
    assert_int_equal(json_type(at(&answer, "points.2.last_good")), JSON_NULL);
    assert_int_equal(json_type(at(&answer, "points.2.time")), JSON_STRING);
    answer_fini(&answer);
}

static void values_of_every_type_are_told(void **state)
{
    struct gateway *gw = *state;
    static const struct point_enum names[] = { { 0, "open" }, { 1, "closed" } };
    struct text *text = text_new("a\"\n\xc3\xa9", 5);
    gw->cls.enums = names;
    gw->cls.enum_count = 2;
    struct device *dev = gateway_device(gw, "d", 7);
    gw->cls.enums = NULL;
    gw->cls.enum_count = 0;
    set_value(&dev->points[0], VALUE_BOOL, (union value){ .b = true }, QUALITY_GOOD);
    set_value(&dev->points[1], VALUE_INT, (union value){ .i = 0 }, QUALITY_GOOD);
    set_value(&dev->points[2], VALUE_INT, (union value){ .i = INT64_MAX }, QUALITY_HELD);
    set_value(&dev->points[3], VALUE_DOUBLE, (union value){ .d = 0.1 }, QUALITY_GOOD);
    set_value(&dev->points[4], VALUE_DOUBLE, (union value){ .d = 0.0 / 0.0 }, QUALITY_GOOD);
    set_value(&dev->points[5], VALUE_TEXT, (union value){ .text = text }, QUALITY_GOOD);
    struct answer answer = ask(gw, "GET", "/api/v1/points", NULL, NULL);
    assert_true(true_at(&answer, "points.0.value"));
    assert_string_equal(text_at(&answer, "points.0.text"), "closed");
    assert_string_equal(text_at(&answer, "points.1.text"), "open");
    assert_int_equal(number_at(&answer, "points.2.value"), INT64_MAX);
    assert_string_equal(text_at(&answer, "points.2.exact"), "9223372036854775807");
    assert_string_equal(text_at(&answer, "points.2.quality"), "uncertain");
    assert_string_equal(text_at(&answer, "points.3.text"), "0.1 kW");
    assert_int_equal(json_type(at(&answer, "points.4.value")), JSON_NULL);
    assert_string_equal(text_at(&answer, "points.5.value"), "a\"\n\xc3\xa9");
    assert_int_equal(json_type(at(&answer, "points.6.value")), JSON_NULL);
    assert_int_equal(json_type(at(&answer, "points.6.age_s")), JSON_NULL);
    assert_string_equal(text_at(&answer, "points.6.reason"), "not yet known");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/d/p1", NULL, NULL);
    assert_string_equal(text_at(&answer, "enum.1.name"), "closed");
    answer_fini(&answer);
}

static void points_are_filtered(void **state)
{
    struct gateway *gw = *state;
    struct device *ahu = gateway_device(gw, "ahu-1", 3);
    gw->cls.write.allowed = true;
    gateway_device(gw, "ahu-2", 2);
    gw->cls.write.allowed = false;
    struct device *meter = gateway_device(gw, "meter", 4);
    meter->points[3].title = "Energy of the Roof";
    set_value(&ahu->points[0], VALUE_INT, (union value){ .i = 1 }, QUALITY_GOOD);
    ahu->points[1].last.quality = QUALITY_NO_ANSWER;
    assert_int_equal(total_of(gw, ""), 9);
    assert_int_equal(total_of(gw, "match=*"), 9);
    assert_int_equal(total_of(gw, "match=ahu-*"), 5);
    assert_int_equal(total_of(gw, "match=ahu-?/p1"), 2);
    assert_int_equal(total_of(gw, "match=ahu-1/*"), 3);
    assert_int_equal(total_of(gw, "match=none/*"), 0);
    assert_int_equal(total_of(gw, "device=meter"), 4);
    assert_int_equal(total_of(gw, "device=meter&match=ahu-1/*"), 0);
    assert_int_equal(total_of(gw, "device=none"), 0);
    assert_int_equal(total_of(gw, "quality=good"), 1);
    assert_int_equal(total_of(gw, "quality=bad"), 8);
    assert_int_equal(total_of(gw, "reason=no+answer"), 1);
    assert_int_equal(total_of(gw, "writable=1"), 2);
    assert_int_equal(total_of(gw, "writable=0"), 9);
    assert_int_equal(total_of(gw, "q=roof+ENERGY"), 1);
    assert_int_equal(total_of(gw, "q=register+meter"), 4);
    assert_int_equal(total_of(gw, "q=kw+meter+p1"), 1);
    assert_int_equal(total_of(gw, "q=quality:bad+ahu-1"), 2);
    assert_int_equal(total_of(gw, "q=nothing"), 0);
    static const char *const wrong[] = { "quality=ugly", "q=quality:ugly", "sort=value",
                                         "limit=-1",     "offset=x",       "limit=10001" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char target[128];
        str_format(target, sizeof(target), "/api/v1/points?%s", wrong[i]);
        struct answer answer = ask(gw, "GET", target, NULL, NULL);
        assert_int_equal(answer.status, 400);
        assert_string_equal(text_at(&answer, "error.code"), "EINVAL");
        answer_fini(&answer);
    }
}

static void reasons_are_counted(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "d", 10);
    for (size_t i = 0; i < 10; i++) {
        dev->points[i].last.quality = i < 3 ? QUALITY_NO_ANSWER : QUALITY_STALE;
    }
    dev->points[9].last.quality = QUALITY_GOOD;
    struct answer answer = ask(gw, "GET", "/api/v1/points?quality=bad&reason=no%20answer", NULL,
                               NULL);
    assert_int_equal(number_at(&answer, "total"), 3);
    assert_int_equal(json_size(at(&answer, "reasons")), 2);
    assert_string_equal(text_at(&answer, "reasons.0.reason"), "stale");
    assert_int_equal(number_at(&answer, "reasons.0.count"), 6);
    assert_int_equal(number_at(&answer, "reasons.1.count"), 3);
    answer_fini(&answer);
}

/* Pages put together are the whole list, each point once, in the order asked for. */
static void check_pages(struct gateway *gw, const char *query, int64_t limit, int64_t total)
{
    char before[300] = "";
    int64_t seen = 0;
    for (int64_t offset = 0; offset < total + limit; offset += limit) {
        char target[256];
        str_format(target, sizeof(target), "/api/v1/points?%s&limit=%lld&offset=%lld", query,
                   (long long)limit, (long long)offset);
        struct answer answer = ask(gw, "GET", target, NULL, NULL);
        assert_int_equal(number_at(&answer, "total"), total);
        struct json_iter iter = json_iter(at(&answer, "points"));
        const struct json_value *item;
        while (json_next(&iter, NULL, &item)) {
            const char *path = json_get_text(json_get(item, "path"), NULL);
            assert_true(strcmp(before, path) < 0);
            str_copy(before, sizeof(before), path);
            seen++;
        }
        answer_fini(&answer);
    }
    assert_int_equal(seen, total);
}

static void pages_make_the_whole(void **state)
{
    struct gateway *gw = *state;
    static const size_t counts[] = { 1, 13, 2, 0, 7, 30, 1 };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        char name[16];
        str_format(name, sizeof(name), "d%zu", i);
        gateway_device(gw, name, counts[i]);
    }
    for (int64_t limit = 1; limit < 60; limit += 7) {
        check_pages(gw, "sort=path", limit, 54);
        check_pages(gw, "sort=path&match=*", limit, 54);
        check_pages(gw, "sort=path&q=d", limit, 54);
    }
    check_pages(gw, "sort=path&device=d5", 4, 30);
}

static void many_points_do_not_hold_the_loop(void **state)
{
    struct gateway *gw = *state;
    for (size_t i = 0; i < 20; i++) {
        char name[16];
        str_format(name, sizeof(name), "device-%02zu", i);
        gateway_device(gw, name, 5000);
    }
    struct loop_stats before, after;
    loop_stats(gw->loop, &before);
    assert_int_equal(total_of(gw, "q=register+p4999&limit=10000"), 20);
    loop_stats(gw->loop, &after);
    assert_true(after.turns - before.turns >= 100000 / 8192); /* slices of a walk, by count */
    assert_int_equal(total_of(gw, "limit=2000&offset=99000"), 100000);
    struct answer answer = ask(gw, "GET", "/api/v1/points?limit=10000&q=device", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 100000);
    assert_int_equal(json_size(at(&answer, "points")), 10000);
    answer_fini(&answer);
}

static void one_point_has_its_settings(void **state)
{
    struct gateway *gw = *state;
    gw->cls.scale = 0.1;
    gw->cls.offset = -40;
    gw->cls.write = (struct point_write){ .allowed = true, .has_min = true, .min = 16 };
    struct device *dev = gateway_device(gw, "ahu-1", 1);
    set_value(&dev->points[0], VALUE_DOUBLE, (union value){ .d = 21.5 }, QUALITY_GOOD);
    struct answer answer = ask(gw, "GET", "/api/v1/points/ahu-1/p0", NULL, NULL);
    double number = 0;
    assert_int_equal(json_get_double(at(&answer, "every_s"), &number), 0);
    assert_true(number == 0.05);
    assert_int_equal(json_get_double(at(&answer, "stale_after_s"), &number), 0);
    assert_true(number > 0.149 && number < 0.151);
    assert_int_equal(number_at(&answer, "write.min"), 16);
    assert_int_equal(json_type(at(&answer, "write.max")), JSON_NULL);
    assert_string_equal(text_at(&answer, "explain.0.text"), "toy register p0");
    assert_string_equal(text_at(&answer, "explain.1.text"), "x 0.1 - 40");
    assert_string_equal(text_at(&answer, "explain.2.text"), "21.5 kW");
    assert_string_equal(text_at(&answer, "explain.3.step"), "quality");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/ahu-1/p1", NULL, NULL);
    assert_int_equal(answer.status, 404);
    assert_string_equal(text_at(&answer, "error.message"), "no point 'ahu-1/p1'");
    assert_string_equal(text_at(&answer, "error.hint"), "nearest is 'ahu-1/p0'");
    answer_fini(&answer);
}

static void a_value_is_written_and_read_back(void **state)
{
    struct gateway *gw = *state;
    gw->cls.write = (struct point_write){
        .allowed = true, .has_min = true, .has_max = true, .min = 16, .max = 500
    };
    struct device *dev = gateway_add(gw, "ahu-1", 2);
    gateway_wait_good(gw, &dev->points[1]);
    struct answer answer = ask(gw, "POST", "/api/v1/points/ahu-1/p1/write", NULL, "{\"value\":42}");
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "written"));
    assert_true(true_at(&answer, "read_back"));
    assert_int_equal(number_at(&answer, "before"), 101);
    assert_int_equal(number_at(&answer, "after"), 42);
    assert_non_null(strstr(text_at(&answer, "message"), "read back 42 kW"));
    answer_fini(&answer);
    ((struct toy *)dev->driver)->mode = TOY_REFUSE;
    answer = ask(gw, "POST", "/api/v1/points/ahu-1/p1/write", NULL, "{\"value\":43}");
    assert_int_equal(answer.status, 502);
    assert_non_null(strstr(text_at(&answer, "error.message"), "there is no such address"));
    assert_string_not_equal(text_at(&answer, "error.hint"), "");
    answer_fini(&answer);
}

static void a_point_that_is_told_says_how_often_it_is_checked(void **state)
{
    static const uint32_t second[] = { 1 };
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "ahu-1", 2);
    gateway_wait_good(gw, &dev->points[1]);
    driver_watched(dev, second, 1, 300 * CLOCK_US_PER_S);
    struct answer answer = ask(gw, "GET", "/api/v1/points/ahu-1/p1", NULL, NULL);
    assert_true(true_at(&answer, "watched"));
    assert_int_equal(number_at(&answer, "check_every_s"), 300);
    assert_int_equal(number_at(&answer, "stale_after_s"), 900);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/ahu-1/p0", NULL, NULL);
    assert_false(true_at(&answer, "watched"));
    assert_int_equal(json_type(at(&answer, "check_every_s")), JSON_NULL);
    answer_fini(&answer);
}

static void a_pushed_point_need_not_get_stale(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "ahu-1", 1);
    dev->points[0].pushed = true;
    struct answer answer = ask(gw, "GET", "/api/v1/points/ahu-1/p0", NULL, NULL);
    assert_true(true_at(&answer, "pushed"));
    assert_int_equal(json_type(at(&answer, "stale_after_s")), JSON_NULL);
    answer_fini(&answer);
    dev->points[0].pushed = false;
}

static void wrong_writes_never_leave(void **state)
{
    struct gateway *gw = *state;
    gw->cls.write = (struct point_write){
        .allowed = true, .confirm = true, .has_max = true, .max = 26
    };
    struct device *dev = gateway_add(gw, "ahu-1", 1);
    gw->cls.write = (struct point_write){ 0 };
    gateway_add(gw, "meter", 1);
    gateway_wait_good(gw, &dev->points[0]);
    static const struct {
        const char *target, *body;
        int status;
    } cases[] = {
        { "ahu-1/p0", "{\"value\":20}", 409 },
        { "ahu-1/p0", "{\"value\":20,\"confirmed\":1}", 400 },
        { "ahu-1/p0", "{\"value\":27,\"confirmed\":true}", 422 },
        { "ahu-1/p0", "{\"confirmed\":true}", 400 },
        { "ahu-1/p0", "{\"value\":null,\"confirmed\":true}", 400 },
        { "ahu-1/p0", "{\"value\":[1],\"confirmed\":true}", 400 },
        { "ahu-1/p0", "{\"value\":18446744073709551615,\"confirmed\":true}", 422 },
        { "ahu-1/p0", "{\"value\":20,\"confirmed\":true,\"timeout_s\":0}", 400 },
        { "ahu-1/p0", "{\"value\":20,\"confirmed\":true,\"timeout_s\":\"1\"}", 400 },
        { "ahu-1/p0", "", 400 },
        { "ahu-1/p9", "{\"value\":20}", 404 },
        { "none/p0", "{\"value\":20}", 404 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char target[128];
        str_format(target, sizeof(target), "/api/v1/points/%s/write", cases[i].target);
        struct answer answer = ask(gw, "POST", target, NULL, cases[i].body);
        if (answer.status != cases[i].status) {
            fail_msg("%s: %d", cases[i].body, answer.status);
        }
        assert_string_not_equal(text_at(&answer, "error.message"), "");
        answer_fini(&answer);
    }
    struct answer answer = ask(gw, "POST", "/api/v1/points/meter/p0/write", NULL, "{\"value\":1}");
    assert_in_range(answer.status, 400, 499);
    answer_fini(&answer);
    assert_int_equal(((struct toy *)dev->driver)->value, 100);
    answer = ask(gw, "POST", "/api/v1/points/ahu-1/p0/write", NULL,
                 "{\"value\":20,\"confirmed\":true}");
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
}

/* ---- the walk, with the registry changing under it ---- */

struct seen {
    struct gateway *gw;
    size_t points, devices, turns;
    bool done;
};

static bool see_device(void *ctx, struct device *dev)
{
    (void)dev;
    ((struct seen *)ctx)->devices++;
    return true;
}

static bool see_point(void *ctx, struct point *pt)
{
    (void)pt;
    ((struct seen *)ctx)->points++;
    return true;
}

static void see_turn(void *ctx)
{
    struct seen *seen = ctx;
    char name[16];
    str_format(name, sizeof(name), "d%zu", seen->turns++);
    struct device *dev = registry_take(seen->gw->registry, name);
    if (dev != NULL) {
        seen->gw->loose[seen->gw->loose_count++] = dev;
    }
}

static void see_end(void *ctx)
{
    ((struct seen *)ctx)->done = true;
}

static void a_walk_survives_removals(void **state)
{
    struct gateway *gw = *state;
    static const struct walk_visitor visitor = {
        .device = see_device, .point = see_point, .turned = see_turn, .done = see_end
    };
    for (size_t i = 0; i < 8; i++) {
        char name[16];
        str_format(name, sizeof(name), "d%zu", i);
        gateway_device(gw, name, 30000);
    }
    struct walk walk;
    struct seen seen = { .gw = gw };
    walk_start(&walk, gw->loop, gw->registry, NULL, false, &visitor, &seen);
    assert_false(seen.done);
    while (!seen.done) {
        loop_turn(gw->loop, true);
    }
    assert_true(seen.turns >= 8);
    assert_in_range(seen.points, 8192, 8 * 30000 - 1);
    seen = (struct seen){ .gw = gw };
    walk_start(&walk, gw->loop, gw->registry, "none", true, &visitor, &seen);
    assert_true(seen.done);
    assert_int_equal(seen.points, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_polled_point_is_told),
        TEST(values_of_every_type_are_told),
        TEST(points_are_filtered),
        TEST(reasons_are_counted),
        TEST(pages_make_the_whole),
        TEST(many_points_do_not_hold_the_loop),
        TEST(one_point_has_its_settings),
        TEST(a_value_is_written_and_read_back),
        TEST(a_point_that_is_told_says_how_often_it_is_checked),
        TEST(a_pushed_point_need_not_get_stale),
        TEST(wrong_writes_never_leave),
        TEST(a_walk_survives_removals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
