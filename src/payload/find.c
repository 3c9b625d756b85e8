/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression finds in a part of a message. */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "payload/reader_parts.h"

bool payload_nodes_add(struct nodes *nodes, const struct payload_node *node)
{
    if (nodes->count == nodes->capacity) {
        struct payload_node *grown = reader_grow(nodes->at, &nodes->capacity, nodes->count + 1,
                                                 sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        nodes->at = grown;
    }
    nodes->at[nodes->count++] = *node;
    return true;
}

static int no_memory(struct err *err)
{
    return err_set(err, BUSBAR_ENOMEM, "out of memory");
}

static int add_text(struct nodes *out, const char *text, size_t size, struct err *err)
{
    struct payload_node node = {
        .type = PAYLOAD_TEXT, .next = 1, .size = (uint32_t)size, .value.text = text
    };
    return payload_nodes_add(out, &node) ? 0 : no_memory(err);
}

struct finding {
    struct nodes *out;
    bool full, failed;
};

static bool add_found(void *ctx, const struct payload_node *node)
{
    struct finding *finding = ctx;
    finding->full = finding->out->count >= PAYLOAD_READINGS_MAX;
    finding->failed = finding->full || !payload_nodes_add(finding->out, node);
    return !finding->failed;
}

/* ---- trees ---- */

static int find_path(struct payload_reader *reader, const struct expression *expression,
                     const struct element *element, struct nodes *out, struct err *err)
{
    const struct payload_node *root = element->node;
    if (root == NULL || reader->shape->each.kind != expression->kind) {
        int error = reader_tree(reader, reader->shape, expression->kind, &root, err);
        if (error != 0) {
            return error;
        }
    }
    if (expression->single) {
        const struct payload_node *node = payload_path_first(expression->path, root);
        return node == NULL || payload_nodes_add(out, node) ? 0 : no_memory(err);
    }
    struct finding finding = { .out = out };
    int found = payload_path_each(expression->path, root, add_found, &finding);
    if (finding.failed) {
        return finding.full ? err_set(err, BUSBAR_ELIMIT, "it finds more than %d values",
                                      PAYLOAD_READINGS_MAX)
                            : no_memory(err);
    }
    return found >= 0 ? 0
                      : err_set(err, BUSBAR_ELIMIT, "the path looks at more than %d values",
                                PAYLOAD_PATH_VISITS_MAX);
}

static int find_xml(struct payload_reader *reader, const struct expression *expression,
                    const struct element *element, struct nodes *out, struct err *err)
{
    struct xml_document *document;
    struct finding finding = { .out = out };
    int error = reader_xml(reader, reader->shape, &document, err);
    if (error == 0) {
        error = xml_find(document, expression->xml, element->xml, &reader->scratch, add_found,
                         &finding, err);
    }
    return error == 0 && finding.failed ? no_memory(err) : error;
}

/* ---- lines ---- */

int element_text(struct payload_reader *reader, size_t element, const char **text, size_t *size,
                 struct err *err)
{
    const struct element *part = &reader->elements[element];
    if (part->text != NULL) {
        *text = part->text;
        *size = part->size;
        return 0;
    }
    return reader_text(reader, reader->shape, text, size, err);
}

static int split(struct payload_reader *reader, const struct piece *line, struct piece *cells,
                 size_t *count, struct err *err)
{
    size_t at = 0;
    *count = 0;
    while (at <= line->size && *count < PAYLOAD_COLUMNS_MAX) {
        if (!csv_cell(line, reader->shape->separator, &at, &reader->scratch, &cells[*count])) {
            return no_memory(err);
        }
        ++*count;
    }
    return at <= line->size ? err_set(err, BUSBAR_ELIMIT, "the line has more than %d columns",
                                      PAYLOAD_COLUMNS_MAX)
                            : 0;
}

/* The one line of values of a message that is not read by lines. */
static int lone_line(struct payload_reader *reader, size_t element, bool header, struct piece *head,
                     struct piece *line, struct err *err)
{
    const char *text;
    size_t size, at = 0;
    struct piece more;
    int error = element_text(reader, element, &text, &size, err);
    *head = *line = (struct piece){ 0 };
    if (error != 0 || (header && !csv_line(text, size, &at, head)) ||
        !csv_line(text, size, &at, line)) {
        return error;
    }
    if (csv_line(text, size, &at, &more)) {
        err_set(err, BUSBAR_EPROTO, "the message has several lines of values");
        return err_hint(err, "say each: csv for the device, so that every line is a reading");
    }
    return 0;
}

static int split_element(struct payload_reader *reader, size_t element, bool named, struct err *err)
{
    const struct payload_shape *shape = reader->shape;
    bool header = shape->header || named;
    if (reader->cells_of == element + 1 && reader->cells_header == header) {
        return 0;
    }
    struct piece head = reader->head;
    struct piece line = { reader->elements[element].text, reader->elements[element].size };
    bool lines = shape->has_each && shape->each.kind == PAYLOAD_POINT_CSV;
    int error = lines ? 0 : lone_line(reader, element, header, &head, &line, err);
    if (error == 0) {
        error = line.text != NULL ? split(reader, &line, reader->cells, &reader->cell_count, err)
                                  : 0;
        reader->cell_count = line.text != NULL ? reader->cell_count : 0;
    }
    if (error == 0 && head.text != NULL) {
        error = split(reader, &head, reader->names, &reader->name_count, err);
    } else {
        reader->name_count = 0;
    }
    reader->cells_of = error == 0 ? element + 1 : 0;
    reader->cells_header = header;
    return error;
}

static int find_cell(struct payload_reader *reader, const struct expression *expression,
                     size_t element, bool named, struct nodes *out, struct err *err)
{
    int error = split_element(reader, element, named || expression->name != NULL, err);
    size_t column = (size_t)expression->number;
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; expression->name != NULL && i < reader->name_count && column == 0; i++) {
        const struct piece *name = &reader->names[i];
        column = name->size == expression->name_size &&
                         memcmp(name->text, expression->name, name->size) == 0
                     ? i + 1
                     : 0;
    }
    if (column == 0 || column > reader->cell_count) {
        return 0;
    }
    return add_text(out, reader->cells[column - 1].text, reader->cells[column - 1].size, err);
}

