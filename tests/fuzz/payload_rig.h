/* SPDX-License-Identifier: Apache-2.0 */
/* A device with rules, and a message of fuzzed bytes: what explain says and what take does must agree, and a message must give
 * the same twice. */
#ifndef FUZZ_PAYLOAD_RIG_H
#define FUZZ_PAYLOAD_RIG_H

#include <assert.h>

#include "../unit/payload/rules_settings.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAYLOAD_RIG_RULES_MAX = 8 };

struct payload_rig {
    struct payload_programs *programs;
    struct payload_shape *shape;
    struct payload_program *program;
    struct payload_reader *reader;
    struct rig_settings device, points[PAYLOAD_RIG_RULES_MAX], event_settings;
    struct device_event event;
    struct payload_point read[PAYLOAD_RIG_RULES_MAX];
    struct arena arena;
    size_t count;
};

/* False: the settings are refused. points: one text a rule, the last one NULL. event: NULL: none. */
static inline bool payload_rig_open(struct payload_rig *rig, const char *device,
                                    const char *const *points, const char *event)
{
    const struct payload_event_source source = { .event = &rig->event };
    struct payload_rule_source rules[PAYLOAD_RIG_RULES_MAX];
    memset(rig, 0, sizeof(*rig));
    arena_init(&rig->arena, 0);
    rig_settings(&rig->device, payload_device_options, PAYLOAD_DEVICE_ROWS, device);
    rig->programs = payload_programs_new(NULL);
    rig->reader = payload_reader_new();
    for (; points[rig->count] != NULL; rig->count++) {
        struct point_facts facts = { .arena = &rig->arena };
        rig_settings(&rig->points[rig->count], payload_point_options, PAYLOAD_POINT_ROWS,
                     points[rig->count]);
        if (payload_point_read(&rig->points[rig->count].settings, &rig->device.settings, NULL,
                               &rig->read[rig->count], &facts, NULL) != 0) {
            return false;
        }
        rules[rig->count] = (struct payload_rule_source){ .point = &rig->read[rig->count],
                                                          .index = (uint32_t)rig->count };
    }
    rig_settings(&rig->event_settings, payload_event_options, PAYLOAD_EVENT_ROWS,
                 event != NULL ? event : "");
    rig->event = (struct device_event){ .name = "event",
                                        .title = "",
                                        .text = "{value} {a} {b} {",
                                        .settings = &rig->event_settings.settings };
    return payload_shape_get(rig->programs, &rig->device.settings, "dev", &rig->shape, NULL) == 0 &&
           payload_program_get(rig->programs, rig->shape, "dev", rules, rig->count, &source,
                               event != NULL, &rig->program, NULL) == 0;
}

static inline void payload_rig_close(struct payload_rig *rig)
{
    payload_program_drop(rig->program);
    payload_shape_drop(rig->shape);
    payload_programs_free(rig->programs);
    payload_reader_free(rig->reader);
    arena_fini(&rig->arena);
}

static inline void payload_rig_count(void *ctx, const struct payload_finding *finding)
{
    size_t *fine = ctx;
    *fine += finding->why == NULL;
    assert(finding->id != NULL);
}

static inline int payload_rig_take(struct payload_rig *rig, size_t *readings)
{
    struct err err = { 0 };
    size_t elements = 0;
    int error = payload_reader_elements(rig->reader, rig->shape, &elements, &err);
    *readings = 0;
    for (size_t i = 0; i < elements && error == 0; i++) {
        struct payload_taken taken;
        const char *id;
        size_t size;
        (void)payload_reader_id(rig->reader, rig->shape, i, &id, &size, &err);
        error = payload_reader_take(rig->reader, rig->program, i, &taken, &err);
        for (size_t r = 0; error == 0 && r < taken.reading_count; r++) {
            const struct payload_reading *reading = &taken.readings[r];
            assert(reading->index < rig->count && reading->type <= VALUE_TEXT);
            assert(reading->type != VALUE_TEXT ||
                   str_is_utf8(reading->value.text.bytes, reading->value.text.size));
        }
        for (size_t e = 0; error == 0 && e < taken.event_count; e++) {
            const char *text = taken.events[e].text;
            assert(str_is_utf8(text, strlen(text)) && strlen(text) <= EVENT_TEXT_MAX);
        }
        *readings += error == 0 ? taken.reading_count + taken.event_count : 0;
    }
    assert(error == 0 || err.message[0] != '\0');
    return error;
}

static inline void payload_rig_message(struct payload_rig *rig, const uint8_t *data, size_t size)
{
    size_t readings, again, fine = 0;
    uint8_t *copy = malloc(size + (size == 0));
    if (size > 0) {
        memcpy(copy, data, size);
    }
    struct payload_message message = { .body = copy, .size = size };
    if (payload_reader_open(rig->reader, &message, NULL) == 0) {
        int error = payload_rig_take(rig, &readings);
        assert(payload_reader_open(rig->reader, &message, NULL) == 0);
        assert(payload_rig_take(rig, &again) == error && (error != 0 || again == readings));
        if (error == 0) {
            int explained = payload_reader_explain(rig->reader, rig->shape, rig->program,
                                                   payload_rig_count, &fine, NULL);
            assert(explained == 0 && fine == readings);
        }
    }
    free(copy);
}

#endif
