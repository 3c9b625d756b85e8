/* SPDX-License-Identifier: Apache-2.0 */
/* TimescaleDB and Citus: stand-ins of their documented functions, for neither is packaged here. They write down how they
 * were called; the rest is the real server's. */
#include "sinks/machine.h"
#include "sinks/postgres/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sinks/postgres/upkeep.h"
#include "unit/sinks/postgres/schema_rig.h"

static const char standins_sql[] =
    "create table public.calls (id serial, text text); "
    "create function public.create_hypertable(relation regclass, time_column_name name, "
    "chunk_time_interval interval, create_default_indexes bool) returns void language sql as "
    "$$ insert into public.calls (text) values (format('hypertable %s %s %s %s', relation, "
    "time_column_name, chunk_time_interval, create_default_indexes)) $$; "
    "create function public.drop_chunks(relation regclass, older_than timestamptz) returns setof "
    "text language sql as $$ insert into public.calls (text) values (format('drop %s', relation)) "
    "returning 'chunk_1' $$; "
    "create function public.create_reference_table(table_name regclass) returns void language sql "
    "as $$ insert into public.calls (text) values (format('reference %s', table_name)) $$; "
    "create function public.create_distributed_table(table_name regclass, distribution_column "
    "text, "
    "colocate_with text default 'default') returns void language sql as $$ insert into "
    "public.calls (text) values (format('distributed %s %s %s', table_name, distribution_column, "
    "colocate_with)) $$";

/* As if `create extension` had been run. */
static void pretend(const char *extension)
{
    char sql[320];
    struct pg_link *link = open_link("busbar", "secret");
    str_format(sql, sizeof(sql),
               "set allow_system_table_mods = on; delete from pg_extension where oid = 60001; "
               "insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, "
               "extversion) values (60001, '%s', 10, 'public'::regnamespace, false, '1')",
               extension);
    (void)run_fine(link, sql);
    (void)run_fine(link, "truncate public.calls");
    pg_link_free(link);
}

static void samples_are_a_hypertable(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    postgres_sql(&rig.server, standins_sql);
    pretend("timescaledb");
    struct pg_link *link = open_link("busbar", "secret");
    gateway_init(&gateway, "scale", "hq", "a1");
    struct step step = step_fine(&gateway, link);
    assert_true(step.facts.timescale);
    assert_string_equal(run_fine(link, "select string_agg(text, ';' order by id) from "
                                       "public.calls")
                            .cell,
                        "hypertable sample time 1 day f");
    assert_string_equal(
        run_fine(link, "select relkind from pg_class where oid = 'sample'::regclass").cell, "r");
    (void)run_fine(link, "insert into sample (time, value, point, site, quality) values (now(), 1, "
                         "1, 1, 0)");
    step = step_fine(&gateway, link); /* and it is what it must be */
    assert_true(step.facts.timescale);
    pg_link_free(link);
}

static const char *secret(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return "secret";
}

static bool has_dropped(void *ctx)
{
    return strcmp(run_fine(ctx, "select exists (select from public.calls where text = 'drop "
                                "sample')")
                      .cell,
                  "t") == 0;
}

/* Old chunks go by drop_chunks(), once all that is before is in the table chunk. */
static void old_samples_go_by_drop_chunks(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    struct pg_link *link = open_link("busbar", "secret");
    gateway_init(&gateway, "scale", "hq", "a1");
    gateway_set(&gateway, POSTGRES_USER, (union setting_value){ .text = "busbar" });
    gateway_set(&gateway, POSTGRES_PASSWORD, (union setting_value){ .text = "pw" });
    gateway.env.secret = secret;
    struct step step = step_fine(&gateway, link);
    struct sink sink = { .stand = STAND_ON }; /* and nothing waits */
    struct sink_target target = {
        .sink = &sink, .env = &gateway.env, .settings = &gateway.settings, .facts = step.facts
    };
    assert_non_null(strstr(run_sql(link, "select sample_drop(now())").text, "are still wanted"));
    (void)run_fine(link, "update mark set value = extract(epoch from now() - interval '1 day') * "
                         "1000000 where name = 'chunks'");
    target.upkeep = pg_upkeep_new(&target);
    wait_until(rig.loop, has_dropped, link);
    pg_upkeep_free(target.upkeep);
    jobs_drain(rig.loop);
    pg_link_free(link);
}

static void tables_are_distributed(void **state)
{
    (void)state;
    need_server();
    struct gateway gateway;
    pretend("citus");
    struct pg_link *link = open_link("busbar", "secret");
    gateway_init(&gateway, "spread", "hq", "a1");
    struct step step = step_fine(&gateway, link);
    assert_true(step.facts.citus);
    assert_false(step.facts.timescale);
    assert_string_equal(run_fine(link, "select string_agg(text, ';' order by id) from "
                                       "public.calls")
                            .cell,
                        "reference site;reference quality;distributed point point default;"
                        "distributed sample point point;distributed hour point point;"
                        "distributed chunk point point");
    pg_link_free(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_a_hypertable),
        cmocka_unit_test(old_samples_go_by_drop_chunks),
        cmocka_unit_test(tables_are_distributed),
    };
    return cmocka_run_group_tests(tests, begin_rig, end_rig);
}
