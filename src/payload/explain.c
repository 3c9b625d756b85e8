/* SPDX-License-Identifier: Apache-2.0 */
/* What each rule takes out of a message, for a person: past what is wrong. */
#include <string.h>

#include "base/str.h"
#include "payload/reader_parts.h"

enum { FOUND_MAX = 500, WHY_MAX = 640 };

struct explaining {
    struct payload_reader *reader;
    const struct payload_program *program;
    payload_finding_cb cb;
    void *ctx;
    size_t element;
    const char *id;
    int64_t time_us;
};

static void print_why(const struct err *err, char *to, size_t size)
{
    str_format(to, size, "%s%s%s", err->message, err->hint[0] != '\0' ? "; " : "", err->hint);
}

/* Why a rule that is right finds nothing in this message. */
static const char *nothing(const struct payload_reader *reader, const struct expression *expression)
{
    if (reader->found.count > 0) {
        return "there is no value: null or empty; the point keeps what it has";
    }
    switch (expression->kind) {
    case PAYLOAD_POINT_MATCH: return "it does not match; the point keeps what it has";
    case PAYLOAD_POINT_BYTES: return "the message ends before it; the point keeps what it has";
    case PAYLOAD_POINT_CSV: return "there is no such column; the point keeps what it has";
    case PAYLOAD_POINT_KEY: return "there is no such key; the point keeps what it has";
    case PAYLOAD_POINT_ABOUT: return "nothing is said of it; the point keeps what it has";
    default: return "nothing stands there; the point keeps what it has";
    }
}

static void print_found(const struct nodes *found, char *to, size_t size)
{
    size_t used;
    node_print(&found->at[0], to, size - 24);
    used = strlen(to);
    if (found->count > 1) {
        str_format(to + used, size - used, " and %zu more", found->count - 1);
    }
}

static void explain_rule(struct explaining *explaining, const struct rule *rule)
{
    struct payload_reader *reader = explaining->reader;
    char found[FOUND_MAX], why[WHY_MAX];
    struct err err = { 0 };
    struct payload_finding finding = { .index = rule->index,
                                       .element = explaining->element,
                                       .id = explaining->id };
    reader->reading_count = reader->found.count = 0;
    int error = take_rule(reader, explaining->program, rule, explaining->element,
                          explaining->time_us, &err);
    if (reader->found.count > 0) {
        print_found(&reader->found, found, sizeof(found));
        finding.found = found;
    }
    if (error != 0) {
        print_why(&err, why, sizeof(why));
        finding.why = why;
    } else if (reader->reading_count == 0) {
        finding.why = nothing(reader, &rule->where);
    }
    size_t count = error == 0 && reader->reading_count > 0 ? reader->reading_count : 1;
    for (size_t i = 0; i < count; i++) {
        if (finding.why == NULL) {
            finding.reading = reader->readings[i];
        }
        explaining->cb(explaining->ctx, &finding);
    }
}

static void explain_event(struct explaining *explaining, const struct event_rule *rule)
{
    struct payload_reader *reader = explaining->reader;
    char why[WHY_MAX];
    struct err err = { 0 };
    struct payload_finding finding = {
        .index = rule->index, .event = true, .element = explaining->element, .id = explaining->id
    };
    reader->event_count = 0;
    int error = take_event(reader, explaining->program, rule, explaining->element,
                           explaining->time_us, &err);
    if (error != 0) {
        print_why(&err, why, sizeof(why));
        finding.why = why;
    } else if (reader->event_count == 0) {
        finding.why = "it does not happen in this message";
    }
    size_t count = error == 0 && reader->event_count > 0 ? reader->event_count : 1;
    for (size_t i = 0; i < count; i++) {
        if (finding.why == NULL) {
            const struct event *event = &reader->events[i];
            finding.found = event->text;
            finding.reading = (struct payload_reading){ .index = rule->index,
                                                        .type = VALUE_TEXT,
                                                        .time_us = event->time_us };
            finding.reading.value.text.bytes = event->text;
            finding.reading.value.text.size = (uint32_t)strlen(event->text);
        }
        explaining->cb(explaining->ctx, &finding);
    }
}

int payload_reader_explain(struct payload_reader *reader, const struct payload_shape *shape,
                           const struct payload_program *program, payload_finding_cb cb, void *ctx,
                           struct err *err)
{
    char name[READER_ID_MAX + 1];
    size_t count;
    int error = payload_reader_elements(reader, shape, &count, err);
    for (size_t i = 0; i < count && error == 0; i++) {
        struct explaining explaining = {
            .reader = reader, .program = program, .cb = cb, .ctx = ctx, .element = i, .id = ""
        };
        const char *id = NULL;
        size_t size = 0;
        if (payload_reader_id(reader, shape, i, &id, &size, NULL) == 0) {
            str_format(name, sizeof(name), "%.*s", (int)size, id);
            explaining.id = name;
        }
        error = element_time(reader, i, &explaining.time_us, err);
        for (size_t r = 0; r < program->rule_count && error == 0; r++) {
            explain_rule(&explaining, &program->rules[r]);
        }
        for (size_t e = 0; e < program->event_count && error == 0; e++) {
            explain_event(&explaining, &program->events[e]);
        }
    }
    return error;
}
