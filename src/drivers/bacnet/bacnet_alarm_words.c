/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_alarm_words.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/text.h"

enum {
    STORE_BYTES = 256 * 1024,
    VALUE_TEXT_MAX = 1000, /* bytes of a constructed value as text */
    LINE_MAX = 1024,
    OWN_PROPERTIES = 5 /* of the text, the most telling values */
};

#define HALF_DAY_US (INT64_C(12) * 3600 * CLOCK_US_PER_S)
#define DAY_US      (2 * HALF_DAY_US)

enum bacnet_transition bacnet_alarm_transition(uint32_t state)
{
    return state == BACNET_STATE_NORMAL  ? BACNET_TO_NORMAL
           : state == BACNET_STATE_FAULT ? BACNET_TO_FAULT
                                         : BACNET_TO_OFFNORMAL;
}

uint8_t bacnet_alarm_severity(uint8_t priority)
{
    return priority < 64    ? EVENT_CRITICAL
           : priority < 128 ? EVENT_HIGH
           : priority < 192 ? EVENT_MEDIUM
                            : EVENT_LOW;
}

/* ---- stamps ---- */

size_t bacnet_alarm_stamp(const struct bacnet_stamp *stamp, char text[BACNET_STAMP_TEXT_MAX])
{
    struct buf out;
    buf_init(&out, 256);
    if (stamp->kind == BACNET_STAMP_SEQUENCE) {
        buf_printf(&out, "number %u", stamp->sequence);
    } else if (stamp->kind == BACNET_STAMP_TIME) {
        bacnet_print_time(&stamp->at.time, &out);
    } else if (!bacnet_datetime_is_unset(&stamp->at)) {
        bacnet_print_date(&stamp->at.date, &out);
        buf_append_byte(&out, ' ');
        bacnet_print_time(&stamp->at.time, &out);
    }
    size_t size = str_format(text, BACNET_STAMP_TEXT_MAX, "%s", buf_text(&out));
    buf_fini(&out);
    return size;
}

/* A time of day: the last time it was that late. */
static int64_t time_of_day(const struct bacnet_time *time, int offset_minutes, int64_t now_us)
{
    struct bacnet_datetime at;
    int64_t time_us;
    if (bacnet_datetime_of(now_us, offset_minutes, &at) != 0) {
        return 0;
    }
    at.time = *time;
    if (bacnet_datetime_us(&at, offset_minutes, &time_us) != 0) {
        return 0;
    }
    return time_us > now_us + HALF_DAY_US ? time_us - DAY_US : time_us;
}

int64_t bacnet_alarm_time(const struct bacnet_stamp *stamp, int offset_minutes, int64_t now_us)
{
    int64_t time_us;
    switch (stamp->kind) {
    case BACNET_STAMP_TIME: return time_of_day(&stamp->at.time, offset_minutes, now_us);
    case BACNET_STAMP_DATETIME:
        return bacnet_datetime_us(&stamp->at, offset_minutes, &time_us) == 0 ? time_us : 0;
    default: return 0;
    }
}

/* ---- arguments ---- */

static struct event_argument *argument(struct bacnet_alarm_event *out, const char *name,
                                       uint8_t type)
{
    struct event_argument *added = &out->arguments[out->event.argument_count];
    out->event.argument_count += out->event.argument_count < EVENT_ARGUMENTS_MAX;
    *added = (struct event_argument){ .name = name, .type = type };
    return added;
}

static void add_text(struct bacnet_alarm_event *out, const char *name, const char *text)
{
    size_t size = strlen(text);
    struct text *kept = arena_alloc(&out->store, sizeof(*kept) + size + 1);
    if (kept != NULL) {
        kept->size = (uint32_t)size;
        memcpy(kept->bytes, text, size);
        argument(out, name, VALUE_TEXT)->value.text = kept;
    }
}

static void add_int(struct bacnet_alarm_event *out, const char *name, int64_t number)
{
    argument(out, name, VALUE_INT)->value.i = number;
}

