/* SPDX-License-Identifier: Apache-2.0 */
/* A link against a real server of its own. */
#include "sinks/postgres/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/jobs.h"
#include "support/postgres.h"
#include "support/wait.h"

struct rig {
    struct postgres server;
    struct loop *loop;
    bool there;
};
static struct rig rig; /* one server for all tests of this file */

/* What came of one command or link. */
struct seen {
    int calls, rows;
    int error;
    bool lost;
    enum pg_failure failure;
    char state[6], text[320], hint[256], cell[64];
    uint64_t affected;
    size_t copy_row;
    struct pg_link **free_it;
};

static void take(void *ctx, const struct pg_answer *answer)
{
    struct seen *seen = ctx;
    seen->calls++;
    seen->rows += (int)answer->rows;
    seen->error = answer->error;
    seen->lost = answer->lost;
    seen->failure = answer->failure;
    seen->affected = answer->affected;
    seen->copy_row = answer->copy_row;
    (void)str_copy(seen->state, sizeof(seen->state), answer->sqlstate);
    (void)str_copy(seen->text, sizeof(seen->text), answer->err.message);
    (void)str_copy(seen->hint, sizeof(seen->hint), answer->err.hint);
    const char *cell = answer->error == 0 ? pg_cell(answer, 0, 0) : NULL;
    if (answer->rows > 0) {
        (void)str_copy(seen->cell, sizeof(seen->cell), cell != NULL ? cell : "NULL");
    }
    if (seen->free_it != NULL) {
        pg_link_free(*seen->free_it);
        *seen->free_it = NULL;
    }
}

static struct pg_login login_as(const char *user, const char *password)
{
    return (struct pg_login){ .target = rig.server.tcp, .user = user, .password = password };
}

static struct pg_link *open_as(const struct pg_login *login, struct seen *opened)
{
    *opened = (struct seen){ 0 };
    struct pg_link *link = pg_link_open(rig.loop, login, take, opened);
    assert_int_equal(opened->calls, 0);
    wait_for(rig.loop, &opened->calls, 1);
    return link;
}

static struct pg_link *open_fine(void)
{
    struct seen opened;
    struct pg_login login = login_as("busbar", "secret");
    struct pg_link *link = open_as(&login, &opened);
    assert_string_equal(opened.text, "");
    assert_int_equal(opened.error, 0);
    return link;
}

static struct seen run(struct pg_link *link, const char *sql)
{
    struct seen seen = { 0 };
    pg_run(link, sql, take, &seen);
    assert_int_equal(seen.calls, 0);
    wait_for(rig.loop, &seen.calls, 1);
    return seen;
}

static struct seen run_fine(struct pg_link *link, const char *sql)
{
    struct seen seen = run(link, sql);
    assert_string_equal(seen.text, "");
    return seen;
}

static int begin_rig(void **state)
{
    (void)state;
    rig.loop = loop_new();
    rig.there = postgres_start(&rig.server);
    return 0;
}

static int end_rig(void **state)
{
    (void)state;
    postgres_stop(&rig.server);
    jobs_drain(rig.loop);
    loop_free(rig.loop);
    return 0;
}

static int need_server(void **state)
{
    (void)state;
    if (!rig.there) {
        skip();
    }
    return 0;
}

/* ---- commands ---- */

static void answers_in_order(void **state)
{
    (void)need_server(state);
    struct pg_login login = login_as("busbar", "secret");
    struct seen opened = { 0 }, first = { 0 }, second = { 0 };
    struct pg_link *link = pg_link_open(rig.loop, &login, take, &opened);
    pg_run(link, "SELECT 1; SELECT 42", take, &first);
    struct pg_param params[] = { { .text = "7" },
                                 { .text = NULL },
                                 { .bytes = "\0\0\0\5", .size = 4 } };
    pg_query(link, "SELECT $1::int + $3::int4, $2::text", params, 3, 0, take, &second);
    wait_for(rig.loop, &second.calls, 1);
    assert_int_equal(opened.calls, 1);
    assert_string_equal(first.cell, "42");
    assert_string_equal(second.cell, "12");
    assert_true(pg_link_idle(link));
    assert_true(pg_link_server_version(link) >= 130000);
    assert_string_equal(pg_link_tls(link), "");
    assert_string_equal(run_fine(link, "SHOW TimeZone").cell, "UTC");
    assert_string_equal(run_fine(link, "SHOW client_encoding").cell, "UTF8");
    pg_link_free(link);
}

