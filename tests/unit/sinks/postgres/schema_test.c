/* SPDX-License-Identifier: Apache-2.0 */
/* Tables made, compared and claimed, on a real server. */
#include "sinks/postgres/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/quality.h"
#include "sinks/postgres/steps.h"
#include "sinks/postgres/tables.h"
#include "unit/sinks/postgres/schema_rig.h"

static struct pg_link *open_busbar(void)
{
    return open_link("busbar", "secret");
}

/* ---- making ---- */

static void makes_all_and_finds_it_again(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "made", "hq", "a1");
    struct step first = step_fine(&gateway, link);
    assert_int_equal(first.facts.version, PG_SCHEMA_VERSION);
    assert_int_equal(first.facts.site, 1);
    assert_false(first.facts.known_log);
    assert_memory_equal(first.facts.server, "PostgreSQL ", 11);
    (void)run_fine(link,
                   "update site set log_id = 'a1', sequence = 42, taken = 7, published = 100, "
                   "repeated = 3, events_released = 9");
    struct step second = step_fine(&gateway, link);
    assert_true(second.facts.known_log);
    assert_int_equal(second.facts.position.place.sequence, 42);
    assert_int_equal(second.facts.position.place.taken, 7);
    assert_int_equal(second.facts.position.counts.published, 100);
    assert_int_equal(second.facts.position.counts.repeated, 3);
    assert_int_equal(second.facts.position.counts.events_released, 9);
    assert_string_equal(run_fine(link, "select title from site").cell, "Head office");
    assert_string_equal(run_fine(link, "select rows_keep from site").cell, "720:00:00");
    assert_string_equal(run_fine(link, "select name from mark").cell, "chunks");
    pg_link_free(link);
}

/* tables.c says the same as schema.sql: each column of it was compared by the step; here, that none is left out. */
static void knows_each_column(void **state)
{
    (void)state;
    need_server();
    char wanted[24];
    size_t count = 0;
    struct pg_link *link = open_busbar();
    for (const struct pg_table *table = pg_tables; table->name != NULL; table++) {
        for (const struct pg_column *column = table->columns; column->name != NULL; column++) {
            count++;
        }
    }
    str_format(wanted, sizeof(wanted), "%zu", count);
    assert_string_equal(run_fine(link, "select count(*) from information_schema.columns c join "
                                       "information_schema.tables t using (table_schema, "
                                       "table_name) where table_schema = 'made' and table_type = "
                                       "'BASE TABLE'")
                            .cell,
                        wanted);
    assert_string_equal(
        run_fine(link, "select count(*) from pg_class c join pg_attribute a on a.attrelid = c.oid "
                       "where c.relnamespace = 'made'::regnamespace and relkind in ('r', 'p') and "
                       "attnum > 0 and col_description(c.oid, attnum) is null")
            .cell,
        "0");
    assert_string_equal(
        run_fine(link, "select count(*) from pg_class c where relnamespace = 'made'::regnamespace "
                       "and relkind in ('r', 'p', 'v') and obj_description(c.oid) is null")
            .cell,
        "0");
    pg_link_free(link);
}

static void words_of_quality_are_ours(void **state)
{
    (void)state;
    need_server();
    char sql[160];
    struct pg_link *link = open_busbar();
    for (uint8_t quality = 0; quality_known(quality); quality++) {
        str_format(sql, sizeof(sql),
                   "select name || '/' || class from made.quality where number = %d", (int)quality);
        char wanted[80];
        str_format(wanted, sizeof(wanted), "%s/%s", quality_reason(quality),
                   quality_class_word(quality));
        assert_string_equal(run_fine(link, sql).cell, wanted);
    }
    pg_link_free(link);
}

