/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as they were understood, from inside. An expression says where something stands in a message; what it finds is a
 * payload_node whatever the format, so that one conversion makes values of all of them. */
#ifndef BUSBAR_PAYLOAD_RULE_H
#define BUSBAR_PAYLOAD_RULE_H

#include "payload/match.h"
#include "payload/path.h"
#include "payload/program.h"
#include "payload/schemas.h"
#include "payload/text.h"
#include "payload/time.h"
#include "payload/xml.h"

enum {
    PAYLOAD_LENGTH_MAX = 4096,        /* bytes of a bcd or ascii value */
    PAYLOAD_EXPRESSION_MAX = 2048,    /* bytes, with {id} replaced */
    PAYLOAD_COLUMNS_MAX = 1000,       /* of a line of csv */
    PAYLOAD_PAIRS_MAX = 10000,        /* of a message of keys */
    PAYLOAD_EVENT_ARGUMENTS_MAX = 16, /* of one event */
    PAYLOAD_NONE_WORDS_MAX = 16,
    PAYLOAD_BIT_NONE = 255,
};

/* The words of `type`. */
enum payload_value_as {
    PAYLOAD_AS_AUTO,
    PAYLOAD_AS_BOOL,
    PAYLOAD_AS_INT,
    PAYLOAD_AS_NUMBER,
    PAYLOAD_AS_TEXT,
    PAYLOAD_AS_UINT8, /* from here on of `bytes` only */
    PAYLOAD_AS_INT8,
    PAYLOAD_AS_UINT16,
    PAYLOAD_AS_INT16,
    PAYLOAD_AS_UINT24,
    PAYLOAD_AS_INT24,
    PAYLOAD_AS_UINT32,
    PAYLOAD_AS_INT32,
    PAYLOAD_AS_UINT64,
    PAYLOAD_AS_INT64,
    PAYLOAD_AS_FLOAT32,
    PAYLOAD_AS_FLOAT64,
    PAYLOAD_AS_BCD,
    PAYLOAD_AS_ASCII,
    PAYLOAD_TYPES
};
extern const char *const payload_type_words[PAYLOAD_TYPES + 1];

enum payload_order { PAYLOAD_ABCD, PAYLOAD_DCBA, PAYLOAD_BADC, PAYLOAD_CDAB };

/* Where something stands. `kind` is an enum payload_point_row, up to PAYLOAD_POINT_ABOUT. */
struct expression {
    uint8_t kind;
    bool single;       /* finds one at most */
    uint8_t as, order; /* bytes */
    uint8_t first_bit, last_bit;
    uint32_t length;  /* bytes; 0: as the type has */
    int64_t number;   /* csv: the column, from 1, 0 when it has a name; bytes: the offset */
    char *text;       /* as it was written, {id} replaced */
    const char *name; /* csv, key, about: in text */
    size_t name_size;
    const char *where; /* about: as in struct payload_field */
    char *want;        /* only: what must stand there; NULL: anything */
    struct payload_path *path;
    struct xml_path *xml;
    struct match *match;
};

/* kind and text as in a point's row. id: for {id}; NULL: it is only checked. jit: it will be used often. */
int expression_new(uint8_t kind, const char *text, const char *id, bool jit, struct expression *out,
                   struct err *err);
/* With the format before it: "json $.id", "level 2", "header x-id". */
int expression_read(const char *text, const char *id, bool jit, struct expression *out,
                    struct err *err);
/* A condition: the same, of paths with a comparison; of others also "... == TEXT". */
int expression_condition(const char *text, const char *id, bool jit, struct expression *out,
                         struct err *err);
void expression_fini(struct expression *expression);
/* Of `protobuf`: whether messages of the device's type can have what the path names; of other kinds 0, and where the type is
 * not known. in_element: `$` is what `each` finds. BUSBAR_ENOENT: err tells the field that is nearest. */
int expression_check(const struct expression *expression, const struct settings *device,
                     const struct payload_schemas *schemas, bool in_element, struct err *err);
/* "json", "csv" ... */
const char *expression_word(uint8_t kind);
bool expression_is_path(uint8_t kind);

/* What is found in bytes, as the expression says. 1; 0: the message ends before it; BUSBAR_EPROTO (bcd). text: room of
 * PAYLOAD_LENGTH_MAX * 2 bytes, for bcd. */
/* How many bytes it takes. */
size_t binary_size(const struct expression *expression);
int binary_find(const struct expression *expression, const uint8_t *data, size_t size,
                struct payload_node *out);

/* How what was found becomes a value. */
struct conversion {
    uint8_t as; /* up to PAYLOAD_AS_TEXT */
    bool comma; /* before the decimals */
    bool words; /* all is text in this format: an empty one is nothing, a number is a number */
    size_t none_count;
    struct none_word {
        const char *text;
        size_t size;
        bool is_number;
        double number;
    } none[PAYLOAD_NONE_WORDS_MAX];
    char *none_text;
};
int conversion_new(uint8_t kind, uint8_t as, const char *none, bool comma, struct conversion *out,
                   struct err *err);
void conversion_fini(struct conversion *conversion);
/* 1: a reading (of its quality; index and time are not touched); 0: nothing; BUSBAR_EPROTO with what stands there.
 * room: where texts that must be made go; the reading borrows it. */
struct scratch;
int convert_node(const struct conversion *conversion, const struct payload_node *node,
                 struct scratch *scratch, struct payload_reading *out, struct err *err);
/* What stands there, for a person: at most size - 1 bytes. */
void node_print(const struct payload_node *node, char *to, size_t size);

struct rule {
    uint32_t index;
    bool has_at;
    struct expression where, at;
    struct conversion conversion;
};

struct event_part {
    const char *name;
    size_t name_size;
    struct expression where;
};
struct event_rule {
    uint32_t index;
    uint8_t severity;
    char *name;
    char *text; /* the template */
    char *arguments_text;
    struct expression where;
    size_t argument_count;
    struct event_part arguments[PAYLOAD_EVENT_ARGUMENTS_MAX];
};
int event_rule_new(const struct payload_event_source *source, const char *id, bool jit,
                   struct event_rule *out, struct err *err);
void event_rule_fini(struct event_rule *rule);

struct payload_shape {
    struct payload_programs *programs; /* NULL: they are gone */
    char *key;
    unsigned holders;
    uint32_t serial; /* tells it from one that had the same address */
    bool has_each, has_id, has_time, has_only;
    bool header, latin1, comma;
    char separator;
    struct expression each, id, time, only;
    struct time_rule time_rule;
    const struct payload_schema *schema; /* NULL: none */
};
int shape_read(struct payload_shape *shape, const struct settings *device, const char *id,
               const struct payload_schemas *schemas, bool jit, struct err *err);
void payload_shape_fini(struct payload_shape *shape);

struct payload_program {
    struct payload_programs *programs;
    struct payload_shape *shape;
    char *key;
    unsigned holders;
    bool named_columns;
    struct rule *rules;
    size_t rule_count;
    struct event_rule *events;
    size_t event_count;
};

#endif
