/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: shown once, found by what they hash to, several at a time, over a restart, and a damaged file is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "driver/keyring.h"

struct folder {
    char name[64], path[96];
};

static int make_folder(void **state)
{
    struct folder *folder = busbar_alloc(sizeof(*folder));
    (void)snprintf(folder->name, sizeof(folder->name), "/tmp/keyring-XXXXXX");
    assert_non_null(mkdtemp(folder->name));
    (void)snprintf(folder->path, sizeof(folder->path), "%s/connector-keys", folder->name);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    (void)unlink(folder->path);
    assert_int_equal(rmdir(folder->name), 0);
    busbar_free(folder);
    return 0;
}

static bool opens(struct keyring *ring, const char *text, const char *connector)
{
    char found[KEYRING_CONNECTOR_MAX] = "";
    return keyring_find(ring, text, strlen(text), 5, found) && strcmp(found, connector) == 0;
}

static void two_keys_are_good_at_the_same_time(void **state)
{
    const struct folder *folder = *state;
    struct keyring *ring = NULL;
    struct keyring_key first, second, gone;
    char one[KEYRING_TEXT_MAX], two[KEYRING_TEXT_MAX];
    assert_int_equal(keyring_open(folder->path, &ring, NULL), 0);
    assert_int_equal(keyring_add(ring, "meters", "roof", 100, one, &first, NULL), 0);
    assert_int_equal(keyring_add(ring, "meters", "", 200, two, &second, NULL), 0);
    assert_string_not_equal(one, two);
    assert_true(strlen(one) > 40);
    assert_true(opens(ring, one, "meters"));
    assert_true(opens(ring, two, "meters"));
    assert_int_equal(keyring_count(ring, "meters"), 2);
    assert_int_equal(keyring_remove(ring, "meters", first.id, &gone, NULL), 0);
    assert_string_equal(gone.label, "roof");
    assert_false(opens(ring, one, "meters"));
    assert_true(opens(ring, two, "meters"));
    keyring_close(ring);
}

