/* SPDX-License-Identifier: Apache-2.0 */
/* Readings and events out of one part of a message: all of them, or none. */
#include <string.h>

#include "base/str.h"
#include "model/quality.h"
#include "payload/reader_parts.h"

enum { SHOWN_MAX = 60 };

int rule_wrong(const struct expression *expression, int error, struct err *err)
{
    if (error == BUSBAR_ENOMEM) {
        return err_set(err, error, "out of memory");
    }
    (void)err_prefix(err, "%s%s%.*s", expression_word(expression->kind),
                     expression->text != NULL ? " " : "", SHOWN_MAX,
                     expression->text != NULL ? expression->text : "");
    return error;
}

static struct payload_reading *new_reading(struct payload_reader *reader)
{
    if (reader->reading_count == reader->reading_capacity) {
        struct payload_reading *grown = reader_grow(reader->readings, &reader->reading_capacity,
                                                    reader->reading_count + 1, sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        reader->readings = grown;
    }
    return &reader->readings[reader->reading_count];
}

/* ---- readings ---- */

static int find_times(struct payload_reader *reader, const struct payload_program *program,
                      const struct rule *rule, size_t element, struct err *err)
{
    size_t values = reader->found.count;
    int error = reader_find(reader, &rule->at, element, program->named_columns, &reader->times,
                            err);
    if (error != 0) {
        return rule_wrong(&rule->at, error, err);
    }
    if (reader->times.count > 1 && reader->times.count != values) {
        err_set(err, BUSBAR_EPROTO, "'at' finds %zu times for %zu values", reader->times.count,
                values);
        (void)err_hint(err, "make a reading of each element: each: json $.list[*]");
        return rule_wrong(&rule->at, BUSBAR_EPROTO, err);
    }
    return 0;
}

/* The time of the n-th value. */
static int value_time(struct payload_reader *reader, const struct rule *rule, size_t number,
                      int64_t *time_us, struct err *err)
{
    const struct nodes *times = &reader->times;
    if (!rule->has_at || times->count == 0) {
        return 0;
    }
    int64_t own_us;
    int result = time_read(&reader->shape->time_rule, &times->at[times->count > 1 ? number : 0],
                           &own_us, err);
    *time_us = result == 1 ? own_us : *time_us;
    return result < 0 ? rule_wrong(&rule->at, result, err) : 0;
}

int take_rule(struct payload_reader *reader, const struct payload_program *program,
              const struct rule *rule, size_t element, int64_t time_us, struct err *err)
{
    int error = reader_find(reader, &rule->where, element, program->named_columns, &reader->found,
                            err);
    if (error != 0) {
        return rule_wrong(&rule->where, error, err);
    }
    if (rule->has_at && reader->found.count > 0) {
        error = find_times(reader, program, rule, element, err);
    }
    for (size_t i = 0; i < reader->found.count && error == 0; i++) {
        struct payload_reading *reading = new_reading(reader);
        if (reading == NULL) {
            return err_set(err, BUSBAR_ENOMEM, "out of memory");
        }
        int result = convert_node(&rule->conversion, &reader->found.at[i], &reader->scratch,
                                  reading, err);
        if (result < 0) {
            return rule_wrong(&rule->where, result, err);
        }
        if (result == 0) {
            continue;
        }
        reading->index = rule->index;
        reading->time_us = time_us;
        error = value_time(reader, rule, i, &reading->time_us, err);
        reader->reading_count++;
    }
    return error;
}

/* ---- events ---- */

static bool is_true(const struct payload_node *node)
{
    switch (node->type) {
    case PAYLOAD_NULL: return false;
    case PAYLOAD_BOOL: return node->value.b;
    case PAYLOAD_INT: return node->value.i != 0;
    case PAYLOAD_DOUBLE: return node->value.d != 0;
    case PAYLOAD_TEXT: {
        bool yes = true;
        const char *text = node->value.text;
        size_t size = node->size;
        text_trim(&text, &size);
        (void)text_bool(text, size, &yes);
        return size > 0 && yes && !(size == 1 && text[0] == '0');
    }
    default: return node->size > 0;
    }
}

static const struct text *keep_text(struct scratch *scratch, const char *bytes, size_t size)
{
    size = str_utf8_cut(bytes, size, EVENT_TEXT_MAX);
    struct text *text = scratch_room(scratch, sizeof(*text) + size + 1);
    if (text != NULL) {
        text->size = (uint32_t)size;
        memcpy(text->bytes, bytes, size);
        text->bytes[size] = '\0';
    }
    return text;
}

static int put_argument(struct payload_reader *reader, const char *name,
                        const struct payload_node *node, struct event_argument *arguments,
                        size_t *count)
{
    static const struct conversion plain = { .as = PAYLOAD_AS_AUTO };
    struct payload_reading reading;
    struct event_argument *argument = &arguments[*count];
    if (node->type == PAYLOAD_ARRAY || node->type == PAYLOAD_OBJECT) {
        return 0;
    }
    int result = convert_node(&plain, node, &reader->scratch, &reading, NULL);
    if (result <= 0 || reading.type == VALUE_NONE) {
        return result < 0 ? result : 0;
    }
    *argument = (struct event_argument){ .name = name, .type = reading.type };
    if (reading.type == VALUE_TEXT) {
        argument->value.text = keep_text(&reader->scratch, reading.value.text.bytes,
                                         reading.value.text.size);
        if (argument->value.text == NULL) {
            return BUSBAR_ENOMEM;
        }
    } else {
        memcpy(&argument->value, &reading.value, sizeof(argument->value.bits));
    }
    ++*count;
    return 0;
}

static int put_groups(struct payload_reader *reader, const struct match *match, const char *text,
                      struct event_argument *arguments, size_t *count)
{
    const char *name;
    unsigned group;
    for (size_t i = 0; (name = match_name(match, i, &group)) != NULL; i++) {
        struct payload_node node = { .type = PAYLOAD_TEXT, .next = 1 };
        size_t size;
        if (match_group(match, text, group, &node.value.text, &size)) {
            node.size = (uint32_t)size;
            int error = put_argument(reader, name, &node, arguments, count);
            if (error != 0) {
                return error;
            }
        }
    }
    return 0;
}

static int put_parts(struct payload_reader *reader, const struct payload_program *program,
                     const struct event_rule *rule, size_t element,
                     struct event_argument *arguments, size_t *count, struct err *err)
{
    for (size_t i = 0; i < rule->argument_count; i++) {
        const struct event_part *part = &rule->arguments[i];
        int error = reader_find(reader, &part->where, element, program->named_columns,
                                &reader->times, err);
        if (error == 0 && reader->times.count > 0) {
            error = put_argument(reader, part->name, reader->times.at, arguments, count);
        }
        if (error != 0) {
            return rule_wrong(&part->where, error, err);
        }
    }
    return 0;
}

static const struct event_argument *find_argument(const struct event_argument *arguments,
                                                  size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(arguments[i].name) == size && memcmp(arguments[i].name, name, size) == 0) {
            return &arguments[i];
        }
    }
    return NULL;
}

