/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a message that are read by themselves, which device each is of, and when it was. */
#include <string.h>

#include "base/str.h"
#include "payload/reader_parts.h"

struct gathering {
    struct payload_reader *reader;
    int error;
};

static int add(struct payload_reader *reader, const struct element *element)
{
    if (reader->element_count == PAYLOAD_ELEMENTS_MAX) {
        return BUSBAR_ELIMIT;
    }
    if (reader->element_count == reader->element_capacity) {
        struct element *grown = reader_grow(reader->elements, &reader->element_capacity,
                                            reader->element_count + 1, sizeof(*grown));
        if (grown == NULL) {
            return BUSBAR_ENOMEM;
        }
        reader->elements = grown;
    }
    reader->elements[reader->element_count++] = *element;
    return 0;
}

static bool add_node(void *ctx, const struct payload_node *node)
{
    struct gathering *gathering = ctx;
    gathering->error = add(gathering->reader, &(struct element){ .node = node });
    return gathering->error == 0;
}

static int each_path(struct payload_reader *reader, const struct payload_shape *shape,
                     struct err *err)
{
    struct gathering gathering = { .reader = reader };
    const struct payload_node *root;
    int error = reader_tree(reader, shape, shape->each.kind, &root, err);
    if (error != 0) {
        return error;
    }
    int found = payload_path_each(shape->each.path, root, add_node, &gathering);
    if (found < 0) {
        return err_set(err, found, "'each' looks at more than %d values", PAYLOAD_PATH_VISITS_MAX);
    }
    return gathering.error;
}

static int each_line(struct payload_reader *reader, const struct payload_shape *shape,
                     struct err *err)
{
    const char *text;
    size_t size, at = 0;
    struct piece line;
    bool header = shape->header;
    int error = reader_text(reader, shape, &text, &size, err);
    while (error == 0 && csv_line(text, size, &at, &line)) {
        if (header) {
            header = false;
            reader->head = line;
        } else {
            error = add(reader, &(struct element){ .text = line.text, .size = line.size });
        }
    }
    return error;
}

static int each_match(struct payload_reader *reader, const struct payload_shape *shape,
                      struct err *err)
{
    const char *text;
    size_t size;
    int error = reader_text(reader, shape, &text, &size, err);
    for (size_t at = 0; error == 0 && at <= size;) {
        struct element element = { 0 };
        int found = match_find(shape->each.match, text, size, at, err);
        if (found <= 0) {
            return found;
        }
        (void)match_group(shape->each.match, text, 0, &element.text, &element.size);
        error = add(reader, &element);
        at = match_end(shape->each.match, text, size);
    }
    return error;
}

static int each_xml(struct payload_reader *reader, const struct payload_shape *shape,
                    struct err *err)
{
    struct xml_document *document;
    int error = reader_xml(reader, shape, &document, err);
    const void **parts = error == 0
                             ? scratch_room(&reader->scratch, PAYLOAD_ELEMENTS_MAX * sizeof(*parts))
                             : NULL;
    size_t count = 0;
    if (error == 0) {
        error = parts == NULL ? BUSBAR_ENOMEM
                              : xml_parts(document, shape->each.xml, parts, PAYLOAD_ELEMENTS_MAX,
                                          &count, err);
    }
    if (error == 0 && count > PAYLOAD_ELEMENTS_MAX) {
        return BUSBAR_ELIMIT;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        error = add(reader, &(struct element){ .xml = parts[i] });
    }
    return error;
}

static int gather(struct payload_reader *reader, const struct payload_shape *shape, struct err *err)
{
    switch (shape->each.kind) {
    case PAYLOAD_POINT_CSV: return each_line(reader, shape, err);
    case PAYLOAD_POINT_MATCH: return each_match(reader, shape, err);
    case PAYLOAD_POINT_XML: return each_xml(reader, shape, err);
    default: return each_path(reader, shape, err);
    }
}

/* ---- only ---- */

static bool is_truth(const struct payload_node *node)
{
    return node->type != PAYLOAD_BOOL || node->value.b;
}

