/* SPDX-License-Identifier: Apache-2.0 */
/* The setup of a driver: what a configuration says about a protocol as a whole, beside its devices.
 *
 *   drivers:
 *     bacnet:
 *       device_id: 4194000            settings, by the driver's setup_options
 *       networks:                     parts: named things that devices share, by its part_options
 *         roof: { interface: eth0 }
 *
 * A setup owns its texts (one arena); it is made by config_make_setup() and lives as long as its owner
 * keeps it. A driver that the configuration does not mention has an empty one. */
#ifndef BUSBAR_CONFIG_SETUP_H
#define BUSBAR_CONFIG_SETUP_H

#include "base/arena.h"
#include "config/option.h"
#include "config/prepared.h"

enum { SETUP_PARTS_MAX = 256, SETUP_NAME_MAX = 63 };

struct setup_part {
    const char *name;
    struct settings settings; /* by part_options */
};

struct setup {
    bool given;                     /* the configuration has a section for this driver */
    struct settings settings;       /* by setup_options */
    const struct setup_part *parts; /* sorted by name */
    size_t part_count;
    uint64_t hash;             /* of all of it, not of where it stands; 0: there is no section */
    struct prepared *prepared; /* of the files it names; held; NULL: the driver makes none */
    struct arena arena;
};

/* NULL when there is none. */
const struct setup_part *setup_part(const struct setup *setup, const char *name);

/* One with nothing in it, by the tables of a driver (NULL: it has none). */
struct setup *setup_new(const struct option *options);
void setup_free(struct setup *setup); /* NULL is fine */
/* Whether both say the same. */
bool setup_equal(const struct setup *a, const struct setup *b);

#endif
