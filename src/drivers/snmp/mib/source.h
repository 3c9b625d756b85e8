/* SPDX-License-Identifier: Apache-2.0 */
/* Files of MIB modules: which there are, and which modules stand in them. Modules are known by the name inside, never
 * by the file's: vendors name files as they like, and some put several modules into one. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_SOURCE_H
#define BUSBAR_DRIVERS_SNMP_MIB_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
    MIB_FILES_MAX = 20000,
    MIB_FILE_BYTES_MAX = 32 << 20,
    MIB_FOLDER_DEPTH_MAX = 8,
};

/* One file, as it is on the disk. */
struct mib_file {
    const char *path;  /* to open it */
    const char *shown; /* for people: "mibs/ACME.mib" */
    uint64_t size;
    int64_t changed_ns;
};

/* Sorted by `shown`; all in the arena. */
struct mib_files {
    struct arena arena;
    struct mib_file *files;
    size_t count, room;
};

void mib_files_init(struct mib_files *files);
void mib_files_fini(struct mib_files *files);
/* Adds a file, or all of a folder and what is below it; hidden files and those of editors are left out. base: what a
 * relative name counts from; NULL: the working folder. BUSBAR_ENOENT, BUSBAR_EPERM, BUSBAR_ELIMIT; err says which. */
int mib_files_add(struct mib_files *files, const char *base, const char *name, struct err *err);
/* Of names, sizes and times: another one says that something changed. */
uint64_t mib_files_hash(const struct mib_files *files);

/* A module found in a text. */
struct mib_part {
    const char *name; /* not terminated */
    size_t name_size;
    size_t at, size; /* where in the text it stands, with its name and its END */
    int line;        /* of its name, from 1 */
    bool clean;      /* nothing but comments stood before it */
};
/* The next module from *at on, which moves behind it. False: there is none. */
bool mib_part_next(const char *text, size_t size, size_t *at, int *line, struct mib_part *out);

#endif
