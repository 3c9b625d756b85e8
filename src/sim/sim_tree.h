/* SPDX-License-Identifier: Apache-2.0 */
/* A message that is being made: values are set at paths, then written down as JSON, CBOR, MessagePack or XML.
 *
 * Of the path languages that the gateway reads (payload/path.h, XPath) it knows what says where a value stands: names,
 * indexes, wildcards (the first element), `..name` (here), and filters of equalities, which the element then fulfils. */
#ifndef BUSBAR_SIM_SIM_TREE_H
#define BUSBAR_SIM_SIM_TREE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "sim/sim_live.h"

enum sim_tree_format { SIM_TREE_JSON, SIM_TREE_CBOR, SIM_TREE_MSGPACK, SIM_TREE_XML };

enum { SIM_TREE_ELEMENTS_MAX = 1000, SIM_TREE_DEPTH_MAX = 32 };

struct sim_node;

struct sim_tree {
    struct arena arena;
    struct sim_node *root;
};

void sim_tree_init(struct sim_tree *tree);
void sim_tree_fini(struct sim_tree *tree);

/* Both: BUSBAR_ESYNTAX, BUSBAR_EUNSUPPORTED (a path of which nothing can be made), BUSBAR_ELIMIT. The reading's text is copied. */
int sim_tree_set_json(struct sim_tree *tree, const char *path, const struct sim_reading *reading);
int sim_tree_set_xml(struct sim_tree *tree, const char *xpath, const struct sim_reading *reading);

/* Sets further paths below the first element that this path means, as if it were the root; NULL: it cannot be.
 * sim_tree_leave() with what sim_tree_enter_*() gave. */
struct sim_node *sim_tree_enter_json(struct sim_tree *tree, const char *path);
struct sim_node *sim_tree_enter_xml(struct sim_tree *tree, const char *xpath);
void sim_tree_leave(struct sim_tree *tree, struct sim_node *root);

void sim_tree_print(const struct sim_tree *tree, enum sim_tree_format format, struct buf *out);

#endif