static void says_what_is_missing(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "absent", "hq", "a1");
    struct step look = step_run(&gateway, link, true);
    assert_false(look.fine);
    assert_int_equal(look.failure, SINK_WRONG);
    gateway_set(&gateway, POSTGRES_MAKE, (union setting_value){ .b = false });
    struct step step = step_run(&gateway, link, false);
    assert_int_equal(step.failure, SINK_WRONG);
    assert_non_null(strstr(step.err.message, "has no schema 'absent'"));
    assert_non_null(strstr(step.err.hint, "busbar sink sql plant"));
    assert_string_equal(run_fine(link, "select to_regnamespace('absent')").cell, "");
    pg_link_free(link);
}

static void says_what_the_role_may_not(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_link("weak", "weak");
    gateway_init(&gateway, "weak", "hq", "a1");
    struct step step = step_run(&gateway, link, false);
    assert_int_equal(step.failure, SINK_WRONG);
    assert_non_null(strstr(step.err.message, "the role weak may not make the schema 'weak'"));
    gateway_init(&gateway, "made", "hq", "a1");
    step = step_run(&gateway, link, false);
    assert_non_null(strstr(step.err.message, "the role weak may not use the schema 'made'"));
    pg_link_free(link);
}

static void refuses_a_newer_schema(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "newer", "hq", "a1");
    (void)step_fine(&gateway, link);
    (void)run_fine(link, "insert into meta (version) values (99)");
    struct step step = step_run(&gateway, link, false);
    assert_int_equal(step.failure, SINK_WRONG);
    assert_non_null(strstr(step.err.message, "are of version 99"));
    pg_link_free(link);
}

static void two_that_start_at_once(void **state)
{
    (void)state;
    need_server();
    struct gateway one, two;
    struct step first, second;
    struct pg_link *links[2] = { open_busbar(), open_busbar() };
    gateway_init(&one, "twice", "north", "a1");
    gateway_init(&two, "twice", "south", "b2");
    step_begin(&first, &one, links[0], false);
    step_begin(&second, &two, links[1], false);
    step_end(&first);
    step_end(&second);
    assert_string_equal(first.err.message, "");
    assert_string_equal(second.err.message, "");
    assert_int_not_equal(first.facts.site, second.facts.site);
    pg_link_free(links[0]);
    pg_link_free(links[1]);
}

/* ---- steps ---- */

static const struct pg_step three_steps[] = {
    { 3, "not needed", "select 1 / 0;\n" },
    { 4, "a table", "-- of numbers\ncreate table #schema#.numbers (a int);\n" },
    { 5, "a number", "insert into numbers values (5);\n" },
    { 6, "another", "insert into numbers values (6);\n" },
    { .sql = NULL },
};

static const struct pg_step fails_in_the_middle[] = {
    { 4, "a table", "create table numbers (a int);\n" },
    { 5, "a fault", "insert into numbers values (5);\nselect 1 / 0;\n" },
    { 6, "another", "insert into numbers values (6);\n" },
    { .sql = NULL },
};

static const struct pg_step takes_forever[] = {
    { 4, "a table", "create table numbers (a int);\n" },
    { 5, "a number", "insert into numbers values (5);\nselect pg_sleep(50);\n" },
    { .sql = NULL },
};

static const struct pg_step takes_long[] = {
    { 4, "a table", "create table numbers (a int);\n" },
    { 5, "a number", "insert into numbers values (5);\nselect pg_sleep(0.5);\n" },
    { 6, "another", "insert into numbers values (6);\n" },
    { .sql = NULL },
};

static const char *versions(struct pg_link *link)
{
    static struct seen seen; /* until the next call */
    seen = run_fine(link, "select string_agg(version::text, ' ' order by version) from meta");
    return seen.cell;
}

static const char *numbers(struct pg_link *link)
{
    static struct seen seen;
    seen = run_fine(link, "select string_agg(a::text, ' ' order by a) from numbers");
    return seen.cell;
}

