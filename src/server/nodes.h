/* SPDX-License-Identifier: Apache-2.0 */
/* What a device told in one browse: its nodes, in the order they came, in one arena. */
#ifndef BUSBAR_SERVER_NODES_H
#define BUSBAR_SERVER_NODES_H

#include "base/arena.h"
#include "base/map.h"
#include "driver/driver.h"
#include "server/shape.h"

/* Of one browse. All of those that are kept share BROWSES_BYTES_MAX (browse.h). */
struct nodes {
    struct arena arena;
    struct driver_node **list; /* deep copies */
    size_t count, capacity;
    uint64_t left_out; /* for which there was no room */
};

void nodes_init(struct nodes *nodes, size_t bytes_max);
void nodes_fini(struct nodes *nodes);
/* Copies; false: there is no room, it was counted in left_out. */
bool nodes_add(struct nodes *nodes, const struct driver_node *node);
/* What the nodes hold, in bytes. */
size_t nodes_bytes(const struct nodes *nodes);

/* One node as an object. added: the path of the point that reads it; NULL: none. */
void nodes_put(struct shape *shape, struct json_writer *json, const struct driver_node *node,
               const char *added);
/* The value as a person reads it: as the field writes it, else with the name of its state or with its
 * units. Borrowed until the next call on the shape. */
const char *nodes_value_text(struct shape *shape, const struct driver_node *node);

#endif
