/* SPDX-License-Identifier: Apache-2.0 */
/* address -> link -> certificate -> what the server says of itself -> schema -> rights -> partitions. What fails ends the
 * test where nothing further can be looked at; all that was found until then is told. */
#include "sinks/postgres/test.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/jobs.h"
#include "net/name.h"
#include "sinks/postgres/link_private.h"
#include "sinks/postgres/schema.h"
#include "sinks/postgres/tables.h"

#define DAY_US       (INT64_C(86400) * CLOCK_US_PER_S)
#define CLOCK_SAME_S 0.5

enum { CONNECTIONS_NEEDED = 2, SQL_MAX = 8192 };

struct test {
    struct sink_env env; /* a copy: the caller's may be gone */
    const struct settings *settings;
    sink_tested_cb tested;
    void *ctx;
    struct sink_finding findings[SINK_FINDINGS_MAX];
    size_t count;
    struct pg_target target;
    struct name *name;
    struct pg_link *link;
    struct pg_schema *schema;
    struct pg_facts facts;
    struct pg_probe probe;
    struct timer limit;
    int64_t asked_us; /* wall clock: when the server was asked for its own */
    bool probing, over;
};

/* ---- findings ---- */

static struct sink_finding *find(struct test *test, const char *what, enum sink_verdict verdict)
{
    size_t at = test->count < SINK_FINDINGS_MAX ? test->count++ : SINK_FINDINGS_MAX - 1;
    struct sink_finding *finding = &test->findings[at];
    *finding = (struct sink_finding){ .what = what, .verdict = verdict };
    return finding;
}

