/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of schema and upkeep share: a server, a loop, state, settings of a sink as text. Include after cmocka.h. */
#ifndef BUSBAR_TESTS_SCHEMA_RIG_H
#define BUSBAR_TESTS_SCHEMA_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "net/jobs.h"
#include "net/loop.h"
#include "sinks/postgres/schema.h"
#include "state/state.h"
#include "support/postgres.h"
#include "support/wait.h"
#include "unit/history/place.h"

struct rig {
    struct postgres server;
    struct loop *loop;
    struct place place;
    bool there;
};
static struct rig rig; /* one server for all tests of a file */

static inline int begin_rig(void **state)
{
    (void)state;
    rig.loop = loop_new();
    place_make(&rig.place);
    place_open(&rig.place);
    rig.there = postgres_start(&rig.server);
    return 0;
}

static inline int end_rig(void **state)
{
    (void)state;
    postgres_stop(&rig.server);
    jobs_drain(rig.loop);
    loop_free(rig.loop);
    place_close(&rig.place);
    place_remove_folder(rig.place.folder);
    return 0;
}

static inline void need_server(void)
{
    if (!rig.there) {
        skip();
    }
}

/* A gateway: its site, its log, settings of its sink. */
struct gateway {
    struct sink_env env;
    struct setting set[POSTGRES_ROWS];
    struct settings settings;
    const struct pg_step *steps; /* NULL: those of the program */
};

static inline void gateway_set(struct gateway *gateway, enum postgres_row row,
                               union setting_value value)
{
    struct setting *set = &gateway->set[gateway->settings.count++];
    *set = (struct setting){ .option = (uint16_t)row, .value = value };
}

static inline void gateway_init(struct gateway *gateway, const char *schema, const char *site,
                                const char *log_id)
{
    *gateway = (struct gateway){ .env = { .loop = rig.loop,
                                          .history = rig.place.history,
                                          .state = rig.place.state,
                                          .name = "plant",
                                          .site = site,
                                          .site_title = "Head office",
                                          .log_id = log_id } };
    gateway->settings = (struct settings){ .options = postgres_options, .set = gateway->set };
    gateway_set(gateway, POSTGRES_TARGET, (union setting_value){ .text = rig.server.tcp });
    gateway_set(gateway, POSTGRES_SCHEMA, (union setting_value){ .text = schema });
}

/* ---- one connection ---- */

struct seen {
    int calls;
    int error;
    size_t rows;
    char text[400], hint[256], cell[256];
};

static inline void take(void *ctx, const struct pg_answer *answer)
{
    struct seen *seen = ctx;
    seen->calls++;
    seen->error = answer->error;
    seen->rows = answer->rows;
    (void)str_copy(seen->text, sizeof(seen->text), answer->err.message);
    (void)str_copy(seen->hint, sizeof(seen->hint), answer->err.hint);
    const char *cell = answer->error == 0 && answer->rows > 0 ? pg_cell(answer, 0, 0) : NULL;
    (void)str_copy(seen->cell, sizeof(seen->cell), cell != NULL ? cell : "");
}

static inline struct pg_link *open_link(const char *user, const char *password)
{
    struct seen seen = { 0 };
    struct pg_login login = { .target = rig.server.tcp, .user = user, .password = password };
    struct pg_link *link = pg_link_open(rig.loop, &login, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    assert_string_equal(seen.text, "");
    return link;
}

static inline struct seen run_sql(struct pg_link *link, const char *sql)
{
    struct seen seen = { 0 };
    pg_run(link, sql, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    return seen;
}

/* The first cell. */
static inline struct seen run_fine(struct pg_link *link, const char *sql)
{
    struct seen seen = run_sql(link, sql);
    assert_string_equal(seen.text, "");
    return seen;
}

/* ---- the step ---- */

struct step {
    int calls;
    bool fine;
    enum sink_failure failure;
    struct err err;
    struct pg_facts facts;
    struct pg_schema *schema;
};

static inline void step_done(void *ctx, enum sink_failure failure, const struct err *err)
{
    struct step *step = ctx;
    step->calls++;
    step->fine = err == NULL;
    step->failure = failure;
    step->err = err != NULL ? *err : (struct err){ 0 };
}

static inline void step_begin(struct step *step, const struct gateway *gateway,
                              struct pg_link *link, bool look)
{
    *step = (struct step){ 0 };
    const struct pg_schema_config config = { .link = link,
                                             .env = &gateway->env,
                                             .settings = &gateway->settings,
                                             .look = look,
                                             .steps = gateway->steps,
                                             .facts = &step->facts };
    step->schema = pg_schema_start(&config, step_done, step);
}

static inline void step_end(struct step *step)
{
    wait_for(rig.loop, &step->calls, 1);
    pg_schema_free(step->schema);
    step->schema = NULL;
}

/* The whole step on a link that stands. */
static inline struct step step_run(const struct gateway *gateway, struct pg_link *link, bool look)
{
    struct step step;
    step_begin(&step, gateway, link, look);
    step_end(&step);
    return step;
}

static inline struct step step_fine(const struct gateway *gateway, struct pg_link *link)
{
    struct step step = step_run(gateway, link, false);
    assert_string_equal(step.err.message, "");
    assert_true(step.fine);
    return step;
}

#endif
