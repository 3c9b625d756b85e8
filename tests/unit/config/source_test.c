/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations that are files on the disk: which are read, and what is said when they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/config/fake_protocol.h"
#include "unit/config/folder.h"

/* Loads and compares the problems as text (without source lines when wanted is short of them). */
static struct config *load(const char *path, int wanted_error, const char *wanted)
{
    struct problems problems;
    struct config *config;
    struct buf out;
    problems_init(&problems);
    buf_init(&out, 1 << 16);
    assert_int_equal(config_load(path, &fake_env, &config, &problems), wanted_error);
    problems_print(&problems, &out);
    if (strstr(buf_text(&out), wanted) == NULL || (wanted[0] == '\0' && out.size > 0)) {
        print_error("%s", buf_text(&out));
        fail();
    }
    buf_fini(&out);
    problems_fini(&problems);
    return config;
}

static void a_folder_is_read_in_order(void **state)
{
    (void)state;
    struct folder site;
    folder_make(&site);
    folder_put(&site, "b.yaml",
               "devices: { m-1: { modbus: { tcp: x }, points: { csv: p.csv } } }\n");
    folder_put(&site, "a.yaml", "version: 1\ndefaults: { every: 3s }\n");
    folder_put(&site, ".hidden.yaml", "not: [read\n");
    folder_put(&site, "a.yaml~", "not: [read\n");
    folder_put(&site, "p.csv", "point,holding\na,1\n");
    folder_put(&site, "unused.csv", "whatever\n");
    struct config *config = load(site.path, 0, "");
    assert_false(config->single_file);
    assert_string_equal(config->folder, site.path);
    assert_int_equal(config->file_count, 3);
    assert_string_equal(config->files[0].name, "a.yaml");
    assert_string_equal(config->files[2].name, "p.csv");
    assert_int_equal(config->files[2].bytes, 18);
    config_free(config);
    /* one file alone is its own configuration */
    config = load(folder_path(&site, "a.yaml"), 0, "");
    assert_true(config->single_file);
    assert_string_equal(config->folder, site.path);
    assert_int_equal(config->file_count, 1);
    config_free(config);
    folder_drop(&site);
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    struct folder site;
    folder_make(&site);
    assert_null(load(folder_path(&site, "none"), BUSBAR_ENOENT, "cannot be read: not found"));
    assert_null(load(site.path, BUSBAR_ECONFIG, "no *.yaml file in this folder"));
    folder_put(&site, "a.yml", "version: 1\n");
    folder_put(&site, "b.yaml", "version: 1\n");
    config_free(load(site.path, 0, "a.yml: warning: this file is not read, only *.yaml is"));
    assert_int_equal(unlink(folder_path(&site, "a.yml")), 0);
    assert_int_equal(mkdir(folder_path(&site, "c.yaml"), 0700), 0);
    assert_null(load(site.path, BUSBAR_ECONFIG, "c.yaml"));
    assert_int_equal(rmdir(folder_path(&site, "c.yaml")), 0);
    folder_put(&site, "b.yaml", "version: 1\npoints: { csv: list.csv }\n");
    assert_int_equal(mkdir(folder_path(&site, "list.csv"), 0700), 0);
    assert_null(load(site.path, BUSBAR_ECONFIG, "list.csv: error: "));
    folder_drop(&site);
}

/* Sections stand once over all files, names are unique over all files; both places are told. */
static void files_know_of_each_other(void **state)
{
    (void)state;
    struct folder site;
    folder_make(&site);
    folder_put(&site, "a.yaml",
               "version: 1\nsite: { id: a }\ndevices: { d: { modbus: { tcp: x } } }\n"
               "profiles: { p: { points: { a: { holding: 1 } } } }\n");
    folder_put(&site, "b.yaml", "site: { id: b }\n");
    assert_null(load(site.path, BUSBAR_ECONFIG,
                     "b.yaml:1:1: error: 'site' is also in a.yaml:2\n    1 | site: { id: b }\n"));
    folder_put(&site, "b.yaml", "devices: { d: { modbus: { tcp: x } } }\n");
    assert_null(
        load(site.path, BUSBAR_ECONFIG, "b.yaml:1:12: error: device 'd' is also in a.yaml:3\n"));
    folder_put(&site, "b.yaml", "profiles: { p: { points: { a: { holding: 1 } } } }\n");
    assert_null(
        load(site.path, BUSBAR_ECONFIG, "b.yaml:1:13: error: profile 'p' is also in a.yaml:4\n"));
    folder_drop(&site);
}

/* A broken file is told, what the others may miss because of it is not. */
static void a_broken_file_makes_no_noise(void **state)
{
    (void)state;
    struct folder site;
    folder_make(&site);
    folder_put(&site, "a.yaml",
               "version: 1\npoints: { csv: p.csv }\ndevices: { d: { profile: q } }\n");
    folder_put(&site, "b.yaml", "profiles: { q: [\n");
    folder_put(&site, "p.csv", "device,point,holding\ne,a,1\n");
    assert_null(load(site.path, BUSBAR_ECONFIG, "b.yaml:2:1: error: not YAML"));
    assert_null(load(site.path, BUSBAR_ECONFIG, "1 error, 0 warnings"));
    folder_drop(&site);
}

/* The mark stays under its word when the line is long, and tabs do not move it. */
static void long_lines_are_cut_around_the_mark(void **state)
{
    (void)state;
    struct folder site;
    struct buf yaml;
    folder_make(&site);
    buf_init(&yaml, 1 << 16);
    buf_append_text(&yaml, "version: 1\ndevices: { d: { modbus: { tcp: x }, points: { ");
    for (int i = 0; i < 50; i++) {
        buf_printf(&yaml, "p-%d: { holding: %d }, ", i, i);
    }
    buf_append_text(&yaml, "q: {\tholdng: 1 } } } }\n");
    folder_put(&site, "a.yaml", buf_text(&yaml));
    assert_null(load(site.path, BUSBAR_ECONFIG,
                     "q: { holdng: 1 } } } }\n"
                     "      |                                                  ^~~~~~  hint: did"));
    buf_fini(&yaml);
    folder_drop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_read_in_order),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(files_know_of_each_other),
        cmocka_unit_test(a_broken_file_makes_no_noise),
        cmocka_unit_test(long_lines_are_cut_around_the_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
