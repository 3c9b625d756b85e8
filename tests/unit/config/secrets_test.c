/* SPDX-License-Identifier: Apache-2.0 */
#include "config/secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "unit/config/folder.h"

static void kept_and_sealed(void **state)
{
    (void)state;
    struct folder data;
    struct secrets *secrets;
    struct err err = { 0 };
    struct stat info;
    folder_make(&data);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_int_equal(secrets_count(secrets), 0);
    assert_false(file_exists(folder_path(&data, "secrets")));
    assert_int_equal(secrets_set(secrets, "plant-db", "p4ss\nw\xc3\xb6rd", &err), 0);
    assert_int_equal(secrets_set(secrets, "a", "1", &err), 0);
    assert_int_equal(secrets_set(secrets, "a", "2", &err), 0);
    assert_int_equal(stat(folder_path(&data, "secrets"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(folder_path(&data, "secrets.key"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    secrets_close(secrets);
    char *text;
    size_t size;
    assert_int_equal(
        file_read(file_ops_real(), folder_path(&data, "secrets"), 100000, &text, &size, &err), 0);
    assert_null(memmem(text, size, "p4ss", 4));
    assert_null(memmem(text, size, "plant-db", 8));
    free(text);
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_int_equal(secrets_count(secrets), 2);
    assert_string_equal(secrets_name(secrets, 0), "a");
    assert_string_equal(secrets_name(secrets, 1), "plant-db");
    assert_null(secrets_name(secrets, 2));
    assert_string_equal(secrets_get(secrets, "a"), "2");
    assert_string_equal(secrets_get(secrets, "plant-db"), "p4ss\nw\xc3\xb6rd");
    assert_null(secrets_get(secrets, "b"));
    assert_int_equal(secrets_remove(secrets, "a", &err), 0);
    assert_int_equal(secrets_remove(secrets, "a", &err), BUSBAR_ENOENT);
    secrets_close(secrets);
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_int_equal(secrets_count(secrets), 1);
    secrets_close(secrets);
    folder_drop(&data);
}

static void names_and_values_are_checked(void **state)
{
    (void)state;
    struct folder data;
    struct secrets *secrets;
    struct err err = { 0 };
    char big[SECRET_VALUE_MAX + 2];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    folder_make(&data);
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_int_equal(secrets_set(secrets, "", "x", &err), BUSBAR_EINVAL);
    assert_int_equal(secrets_set(secrets, "../x", "x", &err), BUSBAR_EINVAL);
    assert_int_equal(secrets_set(secrets, "a b", "x", &err), BUSBAR_EINVAL);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(secrets_set(secrets, "a", "", &err), BUSBAR_EINVAL);
    assert_int_equal(secrets_set(secrets, "a", big, &err), BUSBAR_EINVAL);
    assert_int_equal(secrets_set(secrets, "a", "\xff", &err), BUSBAR_EINVAL);
    assert_int_equal(secrets_count(secrets), 0);
    secrets_close(secrets);
    folder_drop(&data);
}

static void damage_is_told(void **state)
{
    (void)state;
    struct folder data;
    struct secrets *secrets;
    struct err err = { 0 };
    folder_make(&data);
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_int_equal(secrets_set(secrets, "a", "1", &err), 0);
    secrets_close(secrets);
    char *text;
    size_t size;
    assert_int_equal(
        file_read(file_ops_real(), folder_path(&data, "secrets"), 100000, &text, &size, &err), 0);
    for (size_t i = 0; i < size; i++) { /* one bit flipped, and every truncation */
        text[i] ^= 1;
        file_write(file_ops_real(), folder_path(&data, "secrets"), text, size, 0600, &err);
        assert_int_equal(secrets_open(data.path, &secrets, &err), BUSBAR_EDAMAGED);
        assert_null(secrets);
        text[i] ^= 1;
        file_write(file_ops_real(), folder_path(&data, "secrets"), text, i, 0600, &err);
        assert_int_equal(secrets_open(data.path, &secrets, &err), BUSBAR_EDAMAGED);
    }
    file_write(file_ops_real(), folder_path(&data, "secrets"), text, size, 0600, &err);
    assert_int_equal(chmod(folder_path(&data, "secrets"), 0644), 0);
    assert_int_equal(secrets_open(data.path, &secrets, &err), BUSBAR_EPERM);
    assert_non_null(strstr(err.hint, "chmod 600"));
    assert_int_equal(chmod(folder_path(&data, "secrets"), 0600), 0);
    assert_int_equal(remove(folder_path(&data, "secrets.key")), 0);
    assert_int_equal(secrets_open(data.path, &secrets, &err), BUSBAR_EDAMAGED);
    assert_non_null(strstr(err.message, "secrets.key"));
    free(text);
    folder_drop(&data);
}

static void systemd_may_hold_the_key(void **state)
{
    (void)state;
    struct folder data, credentials;
    struct secrets *secrets;
    struct err err = { 0 };
    folder_make(&data);
    folder_make(&credentials);
    folder_put(&credentials, "busbar-key",
               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
    setenv("CREDENTIALS_DIRECTORY", credentials.path, 1);
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_int_equal(secrets_set(secrets, "a", "1", &err), 0);
    secrets_close(secrets);
    assert_false(file_exists(folder_path(&data, "secrets.key")));
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_string_equal(secrets_get(secrets, "a"), "1");
    secrets_close(secrets);
    folder_put(&credentials, "busbar-key", "too short");
    assert_int_equal(secrets_open(data.path, &secrets, &err), BUSBAR_EDAMAGED);
    unsetenv("CREDENTIALS_DIRECTORY");
    folder_drop(&data);
    folder_drop(&credentials);
}

/* What could not be written is not in memory either. */
static void a_failed_write_changes_nothing(void **state)
{
    (void)state;
    struct folder data;
    struct secrets *secrets;
    struct err err = { 0 };
    folder_make(&data);
    assert_int_equal(secrets_open(data.path, &secrets, &err), 0);
    assert_int_equal(secrets_set(secrets, "a", "1", &err), 0);
    assert_int_equal(remove(folder_path(&data, "secrets")), 0);
    assert_int_equal(mkdir(folder_path(&data, "secrets"), 0700), 0); /* rename over it fails */
    assert_true(secrets_set(secrets, "a", "2", &err) < 0);
    assert_true(secrets_set(secrets, "b", "2", &err) < 0);
    assert_true(secrets_remove(secrets, "a", &err) < 0);
    assert_int_equal(secrets_count(secrets), 1);
    assert_string_equal(secrets_get(secrets, "a"), "1");
    secrets_close(secrets);
    folder_drop(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_and_sealed),
        cmocka_unit_test(names_and_values_are_checked),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(systemd_may_hold_the_key),
        cmocka_unit_test(a_failed_write_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
