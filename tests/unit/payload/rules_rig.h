/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and messages as texts: "json=$.co2\ntype=int" is a point, "each=csv\nseparator=;" a device. What is taken comes back as
 * a text: "0 int 21", "0 nothing", "! why". */
#ifndef TEST_RULES_RIG_H
#define TEST_RULES_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "model/quality.h"
#include "unit/payload/rules_settings.h"

enum { RIG_RULES_MAX = 8 };

struct rig {
    const struct payload_schemas *schemas; /* borrowed; NULL: none */
    struct payload_programs *programs;
    struct payload_shape *shape;
    struct payload_program *program;
    struct payload_reader *reader;
    struct arena arena;
    struct rig_settings device, points[RIG_RULES_MAX], events[RIG_RULES_MAX];
    struct payload_point read[RIG_RULES_MAX];
    struct device_event event[RIG_RULES_MAX];
    size_t point_count, event_count;
    struct err err;
    struct buf printed; /* with its memory, so that printing never fails */
    char out[RIG_TEXT_MAX];
};

static inline int rig_device_of(struct rig *rig, const char *text,
                                const struct payload_schemas *schemas)
{
    memset(rig, 0, sizeof(*rig));
    rig->schemas = schemas;
    rig_settings(&rig->device, payload_device_options, PAYLOAD_DEVICE_ROWS, text);
    rig->programs = payload_programs_new(schemas);
    rig->reader = payload_reader_new();
    arena_init(&rig->arena, 0);
    buf_init(&rig->printed, RIG_TEXT_MAX - 1);
    (void)buf_reserve(&rig->printed, RIG_TEXT_MAX - 1);
    return payload_device_check(&rig->device.settings, schemas, &rig->err);
}

static inline int rig_device(struct rig *rig, const char *text)
{
    return rig_device_of(rig, text, NULL);
}

static inline int rig_point(struct rig *rig, const char *text, uint8_t *type)
{
    size_t i = rig->point_count++;
    struct point_facts facts = { .arena = &rig->arena };
    rig_settings(&rig->points[i], payload_point_options, PAYLOAD_POINT_ROWS, text);
    int error = payload_point_read(&rig->points[i].settings, &rig->device.settings, rig->schemas,
                                   &rig->read[i], &facts, &rig->err);
    if (type != NULL) {
        *type = facts.value_type;
    }
    return error;
}

static inline int rig_event(struct rig *rig, const char *name, const char *text,
                            const char *settings)
{
    size_t i = rig->event_count++;
    rig_settings(&rig->events[i], payload_event_options, PAYLOAD_EVENT_ROWS, settings);
    rig->event[i] = (struct device_event){ .name = name,
                                           .title = "",
                                           .text = text,
                                           .severity = EVENT_HIGH,
                                           .settings = &rig->events[i].settings };
    return payload_event_check(&rig->device.settings, &rig->events[i].settings, rig->schemas,
                               &rig->err);
}

static inline void rig_compile(struct rig *rig, const char *id)
{
    struct payload_rule_source rules[RIG_RULES_MAX];
    struct payload_event_source events[RIG_RULES_MAX];
    for (size_t i = 0; i < rig->point_count; i++) {
        rules[i] = (struct payload_rule_source){ .point = &rig->read[i], .index = (uint32_t)i };
    }
    for (size_t i = 0; i < rig->event_count; i++) {
        events[i] = (struct payload_event_source){ .event = &rig->event[i], .index = (uint32_t)i };
    }
    if (payload_shape_get(rig->programs, &rig->device.settings, id, &rig->shape, &rig->err) != 0 ||
        payload_program_get(rig->programs, rig->shape, id, rules, rig->point_count, events,
                            rig->event_count, &rig->program, &rig->err) != 0) {
        fail_msg("%s", rig->err.message);
    }
}

static inline void rig_fini(struct rig *rig)
{
    payload_program_drop(rig->program);
    payload_shape_drop(rig->shape);
    payload_programs_free(rig->programs);
    payload_reader_free(rig->reader);
    arena_fini(&rig->arena);
    buf_fini(&rig->printed);
}

