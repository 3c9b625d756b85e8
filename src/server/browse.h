/* SPDX-License-Identifier: Apache-2.0 */
/* What devices tell about what they have: /api/v1/browses. A browse keeps what it was told until it
 * is forgotten (task.h), so that a page may look at parts of it and ask for YAML of what was chosen. */
#ifndef BUSBAR_SERVER_BROWSE_H
#define BUSBAR_SERVER_BROWSE_H

#include "server/nodes.h"
#include "server/task.h"

enum {
    BROWSES_BYTES_MAX = 96 << 20,  /* all that are kept; those that ended make room, oldest first */
    BROWSE_YAML_POINTS_MAX = 5000, /* in one text, which is made in one turn of the loop */
    BROWSE_TEXT_MAX = HOST_FIND_TEXT_MAX + 1,
};

struct browses {
    struct server *server;
    struct tasks tasks;
};

/* Which nodes are points of the configured device already, by their ids: made when it is asked for,
 * and again after an apply. */
struct browse_added {
    struct arena arena;
    struct map paths; /* id -> "ahu-1/sat" */
    uint64_t changes; /* server->changes when it was made */
};

struct browse {
    struct task task;
    struct browses *browses;          /* NULL: the server is gone */
    struct driver_browse *running;    /* NULL: it has not begun, or has ended */
    char device[DEVICE_NAME_MAX + 1]; /* of the configuration; "" = none */
    uint32_t find;                    /* 0 = none */
    char protocol[32];
    char settings[BROWSE_TEXT_MAX]; /* of a device that is not configured */
    char at[BROWSE_TEXT_MAX];
    char title[BROWSE_TEXT_MAX]; /* what a find calls itself */
    char about[BROWSE_TEXT_MAX]; /* "Acme RTU, 10.0.1.21" */
    struct nodes nodes;
    struct browse_added added;
};

struct browses *browses_new(struct server *server);
/* Stops those that run. */
void browses_free(struct browses *browses);

/* The path of the point that reads a node; NULL: none. browse->added must be made. */
const char *browse_added_path(const struct browse *browse, const struct driver_node *node);

/* ---- browse_yaml.c ---- */

struct browse_choice {
    const char *name;     /* of the new device; NULL: made from what it calls itself */
    bool all;             /* everything that can be a point */
    const struct map *of; /* ids that were chosen; NULL: those that are proposed */
};

/* The part of a configuration that makes points of the chosen nodes: a whole device, or lines to be pasted
 * below `points:` of one that is configured. Points that exist are left out. BUSBAR_ELIMIT,
 * BUSBAR_EINVAL (a name that is none) with a reason. */
int browse_yaml(const struct browse *browse, const struct browse_choice *choice, struct buf *out,
                struct err *err);

#endif
