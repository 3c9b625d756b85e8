/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/mib/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"

enum { PATH_BYTES = 4096 };

/* ---- files ---- */

void mib_files_init(struct mib_files *files)
{
    *files = (struct mib_files){ 0 };
    arena_init(&files->arena, 0);
}

void mib_files_fini(struct mib_files *files)
{
    busbar_free(files->files);
    arena_fini(&files->arena);
}

static bool is_editors(const char *name)
{
    size_t size = strlen(name);
    return name[0] == '.' || name[0] == '#' || name[size - 1] == '~' || name[size - 1] == '#';
}

static int add_file(struct mib_files *files, const char *path, const char *shown,
                    const struct stat *about, struct err *err)
{
    if (files->count == MIB_FILES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "there are more than %d files of MIB modules in '%s'",
                       MIB_FILES_MAX, shown);
    }
    if (files->count == files->room) {
        files->room = files->room > 0 ? 2 * files->room : 64;
        files->files = busbar_realloc(files->files, files->room * sizeof(*files->files));
    }
    struct mib_file *file = &files->files[files->count];
    file->path = arena_strdup(&files->arena, path);
    file->shown = arena_strdup(&files->arena, shown);
    file->size = (uint64_t)about->st_size;
    file->changed_ns = (int64_t)about->st_mtim.tv_sec * 1000000000 + about->st_mtim.tv_nsec;
    if (file->path == NULL || file->shown == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "no memory left for the names of MIB modules");
    }
    files->count++;
    return 0;
}

static int add_any(struct mib_files *files, const char *path, const char *shown, int depth,
                   struct err *err);

static int add_folder(struct mib_files *files, const char *path, const char *shown, int depth,
                      struct err *err)
{
    char **names;
    size_t count;
    int error = file_list(path, NULL, MIB_FILES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        char below[PATH_BYTES];
        char shown_below[PATH_BYTES];
        if (!is_editors(names[i]) && file_join(below, sizeof(below), path, names[i]) &&
            file_join(shown_below, sizeof(shown_below), shown, names[i])) {
            error = add_any(files, below, shown_below, depth + 1, err);
        }
    }
    busbar_free(names);
    return error;
}

static int add_any(struct mib_files *files, const char *path, const char *shown, int depth,
                   struct err *err)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        int error = err_from_errno(errno);
        return depth > 0 ? 0 : err_set(err, error, "cannot read '%s': %s", shown, err_text(error));
    }
    if (S_ISDIR(about.st_mode)) {
        return depth < MIB_FOLDER_DEPTH_MAX ? add_folder(files, path, shown, depth, err) : 0;
    }
    return S_ISREG(about.st_mode) && about.st_size <= MIB_FILE_BYTES_MAX
               ? add_file(files, path, shown, &about, err)
               : 0;
}

static int by_shown(const void *left, const void *right)
{
    const struct mib_file *a = left;
    const struct mib_file *b = right;
    return strcmp(a->shown, b->shown);
}

int mib_files_add(struct mib_files *files, const char *base, const char *name, struct err *err)
{
    char path[PATH_BYTES];
    size_t before = files->count;
    if (!file_join(path, sizeof(path), base != NULL ? base : "", name)) {
        return err_set(err, BUSBAR_ELIMIT, "the name '%.60s...' is too long", name);
    }
    int error = add_any(files, base != NULL ? path : name, name, 0, err);
    if (files->count > before) {
        qsort(files->files + before, files->count - before, sizeof(*files->files), by_shown);
    }
    return error;
}

uint64_t mib_files_hash(const struct mib_files *files)
{
    uint64_t hash = hash_u64(files->count);
    for (size_t i = 0; i < files->count; i++) {
        const struct mib_file *file = &files->files[i];
        hash = hash_u64(hash ^ hash_text(file->path));
        hash = hash_u64(hash ^ hash_text(file->shown));
        hash = hash_u64(hash ^ file->size);
        hash = hash_u64(hash ^ (uint64_t)file->changed_ns);
    }
    return hash;
}

/* ---- modules in a text ---- */

struct scan {
    const char *text;
    size_t size, at;
    int line;
};

struct word {
    size_t at, size;
    int line;
};

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static void skip_one(struct scan *scan)
{
    scan->line += scan->text[scan->at] == '\n';
    scan->at++;
}

static bool at_comment(const struct scan *scan)
{
    return scan->at + 1 < scan->size && scan->text[scan->at] == '-' &&
           scan->text[scan->at + 1] == '-';
}

/* The next word or single other character; comments and quoted texts are passed over. */
static bool next_word(struct scan *scan, struct word *out)
{
    while (scan->at < scan->size) {
        char c = scan->text[scan->at];
        if (at_comment(scan)) {
            while (scan->at < scan->size && scan->text[scan->at] != '\n') {
                scan->at++;
            }
        } else if (c == '"') {
            do {
                skip_one(scan);
            } while (scan->at < scan->size && scan->text[scan->at] != '"');
            scan->at += scan->at < scan->size;
        } else if ((unsigned char)c <= ' ') {
            skip_one(scan);
        } else {
            *out = (struct word){ .at = scan->at, .line = scan->line };
            do {
                scan->at++;
            } while (is_word_char(c) && scan->at < scan->size &&
                     is_word_char(scan->text[scan->at]) && !at_comment(scan));
            out->size = scan->at - out->at;
            return true;
        }
    }
    return false;
}

static bool word_is(const struct scan *scan, const struct word *word, const char *text)
{
    return word->size == strlen(text) && memcmp(scan->text + word->at, text, word->size) == 0;
}

/* Behind the END that closes the BEGIN which comes next; macros have their own. */
static void skip_body(struct scan *scan)
{
    struct word word;
    int depth = 0;
    bool begun = false;
    while ((!begun || depth > 0) && next_word(scan, &word)) {
        if (word_is(scan, &word, "BEGIN")) {
            depth++;
            begun = true;
        } else if (begun && word_is(scan, &word, "END")) {
            depth--;
        }
    }
}

bool mib_part_next(const char *text, size_t size, size_t *at, int *line, struct mib_part *out)
{
    struct scan scan = { .text = text, .size = size, .at = *at, .line = *line };
    struct word name = { 0 };
    struct word word;
    size_t names = 0;
    bool inside = false; /* of { iso ... } between the name and DEFINITIONS */
    while (next_word(&scan, &word)) {
        if (word_is(&scan, &word, "{") || word_is(&scan, &word, "}")) {
            inside = text[word.at] == '{';
        } else if (word_is(&scan, &word, "DEFINITIONS") && name.size > 0) {
            skip_body(&scan);
            *out = (struct mib_part){ .name = text + name.at,
                                      .name_size = name.size,
                                      .at = name.at,
                                      .size = scan.at - name.at,
                                      .line = name.line,
                                      .clean = names == 1 };
            *at = scan.at;
            *line = scan.line;
            return true;
        } else if (!inside) {
            name = word;
            names++;
        }
    }
    return false;
}
