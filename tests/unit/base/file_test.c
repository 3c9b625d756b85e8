/* SPDX-License-Identifier: Apache-2.0 */
/* The table over a real folder, and faults put under whole-file writes: the old file survives every one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/busbar-file-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char **names;
    size_t count;
    if (file_list(folder, NULL, 100, &names, &count, NULL) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        file_join(path, sizeof(path), folder, names[i]);
        if (unlink(path) != 0 && rmdir(path) != 0) {
            return -1;
        }
    }
    busbar_free(names);
    return rmdir(folder);
}

static const char *path_of(const char *name)
{
    static char path[PATH_MAX];
    assert_true(file_join(path, sizeof(path), folder, name));
    return path;
}

static void assert_content(const char *name, const char *expected)
{
    char *data;
    size_t size;
    assert_int_equal(file_read(file_ops_real(), path_of(name), 1000, &data, &size, NULL), 0);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(data, expected);
    busbar_free(data);
}

static void whole_files_are_written_and_read(void **state)
{
    (void)state;
    const struct file_ops *ops = file_ops_real();
    struct err err = { 0 };
    assert_int_equal(file_write(ops, path_of("a"), "hello", 5, 0600, &err), 0);
    assert_content("a", "hello");
    struct stat status;
    assert_int_equal(stat(path_of("a"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(file_write(ops, path_of("a"), "", 0, 0600, &err), 0);
    assert_content("a", "");
    assert_false(file_exists(path_of("a.tmp")));
    char *data;
    size_t size;
    assert_int_equal(file_read(ops, path_of("none"), 10, &data, &size, &err), BUSBAR_ENOENT);
    assert_non_null(strstr(err.message, "none"));
    assert_int_equal(file_write(ops, path_of("b"), "0123456789", 10, 0600, &err), 0);
    assert_int_equal(file_read(ops, path_of("b"), 9, &data, &size, &err), BUSBAR_ELIMIT);
    assert_int_equal(file_read(ops, path_of("b"), 10, &data, &size, &err), 0);
    busbar_free(data);
    assert_int_equal(file_read(ops, folder, 10, &data, &size, &err), BUSBAR_ELIMIT);
}

/* Counts the calls of every slot that may fail; the nth fails. Short writes of two bytes at a time. */
struct fault {
    long calls;
    long fail_at;
    int error;
};

static bool fails(void *ctx)
{
    struct fault *fault = ctx;
    return ++fault->calls == fault->fail_at;
}

static int faulty_open(void *ctx, const char *path, int flags, unsigned mode)
{
    return fails(ctx) ? ((struct fault *)ctx)->error
                      : file_ops_real()->open(NULL, path, flags, mode);
}

static int faulty_close(void *ctx, int fd)
{
    int error = file_ops_real()->close(NULL, fd);
    return fails(ctx) ? ((struct fault *)ctx)->error : error;
}

static ssize_t faulty_write(void *ctx, int fd, const void *data, size_t size)
{
    return fails(ctx) ? ((struct fault *)ctx)->error
                      : file_ops_real()->write(NULL, fd, data, size < 2 ? size : 2);
}

static int faulty_sync(void *ctx, int fd)
{
    return fails(ctx) ? ((struct fault *)ctx)->error : file_ops_real()->fsync(NULL, fd);
}

static int faulty_rename(void *ctx, const char *from, const char *to)
{
    return fails(ctx) ? ((struct fault *)ctx)->error : file_ops_real()->rename(NULL, from, to);
}

static void every_fault_leaves_the_old_or_the_new_file(void **state)
{
    (void)state;
    struct fault fault = { .error = BUSBAR_ENOSPC };
    struct file_ops ops = *file_ops_real();
    ops.ctx = &fault;
    ops.open = faulty_open;
    ops.close = faulty_close;
    ops.write = faulty_write;
    ops.fdatasync = faulty_sync;
    ops.fsync = faulty_sync;
    ops.rename = faulty_rename;
    int error = -1;
    long renamed_at = 0;
    for (fault.fail_at = 1; error != 0; fault.fail_at++) {
        assert_true(fault.fail_at < 30);
        assert_int_equal(file_write(file_ops_real(), path_of("a"), "old", 3, 0600, NULL), 0);
        fault.calls = 0;
        struct err err = { 0 };
        error = file_write(&ops, path_of("a"), "newer", 5, 0600, &err);
        if (error != 0) {
            assert_int_equal(err.code, BUSBAR_ENOSPC);
            assert_false(file_exists(path_of("a.tmp")));
        }
        char *data;
        size_t size;
        assert_int_equal(file_read(file_ops_real(), path_of("a"), 10, &data, &size, NULL), 0);
        if (renamed_at == 0 && strcmp(data, "newer") == 0) {
            renamed_at = fault.fail_at;
        }
        assert_string_equal(data, renamed_at != 0 ? "newer" : "old");
        busbar_free(data);
    }
    assert_true(renamed_at > 5);
}

