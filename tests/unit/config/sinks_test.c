/* SPDX-License-Identifier: Apache-2.0 */
/* The section `sinks`: what it gives, its mistakes, its differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "config/config.h"

enum { STORE_ADDRESS, STORE_PASSWORD, STORE_PARTS };
static const struct option store_options[] = {
    [STORE_ADDRESS] = { .key = "store",
                        .type = OPTION_TEXT,
                        .min = 1,
                        .max = 99,
                        .help = "where it is" },
    [STORE_PASSWORD] = { .key = "password", .type = OPTION_SECRET, .help = "the password" },
    [STORE_PARTS] = { .key = "parts",
                      .type = OPTION_INT,
                      .fallback = "3",
                      .min = 1,
                      .max = 9,
                      .help = "how many parts" },
    { .key = NULL },
};
static const struct option post_options[] = {
    { .key = "post", .type = OPTION_TEXT, .help = "the URL" },
    { .key = NULL },
};
static const struct config_sink_kind kinds[] = {
    { .name = "store", .options = store_options, .events = true, .archives = true },
    { .name = "post", .options = post_options },
};

static int check(const struct config_sink_kind *kind, const struct settings *own,
                 const struct settings *common, struct err *err)
{
    if (strcmp(kind->name, "post") == 0 && settings_int(common, SINK_BATCH) > 500) {
        return err_set(err, BUSBAR_EINVAL, "a post carries at most 500");
    }
    return strcmp(kind->name, "store") == 0 && !settings_has(own, STORE_ADDRESS)
               ? err_set(err, BUSBAR_EINVAL, "no address")
               : 0;
}

static const struct config_env env = { .sink_kinds = kinds,
                                       .sink_kind_count = 2,
                                       .check_sink = check };

static int load(const char *yaml, struct config **config, struct problems *problems)
{
    struct config_text text = { .name = "a.yaml", .text = yaml, .size = strlen(yaml) };
    problems_init(problems);
    return config_load_texts(&text, 1, &env, config, problems);
}

static struct config *load_good(const char *yaml)
{
    struct config *config = NULL;
    struct problems problems;
    int error = load(yaml, &config, &problems);
    if (error != 0) {
        fail_msg("%s", problems.list[0].message);
    }
    problems_fini(&problems);
    return config;
}

#define PLANT "version: 1\nsinks:\n  plant: { store: db, parts: 5, points: 'a/*', batch: 100 }\n"
#define TWO   PLANT "  away: { post: 'http://x', batch: 500 }\nhistory: { archive: plant }\n"

static void both_tables_are_read_apart(void **state)
{
    (void)state;
    struct config *config = load_good(TWO);
    struct setup *copy = NULL;
    assert_int_equal(config->sink_count, 2);
    assert_string_equal(config->sinks[0].name, "away");
    assert_string_equal(config->history.archive, "plant");
    assert_null(config_sink(config, "none"));
    const struct config_sink *plant = config_sink(config, "plant");
    assert_ptr_equal(plant->kind, &kinds[0]);
    assert_int_equal(plant->at.line, 3);
    assert_string_equal(settings_text(&plant->own->settings, STORE_ADDRESS), "db");
    assert_int_equal(settings_int(&plant->own->settings, STORE_PARTS), 5);
    assert_string_equal(settings_text(&plant->common->settings, SINK_POINTS), "a/*");
    assert_int_equal(settings_int(&plant->common->settings, SINK_BATCH), 100);
    assert_int_equal(settings_int(&plant->common->settings, SINK_KEEP), -1);
    assert_true(settings_bool(&plant->common->settings, SINK_ENABLED));

    assert_int_equal(config_make_setup(plant->common, &copy), 0);
    config_free(config);
    assert_string_equal(settings_text(&copy->settings, SINK_POINTS), "a/*");
    setup_free(copy);
}

static void mistakes_are_told_where_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message, *hint;
        int line;
    } wrong[] = {
        { PLANT "  x: { points: a }\n", "the sink 'x' does not say where it publishes to",
          "store, post", 4 },
        { PLANT "  x: { store: a, post: b }\n", "the sink 'x' has 'store' and 'post'",
          "make two sinks", 4 },
        { PLANT "  x: { store: a, pionts: b }\n", "unknown key 'pionts' in the sink 'x'",
          "did you mean 'points'", 4 },
        { PLANT "  x: { store: a, pasword: b }\n", "unknown key 'pasword' in the sink 'x'",
          "did you mean 'password'", 4 },
        { PLANT "  x: { store: a, password: b }\n", "'password' must not stand in the file",
          "!secret", 4 },
        { PLANT "  x: { store: a, parts: 10 }\n", "'parts' is 10, it must be 1 to 9", "", 4 },
        { PLANT "  x: { store: a, keep_bytes: 3 }\n", "'keep_bytes' wants a size of at least 16MB",
          "", 4 },
        { PLANT "  x: { store: a, start: later }\n", "'start'", "", 4 },
        { PLANT "  x: { post: a, batch: 501 }\n", "a post carries at most 500", "", 4 },
        { PLANT "  X y: { store: a }\n", "cannot name a sink", "", 4 },
        { PLANT "  x: db\n", "'x' wants keys with values", "", 4 },
        { PLANT "history: { archive: plnt }\n", "there is no sink 'plnt'", "'sinks:'", 4 },
        { TWO "site: { id: a }\n", NULL, NULL, 0 },
        { PLANT "  away: { post: x, batch: 1 }\nhistory: { archive: away }\n",
          "the sink 'away' (post) cannot be asked for old values", "postgres", 5 },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct config *config = NULL;
        struct problems problems;
        int error = load(wrong[i].yaml, &config, &problems);
        assert_int_equal(error, wrong[i].message == NULL ? 0 : BUSBAR_ECONFIG);
        if (error == 0) {
            config_free(config);
        } else if (strstr(problems.list[0].message, wrong[i].message) == NULL ||
                   strstr(problems.list[0].hint, wrong[i].hint) == NULL ||
                   problems.list[0].at.line != wrong[i].line || problems.errors != 1) {
            fail_msg("%s\n-> %d: %s (%s)", wrong[i].yaml, problems.list[0].at.line,
                     problems.list[0].message, problems.list[0].hint);
        }
        problems_fini(&problems);
    }
}

static void a_sink_that_leads_back_here_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *server, *url;
        bool circle;
    } rows[] = {
        { "", "http://127.0.0.1:9090/api/v1/write", true },
        { "", "http://localhost:9090/api/v1/write", true },
        { "", "http://[::1]:9090/api/v1/write", true },
        { "", "http://127.0.0.1:8080/api/v1/write", true },
        { "", "http://127.0.0.1:8428/api/v1/write", false },
        { "", "http://10.255.255.254:9090/api/v1/write", false },
        { "server: { time_series: '127.0.0.1:9999' }\n", "http://127.0.0.1:9090/w", false },
        { "server: { time_series: '127.0.0.1:9999' }\n", "http://127.0.0.1:9999/w", true },
        { "server: { time_series: '10.255.255.254:9090', insecure: allow }\n",
          "http://10.255.255.254:9090/w", true },
        { "server: { time_series: '0.0.0.0:9090', insecure: allow }\n", "http://127.0.0.1:9090/w",
          true },
        { "server: { time_series: off }\n", "http://127.0.0.1:9090/w", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char yaml[512];
        struct config *config = NULL;
        struct problems problems;
        str_format(yaml, sizeof(yaml), "version: 1\n%ssinks:\n  away: { post: '%s', batch: 500 }\n",
                   rows[i].server, rows[i].url);
        int error = load(yaml, &config, &problems);
        if ((error != 0) != rows[i].circle) {
            fail_msg("row %zu: %d", i, error);
        }
        if (rows[i].circle) {
            assert_non_null(strstr(problems.list[0].message, "leads back to this gateway"));
        }
        problems_fini(&problems);
        config_free(config);
    }
}

static void a_name_stands_once_over_all_files(void **state)
{
    (void)state;
    static const struct config_text texts[] = {
        { .name = "a.yaml", .text = PLANT, .size = sizeof(PLANT) - 1 },
        { .name = "b.yaml", .text = "sinks: { plant: { post: x, batch: 1 } }\n", .size = 40 },
    };
    struct config *config = NULL;
    struct problems problems;
    problems_init(&problems);
    assert_int_equal(config_load_texts(texts, 2, &env, &config, &problems), BUSBAR_ECONFIG);
    assert_non_null(strstr(problems.list[0].message, "the sink 'plant' is also in "));
    problems_fini(&problems);
}

static void differences_are_told_by_key(void **state)
{
    (void)state;
    struct config *old = load_good(TWO);
    struct config *new = load_good("version: 1\nsinks:\n"
                                   "  plant: { store: db2, points: 'a/*', batch: 200 }\n"
                                   "  more: { store: db3 }\n");
    struct config_diff diff;
    struct buf text;
    buf_init(&text, 1 << 16);
    assert_int_equal(config_diff(old, new, &diff), 0);
    config_diff_print(&diff, &text);
    static const char *const lines[] = { "~ sinks.plant.store db -> db2\n",
                                         "~ sinks.plant.batch 100 -> 200\n",
                                         "~ sinks.plant.parts 5 -> ",
                                         "- sinks.away",
                                         "+ sinks.more",
                                         "history.archive plant ->" };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strstr(buf_text(&text), lines[i]) == NULL) {
            fail_msg("no '%s' in:\n%s", lines[i], buf_text(&text));
        }
    }
    config_diff_fini(&diff);
    buf_fini(&text);
    config_free(old);
    config_free(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_tables_are_read_apart),
        cmocka_unit_test(mistakes_are_told_where_they_are),
        cmocka_unit_test(a_sink_that_leads_back_here_is_refused),
        cmocka_unit_test(a_name_stands_once_over_all_files),
        cmocka_unit_test(differences_are_told_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
