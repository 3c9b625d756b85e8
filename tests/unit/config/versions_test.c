/* SPDX-License-Identifier: Apache-2.0 */
#include "config/versions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "unit/config/fake_protocol.h"
#include "unit/config/folder.h"

#define SITE   "version: 1\npoints: { csv: lists/many.csv }\n"
#define MANY   "device,point,holding\nm-1,p,1\n"
#define DEVICE "devices: { m-1: { modbus: { tcp: x } } }\n"

static struct config *load(const char *path)
{
    struct problems problems;
    struct config *config;
    problems_init(&problems);
    assert_int_equal(config_load(path, &fake_env, &config, &problems), 0);
    problems_fini(&problems);
    return config;
}

static uint32_t save(const struct folder *data, const char *path, const char *summary)
{
    struct err err = { 0 };
    uint32_t number = 0;
    struct config *config = load(path);
    assert_int_equal(versions_save(data->path, config, "novak", summary, &number, &err), 0);
    config_free(config);
    return number;
}

static void make_site(struct folder *site)
{
    folder_make(site);
    assert_int_equal(mkdir(folder_path(site, "lists"), 0700), 0);
    folder_put(site, "a.yaml", SITE);
    folder_put(site, "b.yaml", DEVICE);
    folder_put(site, "lists/many.csv", MANY);
}

static void saved_and_listed(void **state)
{
    (void)state;
    struct folder data, site;
    struct err err = { 0 };
    struct version *list, one;
    size_t count;
    char path[512];
    folder_make(&data);
    make_site(&site);
    assert_int_equal(versions_list(data.path, &list, &count, &err), 0);
    assert_int_equal(count, 0);
    busbar_free(list);
    assert_int_equal(versions_find(data.path, 1, &one, &err), BUSBAR_ENOENT);
    assert_int_equal(save(&data, site.path, "first"), 1);
    folder_put(&site, "b.yaml", DEVICE "# more\n");
    assert_int_equal(save(&data, site.path, "second"), 2);
    assert_int_equal(versions_list(data.path, &list, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].number, 1);
    assert_string_equal(list[1].summary, "second");
    assert_string_equal(list[1].who, "novak");
    assert_int_equal(list[1].files, 3);
    assert_true(list[1].time_us >= list[0].time_us && list[0].time_us > 0);
    busbar_free(list);
    /* what did not change is one file on the disk */
    struct stat old, new;
    assert_int_equal(stat(folder_path(&data, "config/versions/1/files/lists/many.csv"), &old), 0);
    assert_int_equal(stat(folder_path(&data, "config/versions/2/files/lists/many.csv"), &new), 0);
    assert_true(old.st_ino == new.st_ino);
    assert_string_equal(folder_get(&data, "config/versions/1/files/b.yaml"), DEVICE);
    assert_string_equal(folder_get(&data, "config/versions/2/files/b.yaml"), DEVICE "# more\n");
    /* a version can be loaded, for a diff */
    assert_int_equal(versions_path(data.path, 1, path, sizeof(path), &err), 0);
    struct config *config = load(path);
    assert_int_equal(config->point_count, 1);
    config_free(config);
    assert_int_equal(versions_path(data.path, 9, path, sizeof(path), &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.hint, "kept are 1 to 2"));
    folder_drop(&data);
    folder_drop(&site);
}

static void brought_back(void **state)
{
    (void)state;
    struct folder data, site;
    struct err err = { 0 };
    folder_make(&data);
    make_site(&site);
    save(&data, site.path, "first");
    folder_put(&site, "b.yaml", "broken: [\n");
    folder_put(&site, "extra.yaml", "version: 1\n");
    folder_put(&site, "notes.txt", "mine\n");
    assert_int_equal(remove(folder_path(&site, "lists/many.csv")), 0);
    assert_int_equal(versions_restore(data.path, 1, site.path, &err), 0);
    assert_string_equal(folder_get(&site, "a.yaml"), SITE);
    assert_string_equal(folder_get(&site, "b.yaml"), DEVICE);
    assert_string_equal(folder_get(&site, "lists/many.csv"), MANY);
    assert_false(file_exists(folder_path(&site, "extra.yaml")));
    assert_string_equal(folder_get(&site, "notes.txt"), "mine\n");
    assert_false(file_exists(folder_path(&site, "a.yaml.busbar-new")));
    assert_string_equal(folder_get(&data, "config/before-rollback/b.yaml"), "broken: [\n");
    assert_string_equal(folder_get(&data, "config/before-rollback/extra.yaml"), "version: 1\n");
    config_free(load(site.path));
    folder_drop(&data);
    folder_drop(&site);
}