static void pieces_are_written_and_read_at_offsets(void **state)
{
    (void)state;
    const struct file_ops *ops = file_ops_real();
    int fd = ops->open(ops->ctx, path_of("p"), O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(file_pwrite_all(ops, fd, "world", 5, 5), 0);
    assert_int_equal(file_pwrite_all(ops, fd, "hello", 5, 0), 0);
    assert_int_equal(ops->size(ops->ctx, fd), 10);
    char data[11] = "";
    assert_int_equal(file_pread_all(ops, fd, data, 10, 0), 0);
    assert_string_equal(data, "helloworld");
    assert_int_equal(file_pread_all(ops, fd, data, 10, 1), BUSBAR_ESHORT);
    assert_int_equal(ops->ftruncate(ops->ctx, fd, 3), 0);
    assert_int_equal(ops->size(ops->ctx, fd), 3);
    assert_int_equal(ops->fdatasync(ops->ctx, fd), 0);
    assert_int_equal(ops->close(ops->ctx, fd), 0);
    assert_int_equal(ops->open(ops->ctx, path_of("no/where"), O_RDONLY, 0), BUSBAR_ENOENT);
    int full = ops->open(ops->ctx, "/dev/full", O_WRONLY, 0);
    if (full >= 0) {
        assert_int_equal(file_write_all(ops, full, "x", 1), BUSBAR_ENOSPC);
        ops->close(ops->ctx, full);
    }
}

static void folders_are_made_and_listed(void **state)
{
    (void)state;
    const struct file_ops *ops = file_ops_real();
    struct err err = { 0 };
    char path[PATH_MAX];
    file_join(path, sizeof(path), folder, "x/y/z");
    assert_int_equal(file_make_folders(ops, path, 0700, &err), 0);
    assert_int_equal(file_make_folders(ops, path, 0700, &err), 0);
    assert_true(file_is_folder(path));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(path_of("x/y")), 0);
    assert_int_equal(file_write(ops, path_of("b.yaml"), "b", 1, 0600, &err), 0);
    assert_int_equal(file_write(ops, path_of("a.yaml"), "a", 1, 0600, &err), 0);
    assert_int_equal(file_write(ops, path_of("c.csv"), "c", 1, 0600, &err), 0);
    assert_int_equal(file_make_folders(ops, path_of("c.csv/d"), 0700, &err), BUSBAR_EEXIST);
    char **names;
    size_t count;
    assert_int_equal(file_list(folder, ".yaml", 10, &names, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "a.yaml");
    assert_string_equal(names[1], "b.yaml");
    busbar_free(names);
    assert_int_equal(file_list(folder, ".none", 10, &names, &count, &err), 0);
    assert_int_equal(count, 0);
    busbar_free(names);
    assert_int_equal(file_list(folder, NULL, 3, &names, &count, &err), BUSBAR_ELIMIT);
    assert_int_equal(file_list(path_of("none"), NULL, 3, &names, &count, &err), BUSBAR_ENOENT);
    assert_int_equal(file_sync_folder(ops, folder), 0);
    uint64_t bytes = 0;
    assert_int_equal(file_free_bytes(folder, &bytes), 0);
    assert_true(bytes > 0);
}

static void a_folder_is_locked_once(void **state)
{
    (void)state;
    struct err err = { 0 };
    int first = -1;
    int second = -1;
    assert_int_equal(file_lock(folder, &first, &err), 0);
    assert_int_equal(file_lock(folder, &second, &err), BUSBAR_EBUSY);
    char holder[40];
    snprintf(holder, sizeof(holder), "process %d", (int)getpid());
    assert_non_null(strstr(err.message, holder));
    assert_string_not_equal(err.hint, "");
    file_unlock(first);
    assert_int_equal(file_lock(folder, &second, &err), 0);
    file_unlock(second);
}

static void names_are_joined(void **state)
{
    (void)state;
    char path[10];
    assert_true(file_join(path, sizeof(path), "a/", "b"));
    assert_string_equal(path, "a/b");
    assert_true(file_join(path, sizeof(path), "a", "/b"));
    assert_string_equal(path, "/b");
    assert_true(file_join(path, sizeof(path), "", "b"));
    assert_string_equal(path, "b");
    assert_true(file_join(path, sizeof(path), "abcd", "efgh"));
    assert_false(file_join(path, sizeof(path), "abcde", "efgh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_files_are_written_and_read, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(every_fault_leaves_the_old_or_the_new_file, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(pieces_are_written_and_read_at_offsets, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(folders_are_made_and_listed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_is_locked_once, make_folder, remove_folder),
        cmocka_unit_test(names_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
