/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/event_words.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/str.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum { SEVERITY_CRITICAL = 800, SEVERITY_HIGH = 600, SEVERITY_MEDIUM = 400, SEVERITY_LOW = 200 };

/* An event while its arguments are gathered. */
struct words {
    const struct opcua_event *in;
    const struct opcua_event_about *about;
    struct arena *texts;
    struct event *out;
    struct event_argument *arguments;
};

uint8_t opcua_event_severity(uint16_t severity)
{
    return severity > SEVERITY_CRITICAL ? EVENT_CRITICAL
           : severity > SEVERITY_HIGH   ? EVENT_HIGH
           : severity > SEVERITY_MEDIUM ? EVENT_MEDIUM
           : severity > SEVERITY_LOW    ? EVENT_LOW
                                        : EVENT_INFO;
}

struct opcua_states opcua_event_states(const struct opcua_event *event)
{
    return (struct opcua_states){ .active = (int8_t)event->active,
                                  .acked = (int8_t)event->acked,
                                  .confirmed = (int8_t)event->confirmed,
                                  .enabled = (int8_t)event->enabled };
}

/* ---- texts ---- */

static const char *keep_n(struct words *words, const char *text, size_t size)
{
    size = str_utf8_cut(text, size, EVENT_TEXT_MAX);
    char *copy = arena_strndup(words->texts, text, size);
    return copy != NULL ? copy : "";
}

static const char *keep(struct words *words, const UA_String *text)
{
    return text->length > 0 ? keep_n(words, (const char *)text->data, text->length) : "";
}

static const char *keep_node(struct words *words, const UA_NodeId *id)
{
    struct buf text;
    buf_init(&text, OPCUA_EVENT_NODE_MAX * 8);
    opcua_node_id_print(id, words->about->facts, &text);
    const char *copy = keep_n(words, buf_text(&text), text.size);
    buf_fini(&text);
    return copy;
}

/* ---- arguments ---- */

static struct event_argument *next_argument(struct words *words, const char *name)
{
    if (words->arguments == NULL || words->out->argument_count == EVENT_ARGUMENTS_MAX) {
        return NULL;
    }
    struct event_argument *argument = &words->arguments[words->out->argument_count++];
    *argument = (struct event_argument){ .name = name };
    return argument;
}

static void add_text(struct words *words, const char *name, const char *text)
{
    size_t size = strlen(text);
    struct text *copy = size > 0 ? arena_alloc(words->texts, sizeof(*copy) + size + 1) : NULL;
    struct event_argument *argument = copy != NULL ? next_argument(words, name) : NULL;
    if (argument != NULL) {
        copy->size = (uint32_t)size;
        memcpy(copy->bytes, text, size + 1);
        argument->type = VALUE_TEXT;
        argument->value.text = copy;
    }
}

static void add_string(struct words *words, const char *name, const UA_String *text)
{
    add_text(words, name, keep(words, text));
}

static void add_node(struct words *words, const char *name, const UA_NodeId *id)
{
    if (id != NULL) {
        add_text(words, name, keep_node(words, id));
    }
}

static void add_truth(struct words *words, const char *name, enum opcua_truth truth)
{
    struct event_argument *argument = truth != OPCUA_UNKNOWN ? next_argument(words, name) : NULL;
    if (argument != NULL) {
        argument->type = VALUE_BOOL;
        argument->value.b = truth == OPCUA_YES;
    }
}

static void add_id(struct words *words)
{
    const UA_ByteString *id = &words->in->id;
    struct buf text;
    if (id->length == 0 || id->length > OPCUA_EVENT_ID_MAX) {
        return;
    }
    buf_init(&text, 2 * OPCUA_EVENT_ID_MAX);
    (void)base64_encode(&text, id->data, id->length);
    add_text(words, OPCUA_ARGUMENT_EVENT, buf_text(&text));
    buf_fini(&text);
}

static void add_quality(struct words *words)
{
    char text[16];
    UA_StatusCode quality = words->in->quality;
    const char *name = opcua_status_name(quality);
    if (quality != UA_STATUSCODE_GOOD) {
        str_format(text, sizeof(text), "0x%08" PRIx32, quality);
        add_text(words, "quality", name != NULL ? name : text);
    }
}

static void add_severity(struct words *words)
{
    struct event_argument *argument = next_argument(words, "severity");
    if (argument != NULL) {
        argument->type = VALUE_INT;
        argument->value.i = words->in->severity;
    }
}

/* Fields by settings, by the name they were asked with. */
static void add_more(struct words *words)
{
    const struct opcua_event *in = words->in;
    static const struct opcua_want all;
    for (size_t i = 0; i < in->more_count && words->about->more != NULL; i++) {
        UA_DataValue value = { .value = in->more[i], .hasValue = true };
        struct sample sample = { 0 };
        if (UA_Variant_isEmpty(&in->more[i])) {
            continue;
        }
        opcua_sample(&value, &all, words->about->types, words->texts, &sample);
        struct event_argument *argument = sample.type != VALUE_NONE
                                              ? next_argument(words,
                                                              words->about->more->fields[i].path)
                                              : NULL;
        if (argument != NULL) {
            argument->type = sample.type;
            argument->value = sample.value;
        }
    }
}

