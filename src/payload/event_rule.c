/* SPDX-License-Identifier: Apache-2.0 */
/* Events that messages tell of. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "payload/rule.h"

enum { KINDS = PAYLOAD_EVENT_ABOUT + 1, SHOWN_MAX = 60 };

/* An event's row to a point's. */
static const uint8_t kinds[KINDS] = {
    [PAYLOAD_EVENT_JSON] = PAYLOAD_POINT_JSON,
    [PAYLOAD_EVENT_CBOR] = PAYLOAD_POINT_CBOR,
    [PAYLOAD_EVENT_MSGPACK] = PAYLOAD_POINT_MSGPACK,
    [PAYLOAD_EVENT_PROTOBUF] = PAYLOAD_POINT_PROTOBUF,
    [PAYLOAD_EVENT_XML] = PAYLOAD_POINT_XML,
    [PAYLOAD_EVENT_CSV] = PAYLOAD_POINT_CSV,
    [PAYLOAD_EVENT_KEY] = PAYLOAD_POINT_KEY,
    [PAYLOAD_EVENT_MATCH] = PAYLOAD_POINT_MATCH,
    [PAYLOAD_EVENT_ABOUT] = PAYLOAD_POINT_ABOUT,
};

/* In a row of the event: the error stands there. */
static int at_row(const struct settings *event, size_t row, int error, struct err *err)
{
    if (error != 0 && err != NULL) {
        struct position at = settings_at(event, row);
        err->line = at.line;
        err->column = at.column;
    }
    return error;
}

static int find_row(const struct settings *event, size_t *row, struct err *err)
{
    *row = KINDS;
    for (size_t i = 0; i < KINDS; i++) {
        if (settings_has(event, i) && *row != KINDS) {
            return err_at(err, BUSBAR_EINVAL, settings_at(event, i), "take one of them out",
                          "both '%s' and '%s' say when it happens", event->options[*row].key,
                          event->options[i].key);
        }
        *row = settings_has(event, i) ? i : *row;
    }
    return *row < KINDS ? 0
                        : err_at(err, BUSBAR_EINVAL, event->at,
                                 "add match: '^DOOR (?<door>\\d+) OPEN$', json: $.fault or another",
                                 "nothing says when the event happens");
}

static int read_argument(struct event_rule *out, const struct settings *event, uint8_t kind,
                         char *text, const char *id, bool jit, struct err *err)
{
    char *equals = strchr(text, '=');
    struct event_part *part = &out->arguments[out->argument_count];
    const char *name = text;
    if (equals == NULL) {
        return err_at(err, BUSBAR_EINVAL, settings_at(event, PAYLOAD_EVENT_ARGUMENTS),
                      "name=place, with commas between: code=$.fault.code, since=$.fault.ts",
                      "arguments: '%.*s' has no =", SHOWN_MAX, text);
    }
    size_t size = (size_t)(equals - text);
    text_trim(&name, &size);
    ((char *)name)[size] = '\0';
    char *place = str_trim(equals + 1);
    if (size == 0 || size > EVENT_NAME_MAX) {
        return err_at(err, BUSBAR_EINVAL, settings_at(event, PAYLOAD_EVENT_ARGUMENTS),
                      "name=place, with commas between",
                      "arguments: a name of 1 to %d bytes is missing", EVENT_NAME_MAX);
    }
    int error = at_row(event, PAYLOAD_EVENT_ARGUMENTS,
                       expression_new(kind, place, id, jit, &part->where, err), err);
    if (error != 0) {
        return error;
    }
    part->name = name;
    part->name_size = size;
    out->argument_count++;
    return 0;
}

/* A comma ends a place, but not in brackets and quotes. */
static char *place_end(char *text)
{
    int depth = 0;
    char quote = '\0';
    for (; *text != '\0'; text++) {
        if (quote != '\0') {
            quote = *text == quote ? '\0' : quote;
        } else if (*text == '\'' || *text == '"') {
            quote = *text;
        } else if (*text == '[' || *text == '(') {
            depth++;
        } else if (*text == ']' || *text == ')') {
            depth--;
        } else if (*text == ',' && depth <= 0) {
            return text;
        }
    }
    return NULL;
}

