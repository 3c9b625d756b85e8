/* SPDX-License-Identifier: Apache-2.0 */
/* A message and what it is taken apart into: once a format, when the first rule asks for it. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "payload/coding.h"
#include "payload/reader_parts.h"

enum { ROOM_FIRST = 16, PLAIN_KEPT_MAX = 1 << 20 };

void *reader_grow(void *memory, size_t *capacity, size_t count, size_t size)
{
    size_t room = *capacity > 0 ? *capacity : ROOM_FIRST;
    while (room < count) {
        room *= 2;
    }
    void *grown = busbar_try_realloc(memory, room * size);
    *capacity = grown != NULL ? room : *capacity;
    return grown;
}

struct payload_reader *payload_reader_new(void)
{
    struct payload_reader *reader = busbar_alloc(sizeof(*reader));
    buf_init(&reader->plain, PAYLOAD_PLAIN_MAX);
    reader->cells = busbar_alloc_array(PAYLOAD_COLUMNS_MAX, sizeof(*reader->cells));
    reader->names = busbar_alloc_array(PAYLOAD_COLUMNS_MAX, sizeof(*reader->names));
    return reader;
}

void payload_reader_free(struct payload_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; i < READER_TREES_MAX; i++) {
        payload_tree_free(reader->parsed[i].tree);
    }
    xml_free(reader->xml);
    buf_fini(&reader->plain);
    scratch_fini(&reader->scratch);
    busbar_free(reader->elements);
    busbar_free(reader->cells);
    busbar_free(reader->names);
    busbar_free(reader->pairs);
    busbar_free(reader->found.at);
    busbar_free(reader->times.at);
    busbar_free(reader->readings);
    busbar_free(reader->events);
    busbar_free(reader);
}

/* ---- opening ---- */

static int undo_coding(struct payload_reader *reader, const char *word, struct err *err)
{
    enum payload_coding coding;
    if (!payload_coding_find(word, &coding)) {
        err_set(err, BUSBAR_EUNSUPPORTED, "the encoding '%.40s' is not known", word);
        return err_hint(err, "gzip, deflate, zstd, snappy, or none");
    }
    if (coding == PAYLOAD_IDENTITY) {
        return 0;
    }
    if (reader->plain.capacity > PLAIN_KEPT_MAX) {
        buf_fini(&reader->plain);
        buf_init(&reader->plain, PAYLOAD_PLAIN_MAX);
    }
    buf_clear(&reader->plain);
    int error = payload_decode(coding, reader->body, reader->size, &reader->plain, err);
    reader->body = reader->plain.data;
    reader->size = error == 0 ? reader->plain.size : 0;
    return error;
}

int payload_reader_open(struct payload_reader *reader, const struct payload_message *message,
                        struct err *err)
{
    reader->message = message;
    reader->body = message->body;
    reader->size = message->size;
    reader->utf8_known = false;
    reader->latin = NULL;
    reader->parsed_count = 0;
    reader->shape = NULL;
    reader->cells_of = reader->pairs_of = 0;
    xml_free(reader->xml);
    reader->xml = NULL;
    reader->xml_known = false;
    scratch_clear(&reader->scratch);
    if (message->size > PAYLOAD_BODY_MAX) {
        reader->size = 0;
        return err_set(err, BUSBAR_ELIMIT, "a message of %zu bytes is over the limit of %d",
                       message->size, PAYLOAD_BODY_MAX);
    }
    return message->encoding == NULL || message->encoding[0] == '\0'
               ? 0
               : undo_coding(reader, message->encoding, err);
}

/* ---- as text ---- */

static size_t first_wrong(const char *text, size_t size)
{
    return str_utf8_cut(text, size, size);
}

