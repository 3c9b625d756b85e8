/* SPDX-License-Identifier: Apache-2.0 */
/* Upkeep on a real server: hours equal to what SQL makes of the rows, whichever way they came; what is old goes. */
#include "sinks/machine.h"
#include "sinks/postgres/upkeep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/quality.h"
#include "sinks/postgres/partitions.h"
#include "sinks/postgres/rollup_hours.h"
#include "unit/sinks/postgres/schema_rig.h"

enum { SAMPLES_MAX = 4000, HOURS = 40 };

/* A gateway with its upkeep, a link to look with, and samples that are in history and, by hand, in rows. */
struct scene {
    struct gateway gateway;
    struct sink sink; /* which is live */
    struct sink_target target;
    struct pg_link *link;
    uint32_t points[3];
    struct sample samples[SAMPLES_MAX];
    size_t count;
    char until[400]; /* what is waited for: SQL that says t */
    bool asked, yes;
};

static void put(struct scene *scene, struct sample sample)
{
    assert_true(scene->count < SAMPLES_MAX);
    scene->samples[scene->count++] = sample;
}

/* A number every seven minutes, some bad ones, some texts, and an hour with nothing that counts. */
static void fill(struct scene *scene, int64_t from_us, int64_t to_us)
{
    int64_t step_us = INT64_C(7) * 60 * 1000000;
    for (size_t p = 0; p < 3; p++) {
        int i = 0;
        for (int64_t time = from_us; time < to_us; time += step_us, i++) {
            struct sample sample = place_number(scene->points[p], time, (double)p + sin(i) * 10);
            if (i % 11 == 3 || (i / 18) % 13 == 5) {
                sample.quality = QUALITY_NO_ANSWER;
                sample.type = VALUE_NONE;
            } else if (i % 17 == 4) {
                sample.quality = QUALITY_CLAMPED;
            }
            put(scene, sample);
        }
    }
}

static void put_row(const struct sample *sample, struct buf *sql)
{
    char time[STR_TIME_MAX], value[40] = "null";
    str_format_time(time, sizeof(time), sample->time_us, 0, false);
    if (sample->type == VALUE_DOUBLE) {
        str_format_double(value, sizeof(value), sample->value.d);
    }
    buf_printf(sql, "%s('%s', %s, %u, 1, %u)",
               sql->size == 0 ? "insert into sample (time, value, "
                                "point, site, quality) values "
                              : ", ",
               time, value, (unsigned)sample->point, (unsigned)sample->quality);
}

/* Into history and into rows, from sample `first` on. */
static void store(struct scene *scene, size_t first)
{
    struct seen seen = { 0 };
    struct buf sql;
    int64_t *times = busbar_alloc_array(scene->count, sizeof(*times));
    buf_init(&sql, 4 << 20);
    assert_int_equal(place_append(&rig.place, scene->samples + first, scene->count - first), 0);
    for (size_t i = first; i < scene->count; i++) {
        times[i - first] = scene->samples[i].time_us;
        put_row(&scene->samples[i], &sql);
    }
    pg_partitions_make(scene->target.partitions, scene->link, times, scene->count - first, take,
                       &seen);
    wait_for(rig.loop, &seen.calls, 1);
    assert_string_equal(seen.text, "");
    (void)run_fine(scene->link, buf_text(&sql));
    buf_fini(&sql);
    busbar_free(times);
}

static void add_points(struct scene *scene, const char *schema)
{
    char sql[160], path[40];
    for (unsigned i = 0; i < 3; i++) {
        const char *name = path;
        str_format(path, sizeof(path), "%s/%u", schema, i);
        assert_int_equal(state_ids(rig.place.state, &name, 1, &scene->points[i], NULL), 0);
        str_format(sql, sizeof(sql), "insert into point (site, point, path) values (1, %u, '%s')",
                   (unsigned)scene->points[i], path);
        (void)run_fine(scene->link, sql);
    }
}

