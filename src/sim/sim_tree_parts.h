/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a message that is being made. Private to sim_tree*.c. */
#ifndef BUSBAR_SIM_SIM_TREE_PARTS_H
#define BUSBAR_SIM_SIM_TREE_PARTS_H

#include "sim/sim_tree.h"

enum sim_node_kind { SIM_NODE_NULL, SIM_NODE_VALUE, SIM_NODE_OBJECT, SIM_NODE_ARRAY };

struct sim_node {
    struct sim_node *next, *first;
    const char *key; /* of a member; XML: @name is an attribute */
    size_t count;    /* members, elements */
    enum sim_node_kind kind;
    struct sim_reading value;
};

#endif
