/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver makes of files that its section names: made once, held by all setups, warnings and errors, and how a
 * change of it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "unit/config/fake_field.h"

static const char site[] = "version: 1\n"
                           "drivers:\n"
                           "  field: { title: words }\n"
                           "devices:\n"
                           "  ahu: { field: { device: 7 }, points: { a: { holding: 1 } } }\n";

static const char site_wrong[] = "version: 1\n"
                                 "drivers:\n"
                                 "  field: { title: words, nonsense: 1 }\n"
                                 "devices:\n"
                                 "  ahu: { field: { device: 7 }, points: { a: { holding: 1 } } }\n";

static uint64_t next_hash; /* of the files; 0: they are of no use */
static int alive, made;
static char folder[128], cache[128], title[64];

static void free_fake(struct prepared *prepared)
{
    alive--;
    busbar_free(prepared);
}

static int fake_prepare(const struct setup *setup, const struct prepare *how, struct prepared **out,
                        struct err *err)
{
    made++;
    (void)str_copy(folder, sizeof(folder), how->folder);
    (void)str_copy(cache, sizeof(cache), how->cache != NULL ? how->cache : "none");
    (void)str_copy(title, sizeof(title), settings_text(&setup->settings, SETUP_TITLE));
    if (next_hash == 0) {
        return err_at(err, BUSBAR_ENOENT, settings_at(&setup->settings, SETUP_TITLE),
                      "make the folder", "there is no folder");
    }
    struct err warning = { 0 };
    (void)err_at(&warning, BUSBAR_EINVAL, (struct position){ .file = "words/a.txt", .line = 12 },
                 "correct it", "a word is missing");
    how->warn(how->ctx, &warning);
    struct prepared *prepared = busbar_alloc(sizeof(*prepared));
    atomic_init(&prepared->holders, 1);
    prepared->hash = next_hash;
    prepared->free = free_fake;
    alive++;
    *out = prepared;
    return 0;
}

static struct config_protocol protocols[2];

static int load_text(const char *yaml, const struct config_env *env, struct config **config,
                     struct problems *problems)
{
    struct config_text text = { .name = "a.yaml", .text = yaml, .size = strlen(yaml) };
    *config = NULL;
    problems_init(problems);
    return config_load_texts(&text, 1, env, config, problems);
}

static int load(const struct config_env *env, struct config **config, struct problems *problems)
{
    return load_text(site, env, config, problems);
}

static struct config_env env_of(void)
{
    memcpy(protocols, field_protocols, sizeof(protocols));
    protocols[1].prepare = fake_prepare;
    made = 0;
    return (struct config_env){
        .protocols = protocols, .protocol_count = 2, .files = "/etc/site", .cache = "/var/cache"
    };
}

static void made_once_and_held_by_all(void **state)
{
    (void)state;
    struct config_env env = env_of();
    struct config *config;
    struct problems problems;
    struct setup *setup;
    struct buf words;
    next_hash = 5;
    buf_init(&words, 1 << 16);
    assert_int_equal(load(&env, &config, &problems), 0);
    assert_int_equal(made, 1);
    assert_string_equal(folder, "/etc/site");
    assert_string_equal(cache, "/var/cache");
    assert_string_equal(title, "words");
    problems_print(&problems, &words);
    assert_non_null(strstr(buf_text(&words), "words/a.txt:12: warning: a word is missing"));
    const struct setup *own = config_driver(config, "field")->setup;
    assert_int_equal(own->prepared->hash, 5);
    assert_int_equal(config_make_setup(own, &setup), 0);
    assert_ptr_equal(setup->prepared, own->prepared);
    assert_true(setup_equal(setup, own));
    problems_fini(&problems);
    config_free(config);
    assert_int_equal(alive, 1); /* the copy holds it */
    setup_free(setup);
    assert_int_equal(alive, 0);
    buf_fini(&words);
}

/* Files are read although another part is wrong: else devices would be told wrong that are not. */
static void made_beside_errors(void **state)
{
    (void)state;
    struct config_env env = env_of();
    struct config *config;
    struct problems problems;
    next_hash = 5;
    assert_int_equal(load_text(site_wrong, &env, &config, &problems), BUSBAR_ECONFIG);
    assert_int_equal(problems.errors, 1);
    assert_int_equal(made, 1);
    assert_int_equal(alive, 0);
    problems_fini(&problems);
}

static void an_error_has_its_place(void **state)
{
    (void)state;
    struct config_env env = env_of();
    struct config *config;
    struct problems problems;
    struct buf words;
    next_hash = 0;
    buf_init(&words, 1 << 16);
    assert_int_equal(load(&env, &config, &problems), BUSBAR_ECONFIG);
    problems_print(&problems, &words);
    assert_non_null(strstr(buf_text(&words), "a.yaml:3:19: error: there is no folder"));
    assert_non_null(strstr(buf_text(&words), "make the folder"));
    problems_fini(&problems);
    buf_fini(&words);
    assert_int_equal(alive, 0);
}

static struct prepared *running;

static struct prepared *running_prepared(void *ctx, const char *protocol)
{
    assert_ptr_equal(ctx, &running);
    return strcmp(protocol, "field") == 0 ? running : NULL;
}

static void files_that_changed_are_a_difference(void **state)
{
    (void)state;
    struct config_env env = env_of();
    struct config_env as_running = env_of();
    struct config *old, *same, *new;
    struct problems problems[3];
    struct config_diff diff;
    next_hash = 5;
    assert_int_equal(load(&env, &old, &problems[0]), 0);
    running = config_driver(old, "field")->setup->prepared;
    as_running.prepared = running_prepared;
    as_running.prepared_ctx = &running;
    made = 0;
    assert_int_equal(load(&as_running, &same, &problems[1]), 0);
    assert_int_equal(made, 0); /* what runs is taken */
    assert_ptr_equal(config_driver(same, "field")->setup->prepared, running);
    next_hash = 6;
    assert_int_equal(load(&env, &new, &problems[2]), 0);
    assert_int_equal(config_diff(old, same, &diff), 0);
    assert_int_equal(diff.total, 0);
    config_diff_fini(&diff);
    assert_int_equal(config_diff(same, new, &diff), 0);
    assert_int_equal(diff.total, 1);
    assert_string_equal(diff.changes[0].what, "drivers.field");
    assert_non_null(strstr(diff.changes[0].text, "(its files)"));
    assert_int_equal(diff.stopped_count, 1); /* its devices are made anew */
    config_diff_fini(&diff);
    for (size_t i = 0; i < 3; i++) {
        problems_fini(&problems[i]);
    }
    config_free(old);
    config_free(same);
    config_free(new);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once_and_held_by_all),
        cmocka_unit_test(made_beside_errors),
        cmocka_unit_test(an_error_has_its_place),
        cmocka_unit_test(files_that_changed_are_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
