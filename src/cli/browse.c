/* SPDX-License-Identifier: Apache-2.0 */
/* busbar device browse: what a device tells about what it has, as a tree. */
#include "cli/browse.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/task.h"

enum { BODY_MAX = 4096, ROW_MAX = 65536, DEPTH_MAX = 32 };

static const struct output_column columns[] = {
    { "OBJECT", "place", OUTPUT_TEXT }, { "NAME", "name", OUTPUT_TEXT },
    { "VALUE", "text", OUTPUT_TEXT },   { "POINT", "point", OUTPUT_TEXT },
    { "ABOUT", "about", OUTPUT_TEXT },  { 0 },
};
/* At one object, whose name would stand in each row; what is below it, where there is something, has its own. */
static const struct output_column property_columns[] = {
    { "PROPERTY", "place", OUTPUT_TEXT }, { "VALUE", "text", OUTPUT_TEXT },
    { "POINT", "point", OUTPUT_TEXT },    { "ABOUT", "about", OUTPUT_TEXT },
    { "NAME", "name", OUTPUT_TEXT },      { 0 },
};

/* ---- the tree: children in the order the device told them ---- */

struct branch {
    const struct json_value *row;
    size_t first, last, next; /* child, last child, sibling: index + 1, 0 = none */
};

struct tree {
    struct cli *cli;
    struct output out;
    struct map places; /* id -> index + 1 */
    struct branch *list;
    size_t count, capacity;
    size_t first, last; /* roots */
    bool properties;    /* of one object */
};

static void on_node(void *ctx, const struct json_value *row)
{
    struct tree *tree = ctx;
    const char *parent = output_text(row, "parent");
    if (tree->count == tree->capacity) {
        tree->capacity = tree->capacity > 0 ? 2 * tree->capacity : 256;
        tree->list = busbar_realloc(tree->list, tree->capacity * sizeof *tree->list);
    }
    size_t place = ++tree->count;
    tree->list[place - 1] = (struct branch){ .row = row };
    map_set(&tree->places, output_text(row, "id"), (void *)(uintptr_t)place);
    size_t above = parent[0] != '\0' ? (size_t)(uintptr_t)map_get(&tree->places, parent) : 0;
    size_t *first = above != 0 ? &tree->list[above - 1].first : &tree->first;
    size_t *last = above != 0 ? &tree->list[above - 1].last : &tree->last;
    if (above == place || *first == 0) {
        *first = above == place ? *first : place;
    } else {
        tree->list[*last - 1].next = place;
    }
    *last = above == place ? *last : place;
}

