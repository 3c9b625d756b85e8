/* SPDX-License-Identifier: Apache-2.0 */
/* A cache file, `mibs-KEY.cache`, is mapped, so that pages nobody looks at take no memory:
 *
 *   0 magic (8)   8 key u64   16 problems: bytes u32   20 problems: crc32c u32   24 problems   then the catalogue
 *
 * Problems are kept too, for a start that compiles nothing still has to name them: each is u32 size, then as in a frame
 * (apart.h). */
#include "drivers/snmp/mib/prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/snmp/mib/format.h"
#include "drivers/snmp/mib/standard.h"

#define CACHE_MAGIC "busmibc\n"

enum {
    CACHE_VERSION = 2,
    CACHE_HEADER = 24,
    PATH_BYTES = 4096,
    LIST_MAX = 4096, /* bytes of `mibs:` */
    PROBLEMS_BYTES_MAX = 16 << 20,
    FOLDER_FILES_MAX = 1000,
};

struct mib_prepared {
    struct prepared prepared;
    struct mib *mib;
    void *mapped; /* the cache file; NULL: `bytes` */
    size_t mapped_size;
    struct buf bytes;
};

static void free_prepared(struct prepared *prepared)
{
    struct mib_prepared *made = (struct mib_prepared *)prepared;
    mib_close(made->mib);
    if (made->mapped != NULL) {
        (void)munmap(made->mapped, made->mapped_size);
    }
    buf_fini(&made->bytes);
    busbar_free(made);
}

const struct mib *mib_of_prepared(const struct prepared *prepared)
{
    return prepared != NULL ? ((const struct mib_prepared *)prepared)->mib : mib_builtin();
}

static struct mib_prepared *new_prepared(void)
{
    struct mib_prepared *made = busbar_alloc(sizeof(*made));
    buf_init(&made->bytes, (size_t)MIB_CATALOGUE_MAX + PROBLEMS_BYTES_MAX);
    atomic_init(&made->prepared.holders, 1);
    made->prepared.free = free_prepared;
    return made;
}

/* ---- the files ---- */

