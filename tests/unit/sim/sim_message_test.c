/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulator says is what the gateway's rules take out of it: each format, ids, times, lists, events, and random
 * values. */
#include "unit/payload/rules_rig.h"

#include "base/hash.h"
#include "sim/sim_match.h"
#include "sim/sim_talk.h"

#define NOW_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

/* The rig's rules as a device that speaks. */
struct speaking {
    struct rig rig;
    struct device device;
    struct point points[RIG_RULES_MAX];
    struct point_class cls;
    uint8_t types[RIG_RULES_MAX];
    struct sim_live live;
    struct sim_speaker speaker;
    struct buf out;
};

static void speaking_init(struct speaking *my, const char *device, const char *const *points)
{
    memset(my, 0, sizeof(*my));
    assert_int_equal(rig_device(&my->rig, device), 0);
    my->cls = (struct point_class){ .units = "", .scale = 1.0 };
    my->device = (struct device){ .name = "dev", .title = "", .points = my->points };
    my->device.settings = &my->rig.device.settings;
    for (size_t i = 0; points[i] != NULL; i++) {
        uint8_t type = VALUE_NONE;
        assert_int_equal(rig_point(&my->rig, points[i], &type), 0);
        my->points[i] = (struct point){ .name = "p", .title = "", .device = &my->device };
        my->points[i].cls = &my->cls;
        my->points[i].value_type = type;
        my->device.point_count++;
    }
    rig_compile(&my->rig, "dev");
    my->live.dev = &my->device;
    sim_speaker_init(&my->speaker, &my->live, my->rig.read, sizeof(my->rig.read[0]));
    for (uint32_t i = 0; i < my->device.point_count; i++) {
        my->types[i] = sim_rule_type(&my->rig.read[i], &my->points[i]);
    }
    sim_live_init(&my->live, &my->device, my->types, 1);
    buf_init(&my->out, SIM_MESSAGE_MAX);
}

static void speaking_fini(struct speaking *my)
{
    buf_fini(&my->out);
    sim_speaker_fini(&my->speaker);
    sim_live_fini(&my->live);
    rig_fini(&my->rig);
}

static void hold(struct speaking *my, uint32_t point, const char *value)
{
    assert_int_equal(sim_live_hold_text(&my->live, point, value, strlen(value)), 0);
}

/* All points in one message; what the rules take of it. */
static const char *say(struct speaking *my)
{
    static const uint32_t points[RIG_RULES_MAX] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    struct err err = { 0 };
    buf_clear(&my->out);
    if (sim_speaker_make(&my->speaker, points, my->device.point_count, NOW_US, &my->out, &err) !=
        0) {
        fail_msg("%s", err.message);
    }
    return rig_take(&my->rig, (const char *)my->out.data, my->out.size);
}

struct row {
    const char *device;
    const char *points[4];
    const char *values[4];
    const char *taken;
};