static void add_name(struct bacnet_alarm_event *out, const char *name, enum bacnet_list list,
                     uint32_t number)
{
    char text[BACNET_NAME_TEXT_MAX];
    bacnet_format_name(text, sizeof(text), list, number);
    add_text(out, name, text);
}

/* 0.06F is 0.06, not 0.05999999865889549. */
static double widen(float real)
{
    char text[40];
    double wide = (double)real;
    str_format_float(text, sizeof(text), real);
    (void)str_parse_double(text, &wide); /* stays as it is when it is no number */
    return wide;
}

static void add_primitive(struct bacnet_alarm_event *out, const struct bacnet_event_form *form,
                          const struct bacnet_value *value)
{
    struct buf text;
    switch (value->type) {
    case BACNET_BOOLEAN: argument(out, form->name, VALUE_BOOL)->value.b = value->as.boolean; return;
    case BACNET_REAL:
        argument(out, form->name, VALUE_DOUBLE)->value.d = widen(value->as.real);
        return;
    case BACNET_DOUBLE: argument(out, form->name, VALUE_DOUBLE)->value.d = value->as.real64; return;
    case BACNET_SIGNED: add_int(out, form->name, value->as.integer); return;
    case BACNET_UNSIGNED:
        if (value->as.number <= INT64_MAX) {
            add_int(out, form->name, (int64_t)value->as.number);
            return;
        }
        break;
    default: break;
    }
    buf_init(&text, EVENT_TEXT_MAX);
    bacnet_print_value(value, (enum bacnet_list)form->list, &text);
    add_text(out, form->name, buf_text(&text));
    buf_fini(&text);
}

static void add_state(struct bacnet_alarm_event *out, const char *name, struct bytes inside)
{
    struct bacnet_property_state state;
    if (bacnet_get_property_state(inside, &state) != 0) {
        return;
    }
    switch (state.type) {
    case BACNET_BOOLEAN: argument(out, name, VALUE_BOOL)->value.b = state.number != 0; break;
    case BACNET_SIGNED: add_int(out, name, state.integer); break;
    case BACNET_UNSIGNED: add_int(out, name, (int64_t)(state.number & INT64_MAX)); break;
    default: add_name(out, name, (enum bacnet_list)state.list, (uint32_t)state.number); break;
    }
}

static void add_field(struct bacnet_alarm_event *out, const struct bacnet_event_field *field)
{
    struct buf text;
    if (!field->given) {
        return;
    }
    if (field->form->kind < BACNET_TYPES) {
        add_primitive(out, field->form, &field->value);
    } else if (field->form->kind == BACNET_FIELD_STATE) {
        add_state(out, field->form->name, field->inside);
    } else {
        buf_init(&text, 2 * VALUE_TEXT_MAX);
        bacnet_print_elements(field->inside, BACNET_LIST_NONE, VALUE_TEXT_MAX, &text);
        add_text(out, field->form->name, buf_text(&text));
        buf_fini(&text);
    }
}

static void add_values(struct bacnet_alarm_event *out, const struct bacnet_event_values *values)
{
    struct buf text;
    if (values->choice == BACNET_EVENT_NO_VALUES) {
        return;
    }
    for (size_t i = 0; i < values->count; i++) {
        add_field(out, &values->fields[i]);
    }
    if (values->count == 0) { /* a choice that is not known */
        buf_init(&text, 2 * VALUE_TEXT_MAX);
        bacnet_print_elements(values->whole, BACNET_LIST_NONE, VALUE_TEXT_MAX, &text);
        add_text(out, "values", buf_text(&text));
        buf_fini(&text);
    }
}