/* ---- keys ---- */

static bool is_form(const struct payload_message *message)
{
    static const char type[] = "application/x-www-form-urlencoded";
    for (size_t i = 0; i < message->field_count; i++) {
        const struct payload_field *field = &message->fields[i];
        if (strcmp(field->where, "header") == 0 && strcmp(field->name, "content-type") == 0) {
            return field->size >= sizeof(type) - 1 &&
                   strncasecmp(field->text, type, sizeof(type) - 1) == 0;
        }
    }
    return false;
}

static int split_pairs(struct payload_reader *reader, size_t element, struct err *err)
{
    const char *text;
    size_t size, at = 0;
    struct pair pair;
    if (reader->pairs_of == element + 1) {
        return 0;
    }
    int error = element_text(reader, element, &text, &size, err);
    bool form = error == 0 && is_form(reader->message);
    reader->pair_count = 0;
    while (error == 0 &&
           keys_next(text, size, reader->shape->comma, form, &at, &reader->scratch, &pair)) {
        if (reader->pair_count == PAYLOAD_PAIRS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "the message has more than %d keys",
                           PAYLOAD_PAIRS_MAX);
        }
        if (reader->pair_count == reader->pair_capacity) {
            struct pair *grown = reader_grow(reader->pairs, &reader->pair_capacity,
                                             reader->pair_count + 1, sizeof(*grown));
            if (grown == NULL) {
                return no_memory(err);
            }
            reader->pairs = grown;
        }
        reader->pairs[reader->pair_count++] = pair;
    }
    if (error == 0 && form && at < size) {
        return err_set(err, BUSBAR_EPROTO, "the form is no UTF-8");
    }
    reader->pairs_of = error == 0 ? element + 1 : 0;
    return error;
}

