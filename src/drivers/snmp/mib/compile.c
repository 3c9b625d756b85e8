/* SPDX-License-Identifier: Apache-2.0 */
/* First all files are looked through for the modules in them, then the parser is told of each module's file, then it
 * reads them in a fixed order; of two definitions of one object it keeps the first. What it reads must be a file: a
 * module that does not have a file for itself gets one in memory, with as many empty lines before it that the numbers of
 * lines in messages are those of the file on disk. */
#include "drivers/snmp/mib/compile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"
#include "drivers/snmp/mib/draft.h"
#include "drivers/snmp/mib/messages.h"
#include "drivers/snmp/mib/tree.h"

/* Where the same object is defined twice, the module that stands first here is the one it is said to be of. */
static const char *const first_modules[] = {
    "SNMPv2-SMI", "SNMPv2-TC", "SNMPv2-CONF", "SNMPv2-MIB", "IF-MIB",
    "IP-MIB",     "TCP-MIB",   "UDP-MIB",     "BRIDGE-MIB", "HOST-RESOURCES-MIB",
    "ENTITY-MIB", "UPS-MIB",   "Printer-MIB",
};
/* These have newer ones for all that is in them. */
static const char *const last_modules[] = { "RFC1213-MIB", "RFC1158-MIB", "RFC1155-SMI" };

struct found {
    const char *name;
    const char *shown; /* "" = busbar's own */
    const char *path;  /* what the parser opens */
    uint64_t hash;     /* of its text */
    int fd;            /* of a file in memory; -1: none */
    int rank;          /* by the lists above */
    int line;
    int told_line; /* of the problem that was told last */
    uint32_t problems;
};

struct compiling {
    const struct mib_compile *how;
    struct arena arena;
    struct map by_name; /* struct found */
    struct map by_path;
    struct found **modules;
    size_t count, room;
    uint32_t problems;
};

/* ---- telling ---- */

static void warn(struct compiling *compiling, const struct err *err)
{
    if (compiling->how->warn != NULL && compiling->problems < MIB_PROBLEMS_MAX) {
        compiling->how->warn(compiling->how->ctx, err);
    }
    compiling->problems++;
}

static void warn_file(struct compiling *compiling, const char *shown, int line, const char *message,
                      const char *hint)
{
    struct err err = { 0 };
    (void)err_at(&err, BUSBAR_EINVAL, (struct position){ .file = shown, .line = line }, hint, "%s",
                 message);
    warn(compiling, &err);
}

/* The parser says something: callback of the library's log. */
static int on_log(int major, int minor, void *server_arg, void *client_arg)
{
    struct compiling *compiling = client_arg;
    const struct snmp_log_message *said = server_arg;
    char path[ERR_FILE_MAX];
    struct err err;
    (void)major;
    (void)minor;
    if (!mib_message_read(said->msg, path, &err)) {
        return 0;
    }
    struct found *module = map_get(&compiling->by_path, path);
    /* of several in one line those after the first come of it */
    bool again = module != NULL && err.line > 0 && err.line == module->told_line;
    if (module == NULL || again || module->problems++ >= MIB_PROBLEMS_OF_FILE) {
        return 0;
    }
    module->told_line = err.line;
    (void)str_copy(err.file, sizeof(err.file), module->shown);
    (void)err_prefix(&err, "%s", module->name);
    warn(compiling, &err);
    return 0;
}

/* ---- finding modules ---- */

static int rank_of(const char *name)
{
    enum { OTHERS = 100 };
    for (int i = 0; i < (int)(sizeof(first_modules) / sizeof(first_modules[0])); i++) {
        if (strcmp(first_modules[i], name) == 0) {
            return i;
        }
    }
    for (int i = 0; i < (int)(sizeof(last_modules) / sizeof(last_modules[0])); i++) {
        if (strcmp(last_modules[i], name) == 0) {
            return OTHERS + 1 + i;
        }
    }
    return OTHERS;
}

