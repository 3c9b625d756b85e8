/* SPDX-License-Identifier: Apache-2.0 */
/* The reader from inside: a message, what it was taken apart into so far, and scratch. */
#ifndef BUSBAR_PAYLOAD_READER_PARTS_H
#define BUSBAR_PAYLOAD_READER_PARTS_H

#include "base/buf.h"
#include "payload/csv.h"
#include "payload/rule.h"

enum {
    READER_TREES_MAX = 6,    /* ways to read one message as a tree: formats, Protobuf types */
    READER_ID_MAX = 256,     /* bytes of an id */
    READER_EVENTS_MAX = 100, /* of one rule in one element */
};

struct parsed {
    uint8_t kind;
    bool latin1;
    const struct payload_schema *schema;
    struct payload_tree *tree; /* kept for the next message */
    int error;
    struct err err;
};

/* A part of the message that is read by itself: the element of a list, a line, a match. All of it: node and xml NULL. */
struct element {
    const struct payload_node *node;
    const void *xml;
    const char *text;
    size_t size;
};

struct nodes {
    struct payload_node *at;
    size_t count, capacity;
};

struct payload_reader {
    const struct payload_message *message;
    const uint8_t *body;
    size_t size;
    struct buf plain;
    bool utf8_known, utf8;
    const char *latin; /* as UTF-8; NULL: not made */
    size_t latin_size;
    struct parsed parsed[READER_TREES_MAX];
    size_t parsed_count;
    struct xml_document *xml;
    bool xml_known, xml_latin1;
    int xml_error;
    struct err xml_err;

    /* What a shape makes of it. */
    const struct payload_shape *shape;
    uint32_t shape_serial;
    struct element *elements;
    size_t element_count, element_capacity;
    struct piece head; /* of csv: the line with names */

    /* Of one element. */
    size_t cells_of, pairs_of; /* element + 1; 0: none */
    bool cells_header;
    struct piece *cells, *names;
    size_t cell_count, name_count;
    struct pair *pairs;
    size_t pair_count, pair_capacity;

    struct nodes found, times;
    struct payload_reading *readings;
    size_t reading_count, reading_capacity;
    struct event *events;
    size_t event_count, event_capacity;
    struct scratch scratch;
    char id[READER_ID_MAX];
};

/* reader.c: the message as text, as a tree, as XML */
int reader_text(struct payload_reader *reader, const struct payload_shape *shape, const char **text,
                size_t *size, struct err *err);
int reader_tree(struct payload_reader *reader, const struct payload_shape *shape, uint8_t kind,
                const struct payload_node **root, struct err *err);
int reader_xml(struct payload_reader *reader, const struct payload_shape *shape,
               struct xml_document **out, struct err *err);
/* elements.c: makes the shape the one that is read by */
int reader_focus(struct payload_reader *reader, const struct payload_shape *shape, struct err *err);

/* find.c: what an expression finds in an element; into `out`, from its begin. named: a column of the program has a name.
 * BUSBAR_EPROTO, BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int reader_find(struct payload_reader *reader, const struct expression *expression, size_t element,
                bool named, struct nodes *out, struct err *err);
bool payload_nodes_add(struct nodes *nodes,
                       const struct payload_node *node); /* false: out of memory */
/* The text of an element, for formats that are text. */
int element_text(struct payload_reader *reader, size_t element, const char **text, size_t *size,
                 struct err *err);
/* The message's own time in an element: 0: none. */
int element_time(struct payload_reader *reader, size_t element, int64_t *time_us, struct err *err);

/* take.c: one rule, one event; appended to the reader's readings and events. */
int take_rule(struct payload_reader *reader, const struct payload_program *program,
              const struct rule *rule, size_t element, int64_t time_us, struct err *err);
int take_event(struct payload_reader *reader, const struct payload_program *program,
               const struct event_rule *rule, size_t element, int64_t time_us, struct err *err);
/* Says which expression it was. Returns error. */
int rule_wrong(const struct expression *expression, int error, struct err *err);

/* Room for `count` of `size` bytes, doubled; NULL: out of memory, the old memory stays. */
void *reader_grow(void *memory, size_t *capacity, size_t count, size_t size);

#endif