static void a_single_file_too(void **state)
{
    (void)state;
    struct folder data, site;
    struct err err = { 0 };
    char path[512];
    folder_make(&data);
    folder_make(&site);
    folder_put(&site, "one.yaml", "version: 1\n" DEVICE);
    folder_put(&site, "other.yaml", "not read: [\n");
    save(&data, folder_path(&site, "one.yaml"), "first");
    assert_int_equal(versions_path(data.path, 1, path, sizeof(path), &err), 0);
    config_free(load(path));
    folder_put(&site, "one.yaml", "version: 1\n");
    assert_int_equal(versions_restore(data.path, 1, site.path, &err), BUSBAR_ECONFLICT);
    assert_int_equal(versions_restore(data.path, 1, folder_path(&site, "one.yaml"), &err), 0);
    assert_string_equal(folder_get(&site, "one.yaml"), "version: 1\n" DEVICE);
    assert_string_equal(folder_get(&site, "other.yaml"), "not read: [\n");
    folder_drop(&data);
    folder_drop(&site);
}

/* A damaged copy is found before anything is touched. */
static void damage_changes_nothing(void **state)
{
    (void)state;
    struct folder data, site;
    struct err err = { 0 };
    folder_make(&data);
    make_site(&site);
    save(&data, site.path, "first");
    folder_put(&data, "config/versions/1/files/lists/many.csv", "damaged");
    folder_put(&site, "a.yaml", SITE "# newer\n");
    assert_int_equal(versions_restore(data.path, 1, site.path, &err), BUSBAR_EDAMAGED);
    assert_string_equal(folder_get(&site, "a.yaml"), SITE "# newer\n");
    assert_false(file_exists(folder_path(&site, "a.yaml.busbar-new")));
    assert_int_equal(versions_restore(data.path, 2, site.path, &err), BUSBAR_ENOENT);
    folder_drop(&data);
    folder_drop(&site);
}

/* As a user who may read the versions but not write the configuration folder. */
static int restore_as_other(const struct folder *data, const struct folder *site)
{
    struct err err = { 0 };
    if (setegid(65534) != 0 || setresuid(65534, 65534, 65534) != 0) {
        return 1;
    }
    if (versions_restore(data->path, 1, site->path, &err) != BUSBAR_EPERM) {
        return 2;
    }
    return strstr(err.hint, "cp -r") != NULL ? 0 : 3;
}

static int open_to_all(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
    (void)flag;
    (void)ftw;
    return chmod(path, S_ISDIR(info->st_mode) ? 0755 : 0644);
}

static void a_folder_that_cannot_be_written(void **state)
{
    (void)state;
    struct folder data, site;
    folder_make(&data);
    make_site(&site);
    save(&data, site.path, "first");
    assert_int_equal(nftw(data.path, open_to_all, 16, FTW_PHYS), 0);
    assert_int_equal(chmod(site.path, 0555), 0);
    if (geteuid() == 0) { /* root may write everywhere: be somebody else */
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            _exit(restore_as_other(&data, &site));
        }
        assert_true(child > 0 && waitpid(child, &status, 0) == child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    } else {
        struct err err = { 0 };
        assert_int_equal(versions_restore(data.path, 1, site.path, &err), BUSBAR_EPERM);
        assert_non_null(strstr(err.hint, "cp -r"));
    }
    assert_int_equal(chmod(site.path, 0700), 0);
    assert_string_equal(folder_get(&site, "a.yaml"), SITE);
    folder_drop(&data);
    folder_drop(&site);
}

/* What is applied is what was checked: a file that changed in between is not kept as if it were. */
static void a_changed_file_is_noticed(void **state)
{
    (void)state;
    struct folder data, site;
    struct err err = { 0 };
    uint32_t number = 0;
    folder_make(&data);
    make_site(&site);
    struct config *config = load(site.path);
    folder_put(&site, "b.yaml", DEVICE "# changed\n");
    assert_int_equal(versions_save(data.path, config, "", "", &number, &err), BUSBAR_EAGAIN);
    assert_int_equal(number, 0);
    assert_false(file_exists(folder_path(&data, "config/versions/1")));
    assert_false(file_exists(folder_path(&data, "config/versions/.new")));
    config_free(config);
    folder_drop(&data);
    folder_drop(&site);
}

static void only_the_newest_are_kept(void **state)
{
    (void)state;
    struct folder data, site;
    struct err err = { 0 };
    struct version *list;
    size_t count;
    folder_make(&data);
    make_site(&site);
    for (uint32_t i = 1; i <= VERSIONS_KEEP + 3; i++) {
        assert_int_equal(save(&data, site.path, "again"), i);
    }
    assert_int_equal(versions_list(data.path, &list, &count, &err), 0);
    assert_int_equal(count, VERSIONS_KEEP);
    assert_int_equal(list[0].number, 4);
    assert_int_equal(list[count - 1].number, VERSIONS_KEEP + 3);
    busbar_free(list);
    folder_drop(&data);
    folder_drop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_and_listed),
        cmocka_unit_test(brought_back),
        cmocka_unit_test(a_single_file_too),
        cmocka_unit_test(damage_changes_nothing),
        cmocka_unit_test(a_folder_that_cannot_be_written),
        cmocka_unit_test(a_changed_file_is_noticed),
        cmocka_unit_test(only_the_newest_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