static struct scene *open_scene(const char *schema)
{
    need_server();
    struct seen seen = { 0 };
    struct scene *scene = busbar_alloc(sizeof(*scene));
    scene->link = open_link("busbar", "secret");
    gateway_init(&scene->gateway, schema, "hq", "a1");
    gateway_set(&scene->gateway, POSTGRES_USER, (union setting_value){ .text = "busbar" });
    gateway_set(&scene->gateway, POSTGRES_PASSWORD, (union setting_value){ .text = "pw" });
    gateway_set(&scene->gateway, POSTGRES_CHUNKS, (union setting_value){ .b = false });
    struct step step = step_fine(&scene->gateway, scene->link);
    scene->sink.stand = STAND_ON; /* and nothing waits */
    scene->target = (struct sink_target){ .sink = &scene->sink,
                                          .env = &scene->gateway.env,
                                          .settings = &scene->gateway.settings,
                                          .facts = step.facts };
    scene->target.partitions = pg_partitions_new(PG_DAY, false);
    pg_partitions_load(scene->target.partitions, scene->link, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    add_points(scene, schema);
    return scene;
}

static const char *secret(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return "secret";
}

static void looked(void *ctx, const struct pg_answer *answer)
{
    struct scene *scene = ctx;
    const char *cell = answer->error == 0 ? pg_cell(answer, 0, 0) : NULL;
    assert_string_equal(answer->err.message, "");
    scene->asked = false;
    scene->yes = cell != NULL && cell[0] == 't';
}

static bool is_so(void *ctx)
{
    struct scene *scene = ctx;
    if (!scene->asked && !scene->yes) {
        scene->asked = true;
        pg_run(scene->link, scene->until, looked, scene);
    }
    return scene->yes;
}

/* Runs the upkeep until SQL says t, then ends it. */
static void run_until(struct scene *scene, const char *sql)
{
    scene->gateway.env.secret = secret;
    scene->yes = false;
    str_copy(scene->until, sizeof(scene->until), sql);
    scene->target.upkeep = pg_upkeep_new(&scene->target);
    wait_until(rig.loop, is_so, scene);
    pg_upkeep_free(scene->target.upkeep);
    scene->target.upkeep = NULL;
}

static void close_scene(struct scene *scene)
{
    pg_link_free(scene->link);
    pg_partitions_free(scene->target.partitions);
    jobs_drain(rig.loop);
    busbar_free(scene);
}

/* Hours that differ from what SQL makes of the rows, below the mark. */
static const char differ_sql[] =
    "select count(*) from (select date_trunc('hour', time) as hour, site, point, "
    "min(value) filter (where ok) as min, max(value) filter (where ok) as max, "
    "sum(value) filter (where ok) as sum, count(*) filter (where ok) as count, "
    "count(*) filter (where not ok) as bad, "
    "(array_agg(value order by time) filter (where ok))[1] as first, "
    "(array_agg(value order by time desc) filter (where ok))[1] as last, "
    "(array_agg(quality order by time desc))[1] as quality "
    "from (select *, value is not null and quality in (0, 1, 2, 14) as ok from sample) s "
    "group by 1, 2, 3) s full join hour h using (site, point, hour) "
    "where hour < (select to_timestamp(value / 1000000) from mark where name = 'hours') "
    "and (s.min is distinct from h.min or s.max is distinct from h.max "
    "or abs(s.sum - h.sum) > 1e-9 or (s.sum is null) <> (h.sum is null) "
    "or s.count is distinct from h.count or s.bad is distinct from h.bad "
    "or s.first is distinct from h.first or s.last is distinct from h.last "
    "or s.quality is distinct from h.quality)";

#define ALL_BEFORE "select not exists (select from point where not hours)"

static int64_t this_hour(void)
{
    return rollup_floor(clock_wall_us());
}

/* ---- hours ---- */

static void a_fresh_database_gets_all_hours(void **state)
{
    (void)state;
    struct scene *scene = open_scene("fresh");
    int64_t now = this_hour();
    fill(scene, now - HOURS * ROLLUP_HOUR_US, now + ROLLUP_HOUR_US / 2);
    store(scene, 0);
    run_until(scene, ALL_BEFORE);
    assert_string_equal(run_fine(scene->link, "select count(*) >= 3 * 38 from hour").cell, "t");
    assert_string_equal(run_fine(scene->link, differ_sql).cell, "0");
    assert_string_equal(
        run_fine(scene->link, "select count(*) > 0 from hour where count = 0 and min is null and "
                              "bad > 0")
            .cell,
        "t");
    close_scene(scene);
}

/* The gateway was off for half a day: it goes on at its mark, for all points. */
static void goes_on_where_it_stopped(void **state)
{
    (void)state;
    char sql[160];
    struct scene *scene = open_scene("goes_on");
    int64_t now = this_hour(), mark = now - 12 * ROLLUP_HOUR_US;
    fill(scene, mark, now);
    store(scene, 0);
    str_format(sql, sizeof(sql),
               "update point set hours = true; insert into mark values (1, "
               "'hours', %lld)",
               (long long)mark);
    (void)run_fine(scene->link, sql);
    str_format(sql, sizeof(sql), "select value >= %lld from mark where name = 'hours'",
               (long long)(now - ROLLUP_HOUR_US));
    run_until(scene, sql);
    assert_string_equal(run_fine(scene->link, differ_sql).cell, "0");
    assert_string_equal(run_fine(scene->link, "select count(*) >= 33 from hour").cell, "t");
    close_scene(scene);
}

/* The clock was ahead for a while, and the mark went with it: nothing that came since for those hours was late. */
static void hours_that_are_not_over_are_made_again(void **state)
{
    (void)state;
    char sql[300];
    struct scene *scene = open_scene("clock");
    int64_t now = this_hour();
    fill(scene, now - 5 * ROLLUP_HOUR_US, now);
    store(scene, 0);
    str_format(sql, sizeof(sql),
               "update point set hours = true; insert into mark values (1, 'hours', %lld)",
               (long long)(now + 24 * ROLLUP_HOUR_US));
    (void)run_fine(scene->link, sql);
    str_format(sql, sizeof(sql),
               "select value between %lld and %lld from mark where name = 'hours'",
               (long long)(now - ROLLUP_HOUR_US), (long long)(now + ROLLUP_HOUR_US));
    run_until(scene, sql);
    str_format(sql, sizeof(sql), "update mark set value = %lld where name = 'hours'",
               (long long)(now - 4 * ROLLUP_HOUR_US));
    (void)run_fine(scene->link, sql); /* a day later */
    str_format(sql, sizeof(sql), "select value >= %lld from mark where name = 'hours'",
               (long long)(now - ROLLUP_HOUR_US));
    run_until(scene, sql);
    assert_string_equal(run_fine(scene->link, "select count(*) >= 6 from hour").cell, "t");
    close_scene(scene);
}

static void late_samples_make_their_hour_again(void **state)
{
    (void)state;
    char sql[200];
    struct scene *scene = open_scene("late");
    int64_t hour = this_hour() - 20 * ROLLUP_HOUR_US;
    fill(scene, hour - 5 * ROLLUP_HOUR_US, hour + 5 * ROLLUP_HOUR_US);
    store(scene, 0);
    run_until(scene, ALL_BEFORE);
    size_t first = scene->count;
    put(scene, place_number(scene->points[1], hour + 1234567, 4711));
    put(scene, place_number(scene->points[2], hour - 1234567, -4711));
    store(scene, first);
    assert_string_equal(run_fine(scene->link, differ_sql).cell, "2");
    str_format(sql, sizeof(sql),
               "insert into late select 1, 1, u.point, date_trunc('hour', s.time) from sample s, "
               "unnest(array[%u, %u]) u(point) where s.point = u.point and abs(s.value) = 4711",
               (unsigned)scene->points[1], (unsigned)scene->points[2]);
    (void)run_fine(scene->link, sql);
    run_until(scene, "select not exists (select from late)");
    assert_string_equal(run_fine(scene->link, differ_sql).cell, "0");
    close_scene(scene);
}

/* What is made again is made once more when it was noted again meanwhile. */
static void noted_again_stays(void **state)
{
    (void)state;
    struct scene *scene = open_scene("noted");
    (void)run_fine(scene->link, "insert into late values (1, 2, 5, '2026-01-01Z')"); /* of chunks */
    run_until(scene, "select exists (select from mark where name = 'hours')");
    assert_string_equal(run_fine(scene->link, "select count(*) from late").cell, "1");
    close_scene(scene);
}

static void rows_of_buckets(void **state)
{
    (void)state;
    struct buf out;
    struct history_bucket bucket = { .start_us = 0, .bad = 2, .others = 1, .quality = 5 };
    buf_init(&out, 1024);
    assert_int_equal(rollup_row(3, 7, &bucket, &out), 0);
    assert_string_equal(buf_text(&out),
                        "1970-01-01T00:00:00Z\t\\N\t\\N\t\\N\t\\N\t\\N\t7\t0\t2\t1\t3\t5\n");
    bucket = (struct history_bucket){ .start_us = 3600000000,
                                      .count = 2,
                                      .min = -1.5,
                                      .max = INFINITY,
                                      .sum = 0.1,
                                      .first = NAN,
                                      .last = 1e300 };
    buf_clear(&out);
    assert_int_equal(rollup_row(3, 7, &bucket, &out), 0);
    assert_string_equal(buf_text(&out),
                        "1970-01-01T01:00:00Z\t-1.5\tinf\t0.1\t\\N\t1e+300\t7\t2\t0\t0\t3\t0\n");
    buf_fini(&out);
    assert_int_equal(rollup_floor(-1), -ROLLUP_HOUR_US);
    assert_int_equal(rollup_floor(0), 0);
}

/* ---- partitions and what is old ---- */

static bool has_three_days(void *ctx)
{
    struct scene *scene = ctx;
    bool all = true;
    for (int day = 0; day <= 3; day++) {
        int64_t time = clock_wall_us() + day * 24 * ROLLUP_HOUR_US;
        all = all && pg_partitions_has(scene->target.partitions, time);
    }
    return all;
}

/* The live connection knows of them, too. */
static void partitions_are_there_ahead(void **state)
{
    (void)state;
    struct scene *scene = open_scene("ahead");
    assert_false(has_three_days(scene));
    scene->gateway.env.secret = secret;
    scene->target.upkeep = pg_upkeep_new(&scene->target);
    wait_until(rig.loop, has_three_days, scene);
    assert_string_equal(run_fine(scene->link, "select count(*) from pg_inherits where inhparent = "
                                              "'sample'::regclass")
                            .cell,
                        "4");
    pg_upkeep_free(scene->target.upkeep);
    close_scene(scene);
}

static void what_is_old_goes(void **state)
{
    (void)state;
    struct scene *scene = open_scene("old");
    (void)run_fine(
        scene->link,
        "select partition_make('sample_' || to_char(d, 'YYYYMMDD'), d, d + interval '1 day') "
        "from generate_series(date_trunc('day', now()) - interval '40 days', now(), '1 day') d");
    (void)run_fine(
        scene->link,
        "insert into sample (time, value, point, site, quality) select d, 1, 1, 1, 0 from "
        "generate_series(now() - interval '40 days', now(), '1 hour') d");
    (void)run_fine(scene->link,
                   "insert into event (time, received, uid, site, severity, source, kind) select "
                   "d, d, 1, 1, 0, 's', 'k' from generate_series(now() - interval '370 days', "
                   "now() - interval '1 day', '1 day') d");
    (void)run_fine(scene->link, "insert into hour (hour, point, count, bad, others, site, quality) "
                                "select d, 1, 0, 0, 0, 1, 0 from generate_series(now() - interval "
                                "'4000 days', now(), '1 day') d");
    run_until(scene, "select not exists (select from event where time < now() - interval '365 "
                     "days') and not exists (select from hour where hour < now() - interval "
                     "'3650 days')");
    /* 30 days are kept: of 41 days, the ten that ended before that are gone. */
    assert_string_equal(run_fine(scene->link, "select count(*) from sample where time < "
                                              "date_trunc('day', now() - interval '30 days')")
                            .cell,
                        "0");
    assert_string_equal(run_fine(scene->link, "select count(*) > 24 * 30 from sample").cell, "t");
    assert_string_equal(run_fine(scene->link, "select count(*) = 364 from event").cell, "t");
    assert_string_equal(run_fine(scene->link, "select count(*) > 3600 from hour").cell, "t");
    close_scene(scene);
}

static const char *detail_of(const struct scene *scene, const char *name)
{
    static struct sink_detail details[SINK_DETAILS_MAX]; /* until the next call */
    size_t count = pg_upkeep_details(scene->target.upkeep, details, SINK_DETAILS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(details[i].name, name) == 0) {
            return details[i].text;
        }
    }
    return "";
}