/* For people: its place moved in, the point it is or would be, what is wrong with it. */
static void put_row(struct tree *tree, const struct json_value *row, unsigned depth)
{
    struct buf text, place;
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = ROW_MAX };
    const char *added = output_text(row, "added"), *trouble = output_text(row, "trouble");
    char proposal[160] = "";
    bool proposed = false;
    const char *kind = output_text(row, "kind");
    bool named = tree->properties &&
                 (strcmp(kind, "property") == 0 || strcmp(kind, "priority") == 0);
    (void)json_get_bool(json_get(row, "proposed"), &proposed);
    if (proposed) {
        str_format(proposal, sizeof proposal, "+ %s", output_text(row, "point_name"));
    }
    buf_init(&place, ROW_MAX);
    buf_printf(&place, "%*s%s", tree->cli->format == CLI_TABLE ? (int)(2 * depth) : 0, "",
               output_text(row, named ? "name" : "id"));
    buf_init(&text, ROW_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_string(&json, "place", buf_text(&place));
    json_put_string(&json, "name", named ? "" : output_text(row, "name"));
    json_put_string(&json, "text", output_text(row, "text"));
    json_put_string(&json, "point", added[0] != '\0' ? added : proposal);
    json_put_string(&json, "about", trouble[0] != '\0' ? trouble : output_text(row, "description"));
    json_end_object(&json);
    if (json_parse(buf_text(&text), text.size, &limits, &doc, NULL) == 0) {
        output_row(&tree->out, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
    buf_fini(&place);
}

static void put_branches(struct tree *tree, size_t place, unsigned depth)
{
    for (; place != 0; place = tree->list[place - 1].next) {
        put_row(tree, tree->list[place - 1].row, depth);
        if (depth < DEPTH_MAX) {
            put_branches(tree, tree->list[place - 1].first, depth + 1);
        }
    }
}

static void put_json(void *ctx, const struct json_value *row)
{
    output_row(&((struct tree *)ctx)->out, row);
}

static void talk(const struct cli *cli, const struct tree *tree, const struct task *task)
{
    double left_out = output_number(task->last.root, "left_out");
    if (left_out > 0) {
        fprintf(stderr, "%.0f more are not shown: browse at one of the objects\n", left_out);
    }
    if (tree->count == 0 && !cli->quiet) {
        fputs("the device told of no objects\n", stderr);
    } else if (!cli->quiet && cli->format == CLI_TABLE && !tree->properties) {
        fputs("+ is proposed as a point. As configuration: the same with --yaml\n", stderr);
    }
}

static int show_tree(struct cli *cli, const struct task *task)
{
    struct tree tree = { .cli = cli, .properties = output_text(task->last.root, "at")[0] != '\0' };
    struct task_rows rows;
    bool json = cli->format == CLI_JSON;
    map_init(&tree.places);
    output_begin(&tree.out, cli, tree.properties ? property_columns : columns);
    int rc = task_rows(cli, task, "nodes", json ? put_json : on_node, &tree, &rows);
    put_branches(&tree, tree.first, 0);
    int ended = output_end(&tree.out);
    if (rc == 0 && ended == 0 && !json) {
        talk(cli, &tree, task);
    }
    map_fini(&tree.places);
    busbar_free(tree.list);
    task_rows_free(&rows);
    return rc != 0 ? rc : ended;
}

/* ---- YAML ---- */

static int show_yaml(struct cli *cli, const struct task *task)
{
    struct buf url;
    struct client_reply reply;
    const char *name = cli_flag(cli, "name");
    buf_init(&url, CLIENT_URL_MAX);
    buf_printf(&url, "%s/yaml?all=%d", task->url, cli_flag(cli, "all") != NULL);
    if (name != NULL) {
        buf_append_text(&url, "&name=");
        client_escape(&url, name, false);
    }
    int rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    fwrite(reply.body.data, 1, reply.body.size, stdout);
    client_free(&reply);
    return CLI_DONE;
}

/* ---- running one ---- */

static int run(struct cli *cli, const struct buf *body, bool yaml)
{
    struct task task;
    int rc = task_run(cli, "browses", buf_text(body), &task);
    if (rc == 0) {
        int end = task_exit(cli, &task);
        /* What a device told before it fell silent is worth seeing. */
        bool any = output_number(task.last.root, "count") > 0;
        if (end == CLI_DONE || any) {
            rc = yaml ? show_yaml(cli, &task) : show_tree(cli, &task);
        }
        rc = rc != 0 ? rc : end;
    }
    if (rc != CLI_INTERRUPTED || !task.stopped) {
        task_forget(cli, &task);
    }
    task_free(&task);
    return rc;
}

int browse_yaml_of_find(struct cli *cli, int64_t find)
{
    struct buf body;
    buf_init(&body, BODY_MAX);
    buf_printf(&body, "{\"find\": %lld}", (long long)find);
    int rc = run(cli, &body, true);
    buf_fini(&body);
    return rc;
}

int cli_device_browse(struct cli *cli)
{
    const char *find = cli_flag(cli, "find");
    int64_t number = 0;
    int object = find != NULL ? 0 : 1; /* which argument it is */
    if (find != NULL && (str_parse_i64(find, &number) != 0 || number < 1)) {
        return cli_fail(CLI_USAGE, "the column ID of busbar discover",
                        "'%s' is no number of a find", find);
    }
    if (cli->arg_count < object) {
        return cli_fail(CLI_USAGE, "busbar device browse ahu-1, or --find 1",
                        "say which device to ask");
    }
    if (cli->arg_count > object + 1) {
        return cli_fail(CLI_USAGE, "busbar device browse --find 1 [OBJECT]",
                        "one word too many: '%s'", cli->args[object + 1]);
    }
    struct buf body;
    buf_init(&body, BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    if (find != NULL) {
        json_put_i64(&json, "find", number);
    } else {
        json_put_string(&json, "device", cli->args[0]);
    }
    if (cli->arg_count > object) {
        json_put_string(&json, "at", cli->args[object]);
    }
    json_end_object(&json);
    int rc = run(cli, &body, cli_flag(cli, "yaml") != NULL);
    buf_fini(&body);
    return rc;
}

/* ---- priorities of a point ---- */

struct slots {
    struct output out;
    const struct json_value *holds;
    size_t count;
};

static void on_slot(void *ctx, const struct json_value *row)
{
    struct slots *slots = ctx;
    const struct json_value *hold, *mine = NULL;
    struct json_doc *doc = NULL;
    struct buf text;
    bool held = json_type(json_get(row, "value")) != JSON_NULL;
    const char *value = held ? output_text(row, "text") : "";
    int64_t number = 0;
    if (strcmp(output_text(row, "kind"), "priority") != 0 ||
        str_parse_i64(output_text(row, "name"), &number) != 0) {
        return;
    }
    struct json_iter it = json_iter(slots->holds);
    while (json_next(&it, NULL, &hold)) {
        mine = output_number(hold, "priority") == (double)number ? hold : mine;
    }
    buf_init(&text, ROW_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_i64(&json, "priority", number);
    json_put_string(&json, "value",
                    value[0] == '\0' && slots->out.cli->format == CLI_TABLE ? "-" : value);
    json_put_string(&json, "about", output_text(row, "description"));
    json_put_string(&json, "who", output_text(mine, "who"));
    json_put_string(&json, "since", output_text(mine, "since"));
    json_put_string(&json, "until", output_text(mine, "until"));
    json_end_object(&json);
    if (json_parse(buf_text(&text), text.size, NULL, &doc, NULL) == 0) {
        output_row(&slots->out, json_root(doc));
        slots->count++;
    }
    json_free(doc);
    buf_fini(&text);
}

int browse_priorities(struct cli *cli, const char *path, const struct json_value *holds)
{
    static const struct output_column slot_columns[] = {
        { "PRIORITY", "priority", OUTPUT_NUMBER },
        { "VALUE", "value", OUTPUT_TEXT },
        { "WRITTEN BY", "who", OUTPUT_TEXT },
        { "SINCE", "since", OUTPUT_TIME },
        { "UNTIL", "until", OUTPUT_TIME },
        { "MEANT FOR", "about", OUTPUT_TEXT },
        { 0 },
    };
    struct slots slots = { .holds = holds };
    struct task task;
    struct task_rows rows = { 0 };
    struct buf body;
    buf_init(&body, BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    json_put_string(&json, "point", path);
    json_end_object(&json);
    int rc = task_run(cli, "browses", buf_text(&body), &task);
    buf_fini(&body);
    if (rc == 0) {
        rc = task_exit(cli, &task);
    }
    if (rc == 0) {
        output_begin(&slots.out, cli, slot_columns);
        rc = task_rows(cli, &task, "nodes", on_slot, &slots, &rows);
        int ended = output_end(&slots.out);
        rc = rc != 0 ? rc : ended;
        task_rows_free(&rows);
    }
    task_forget(cli, &task);
    task_free(&task);
    if (rc == 0 && slots.count == 0) {
        return cli_fail(CLI_NOT_FOUND, "what is written to it stays until the next write",
                        "'%s' has no priorities", path);
    }
    return rc;
}
