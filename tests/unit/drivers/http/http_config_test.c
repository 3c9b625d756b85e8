/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the protocol, of connectors, devices and points: what they mean, which mistakes are told, what is warned
 * of. */
#include "../modbus/settings_make.h"

#include "drivers/http/http_config.h"
#include "drivers/http/http_options.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const no_pairs[] = { NULL };

/* Two connectors: "meters" and "rooms". */
struct site {
    struct setup setup;
    struct setup_part parts[2];
    struct settings_made made, part_made[2], device, point;
};

static const struct setup *site(struct site *site, const char *const *setup,
                                const char *const *connector)
{
    http_options_make();
    *site = (struct site){ .setup = { .given = true, .part_count = 2 } };
    site->setup.settings = *settings_make(&site->made, http_setup_options, setup);
    site->parts[0] = (struct setup_part){
        .name = "meters",
        .settings = *settings_make(&site->part_made[0], http_connector_options, connector),
    };
    site->parts[1] = (struct setup_part){
        .name = "rooms",
        .settings = *settings_make(&site->part_made[1], http_connector_options, no_pairs),
    };
    site->setup.parts = site->parts;
    return &site->setup;
}

static int read_device(struct site *of, const char *const *pairs, struct http_device_config *config,
                       struct err *err)
{
    const struct setup *setup = site(of, no_pairs, no_pairs);
    return http_config_read(setup, settings_make(&of->device, http_device_options, pairs), config,
                            err);
}

static void wrong_device(const char *const *pairs, const char *message, const char *hint)
{
    struct site of;
    struct http_device_config config;
    struct err err = { 0 };
    assert_int_equal(read_device(&of, pairs, &config, &err), BUSBAR_ECONFIG);
    assert_non_null(strstr(err.message, message));
    assert_non_null(strstr(err.hint, hint));
    assert_true(err.line > 0);
}

/* ---- the protocol ---- */

static void it_listens_on_loopback_unless_told(void **state)
{
    struct site of;
    struct http_setup own;
    (void)state;
    assert_int_equal(http_config_setup(site(&of, no_pairs, no_pairs), &own, NULL), 0);
    assert_int_equal(own.listen_count, 1);
    assert_string_equal(own.listen[0].host, "127.0.0.1");
    assert_int_equal(own.listen[0].port, 56789);
    assert_false(own.plain);
    const char *const two[] = { "listen", "0.0.0.0:1, [::]:2", NULL };
    assert_int_equal(http_config_setup(site(&of, two, no_pairs), &own, NULL), 0);
    assert_int_equal(own.listen_count, 2);
    assert_string_equal(own.listen[1].host, "::");
    assert_int_equal(own.listen[1].port, 2);
}

static void wrong_setups_are_told(void **state)
{
    struct site of;
    struct err err = { 0 };
    (void)state;
    assert_int_equal(
        http_config_check_setup(site(&of, PAIRS("listen", "gateway:1"), no_pairs), &err),
        BUSBAR_ECONFIG);
    assert_non_null(strstr(err.message, "no numeric address"));
    assert_int_equal(http_config_check_setup(site(&of, PAIRS("key", "k.pem"), no_pairs), &err),
                     BUSBAR_ECONFIG);
    assert_non_null(strstr(err.message, "go together"));
    assert_int_equal(http_config_check_setup(site(&of, no_pairs, PAIRS("open", "true")), &err),
                     BUSBAR_ECONFIG);
    assert_non_null(strstr(err.hint, "allow"));
    assert_int_equal(
        http_config_check_setup(site(&of, no_pairs, PAIRS("allow", "10.0.0.0/99")), &err),
        BUSBAR_ECONFIG);
}

static void what_is_insecure_is_warned_of(void **state)
{
    struct site of;
    struct err err = { 0 };
    (void)state;
    const char *const plain[] = { "listen", "0.0.0.0:1", "plain", "allow", NULL };
    assert_int_equal(http_config_check_setup(site(&of, plain, no_pairs), &err), 0);
    assert_non_null(strstr(err.message, "without TLS"));
    err = (struct err){ 0 };
    assert_int_equal(http_config_check_setup(site(&of, PAIRS("plain", "allow"), no_pairs), &err),
                     0);
    assert_string_equal(err.message, "");
    assert_int_equal(http_config_check_setup(site(&of, no_pairs, PAIRS("query_key", "true")), &err),
                     0);
    assert_non_null(strstr(err.message, "keys in URLs"));
}

/* ---- devices ---- */

static void one_that_posts_has_a_connector(void **state)
{
    struct site of;
    struct http_device_config config;
    (void)state;
    assert_int_equal(read_device(&of, PAIRS("connector", "rooms", "id", "12"), &config, NULL), 0);
    assert_string_equal(config.connector, "rooms");
    assert_string_equal(config.id, "12");
    assert_null(config.url);
    wrong_device(PAIRS("connector", "romms"), "no connector 'romms'", "did you mean 'rooms'?");
    wrong_device(PAIRS("connector", "x"), "no connector 'x'", "connectors: { x: {} }");
    wrong_device(PAIRS("connector", "rooms", "body", "x"), "has no 'body'", "take it out");
}

