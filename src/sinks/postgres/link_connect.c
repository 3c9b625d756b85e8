/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a link up. Names are looked up by net/name and given to libpq as numbers. Each step of libpq's handshake is a
 * job: reading the system's authorities takes tens of milliseconds, the password's hash several. Between two steps the
 * loop waits for the socket, so a server that does not answer holds no job thread.
 *
 *   host -> addresses -> PQconnectStart (job) -> wait -> PQconnectPoll (job) -> ... -> settings of the session -> opened
 *
 * The session's settings see to it that the server notices soon that we are gone, so that an abandoned session does not
 * hold its locks against the next one. libpq's own way to cancel (PQcancel) is not used: it waits for the
 * server without a limit. */
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "net/jobs.h"
#include "sinks/postgres/link_private.h"

enum { FIRST_ADDRESS_MS = 3000, SERVER_MIN = 130000, SETTINGS_MAX = 1536 };

static void try_host(struct pg_link *link);
static void try_address(struct pg_link *link);

/* ---- an attempt that failed ---- */

/* A login that is refused is refused at the other addresses too. */
static bool is_final(const struct pg_answer *answer)
{
    return str_starts(answer->sqlstate, "28") || str_starts(answer->sqlstate, "3D");
}

static void failed(struct pg_link *link, const struct pg_answer *answer)
{
    timer_stop(&link->limit);
    link_close(link);
    if (link->why.code == 0 || link->why_state[0] == '\0') {
        link->why = answer->err;
        link->why_failure = answer->failure;
        memcpy(link->why_state, answer->sqlstate, sizeof(link->why_state));
    }
    bool more = link->address_at + 1 < link->address_count;
    bool more_hosts = link->host_at + 1 < link->target.host_count;
    if (!is_final(answer) && more) {
        link->address_at++;
        try_address(link);
        return;
    }
    if (!is_final(answer) && more_hosts) {
        link->host_at++;
        try_host(link);
        return;
    }
    struct pg_answer all = { .error = link->why.code, .lost = true, .failure = link->why_failure };
    all.err = link->why;
    memcpy(all.sqlstate, link->why_state, sizeof(all.sqlstate));
    link_lose(link, &all);
}

static void failed_with(struct pg_link *link, int code, enum pg_failure failure,
                        const char *message, const char *hint)
{
    struct pg_answer answer = { .error = code, .lost = true, .failure = failure };
    (void)err_set(&answer.err, code, "%s %s", link->where, message);
    (void)err_hint(&answer.err, "%s", hint);
    failed(link, &answer);
}

/* ---- the session's settings, then it stands ---- */

static void on_settings(void *ctx, const struct pg_answer *answer)
{
    struct pg_link *link = ctx;
    if (answer->error != 0) {
        if (!answer->lost) {
            link_lose(link, answer);
        }
        return;
    }
    link->phase = LINK_UP;
    busbar_log(LOG_LEVEL_DEBUG, "postgres", NULL, "connected to %s, server %d, %s", link->where,
               PQserverVersion(link->conn), link->tls[0] != '\0' ? link->tls : "without TLS");
    pg_answer_cb opened = link->opened;
    link->opened = NULL;
    struct pg_answer fine = { .copy_row = SIZE_MAX };
    opened(link->opened_ctx, &fine);
}

/* Only settings that this server knows and a user may set; other systems than Linux refuse the check of the client.
 * Acknowledged means on disk: synchronous_commit is not off. */
static void settle_session(struct pg_link *link)
{
    char sql[SETTINGS_MAX];
    int64_t limit_ms = link->timeout_us / 1000 * 10;
    (void)str_format(
        sql, sizeof(sql),
        "SELECT set_config(v.name, v.value, false) FROM (VALUES "
        "('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), "
        "('tcp_keepalives_count', '4'), ('tcp_user_timeout', '30000'), "
        "('client_connection_check_interval', '10000'), "
        "('idle_in_transaction_session_timeout', '%lld'), ('statement_timeout', '%lld'), "
        "('synchronous_commit', 'local'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', "
        "'postgres'), "
        "('TimeZone', 'UTC'), ('bytea_output', 'hex'), ('extra_float_digits', '1'), "
        "('standard_conforming_strings', 'on'), "
        "('default_transaction_isolation', 'read committed')) v (name, value) "
        "JOIN pg_catalog.pg_settings s ON s.name = v.name "
        "WHERE s.context IN ('user', 'superuser') "
        "AND (v.name <> 'synchronous_commit' OR s.setting = 'off') "
        "AND (v.name <> 'client_connection_check_interval' OR version() LIKE '%%linux%%')",
        (long long)limit_ms, (long long)limit_ms);
    struct command *command = link_command(link, COMMAND_RUN, sql, on_settings, link);
    list_remove(&command->link);
    list_prepend(&link->commands, &command->link);
}

