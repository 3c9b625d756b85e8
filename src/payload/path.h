/* SPDX-License-Identifier: Apache-2.0 */
/* Paths into a message: JSONPath (RFC 9535) without functions.
 *
 *   $.ac.power          co2 (the same as $.co2)          $['odd key'].x        $.list[0]   $.list[-1]   $.list[1:3]
 *   $.list[*].t         $..t (any depth)                 $.list[?(@.id=='t1')].v           $.list[?@.ok && @.n>3].v
 *
 * Comparisons: == != < <= > >=, with && || ! and brackets; a bare @.x asks whether it is there. */
#ifndef BUSBAR_PAYLOAD_PATH_H
#define BUSBAR_PAYLOAD_PATH_H

#include "payload/tree.h"

enum {
    PAYLOAD_PATH_MAX = 512, /* bytes of a path */
    PAYLOAD_PATH_STEPS_MAX = 32,
    PAYLOAD_PATH_VISITS_MAX = 1 << 20, /* nodes looked at for one question: then BUSBAR_ELIMIT */
};

struct payload_path;

/* BUSBAR_ESYNTAX with the column in the path, and a hint; BUSBAR_ELIMIT. Immutable; any thread. */
int payload_path_new(const char *text, struct payload_path **out, struct err *err);
void payload_path_free(struct payload_path *path); /* NULL is fine */
/* At most one node can be meant: only names and single indexes. */
bool payload_path_single(const struct payload_path *path);

/* Calls found for each node that is meant, in the order of the message, until it returns false. Returns how many,
 * or BUSBAR_ELIMIT. root: what `$` is (an element of an array, when a message is read by elements). */
typedef bool (*payload_found_cb)(void *ctx, const struct payload_node *node);
int payload_path_each(const struct payload_path *path, const struct payload_node *root,
                      payload_found_cb found, void *ctx);
/* The first; NULL: none. Quick where the path is single. */
const struct payload_node *payload_path_first(const struct payload_path *path,
                                              const struct payload_node *root);

#endif