static void missing_steps_are_made_in_order(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "steps", "hq", "a1");
    (void)step_fine(&gateway, link);
    assert_string_equal(versions(link), "3");
    gateway.steps = three_steps;
    struct step step = step_run(&gateway, link, true); /* a look changes nothing */
    assert_int_equal(step.failure, SINK_AGAIN);
    assert_int_equal(step.facts.version, 3);
    assert_non_null(strstr(step.err.message, "are of version 3, this program needs version 6"));
    assert_string_equal(versions(link), "3");
    step = step_fine(&gateway, link);
    assert_int_equal(step.facts.version, 6);
    assert_string_equal(versions(link), "3 4 5 6");
    assert_string_equal(numbers(link), "5 6");
    (void)step_fine(&gateway, link); /* none is missing */
    assert_string_equal(numbers(link), "5 6");
    pg_link_free(link);
}

static void a_step_that_fails_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "fails", "hq", "a1");
    gateway.steps = fails_in_the_middle;
    struct step step = step_run(&gateway, link, false);
    assert_int_equal(step.failure, SINK_WRONG);
    assert_non_null(strstr(step.err.message, "the schema 'fails' stays at version 4, step 5 (a "
                                             "fault) fails: "));
    assert_non_null(strstr(step.err.message, "division by zero"));
    assert_non_null(strstr(step.err.hint, "nothing was changed"));
    assert_non_null(strstr(step.err.hint, "busbar sink sql plant"));
    assert_string_equal(versions(link), "3 4");
    assert_string_equal(numbers(link), "");
    gateway.steps = three_steps; /* mended */
    (void)step_fine(&gateway, link);
    assert_string_equal(versions(link), "3 4 5 6");
    assert_string_equal(numbers(link), "5 6");
    pg_link_free(link);
}

static void two_make_each_step_once(void **state)
{
    (void)state;
    need_server();
    struct gateway one, two;
    struct step first, second;
    struct pg_link *links[2] = { open_busbar(), open_busbar() };
    gateway_init(&one, "both", "north", "a1");
    gateway_init(&two, "both", "south", "b2");
    one.steps = two.steps = takes_long;
    step_begin(&first, &one, links[0], false);
    step_begin(&second, &two, links[1], false);
    step_end(&first);
    step_end(&second);
    assert_string_equal(first.err.message, "");
    assert_string_equal(second.err.message, "");
    assert_string_equal(versions(links[0]), "3 4 5 6");
    assert_string_equal(numbers(links[0]), "5 6");
    pg_link_free(links[0]);
    pg_link_free(links[1]);
}

static bool sleeps(void *ctx)
{
    wait_ms(rig.loop, 5); /* nothing else wakes the loop */
    return strcmp(run_fine(ctx, "select count(*) from pg_stat_activity where state = 'active' and "
                                "wait_event = 'PgSleep'")
                      .cell,
                  "1") == 0;
}

/* The gateway is gone in the middle of step 5, and its session is ended, as by a server that crashes. */
static void goes_on_from_the_version_that_is_there(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct step step;
    struct pg_link *link = open_busbar(), *other = open_busbar();
    gateway_init(&gateway, "crash", "hq", "a1");
    gateway.steps = takes_forever;
    step_begin(&step, &gateway, link, false);
    wait_until(rig.loop, sleeps, other);
    (void)run_fine(other, "select pg_terminate_backend(pid) from pg_stat_activity where "
                          "wait_event = 'PgSleep'");
    step_end(&step);
    assert_false(step.fine);
    assert_int_equal(step.failure, SINK_AGAIN);
    (void)run_fine(other, "set search_path to crash");
    assert_string_equal(versions(other), "3 4");
    assert_string_equal(numbers(other), "");
    pg_link_free(link);
    gateway.steps = three_steps;
    (void)step_fine(&gateway, other);
    assert_string_equal(versions(other), "3 4 5 6");
    assert_string_equal(numbers(other), "5 6");
    pg_link_free(other);
}

