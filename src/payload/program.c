/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and programs, kept by what they say: thousands of devices of one profile have one. The key is all that was said,
 * as one text. */
#include "payload/program.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"
#include "payload/rule.h"

enum { KEY_BYTES_MAX = 64 << 20 };

struct payload_programs {
    const struct payload_schemas *schemas;
    struct map shapes, programs;
    uint32_t serial;
};

struct payload_programs *payload_programs_new(const struct payload_schemas *schemas)
{
    struct payload_programs *programs = busbar_alloc(sizeof(*programs));
    programs->schemas = schemas;
    map_init(&programs->shapes);
    map_init(&programs->programs);
    return programs;
}

void payload_programs_free(struct payload_programs *programs)
{
    void *value;
    if (programs == NULL) {
        return;
    }
    for (size_t at = 0; map_next(&programs->shapes, &at, NULL, &value);) {
        ((struct payload_shape *)value)->programs = NULL;
    }
    for (size_t at = 0; map_next(&programs->programs, &at, NULL, &value);) {
        ((struct payload_program *)value)->programs = NULL;
    }
    map_fini(&programs->shapes);
    map_fini(&programs->programs);
    busbar_free(programs);
}

/* ---- keys ---- */

static bool has_slot(const char *text)
{
    return text != NULL && strstr(text, "{id}") != NULL;
}

/* Ends with a character that no setting has. */
static void put_part(struct buf *key, const char *text)
{
    (void)buf_append_text(key, text != NULL ? text : "\x02");
    (void)buf_append_byte(key, 0x1f);
}

static void put_settings(struct buf *key, const struct settings *settings, size_t rows, bool *slot)
{
    for (size_t i = 0; i < rows; i++) {
        const struct setting *setting = settings_find(settings, i);
        if (setting == NULL || (rows == PAYLOAD_DEVICE_ROWS && i == PAYLOAD_DEVICE_ID)) {
            continue;
        }
        (void)buf_printf(key, "%zu=", i);
        option_print(&settings->options[i], setting->value, key);
        (void)buf_append_byte(key, 0x1f);
        *slot = *slot ||
                (settings->options[i].type == OPTION_TEXT && has_slot(setting->value.text));
    }
}

static char *key_take(struct buf *key, const char *id, bool slot)
{
    if (slot) {
        put_part(key, id);
    }
    (void)buf_append_byte(key, 0);
    return key->overflow ? NULL : (char *)buf_take(key, NULL);
}

/* ---- shapes ---- */