int reader_text(struct payload_reader *reader, const struct payload_shape *shape, const char **text,
                size_t *size, struct err *err)
{
    *text = (const char *)reader->body;
    *size = reader->size;
    if (shape->latin1) {
        if (reader->latin == NULL) {
            char *room = scratch_room(&reader->scratch, 2 * reader->size + 1);
            if (room == NULL) {
                return err_set(err, BUSBAR_ENOMEM, "out of memory");
            }
            reader->latin_size = text_from_latin1(reader->body, reader->size, room);
            reader->latin = room;
        }
        *text = reader->latin;
        *size = reader->latin_size;
        return 0;
    }
    if (!reader->utf8_known) {
        reader->utf8 = reader->size == 0 || str_is_utf8(*text, *size);
        reader->utf8_known = true;
    }
    if (!reader->utf8) {
        err_set(err, BUSBAR_EPROTO, "the text is no UTF-8: byte %zu", first_wrong(*text, *size));
        return err_hint(err, "say encoding: latin-1 for the device if it sends that");
    }
    if (*size >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        *text += 3;
        *size -= 3;
    }
    return 0;
}

/* ---- as a tree ---- */

static int parse(struct payload_reader *reader, const struct payload_shape *shape,
                 struct parsed *to)
{
    const char *text;
    size_t size;
    struct bytes in = bytes_of(reader->body, reader->size);
    switch (to->kind) {
    case PAYLOAD_POINT_CBOR: return payload_tree_cbor(to->tree, in, &to->err);
    case PAYLOAD_POINT_MSGPACK: return payload_tree_msgpack(to->tree, in, &to->err);
    case PAYLOAD_POINT_PROTOBUF:
        return to->schema != NULL
                   ? payload_tree_protobuf(to->tree, to->schema, in, &to->err)
                   : err_set(&to->err, BUSBAR_EINVAL, "the message's type is not said");
    default: break;
    }
    int error = reader_text(reader, shape, &text, &size, &to->err);
    return error != 0 ? error : payload_tree_json(to->tree, text, size, &to->err);
}

static void say_place(struct parsed *parsed)
{
    static const char *const names[] = { "JSON", "CBOR", "MessagePack", "Protobuf" };
    if (parsed->err.line > 0) {
        (void)err_prefix(&parsed->err, "line %d, character %d", parsed->err.line,
                         parsed->err.column);
    }
    (void)err_prefix(&parsed->err, "no %s", names[parsed->kind]);
}

static bool is_parsed(const struct parsed *parsed, const struct payload_shape *shape, uint8_t kind)
{
    return parsed->kind == kind &&
           (kind != PAYLOAD_POINT_JSON || parsed->latin1 == shape->latin1) &&
           (kind != PAYLOAD_POINT_PROTOBUF || parsed->schema == shape->schema);
}

int reader_tree(struct payload_reader *reader, const struct payload_shape *shape, uint8_t kind,
                const struct payload_node **root, struct err *err)
{
    struct parsed *parsed = reader->parsed;
    struct parsed *end = parsed + reader->parsed_count;
    while (parsed < end && !is_parsed(parsed, shape, kind)) {
        parsed++;
    }
    if (parsed == end) {
        if (reader->parsed_count == READER_TREES_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "one message is read in more than %d ways",
                           READER_TREES_MAX);
        }
        reader->parsed_count++;
        parsed->kind = kind;
        parsed->latin1 = shape->latin1;
        parsed->schema = shape->schema;
        parsed->tree = parsed->tree != NULL ? parsed->tree : payload_tree_new();
        parsed->error = parse(reader, shape, parsed);
        if (parsed->error != 0) {
            parsed->error = parsed->error == BUSBAR_ESYNTAX ? BUSBAR_EPROTO : parsed->error;
            parsed->err.code = parsed->error;
            say_place(parsed);
        }
    }
    if (parsed->error != 0) {
        if (err != NULL) {
            *err = parsed->err;
        }
        return parsed->error;
    }
    *root = payload_tree_root(parsed->tree);
    return 0;
}

int reader_xml(struct payload_reader *reader, const struct payload_shape *shape,
               struct xml_document **out, struct err *err)
{
    if (reader->xml_known && reader->xml_latin1 != shape->latin1) {
        return err_set(err, BUSBAR_ELIMIT, "one XML message is read in two encodings");
    }
    if (!reader->xml_known) {
        reader->xml_known = true;
        reader->xml_latin1 = shape->latin1;
        reader->xml_error = xml_read(reader->body, reader->size,
                                     shape->latin1 ? "ISO-8859-1" : NULL, &reader->xml,
                                     &reader->xml_err);
    }
    if (reader->xml_error != 0 && err != NULL) {
        *err = reader->xml_err;
    }
    *out = reader->xml;
    return reader->xml_error;
}
