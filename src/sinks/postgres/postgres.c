/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL as a sink: settings, and the steps until batches may come:
 *
 *   link -> schema's step (schema.h) -> partitions that are there -> upkeep begins -> connected, with the place
 *
 * Every failure on the way is told once; the machine calls connect again. */
#include "sinks/postgres/postgres.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/loop.h"
#include "sinks/catalog.h"
#include "sinks/postgres/archive.h"
#include "sinks/postgres/partitions.h"
#include "sinks/postgres/rows.h"
#include "sinks/postgres/schema.h"
#include "sinks/postgres/send.h"
#include "sinks/postgres/sql.h"
#include "sinks/postgres/test.h"
#include "sinks/postgres/upkeep.h"

enum { TARGET_BYTES_MAX = 1024, NAME_BYTES_MAX = 63, PATH_BYTES_MAX = 255 };
#define DAY_US  (INT64_C(24) * 3600 * CLOCK_US_PER_S)
#define KEEP_US (INT64_C(100) * 366 * DAY_US)

static const char *const forever[] = { "forever", NULL };
static const char *const units[] = {
    [PG_DAY] = "day", [PG_WEEK] = "week", [PG_MONTH] = "month", NULL
};

#define TEXT_ROW(key_, max_, help_)                                                  \
    {                                                                                \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = (max_), .help = (help_) \
    }
#define KEEP_ROW(key_, fallback_, help_)                                                \
    {                                                                                   \
        .key = (key_), .type = OPTION_DURATION, .fallback = (fallback_), .min = DAY_US, \
        .max = KEEP_US, .choices = forever, .help = (help_)                             \
    }

const struct option postgres_options[POSTGRES_ROWS + 1] = {
    [POSTGRES_TARGET] = TEXT_ROW("postgres", TARGET_BYTES_MAX,
                                 "where the database is: \"host=db.example.org dbname=plant\" or "
                                 "postgresql://db.example.org/plant, without a password"),
    [POSTGRES_USER] = TEXT_ROW("user", NAME_BYTES_MAX, "the role to log in as"),
    [POSTGRES_PASSWORD] = { .key = "password",
                            .type = OPTION_SECRET,
                            .help = "its password: !secret NAME" },
    [POSTGRES_SSLMODE] = TEXT_ROW("sslmode", NAME_BYTES_MAX,
                                  "verify-full (the default but on this machine), verify-ca, "
                                  "require, prefer or disable"),
    [POSTGRES_CA] = TEXT_ROW("ca", PATH_BYTES_MAX,
                             "PEM file of the authorities that are trusted, in place of the "
                             "system's"),
    [POSTGRES_CERTIFICATE] = TEXT_ROW("certificate", PATH_BYTES_MAX, "PEM file of our certificate"),
    [POSTGRES_KEY] = TEXT_ROW("key", PATH_BYTES_MAX, "PEM file of its key"),
    [POSTGRES_SCHEMA] = { .key = "schema",
                          .type = OPTION_TEXT,
                          .fallback = "busbar",
                          .min = 1,
                          .max = PG_SCHEMA_NAME_MAX - 2,
                          .help = "the schema that the tables are in" },
    [POSTGRES_MAKE] = { .key = "make",
                        .type = OPTION_BOOL,
                        .fallback = "true",
                        .help = "make and migrate schema and tables, where the role may" },
    [POSTGRES_PARTITION] = { .key = "partition",
                             .type = OPTION_CHOICE,
                             .fallback = "day",
                             .choices = units,
                             .help = "samples by day, week or month, each a partition" },
    [POSTGRES_ROWS_KEEP] = KEEP_ROW("rows", "30d", "how long samples are kept as rows"),
    [POSTGRES_HOURS_KEEP] = KEEP_ROW("hours", "10y", "how long hourly roll-ups are kept"),
    [POSTGRES_CHUNKS] = { .key = "chunks",
                          .type = OPTION_BOOL,
                          .fallback = "true",
                          .help = "whole days as compressed chunks, too" },
    [POSTGRES_CHUNKS_KEEP] = KEEP_ROW("chunks_keep", "forever", "how long chunks are kept"),
    [POSTGRES_EVENTS_KEEP] = KEEP_ROW("events_keep", "1y",
                                      "how long events and the journal are kept"),
    [POSTGRES_ROWS] = { .key = NULL },
};

/* ---- settings ---- */

static void login_of(const struct settings *settings, struct pg_login *login)
{
    *login = (struct pg_login){
        .target = settings_text(settings, POSTGRES_TARGET),
        .user = settings_text(settings, POSTGRES_USER),
        .sslmode = settings_text(settings, POSTGRES_SSLMODE),
        .ca = settings_text(settings, POSTGRES_CA),
        .certificate = settings_text(settings, POSTGRES_CERTIFICATE),
        .key = settings_text(settings, POSTGRES_KEY),
    };
}

void postgres_login(const struct sink_env *env, const struct settings *settings,
                    struct pg_login *login)
{
    login_of(settings, login);
    login->files = env->files;
    login->site = env->site;
    login->timeout_us = env->timeout_us;
    const char *secret = settings_text(settings, POSTGRES_PASSWORD);
    if (secret != NULL && env->secret != NULL) {
        login->password = env->secret(env->secret_ctx, secret);
    }
}