static const struct row rows[] = {
    { "id=d1", { "json=$.ac.power", "json=$.t" }, { "21.5", "-3" }, "0 double 21.5, 1 int -3" },
    { "id=d1", { "json=co2" }, { "612" }, "0 int 612" },
    { "id=d1", { "json=$.list[1].v" }, { "7" }, "0 int 7" },
    { "id=d1", { "json=$['odd key'].x" }, { "7" }, "0 int 7" },
    { "id=d1", { "json=$..t" }, { "7" }, "0 int 7" },
    { "id=d1",
      { "json=$.s[?(@.id=='a')].v", "json=$.s[?(@.id=='b')].v" },
      { "1", "2" },
      "0 int 1, 1 int 2" },
    { "id=d1", { "json=$.on\ntype=bool" }, { "true" }, "0 bool 1" },
    { "id=d1", { "json=$.name\ntype=text" }, { "a \"b\"" }, "0 text a \"b\"" },
    { "id=d1\nid_from=json $.id", { "json=$.t" }, { "5" }, "[d1], 0 int 5" },
    { "id=d1\ntime=json $.ts", { "json=$.t" }, { "5" }, "0 int 5 @2026-01-01T00:00:00Z" },
    { "id=d1\ntime=json $.ts\ntime_format=unix-ms",
      { "json=$.t" },
      { "5" },
      "0 int 5 @2026-01-01T00:00:00Z" },
    { "id=d1\ntime=json $.ts\ntime_format=%d.%m.%Y %H:%M:%S\ntime_zone=+02:00",
      { "json=$.t" },
      { "5" },
      "0 int 5 @2026-01-01T00:00:00Z" },
    { "id=d1\neach=json $.readings[*]\nid_from=json $.id",
      { "json=$.t", "json=$.h" },
      { "5", "6" },
      "[d1], 0 int 5, 1 int 6" },
    { "id=d1\nonly=json $.type=='reading'", { "json=$.t" }, { "5" }, "0 int 5" },
    { "id=d1", { "cbor=$.t", "cbor=$.a.n" }, { "21.5", "-70000" }, "0 double 21.5, 1 int -70000" },
    { "id=d1", { "msgpack=$.t", "msgpack=$.n" }, { "21.5", "300" }, "0 double 21.5, 1 int 300" },
    { "id=d1", { "xml=/data/room/t\ntype=number" }, { "21.5" }, "0 double 21.5" },
    { "id=d1",
      { "xml=//r[@id='a']/t\ntype=int", "xml=//r[@id='b']/t\ntype=int" },
      { "1", "2" },
      "0 int 1, 1 int 2" },
    { "id=d1", { "csv=1", "csv=3" }, { "21.5", "4" }, "0 double 21.5, 1 int 4" },
    { "id=d1\nseparator=;\ndecimal=,", { "csv=2" }, { "21.5" }, "0 double 21.5" },
    { "id=d1", { "csv=temp", "csv=hum" }, { "21.5", "40" }, "0 double 21.5, 1 int 40" },
    { "id=S1\nid_from=match ^(\\w+);\nseparator=;", { "csv=2" }, { "7" }, "[S1], 0 int 7" },
    { "id=d1", { "key=t", "key=h" }, { "21.5", "40" }, "0 double 21.5, 1 int 40" },
    { "id=d1\nid_from=key id", { "key=t" }, { "21.5" }, "[d1], 0 double 21.5" },
    { "id=d1", { "match=^T=(.*)$" }, { "21.5" }, "0 double 21.5" },
    { "id=d1", { "match=^(\\w+) T=(?<value>[-0-9.]+)C?$" }, { "-21.5" }, "0 double -21.5" },
    { "id=d1", { "text=all\ntype=bool" }, { "on" }, "0 bool 1" },
    { "id=d1", { "text=all\ntype=number" }, { "21.5" }, "0 double 21.5" },
    { "id=d1",
      { "bytes=0\ntype=int16", "bytes=2\ntype=float32", "bytes=6\ntype=uint8" },
      { "-300", "21.5", "200" },
      "0 int -300, 1 double 21.5, 2 int 200" },
    { "id=d1", { "bytes=1\ntype=uint32\norder=DCBA" }, { "70000" }, "0 int 70000" },
    { "id=d1", { "bytes=1\ntype=uint32\norder=CDAB" }, { "70000" }, "0 int 70000" },
    { "id=d1", { "bytes=1\ntype=uint32\norder=BADC" }, { "70000" }, "0 int 70000" },
    { "id=d1", { "bytes=0\ntype=bcd\nlength=2" }, { "1234" }, "0 int 1234" },
};

static void what_is_said_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct speaking my;
        speaking_init(&my, rows[i].device, rows[i].points);
        for (uint32_t at = 0; rows[i].values[at] != NULL; at++) {
            hold(&my, at, rows[i].values[at]);
        }
        const char *taken = say(&my);
        if (strcmp(taken, rows[i].taken) != 0) {
            fail_msg("row %zu: '%s' of '%.*s' instead of '%s'", i, taken, (int)my.out.size,
                     (const char *)my.out.data, rows[i].taken);
        }
        speaking_fini(&my);
    }
}

/* Living values come back as they are. */
static void living_values_come_back(void **state)
{
    static const char *const points[] = { "json=$.a.b", "json=$.c", NULL };
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct speaking my;
        char wanted[128], first[40], second[40];
        speaking_init(&my, "id=d1", points);
        my.live.frozen_us = NOW_US + i * INT64_C(7000000);
        struct sim_reading a = sim_live_get(&my.live, 0, 0), b = sim_live_get(&my.live, 1, 0);
        assert_int_equal(a.type, VALUE_DOUBLE);
        str_format_double(first, sizeof(first), a.value.d);
        str_format_double(second, sizeof(second), b.value.d);
        const char *taken = say(&my);
        bool whole_a = strchr(first, '.') == NULL, whole_b = strchr(second, '.') == NULL;
        str_format(wanted, sizeof(wanted), "0 %s %s, 1 %s %s", whole_a ? "int" : "double", first,
                   whole_b ? "int" : "double", second);
        assert_string_equal(taken, wanted);
        speaking_fini(&my);
    }
}

static void words_of_an_enumeration_are_said(void **state)
{
    static const char *const points[] = { "match=^Z01=(OK|ALARM|TAMPER)$", NULL };
    static const struct point_enum names[] = { { 0, "OK" }, { 1, "ALARM" }, { 2, "TAMPER" } };
    struct speaking my;
    (void)state;
    speaking_init(&my, "id=d1", points);
    my.cls.enums = names;
    my.cls.enum_count = 3;
    hold(&my, 0, "ALARM");
    assert_string_equal(say(&my), "0 text ALARM");
    hold(&my, 0, "2");
    assert_string_equal(say(&my), "0 text TAMPER");
    speaking_fini(&my);
}