static void goes_on_after_an_error(void **state)
{
    (void)need_server(state);
    struct pg_link *link = open_fine();
    struct seen seen = run(link, "SELECT 1/0; SELECT 1");
    assert_string_equal(seen.state, "22012");
    assert_int_equal(seen.failure, PG_REFUSED);
    assert_false(seen.lost);
    assert_string_equal(run(link, "SELECT * FROM nowhere").state, "42P01");
    assert_string_equal(run_fine(link, "SELECT 5").cell, "5");
    pg_link_free(link);
}

static void rows_one_by_one(void **state)
{
    (void)need_server(state);
    struct pg_link *link = open_fine();
    struct seen seen = { 0 };
    pg_query(link, "SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n", NULL, 0,
             PG_ROW_BY_ROW, take, &seen);
    wait_for(rig.loop, &seen.calls, 20001);
    assert_int_equal(seen.calls, 20001);
    assert_int_equal(seen.rows, 20000);
    assert_string_equal(seen.cell, "20000");
    pg_link_free(link);
}

static void an_answer_has_a_limit(void **state)
{
    (void)need_server(state);
    struct pg_link *link = open_fine();
    struct seen seen = run(link, "SELECT repeat('x', 1000) FROM generate_series(1, 20000) n");
    assert_int_equal(seen.error, BUSBAR_ELIMIT);
    assert_true(seen.lost);
    pg_link_free(link);
}

/* ---- COPY ---- */

