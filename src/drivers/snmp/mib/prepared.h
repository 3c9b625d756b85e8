/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of a site's modules, made when its configuration is read: from the cache when nothing changed since
 * (names, sizes and times of all files), else compiled (apart.h) and put there. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_PREPARED_H
#define BUSBAR_DRIVERS_SNMP_MIB_PREPARED_H

#include "config/prepared.h"
#include "drivers/snmp/mib/apart.h"
#include "drivers/snmp/mib/mib.h"

enum { MIB_CACHES_MAX = 4 /* kept in the folder: of other configurations, of the one before */ };

/* mibs: "mibs, /usr/share/snmp/mibs": folders and files, relative to how->folder. at: where that is written. What is
 * wrong in modules is told by how->warn. 0, or an error with its reason (a folder is not there). Any thread. */
int mib_prepare(const char *mibs, struct position at, const struct prepare *how,
                struct prepared **out, struct err *err);

/* The same with the program that compiles (tests), and what it tells meanwhile. */
struct mib_prepare_how {
    const struct prepare *prepare;
    const char *program; /* NULL: this one */
    void (*progress)(void *ctx, const char *module, const char *file, size_t done, size_t total);
    void *ctx;
};
int mib_prepare_with(const char *mibs, struct position at, const struct mib_prepare_how *how,
                     struct prepared **out, struct err *err);

/* NULL: mib_builtin(). */
const struct mib *mib_of_prepared(const struct prepared *prepared);

#endif