static bool is_wanted(const struct expression *only, const struct payload_node *node)
{
    char text[READER_ID_MAX];
    if (only->want == NULL) {
        return expression_is_path(only->kind) || is_truth(node);
    }
    node_print(node, text, sizeof(text));
    return strcmp(text, only->want) == 0;
}

static int leave_out(struct payload_reader *reader, const struct payload_shape *shape,
                     struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < reader->element_count; i++) {
        struct element element = reader->elements[i];
        int error = reader_find(reader, &shape->only, i, false, &reader->found, err);
        if (error != 0) {
            return rule_wrong(&shape->only, error, err);
        }
        if (reader->found.count > 0 && is_wanted(&shape->only, &reader->found.at[0])) {
            reader->elements[kept++] = element;
        }
    }
    reader->element_count = kept;
    reader->cells_of = reader->pairs_of = 0; /* of another number now */
    return 0;
}

int reader_focus(struct payload_reader *reader, const struct payload_shape *shape, struct err *err)
{
    if (reader->shape == shape && reader->shape_serial == shape->serial) {
        return 0;
    }
    reader->shape = shape;
    reader->shape_serial = shape->serial;
    reader->cells_of = reader->pairs_of = 0;
    reader->element_count = 0;
    reader->head = (struct piece){ 0 };
    int error = shape->has_each ? gather(reader, shape, err) : add(reader, &(struct element){ 0 });
    if (error == BUSBAR_ELIMIT && (err == NULL || err->code != error)) {
        err_set(err, error, "the message has more than %d parts", PAYLOAD_ELEMENTS_MAX);
    } else if (error == BUSBAR_ENOMEM) {
        err_set(err, error, "out of memory");
    }
    if (error == 0 && shape->has_only) {
        error = leave_out(reader, shape, err);
    }
    if (error != 0) {
        reader->shape = NULL;
        reader->element_count = 0;
    }
    return error;
}

int payload_reader_elements(struct payload_reader *reader, const struct payload_shape *shape,
                            size_t *count, struct err *err)
{
    int error = reader_focus(reader, shape, err);
    *count = reader->element_count;
    return error;
}

/* ---- whose, and when ---- */

int payload_reader_id(struct payload_reader *reader, const struct payload_shape *shape,
                      size_t element, const char **id, size_t *size, struct err *err)
{
    int error = reader_focus(reader, shape, err);
    if (error != 0) {
        return error;
    }
    if (!shape->has_id || element >= reader->element_count) {
        return BUSBAR_ENOENT;
    }
    error = reader_find(reader, &shape->id, element, false, &reader->found, err);
    if (error != 0) {
        return rule_wrong(&shape->id, error, err);
    }
    const struct payload_node *node = reader->found.at;
    if (reader->found.count == 0 || node->type == PAYLOAD_NULL || node->type == PAYLOAD_ARRAY ||
        node->type == PAYLOAD_OBJECT) {
        return BUSBAR_ENOENT;
    }
    *id = node->value.text;
    *size = node->size;
    if (node->type == PAYLOAD_TEXT) {
        text_trim(id, size);
    } else if (node->type == PAYLOAD_BYTES) {
        *size = str_hex(reader->id, sizeof(reader->id), *id, *size, '\0');
        *id = reader->id;
    } else {
        node_print(node, reader->id, sizeof(reader->id));
        *id = reader->id;
        *size = strlen(reader->id);
    }
    return *size > 0 && *size <= READER_ID_MAX ? 0 : BUSBAR_ENOENT;
}

int element_time(struct payload_reader *reader, size_t element, int64_t *time_us, struct err *err)
{
    const struct payload_shape *shape = reader->shape;
    *time_us = 0;
    if (!shape->has_time) {
        return 0;
    }
    int error = reader_find(reader, &shape->time, element, false, &reader->found, err);
    if (error == 0 && reader->found.count > 0) {
        error = time_read(&shape->time_rule, reader->found.at, time_us, err);
        error = error > 0 ? 0 : error;
    }
    return error == 0 ? 0 : rule_wrong(&shape->time, error, err);
}
