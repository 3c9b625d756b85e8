/* SPDX-License-Identifier: Apache-2.0 */
/* The toy protocol's discovery and browsing, for gateway.h: two devices on the network, each with a
 * group, three objects and, at each of them, a priority array. A test can hold the end back. */
#ifndef BUSBAR_TESTS_SERVER_TOY_SEARCH_H
#define BUSBAR_TESTS_SERVER_TOY_SEARCH_H

#include <string.h>

#include "base/str.h"
#include "driver/host.h"
#include "model/quality.h"

enum { TOY_SLOTS = 16 };

/* Set by tests; one gateway a process. */
static struct {
    bool hold;          /* nothing ends by itself, only when it is stopped */
    size_t extra_nodes; /* told before the others */
    char options[128];  /* "range=..." of the last discovery */
} toy_search;

static inline void toy_option(const struct driver_discovery *discovery, const char *name)
{
    const char *value = driver_discovery_option(discovery, name);
    size_t used = strlen(toy_search.options);
    if (value != NULL) {
        str_format(toy_search.options + used, sizeof(toy_search.options) - used, "%s=%s;", name,
                   value);
    }
}

static inline void toy_discover(struct driver *drv, struct driver_discovery *discovery)
{
    static const struct driver_fact facts[] = { { "firmware", "2.1" } };
    struct driver_find find = { .key = "2001",
                                .id = "2001",
                                .name = "RTU-9",
                                .vendor = "Acme",
                                .model = "RTU",
                                .address = "10.0.1.21",
                                .settings = "{ toy: 2001 }",
                                .objects = 24,
                                .answer_us = 12340,
                                .facts = facts,
                                .fact_count = 1 };
    toy_search.options[0] = '\0';
    toy_option(discovery, "range");
    toy_option(discovery, "low");
    toy_option(discovery, "scan");
    driver_found(drv, discovery, &find);
    find = (struct driver_find){ .key = "meter-1", .id = "7", .objects = -1 };
    driver_found(drv, discovery, &find);
    driver_discovery_progress(discovery, 2, 10);
    if (!toy_search.hold) {
        driver_discovered(discovery, 0, "one network was asked");
    }
}

static inline void toy_discover_stop(struct driver *drv, struct driver_discovery *discovery)
{
    (void)drv;
    driver_discovered(discovery, BUSBAR_ECANCELED, NULL);
}

static inline void toy_find_key(const struct device *dev, struct buf *out)
{
    (void)buf_append_text(out, dev->name);
}

static inline void toy_tell_slots(struct driver_browse *browse)
{
    for (unsigned i = 1; i <= TOY_SLOTS; i++) {
        char id[32], name[8];
        str_format(id, sizeof(id), "slot[%u]", i);
        str_format(name, sizeof(name), "%u", i);
        driver_node(browse, &(struct driver_node){ .id = id,
                                                   .parent = driver_browse_at(browse),
                                                   .kind = "priority",
                                                   .name = name,
                                                   .value_text = i == 8 ? "21.0" : "" });
    }
}

static inline void toy_tell_objects(struct driver_browse *browse)
{
    static const struct point_enum states[] = { { 0, "stopped" }, { 1, "running" } };
    driver_node(browse,
                &(struct driver_node){ .id = "ai", .kind = "group", .name = "Analog inputs" });
    driver_node(browse, &(struct driver_node){ .id = "toy register p0",
                                               .parent = "ai",
                                               .kind = "object",
                                               .name = "SAT",
                                               .description = "Supply air\ntemperature",
                                               .branch = true,
                                               .readable = true,
                                               .units = "degC",
                                               .has_min = true,
                                               .min = -40,
                                               .value = { .type = VALUE_DOUBLE, .value.d = 21.5 },
                                               .point_name = "SAT",
                                               .point = "{ register: 0, units: degC }",
                                               .proposed = true });
    driver_node(browse, &(struct driver_node){ .id = "fan",
                                               .parent = "ai",
                                               .kind = "object",
                                               .name = "Sat",
                                               .branch = true,
                                               .writable = true,
                                               .enums = states,
                                               .enum_count = 2,
                                               .value = { .type = VALUE_INT, .value.i = 1 },
                                               .point_name = "sat",
                                               .point = "{ register: 1 }",
                                               .proposed = true });
    driver_node(browse, &(struct driver_node){ .id = "spare",
                                               .parent = "ai",
                                               .kind = "object",
                                               .trouble = "no units: read as raw",
                                               .point = "{ register: 2 }",
                                               .value = { .quality = QUALITY_NOT_YET } });
}

static inline void toy_browse(struct device *dev, struct driver_browse *browse)
{
    (void)dev;
    for (size_t i = 0; i < toy_search.extra_nodes; i++) {
        char id[32];
        str_format(id, sizeof(id), "extra-%zu", i);
        driver_node(browse, &(struct driver_node){ .id = id, .kind = "object" });
    }
    if (driver_browse_at(browse)[0] != '\0') {
        toy_tell_slots(browse);
    } else {
        toy_tell_objects(browse);
    }
    driver_browse_progress(browse, 3, 4);
    if (!toy_search.hold) {
        driver_browsed(browse, 0, NULL);
    }
}

static inline void toy_browse_stop(struct device *dev, struct driver_browse *browse)
{
    (void)dev;
    driver_browsed(browse, BUSBAR_ECANCELED, NULL);
}

#endif