int payload_shape_get(struct payload_programs *programs, const struct settings *device,
                      const char *id, struct payload_shape **out, struct err *err)
{
    struct buf buf;
    bool slot = false;
    *out = NULL;
    buf_init(&buf, KEY_BYTES_MAX);
    put_settings(&buf, device, PAYLOAD_DEVICE_ROWS, &slot);
    char *key = key_take(&buf, id, slot);
    buf_fini(&buf);
    if (key == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    struct payload_shape *shape = map_get(&programs->shapes, key);
    if (shape != NULL) {
        busbar_free(key);
        *out = payload_shape_hold(shape);
        return 0;
    }
    shape = busbar_alloc(sizeof(*shape));
    int error = shape_read(shape, device, id, programs->schemas, true, err);
    if (error != 0) {
        busbar_free(shape);
        busbar_free(key);
        return error;
    }
    shape->programs = programs;
    shape->key = key;
    shape->holders = 1;
    shape->serial = ++programs->serial;
    (void)map_set(&programs->shapes, key, shape);
    *out = shape;
    return 0;
}

struct payload_shape *payload_shape_hold(struct payload_shape *shape)
{
    shape->holders++;
    return shape;
}

void payload_shape_drop(struct payload_shape *shape)
{
    if (shape == NULL || --shape->holders > 0) {
        return;
    }
    if (shape->programs != NULL) {
        (void)map_remove(&shape->programs->shapes, shape->key);
    }
    payload_shape_fini(shape);
    busbar_free(shape->key);
    busbar_free(shape);
}

bool payload_shape_has_id(const struct payload_shape *shape)
{
    return shape->has_id;
}

/* ---- programs ---- */

static char *program_key(const struct payload_shape *shape, const char *id,
                         const struct payload_rule_source *rules, size_t rule_count,
                         const struct payload_event_source *events, size_t event_count)
{
    struct buf key;
    bool slot = false;
    buf_init(&key, KEY_BYTES_MAX);
    (void)buf_printf(&key, "%u\x1f", (unsigned)shape->serial);
    for (size_t i = 0; i < rule_count; i++) {
        const struct payload_point *point = rules[i].point;
        (void)buf_printf(&key, "%u %u %u %u %u %u %u\x1f", (unsigned)rules[i].index,
                         (unsigned)point->kind, (unsigned)point->type, (unsigned)point->order,
                         (unsigned)point->first_bit, (unsigned)point->last_bit,
                         (unsigned)point->length);
        put_part(&key, point->expression);
        put_part(&key, point->at);
        put_part(&key, point->none);
        slot = slot || has_slot(point->expression) || has_slot(point->at);
    }
    for (size_t i = 0; i < event_count; i++) {
        const struct device_event *event = events[i].event;
        (void)buf_printf(&key, "event %u %u\x1f", (unsigned)events[i].index,
                         (unsigned)event->severity);
        put_part(&key, event->name);
        put_part(&key, event->title);
        put_part(&key, event->text);
        put_settings(&key, event->settings, PAYLOAD_EVENT_ROWS, &slot);
    }
    char *text = key_take(&key, id, slot);
    buf_fini(&key);
    return text;
}

static int rule_new(const struct payload_shape *shape, const char *id,
                    const struct payload_rule_source *source, struct rule *out, struct err *err)
{
    const struct payload_point *point = source->point;
    *out = (struct rule){ .index = source->index };
    int error = expression_new(point->kind, point->expression, id, true, &out->where, err);
    if (error == 0 && point->at != NULL) {
        error = expression_new(point->kind, point->at, id, true, &out->at, err);
        out->has_at = error == 0;
    }
    if (error == 0) {
        error = conversion_new(point->kind, point->type, point->none, shape->comma,
                               &out->conversion, err);
    }
    if (point->kind == PAYLOAD_POINT_BYTES) {
        out->where.as = point->type;
        out->where.order = point->order;
        out->where.first_bit = point->first_bit;
        out->where.last_bit = point->last_bit;
        out->where.length = point->length;
    }
    return error;
}

static void program_free(struct payload_program *program)
{
    for (size_t i = 0; i < program->rule_count; i++) {
        expression_fini(&program->rules[i].where);
        expression_fini(&program->rules[i].at);
        conversion_fini(&program->rules[i].conversion);
    }
    for (size_t i = 0; i < program->event_count; i++) {
        event_rule_fini(&program->events[i]);
    }
    busbar_free(program->rules);
    busbar_free(program->events);
    payload_shape_drop(program->shape);
    busbar_free(program->key);
    busbar_free(program);
}

static bool needs_schema(const struct payload_shape *shape, uint8_t kind)
{
    return kind == PAYLOAD_POINT_PROTOBUF && shape->schema == NULL;
}

static int compile(struct payload_program *program, const char *id,
                   const struct payload_rule_source *rules, size_t rule_count,
                   const struct payload_event_source *events, size_t event_count, struct err *err)
{
    int error = 0;
    program->rules = busbar_alloc_array(rule_count + 1, sizeof(*program->rules));
    program->events = busbar_alloc_array(event_count + 1, sizeof(*program->events));
    for (size_t i = 0; i < rule_count && error == 0; i++) {
        struct rule *rule = &program->rules[program->rule_count++];
        error = rule_new(program->shape, id, &rules[i], rule, err);
        program->named_columns = program->named_columns || (rule->where.kind == PAYLOAD_POINT_CSV &&
                                                            rule->where.name != NULL);
        if (error == 0 && needs_schema(program->shape, rule->where.kind)) {
            error = err_set(err, BUSBAR_EINVAL, "the Protobuf message's type is not said");
        }
    }
    for (size_t i = 0; i < event_count && error == 0; i++) {
        struct event_rule *rule = &program->events[program->event_count++];
        error = event_rule_new(&events[i], id, true, rule, err);
        if (error == 0 && needs_schema(program->shape, rule->where.kind)) {
            error = err_set(err, BUSBAR_EINVAL, "the Protobuf message's type is not said");
        }
    }
    return error;
}

int payload_program_get(struct payload_programs *programs, struct payload_shape *shape,
                        const char *id, const struct payload_rule_source *rules, size_t rule_count,
                        const struct payload_event_source *events, size_t event_count,
                        struct payload_program **out, struct err *err)
{
    *out = NULL;
    char *key = program_key(shape, id, rules, rule_count, events, event_count);
    if (key == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    struct payload_program *program = map_get(&programs->programs, key);
    if (program != NULL) {
        busbar_free(key);
        *out = payload_program_hold(program);
        return 0;
    }
    program = busbar_alloc(sizeof(*program));
    program->shape = payload_shape_hold(shape);
    program->holders = 1;
    program->key = key;
    int error = compile(program, id, rules, rule_count, events, event_count, err);
    if (error != 0) {
        program_free(program);
        return error;
    }
    program->programs = programs;
    (void)map_set(&programs->programs, key, program);
    *out = program;
    return 0;
}

struct payload_program *payload_program_hold(struct payload_program *program)
{
    program->holders++;
    return program;
}

void payload_program_drop(struct payload_program *program)
{
    if (program == NULL || --program->holders > 0) {
        return;
    }
    if (program->programs != NULL) {
        (void)map_remove(&program->programs->programs, program->key);
    }
    program_free(program);
}