static void one_that_is_asked_has_a_url(void **state)
{
    struct site of;
    struct http_device_config config;
    (void)state;
    assert_int_equal(read_device(&of,
                                 PAIRS("url", "http://10.0.0.9/s", "user", "a", "password", "p",
                                       "login", "digest"),
                                 &config, NULL),
                     0);
    assert_int_equal(config.login, HTTP_LOGIN_DIGEST);
    assert_int_equal(config.redirects, 3);
    assert_true(config.verify);
    wrong_device(no_pairs, "does this device post, or is it asked?", "url:");
    wrong_device(PAIRS("url", "http://h/", "connector", "rooms"), "both", "keep");
    wrong_device(PAIRS("url", "ftp://h/"), "neither http nor https", "");
    wrong_device(PAIRS("url", "http://a:b@h/"), "login in it", "!secret");
    wrong_device(PAIRS("url", "http://h/", "user", "a"), "go together", "password");
    wrong_device(PAIRS("url", "http://h/", "key", "k.pem"), "without 'certificate'", "certificate");
    wrong_device(PAIRS("url", "http://h/", "request_header", "no colon"), "no header", "X-Site");
}

static void logins_that_others_can_read_are_warned_of(void **state)
{
    struct site of;
    struct http_device_config config;
    struct err err = { 0 };
    (void)state;
    assert_int_equal(
        read_device(&of, PAIRS("url", "http://10.0.0.9/", "token", "t"), &config, &err), 0);
    assert_non_null(strstr(err.message, "can be read"));
    err = (struct err){ 0 };
    assert_int_equal(
        read_device(&of, PAIRS("url", "http://127.0.0.1/", "token", "t"), &config, &err), 0);
    assert_string_equal(err.message, "");
    assert_int_equal(read_device(&of, PAIRS("url", "https://h/", "verify", "false"), &config, &err),
                     0);
    assert_non_null(strstr(err.message, "not looked at"));
}

/* ---- points ---- */

static int read_point(struct site *of, const char *url, const char *const *pairs,
                      struct http_address *address, struct point_facts *facts, struct err *err)
{
    const struct setup *setup = site(of, no_pairs, no_pairs);
    const struct settings *device = settings_make(&of->device, http_device_options,
                                                  url != NULL ? PAIRS("url", url)
                                                              : PAIRS("connector", "rooms"));
    return http_config_point(setup, device, settings_make(&of->point, http_point_options, pairs),
                             address, facts, err);
}

static void points_are_pushed_or_polled(void **state)
{
    struct site of;
    struct http_address address;
    struct point_facts facts = { 0 };
    (void)state;
    assert_int_equal(read_point(&of, NULL, PAIRS("json", "$.v"), &address, &facts, NULL), 0);
    assert_true(facts.pushed && facts.readable);
    assert_false(facts.writable);
    facts = (struct point_facts){ 0 };
    assert_int_equal(read_point(&of, "http://h/a", PAIRS("json", "$.v"), &address, &facts, NULL),
                     0);
    assert_false(facts.pushed);
    assert_true(facts.readable);
}

static void urls_of_points_are_made_whole(void **state)
{
    struct site of;
    struct http_address address;
    struct arena arena;
    struct point_facts facts = { .arena = &arena };
    (void)state;
    arena_init(&arena, 0);
    const char *const pairs[] = { "json", "$.v",     "url",      "/other",
                                  "send", "{value}", "send_url", "/set?v={value}",
                                  NULL };
    assert_int_equal(read_point(&of, "http://h:81/a/b", pairs, &address, &facts, NULL), 0);
    assert_string_equal(address.url, "http://h:81/other");
    assert_string_equal(address.send_url, "http://h:81/set?v={value}");
    assert_true(facts.writable);
    arena_fini(&arena);
}

static void wrong_points_are_told(void **state)
{
    static const struct {
        const char *url;
        const char *pairs[7];
        const char *message;
    } rows[] = {
        { "http://h/", { NULL }, "where in the message" },
        { NULL, { "json", "$.v", "url", "/x", NULL }, "is not asked" },
        { NULL, { "json", "$.v", "send", "{value}", NULL }, "where is it sent to" },
        { NULL, { "json", "$.v", "send_url", "/x", NULL }, "begins with no host" },
        { "http://h/", { "json", "$.v", "send_method", "PUT", NULL }, "without 'send'" },
        { "http://h/", { "json", "$.v", "send", "{nothing", NULL }, NULL },
        { "http://h/", { "json", "$.v", "send", "x", "send_method", "GET", NULL }, "but its URL" },
        { "http://h/", { "json", "$[", NULL }, "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct site of;
        struct http_address address;
        struct point_facts facts = { 0 };
        struct err err = { 0 };
        int error = read_point(&of, rows[i].url, rows[i].pairs, &address, &facts, &err);
        if (rows[i].message == NULL) {
            assert_int_equal(error, 0); /* braces that are no words stay as they are */
            continue;
        }
        assert_true(error != 0 && error == err.code);
        assert_non_null(strstr(err.message, rows[i].message));
    }
}

static void ids_that_stand_in_a_path(void **state)
{
    (void)state;
    assert_true(http_id_is_fine("pv-1.a_b~c:d@e"));
    assert_false(http_id_is_fine(""));
    assert_false(http_id_is_fine("a/b"));
    assert_false(http_id_is_fine("a b"));
    assert_false(http_id_is_fine("a\"b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_listens_on_loopback_unless_told),
        cmocka_unit_test(wrong_setups_are_told),
        cmocka_unit_test(what_is_insecure_is_warned_of),
        cmocka_unit_test(one_that_posts_has_a_connector),
        cmocka_unit_test(one_that_is_asked_has_a_url),
        cmocka_unit_test(logins_that_others_can_read_are_warned_of),
        cmocka_unit_test(points_are_pushed_or_polled),
        cmocka_unit_test(urls_of_points_are_made_whole),
        cmocka_unit_test(wrong_points_are_told),
        cmocka_unit_test(ids_that_stand_in_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