static inline void rig_print(struct buf *out, const struct payload_reading *reading)
{
    char number[40];
    (void)buf_printf(out, "%s%u ", out->size > 0 ? ", " : "", (unsigned)reading->index);
    switch (reading->type) {
    case VALUE_NONE: (void)buf_printf(out, "none %u", (unsigned)reading->quality); break;
    case VALUE_BOOL: (void)buf_printf(out, "bool %d", reading->value.b); break;
    case VALUE_INT: (void)buf_printf(out, "int %lld", (long long)reading->value.i); break;
    case VALUE_DOUBLE:
        str_format_double(number, sizeof(number), reading->value.d);
        (void)buf_printf(out, "double %s", number);
        break;
    default:
        (void)buf_printf(out, "text %.*s", (int)reading->value.text.size,
                         reading->value.text.bytes);
    }
    if (reading->time_us != 0) {
        str_format_time(number, sizeof(number), reading->time_us, 0, true);
        (void)buf_printf(out, " @%s", number);
    }
}

/* What all elements of a message give, from an exact-size copy. */
static inline const char *rig_take_message(struct rig *rig, struct payload_message message)
{
    struct buf *out = &rig->printed;
    size_t count = 0;
    struct err err = { 0 };
    uint8_t *copy = malloc(message.size + (message.size == 0));
    memcpy(copy, message.body, message.size);
    message.body = copy;
    buf_clear(out);
    int error = payload_reader_open(rig->reader, &message, &err);
    if (error == 0) {
        error = payload_reader_elements(rig->reader, rig->shape, &count, &err);
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        struct payload_taken taken;
        const char *id;
        size_t size;
        error = payload_reader_id(rig->reader, rig->shape, i, &id, &size, &err);
        if (error != 0 && error != BUSBAR_ENOENT) {
            break;
        }
        if (error == 0) {
            (void)buf_printf(out, "%s[%.*s]", out->size > 0 ? ", " : "", (int)size, id);
        }
        error = payload_reader_take(rig->reader, rig->program, i, &taken, &err);
        for (size_t r = 0; error == 0 && r < taken.reading_count; r++) {
            rig_print(out, &taken.readings[r]);
        }
        for (size_t e = 0; error == 0 && e < taken.event_count; e++) {
            (void)buf_printf(out, "%s%s: %s", out->size > 0 ? ", " : "", taken.events[e].kind,
                             taken.events[e].text);
        }
    }
    (void)str_copy(rig->out, sizeof(rig->out), out->size > 0 ? buf_text(out) : "nothing");
    if (error != 0) {
        str_format(rig->out, sizeof(rig->out), "! %s", err.message);
        assert_int_equal(err.code, error);
        rig->err = err;
    }
    free(copy);
    return rig->out;
}

static inline const char *rig_take(struct rig *rig, const char *body, size_t size)
{
    return rig_take_message(
        rig, (struct payload_message){ .body = (const uint8_t *)body, .size = size });
}

struct rig_row {
    const char *device, *point, *message, *taken; /* taken "! ...": begins so */
};

static inline void rig_rows(const struct rig_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rig rig;
        const struct rig_row *row = &rows[i];
        if (rig_device(&rig, row->device) != 0 || rig_point(&rig, row->point, NULL) != 0) {
            fail_msg("row %zu: %s", i, rig.err.message);
        }
        rig_compile(&rig, "dev");
        const char *taken = rig_take(&rig, row->message, strlen(row->message));
        bool same = row->taken[0] == '!' ? strncmp(taken, row->taken, strlen(row->taken)) == 0
                                         : strcmp(taken, row->taken) == 0;
        if (!same) {
            fail_msg("row %zu (%s on %s): '%s' instead of '%s'", i, row->point, row->message, taken,
                     row->taken);
        }
        rig_fini(&rig);
    }
}

#endif