static int find_key(struct payload_reader *reader, const struct expression *expression,
                    size_t element, struct nodes *out, struct err *err)
{
    int error = split_pairs(reader, element, err);
    for (size_t i = 0; error == 0 && i < reader->pair_count; i++) {
        const struct pair *pair = &reader->pairs[i];
        if (pair->key.size == expression->name_size &&
            memcmp(pair->key.text, expression->name, expression->name_size) == 0) {
            return add_text(out, pair->value.text, pair->value.size, err);
        }
    }
    return error;
}

/* ---- the rest ---- */

/* Without a group the answer is whether it matches. */
static int find_match(struct payload_reader *reader, const struct expression *expression,
                      size_t element, struct nodes *out, struct err *err)
{
    const char *text, *part;
    size_t size, part_size;
    int error = element_text(reader, element, &text, &size, err);
    int found = error == 0 ? match_find(expression->match, text, size, 0, err) : error;
    unsigned group = match_value_group(expression->match);
    if (found < 0) {
        return found;
    }
    if (group == 0) {
        struct payload_node node = { .type = PAYLOAD_BOOL, .next = 1, .value.b = found == 1 };
        return payload_nodes_add(out, &node) ? 0 : no_memory(err);
    }
    return found == 1 && match_group(expression->match, text, group, &part, &part_size)
               ? add_text(out, part, part_size, err)
               : 0;
}

static int find_bytes(struct payload_reader *reader, const struct expression *expression,
                      const struct element *element, struct nodes *out, struct err *err)
{
    struct payload_node node;
    const uint8_t *data = element->text != NULL ? (const uint8_t *)element->text : reader->body;
    size_t size = element->text != NULL ? element->size : reader->size;
    int found = binary_find(expression, data, size, &node);
    if (found == BUSBAR_EPROTO) {
        char shown[64];
        node_print(&node, shown, sizeof(shown));
        err_set(err, found, "%s is no %s", shown, payload_type_words[expression->as]);
        return err_hint(err, "are offset, length and type right?");
    }
    return found != 1 || payload_nodes_add(out, &node) ? 0 : no_memory(err);
}

static int find_about(struct payload_reader *reader, const struct expression *expression,
                      struct nodes *out, struct err *err)
{
    const struct payload_message *message = reader->message;
    for (size_t i = 0; i < message->field_count; i++) {
        const struct payload_field *field = &message->fields[i];
        if (strcmp(field->where, expression->where) == 0 &&
            strcmp(field->name, expression->name) == 0) {
            return str_is_utf8(field->text, field->size)
                       ? add_text(out, field->text, field->size, err)
                       : err_set(err, BUSBAR_EPROTO, "it is no UTF-8");
        }
    }
    return 0;
}

static int find_whole(struct payload_reader *reader, size_t element, struct nodes *out,
                      struct err *err)
{
    const char *text;
    size_t size;
    int error = element_text(reader, element, &text, &size, err);
    while (error == 0 && size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        size--;
    }
    return error == 0 ? add_text(out, text, size, err) : error;
}

int reader_find(struct payload_reader *reader, const struct expression *expression, size_t element,
                bool named, struct nodes *out, struct err *err)
{
    const struct element *part = &reader->elements[element];
    out->count = 0;
    switch (expression->kind) {
    case PAYLOAD_POINT_XML: return find_xml(reader, expression, part, out, err);
    case PAYLOAD_POINT_CSV: return find_cell(reader, expression, element, named, out, err);
    case PAYLOAD_POINT_KEY: return find_key(reader, expression, element, out, err);
    case PAYLOAD_POINT_MATCH: return find_match(reader, expression, element, out, err);
    case PAYLOAD_POINT_BYTES: return find_bytes(reader, expression, part, out, err);
    case PAYLOAD_POINT_TEXT: return find_whole(reader, element, out, err);
    case PAYLOAD_POINT_ABOUT: return find_about(reader, expression, out, err);
    default: return find_path(reader, expression, part, out, err);
    }
}
