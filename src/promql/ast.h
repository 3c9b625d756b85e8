/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of an expression, as the parser makes it, checked: types fit, counts of arguments fit,
 * modifiers stand where they may. Nodes and texts live in the arena they were parsed into. */
#ifndef BUSBAR_PROMQL_AST_H
#define BUSBAR_PROMQL_AST_H

#include "base/arena.h"
#include "history/index.h"
#include "promql/promql.h"

enum promql_node_kind {
    PROMQL_NODE_NUMBER,
    PROMQL_NODE_STRING,
    PROMQL_NODE_SELECTOR, /* vector selector */
    PROMQL_NODE_RANGE,    /* selector[5m]: left is the SELECTOR, which holds offset and @ */
    PROMQL_NODE_SUBQUERY, /* left[30m:1m], with its own offset and @ */
    PROMQL_NODE_UNARY,    /* op left: -left, or +left, which gives left as it is */
    PROMQL_NODE_BINARY,
    PROMQL_NODE_AGGREGATE,
    PROMQL_NODE_CALL,
    PROMQL_NODE_PAREN,
};

enum promql_op {
    PROMQL_OP_NONE,
    PROMQL_OP_ADD,
    PROMQL_OP_SUB,
    PROMQL_OP_MUL,
    PROMQL_OP_DIV,
    PROMQL_OP_MOD,
    PROMQL_OP_POW,
    PROMQL_OP_ATAN2,
    PROMQL_OP_EQ,
    PROMQL_OP_NE,
    PROMQL_OP_LT,
    PROMQL_OP_LE,
    PROMQL_OP_GT,
    PROMQL_OP_GE,
    PROMQL_OP_AND,
    PROMQL_OP_OR,
    PROMQL_OP_UNLESS,
};

enum promql_aggregation {
    PROMQL_AGG_SUM,
    PROMQL_AGG_AVG,
    PROMQL_AGG_COUNT,
    PROMQL_AGG_MIN,
    PROMQL_AGG_MAX,
    PROMQL_AGG_GROUP,
    PROMQL_AGG_STDDEV,
    PROMQL_AGG_STDVAR,
    PROMQL_AGG_TOPK,
    PROMQL_AGG_BOTTOMK,
    PROMQL_AGG_COUNT_VALUES,
    PROMQL_AGG_QUANTILE,
    PROMQL_AGG_LIMITK,
    PROMQL_AGG_LIMIT_RATIO,
};

enum promql_cardinality {
    PROMQL_ONE_TO_ONE,
    PROMQL_MANY_TO_ONE, /* group_left */
    PROMQL_ONE_TO_MANY, /* group_right */
    PROMQL_MANY_TO_MANY /* set operators */
};

/* When a selector or subquery is evaluated. */
struct promql_moment {
    int64_t offset_us; /* as written, may be negative */
    enum { PROMQL_AT_NONE, PROMQL_AT_TIME, PROMQL_AT_START, PROMQL_AT_END } at;
    int64_t at_us;
};

struct promql_function;

/* Of the tree: a chain such as a + b + c ... is one level a link, though it is no nesting in the text. */
enum { PROMQL_HEIGHT_MAX = 512 };

struct promql_node {
    enum promql_node_kind kind;
    enum promql_type type;
    uint32_t begin, end; /* bytes in the text */
    uint32_t height;     /* 1: a leaf; never more than PROMQL_HEIGHT_MAX */
    struct promql_node *left, *right;

    double number;           /* NUMBER */
    bool number_is_duration; /* NUMBER written as 5m: printed as such */
    const char *string;      /* STRING, unescaped; count_values' label is in `param` */
    size_t string_size;
    struct label_matcher *matchers; /* SELECTOR, __name__ included */
    size_t matcher_count;
    const char *metric;          /* SELECTOR: the name written before the braces, or NULL */
    struct promql_moment moment; /* SELECTOR, SUBQUERY */
    int64_t range_us, step_us;   /* RANGE, SUBQUERY; step 0: the default */

    enum promql_op op;         /* UNARY, BINARY */
    uint32_t op_begin, op_end; /* BINARY: of the operator in the text */
    bool returns_bool;         /* BINARY */
    enum promql_cardinality cardinality;
    bool matching_on;    /* labels are `on`, else `ignoring` */
    const char **labels; /* BINARY: on / ignoring; AGGREGATE: by / without */
    size_t label_count;
    const char **include; /* group_left(...) */
    size_t include_count;

    enum promql_aggregation aggregation;
    bool without;
    struct promql_node *param; /* AGGREGATE: k, q, label; left is what is aggregated */

    const struct promql_function *function; /* CALL */
    struct promql_node **args;
    size_t arg_count;
};

/* Parses all of text. BUSBAR_ESYNTAX, BUSBAR_ELIMIT, BUSBAR_ENOMEM. Pure. */
int promql_parse(const char *text, struct arena *arena, struct promql_node **root, struct err *err);

/* Prints it as Prometheus' String() does, one line; promql_format() adds its line breaks. */
void promql_print(const struct promql_node *node, struct buf *out);

const char *promql_op_text(enum promql_op op);
const char *promql_aggregation_word(enum promql_aggregation aggregation);

#endif
