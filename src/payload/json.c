/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) by yyjson, into the tree: yyjson reads in place in a copy of the text and puts its values into memory
 * that the tree keeps, so that nothing is allocated once both have grown. Its values stand in a row in the order of
 * the text; one pass over them makes the nodes.
 *
 * Beyond the standard: a byte order mark before, and zeros behind the text (C programs send them) are passed over. */
#include <yyjson.h>

#include "base/alloc.h"
#include "payload/message.h"
#include "payload/tree_parts.h"

enum {
    VALUES_MAX = 2 * PAYLOAD_NODES_MAX, /* of yyjson, which counts keys too */
    VALUES_BYTES_MAX = VALUES_MAX * 2 * (int)sizeof(yyjson_val),
};

static struct position place(const char *text, size_t size, size_t offset)
{
    struct position at = { .line = 1 };
    size_t end = offset < size ? offset : size;
    size_t line_start = 0;
    for (size_t i = 0; i < end; i++) {
        if (text[i] == '\n') {
            at.line++;
            line_start = i + 1;
        }
    }
    at.column = (int)str_utf8_length(text + line_start, end - line_start) + 1;
    return at;
}

/* Where it is nested too deep, in a text that is JSON. */
static size_t too_deep(const char *text, size_t size)
{
    int depth = 0;
    bool quoted = false;
    size_t at = 0;
    for (; at < size && depth <= PAYLOAD_DEPTH_MAX; at++) {
        char c = text[at];
        if (quoted) {
            at += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    }
    return at > 0 ? at - 1 : 0;
}

/* ---- yyjson's memory: reading in place it holds one piece at a time, and makes it longer ---- */

static void *get_values(void *ctx, void *old, size_t old_size, size_t size)
{
    struct payload_tree *tree = ctx;
    (void)old_size;
    if (size > VALUES_BYTES_MAX || (tree->values_used && old != tree->values)) {
        tree->error = BUSBAR_ELIMIT;
        return NULL;
    }
    if (size > tree->values_size) {
        void *values = busbar_try_realloc(tree->values, size);
        if (values == NULL) {
            return NULL;
        }
        tree->values = values;
        tree->values_size = size;
    }
    tree->values_used = true;
    return tree->values;
}

static void *new_values(void *ctx, size_t size)
{
    return get_values(ctx, NULL, 0, size);
}

static void free_values(void *ctx, void *values)
{
    struct payload_tree *tree = ctx;
    tree->values_used = values != tree->values && tree->values_used;
}

/* ---- */

static void put_value(struct payload_node *node, yyjson_val *value)
{
    switch (unsafe_yyjson_get_type(value)) {
    case YYJSON_TYPE_BOOL:
        node->type = PAYLOAD_BOOL;
        node->value.b = unsafe_yyjson_is_true(value);
        return;
    case YYJSON_TYPE_NUM:
        if (unsafe_yyjson_get_subtype(value) == YYJSON_SUBTYPE_REAL) {
            node->type = PAYLOAD_DOUBLE;
            node->value.d = value->uni.f64;
        } else if (unsafe_yyjson_get_subtype(value) == YYJSON_SUBTYPE_SINT ||
                   value->uni.u64 <= INT64_MAX) {
            node->type = PAYLOAD_INT;
            node->value.i = value->uni.i64;
        } else {
            node->type = PAYLOAD_DOUBLE;
            node->value.d = (double)value->uni.u64;
        }
        return;
    case YYJSON_TYPE_STR:
        node->type = PAYLOAD_TEXT;
        node->value.text = value->uni.str;
        node->size = (uint32_t)unsafe_yyjson_get_len(value);
        return;
    default: node->type = PAYLOAD_NULL;
    }
}

/* The nodes of a row of values. */
static void put_all(struct payload_tree *tree, yyjson_val *at, size_t count)
{
    uint32_t left[PAYLOAD_DEPTH_MAX]; /* members of the open containers that are still to come */
    yyjson_val *end = at + count;
    for (; at < end && tree->error == 0; at++) {
        if (tree->depth > 0) {
            left[tree->depth - 1]--;
            if (tree->nodes[tree->open[tree->depth - 1]].type == PAYLOAD_OBJECT) {
                tree->key = at->uni.str;
                tree->key_size = (uint32_t)unsafe_yyjson_get_len(at);
                at++;
            }
        }
        uint8_t type = unsafe_yyjson_get_type(at);
        if (type == YYJSON_TYPE_ARR || type == YYJSON_TYPE_OBJ) {
            payload_tree_open(tree, type == YYJSON_TYPE_ARR ? PAYLOAD_ARRAY : PAYLOAD_OBJECT);
            if (tree->error == 0) {
                left[tree->depth - 1] = (uint32_t)unsafe_yyjson_get_len(at);
            }
        } else {
            struct payload_node *node = payload_tree_add(tree, PAYLOAD_NULL);
            if (node != NULL) {
                put_value(node, at);
            }
        }
        while (tree->error == 0 && tree->depth > 0 && left[tree->depth - 1] == 0) {
            payload_tree_close(tree);
        }
    }
}

static int no_memory(struct payload_tree *tree, struct err *err)
{
    tree->error = BUSBAR_ENOMEM;
    return err_set(err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
}

static int too_many(struct err *err)
{
    return err_set(err, BUSBAR_ELIMIT, "more than %d values", PAYLOAD_NODES_MAX);
}

static int not_json(struct payload_tree *tree, const char *text, size_t size,
                    const yyjson_read_err *reason, struct err *err)
{
    if (reason->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return tree->error == BUSBAR_ELIMIT ? too_many(err) : no_memory(tree, err);
    }
    tree->error = BUSBAR_ESYNTAX;
    const char *hint = NULL;
    const char *at = text + (reason->pos < size ? reason->pos : size);
    size_t left = size - (size_t)(at - text);
    if ((left >= 3 && memcmp(at, "NaN", 3) == 0) || (left >= 3 && memcmp(at, "nan", 3) == 0)) {
        hint = "JSON has no NaN: the device should send null where there is no value";
    } else if (left > 0 && *at == '\'') {
        hint = "JSON takes double quotes only";
    } else if (reason->pos == 0 && size > 0 && ((unsigned char)*text & 0x80) != 0) {
        hint = "these bytes look binary: is it CBOR, MessagePack or Protobuf, or compressed?";
    }
    return err_at(err, BUSBAR_ESYNTAX, place(text, size, reason->pos), hint, "not JSON: %s",
                  reason->msg);
}

static int own_limit(struct payload_tree *tree, const char *text, size_t size, struct err *err)
{
    if (tree->error == BUSBAR_ENOMEM) {
        return no_memory(tree, err);
    }
    if (tree->depth == PAYLOAD_DEPTH_MAX) {
        return err_at(err, BUSBAR_ELIMIT, place(text, size, too_deep(text, size)), NULL,
                      "nested more than %d levels deep", PAYLOAD_DEPTH_MAX);
    }
    return too_many(err);
}

static bool copy_text(struct payload_tree *tree, const char *text, size_t size)
{
    if (tree->text_size < size + YYJSON_PADDING_SIZE) {
        size_t wanted = size + size / 2 + YYJSON_PADDING_SIZE;
        busbar_free(tree->text);
        tree->text = busbar_try_alloc(wanted);
        tree->text_size = tree->text != NULL ? wanted : 0;
        if (tree->text == NULL) {
            return false;
        }
    }
    memcpy(tree->text, text, size);
    memset(tree->text + size, 0, YYJSON_PADDING_SIZE);
    return true;
}

int payload_tree_json(struct payload_tree *tree, const char *text, size_t size, struct err *err)
{
    payload_tree_begin(tree);
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    while (size > 0 && text[size - 1] == '\0') {
        size--;
    }
    if (size > PAYLOAD_PLAIN_MAX) {
        tree->error = BUSBAR_ELIMIT;
        return err_set(err, BUSBAR_ELIMIT, "JSON of %zu bytes, more than the %d allowed", size,
                       PAYLOAD_PLAIN_MAX);
    }
    if (size == 0) {
        tree->error = BUSBAR_ESYNTAX;
        return err_at(err, BUSBAR_ESYNTAX, (struct position){ .line = 1, .column = 1 }, NULL,
                      "nothing where JSON is expected");
    }
    if (!copy_text(tree, text, size)) {
        return no_memory(tree, err);
    }
    yyjson_alc memory = { new_values, get_values, free_values, tree };
    yyjson_read_err reason;
    yyjson_doc *doc = yyjson_read_opts(tree->text, size, YYJSON_READ_INSITU, &memory, &reason);
    if (doc == NULL) {
        return not_json(tree, text, size, &reason, err);
    }
    put_all(tree, yyjson_doc_get_root(doc), yyjson_doc_get_val_count(doc));
    yyjson_doc_free(doc);
    return payload_tree_end(tree) == 0 ? 0 : own_limit(tree, text, size, err);
}
