/* SPDX-License-Identifier: Apache-2.0 */
/* A path as it was understood. Everything of it lies in the path's own arena. */
#ifndef BUSBAR_PAYLOAD_PATH_PARTS_H
#define BUSBAR_PAYLOAD_PATH_PARTS_H

#include "base/arena.h"
#include "payload/path.h"

enum path_selector_type {
    PATH_NAME,
    PATH_INDEX,
    PATH_SLICE,
    PATH_ANY,
    PATH_FILTER,
};

struct path_selector {
    enum path_selector_type type;
    const char *name;
    size_t name_size;
    int64_t index; /* negative: from the end; of a slice: the step */
    int64_t from, to;
    bool has_from, has_to;
    const struct path_test *filter;
};

struct path_step {
    struct path_selector *selectors;
    size_t count;
    bool deep; /* at any depth */
};

struct path_query {
    struct path_step *steps;
    size_t count;
    bool absolute; /* begins with $, else with @ */
    bool single;
};

struct path_operand {
    bool literal;
    struct payload_node value; /* of a literal */
    struct path_query query;
};

enum path_test_type {
    PATH_OR,
    PATH_AND,
    PATH_NOT,
    PATH_THERE, /* the query of `left_side` finds something */
    PATH_EQUAL,
    PATH_UNEQUAL,
    PATH_LESS,
    PATH_LESS_EQUAL,
    PATH_MORE,
    PATH_MORE_EQUAL,
};

struct path_test {
    enum path_test_type type;
    const struct path_test *left, *right; /* or, and, not */
    struct path_operand left_side, right_side;
};

struct payload_path {
    struct arena arena;
    struct path_query query;
};

#endif