static void say(struct test *test, const char *what, enum sink_verdict verdict, const char *hint,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

static void say(struct test *test, const char *what, enum sink_verdict verdict, const char *hint,
                const char *format, ...)
{
    struct sink_finding *finding = find(test, what, verdict);
    va_list args;
    struct buf text;
    buf_init(&text, 1024);
    va_start(args, format);
    (void)buf_vprintf(&text, format, args);
    va_end(args);
    (void)str_copy(finding->text, sizeof(finding->text), buf_text(&text));
    (void)str_copy(finding->hint, sizeof(finding->hint), hint);
    buf_fini(&text);
}

static void say_err(struct test *test, const char *what, enum sink_verdict verdict,
                    const struct err *err)
{
    say(test, what, verdict, err->hint, "%s", err->message);
}

/* ---- the end ---- */

static void forget(struct test *test)
{
    OPENSSL_cleanse(test->target.password, sizeof(test->target.password));
    busbar_free(test);
}

static void finish(struct test *test)
{
    timer_stop(&test->limit);
    name_cancel(test->name);
    test->name = NULL;
    pg_schema_free(test->schema);
    pg_link_free(test->link);
    test->schema = NULL;
    test->link = NULL;
    test->tested(test->ctx, test->findings, test->count);
    test->over = true;
    if (!test->probing) {
        forget(test);
    }
}

static void on_limit(struct timer *timer, void *ctx)
{
    struct test *test = ctx;
    (void)timer;
    say(test, "time", SINK_BAD,
        "the server is slow or hangs; what was looked at until then is above",
        "the test took longer than %d s", PG_TEST_MS / 1000);
    finish(test);
}

/* ---- partitions ---- */

static void got_partitions(void *ctx, const struct pg_answer *answer)
{
    struct test *test = ctx;
    if (answer->error != 0) {
        say_err(test, "partitions", SINK_BAD, &answer->err);
    } else {
        const char *until = pg_cell(answer, 0, 1);
        const char *count = pg_cell(answer, 0, 0);
        if (until == NULL) {
            say(test, "partitions", SINK_GOOD, "", "none yet: they are made when they are needed");
        } else {
            say(test, "partitions", SINK_GOOD, "", "%s, made ahead until %.10s",
                count != NULL ? count : "", until);
        }
    }
    finish(test);
}

static void look_at_partitions(struct test *test)
{
    struct pg_param schema = { .text = settings_text(test->settings, POSTGRES_SCHEMA) };
    if (test->facts.timescale) {
        say(test, "partitions", SINK_GOOD, "", "TimescaleDB makes its own");
        finish(test);
        return;
    }
    pg_query(test->link,
             "SELECT count(*), max(substring(pg_get_expr(c.relpartbound, c.oid) "
             "FROM 'TO \\(''([^'']+)')) FROM pg_catalog.pg_inherits i "
             "JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid "
             "WHERE i.inhparent = to_regclass(format('%I.sample', $1::text))",
             &schema, 1, 0, got_partitions, test);
}

/* ---- rights ---- */

static void got_rights(void *ctx, const struct pg_answer *answer)
{
    struct test *test = ctx;
    if (answer->error != 0) {
        say_err(test, "rights", SINK_BAD, &answer->err);
        finish(test);
        return;
    }
    if (answer->rows == 0) {
        say(test, "rights", SINK_GOOD, "", "all that the tables need");
    }
    for (size_t i = 0; i < answer->rows; i++) {
        const char *table = pg_cell(answer, i, 0), *right = pg_cell(answer, i, 1);
        char hint[256];
        (void)str_format(hint, sizeof(hint),
                         "grant it: 'busbar sink sql %s' shows all that the user needs",
                         test->env.name);
        say(test, "rights", SINK_BAD, hint, "user %s lacks %s on %s", test->target.user,
            right != NULL ? right : "", table != NULL ? table : "");
    }
    look_at_partitions(test);
}

static void append_right(struct buf *sql, const char *table, const char *right)
{
    (void)buf_printf(sql, "%s('%s', '%s')", sql->data[sql->size - 1] == ')' ? ", " : "", table,
                     right);
}

static void look_at_rights(struct test *test)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    (void)buf_append_text(&sql, "SELECT v.t, v.p FROM (VALUES ");
    for (const struct pg_table *table = pg_tables; table->name != NULL; table++) {
        append_right(&sql, table->name, "SELECT");
        if ((table->rights & PG_INSERT) != 0) {
            append_right(&sql, table->name, "INSERT");
        }
        if ((table->rights & PG_UPDATE) != 0) {
            append_right(&sql, table->name, "UPDATE");
        }
        if ((table->rights & PG_DELETE) != 0) {
            append_right(&sql, table->name, "DELETE");
        }
    }
    (void)buf_append_text(&sql, ") v (t, p) WHERE NOT coalesce(has_table_privilege("
                                "to_regclass(format('%I.%I', $1::text, v.t)), v.p), true) LIMIT 8");
    struct pg_param schema = { .text = settings_text(test->settings, POSTGRES_SCHEMA) };
    pg_query(test->link, buf_text(&sql), &schema, 1, 0, got_rights, test);
    buf_fini(&sql);
}

static void got_may_make(void *ctx, const struct pg_answer *answer)
{
    struct test *test = ctx;
    const char *may = answer->error == 0 ? pg_cell(answer, 0, 0) : NULL;
    if (answer->error != 0) {
        say_err(test, "rights", SINK_BAD, &answer->err);
    } else if (may != NULL && may[0] == 't') {
        say(test, "rights", SINK_GOOD, "", "user %s may make the tables", test->target.user);
    } else {
        char hint[256];
        (void)str_format(hint, sizeof(hint),
                         "GRANT CREATE ON DATABASE %s TO %s; or run 'busbar sink sql %s' there",
                         test->target.database, test->target.user, test->env.name);
        say(test, "rights", SINK_BAD, hint, "user %s may not make the tables", test->target.user);
    }
    finish(test);
}

/* The schema is not there yet: may it be made? */
static void look_at_making(struct test *test)
{
    struct pg_param schema = { .text = settings_text(test->settings, POSTGRES_SCHEMA) };
    pg_query(test->link,
             "SELECT coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM "
             "pg_catalog.pg_namespace WHERE nspname = $1), "
             "has_database_privilege(current_database(), 'CREATE'))",
             &schema, 1, 0, got_may_make, test);
}

/* ---- schema ---- */

