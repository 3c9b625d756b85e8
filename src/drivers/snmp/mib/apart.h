/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling MIB modules in a process of its own (this program again, with a hidden verb), with limits of time and memory:
 * what the parser does to itself over a broken file does nothing to the gateway. A module that it dies of is
 * named and left out, and the rest is compiled again.
 *
 *   stdin of the process    'f' PATH NUL SHOWN NUL   a file       'w' NAME NUL   a module to leave out
 *   stdout                  u8 kind, u32 size (little-endian), content:
 *                           'p' u32 done, u32 of, MODULE NUL FILE NUL                 before each module
 *                           'w' i32 code, u32 line, FILE NUL MESSAGE NUL HINT NUL     something is wrong
 *                           'c' the catalogue                                         at the end
 *                           'e' as 'w'                                                or why there is none */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_APART_H
#define BUSBAR_DRIVERS_SNMP_MIB_APART_H

#include "base/buf.h"
#include "drivers/snmp/mib/compile.h"

#define MIB_APART_VERB "compile-mibs"

enum {
    MIB_APART_SECONDS_MAX = 600, /* of one try */
    MIB_APART_TRIES_MAX = 10,
};

struct mib_apart {
    const char *program; /* NULL: this one */
    const struct mib_files *files;
    /* Both may be NULL. */
    void (*warn)(void *ctx, const struct err *err);
    void (*progress)(void *ctx, const char *module, const char *file, size_t done, size_t total);
    void *ctx;
};

/* Blocks until it is done; any thread. 0 and the catalogue in `out`, or an error with its reason. */
int mib_compile_apart(const struct mib_apart *apart, struct buf *out, struct err *err);

/* What the hidden verb does; its exit code. */
int mib_apart_main(void);

/* The content of a frame 'w', which is also how problems are kept in a cache. */
void mib_problem_put(struct buf *out, const struct err *err);
int mib_problem_get(const uint8_t *data, size_t size, struct err *out); /* 0 or BUSBAR_EDAMAGED */

#endif