static void events_happen(void **state)
{
    static const char *const points[] = { "json=$.t", NULL };
    static const char *const settings[] = {
        "match=^DOOR (?<door>\\d+) (?<what>OPEN|SHUT)$",
        "json=$.fault\narguments=code=$.fault.code",
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct speaking my;
        struct err err = { 0 };
        memset(&my, 0, sizeof(my));
        assert_int_equal(rig_device(&my.rig, "id=d1"), 0);
        assert_int_equal(rig_event(&my.rig, "it", "it happened", settings[i]), 0);
        rig_compile(&my.rig, "dev");
        my.device = (struct device){ .name = "dev", .title = "" };
        my.device.settings = &my.rig.device.settings;
        my.live.dev = &my.device;
        sim_speaker_init(&my.speaker, &my.live, my.rig.read, sizeof(my.rig.read[0]));
        buf_init(&my.out, SIM_MESSAGE_MAX);
        assert_int_equal(sim_speaker_event(&my.speaker, &my.rig.event[0], NOW_US, &my.out, &err),
                         0);
        assert_string_equal(rig_take(&my.rig, (const char *)my.out.data, my.out.size),
                            "it: it happened");
        buf_fini(&my.out);
        sim_speaker_fini(&my.speaker);
        rig_fini(&my.rig);
    }
    (void)points;
}

static void what_cannot_be_made_is_said(void **state)
{
    static const char *const points[] = { "xml=count(//t)", NULL };
    struct speaking my;
    struct err err = { 0 };
    uint32_t first = 0;
    (void)state;
    speaking_init(&my, "id=d1", points);
    assert_int_equal(sim_speaker_make(&my.speaker, &first, 1, NOW_US, &my.out, &err),
                     BUSBAR_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "count(//t)"));
    speaking_fini(&my);
}

/* ---- templates, backwards ---- */

static void templates_are_taken(void **state)
{
    static const struct {
        const char *template, *sent, *value; /* value NULL: it is none of it */
    } cases[] = {
        { "{value}", "21.5", "21.5" },
        { "{value:ON|OFF}", "ON", "1" },
        { "{value:ON|OFF}", "OFF", "0" },
        { "{\"limit\": {value}}", "{\"limit\": 3000}", "3000" },
        { "{\"name\": {value}}", "{\"name\": \"hall\"}", "hall" },
        { "SET {id} {point}={value}\r\n", "SET d1 p=7\r\n", "7" },
        { "SET {id} {point}={value}\r\n", "SET d2 p=7\r\n", NULL },
        { "T={value};{time}\n", "T=4;2026-01-01T00:00:00Z\n", "4" },
        { "T={value}\r\n", "T?\r\n", NULL },
        { "T={value}\r\n", "T=4", NULL },
    };
    const struct device dev = { .name = "dev" };
    struct sim_speaker speaker = { .dev = &dev };
    char id[] = "d1";
    speaker.id = id;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf value;
        buf_init(&value, 1024);
        bool taken = sim_template_take(cases[i].template, &speaker, "p", cases[i].sent,
                                       strlen(cases[i].sent), &value);
        assert_int_equal(taken, cases[i].value != NULL);
        if (taken) {
            assert_string_equal(buf_text(&value), cases[i].value);
        }
        buf_fini(&value);
    }
}

/* ---- expressions ---- */

static void expressions_match_what_was_made(void **state)
{
    static const char *const patterns[] = {
        "^a(b|c)+d$",     "^[A-Z]{2}-\\d{3,5}$", "^(?:x|yy) (?<n>\\d+)$",
        "^\\$[^;]+;end$", "^.{4}\\.\\w*$",       "^(a|)(b)?c$",
        "^\\x$",          "^[a-f0-9]{8}$",
    };
    uint64_t random = 7;
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]) - 2; i++) {
        char point[128];
        const char *points[] = { point, NULL };
        str_format(point, sizeof(point), "match=%s\ntype=bool", patterns[i]);
        for (int turn = 0; turn < 50; turn++) {
            struct buf out;
            struct speaking my;
            buf_init(&out, 1024);
            assert_int_equal(sim_match_make(patterns[i], NULL, 0, &random, &out), 0);
            speaking_init(&my, "id=d1", points);
            const char *taken = rig_take(&my.rig, (const char *)out.data, out.size);
            if (strchr(patterns[i], '(') == NULL && strcmp(taken, "0 bool 1") != 0) {
                fail_msg("'%s' does not match '%s': %s", patterns[i], buf_text(&out), taken);
            }
            speaking_fini(&my);
            buf_fini(&out);
        }
    }
    struct buf out;
    buf_init(&out, 1024);
    assert_int_equal(sim_match_make("^(a)\\1$", NULL, 0, &random, &out), BUSBAR_EUNSUPPORTED);
    assert_int_equal(sim_match_make("^(?=a)b$", NULL, 0, &random, &out), BUSBAR_EUNSUPPORTED);
    assert_int_equal(sim_match_make("^(a", NULL, 0, &random, &out), BUSBAR_ESYNTAX);
    assert_int_equal(sim_match_make("^[a", NULL, 0, &random, &out), BUSBAR_ESYNTAX);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_taken),
        cmocka_unit_test(living_values_come_back),
        cmocka_unit_test(words_of_an_enumeration_are_said),
        cmocka_unit_test(events_happen),
        cmocka_unit_test(what_cannot_be_made_is_said),
        cmocka_unit_test(templates_are_taken),
        cmocka_unit_test(expressions_match_what_was_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
