/* SPDX-License-Identifier: Apache-2.0 */
/* What an address says, what is refused in it, and what libpq is told of it. */
#include "sinks/postgres/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"

static struct pg_login login_to(const char *target)
{
    return (struct pg_login){ .target = target, .user = "busbar", .password = "top-secret" };
}

static void where_it_goes(void **state)
{
    (void)state;
    static const struct {
        const char *target, *where;
    } cases[] = {
        { "host=db.example.org dbname=plant", "db.example.org:5432/plant" },
        { "postgresql://db.example.org/plant", "db.example.org:5432/plant" },
        { "postgres://db.example.org:6000/plant?sslmode=require", "db.example.org:6000/plant" },
        { "host=::1 port=1 dbname=x", "[::1]:1/x" },
        { "host=a,b,c port=1,2,3 dbname=x", "a:1,b:2,c:3/x" },
        { "host=a,b dbname=x", "a:5432,b:5432/x" },
        { "host=/run/postgresql dbname=x", "/run/postgresql:5432/x" },
        { "hostaddr=10.0.0.1 dbname=x", "10.0.0.1:5432/x" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pg_login login = login_to(cases[i].target);
        struct err err = { 0 };
        char where[160];
        assert_int_equal(pg_login_check(&login, &err), 0);
        pg_login_where(&login, where, sizeof(where));
        assert_string_equal(where, cases[i].where);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *target, *message, *hint;
    } cases[] = {
        { "", "names no host", "host=db.example.org" },
        { "db.example.org", "not understood", "host=db.example.org" },
        { "host=a", "names no database", "dbname" },
        { "host=a dbname=x password=hunter2", "has a password in it", "secret set" },
        { "postgresql://u:hunter2@a/x", "has a password in it", "secret set" },
        { "postgresql://u:hunter2@[a/x", "not understood", "postgresql://" },
        { "service=x", "names a service", "host" },
        { "host=a dbname=x passfile=/x", "file of passwords", "secret set" },
        { "host=a dbname=x krbsrvname=y", "krbsrvname", "host, port" },
        { "host=a dbname=x sslmode=sure", "sslmode 'sure'", "verify-full" },
        { "host=a dbname=x target_session_attrs=prefer-standby", "prefer-standby", "read-write" },
        { "host=a,b,c hostaddr=10.0.0.1,10.0.0.2 dbname=x", "not as many", "" },
        { "host=a hostaddr=b dbname=x", "no IP address", "" },
        { "host=a port=70000 dbname=x", "no port", "65535" },
        { "host=a port=x dbname=x", "no port", "65535" },
        { "host=a,,b dbname=x", "empty", "host=" },
        { "host=1,2,3,4,5,6,7,8,9 dbname=x", "9 hosts, at most 8", "" },
        { "host=a dbname=x user=other", "said twice", "leave it out" },
        { "host=a dbname=x sslcert=c.pem", "certificate is set without key", "both" },
        { "host=a dbname=x connect_timeout=5", "connect_timeout", "leave it out" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pg_login login = login_to(cases[i].target);
        struct err err = { 0 };
        int error = pg_login_check(&login, &err);
        if (error != BUSBAR_EINVAL || strstr(err.message, cases[i].message) == NULL ||
            strstr(err.hint, cases[i].hint) == NULL) {
            fail_msg("'%s': '%s' hint '%s'", cases[i].target, err.message, err.hint);
        }
        assert_null(strstr(err.message, "hunter2"));
    }
    struct pg_login login = { .target = "host=a dbname=x" };
    struct err err = { 0 };
    assert_int_equal(pg_login_check(&login, &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.message, "no user"));
    login.target = "host=/run dbname=x";
    assert_int_equal(pg_login_check(&login, &err), 0);
}

static const char *value_of(const struct pg_params *params, const char *keyword)
{
    for (size_t i = 0; params->keywords[i] != NULL; i++) {
        if (str_equal(params->keywords[i], keyword)) {
            return params->values[i];
        }
    }
    return NULL;
}

static void what_libpq_is_told(void **state)
{
    (void)state;
    struct pg_login login = login_to("host=db.example.org,localhost port=1,2 dbname=plant");
    struct pg_target target;
    struct pg_params params;
    assert_int_equal(pg_target_parse(&login, &target, NULL), 0);
    pg_params_make(&params, &target, &target.hosts[0], "10.0.0.1");
    assert_string_equal(value_of(&params, "host"), "db.example.org");
    assert_string_equal(value_of(&params, "hostaddr"), "10.0.0.1");
    assert_string_equal(value_of(&params, "sslmode"), "verify-full");
    assert_string_equal(value_of(&params, "gssencmode"), "disable");
    assert_string_equal(value_of(&params, "target_session_attrs"), "read-write");
    assert_string_equal(value_of(&params, "keepalives_idle"), "10"); /* dead after 30 s */
    assert_string_equal(value_of(&params, "tcp_user_timeout"), "30000");
    assert_string_equal(value_of(&params, "application_name"), "busbar");
    assert_string_equal(value_of(&params, "passfile"), value_of(&params, "sslcrl")); /* no file */
    if (pg_system_authorities() != NULL) {
        assert_string_equal(value_of(&params, "sslrootcert"), pg_system_authorities());
    }
    pg_params_make(&params, &target, &target.hosts[1], "127.0.0.1");
    assert_string_equal(value_of(&params, "sslmode"), "prefer");
    assert_string_equal(value_of(&params, "port"), "2");
    login = login_to("host=db dbname=plant");
    login.sslmode = "require";
    login.ca = "db-ca.pem";
    login.files = "/etc";
    login.site = "hq";
    assert_int_equal(pg_target_parse(&login, &target, NULL), 0);
    pg_params_make(&params, &target, &target.hosts[0], "10.0.0.1");
    assert_string_equal(value_of(&params, "sslmode"), "require");
    assert_string_equal(value_of(&params, "sslrootcert"), "/etc/db-ca.pem");
    assert_string_equal(value_of(&params, "application_name"), "busbar hq");
    assert_string_equal(value_of(&params, "target_session_attrs"), "any");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_it_goes),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_libpq_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