static void a_table_without_a_version_is_named(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "none", "hq", "a1");
    (void)step_fine(&gateway, link);
    (void)run_fine(link, "delete from meta");
    struct step step = step_run(&gateway, link, false);
    assert_int_equal(step.failure, SINK_WRONG);
    assert_non_null(strstr(step.err.message, "none.meta says no version"));
    pg_link_free(link);
}

/* ---- comparing ---- */

static void names_what_was_altered(void **state)
{
    (void)state;
    need_server();
    static const struct {
        const char *sql, *text;
    } cases[] = {
        { "alter table sample drop column text cascade", "table x.sample has no column 'text'" },
        { "drop view hourly; alter table hour alter column count type int8",
          "column 'count' of the table x.hour is bigint: it must be integer" },
        { "alter table journal drop constraint journal_pkey",
          "primary key of the table x.journal is missing: it must be (site,id)" },
        { "alter table event drop constraint event_pkey; alter table event add primary key (uid)",
          "primary key of the table x.event is (uid): it must be (site,time,uid)" },
        { "drop table late cascade", "table x.late is not there" },
        { "alter table chunk add column mine int not null",
          "table x.chunk has a column 'mine' that is not busbar's" },
        { "alter table sample alter column value set not null",
          "column 'value' of the table x.sample must not be null" },
        { "drop view samples, latest; drop table sample; create table sample (time timestamptz, "
          "value float8, point int4, site int2, quality int2 not null, text text, received "
          "timestamptz, detail int2, primary key (site, point, time))",
          "table x.sample is not partitioned" },
    };
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "x", "hq", "a1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)run_fine(link, "drop schema if exists x cascade");
        (void)step_fine(&gateway, link);
        (void)run_fine(link, cases[i].sql);
        struct step step = step_run(&gateway, link, false);
        assert_false(step.fine);
        assert_int_equal(step.failure, SINK_WRONG);
        if (strstr(step.err.message, cases[i].text) == NULL) {
            fail_msg("%s\n  gives: %s", cases[i].sql, step.err.message);
        }
    }
    pg_link_free(link);
}

static void leaves_what_a_person_added(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, "added", "hq", "a1");
    (void)step_fine(&gateway, link);
    (void)run_fine(link, "alter table point add column room text; alter table hour add column mine "
                         "int not null default 1; create table own (a int)");
    (void)step_fine(&gateway, link);
    pg_link_free(link);
}

/* ---- claiming ---- */

static void another_gateway_of_that_name_is_refused(void **state)
{
    (void)state;
    need_server();
    struct gateway one, two;
    struct pg_link *first = open_busbar(), *second = open_busbar();
    gateway_init(&one, "claim", "hq", "a1");
    gateway_init(&two, "claim", "hq", "b2");
    (void)step_fine(&one, first);
    (void)run_fine(first, "update site set log_id = 'a1'");
    struct step step = step_run(&two, second, false);
    assert_int_equal(step.failure, SINK_WRONG);
    assert_non_null(strstr(step.err.message, "another gateway at 127.0.0.1 is publishing as the "
                                             "site 'hq' into the schema 'claim'"));
    assert_non_null(strstr(step.err.hint, "another site.id"));
    pg_link_free(first);
    pg_link_free(second);
}

static uint32_t make_path(const char *path)
{
    uint32_t id = 0;
    assert_int_equal(state_ids(rig.place.state, &path, 1, &id, NULL), 0);
    return id;
}

static struct step claim_with_points(const char *schema, const char *points)
{
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    gateway_init(&gateway, schema, "hq", "old");
    (void)step_fine(&gateway, link);
    (void)run_fine(link, "update site set log_id = 'old', sequence = 99");
    (void)run_fine(link, "insert into mark values (1, 'journal', 4800)");
    (void)run_fine(link, points);
    pg_link_free(link);
    link = open_busbar();
    gateway.env.log_id = "new";
    struct step step;
    for (int i = 0; i < 50; i++) { /* until the server has let go of the first one's lock */
        step = step_run(&gateway, link, false);
        if (strstr(step.err.message, "is publishing") == NULL) {
            break;
        }
        wait_ms(rig.loop, 20);
    }
    if (step.fine) {
        assert_string_equal(run_fine(link, "select log_id from site").cell, "");
        assert_false(step.facts.known_log);
        assert_string_equal(run_fine(link, "select value from mark where name = 'journal'").cell,
                            "-1");
    } else {
        assert_string_equal(run_fine(link, "select log_id from site").cell, "old");
    }
    pg_link_free(link);
    return step;
}