static int check(const struct settings *settings, struct err *err)
{
    struct pg_login login;
    struct err found = { 0 };
    login_of(settings, &login);
    int error = pg_login_check(&login, &found);
    if (error != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, POSTGRES_TARGET), found.hint, "%s",
                      found.message);
    }
    char quoted[2 * PG_SCHEMA_NAME_MAX + 3];
    const char *schema = settings_text(settings, POSTGRES_SCHEMA);
    if (!pg_quote(quoted, sizeof(quoted), schema) || str_starts(schema, "pg_")) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, POSTGRES_SCHEMA),
                      "write a name such as busbar", "'%.60s' cannot be the name of a schema",
                      schema);
    }
    return 0;
}

static void where(const struct settings *settings, char *text, size_t size)
{
    struct pg_login login;
    login_of(settings, &login);
    pg_login_where(&login, text, size);
}

/* ---- life ---- */

static struct sink_target *open_target(struct sink *sink, const struct sink_env *env,
                                       const struct settings *settings)
{
    struct sink_target *target = busbar_alloc(sizeof(*target));
    target->sink = sink;
    target->env = env;
    target->settings = settings;
    target->send = pg_send_new(target);
    return target;
}

static void disconnect(struct sink_target *target)
{
    pg_upkeep_free(target->upkeep);
    pg_schema_free(target->schema);
    pg_send_stop(target->send);
    pg_link_free(target->live);
    pg_partitions_free(target->partitions);
    target->upkeep = NULL;
    target->schema = NULL;
    target->live = NULL;
    target->partitions = NULL;
}

static void close_target(struct sink_target *target)
{
    disconnect(target);
    pg_send_free(target->send);
    busbar_free(target);
}

static void tell_failed(struct sink_target *target, const struct pg_answer *answer)
{
    sink_failed(target->sink, answer->failure == PG_AGAIN ? SINK_AGAIN : SINK_WRONG, &answer->err);
}

static void got_partitions(void *ctx, const struct pg_answer *answer)
{
    struct sink_target *target = ctx;
    if (answer->error != 0) {
        tell_failed(target, answer);
        return;
    }
    target->upkeep = pg_upkeep_new(target);
    pg_send_start(target->send);
    sink_connected(target->sink, target->facts.known_log ? &target->facts.position : NULL);
}

static void schema_done(void *ctx, enum sink_failure failure, const struct err *err)
{
    struct sink_target *target = ctx;
    if (err != NULL) {
        sink_failed(target->sink, failure, err);
        return;
    }
    enum pg_unit unit = (enum pg_unit)settings_int(target->settings, POSTGRES_PARTITION);
    target->partitions = pg_partitions_new(unit, target->facts.timescale);
    pg_partitions_load(target->partitions, target->live, got_partitions, target);
}

static void opened(void *ctx, const struct pg_answer *answer)
{
    struct sink_target *target = ctx;
    if (answer->error != 0) {
        tell_failed(target, answer);
        return;
    }
    const struct pg_schema_config config = { .link = target->live,
                                             .env = target->env,
                                             .settings = target->settings,
                                             .facts = &target->facts };
    target->schema = pg_schema_start(&config, schema_done, target);
}

static void lost(void *ctx, const struct pg_answer *answer)
{
    tell_failed(ctx, answer);
}

static void connect_target(struct sink_target *target)
{
    struct pg_login login;
    target->facts = (struct pg_facts){ 0 };
    postgres_login(target->env, target->settings, &login);
    target->live = pg_link_open(target->env->loop, &login, opened, target);
    pg_link_on_lost(target->live, lost, target);
}

static int encode_batch(const struct sink_target *target, struct sink_batch *batch, struct buf *out,
                        struct err *err)
{
    (void)err;
    return pg_rows_encode(batch, target->facts.site, clock_wall_us(), out);
}

static void send_batch(struct sink_target *target, const struct sink_batch *batch,
                       const struct buf *bytes)
{
    pg_send_batch(target->send, batch, bytes);
}

/* ---- looking ---- */

static size_t details_of(const struct sink_target *target, struct sink_detail *details)
{
    size_t count = 0;
    if (target->live == NULL || target->partitions == NULL) {
        return 0;
    }
    const char *tls = pg_link_tls(target->live);
    details[count].name = "server";
    str_format(details[count++].text, sizeof(details->text), "%s%s%s%s%s", target->facts.server,
               target->facts.timescale ? ", TimescaleDB" : "", target->facts.citus ? ", Citus" : "",
               tls[0] != '\0' ? ", " : ", not encrypted", tls);
    details[count].name = "schema";
    str_format(details[count++].text, sizeof(details->text), "%s, version %d, site number %d",
               target->facts.schema, target->facts.version, (int)target->facts.site);
    count += pg_send_details(target->send, details + count);
    if (target->upkeep != NULL) {
        count += pg_upkeep_details(target->upkeep, details + count, SINK_DETAILS_MAX - count);
    }
    return count;
}

const struct sink_ops sink_postgres = {
    .name = "postgres",
    .title = "PostgreSQL",
    .flags = SINK_KEEPS_PLACE | SINK_TAKES_EVENTS | SINK_ARCHIVES,
    .options = postgres_options,
    .check = check,
    .open = open_target,
    .close = close_target,
    .connect = connect_target,
    .disconnect = disconnect,
    .encode = encode_batch,
    .send = send_batch,
    .test = postgres_test,
    .sql = pg_script,
    .details = details_of,
    .archive = pg_archive_new,
    .where = where,
};
