/* SPDX-License-Identifier: Apache-2.0 */
/* Private to decode: reading anything, and writing it as JSON. Every function does nothing once the cursor has failed;
 * the first reason is kept in the reader. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_DECODE_PUT_H
#define BUSBAR_DRIVERS_OPCUA_DATA_DECODE_PUT_H

#include "base/json.h"
#include "drivers/opcua/data/decode.h"
#include "drivers/opcua/data/scalar.h"
#include "drivers/opcua/text/node.h"

struct opcua_reader {
    struct opcua_types *types;
    struct arena *texts;
    struct sample *out;
    struct buf scratch;
    unsigned depth;
    uint32_t left; /* values that may still be looked at */
    uint16_t finding;
    bool single, raw;
};

struct opcua_array_shape {
    uint32_t lengths[OPCUA_DIMENSIONS_MAX];
    uint32_t count;
};

/* The fields that are there, one after another. */
struct opcua_walk {
    const struct opcua_definition *type;
    size_t at;
    uint32_t mask, bit; /* optional: which are there */
    uint32_t chosen;    /* union: the one, from 1 */
};

void opcua_reader_stop(struct opcua_reader *reader, struct bytes *in, unsigned finding);
/* One more value is looked at, and one level deeper. False: not allowed, the cursor has failed. */
bool opcua_reader_enter(struct opcua_reader *reader, struct bytes *in);
void opcua_reader_leave(struct opcua_reader *reader, struct bytes *in,
                        const struct json_writer *json);

/* How many elements follow; 0 for a null array. */
uint32_t opcua_reader_length(struct opcua_reader *reader, struct bytes *in);
/* The dimensions of a matrix, which must have `elements` of them in all (UINT32_MAX: any number). */
bool opcua_reader_shape(struct opcua_reader *reader, struct bytes *in, uint32_t elements,
                        struct opcua_array_shape *shape);
uint32_t opcua_shape_elements(const struct opcua_array_shape *shape);

struct opcua_walk opcua_walk_begin(struct bytes *in, const struct opcua_definition *type);
/* *here: its bytes stand there. NULL: at the end. */
const struct opcua_field *opcua_walk_next(struct opcua_walk *walk, bool *here);
bool opcua_is_structure(const struct opcua_definition *type);

/* What an ExtensionObject holds: its definition (NULL: it is no binary body) and the cursor of its body. False:
 * nothing, or failed. */
bool opcua_reader_body(struct opcua_reader *reader, struct bytes *in, UA_ExpandedNodeId *id,
                       const struct opcua_definition **type, struct bytes *body);
/* The head of a Variant. NULL: it is null, or the cursor has failed. An array: its length and, where it is a matrix, its
 * dimensions, which stand behind the values. */
const struct opcua_definition *opcua_reader_variant(struct opcua_reader *reader, struct bytes *in,
                                                    bool *array, uint32_t *length,
                                                    struct opcua_array_shape *shape);

/* Reads one and writes it; json NULL: passes over it. */
void opcua_put_type(struct opcua_reader *reader, struct bytes *in,
                    const struct opcua_definition *type, struct json_writer *json);
void opcua_put_field(struct opcua_reader *reader, struct bytes *in, const struct opcua_field *field,
                     struct json_writer *json);
void opcua_put_elements(struct opcua_reader *reader, struct bytes *in, uint32_t count,
                        const struct opcua_definition *type, struct json_writer *json);
/* Rows of rows, the last dimension fastest. level: the dimension to begin with. */
void opcua_put_matrix(struct opcua_reader *reader, struct bytes *in,
                      const struct opcua_array_shape *shape, uint32_t level,
                      const struct opcua_definition *type, struct json_writer *json);

#endif
