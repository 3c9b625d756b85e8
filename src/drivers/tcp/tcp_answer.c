/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_answer.h"

#include <string.h>

#include "base/alloc.h"
#include "drivers/tcp/tcp_point.h"

/* Devices that share a link answer by the same words: their ids tell them apart. */
static bool is_of(struct payload_reader *reader, const struct payload_shape *shape, size_t element,
                  const char *id)
{
    const char *told = NULL;
    size_t size = 0;
    return !payload_shape_has_id(shape) ||
           (payload_reader_id(reader, shape, element, &told, &size, NULL) == 0 &&
            strlen(id) == size && memcmp(id, told, size) == 0);
}

int tcp_answer_take(struct payload_reader *reader, const struct payload_message *message,
                    struct payload_shape *shape, struct payload_program *program, const char *id,
                    struct payload_taken *taken, struct err *err)
{
    size_t count = 0;
    int error = payload_reader_open(reader, message, err);
    if (error == 0) {
        error = payload_reader_elements(reader, shape, &count, err);
    }
    for (size_t i = 0; error == 0 && i < count; i++) {
        if (is_of(reader, shape, i, id)) {
            return payload_reader_take(reader, program, i, taken, err);
        }
    }
    return error;
}

int tcp_answer_program(const struct tcp_device *device, const struct tcp_question *question,
                       struct payload_shape *shape, struct payload_program **out, struct err *err)
{
    struct payload_rule_source *rules = busbar_alloc(question->count * sizeof(*rules));
    for (size_t i = 0; i < question->count; i++) {
        uint32_t point = question->points[i];
        rules[i] = (struct payload_rule_source){ .point = &tcp_address_of(device->dev, point)->rule,
                                                 .index = point };
    }
    int error = payload_program_get(feed_programs(device->state->feed), shape, device->id, rules,
                                    question->count, NULL, 0, out, err);
    busbar_free(rules);
    return error;
}

void tcp_late_question(struct tcp_late *late, const struct tcp_device *device,
                       const struct tcp_question *question)
{
    struct payload_programs *programs = feed_programs(device->state->feed);
    if (late->waits ||
        payload_shape_get(programs, device->dev->settings, device->id, &late->shape, NULL) != 0) {
        return;
    }
    if (tcp_answer_program(device, question, late->shape, &late->program, NULL) != 0) {
        payload_shape_drop(late->shape);
        return;
    }
    late->id = busbar_strdup(device->id);
    late->waits = true;
}

void tcp_late_write(struct tcp_late *late, struct tcp_match *answer, struct tcp_match *refusal)
{
    if (late->waits) {
        return;
    }
    *late = (struct tcp_late){ .waits = true, .answer = *answer, .refusal = *refusal };
    *answer = *refusal = (struct tcp_match){ 0 };
}

bool tcp_late_is(const struct tcp_late *late, struct payload_reader *reader,
                 const struct payload_message *message)
{
    struct payload_taken taken = { 0 };
    if (!late->waits) {
        return false;
    }
    if (late->program == NULL) {
        return tcp_match_try(&late->answer, reader, message, NULL, 0) ||
               (late->refusal.program != NULL &&
                tcp_match_try(&late->refusal, reader, message, NULL, 0));
    }
    return tcp_answer_take(reader, message, late->shape, late->program, late->id, &taken, NULL) ==
               0 &&
           taken.reading_count > 0;
}

void tcp_late_drop(struct tcp_late *late)
{
    if (late->program != NULL) {
        payload_program_drop(late->program);
        payload_shape_drop(late->shape);
    }
    busbar_free(late->id);
    tcp_match_fini(&late->answer);
    tcp_match_fini(&late->refusal);
    *late = (struct tcp_late){ 0 };
}