static void tell_tls(struct pg_link *link)
{
    const char *protocol = PQsslInUse(link->conn) ? PQsslAttribute(link->conn, "protocol") : NULL;
    const char *cipher = protocol != NULL ? PQsslAttribute(link->conn, "cipher") : NULL;
    (void)str_format(link->tls, sizeof(link->tls), "%s%s%s", protocol != NULL ? protocol : "",
                     cipher != NULL ? " " : "", cipher != NULL ? cipher : "");
}

static void connected(struct pg_link *link)
{
    timer_stop(&link->limit);
    int version = PQserverVersion(link->conn);
    if (version < SERVER_MIN) {
        char text[128];
        (void)str_format(text, sizeof(text), "is PostgreSQL %d.%d, which is too old",
                         version / 10000, version % 10000);
        failed_with(link, BUSBAR_EUNSUPPORTED, PG_WRONG, text, "13 is the oldest that will do");
        return;
    }
    if (PQsetnonblocking(link->conn, 1) != 0) {
        struct pg_answer answer;
        link_say_broken(link, &answer);
        failed(link, &answer);
        return;
    }
    tell_tls(link);
    link->phase = LINK_SETTLING;
    settle_session(link);
    loop_defer(link->loop, &link->pump);
}

/* ---- libpq's steps ---- */

/* Of the job, or of the loop when no job runs: never both. */
static void on_notice(void *ctx, const PGresult *result)
{
    struct pg_link *link = ctx;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (str_equal(severity, "FATAL") || str_equal(severity, "PANIC")) {
        (void)str_copy(link->fatal_state, sizeof(link->fatal_state), state != NULL ? state : "");
        (void)str_copy(link->fatal, sizeof(link->fatal), text != NULL ? text : "");
        return;
    }
    busbar_log(LOG_LEVEL_DEBUG, "postgres", NULL, "%s: %s: %s", link->where,
               severity != NULL ? severity : "notice", text != NULL ? text : "");
}