static bool keeper_is_told(void *ctx)
{
    return strstr(detail_of(ctx, "retention"), "stay") != NULL;
}

/* One that is gone for good, and had its days not all in chunks. */
static void a_site_that_keeps_old_rows_is_named(void **state)
{
    (void)state;
    struct scene *scene = open_scene("keeps");
    scene->gateway.env.secret = secret;
    (void)run_fine(scene->link, "select partition_make('sample_20200101', '2020-01-01', "
                                "'2020-01-02')");
    (void)run_fine(scene->link,
                   "insert into site (name, log_id, rows_keep, chunks, changed) values ('old', "
                   "'', '30 days', true, '2020-03-04')");
    scene->target.upkeep = pg_upkeep_new(&scene->target);
    wait_until(rig.loop, keeper_is_told, scene);
    assert_string_equal(detail_of(scene, "retention"),
                        "rows since 2020-01-01 stay, for the site 'old' wants them (last heard "
                        "of 2020-03-04)");
    pg_upkeep_free(scene->target.upkeep);
    (void)run_fine(scene->link,
                   "update site set rows_keep = '0', chunks = false where name = 'old'");
    run_until(scene, "select to_regclass('sample_20200101') is null");
    close_scene(scene);
}

/* ---- the journal ---- */

static void write_journal(int count, const char *what)
{
    static int64_t time_us = 1700000000000000;
    for (int i = 0; i < count; i++) {
        struct state_entry entry = { .time_us = time_us++, .who = "anna", .what = what };
        assert_int_equal(state_journal_add(rig.place.state, &entry, 1), 0);
    }
}