static void got_schema(void *ctx, enum sink_failure failure, const struct err *err)
{
    struct test *test = ctx;
    bool make = settings_bool(test->settings, POSTGRES_MAKE);
    if (err == NULL) {
        say(test, "schema", SINK_GOOD, "", "'%s', version %d, as busbar made it",
            settings_text(test->settings, POSTGRES_SCHEMA), test->facts.version);
        look_at_rights(test);
        return;
    }
    bool missing = test->facts.version == 0 && err->code == BUSBAR_ENOENT;
    bool old = test->facts.version < PG_SCHEMA_VERSION && failure == SINK_AGAIN;
    say_err(test, "schema", (missing && make) || old ? SINK_WARNING : SINK_BAD, err);
    if (missing && make) {
        look_at_making(test);
    } else if (test->facts.version == 0) {
        finish(test);
    } else {
        look_at_rights(test);
    }
}

static void look_at_schema(struct test *test)
{
    struct pg_schema_config config = { .link = test->link,
                                       .env = &test->env,
                                       .settings = test->settings,
                                       .look = true,
                                       .facts = &test->facts };
    test->schema = pg_schema_start(&config, got_schema, test);
}

/* ---- what the server says of itself ---- */

enum server_column {
    VERSION,
    ENCODING,
    STANDBY,
    READ_ONLY,
    CLOCK,
    CONNECTIONS_LEFT,
    DATABASE_SIZE,
    EXTENSIONS,
    SUPERUSER,
    SERVER_COLUMNS
};

static const char server_sql[] =
    "SELECT current_setting('server_version'), pg_encoding_to_char(d.encoding), "
    "pg_is_in_recovery(), current_setting('transaction_read_only'), "
    "(extract(epoch FROM clock_timestamp()) * 1000000)::int8, "
    "least(current_setting('max_connections')::int "
    "- current_setting('superuser_reserved_connections')::int "
    "- (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL), "
    "CASE WHEN r.rolconnlimit < 0 THEN 100000 ELSE r.rolconnlimit - (SELECT count(*) "
    "FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid) END), "
    "pg_database_size(d.oid), (SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY "
    "extname) "
    "FROM pg_catalog.pg_extension WHERE extname IN ('timescaledb', 'citus')), r.rolsuper "
    "FROM pg_catalog.pg_database d, pg_catalog.pg_roles r "
    "WHERE d.datname = current_database() AND r.rolname = current_user";

static const char *cell(const struct pg_answer *answer, size_t column)
{
    const char *text = pg_cell(answer, 0, column);
    return text != NULL ? text : "";
}

static void say_clock(struct test *test, const char *text)
{
    int64_t there_us = 0;
    int64_t now_us = clock_wall_us();
    (void)str_parse_i64(text, &there_us);
    int64_t here_us = test->asked_us + (now_us - test->asked_us) / 2;
    double apart_s = (double)(there_us - here_us) / (double)CLOCK_US_PER_S;
    double size_s = apart_s < 0 ? -apart_s : apart_s;
    bool near = size_s < PG_TEST_CLOCK_S;
    const char *hint = near ? "" : "set both by NTP: times in the tables are this machine's";
    if (size_s < CLOCK_SAME_S) {
        say(test, "clock", SINK_GOOD, hint, "the server's is as ours");
    } else {
        say(test, "clock", near ? SINK_GOOD : SINK_WARNING, hint, "the server's is %.1f s %s",
            size_s, apart_s < 0 ? "behind ours" : "ahead of ours");
    }
}

