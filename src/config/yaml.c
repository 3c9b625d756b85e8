/* SPDX-License-Identifier: Apache-2.0 */
/* libfyaml's events, put together with a stack of open lists and maps. Its own tree would keep a token
 * for every word (some 400 bytes); a file of 100,000 points has over a million words. */
#include "config/yaml.h"

#include <libfyaml.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

enum { DEPTH_LIMIT = 64, SMALL_MAP = 12 };

struct level {
    struct yaml_node *node;
    struct yaml_node *last;
    struct yaml_node *key; /* of a map: read, its value comes next */
    size_t members;
};

struct reader {
    const char *file;
    struct arena *arena;
    struct problems *problems;
    struct level stack[DEPTH_LIMIT];
    unsigned depth, depth_max;
    size_t nodes;
    struct yaml_node *root;
    bool document_seen;
};

bool yaml_is_null(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->plain && !node->secret &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}

struct position yaml_at(const char *file, const struct yaml_node *node)
{
    return (struct position){
        .file = file, .line = node->line, .column = node->column, .width = node->width
    };
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP) {
        return NULL;
    }
    for (const struct yaml_node *at = map->first; at != NULL; at = at->next) {
        if (strcmp(at->key->text, key) == 0) {
            return at;
        }
    }
    return NULL;
}

static int refuse(struct reader *reader, struct position at, const char *hint, const char *message)
{
    at.file = reader->file;
    problems_error(reader->problems, at, hint, "%s", message);
    return BUSBAR_ESYNTAX;
}

static struct position position_of(const struct fy_mark *mark)
{
    struct position at = { .line = 0 };
    if (mark != NULL) {
        at.line = mark->line + 1;
        at.column = mark->column + 1;
    }
    return at;
}

/* The second of two equal keys is told and taken out. */
static void drop_twice(struct reader *reader, struct yaml_node **link,
                       const struct yaml_node *first)
{
    struct yaml_node *twice = *link;
    problems_error(reader->problems, yaml_at(reader->file, twice->key), NULL,
                   "'%s' is here twice, the first is in line %d", twice->key->text,
                   first->key->line);
    *link = twice->next;
}

static void check_keys_small(struct reader *reader, struct yaml_node *map)
{
    for (struct yaml_node *first = map->first; first != NULL; first = first->next) {
        for (struct yaml_node **link = &first->next; *link != NULL;) {
            if (strcmp((*link)->key->text, first->key->text) == 0) {
                drop_twice(reader, link, first);
            } else {
                link = &(*link)->next;
            }
        }
    }
}

static void check_keys(struct reader *reader, struct yaml_node *map, size_t members)
{
    if (members <= SMALL_MAP) {
        check_keys_small(reader, map);
        return;
    }
    struct map seen;
    map_init(&seen);
    map_reserve(&seen, members);
    for (struct yaml_node **link = &map->first; *link != NULL;) {
        const struct yaml_node *first = map_get(&seen, (*link)->key->text);
        if (first != NULL) {
            drop_twice(reader, link, first);
        } else {
            map_set(&seen, (*link)->key->text, *link);
            link = &(*link)->next;
        }
    }
    map_fini(&seen);
}

/* Puts a node where the stack says: root, element of a list, key or value of a map. */
static int place(struct reader *reader, struct yaml_node *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return 0;
    }
    struct level *top = &reader->stack[reader->depth - 1];
    if (top->node->kind == YAML_MAP && top->key == NULL) {
        if (node->kind != YAML_SCALAR || node->secret) {
            struct position at = { .line = node->line, .column = node->column };
            return refuse(reader, at, NULL, "a key must be a plain word");
        }
        top->key = node;
        return 0;
    }
    node->key = top->key;
    top->key = NULL;
    if (node->key != NULL && node->line == 0) {
        node->line = node->key->line;
        node->column = node->key->column;
        node->width = node->key->width;
    }
    if (top->last == NULL) {
        top->node->first = node;
    } else {
        top->last->next = node;
    }
    top->last = node;
    top->members++;
    return 0;
}

static struct yaml_node *new_node(struct reader *reader, enum yaml_kind kind,
                                  const struct fy_mark *mark)
{
    struct yaml_node *node = arena_alloc(reader->arena, sizeof(*node));
    if (node != NULL) {
        struct position at = position_of(mark);
        node->kind = (uint8_t)kind;
        node->line = at.line;
        node->column = at.column;
        node->text = "";
    }
    return node;
}

static int open_level(struct reader *reader, enum yaml_kind kind, const struct fy_mark *mark)
{
    struct yaml_node *node = new_node(reader, kind, mark);
    if (node == NULL) {
        return BUSBAR_ENOMEM;
    }
    int error = place(reader, node);
    if (error != 0) {
        return error;
    }
    if (reader->depth >= reader->depth_max || reader->depth >= DEPTH_LIMIT) {
        return refuse(reader, position_of(mark), NULL, "nested too deep");
    }
    reader->stack[reader->depth++] = (struct level){ .node = node };
    return 0;
}

static void close_level(struct reader *reader)
{
    struct level *top = &reader->stack[--reader->depth];
    if (top->node->kind == YAML_MAP) {
        check_keys(reader, top->node, top->members);
    }
}

/* Columns the mark covers: of a word on one line, with its quotes. */
static int width_of(const struct fy_mark *from, const struct fy_mark *to)
{
    return from != NULL && to != NULL && from->line == to->line && to->column > from->column
               ? to->column - from->column
               : 0;
}