static void begin_libpq(struct pg_link *link)
{
    struct pg_params params;
    const struct pg_host *host = &link->target.hosts[link->host_at];
    pg_params_make(&params, &link->target, host, link->address);
    link->conn = PQconnectStartParams(params.keywords, params.values, 0);
    if (link->conn == NULL) {
        link->poll = PGRES_POLLING_FAILED;
        return;
    }
    (void)PQsetErrorVerbosity(link->conn, PQERRORS_VERBOSE); /* the only way to the SQLSTATE */
    (void)PQsetNoticeReceiver(link->conn, on_notice, link);
    link->poll = PQstatus(link->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED
                                                        : PGRES_POLLING_WRITING;
}

static void step_work(void *ctx)
{
    struct pg_link *link = ctx;
    if (link->conn == NULL) {
        begin_libpq(link);
    } else {
        link->poll = PQconnectPoll(link->conn);
    }
}

static void probe_work(void *ctx)
{
    struct pg_link *link = ctx;
    pg_probe_run(link->probe);
}

static void probe_done(void *ctx, int error)
{
    struct pg_link *link = ctx;
    struct pg_answer answer;
    char text[192];
    (void)str_format(text, sizeof(text), "certificate verify failed: %s",
                     error == 0 ? link->probe->reason : "");
    link_say(link, &answer, "", text);
    answer.lost = true;
    busbar_free(link->probe);
    link->probe = NULL;
    if (!link->gone) {
        failed(link, &answer);
    }
    link_release(link);
}

/* libpq says only that it does not trust the certificate: a handshake of our own tells why. */
static void look_why(struct pg_link *link)
{
    const struct pg_host *host = &link->target.hosts[link->host_at];
    struct pg_probe *probe = busbar_alloc(sizeof(*probe));
    (void)str_copy(probe->address, sizeof(probe->address), link->address);
    (void)str_copy(probe->host, sizeof(probe->host), host->host);
    probe->port = host->port;
    const char *system = pg_system_authorities();
    (void)str_copy(probe->ca, sizeof(probe->ca),
                   link->target.ca[0] != '\0' ? link->target.ca : (system != NULL ? system : ""));
    timer_stop(&link->limit);
    link_close(link);
    link->probe = probe;
    link_hold(link);
    jobs_submit(link->loop, probe_work, probe_done, link);
}

static void attempt_failed(struct pg_link *link)
{
    const char *said = link->conn != NULL ? PQerrorMessage(link->conn) : "";
    if (strstr(said, "certificate verify failed") != NULL) {
        look_why(link);
        return;
    }
    struct pg_answer answer;
    link_say_broken(link, &answer);
    failed(link, &answer);
}

static void step(struct pg_link *link);

static void on_ready(void *ctx, unsigned events)
{
    (void)events;
    step(ctx);
}

static void wait_for_server(struct pg_link *link)
{
    unsigned events = link->poll == PGRES_POLLING_READING ? LOOP_READABLE : LOOP_WRITABLE;
    link->watch = loop_fd_watch(link->loop, PQsocket(link->conn), events, on_ready, link);
    if (link->watch == NULL) {
        failed_with(link, BUSBAR_EIO, PG_AGAIN, "has no socket that can be watched", "");
    }
}

static void step_done(void *ctx, int error)
{
    struct pg_link *link = ctx;
    link->stepping = false;
    if (link->gone) {
        link_release(link);
        return;
    }
    if (error != 0 || link->late) {
        failed_with(link, BUSBAR_ETIMEOUT, PG_AGAIN, "does not answer",
                    "is the address right, the machine up, and does no firewall drop the port?");
    } else if (link->poll == PGRES_POLLING_OK) {
        connected(link);
    } else if (link->poll == PGRES_POLLING_FAILED) {
        attempt_failed(link);
    } else {
        wait_for_server(link);
    }
    link_release(link);
}

static void step(struct pg_link *link)
{
    link_unwatch(link); /* libpq may take another socket */
    link_hold(link);
    link->stepping = true;
    jobs_submit(link->loop, step_work, step_done, link);
}

static void on_limit(struct timer *timer, void *ctx)
{
    struct pg_link *link = ctx;
    (void)timer;
    if (link->stepping) {
        link->late = true;
        return;
    }
    link_hold(link);
    failed_with(link, BUSBAR_ETIMEOUT, PG_AGAIN, "does not answer",
                "is the address right, the machine up, and does no firewall drop the port?");
    link_release(link);
}

/* ---- hosts and addresses ---- */

static void name_where(struct pg_link *link)
{
    const struct pg_host *host = &link->target.hosts[link->host_at];
    bool v6 = strchr(host->host, ':') != NULL;
    (void)str_format(link->where, sizeof(link->where), "%s%s%s:%u/%s", v6 ? "[" : "", host->host,
                     v6 ? "]" : "", (unsigned)host->port, link->target.database);
}

static void try_address(struct pg_link *link)
{
    link->late = false;
    link->fatal[0] = '\0';
    link->fatal_state[0] = '\0';
    if (link->address_count > 0) {
        (void)endpoint_format_host(link->address, sizeof(link->address),
                                   &link->addresses[link->address_at]);
    }
    bool more = link->address_at + 1 < link->address_count ||
                link->host_at + 1 < link->target.host_count;
    timer_init(&link->limit, link->loop, on_limit, link);
    timer_start(&link->limit, more ? FIRST_ADDRESS_MS : PG_CONNECT_MS, 0);
    step(link);
}

static void on_name(void *ctx, int error, const struct endpoint *addresses, size_t count)
{
    struct pg_link *link = ctx;
    link->name = NULL;
    link_hold(link);
    if (error != 0 || count == 0) {
        char text[96];
        (void)str_format(text, sizeof(text), "is not found: %s",
                         err_text(error != 0 ? error : BUSBAR_EHOST));
        failed_with(link, BUSBAR_EHOST, PG_AGAIN, text,
                    "correct the host, or look at this machine's name service");
    } else {
        memcpy(link->addresses, addresses, count * sizeof(*addresses));
        link->address_count = count;
        try_address(link);
    }
    link_release(link);
}

static void try_host(struct pg_link *link)
{
    const struct pg_host *host = &link->target.hosts[link->host_at];
    link->address_count = 0;
    link->address_at = 0;
    link->address[0] = '\0';
    name_where(link);
    if (pg_host_is_local(host)) {
        try_address(link);
        return;
    }
    if (host->address[0] != '\0' || address_is_ip(host->host)) {
        (void)str_copy(link->address, sizeof(link->address),
                       host->address[0] != '\0' ? host->address : host->host);
        try_address(link);
        return;
    }
    link->name = name_find(link->loop, host->host, host->port, on_name, link);
    if (link->name == NULL) {
        failed_with(link, BUSBAR_EHOST, PG_WRONG, "is no host name", "correct the host");
    }
}

void link_connect(struct pg_link *link)
{
    try_host(link);
}

void link_connect_stop(struct pg_link *link)
{
    name_cancel(link->name);
    link->name = NULL;
}