static bool is_left_out(const struct mib_compile *how, const char *name)
{
    for (const char *const *at = how->without; at != NULL && *at != NULL; at++) {
        if (strcmp(*at, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A file in memory with this part of a text; -1: no more can be made. */
static int file_in_memory(const char *text, const struct mib_part *part, bool own_lines)
{
    int fd = memfd_create("mib", MFD_CLOEXEC);
    bool good = fd >= 0;
    for (int line = 1; good && own_lines && line < part->line; line++) {
        good = write(fd, "\n", 1) == 1;
    }
    good = good && file_write_all(file_ops_real(), fd, text + part->at, part->size) == 0 &&
           write(fd, "\n", 1) == 1;
    if (!good && fd >= 0) {
        (void)close(fd);
    }
    return good ? fd : -1;
}

static void tell_twice(struct compiling *compiling, const struct found *first,
                       const struct found *second)
{
    char message[ERR_MESSAGE_MAX];
    if (first->hash != second->hash) {
        (void)str_format(message, sizeof(message),
                         "%s is also in %s, and not the same; that one is used", first->name,
                         first->shown);
        warn_file(compiling, second->shown, second->line, message,
                  "keep the newer one and remove the other");
    }
}

static int add_module(struct compiling *compiling, const struct mib_file *file, const char *text,
                      const struct mib_part *part, bool alone)
{
    struct found *module = arena_alloc(&compiling->arena, sizeof(*module));
    char *name = arena_strndup(&compiling->arena, part->name, part->name_size);
    char path[64];
    if (module == NULL || name == NULL) {
        return BUSBAR_ENOMEM;
    }
    *module = (struct found){ .name = name,
                              .shown = file != NULL ? file->shown : "",
                              .path = file != NULL ? file->path : "",
                              .hash = hash_bytes(text + part->at, part->size),
                              .fd = -1,
                              .rank = rank_of(name),
                              .line = part->line };
    const struct found *other = map_get(&compiling->by_name, name);
    if (part->name_size >= MIB_NAME_MAX / 2 ||
        (file != NULL && is_left_out(compiling->how, name))) {
        return 0;
    }
    if (other != NULL) {
        if (file != NULL) {
            tell_twice(compiling, other, module);
        }
        return 0; /* busbar's own come last: they give way to files */
    }
    if (compiling->count == MIB_MODULES_MAX) {
        return BUSBAR_ELIMIT;
    }
    if (!alone) {
        module->fd = file_in_memory(text, part, file != NULL);
        (void)str_format(path, sizeof(path), "/proc/self/fd/%d", module->fd);
        module->path = arena_strdup(&compiling->arena, path);
    }
    if (module->path == NULL || (!alone && module->fd < 0)) {
        return BUSBAR_ENOMEM;
    }
    if (compiling->count == compiling->room) {
        compiling->room = compiling->room > 0 ? 2 * compiling->room : 256;
        compiling->modules = busbar_realloc(compiling->modules,
                                            compiling->room * sizeof(struct found *));
    }
    compiling->modules[compiling->count++] = module;
    (void)map_set(&compiling->by_name, module->name, module);
    (void)map_set(&compiling->by_path, module->path, module);
    return 0;
}

/* All modules of a text; file NULL: busbar's own. */
static int add_text(struct compiling *compiling, const struct mib_file *file, const char *text,
                    size_t size)
{
    size_t at = 0;
    int line = 1;
    size_t count = 0;
    struct mib_part part;
    while (mib_part_next(text, size, &at, &line, &part)) {
        count++;
    }
    size_t found = count;
    int error = 0;
    at = 0;
    line = 1;
    while (error == 0 && mib_part_next(text, size, &at, &line, &part)) {
        /* what stands before a module (a byte order mark, a letter of the vendor) is not for the parser */
        bool alone = file != NULL && found == 1 && part.clean;
        error = add_module(compiling, file, text, &part, alone);
    }
    if (count == 0 && file != NULL &&
        (str_ends(file->shown, ".mib") || str_ends(file->shown, ".my") ||
         str_ends(file->shown, "-MIB.txt"))) {
        warn_file(compiling, file->shown, 0, "there is no MIB module in this file",
                  "one begins with its name and 'DEFINITIONS ::= BEGIN'");
    }
    return error;
}

static int find_modules(struct compiling *compiling)
{
    const struct mib_files *files = compiling->how->files;
    int error = 0;
    for (size_t i = 0; files != NULL && i < files->count && error == 0; i++) {
        char *text;
        size_t size;
        struct err err = { 0 };
        if (file_read(file_ops_real(), files->files[i].path, MIB_FILE_BYTES_MAX, &text, &size,
                      &err) != 0) {
            warn_file(compiling, files->files[i].shown, 0, err.message, NULL);
            continue;
        }
        error = add_text(compiling, &files->files[i], text, size);
        busbar_free(text);
    }
    return error == 0 && compiling->how->standard != NULL
               ? add_text(compiling, NULL, compiling->how->standard, compiling->how->standard_size)
               : error;
}

/* ---- reading them ---- */

static int by_rank(const void *left, const void *right)
{
    const struct found *a = *(struct found *const *)left;
    const struct found *b = *(struct found *const *)right;
    int order = (a->rank > b->rank) - (a->rank < b->rank);
    if (order == 0) {
        order = (a->shown[0] != '\0') - (b->shown[0] != '\0'); /* busbar's own first */
    }
    return order != 0 ? order : strcmp(a->name, b->name);
}

static void open_parser(struct compiling *compiling)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; /* one for each module in memory */
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    snmp_disable_stderrlog();
    snmp_enable_calllog();
    (void)snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, compiling);
    (void)netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_MIB_ERRORS, 1);
    (void)netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_MIB_PARSE_LABEL, 1);
    (void)netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_MIB_COMMENT_TERM, 1);
    (void)netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_SAVE_MIB_DESCRS,
                                 compiling->how->descriptions);
    netsnmp_init_mib_internals();
}

