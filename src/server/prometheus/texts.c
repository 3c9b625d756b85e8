/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/format_query, /api/v1/parse_query, /api/v1/query_exemplars: expressions as texts and trees.
 * A long one with many regular expressions takes longer to parse than the loop may wait. */
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/json.h"
#include "promql/ast.h"
#include "promql/functions.h"
#include "server/prometheus/prometheus.h"

/* A level of the tree may take three of the writer's. */
enum { TREE_HEIGHT_MAX = (JSON_WRITE_DEPTH_MAX - 4) / 3 };

/* ---- format ---- */

static const char *query_of(const struct prometheus_job *job)
{
    const char *text = server_query(job->req, "query");
    return text != NULL ? text : "";
}

static int format(struct prometheus_job *job)
{
    struct buf text;
    buf_init(&text, SERVER_ANSWER_MAX);
    int error = promql_format(query_of(job), &text, &job->err);
    if (error == 0) {
        struct json_writer json = json_writer(&job->out);
        json_string_n(&json, buf_text(&text), text.size);
    }
    prometheus_word_syntax(&job->err, "query");
    buf_fini(&text);
    return error;
}

static void format_query(struct server_request *req)
{
    prometheus_ask(req, format);
}

/* There are none; but the question is judged. */
static int list_exemplars(struct prometheus_job *job)
{
    struct arena arena;
    struct promql_node *root;
    arena_init(&arena, 0);
    int error = promql_parse(query_of(job), &arena, &root, &job->err);
    prometheus_word_syntax(&job->err, NULL);
    (void)buf_append_text(&job->out, "[]");
    arena_fini(&arena);
    return error;
}

static void query_exemplars(struct server_request *req)
{
    prometheus_ask(req, list_exemplars);
}

/* ---- parse: the tree as Prometheus shows it ---- */

static void put_node(struct json_writer *json, const struct promql_node *node);

static void put_key_node(struct json_writer *json, const char *key, const struct promql_node *node)
{
    json_key(json, key);
    if (node == NULL) {
        json_null(json);
    } else {
        put_node(json, node);
    }
}

static void put_texts(struct json_writer *json, const char *key, const char *const *texts,
                      size_t count)
{
    json_put_array(json, key);
    for (size_t i = 0; i < count; i++) {
        json_string(json, texts[i]);
    }
    json_end_array(json);
}

/* offset, timestamp, startOrEnd */
static void put_moment(struct json_writer *json, const struct promql_moment *moment)
{
    json_put_i64(json, "offset", moment->offset_us / CLOCK_US_PER_MS);
    if (moment->at == PROMQL_AT_TIME) {
        json_put_i64(json, "timestamp", moment->at_us / CLOCK_US_PER_MS);
    } else {
        json_put_null(json, "timestamp");
    }
    if (moment->at == PROMQL_AT_START || moment->at == PROMQL_AT_END) {
        json_put_string(json, "startOrEnd", moment->at == PROMQL_AT_START ? "start" : "end");
    } else {
        json_put_null(json, "startOrEnd");
    }
}

static void put_selector(struct json_writer *json, const struct promql_node *node)
{
    static const char *const matches[] = { [LABEL_EQUAL] = "=",
                                           [LABEL_NOT_EQUAL] = "!=",
                                           [LABEL_MATCHES] = "=~",
                                           [LABEL_NOT_MATCHES] = "!~" };
    json_put_string(json, "name", node->metric != NULL ? node->metric : "");
    json_put_array(json, "matchers");
    for (size_t i = 0; i < node->matcher_count; i++) {
        json_begin_object(json);
        json_put_string(json, "name", node->matchers[i].name);
        json_put_string(json, "type", matches[node->matchers[i].match]);
        json_put_string(json, "value", node->matchers[i].value);
        json_end_object(json);
    }
    json_end_array(json);
    put_moment(json, &node->moment);
}

static void put_aggregate(struct json_writer *json, const struct promql_node *node)
{
    json_put_string(json, "type", "aggregation");
    json_put_string(json, "op", promql_aggregation_word(node->aggregation));
    put_key_node(json, "expr", node->left);
    put_key_node(json, "param", node->param);
    put_texts(json, "grouping", node->labels, node->label_count);
    json_put_bool(json, "without", node->without);
}

static void put_binary(struct json_writer *json, const struct promql_node *node)
{
    static const char *const cards[] = { [PROMQL_ONE_TO_ONE] = "one-to-one",
                                         [PROMQL_MANY_TO_ONE] = "many-to-one",
                                         [PROMQL_ONE_TO_MANY] = "one-to-many",
                                         [PROMQL_MANY_TO_MANY] = "many-to-many" };
    bool vectors = node->left->type == PROMQL_VECTOR && node->right->type == PROMQL_VECTOR;
    json_put_string(json, "type", "binaryExpr");
    json_put_string(json, "op", promql_op_text(node->op));
    put_key_node(json, "lhs", node->left);
    put_key_node(json, "rhs", node->right);
    json_key(json, "matching");
    if (vectors) {
        json_begin_object(json);
        json_put_string(json, "card", cards[node->cardinality]);
        put_texts(json, "include", node->include, node->include_count);
        put_texts(json, "labels", node->labels, node->label_count);
        json_put_bool(json, "on", node->matching_on);
        json_end_object(json);
    } else {
        json_null(json);
    }
    json_put_bool(json, "bool", node->returns_bool);
}

