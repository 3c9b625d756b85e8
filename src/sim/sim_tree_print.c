/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as JSON, CBOR (RFC 8949), MessagePack, XML. */
#include <string.h>

#include "base/json.h"
#include "sim/sim_tree_parts.h"

/* ---- JSON ---- */

static void json_node(struct json_writer *json, const struct sim_node *node)
{
    const struct sim_reading *value = &node->value;
    switch (node->kind) {
    case SIM_NODE_NULL: json_null(json); return;
    case SIM_NODE_OBJECT: json_begin_object(json); break;
    case SIM_NODE_ARRAY: json_begin_array(json); break;
    case SIM_NODE_VALUE:
        if (value->type == VALUE_TEXT) {
            json_string(json, value->text);
        } else if (value->type == VALUE_BOOL) {
            json_bool(json, value->value.b);
        } else if (value->type == VALUE_INT) {
            json_i64(json, value->value.i);
        } else {
            json_double(json, value->value.d);
        }
        return;
    }
    for (const struct sim_node *at = node->first; at != NULL; at = at->next) {
        if (node->kind == SIM_NODE_OBJECT) {
            json_key(json, at->key);
        }
        json_node(json, at);
    }
    if (node->kind == SIM_NODE_OBJECT) {
        json_end_object(json);
    } else {
        json_end_array(json);
    }
}

/* ---- CBOR and MessagePack: heads differ, all else is the same ---- */

static void put_bytes(struct buf *out, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--) {
        (void)buf_append_byte(out, (uint8_t)(value >> (8 * (i - 1))));
    }
}

static size_t width_of(uint64_t value)
{
    return value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
}

static void put_double(struct buf *out, uint8_t head, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    (void)buf_append_byte(out, head);
    put_bytes(out, bits, sizeof(bits));
}

enum { CBOR_UNSIGNED = 0, CBOR_NEGATIVE = 1, CBOR_TEXT = 3, CBOR_ARRAY = 4, CBOR_MAP = 5 };

static void cbor_head(struct buf *out, unsigned major, uint64_t value)
{
    if (value < 24) {
        (void)buf_append_byte(out, (uint8_t)(major << 5 | value));
        return;
    }
    size_t size = width_of(value);
    unsigned more = size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
    (void)buf_append_byte(out, (uint8_t)(major << 5 | more));
    put_bytes(out, value, size);
}

static void cbor_text(struct buf *out, const char *text)
{
    cbor_head(out, CBOR_TEXT, strlen(text));
    (void)buf_append_text(out, text);
}

static void cbor_value(struct buf *out, const struct sim_reading *value)
{
    switch (value->type) {
    case VALUE_TEXT: cbor_text(out, value->text); break;
    case VALUE_BOOL: (void)buf_append_byte(out, value->value.b ? 0xf5 : 0xf4); break;
    case VALUE_INT:
        if (value->value.i >= 0) {
            cbor_head(out, CBOR_UNSIGNED, (uint64_t)value->value.i);
        } else {
            cbor_head(out, CBOR_NEGATIVE, ~(uint64_t)value->value.i);
        }
        break;
    default: put_double(out, 0xfb, value->value.d); break;
    }
}

static void msgpack_text(struct buf *out, const char *text)
{
    size_t size = strlen(text);
    if (size < 32) {
        (void)buf_append_byte(out, (uint8_t)(0xa0 | size));
    } else {
        size_t width = width_of(size);
        (void)buf_append_byte(out, width == 1 ? 0xd9 : width == 2 ? 0xda : 0xdb);
        put_bytes(out, size, width);
    }
    (void)buf_append(out, text, size);
}

static void msgpack_value(struct buf *out, const struct sim_reading *value)
{
    switch (value->type) {
    case VALUE_TEXT: msgpack_text(out, value->text); break;
    case VALUE_BOOL: (void)buf_append_byte(out, value->value.b ? 0xc3 : 0xc2); break;
    case VALUE_INT:
        if (value->value.i >= 0 && value->value.i < 128) {
            (void)buf_append_byte(out, (uint8_t)value->value.i);
        } else {
            (void)buf_append_byte(out, 0xd3);
            put_bytes(out, (uint64_t)value->value.i, 8);
        }
        break;
    default: put_double(out, 0xcb, value->value.d); break;
    }
}

static void msgpack_head(struct buf *out, bool map, size_t count)
{
    if (count < 16) {
        (void)buf_append_byte(out, (uint8_t)((map ? 0x80 : 0x90) | count));
    } else {
        (void)buf_append_byte(out, map ? 0xde : 0xdc);
        put_bytes(out, count, 2);
    }
}

static void binary_node(struct buf *out, const struct sim_node *node, bool cbor)
{
    bool map = node->kind == SIM_NODE_OBJECT;
    if (node->kind == SIM_NODE_NULL) {
        (void)buf_append_byte(out, cbor ? 0xf6 : 0xc0);
    } else if (node->kind == SIM_NODE_VALUE && cbor) {
        cbor_value(out, &node->value);
    } else if (node->kind == SIM_NODE_VALUE) {
        msgpack_value(out, &node->value);
    } else if (cbor) {
        cbor_head(out, map ? CBOR_MAP : CBOR_ARRAY, node->count);
    } else {
        msgpack_head(out, map, node->count);
    }
    for (const struct sim_node *at = node->first; at != NULL; at = at->next) {
        if (map && cbor) {
            cbor_text(out, at->key);
        } else if (map) {
            msgpack_text(out, at->key);
        }
        binary_node(out, at, cbor);
    }
}

/* ---- XML ---- */

static void xml_text(struct buf *out, const struct sim_reading *value)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    sim_reading_print(value, &text);
    for (const char *at = buf_text(&text); *at != '\0'; at++) {
        const char *name = *at == '&'   ? "&amp;"
                           : *at == '<' ? "&lt;"
                           : *at == '>' ? "&gt;"
                           : *at == '"' ? "&quot;"
                                        : NULL;
        if (name != NULL) {
            (void)buf_append_text(out, name);
        } else {
            (void)buf_append_byte(out, (uint8_t)*at);
        }
    }
    buf_fini(&text);
}

static void xml_node(struct buf *out, const struct sim_node *node)
{
    (void)buf_printf(out, "<%s", node->key);
    for (const struct sim_node *at = node->first; at != NULL; at = at->next) {
        if (at->key[0] == '@') {
            (void)buf_printf(out, " %s=\"", at->key + 1);
            xml_text(out, &at->value);
            (void)buf_append_byte(out, '"');
        }
    }
    (void)buf_append_byte(out, '>');
    if (node->kind == SIM_NODE_VALUE) {
        xml_text(out, &node->value);
    }
    for (const struct sim_node *at = node->first; at != NULL; at = at->next) {
        if (at->key[0] != '@') {
            xml_node(out, at);
        }
    }
    (void)buf_printf(out, "</%s>", node->key);
}

void sim_tree_print(const struct sim_tree *tree, enum sim_tree_format format, struct buf *out)
{
    if (format == SIM_TREE_JSON) {
        struct json_writer json = json_writer(out);
        json_node(&json, tree->root);
    } else if (format == SIM_TREE_XML) {
        const struct sim_node *first = tree->root->first;
        bool several = first != NULL &&
                       first->next != NULL; /* of //a and //b: a document has one root */
        (void)buf_append_text(out, several ? "<data>" : "");
        for (const struct sim_node *at = first; at != NULL; at = at->next) {
            xml_node(out, at);
        }
        (void)buf_append_text(out, several ? "</data>" : "");
    } else {
        binary_node(out, tree->root, format == SIM_TREE_CBOR);
    }
}