/* "door {door} {what}" */
static const char *put_words(struct payload_reader *reader, const char *template,
                             const struct event_argument *arguments, size_t count)
{
    struct buf out;
    buf_init(&out, EVENT_TEXT_MAX);
    while (*template != '\0') {
        const char *end = template[0] == '{' ? strchr(template, '}') : NULL;
        const struct event_argument *argument = end != NULL
                                                    ? find_argument(arguments, count, template + 1,
                                                                    (size_t)(end - template) - 1)
                                                    : NULL;
        if (argument != NULL) {
            value_print(argument->type, argument->value, &out);
            template = end + 1;
        } else {
            (void)buf_append_byte(&out, (uint8_t) * template ++);
        }
    }
    const struct text *text = keep_text(&reader->scratch, buf_text(&out), out.size);
    buf_fini(&out);
    return text != NULL ? text->bytes : NULL;
}

static int add_event(struct payload_reader *reader, const struct event_rule *rule, int64_t time_us,
                     const struct event_argument *arguments, size_t count)
{
    if (reader->event_count == reader->event_capacity) {
        struct event *grown = reader_grow(reader->events, &reader->event_capacity,
                                          reader->event_count + 1, sizeof(*grown));
        if (grown == NULL) {
            return BUSBAR_ENOMEM;
        }
        reader->events = grown;
    }
    const char *text = count > 0 ? put_words(reader, rule->text, arguments, count) : rule->text;
    struct event_argument *kept = scratch_room(&reader->scratch, count * sizeof(*kept) + 1);
    if (text == NULL || kept == NULL) {
        return BUSBAR_ENOMEM;
    }
    memcpy(kept, arguments, count * sizeof(*kept));
    reader->events[reader->event_count++] = (struct event){ .time_us = time_us,
                                                            .kind = rule->name,
                                                            .text = text,
                                                            .severity = rule->severity,
                                                            .arguments = kept,
                                                            .argument_count = count };
    return 0;
}