static void say_server(struct test *test, const struct pg_answer *answer)
{
    say(test, "server", SINK_GOOD, "", "PostgreSQL %s", cell(answer, VERSION));
    bool standby = cell(answer, STANDBY)[0] == 't';
    bool read_only = str_equal(cell(answer, READ_ONLY), "on");
    if (standby || read_only) {
        say(test, "writes", SINK_BAD,
            standby ? "give the address of the primary, or all of them: 'host=a,b'"
                    : "ALTER ROLE or ALTER DATABASE ... SET default_transaction_read_only = off",
            standby ? "this is a standby: it takes no writes" : "transactions are read only");
    } else {
        say(test, "writes", SINK_GOOD, "", "the server takes writes");
    }
    bool utf8 = str_equal(cell(answer, ENCODING), "UTF8");
    say(test, "encoding", utf8 ? SINK_GOOD : SINK_WARNING,
        utf8 ? ""
             : "texts that it cannot hold are set aside: make the database with ENCODING 'UTF8'",
        "the database's is %s", cell(answer, ENCODING));
    say_clock(test, cell(answer, CLOCK));
    int64_t left = 0, bytes = 0;
    (void)str_parse_i64(cell(answer, CONNECTIONS_LEFT), &left);
    say(test, "connections", left >= CONNECTIONS_NEEDED ? SINK_GOOD : SINK_WARNING,
        left >= CONNECTIONS_NEEDED ? "" : "raise max_connections, or the limit of the role",
        "%lld are left, a sink needs %d", (long long)left, CONNECTIONS_NEEDED);
    char size[32];
    (void)str_parse_i64(cell(answer, DATABASE_SIZE), &bytes);
    (void)str_format_bytes(size, sizeof(size), (uint64_t)bytes);
    say(test, "space", SINK_GOOD, "",
        "the database has %s; what is left on its disk PostgreSQL does not tell", size);
    if (cell(answer, EXTENSIONS)[0] != '\0') {
        say(test, "extensions", SINK_GOOD, "", "%s", cell(answer, EXTENSIONS));
    }
    if (cell(answer, SUPERUSER)[0] == 't') {
        say(test, "user", SINK_WARNING,
            "a user of its own with least rights: 'busbar sink sql NAME'",
            "user %s is a superuser, which a sink need not be", test->target.user);
    }
}

static void got_server(void *ctx, const struct pg_answer *answer)
{
    struct test *test = ctx;
    if (answer->error != 0 || answer->rows == 0 || answer->columns != SERVER_COLUMNS) {
        say_err(test, "server", SINK_BAD, &answer->err);
        finish(test);
        return;
    }
    say_server(test, answer);
    look_at_schema(test);
}

static void look_at_server(struct test *test)
{
    test->asked_us = clock_wall_us();
    pg_query(test->link, server_sql, NULL, 0, 0, got_server, test);
}

/* ---- TLS ---- */

static void say_certificate(struct test *test)
{
    const struct pg_probe *probe = &test->probe;
    int64_t days = (probe->until_us - clock_wall_us()) / DAY_US;
    bool soon = days < PG_TEST_DAYS_LEFT;
    say(test, "certificate", soon ? SINK_WARNING : SINK_GOOD,
        soon ? "have a new one made and reload the server: nothing is sent when it has expired"
             : "",
        "%s, signed by %s, valid for %lld days", probe->subject, probe->issuer, (long long)days);
}

static void probe_work(void *ctx)
{
    struct test *test = ctx;
    pg_probe_run(&test->probe);
}

static void probe_done(void *ctx, int error)
{
    struct test *test = ctx;
    test->probing = false;
    if (test->over) {
        forget(test);
        return;
    }
    if (error == 0 && test->probe.error == 0) {
        say_certificate(test);
    }
    look_at_server(test);
}

static void look_at_tls(struct test *test)
{
    const struct pg_host *host = &test->target.hosts[test->link->host_at];
    const char *tls = pg_link_tls(test->link);
    const char *sslmode = pg_target_sslmode(&test->target, host);
    bool local = pg_host_is_local(host) || address_is_loopback(host->host);
    if (tls[0] == '\0') {
        say(test, "TLS", local ? SINK_GOOD : SINK_WARNING,
            local ? "" : "leave sslmode out: verify-full is the default",
            local ? "none, which is fine on this machine" : "none: everything is sent in the open");
        look_at_server(test);
        return;
    }
    bool verified = str_equal(sslmode, "verify-full");
    say(test, "TLS", verified || local ? SINK_GOOD : SINK_WARNING,
        verified || local ? "" : "leave sslmode out: verify-full is the default",
        verified ? "%s, the server is who it says" : "%s, who the server is was not checked", tls);
    const char *system = pg_system_authorities();
    (void)str_copy(test->probe.address, sizeof(test->probe.address), test->link->address);
    (void)str_copy(test->probe.host, sizeof(test->probe.host), host->host);
    (void)str_copy(test->probe.ca, sizeof(test->probe.ca),
                   test->target.ca[0] != '\0' ? test->target.ca : (system != NULL ? system : ""));
    test->probe.port = host->port;
    test->probing = true;
    jobs_submit(test->env.loop, probe_work, probe_done, test);
}