/* The backup knew 205 entries; 3 more were published and are lost; then the restored gateway wrote 2. */
static void the_journal_goes_on_after_a_restore(void **state)
{
    (void)state;
    struct scene *scene = open_scene("diary");
    write_journal(205, "before");
    run_until(scene, "select count(*) = 205 from journal");
    (void)run_fine(scene->link,
                   "insert into journal (id, time, site, who, what) select 205 + i, now(), 1, "
                   "'anna', 'lost' from generate_series(1, 3) i; "
                   "update mark set value = -1 where name = 'journal'"); /* as a takeover does */
    write_journal(2, "after");
    run_until(scene, "select count(*) = 2 from journal where what = 'after'");
    assert_string_equal(
        run_fine(scene->link, "select count(*) || ' ' || max(id) from journal").cell, "210 210");
    assert_string_equal(
        run_fine(scene->link, "select string_agg(value::text, ' ' order by name) from mark where "
                              "name like 'journal%'")
            .cell,
        "207 3");
    write_journal(1, "on");
    run_until(scene, "select id = 211 from journal where what = 'on'");
    (void)run_fine(scene->link, "update mark set value = -1 where name = 'journal'");
    write_journal(1, "again"); /* nothing was lost: nothing changes */
    run_until(scene, "select id = 212 from journal where what = 'again'");
    assert_string_equal(run_fine(scene->link, "select count(*) from journal").cell, "212");
    close_scene(scene);
}