static void copies_much(void **state)
{
    (void)need_server(state);
    struct pg_link *link = open_fine();
    (void)run_fine(link, "CREATE TEMP TABLE many (n int)");
    size_t size = 0;
    char *rows = busbar_alloc(16 << 20);
    for (int i = 0; i < 1000000; i++) {
        size += (size_t)snprintf(rows + size, 16, "%d\n", i);
    }
    struct seen seen = { 0 };
    loop_stats_reset_longest(rig.loop);
    pg_copy_in(link, "COPY many FROM STDIN", rows, size, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    assert_string_equal(seen.text, "");
    assert_int_equal(seen.affected, 1000000);
    busbar_free(rows);
    assert_string_equal(run_fine(link, "SELECT sum(n) FROM many").cell, "499999500000");
    pg_link_free(link);
}

static void a_bad_row_is_named(void **state)
{
    (void)need_server(state);
    struct pg_link *link = open_fine();
    (void)run_fine(link, "CREATE TEMP TABLE few (n int)");
    struct seen seen = { 0 };
    pg_copy_in(link, "COPY few FROM STDIN", "1\n2\nx\n4\n", 8, take, &seen);
    wait_for(rig.loop, &seen.calls, 1);
    assert_string_equal(seen.state, "22P02");
    assert_int_equal(seen.failure, PG_REFUSED);
    assert_int_equal(seen.copy_row, 2);
    assert_string_equal(run_fine(link, "SELECT count(*) FROM few").cell, "0");
    pg_link_free(link);
}

static void free_in_the_middle(void **state)
{
    (void)need_server(state);
    char *rows = busbar_alloc(8 << 20);
    memset(rows, '\n', 8 << 20);
    for (int turns = 0; turns < 60; turns++) {
        struct pg_login login = login_as("busbar", "secret");
        struct seen seen = { 0 };
        struct pg_link *link = pg_link_open(rig.loop, &login, take, &seen);
        struct seen copied = { 0 };
        pg_run(link, "CREATE TEMP TABLE t (x text)", take, &copied);
        pg_copy_in(link, "COPY t FROM STDIN", rows, 8 << 20, take, &copied);
        wait_ms(rig.loop, turns);
        pg_link_free(link);
    }
    jobs_drain(rig.loop);
    busbar_free(rows);
}

static void free_in_a_callback(void **state)
{
    (void)need_server(state);
    struct pg_link *link = NULL;
    struct seen opened = { .free_it = &link };
    struct pg_login login = login_as("busbar", "secret");
    link = pg_link_open(rig.loop, &login, take, &opened);
    wait_for(rig.loop, &opened.calls, 1);
    assert_null(link);

    link = open_fine();
    struct seen row = { .free_it = &link };
    pg_query(link, "SELECT generate_series(1, 1000)", NULL, 0, PG_ROW_BY_ROW, take, &row);
    wait_for(rig.loop, &row.calls, 1);
    assert_int_equal(row.calls, 1);

    link = open_fine();
    struct seen lost = { .free_it = &link }, never = { 0 };
    pg_run(link, "SELECT pg_terminate_backend(pg_backend_pid())", take, &lost);
    pg_run(link, "SELECT 1", take, &never);
    wait_for(rig.loop, &lost.calls, 1);
    wait_ms(rig.loop, 50);
    assert_int_equal(never.calls, 0);
}

/* ---- being lost ---- */

static void ended_by_the_server(void **state)
{
    (void)need_server(state);
    struct pg_link *link = open_fine();
    struct seen running = { 0 }, waiting = { 0 };
    pg_run(link, "SELECT pg_terminate_backend(pg_backend_pid())", take, &running);
    pg_run(link, "SELECT 1", take, &waiting);
    wait_for(rig.loop, &waiting.calls, 1);
    assert_string_equal(running.state, "57P01");
    assert_true(running.lost);
    assert_int_equal(running.failure, PG_AGAIN);
    assert_true(waiting.lost);
    struct seen later = run(link, "SELECT 1");
    assert_true(later.lost);
    pg_link_free(link);
}

static void lost_while_idle(void **state)
{
    (void)need_server(state);
    struct pg_link *link = open_fine();
    struct seen lost = { 0 };
    pg_link_on_lost(link, take, &lost);
    postgres_sql(&rig.server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                              "application_name = 'busbar'");
    wait_for(rig.loop, &lost.calls, 1);
    assert_true(lost.lost);
    assert_string_equal(lost.state, "57P01");
    assert_non_null(strstr(lost.text, "ended the connection"));
    pg_link_free(link);
}

static void silence_has_a_limit(void **state)
{
    (void)need_server(state);
    struct pg_login login = login_as("busbar", "secret");
    login.timeout_us = 300 * CLOCK_US_PER_MS;
    struct seen opened;
    struct pg_link *link = open_as(&login, &opened);
    struct seen seen = run(link, "SELECT pg_sleep(20)");
    assert_int_equal(seen.error, BUSBAR_ETIMEOUT);
    assert_true(seen.lost);
    assert_non_null(strstr(seen.text, "did not answer within 300ms"));
    pg_link_free(link);
}

/* ---- logging in ---- */

static void expect_refusal(const struct pg_login *login, const char *state_, const char *text)
{
    struct seen opened;
    struct pg_link *link = open_as(login, &opened);
    pg_link_free(link);
    assert_true(opened.lost);
    assert_string_equal(opened.state, state_);
    if (strstr(opened.text, text) == NULL) {
        fail_msg("'%s' has no '%s'", opened.text, text);
    }
}

static void logins_that_fail(void **state)
{
    (void)need_server(state);
    struct pg_login login = login_as("busbar", "wrong");
    expect_refusal(&login, "28P01", "does not take the password of user busbar");
    login = login_as("busbar", NULL);
    expect_refusal(&login, "", "asks for a password and none is set");
    char target[160];
    login = login_as("busbar", "secret");
    (void)str_format(target, sizeof(target), "host=127.0.0.1 port=%u dbname=other",
                     (unsigned)rig.server.port);
    login.target = target;
    expect_refusal(&login, "3D000", "there is no database other");
    (void)str_format(target, sizeof(target), "host=%s port=%u dbname=postgres", rig.server.folder,
                     (unsigned)rig.server.port);
    login.user = "stranger";
    expect_refusal(&login, "28000", "there is no user stranger");
    login = login_as("busbar", "secret");
    login.sslmode = "require";
    expect_refusal(&login, "", "has no TLS");
    login = login_as("busbar", "secret");
    login.target = "host=127.0.0.1 port=1 dbname=x";
    expect_refusal(&login, "", "127.0.0.1:1/x refuses the connection");
    login.target = "host=nowhere.invalid dbname=x";
    expect_refusal(&login, "", "nowhere.invalid:5432/x is not found");
    login.target = "dbname=x";
    expect_refusal(&login, "", "names no host");
}

static void another_host_is_tried(void **state)
{
    (void)need_server(state);
    char target[160];
    (void)str_format(target, sizeof(target),
                     "host=127.0.0.1,nowhere.invalid,127.0.0.1 port=1,2,%u dbname=postgres",
                     (unsigned)rig.server.port);
    struct pg_login login = login_as("busbar", "secret");
    login.target = target;
    struct seen opened;
    struct pg_link *link = open_as(&login, &opened);
    assert_string_equal(opened.text, "");
    pg_link_free(link);
}

/* Variables, a service and files of the user would change where it goes or who it is. */
static void the_environment_does_not_count(void **state)
{
    (void)need_server(state);
    (void)setenv("PGSERVICE", "elsewhere", 1);
    (void)setenv("PGSERVICEFILE", "/nowhere", 1);
    (void)setenv("PGHOSTADDR", "192.0.2.1", 1);
    (void)setenv("PGPASSFILE", "/nowhere", 1);
    (void)setenv("PGOPTIONS", "-c timezone=Asia/Tokyo -c search_path=bad", 1);
    (void)setenv("PGSSLMODE", "require", 1);
    (void)setenv("PGREQUIREPEER", "somebody", 1);
    struct pg_link *link = open_fine();
    assert_string_equal(run_fine(link, "SHOW search_path").cell, "\"$user\", public");
    assert_null(getenv("PGSERVICE"));
    assert_null(getenv("PGREQUIREPEER"));
    pg_link_free(link);
}

/* A listener that takes connections and says nothing. */
static void a_silent_server_is_given_up(void **state)
{
    (void)need_server(state);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char target[160];
    (void)str_format(target, sizeof(target), "host=127.0.0.1,127.0.0.1 port=%u,%u dbname=postgres",
                     (unsigned)ntohs(address.sin_port), (unsigned)rig.server.port);
    struct pg_login login = login_as("busbar", "secret");
    login.target = target;
    struct seen opened;
    int64_t from_us = clock_mono_us();
    struct pg_link *link = open_as(&login, &opened);
    assert_string_equal(opened.text, "");
    assert_in_range(clock_mono_us() - from_us, 2 * CLOCK_US_PER_S, 6 * CLOCK_US_PER_S);
    pg_link_free(link);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_in_order),
        cmocka_unit_test(goes_on_after_an_error),
        cmocka_unit_test(rows_one_by_one),
        cmocka_unit_test(an_answer_has_a_limit),
        cmocka_unit_test(copies_much),
        cmocka_unit_test(a_bad_row_is_named),
        cmocka_unit_test(free_in_the_middle),
        cmocka_unit_test(free_in_a_callback),
        cmocka_unit_test(ended_by_the_server),
        cmocka_unit_test(lost_while_idle),
        cmocka_unit_test(silence_has_a_limit),
        cmocka_unit_test(logins_that_fail),
        cmocka_unit_test(another_host_is_tried),
        cmocka_unit_test(the_environment_does_not_count),
        cmocka_unit_test(a_silent_server_is_given_up),
    };
    return cmocka_run_group_tests(tests, begin_rig, end_rig);
}