/* "a, b" -> the files of both. */
static int list_files(const char *mibs, struct position at, const char *folder,
                      struct mib_files *files, struct err *err)
{
    char list[LIST_MAX];
    if (!str_copy(list, sizeof(list), mibs)) {
        return err_at(err, BUSBAR_ELIMIT, at, NULL, "the list of MIB folders is too long");
    }
    for (char *next = list; next != NULL;) {
        char *name = next;
        next = strchr(name, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        struct err why = { 0 };
        name = str_trim(name);
        int error = name[0] != '\0' ? mib_files_add(files, folder, name, &why) : 0;
        if (error != 0) {
            return err_at(err, error, at,
                          error == BUSBAR_ENOENT ? "make the folder, or correct its name"
                                                 : "let the gateway's user read it",
                          "%s", why.message);
        }
    }
    return 0;
}

/* Another parser, format or set of standard modules makes another catalogue. */
static uint64_t key_of(const struct mib_files *files)
{
    uint64_t own = crc32c(0, mib_standard_text, mib_standard_text_size);
    uint64_t program = hash_text(BUSBAR_VERSION) ^ hash_text(netsnmp_get_version());
    return hash_u64(mib_files_hash(files) ^ program ^
                    hash_u64(own << 16 | CACHE_VERSION << 8 | MIB_VERSION));
}

/* ---- the cache ---- */

static void name_of(char *to, size_t size, uint64_t key)
{
    (void)str_format(to, size, "mibs-%016llx.cache", (unsigned long long)key);
}

/* Tells the problems that stand in a cache. False: they are damaged. */
static bool tell_problems(const uint8_t *data, size_t size, const struct prepare *how, bool tell)
{
    struct bytes in = bytes_of(data, size);
    while (bytes_left(&in) > 0) {
        struct err err;
        size_t length = bytes_get_u32le(&in);
        const uint8_t *problem = bytes_get_block(&in, length);
        if (problem == NULL || mib_problem_get(problem, length, &err) != 0) {
            return false;
        }
        if (tell && how->warn != NULL) {
            how->warn(how->ctx, &err);
        }
    }
    return true;
}

static bool open_cached(struct mib_prepared *made, const uint8_t *data, size_t size, uint64_t key,
                        const struct prepare *how)
{
    struct bytes in = bytes_of(data, size);
    const uint8_t *magic = bytes_get_block(&in, 8);
    uint64_t is = bytes_get_u64le(&in);
    uint32_t problem_bytes = bytes_get_u32le(&in);
    uint32_t crc = bytes_get_u32le(&in);
    const uint8_t *problems = bytes_get_block(&in, problem_bytes);
    return problems != NULL && memcmp(magic, CACHE_MAGIC, 8) == 0 && is == key &&
           crc32c(0, problems, problem_bytes) == crc &&
           tell_problems(problems, problem_bytes, how, false) &&
           mib_open(in.at, bytes_left(&in), &made->mib) == 0 &&
           tell_problems(problems, problem_bytes, how, true);
}

/* NULL: there is none, or it is of no use. */
static struct mib_prepared *from_cache(const char *path, uint64_t key, const struct prepare *how)
{
    struct stat about;
    struct mib_prepared *made = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > CACHE_HEADER) {
        made = new_prepared();
        made->mapped_size = (size_t)about.st_size;
        made->mapped = mmap(NULL, made->mapped_size, PROT_READ, MAP_PRIVATE, fd, 0);
        made->mapped = made->mapped != MAP_FAILED ? made->mapped : NULL;
    }
    (void)close(fd);
    if (made != NULL &&
        (made->mapped == NULL || !open_cached(made, made->mapped, made->mapped_size, key, how))) {
        busbar_log(LOG_LEVEL_WARN, "snmp", NULL,
                   "%s is damaged; the MIB modules are compiled again", path);
        free_prepared(&made->prepared);
        made = NULL;
    }
    if (made != NULL) {
        /* all of it was read once for its sum; names and descriptions come back when one is looked at */
        (void)madvise(made->mapped, made->mapped_size, MADV_DONTNEED);
    }
    return made;
}

struct aged {
    char path[PATH_BYTES];
    int64_t used_s;
};

static int by_age(const void *left, const void *right)
{
    const struct aged *a = left;
    const struct aged *b = right;
    return (a->used_s < b->used_s) - (a->used_s > b->used_s);
}

/* Removes the oldest, so that a folder being edited does not fill the disk. */
static void prune(const char *folder)
{
    char **names;
    size_t count;
    if (file_list(folder, ".cache", FOLDER_FILES_MAX, &names, &count, NULL) != 0) {
        return;
    }
    struct aged *caches = busbar_alloc_array(count + 1, sizeof(*caches));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct stat about;
        if (str_starts(names[i], "mibs-") &&
            file_join(caches[kept].path, PATH_BYTES, folder, names[i]) &&
            stat(caches[kept].path, &about) == 0) {
            caches[kept++].used_s = about.st_mtim.tv_sec;
        }
    }
    qsort(caches, kept, sizeof(*caches), by_age);
    for (size_t i = MIB_CACHES_MAX; i < kept; i++) {
        (void)unlink(caches[i].path);
    }
    busbar_free(caches);
    busbar_free(names);
}

static void keep(const struct mib_prepared *made, const char *folder, const char *path)
{
    struct err err = { 0 };
    const struct file_ops *ops = file_ops_real();
    int error = file_make_folders(ops, folder, 0700, &err);
    error = error == 0 ? file_write(ops, path, made->bytes.data, made->bytes.size, 0600, &err)
                       : error;
    if (error != 0) {
        busbar_log(LOG_LEVEL_WARN, "snmp", NULL, "cannot keep the compiled MIB modules: %s",
                   err.message);
        return;
    }
    prune(folder);
}

/* ---- making one ---- */

struct making {
    const struct mib_prepare_how *how;
    struct buf problems;
};

