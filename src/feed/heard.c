/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/heard.h"

#include <string.h>

#include "base/str.h"

enum { EXCERPT_MAX = 200 };

static void put_excerpt(const struct payload_message *message, struct buf *out)
{
    size_t size = message->size < EXCERPT_MAX ? message->size : EXCERPT_MAX;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = message->body[i];
        bool plain = byte >= ' ' && byte != 0x7f;
        if (plain || byte == '\n' || byte == '\t') {
            (void)buf_append_byte(out, plain ? byte : ' ');
        } else {
            (void)buf_printf(out, "\\x%02x", byte);
        }
    }
    if (size < message->size) {
        (void)buf_append_text(out, " ...");
    }
}

static void put_found(const struct feed_heard *what, const struct payload_message *message,
                      const struct payload_reading *reading, struct buf *out, struct sample *raw)
{
    *raw = (struct sample){ .type = VALUE_NONE, .quality = reading->quality };
    (void)buf_printf(out, "%s = ", what->rule);
    if (reading->type == VALUE_TEXT) {
        (void)buf_append(out, reading->value.text.bytes, reading->value.text.size);
    } else {
        raw->type = reading->type;
        raw->value = (union value){ .i = reading->value.i };
        if (reading->type == VALUE_BOOL) {
            raw->value.b = reading->value.b;
        } else if (reading->type == VALUE_DOUBLE) {
            raw->value.d = reading->value.d;
        }
        value_print(raw->type, raw->value, out);
    }
    (void)buf_append_text(out, " in ");
    put_excerpt(message, out);
}

/* Whether the element is of this device. */
static bool is_ours(struct payload_reader *reader, const struct payload_shape *shape,
                    size_t element, const char *id)
{
    const char *found;
    size_t size;
    return !payload_shape_has_id(shape) ||
           (payload_reader_id(reader, shape, element, &found, &size, NULL) == 0 &&
            strlen(id) == size && memcmp(found, id, size) == 0);
}

static bool look(struct payload_reader *reader, const struct payload_shape *shape,
                 const struct payload_program *program, const struct feed_heard *what,
                 const struct payload_message *message, struct buf *out, struct sample *raw)
{
    size_t count = 0;
    if (payload_reader_open(reader, message, NULL) != 0 ||
        payload_reader_elements(reader, shape, &count, NULL) != 0) {
        return false;
    }
    for (size_t i = count; i-- > 0;) {
        struct payload_taken taken;
        if (is_ours(reader, shape, i, what->id) &&
            payload_reader_take(reader, program, i, &taken, NULL) == 0 && taken.reading_count > 0) {
            put_found(what, message, &taken.readings[taken.reading_count - 1], out, raw);
            return true;
        }
    }
    return false;
}

bool feed_heard(struct feed *feed, const struct feed_heard *what,
                const struct payload_message *message, struct buf *out, struct sample *raw)
{
    struct payload_programs *programs = feed_programs(feed);
    const struct payload_rule_source rule = { .point = what->point };
    struct payload_shape *shape = NULL;
    struct payload_program *program = NULL;
    bool found = false;
    if (payload_shape_get(programs, what->dev->settings, what->id, &shape, NULL) != 0) {
        return false;
    }
    if (payload_program_get(programs, shape, what->id, &rule, 1, NULL, 0, &program, NULL) == 0) {
        struct payload_reader *reader = payload_reader_new();
        found = look(reader, shape, program, what, message, out, raw);
        payload_reader_free(reader);
        payload_program_drop(program);
    }
    payload_shape_drop(shape);
    return found;
}