static int read_arguments(struct event_rule *out, const struct settings *event, uint8_t kind,
                          const char *id, bool jit, struct err *err)
{
    const char *text = settings_text(event, PAYLOAD_EVENT_ARGUMENTS);
    out->arguments_text = busbar_strdup(text);
    for (char *at = out->arguments_text; at != NULL;) {
        char *end = place_end(at);
        if (end != NULL) {
            *end = '\0';
        }
        if (out->argument_count == PAYLOAD_EVENT_ARGUMENTS_MAX) {
            return err_at(err, BUSBAR_ELIMIT, settings_at(event, PAYLOAD_EVENT_ARGUMENTS), NULL,
                          "more than %d arguments", PAYLOAD_EVENT_ARGUMENTS_MAX);
        }
        int error = read_argument(out, event, kind, at, id, jit, err);
        if (error != 0) {
            return error;
        }
        at = end != NULL ? end + 1 : NULL;
    }
    return 0;
}

static int read_rule(const struct settings *event, const char *id, bool jit, struct event_rule *out,
                     struct err *err)
{
    size_t row = 0;
    int error = find_row(event, &row, err);
    if (error != 0) {
        return error;
    }
    error = at_row(event, row,
                   expression_new(kinds[row], settings_text(event, row), id, jit, &out->where, err),
                   err);
    return error != 0 ? error : read_arguments(out, event, kinds[row], id, jit, err);
}

int event_rule_new(const struct payload_event_source *source, const char *id, bool jit,
                   struct event_rule *out, struct err *err)
{
    const struct device_event *event = source->event;
    *out = (struct event_rule){ .index = source->index, .severity = event->severity };
    int error = read_rule(event->settings, id, jit, out, err);
    if (error != 0) {
        event_rule_fini(out);
        return error;
    }
    const char *text = event->text[0] != '\0'    ? event->text
                       : event->title[0] != '\0' ? event->title
                                                 : event->name;
    out->name = busbar_strdup(event->name);
    out->text = busbar_strdup(text);
    return 0;
}

void event_rule_fini(struct event_rule *rule)
{
    expression_fini(&rule->where);
    for (size_t i = 0; i < rule->argument_count; i++) {
        expression_fini(&rule->arguments[i].where);
    }
    busbar_free(rule->name);
    busbar_free(rule->text);
    busbar_free(rule->arguments_text);
    *rule = (struct event_rule){ 0 };
}

/* Whether the type of Protobuf messages has what the event names. */
static int check_message(const struct event_rule *rule, const struct settings *device,
                         const struct settings *event, const struct payload_schemas *schemas,
                         struct err *err)
{
    if (rule->where.kind != PAYLOAD_POINT_PROTOBUF) {
        return 0;
    }
    if (!settings_has(device, PAYLOAD_DEVICE_MESSAGE)) {
        return err_at(err, BUSBAR_EINVAL, settings_at(event, PAYLOAD_EVENT_PROTOBUF),
                      "add message: acme.Reading to the device", "the message's type is not said");
    }
    int error = at_row(event, PAYLOAD_EVENT_PROTOBUF,
                       expression_check(&rule->where, device, schemas, true, err), err);
    for (size_t i = 0; i < rule->argument_count && error == 0; i++) {
        error = at_row(event, PAYLOAD_EVENT_ARGUMENTS,
                       expression_check(&rule->arguments[i].where, device, schemas, true, err),
                       err);
    }
    return error;
}

int payload_event_check(const struct settings *device, const struct settings *event,
                        const struct payload_schemas *schemas, struct err *err)
{
    struct event_rule rule = { 0 };
    int error = read_rule(event, settings_text(device, PAYLOAD_DEVICE_ID), false, &rule, err);
    if (error == 0) {
        error = check_message(&rule, device, event, schemas, err);
    }
    event_rule_fini(&rule);
    return error;
}