static int scalar(struct reader *reader, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
    struct yaml_node *node = new_node(reader, YAML_SCALAR, mark);
    size_t size = 0;
    const char *text = token != NULL ? fy_token_get_text(token, &size) : "";
    if (node == NULL || text == NULL) {
        return BUSBAR_ENOMEM;
    }
    if (memchr(text, '\0', size) != NULL) {
        return refuse(reader, position_of(mark), NULL, "a NUL character inside a text");
    }
    node->text = arena_strndup(reader->arena, text, size);
    if (node->text == NULL) {
        return BUSBAR_ENOMEM;
    }
    node->width = token != NULL ? width_of(mark, fy_token_end_mark(token)) : 0;
    node->plain = token == NULL || fy_token_scalar_style(token) == FYSS_PLAIN;
    if (event->scalar.tag != NULL) {
        size_t tag_size = 0;
        const char *tag = fy_token_get_text(event->scalar.tag, &tag_size);
        if (tag == NULL || tag_size != 7 || memcmp(tag, "!secret", 7) != 0) {
            return refuse(reader, position_of(fy_token_start_mark(event->scalar.tag)),
                          "write: password: !secret NAME", "the only tag known here is !secret");
        }
        node->secret = true;
    }
    return place(reader, node);
}

static struct fy_token *anchor_of(const struct fy_event *event)
{
    switch (event->type) {
    case FYET_SCALAR: return event->scalar.anchor;
    case FYET_SEQUENCE_START: return event->sequence_start.anchor;
    case FYET_MAPPING_START: return event->mapping_start.anchor;
    case FYET_ALIAS: return event->alias.anchor;
    default: return NULL;
    }
}

static int take_event(struct reader *reader, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    struct fy_token *anchor = anchor_of(event);
    if (anchor != NULL) {
        struct position at = position_of(fy_token_start_mark(anchor));
        at.column -= at.column > 1; /* its & or * */
        return refuse(reader, at, "use a profile to share settings",
                      "anchors and aliases (& and *) are not used here");
    }
    if (++reader->nodes > YAML_NODES_MAX) {
        return refuse(reader, position_of(mark), "keep long point lists in CSV files",
                      "too many values in one file");
    }
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (reader->document_seen) {
            return refuse(reader, position_of(mark), NULL, "a second document (---) in one file");
        }
        reader->document_seen = true;
        return 0;
    case FYET_SCALAR: return scalar(reader, event);
    case FYET_SEQUENCE_START: return open_level(reader, YAML_LIST, mark);
    case FYET_MAPPING_START: return open_level(reader, YAML_MAP, mark);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END: close_level(reader); return 0;
    default: return 0;
    }
}

/* What libfyaml found wrong, in its words. */
static int syntax_error(struct reader *reader, struct fy_diag *diag)
{
    void *iter = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &iter);
    struct position at = { .file = reader->file, .line = 1, .column = 1 };
    if (first == NULL) {
        problems_error(reader->problems, at, NULL, "this is not YAML");
        return BUSBAR_ESYNTAX;
    }
    at.line = first->line > 0 ? first->line : 1;
    at.column = first->column > 0 ? first->column : 1;
    problems_error(reader->problems, at, "check the indentation, the quotes and the brackets here",
                   "not YAML: %s", first->msg);
    return BUSBAR_ESYNTAX;
}

static int parse(struct reader *reader, struct fy_parser *parser, struct fy_diag *diag)
{
    for (;;) {
        struct fy_event *event = fy_parser_parse(parser);
        if (event == NULL) {
            return fy_parser_get_stream_error(parser) ? syntax_error(reader, diag) : 0;
        }
        bool end = event->type == FYET_STREAM_END;
        int error = take_event(reader, event);
        fy_parser_event_free(parser, event);
        if (error != 0 || end) {
            return error;
        }
    }
}

/* Checked before the parser sees it: the first byte that is not UTF-8, or a control character. */
static bool find_odd_byte(const char *text, size_t size, struct position *at)
{
    at->line = 1;
    const char *line = text, *end = text + size;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t width = (size_t)((stop != NULL ? stop : end) - line);
        size_t good = str_utf8_cut(line, width, width);
        for (size_t i = 0; i < good; i++) {
            unsigned char c = (unsigned char)line[i];
            if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
                good = i;
            }
        }
        if (good < width) {
            at->column = (int)str_utf8_length(line, good) + 1;
            at->width = 1;
            return true;
        }
        line += width + 1;
        at->line++;
    }
    return false;
}

int yaml_read(const char *file, const char *text, size_t size, unsigned depth_max,
              struct arena *arena, struct problems *problems, struct yaml_node **root)
{
    *root = NULL;
    struct reader reader = {
        .file = file, .arena = arena, .problems = problems, .depth_max = depth_max
    };
    struct position odd = { .line = 0 };
    if (find_odd_byte(text, size, &odd)) {
        return refuse(&reader, odd, "save the file as UTF-8 text",
                      "not text: a byte that is not UTF-8, or a control character");
    }
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    struct fy_parse_cfg config = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag };
    struct fy_parser *parser = diag != NULL ? fy_parser_create(&config) : NULL;
    int error = BUSBAR_ENOMEM;
    if (parser != NULL) {
        fy_diag_set_collect_errors(diag, true);
        if (size == 0) {
            error = 0;
        } else if (fy_parser_set_string(parser, text, size) == 0) {
            error = parse(&reader, parser, diag);
        }
        fy_parser_destroy(parser);
    }
    fy_diag_destroy(diag);
    if (error == 0) {
        *root = reader.root;
    }
    return error;
}