/* The bytes of the stamp as hex, for AcknowledgeAlarm. */
static void add_stamp(struct bacnet_alarm_event *out, const struct bacnet_stamp *stamp)
{
    uint8_t bytes[BACNET_STAMP_MAX];
    char text[BACNET_STAMP_TEXT_MAX], hex[2 * BACNET_STAMP_MAX + 1];
    struct bytes_out to = bytes_out_of(bytes, sizeof(bytes));
    bacnet_put_stamp(&to, stamp);
    str_hex(hex, sizeof(hex), bytes, bytes_out_size(&to), 0);
    if (bacnet_alarm_stamp(stamp, text) > 0) {
        add_text(out, "time-stamp", text);
    }
    add_text(out, "stamp", hex);
}

static void add_head(struct bacnet_alarm_event *out, const struct bacnet_event_notification *told,
                     const struct bacnet_alarm_about *about)
{
    char object[BACNET_OBJECT_TEXT_MAX];
    bacnet_format_object(object, sizeof(object), told->object);
    add_text(out, "object", object);
    if (told->has_from_state) {
        add_name(out, "from-state", BACNET_LIST_EVENT_STATES, told->from_state);
    }
    add_name(out, "to-state", BACNET_LIST_EVENT_STATES, told->to_state);
    add_name(out, "notify-type", BACNET_LIST_NOTIFY_TYPES, told->notify_type);
    if (about->standing) {
        argument(out, "standing", VALUE_BOOL)->value.b = true;
    } else {
        add_name(out, "event-type", BACNET_LIST_EVENT_TYPES, told->event_type);
        add_int(out, "notification-class", told->notification_class);
        add_int(out, "process", told->process);
    }
    add_int(out, "priority", told->priority);
    add_stamp(out, &told->stamp);
}

/* ---- the text ---- */

static void print_argument(struct buf *line, const struct event_argument *argument)
{
    buf_printf(line, ", %s ", argument->name);
    value_print(argument->type, argument->value, line);
}

/* "Supply air: normal -> high-limit, exceeding-value 31.5, ..." */
static void compose(const struct bacnet_alarm_event *out,
                    const struct bacnet_event_notification *told, const char *name, size_t values,
                    bool standing, struct buf *line)
{
    char from[BACNET_NAME_TEXT_MAX] = "", to[BACNET_NAME_TEXT_MAX], type[BACNET_NAME_TEXT_MAX];
    bacnet_format_name(to, sizeof(to), BACNET_LIST_EVENT_STATES, told->to_state);
    bacnet_format_name(type, sizeof(type), BACNET_LIST_EVENT_TYPES, told->event_type);
    buf_printf(line, "%s: ", name);
    if (told->notify_type == BACNET_NOTIFY_ACK) {
        buf_printf(line, "%s acknowledged", to);
        return;
    }
    if (standing) {
        buf_printf(line, "%s", to);
        return;
    }
    if (told->has_from_state) {
        bacnet_format_name(from, sizeof(from), BACNET_LIST_EVENT_STATES, told->from_state);
        buf_printf(line, "%s -> ", from);
    }
    buf_printf(line, "%s (%s)", to, type);
    size_t last = values + OWN_PROPERTIES < out->event.argument_count ? values + OWN_PROPERTIES
                                                                      : out->event.argument_count;
    for (size_t i = values; i < last && line->size < LINE_MAX; i++) {
        print_argument(line, &out->arguments[i]);
    }
}

/* One line: what would break it becomes a blank. */
static char *one_line(struct bacnet_alarm_event *out, const struct buf *text)
{
    char *line = arena_strdup(&out->store, buf_text(text));
    for (char *at = line; at != NULL && *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
    }
    return line != NULL ? str_trim(line) : NULL;
}