static void add_arguments(struct words *words)
{
    const struct opcua_event *in = words->in;
    add_string(words, "source-name", &in->source_name);
    add_string(words, "condition", &in->condition_name);
    add_severity(words);
    add_truth(words, "active", in->active);
    add_truth(words, OPCUA_ARGUMENT_ACKED, in->acked);
    add_truth(words, "confirmed", in->confirmed);
    add_truth(words, "retain", in->retain);
    if (in->enabled == OPCUA_NO) {
        add_truth(words, "enabled", in->enabled);
    }
    if (in->suppressed == OPCUA_YES) {
        add_truth(words, "suppressed-or-shelved", in->suppressed);
    }
    add_string(words, "active-state", &in->active_text);
    add_string(words, "limit-state", &in->limit);
    add_string(words, "class", &in->condition_class);
    add_quality(words);
    add_string(words, "comment", &in->comment);
    add_string(words, "user", &in->client_user);
    add_more(words);
    add_node(words, "source-node", in->source);
    add_node(words, "event-type", in->type);
    add_node(words, OPCUA_ARGUMENT_CONDITION, in->condition);
    add_node(words, "branch-id", in->branch);
    add_id(words);
}

/* ---- kind and text ---- */

static bool is_condition(const struct opcua_event *in)
{
    return in->condition != NULL;
}

static const char *kind_of(const struct opcua_event *in, const struct opcua_states *before)
{
    if (!is_condition(in)) {
        return "notification";
    }
    if (in->enabled == OPCUA_NO) {
        return "normal";
    }
    bool settled = before != NULL && before->active == (int8_t)in->active &&
                   ((before->acked == OPCUA_NO && in->acked == OPCUA_YES) ||
                    (before->confirmed == OPCUA_NO && in->confirmed == OPCUA_YES));
    if (settled) {
        return "acknowledged";
    }
    return in->active == OPCUA_YES  ? "alarm"
           : in->active == OPCUA_NO ? "normal"
           : in->acked == OPCUA_NO  ? "alarm"
                                    : "notification";
}

static bool wants_ack(const struct opcua_event *in)
{
    return is_condition(in) && in->enabled != OPCUA_NO && in->id.length > 0 &&
           in->id.length <= OPCUA_EVENT_ID_MAX &&
           (in->acked == OPCUA_NO || in->confirmed == OPCUA_NO);
}

static bool holds(const char *text, const char *part)
{
    return part[0] == '\0' || strcasestr(text, part) != NULL;
}

/* "Boiler: level is too high (HighHigh)" */
static void make_text(struct words *words)
{
    const struct opcua_event *in = words->in;
    const char *message = keep(words, &in->message), *source = keep(words, &in->source_name);
    const char *name = keep(words, &in->condition_name), *limit = keep(words, &in->limit);
    struct buf text;
    buf_init(&text, 4 * EVENT_TEXT_MAX);
    const char *says = message[0] != '\0' ? message : name;
    if (!holds(says, source)) {
        buf_printf(&text, "%s: ", source);
    }
    buf_append_text(&text, says[0] != '\0' ? says : words->out->kind);
    if (in->enabled == OPCUA_NO) {
        buf_append_text(&text, " (disabled)");
    } else if (in->active == OPCUA_YES && !holds(says, limit)) {
        buf_printf(&text, " (%s)", limit);
    } else if (message[0] == '\0' && in->active == OPCUA_NO) {
        buf_append_text(&text, " (back to normal)");
    }
    if (in->branch != NULL) {
        buf_append_text(&text, " (an earlier time)");
    }
    if (in->acked == OPCUA_YES && in->confirmed == OPCUA_NO) {
        buf_append_text(&text, " (acknowledged, waits for a confirmation)");
    }
    words->out->text = keep_n(words, buf_text(&text), text.size);
    buf_fini(&text);
}

/* ---- key ---- */

size_t opcua_event_key(const struct opcua_event *event, const struct opcua_server_facts *facts,
                       char key[OPCUA_EVENT_KEY_MAX])
{
    struct buf text;
    key[0] = '\0';
    if (event->condition == NULL) {
        return 0;
    }
    buf_init(&text, OPCUA_EVENT_KEY_MAX - 1);
    opcua_node_id_print(event->condition, facts, &text);
    if (event->branch != NULL) {
        buf_append_text(&text, " branch ");
        opcua_node_id_print(event->branch, facts, &text);
    }
    size_t size = text.overflow ? 0 : text.size; /* longer ids than anybody has: no key */
    memcpy(key, buf_text(&text), size);
    key[size] = '\0';
    buf_fini(&text);
    return size;
}

void opcua_event_words(const struct opcua_event *in, const struct opcua_event_about *about,
                       struct arena *texts, struct event *out)
{
    struct words words = { .in = in, .about = about, .texts = texts, .out = out };
    char key[OPCUA_EVENT_KEY_MAX], once[80];
    *out = (struct event){ .time_us = in->time_us, .receive_us = about->now_us };
    words.arguments = arena_alloc_array(texts, EVENT_ARGUMENTS_MAX, sizeof(*words.arguments));
    out->arguments = words.arguments;
    out->kind = kind_of(in, about->before);
    bool loud = strcmp(out->kind, "alarm") == 0 || strcmp(out->kind, "notification") == 0;
    out->severity = loud ? opcua_event_severity(in->severity) : (uint8_t)EVENT_INFO;
    size_t size = opcua_event_key(in, about->facts, key);
    out->key = keep_n(&words, key, size);
    out->ack_wanted = size > 0 && wants_ack(in);
    str_format(once, sizeof(once), "%" PRId64 " %d%d%d%d %u", in->time_us, in->active, in->acked,
               in->confirmed, in->enabled, in->severity);
    out->once = size > 0 ? keep_n(&words, once, strlen(once)) : "";
    out->source = NULL; /* the device */
    make_text(&words);
    add_arguments(&words);
}