static void on_warn(void *ctx, const struct err *err)
{
    struct making *making = ctx;
    struct buf problem;
    uint8_t size[4];
    struct bytes_out at = bytes_out_of(size, sizeof(size));
    buf_init(&problem, LIST_MAX);
    mib_problem_put(&problem, err);
    bytes_put_u32le(&at, (uint32_t)problem.size);
    (void)buf_append(&making->problems, size, sizeof(size));
    (void)buf_append(&making->problems, problem.data, problem.size);
    buf_fini(&problem);
    if (making->how->prepare->warn != NULL) {
        making->how->prepare->warn(making->how->prepare->ctx, err);
    }
}

static void on_progress(void *ctx, const char *module, const char *file, size_t done, size_t total)
{
    const struct making *making = ctx;
    if (making->how->progress != NULL) {
        making->how->progress(making->how->ctx, module, file, done, total);
    }
}

static int compile(const struct mib_files *files, uint64_t key, const struct mib_prepare_how *how,
                   struct mib_prepared *made, struct err *err)
{
    struct making making = { .how = how };
    struct buf catalogue;
    struct mib_apart apart = { .program = how->program,
                               .files = files,
                               .warn = on_warn,
                               .progress = on_progress,
                               .ctx = &making };
    uint8_t head[CACHE_HEADER];
    struct bytes_out at = bytes_out_of(head, sizeof(head));
    buf_init(&making.problems, PROBLEMS_BYTES_MAX);
    buf_init(&catalogue, MIB_CATALOGUE_MAX);
    int error = mib_compile_apart(&apart, &catalogue, err);
    if (error == 0) {
        bytes_put_block(&at, CACHE_MAGIC, 8);
        bytes_put_u64le(&at, key);
        bytes_put_u32le(&at, (uint32_t)making.problems.size);
        bytes_put_u32le(&at, crc32c(0, making.problems.data, making.problems.size));
        (void)buf_append(&made->bytes, head, sizeof(head));
        (void)buf_append(&made->bytes, making.problems.data, making.problems.size);
        (void)buf_append(&made->bytes, catalogue.data, catalogue.size);
        size_t before = CACHE_HEADER + making.problems.size;
        error = made->bytes.overflow
                    ? BUSBAR_ENOMEM
                    : mib_open(made->bytes.data + before, made->bytes.size - before, &made->mib);
        if (error != 0) {
            (void)err_set(err, error, "the compiled MIB modules cannot be used: %s",
                          err_text(error));
        }
    }
    buf_fini(&making.problems);
    buf_fini(&catalogue);
    return error;
}

static int make(const struct mib_files *files, const struct mib_prepare_how *how,
                struct mib_prepared **out, struct err *err)
{
    const char *folder = how->prepare->cache;
    uint64_t key = key_of(files);
    char name[64];
    char path[PATH_BYTES] = "";
    name_of(name, sizeof(name), key);
    bool cached = folder != NULL && file_join(path, sizeof(path), folder, name);
    struct mib_prepared *made = cached ? from_cache(path, key, how->prepare) : NULL;
    int error = 0;
    if (made == NULL) {
        made = new_prepared();
        error = compile(files, key, how, made, err);
        if (error != 0) {
            free_prepared(&made->prepared);
            return error;
        }
        if (cached) {
            keep(made, folder, path);
        }
    }
    made->prepared.hash = mib_hash(made->mib);
    *out = made;
    return 0;
}

int mib_prepare_with(const char *mibs, struct position at, const struct mib_prepare_how *how,
                     struct prepared **out, struct err *err)
{
    struct mib_files files;
    struct mib_prepared *made = NULL;
    struct err why = { 0 };
    *out = NULL;
    mib_files_init(&files);
    int error = list_files(mibs, at, how->prepare->folder, &files, err);
    if (error == 0) {
        error = make(&files, how, &made, &why);
        if (error != 0) {
            (void)err_at(err, error, at, why.hint, "%s", why.message);
        } else {
            *out = &made->prepared;
        }
    }
    mib_files_fini(&files);
    return error;
}

int mib_prepare(const char *mibs, struct position at, const struct prepare *how,
                struct prepared **out, struct err *err)
{
    struct mib_prepare_how plain = { .prepare = how };
    return mib_prepare_with(mibs, at, &plain, out, err);
}
