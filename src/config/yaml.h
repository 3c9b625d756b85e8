/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text -> a small tree that keeps line and column of every word.
 *
 * YAML 1.2, one document, no anchors, no aliases, one tag (!secret). Nothing is typed here: "off" is
 * the text off, and what a word means is decided by the key it stands for. Keys are words, each once
 * in its map. The tree lives in the caller's arena. */
#ifndef BUSBAR_CONFIG_YAML_H
#define BUSBAR_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "config/problems.h"

enum { YAML_NODES_MAX = 8 * 1000 * 1000 }; /* in one file: 0.5 GB of tree */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    uint8_t kind;            /* enum yaml_kind */
    bool plain;              /* a scalar without quotes */
    bool secret;             /* a scalar with !secret */
    int line, column, width; /* as in struct position */
    const char *text;        /* of a scalar, NUL-terminated; else "" */
    struct yaml_node *key;   /* of a member of a map; else NULL */
    struct yaml_node *first, *next;
};

/* Reads a whole text.
 *   file      name for messages, borrowed
 *   depth_max levels of nesting
 *   root      out: NULL for a text with nothing in it
 * Returns 0 (also when a key stood twice: told to problems, the first is kept), BUSBAR_ESYNTAX with
 * the reason in problems, or BUSBAR_ENOMEM. */
int yaml_read(const char *file, const char *text, size_t size, unsigned depth_max,
              struct arena *arena, struct problems *problems, struct yaml_node **root);

/* True for a value that was left out: `key:`, `key: ~`, `key: null`. */
bool yaml_is_null(const struct yaml_node *node);

struct position yaml_at(const char *file, const struct yaml_node *node);

/* The value of a key in a map; NULL when absent or not a map. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