static void put_call(struct json_writer *json, const struct promql_node *node)
{
    json_put_string(json, "type", "call");
    json_put_object(json, "func");
    json_put_string(json, "name", node->function->name);
    json_put_array(json, "argTypes");
    for (size_t i = 0; i < node->function->arg_count; i++) {
        json_string(json, promql_type_word(node->function->args[i]));
    }
    json_end_array(json);
    json_put_i64(json, "variadic", node->function->variadic);
    json_put_string(json, "returnType", promql_type_word(node->function->returns));
    json_end_object(json);
    json_put_array(json, "args");
    for (size_t i = 0; i < node->arg_count; i++) {
        put_node(json, node->args[i]);
    }
    json_end_array(json);
}

static void put_number(struct json_writer *json, double value)
{
    char text[DECIMAL_TEXT_MAX + 1];
    text[decimal_text(text, value)] = '\0';
    json_put_string(json, "type", "numberLiteral");
    json_put_string(json, "val", text);
}

static void put_range(struct json_writer *json, const struct promql_node *node)
{
    bool subquery = node->kind == PROMQL_NODE_SUBQUERY;
    json_put_string(json, "type", subquery ? "subquery" : "matrixSelector");
    json_put_i64(json, "range", node->range_us / CLOCK_US_PER_MS);
    if (subquery) {
        json_put_i64(json, "step", node->step_us / CLOCK_US_PER_MS);
        put_key_node(json, "expr", node->left);
        put_moment(json, &node->moment);
    } else {
        put_selector(json, node->left);
    }
}

/* The depth of the text is bounded, but a chain of operators is as deep as it is long. */
static void put_node(struct json_writer *json, const struct promql_node *node)
{
    json_begin_object(json);
    switch (node->kind) {
    case PROMQL_NODE_NUMBER: put_number(json, node->number); break;
    case PROMQL_NODE_STRING:
        json_put_string(json, "type", "stringLiteral");
        json_key(json, "val");
        json_string_n(json, node->string, node->string_size);
        break;
    case PROMQL_NODE_SELECTOR:
        json_put_string(json, "type", "vectorSelector");
        put_selector(json, node);
        break;
    case PROMQL_NODE_RANGE:
    case PROMQL_NODE_SUBQUERY: put_range(json, node); break;
    case PROMQL_NODE_UNARY:
        json_put_string(json, "type", "unaryExpr");
        json_put_string(json, "op", promql_op_text(node->op));
        put_key_node(json, "expr", node->left);
        break;
    case PROMQL_NODE_BINARY: put_binary(json, node); break;
    case PROMQL_NODE_AGGREGATE: put_aggregate(json, node); break;
    case PROMQL_NODE_CALL: put_call(json, node); break;
    case PROMQL_NODE_PAREN:
        json_put_string(json, "type", "parenExpr");
        put_key_node(json, "expr", node->left);
        break;
    }
    json_end_object(json);
}

static int parse(struct prometheus_job *job)
{
    struct arena arena;
    struct promql_node *root;
    arena_init(&arena, 0);
    int error = promql_parse(query_of(job), &arena, &root, &job->err);
    if (error == 0 && root->height > TREE_HEIGHT_MAX) {
        error = err_set(&job->err, BUSBAR_ELIMIT, "the tree is over %d levels high",
                        TREE_HEIGHT_MAX);
    } else if (error == 0) {
        struct json_writer json = json_writer(&job->out);
        put_node(&json, root);
    }
    prometheus_word_syntax(&job->err, "query");
    arena_fini(&arena);
    return error;
}

static void parse_query(struct server_request *req)
{
    prometheus_ask(req, parse);
}

void prometheus_text_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "query", "string", "the expression, in PromQL" },
        { NULL, NULL, NULL },
    };
#define ROW(verb, where, call, text, which)                                                      \
    {                                                                                            \
        .method = (verb), .path = (where), .handler = (call), .summary = (text), .query = query, \
        .on = (which), .flags = SERVER_ROUTE_FORM | SERVER_ROUTE_PROMETHEUS                      \
    }
    static const struct server_route routes[] = {
        ROW("GET", "/api/v1/format_query", format_query,
            "an expression, well laid out (Prometheus)", SERVER_ON_BOTH),
        ROW("POST", "/api/v1/format_query", format_query, "the same, parameters as a form",
            SERVER_ON_BOTH),
        ROW("GET", "/api/v1/parse_query", parse_query, "an expression as a tree (Prometheus)",
            SERVER_ON_BOTH),
        ROW("POST", "/api/v1/parse_query", parse_query, "the same, parameters as a form",
            SERVER_ON_BOTH),
        ROW("GET", "/api/v1/query_exemplars", query_exemplars, "there are none",
            SERVER_ON_TIME_SERIES),
        ROW("POST", "/api/v1/query_exemplars", query_exemplars, "there are none",
            SERVER_ON_TIME_SERIES),
    };
#undef ROW
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