/* A step that fails is told, and holds up no other. */
static void one_that_fails_holds_up_no_other(void **state)
{
    (void)state;
    struct sink_detail details[SINK_DETAILS_MAX];
    struct scene *scene = open_scene("failing");
    (void)run_fine(scene->link, "alter table mark rename to mark_away");
    scene->gateway.env.secret = secret;
    scene->target.upkeep = pg_upkeep_new(&scene->target);
    str_copy(scene->until, sizeof(scene->until),
             "select count(*) = 4 from pg_inherits where inhparent = 'sample'::regclass");
    wait_until(rig.loop, is_so, scene);
    wait_ms(rig.loop, 300);
    size_t count = pg_upkeep_details(scene->target.upkeep, details, SINK_DETAILS_MAX);
    bool told = false;
    for (size_t i = 0; i < count; i++) {
        told = told || (strcmp(details[i].name, "hours") == 0 &&
                        strstr(details[i].text, "failed, is tried again") != NULL &&
                        strstr(details[i].text, "mark") != NULL);
    }
    assert_true(told);
    pg_upkeep_free(scene->target.upkeep);
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_buckets),
        cmocka_unit_test(a_fresh_database_gets_all_hours),
        cmocka_unit_test(goes_on_where_it_stopped),
        cmocka_unit_test(hours_that_are_not_over_are_made_again),
        cmocka_unit_test(late_samples_make_their_hour_again),
        cmocka_unit_test(noted_again_stays),
        cmocka_unit_test(partitions_are_there_ahead),
        cmocka_unit_test(what_is_old_goes),
        cmocka_unit_test(a_site_that_keeps_old_rows_is_named),
        cmocka_unit_test(the_journal_goes_on_after_a_restore),
        cmocka_unit_test(one_that_fails_holds_up_no_other),
    };
    return cmocka_run_group_tests(tests, begin_rig, end_rig);
}