static void an_own_new_log_is_let_in(void **state)
{
    (void)state;
    need_server();
    char sql[160];
    str_format(sql, sizeof(sql),
               "insert into point (site, point, path) values (1, %u, 'ahu-1/sat'),"
               " (1, %u, 'newer/than-the-backup')",
               (unsigned)make_path("ahu-1/sat"), 999999u);
    struct step step = claim_with_points("restored", sql);
    assert_string_equal(step.err.message, "");
    assert_true(make_path("added/since") > 999999); /* its number was not free any more */
}

static uint32_t make_series(const char *text)
{
    uint32_t id = 0;
    const struct state_text set = { text, strlen(text) };
    assert_int_equal(state_label_sets_add(rig.place.state, &set, 1, &id, NULL), 0);
    return id;
}

/* Given to another before the database was heard of: also where one of them is a series with labels. */
static void numbers_that_are_given_already_are_found(void **state)
{
    (void)state;
    need_server();
    char sql[300], text[160];
    unsigned same = make_path("ahu-1/sat");
    unsigned series = make_series("power{job=\"meter\", unit=\"a,b\"}"),
             path = make_path("new/one");
    const struct {
        unsigned id;
        const char *path, *labels, *text; /* text NULL: it agrees */
    } cases[] = {
        { series, "", "{\"job\": \"meter\", \"unit\": \"a,b\", \"__name__\": \"power\"}", NULL },
        { series, "", "{}", NULL }, /* forgotten */
        { series, "", "{\"job\": \"other\", \"__name__\": \"power\"}",
          "is __name__=power, job=other, that of this gateway power{job=\"meter\", unit=\"a,b\"}" },
        { series, "pump/run", "{}", "is pump/run, that of this gateway power{job=" },
        { path, "", "{\"job\": \"other\"}", "is job=other, that of this gateway new/one" },
        { path, "new/one", "{\"job\": \"other\"}", NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char schema[16];
        str_format(schema, sizeof(schema), "given%zu", i);
        str_format(sql, sizeof(sql),
                   "insert into point (site, point, path, labels) values (1, %u, 'ahu-1/sat', "
                   "'{}'), (1, %u, '%s', '%s')",
                   same, cases[i].id, cases[i].path, cases[i].labels);
        struct step step = claim_with_points(schema, sql);
        if (cases[i].text == NULL) {
            assert_string_equal(step.err.message, "");
            continue;
        }
        str_format(text, sizeof(text), "its point %u %s", cases[i].id, cases[i].text);
        assert_int_equal(step.failure, SINK_WRONG);
        if (strstr(step.err.message, text) == NULL) {
            fail_msg("%s\n  is not in: %s", text, step.err.message);
        }
    }
}

static void points_of_another_gateway_are_found(void **state)
{
    (void)state;
    need_server();
    char sql[160], text[160];
    unsigned id = make_path("ahu-1/sat");
    str_format(sql, sizeof(sql), "insert into point (site, point, path) values (1, %u, 'pump/run')",
               id);
    struct step step = claim_with_points("foreign1", sql);
    assert_int_equal(step.failure, SINK_WRONG);
    str_format(text, sizeof(text), "its point %u is pump/run, that of this gateway ahu-1/sat", id);
    assert_non_null(strstr(step.err.message, text));
    assert_non_null(strstr(step.err.hint, "site.id"));
    step = claim_with_points("foreign2",
                             "insert into point (site, point, path) values (1, 888888, 'a/b')");
    assert_non_null(strstr(step.err.message, "this gateway has none of its points"));
}

/* Switched off, and on again: they go on where they were, and what is late for them meanwhile can be told. */
static void the_mark_of_chunks_stays(void **state)
{
    (void)state;
    need_server();
    static const char mark_sql[] = "select value from mark where name = 'chunks'";
    struct gateway gateway;
    struct pg_link *link = open_busbar();
    for (int i = 0; i < 4; i++) {
        gateway_init(&gateway, "paused", "hq", "a1");
        gateway_set(&gateway, POSTGRES_CHUNKS, (union setting_value){ .b = i % 2 != 0 });
        struct step step = step_fine(&gateway, link);
        if (i == 0) { /* never switched on */
            assert_int_equal(run_fine(link, mark_sql).rows, 0);
            assert_int_equal(step.facts.days_us, 0);
            continue;
        }
        if (i == 1) {
            assert_string_equal(run_fine(link, mark_sql).cell, "0");
            (void)run_fine(link, "update mark set value = 86400000000; "
                                 "insert into mark values (1, 'chunks point', 5)");
            continue;
        }
        assert_string_equal(run_fine(link, mark_sql).cell, "86400000000");
        assert_int_equal(step.facts.days_us, 2 * 86400000000);
    }
    pg_link_free(link);
}

/* ---- pure ---- */

static void quotes_names(void **state)
{
    (void)state;
    char text[32], small[6];
    assert_true(pg_quote(text, sizeof(text), "busbar"));
    assert_string_equal(text, "\"busbar\"");
    assert_true(pg_quote(text, sizeof(text), "my \"plant\""));
    assert_string_equal(text, "\"my \"\"plant\"\"\"");
    assert_false(pg_quote(text, sizeof(text), ""));
    assert_false(pg_quote(text, sizeof(text), "a\nb"));
    assert_false(pg_quote(small, sizeof(small), "busbar"));
}

static void what_is_late(void **state)
{
    (void)state;
    const int64_t hour = INT64_C(3600000000), minute = INT64_C(60000000);
    assert_false(pg_late_hour(10 * hour + 1, 11 * hour));
    assert_false(pg_late_hour(10 * hour + 1, pg_hour_closed(10 * hour) - 1));
    assert_true(pg_late_hour(10 * hour + 1, pg_hour_closed(10 * hour)));
    assert_true(pg_late_hour(11 * hour - 1, 12 * hour));
    assert_false(pg_late_day(10 * hour, 24 * hour + minute));
    assert_true(pg_late_day(10 * hour, pg_day_closed(0)));
    assert_true(pg_late_hour(-1, 2 * hour)); /* before 1970 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_all_and_finds_it_again),
        cmocka_unit_test(knows_each_column),
        cmocka_unit_test(words_of_quality_are_ours),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(says_what_the_role_may_not),
        cmocka_unit_test(refuses_a_newer_schema),
        cmocka_unit_test(two_that_start_at_once),
        cmocka_unit_test(missing_steps_are_made_in_order),
        cmocka_unit_test(a_step_that_fails_is_told_and_leaves_nothing),
        cmocka_unit_test(two_make_each_step_once),
        cmocka_unit_test(goes_on_from_the_version_that_is_there),
        cmocka_unit_test(a_table_without_a_version_is_named),
        cmocka_unit_test(names_what_was_altered),
        cmocka_unit_test(leaves_what_a_person_added),
        cmocka_unit_test(another_gateway_of_that_name_is_refused),
        cmocka_unit_test(an_own_new_log_is_let_in),
        cmocka_unit_test(numbers_that_are_given_already_are_found),
        cmocka_unit_test(points_of_another_gateway_are_found),
        cmocka_unit_test(the_mark_of_chunks_stays),
        cmocka_unit_test(quotes_names),
        cmocka_unit_test(what_is_late),
    };
    return cmocka_run_group_tests(tests, begin_rig, end_rig);
}