static void what_is_kept_is_a_hash_and_outlives_a_restart(void **state)
{
    const struct folder *folder = *state;
    struct keyring *ring = NULL;
    struct keyring_key key;
    struct stat info;
    char text[KEYRING_TEXT_MAX], *kept = NULL;
    size_t size = 0;
    assert_int_equal(keyring_open(folder->path, &ring, NULL), 0);
    assert_int_equal(keyring_add(ring, "meters", "a\nlabel", 100, text, &key, NULL), 0);
    keyring_close(ring);
    assert_int_equal(file_read(file_ops_real(), folder->path, 10000, &kept, &size, NULL), 0);
    assert_null(strstr(kept, text + 4));
    assert_non_null(strstr(kept, "a label"));
    busbar_free(kept);
    assert_int_equal(stat(folder->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(keyring_open(folder->path, &ring, NULL), 0);
    assert_true(opens(ring, text, "meters"));
    keyring_close(ring);
}

static void note_used(void *ctx, const struct keyring_key *key)
{
    int64_t *used_us = ctx;
    *used_us = key->used_us;
}

static void when_it_was_used_is_kept(void **state)
{
    const struct folder *folder = *state;
    struct keyring *ring = NULL;
    struct keyring_key key;
    char text[KEYRING_TEXT_MAX];
    int64_t used_us = -1;
    assert_int_equal(keyring_open(folder->path, &ring, NULL), 0);
    assert_int_equal(keyring_add(ring, "meters", "", 1, text, &key, NULL), 0);
    keyring_each(ring, note_used, &used_us);
    assert_int_equal(used_us, 0);
    assert_true(opens(ring, text, "meters"));
    assert_int_equal(keyring_save(ring, NULL), 0);
    keyring_close(ring);
    assert_int_equal(keyring_open(folder->path, &ring, NULL), 0);
    keyring_each(ring, note_used, &used_us);
    assert_int_equal(used_us, 5);
    keyring_close(ring);
}

static void nobody_elses_key_is_good(void **state)
{
    struct keyring *ring = NULL;
    struct keyring_key key;
    char text[KEYRING_TEXT_MAX], connector[KEYRING_CONNECTOR_MAX];
    (void)state;
    assert_int_equal(keyring_open(NULL, &ring, NULL), 0);
    assert_false(keyring_find(ring, "", 0, 1, connector));
    assert_int_equal(keyring_add(ring, "meters", "", 1, text, &key, NULL), 0);
    for (size_t i = 0; i < strlen(text); i++) { /* every prefix, every bit of one character */
        assert_false(keyring_find(ring, text, i, 1, connector));
        text[i] ^= 1;
        assert_false(keyring_find(ring, text, strlen(text), 1, connector));
        text[i] ^= 1;
    }
    assert_true(opens(ring, text, "meters"));
    keyring_close(ring);
}

static void keys_are_removed_by_the_beginning_of_their_id(void **state)
{
    struct keyring *ring = NULL;
    struct keyring_key key, gone;
    struct err err = { 0 };
    char text[KEYRING_TEXT_MAX];
    (void)state;
    assert_int_equal(keyring_open(NULL, &ring, NULL), 0);
    assert_int_equal(keyring_add(ring, "meters", "", 1, text, &key, NULL), 0);
    assert_int_equal(keyring_remove(ring, "others", key.id, &gone, &err), BUSBAR_ENOENT);
    assert_int_equal(keyring_remove(ring, "meters", "", &gone, &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.hint, "busbar connector key list"));
    key.id[3] = '\0';
    assert_int_equal(keyring_remove(ring, "meters", key.id, &gone, &err), 0);
    assert_int_equal(keyring_count(ring, "meters"), 0);
    keyring_close(ring);
}

static void a_connector_has_so_many_keys_at_most(void **state)
{
    struct keyring *ring = NULL;
    struct keyring_key key;
    struct err err = { 0 };
    char text[KEYRING_TEXT_MAX];
    (void)state;
    assert_int_equal(keyring_open(NULL, &ring, NULL), 0);
    for (int i = 0; i < KEYRING_OF_ONE_MAX; i++) {
        assert_int_equal(keyring_add(ring, "meters", "", i, text, &key, NULL), 0);
    }
    assert_int_equal(keyring_add(ring, "meters", "", 1, text, &key, &err), BUSBAR_ELIMIT);
    assert_int_equal(keyring_add(ring, "others", "", 1, text, &key, NULL), 0);
    assert_int_equal(keyring_add(ring, "", "", 1, text, &key, &err), BUSBAR_EINVAL);
    assert_int_equal(keyring_add(ring, "a b", "", 1, text, &key, &err), BUSBAR_EINVAL);
    keyring_close(ring);
}

/* Keys are never lost in silence: every prefix of the file but whole lines is told, with its line. */
static void a_damaged_file_is_told(void **state)
{
    const struct folder *folder = *state;
    struct keyring *ring = NULL;
    struct keyring_key key;
    struct err err = { 0 };
    char text[KEYRING_TEXT_MAX], *kept = NULL;
    size_t size = 0;
    assert_int_equal(keyring_open(folder->path, &ring, NULL), 0);
    assert_int_equal(keyring_add(ring, "meters", "roof", 100, text, &key, NULL), 0);
    keyring_close(ring);
    assert_int_equal(file_read(file_ops_real(), folder->path, 10000, &kept, &size, NULL), 0);
    for (size_t cut = 0; cut < size; cut++) {
        bool whole_lines = cut == (size_t)(strchr(kept, '\n') - kept) + 1;
        assert_int_equal(file_write(file_ops_real(), folder->path, kept, cut, 0600, NULL), 0);
        int error = keyring_open(folder->path, &ring, &err);
        assert_int_equal(error, whole_lines ? 0 : BUSBAR_EDAMAGED);
        if (error == 0) {
            keyring_close(ring);
        } else {
            assert_non_null(strstr(err.hint, "backup"));
        }
    }
    busbar_free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_keys_are_good_at_the_same_time, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_is_kept_is_a_hash_and_outlives_a_restart, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(when_it_was_used_is_kept, make_folder, remove_folder),
        cmocka_unit_test(nobody_elses_key_is_good),
        cmocka_unit_test(keys_are_removed_by_the_beginning_of_their_id),
        cmocka_unit_test(a_connector_has_so_many_keys_at_most),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_told, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
