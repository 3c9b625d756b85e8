/* SPDX-License-Identifier: Apache-2.0 */
/* MIB modules (text) -> a catalogue (format.h), by the parser of the net-snmp library. Its state is global and its memory
 * not always given back, so the gateway only calls this in a process of its own (apart.h). One thread, one call
 * in the life of a process. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_COMPILE_H
#define BUSBAR_DRIVERS_SNMP_MIB_COMPILE_H

#include "base/buf.h"
#include "drivers/snmp/mib/source.h"

enum {
    MIB_CATALOGUE_MAX = 1 << 30,
    MIB_PROBLEMS_MAX = 2000,  /* told in all */
    MIB_PROBLEMS_OF_FILE = 5, /* told of one file */
};

struct mib_compile {
    /* Texts of modules that busbar knows by itself, one behind the other; their file is "". A module of the same
     * name in `files` takes the place of one. */
    const char *standard;
    size_t standard_size;
    const struct mib_files *files; /* NULL: none */
    /* Modules that must not be read (the parser died of them); ends with NULL; NULL: none. */
    const char *const *without;
    bool descriptions; /* keep them */
    void (*warn)(void *ctx, const struct err *err);
    /* Before each module is read. May be NULL. */
    void (*progress)(void *ctx, const char *module, const char *file, size_t done, size_t total);
    void *ctx;
};

/* 0, BUSBAR_ENOMEM, BUSBAR_ELIMIT. What is wrong in modules is told by warn(), and is no error. */
int mib_compile(const struct mib_compile *compile, struct buf *out, struct err *err);

#endif