/* ---- address and login ---- */

static void opened(void *ctx, const struct pg_answer *answer)
{
    struct test *test = ctx;
    if (answer->error == 0) {
        say(test, "address", SINK_GOOD, "", "%s answers%s%s", test->link->where,
            test->link->address[0] != '\0' ? " at " : "", test->link->address);
        say(test, "login", SINK_GOOD, "", "user %s, database %s",
            test->target.user[0] != '\0' ? test->target.user : "of the system",
            test->target.database);
        look_at_tls(test);
        return;
    }
    bool tls = answer->error == BUSBAR_ETLS || answer->error == BUSBAR_EUNTRUSTED;
    const char *what = answer->sqlstate[0] != '\0' || answer->error == BUSBAR_EAUTH ? "login"
                       : tls                                                        ? "TLS"
                                                                                    : "address";
    say_err(test, what, SINK_BAD, &answer->err);
    finish(test);
}

static void connect_link(struct test *test)
{
    struct pg_login login;
    postgres_login(&test->env, test->settings, &login);
    test->link = pg_link_open(test->env.loop, &login, opened, test);
}

static void found(void *ctx, int error, const struct endpoint *addresses, size_t count)
{
    struct test *test = ctx;
    const char *host = test->target.hosts[0].host;
    test->name = NULL;
    if (error != 0) {
        say(test, "name", test->target.host_count > 1 ? SINK_WARNING : SINK_BAD,
            "correct the host, or look at this machine's name service", "%s is not found", host);
        if (test->target.host_count == 1) {
            finish(test);
            return;
        }
    } else {
        struct buf text;
        buf_init(&text, 1024);
        for (size_t i = 0; i < count; i++) {
            char ip[64];
            (void)endpoint_format_host(ip, sizeof(ip), &addresses[i]);
            (void)buf_printf(&text, "%s%s", i > 0 ? ", " : "", ip);
        }
        say(test, "name", SINK_GOOD, "", "%s is %s", host, buf_text(&text));
        buf_fini(&text);
    }
    connect_link(test);
}

static void begin(struct timer *timer, void *ctx)
{
    struct test *test = ctx;
    struct pg_login login;
    struct err err = { 0 };
    (void)timer;
    timer_init(&test->limit, test->env.loop, on_limit, test);
    timer_start(&test->limit, PG_TEST_MS, 0);
    postgres_login(&test->env, test->settings, &login);
    if (pg_target_parse(&login, &test->target, &err) != 0) {
        say_err(test, "address", SINK_BAD, &err);
        finish(test);
        return;
    }
    const struct pg_host *host = &test->target.hosts[0];
    if (pg_host_is_local(host) || host->address[0] != '\0' || address_is_ip(host->host)) {
        connect_link(test);
        return;
    }
    test->name = name_find(test->env.loop, host->host, host->port, found, test);
    if (test->name == NULL) {
        found(test, BUSBAR_EHOST, NULL, 0);
    }
}

void postgres_test(const struct sink_env *env, const struct settings *settings,
                   sink_tested_cb tested, void *ctx)
{
    struct test *test = busbar_alloc(sizeof(*test));
    test->env = *env;
    test->settings = settings;
    test->tested = tested;
    test->ctx = ctx;
    timer_init(&test->limit, env->loop, begin, test);
    timer_start(&test->limit, 0, 0);
}
