/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of files for a test, made under /tmp and taken away again. */
#ifndef TESTS_UNIT_CONFIG_FOLDER_H
#define TESTS_UNIT_CONFIG_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct folder {
    char path[64];
};

static inline void folder_make(struct folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "/tmp/busbar-test-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

static inline int folder_remove_one(const char *path, const struct stat *info, int flag,
                                    struct FTW *ftw)
{
    (void)info;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void folder_drop(const struct folder *folder)
{
    assert_int_equal(nftw(folder->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline const char *folder_path(const struct folder *folder, const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder->path, name);
    return path;
}

static inline void folder_put(const struct folder *folder, const char *name, const char *text)
{
    FILE *file = fopen(folder_path(folder, name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The whole file, "" when there is none; valid until the next call. */
static inline const char *folder_get(const struct folder *folder, const char *name)
{
    static char text[65536];
    FILE *file = fopen(folder_path(folder, name), "r");
    size_t size = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;
    text[size] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

#endif
