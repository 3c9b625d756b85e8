/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar of partitions, and partitions made and dropped on a real server. */
#include "sinks/postgres/partitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "unit/sinks/postgres/schema_rig.h"

static int64_t at(const char *text)
{
    int64_t time_us = 0;
    assert_int_equal(str_parse_time(text, &time_us), 0);
    return time_us;
}

/* ---- the calendar ---- */

static void assert_unit(enum pg_unit unit, const char *time, const char *low, const char *high)
{
    assert_int_equal(pg_partition_low(unit, at(time)), at(low));
    assert_int_equal(pg_partition_high(unit, at(low)), at(high));
}

static void days_weeks_months(void **state)
{
    (void)state;
    assert_unit(PG_DAY, "2026-11-23T23:59:59.999999Z", "2026-11-23T00:00:00Z",
                "2026-11-24T00:00:00Z");
    assert_unit(PG_WEEK, "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
    assert_unit(PG_WEEK, "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z");
    assert_unit(PG_MONTH, "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
    assert_unit(PG_MONTH, "2026-12-31T12:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert_unit(PG_MONTH, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-02-01T00:00:00Z");
    assert_unit(PG_MONTH, "2000-02-01T00:00:00Z", "2000-02-01T00:00:00Z", "2000-03-01T00:00:00Z");
}

/* Each begins where the one before ends, and holds what it is for. */
static void units_follow_one_another(void **state)
{
    (void)state;
    for (int unit = PG_DAY; unit <= PG_MONTH; unit++) {
        int64_t time = at("1970-01-05T00:00:00Z"), end = at("2030-01-01T00:00:00Z");
        int64_t low = pg_partition_low((enum pg_unit)unit, time);
        while (low < end) {
            int64_t high = pg_partition_high((enum pg_unit)unit, low);
            assert_true(high > low);
            assert_int_equal(pg_partition_low((enum pg_unit)unit, low), low);
            assert_int_equal(pg_partition_low((enum pg_unit)unit, high - 1), low);
            assert_int_equal(pg_partition_low((enum pg_unit)unit, high), high);
            low = high;
        }
    }
}

static void times_that_do_not_fit(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t now = at("2026-11-23T10:00:00Z");
    assert_int_equal(pg_partition_fits(now, now, &err), 0);
    assert_int_equal(pg_partition_fits(0, now, &err), 0);
    assert_int_equal(pg_partition_fits(at("2027-11-20T00:00:00Z"), now, &err), 0);
    assert_int_equal(pg_partition_fits(-1, now, &err), BUSBAR_ERANGE);
    assert_non_null(strstr(err.message, "before 1970"));
    assert_int_equal(pg_partition_fits(at("2106-02-07T06:28:15Z"), now, &err), BUSBAR_ERANGE);
    assert_non_null(strstr(err.message, "2106-02-07T06:28:15Z"));
    assert_int_equal(pg_partition_fits(INT64_MAX, now, &err), BUSBAR_ERANGE);
    assert_int_equal(pg_partition_fits(INT64_MIN, now, &err), BUSBAR_ERANGE);
}

/* ---- on a server ---- */

struct place_of {
    struct gateway gateway;
    struct pg_link *link;
    struct pg_partitions *partitions;
};

static void open_place(struct place_of *place, const char *schema, enum pg_unit unit)
{
    struct seen seen = { 0 };
    need_server();
    place->link = open_link("busbar", "secret");
    gateway_init(&place->gateway, schema, "hq", "a1");
    (void)step_fine(&place->gateway, place->link);
    place->partitions = pg_partitions_new(unit, false);
    pg_partitions_load(place->partitions, place->link, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    assert_string_equal(seen.text, "");
}

static void close_place(struct place_of *place)
{
    pg_link_free(place->link);
    pg_partitions_free(place->partitions);
}

static void make(struct place_of *place, const int64_t *times, size_t count)
{
    struct seen seen = { 0 };
    pg_partitions_make(place->partitions, place->link, times, count, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    assert_string_equal(seen.text, "");
}

static void made_on_demand(void **state)
{
    (void)state;
    struct place_of place;
    open_place(&place, "demand", PG_DAY);
    const int64_t times[] = { at("2026-11-23T10:00:00Z"), at("1970-01-01T00:00:00Z"),
                              at("2026-11-23T11:00:00Z"), at("2024-02-29T00:00:00Z") };
    assert_false(pg_partitions_has(place.partitions, times[0]));
    make(&place, times, 4);
    assert_int_equal(pg_partitions_count(place.partitions), 3);
    for (size_t i = 0; i < 4; i++) {
        assert_true(pg_partitions_has(place.partitions, times[i]));
    }
    assert_false(pg_partitions_has(place.partitions, at("2026-11-24T00:00:00Z")));
    make(&place, times, 4); /* nothing is missing */
    assert_int_equal(pg_partitions_count(place.partitions), 3);
    (void)run_fine(place.link, "insert into sample (time, value, point, site, quality) values "
                               "('2026-11-23 10:00Z', 1, 1, 1, 0), ('1970-01-01Z', 1, 1, 1, 0)");
    assert_string_equal(
        run_fine(place.link, "select string_agg(tableoid::regclass::text, ',' order by time) from "
                             "sample")
            .cell,
        "sample_19700101,sample_20261123");
    close_place(&place);
}

/* Many at once, then all of them are found again by another list. */
static void many_are_found_again(void **state)
{
    (void)state;
    struct place_of place;
    int64_t times[100], day = INT64_C(86400000000);
    struct seen seen = { 0 };
    open_place(&place, "many", PG_DAY);
    for (int i = 0; i < 100; i++) {
        times[i] = at("2026-01-01T00:00:00Z") + i * 2 * day;
    }
    make(&place, times, 100);
    struct pg_partitions *again = pg_partitions_new(PG_DAY, false);
    pg_partitions_load(again, place.link, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    assert_int_equal(pg_partitions_count(again), 100);
    for (int i = 0; i < 100; i++) {
        assert_true(pg_partitions_has(again, times[i] + day - 1));
        assert_false(pg_partitions_has(again, times[i] + day));
        assert_false(pg_partitions_has(again, times[i] - 1));
    }
    pg_partitions_free(again);
    close_place(&place);
}

/* `partition: day` became `week`, then `month`: what is there stays, and is not overlapped. */
static void another_unit_fills_the_gaps(void **state)
{
    (void)state;
    struct place_of place;
    const int64_t day[] = { at("2026-11-25T00:00:00Z") };
    const int64_t week[] = { at("2026-11-24T00:00:00Z"), at("2026-11-26T00:00:00Z") };
    const int64_t month[] = { at("2026-11-01T00:00:00Z"), at("2026-11-30T00:00:00Z") };
    struct seen seen = { 0 };
    open_place(&place, "units", PG_DAY);
    make(&place, day, 1);
    pg_partitions_free(place.partitions);
    place.partitions = pg_partitions_new(PG_WEEK, false);
    pg_partitions_load(place.partitions, place.link, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    make(&place, week, 2);
    pg_partitions_free(place.partitions);
    place.partitions = pg_partitions_new(PG_MONTH, false);
    pg_partitions_load(place.partitions, place.link, take, &seen);
    wait_for(rig.loop, &seen.calls, 2);
    make(&place, month, 2);
    assert_int_equal(pg_partitions_count(place.partitions), 5);
    assert_true(pg_partitions_has(place.partitions, at("2026-11-23T00:00:00Z")));
    assert_true(pg_partitions_has(place.partitions, at("2026-11-30T23:59:59Z")));
    assert_false(pg_partitions_has(place.partitions, at("2026-12-01T00:00:00Z")));
    (void)run_fine(place.link,
                   "insert into sample (time, value, point, site, quality) select t, 1, "
                   "1, 1, 0 from generate_series('2026-11-01Z'::timestamptz, "
                   "'2026-11-30 23:00Z', '1 hour') t");
    close_place(&place);
}

/* Only what every site is done with goes. */
static void dropped_when_nobody_wants_it(void **state)
{
    (void)state;
    struct place_of place;
    const char *drop = "select partition_drop('sample_20200101')";
    const int64_t times[] = { at("2020-01-01T00:00:00Z"), clock_wall_us() };
    open_place(&place, "drop", PG_DAY);
    make(&place, times, 2);
    assert_non_null(strstr(run_sql(place.link, drop).text, "not old enough")); /* no chunks yet */
    (void)run_fine(place.link, "update mark set value = 1577923200000000 where name = 'chunks'");
    (void)run_fine(place.link, "insert into late values (1, 2, 7, '2020-01-01Z')");
    assert_non_null(strstr(run_sql(place.link, drop).text, "not old enough"));
    (void)run_fine(place.link, "delete from late");
    (void)run_fine(place.link,
                   "insert into site (name, log_id, rows_keep, chunks) values ('other', "
                   "'', null, false)");
    assert_non_null(strstr(run_sql(place.link, drop).text, "not old enough"));
    (void)run_fine(place.link, "update site set rows_keep = '1 year' where name = 'other'");
    (void)run_fine(place.link, drop);
    assert_string_equal(run_fine(place.link, "select to_regclass('sample_20200101')").cell, "");
    assert_string_equal(run_fine(place.link, drop).cell, "0"); /* it is gone */
    assert_non_null(strstr(run_sql(place.link, "select partition_make('site', now(), now())").text,
                           "not the name"));
    close_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_weeks_months),
        cmocka_unit_test(units_follow_one_another),
        cmocka_unit_test(times_that_do_not_fit),
        cmocka_unit_test(made_on_demand),
        cmocka_unit_test(many_are_found_again),
        cmocka_unit_test(another_unit_fills_the_gaps),
        cmocka_unit_test(dropped_when_nobody_wants_it),
    };
    return cmocka_run_group_tests(tests, begin_rig, end_rig);
}