/* What the device says, or what happened in our words. */
static void put_text(struct bacnet_alarm_event *out, const struct bacnet_event_notification *told,
                     const struct bacnet_alarm_about *about, size_t values)
{
    struct buf text;
    char object[BACNET_OBJECT_TEXT_MAX];
    const char *name = about->name;
    buf_init(&text, 4 * EVENT_TEXT_MAX);
    if (told->has_text) {
        (void)bacnet_print_characters(&told->text, &text);
    }
    const char *line = one_line(out, &text);
    if (line == NULL || line[0] == '\0') {
        if (name == NULL || name[0] == '\0') {
            bacnet_format_object(object, sizeof(object), told->object);
            name = object;
        }
        buf_clear(&text);
        compose(out, told, name, values, about->standing, &text);
        line = one_line(out, &text);
    }
    out->event.text = line != NULL ? line : "";
    buf_fini(&text);
}

/* ---- all of it ---- */

static const char *kind_of(const struct bacnet_event_notification *told)
{
    if (told->notify_type == BACNET_NOTIFY_ACK) {
        return "acknowledged";
    }
    if (told->event_type == BACNET_EVENT_BUFFER_READY) {
        return "notification";
    }
    switch (told->to_state) {
    case BACNET_STATE_NORMAL: return "normal";
    case BACNET_STATE_FAULT: return "fault";
    default: return told->notify_type == BACNET_NOTIFY_EVENT ? "notification" : "alarm";
    }
}

static uint8_t severity_of(const struct bacnet_event_notification *told)
{
    bool calm = told->notify_type == BACNET_NOTIFY_ACK || told->to_state == BACNET_STATE_NORMAL;
    return calm ? EVENT_INFO : bacnet_alarm_severity(told->priority);
}

void bacnet_alarm_words(const struct bacnet_event_notification *told,
                        const struct bacnet_alarm_about *about, struct bacnet_alarm_event *out)
{
    char text[BACNET_OBJECT_TEXT_MAX];
    arena_init(&out->store, STORE_BYTES);
    out->event = (struct event){ .receive_us = about->now_us,
                                 .source = about->source,
                                 .kind = kind_of(told),
                                 .severity = severity_of(told),
                                 .ack_wanted = about->unacked != 0,
                                 .arguments = out->arguments };
    out->event.time_us = bacnet_alarm_time(&told->stamp, about->offset_minutes, about->now_us);
    add_head(out, told, about);
    size_t values = out->event.argument_count;
    add_values(out, &told->values);
    put_text(out, told, about, values);
    bacnet_format_object(text, sizeof(text), told->object);
    out->event.key = arena_strdup(&out->store, text);
    (void)bacnet_alarm_stamp(&told->stamp, text);
    out->event.once = arena_strdup(&out->store, text);
    if (told->notify_type == BACNET_NOTIFY_ACK) {
        out->event.ack_wanted = false;
        out->event.once = "";
        /* others of the object wait on: it does not settle the condition */
        out->event.key = about->unacked != 0 ? "" : out->event.key;
    }
}

void bacnet_alarm_words_fini(struct bacnet_alarm_event *event)
{
    arena_fini(&event->store);
}

/* ---- back ---- */

static const char *text_of(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->argument_count; i++) {
        const struct event_argument *argument = &event->arguments[i];
        if (argument->type == VALUE_TEXT && str_equal(argument->name, name)) {
            return argument->value.text->bytes;
        }
    }
    return "";
}

bool bacnet_alarm_key(const struct event *event, struct bacnet_alarm_key *key)
{
    uint8_t bytes[BACNET_STAMP_MAX];
    size_t size = 0;
    const char *hex = text_of(event, "stamp");
    for (; hex[0] != '\0' && hex[1] != '\0' && size < sizeof(bytes); hex += 2) {
        int high = str_hex_digit(hex[0]);
        int low = str_hex_digit(hex[1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[size++] = (uint8_t)(high << 4 | low);
    }
    struct bytes in = bytes_of(bytes, size);
    key->stamp = bacnet_get_stamp(&in);
    return size > 0 && hex[0] == '\0' && !bytes_short(&in) && bytes_left(&in) == 0 &&
           bacnet_parse_object(event->key, &key->object, NULL) == 0 &&
           bacnet_number(BACNET_LIST_EVENT_STATES, text_of(event, "to-state"), &key->state) == 0;
}