static void close_parser(struct compiling *compiling)
{
    unload_all_mibs();
    (void)snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, compiling,
                                   1);
    snmp_disable_calllog();
}

static void read_modules(struct compiling *compiling)
{
    const struct mib_compile *how = compiling->how;
    for (size_t i = 0; i < compiling->count; i++) {
        (void)add_mibfile(compiling->modules[i]->path, compiling->modules[i]->name);
    }
    for (size_t i = 0; i < compiling->count; i++) {
        const struct found *module = compiling->modules[i];
        if (how->progress != NULL) {
            how->progress(how->ctx, module->name, module->shown, i, compiling->count);
        }
        (void)netsnmp_read_module(module->name);
    }
    adopt_orphans();
}

/* The modules go into the draft in our order; the parser's own numbers are mapped to it. */
static int read_tree(struct compiling *compiling, uint64_t *hash, struct mib_draft *draft)
{
    uint32_t *numbers = busbar_alloc_array(compiling->count + 1, sizeof(*numbers));
    struct mib_tree_modules modules = { .numbers = numbers, .count = compiling->count };
    for (size_t i = 0; i < compiling->count; i++) {
        numbers[i] = UINT32_MAX;
    }
    for (size_t i = 0; i < compiling->count; i++) {
        const struct found *module = compiling->modules[i];
        uint32_t number = mib_draft_module(draft, module->name, module->shown);
        int theirs = which_module(module->name);
        if (theirs >= 0 && (size_t)theirs < compiling->count) {
            numbers[theirs] = number;
        }
        *hash = hash_u64(*hash ^ module->hash ^ hash_text(module->name));
    }
    int error = mib_tree_read(&modules, compiling->how->descriptions, draft);
    busbar_free(numbers);
    return error;
}

int mib_compile(const struct mib_compile *compile, struct buf *out, struct err *err)
{
    struct compiling compiling = { .how = compile };
    uint64_t hash = 1;
    arena_init(&compiling.arena, 0);
    int error = find_modules(&compiling);
    if (error == 0) {
        struct mib_draft *draft = mib_draft_new();
        if (compiling.count > 0) {
            qsort(compiling.modules, compiling.count, sizeof(struct found *), by_rank);
        }
        open_parser(&compiling);
        read_modules(&compiling);
        error = read_tree(&compiling, &hash, draft);
        error = error == 0 ? mib_draft_finish(draft, hash, out) : error;
        mib_draft_free(draft);
        close_parser(&compiling);
    }
    if (error != 0) {
        (void)err_set(err, error, "the MIB modules cannot be compiled: %s", err_text(error));
        (void)err_hint(err, error == BUSBAR_ELIMIT ? "there are too many; take out folders of "
                                                     "devices that you do not have"
                                                   : "");
    }
    for (size_t i = 0; i < compiling.count; i++) {
        if (compiling.modules[i]->fd >= 0) {
            (void)close(compiling.modules[i]->fd);
        }
    }
    busbar_free(compiling.modules);
    map_fini(&compiling.by_name);
    map_fini(&compiling.by_path);
    arena_fini(&compiling.arena);
    return error;
}