static int take_matches(struct payload_reader *reader, const struct payload_program *program,
                        const struct event_rule *rule, size_t element, int64_t time_us,
                        struct err *err)
{
    const char *text;
    size_t size, at = 0;
    struct match *match = rule->where.match;
    int error = element_text(reader, element, &text, &size, err);
    for (size_t i = 0; error == 0 && at <= size && i < READER_EVENTS_MAX; i++) {
        struct event_argument arguments[MATCH_GROUPS_MAX + PAYLOAD_EVENT_ARGUMENTS_MAX];
        size_t count = 0;
        int found = match_find(match, text, size, at, err);
        if (found <= 0) {
            return found;
        }
        at = match_end(match, text, size);
        error = put_groups(reader, match, text, arguments, &count);
        if (error == 0) {
            error = put_parts(reader, program, rule, element, arguments, &count, err);
        }
        if (error == 0) {
            error = add_event(reader, rule, time_us, arguments, count);
        }
    }
    return error;
}

static int take_found(struct payload_reader *reader, const struct payload_program *program,
                      const struct event_rule *rule, size_t element, int64_t time_us,
                      struct err *err)
{
    int error = reader_find(reader, &rule->where, element, program->named_columns, &reader->found,
                            err);
    for (size_t i = 0; error == 0 && i < reader->found.count && i < READER_EVENTS_MAX; i++) {
        struct event_argument arguments[PAYLOAD_EVENT_ARGUMENTS_MAX];
        size_t count = 0;
        if (!is_true(&reader->found.at[i])) {
            continue;
        }
        if (rule->argument_count > 0) {
            error = put_parts(reader, program, rule, element, arguments, &count, err);
        } else {
            error = put_argument(reader, "value", &reader->found.at[i], arguments, &count);
        }
        if (error == 0) {
            error = add_event(reader, rule, time_us, arguments, count);
        }
    }
    return error;
}

int take_event(struct payload_reader *reader, const struct payload_program *program,
               const struct event_rule *rule, size_t element, int64_t time_us, struct err *err)
{
    int error = rule->where.kind == PAYLOAD_POINT_MATCH
                    ? take_matches(reader, program, rule, element, time_us, err)
                    : take_found(reader, program, rule, element, time_us, err);
    return error != 0 ? rule_wrong(&rule->where, error, err) : 0;
}

/* ---- all of an element ---- */

/* Stays until the next message, when others are taken. */
static int keep(struct payload_reader *reader, struct payload_taken *out, struct err *err)
{
    size_t readings = reader->reading_count * sizeof(*reader->readings);
    size_t events = reader->event_count * sizeof(*reader->events);
    void *room = readings > 0 ? scratch_room(&reader->scratch, readings) : NULL;
    void *more = events > 0 ? scratch_room(&reader->scratch, events) : NULL;
    if ((readings > 0 && room == NULL) || (events > 0 && more == NULL)) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    if (readings > 0) {
        memcpy(room, reader->readings, readings);
    }
    if (events > 0) {
        memcpy(more, reader->events, events);
    }
    out->readings = room;
    out->reading_count = reader->reading_count;
    out->events = more;
    out->event_count = reader->event_count;
    return 0;
}

int payload_reader_take(struct payload_reader *reader, const struct payload_program *program,
                        size_t element, struct payload_taken *out, struct err *err)
{
    int64_t time_us;
    *out = (struct payload_taken){ .wrong = UINT32_MAX };
    int error = reader_focus(reader, program->shape, err);
    if (error != 0 || element >= reader->element_count) {
        return error;
    }
    reader->reading_count = reader->event_count = 0;
    error = element_time(reader, element, &time_us, err);
    for (size_t i = 0; i < program->rule_count && error == 0; i++) {
        error = take_rule(reader, program, &program->rules[i], element, time_us, err);
        if (error == 0 && reader->reading_count > PAYLOAD_READINGS_MAX) {
            error = err_set(err, BUSBAR_ELIMIT, "the message has more than %d values",
                            PAYLOAD_READINGS_MAX);
        }
        out->wrong = error != 0 ? program->rules[i].index : UINT32_MAX;
    }
    for (size_t i = 0; i < program->event_count && error == 0; i++) {
        error = take_event(reader, program, &program->events[i], element, time_us, err);
    }
    return error == 0 ? keep(reader, out, err) : error;
}
