/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/event_notification.h"

#include "drivers/bacnet/service/whole.h"

static void get_stamp_in(struct bytes *in, unsigned tag, struct bacnet_stamp *stamp)
{
    struct bytes at = bacnet_get_inside(in, tag);
    *stamp = bacnet_get_stamp(&at);
    if (bacnet_whole(&at) != 0) {
        bytes_fail(in);
    }
}

/* ---- values ---- */

static bool is_primitive(const struct bacnet_event_form *form)
{
    return form->kind < BACNET_TYPES;
}

static void get_field(struct bytes *in, struct bacnet_event_field *field)
{
    const struct bacnet_event_form *form = field->form;
    if (form->tag == BACNET_EVENT_UNTAGGED) {
        field->given = true;
        field->inside = bytes_get_bytes(in, bytes_left(in));
        return;
    }
    field->given = is_primitive(form) ? bacnet_next_is(in, form->tag)
                                      : bacnet_next_opens(in, form->tag);
    if (!field->given) {
        if (!form->optional) {
            bytes_fail(in);
        }
        return;
    }
    if (!is_primitive(form)) {
        field->inside = bacnet_get_inside(in, form->tag);
        return;
    }
    struct bytes content = bacnet_get_context(in, form->tag);
    if (bytes_short(&content) || bacnet_get_content(content, form->kind, &field->value) != 0) {
        bytes_fail(in);
    }
}

static int get_values(struct bytes *in, struct bacnet_event_values *values)
{
    struct bytes at = *in;
    struct bacnet_tag tag;
    if (!bacnet_get_tag(&at, &tag) || tag.kind != BACNET_TAG_OPENING ||
        tag.number == BACNET_EVENT_NO_VALUES) {
        return BUSBAR_EPROTO;
    }
    bacnet_event_values_init(values, tag.number);
    values->whole = bacnet_get_inside(in, tag.number);
    struct bytes fields = values->whole;
    for (size_t i = 0; i < values->count; i++) {
        get_field(&fields, &values->fields[i]);
    }
    if (values->count > 0 && bacnet_whole(&fields) != 0) {
        return BUSBAR_EPROTO;
    }
    return bacnet_whole(in);
}

static void put_field(struct bytes_out *out, const struct bacnet_event_field *field)
{
    const struct bacnet_event_form *form = field->form;
    assert(field->given || form->optional);
    if (!field->given) {
        return;
    }
    if (is_primitive(form)) {
        assert(field->value.type == form->kind);
        bacnet_put_value(out, form->tag, &field->value);
        return;
    }
    if (form->tag != BACNET_EVENT_UNTAGGED) {
        bacnet_put_open(out, form->tag);
    }
    bytes_put_block(out, field->inside.at, bytes_left(&field->inside));
    if (form->tag != BACNET_EVENT_UNTAGGED) {
        bacnet_put_close(out, form->tag);
    }
}

static void put_values(struct bytes_out *out, const struct bacnet_event_values *values)
{
    bacnet_put_open(out, 12);
    bacnet_put_open(out, values->choice);
    for (size_t i = 0; i < values->count; i++) {
        put_field(out, &values->fields[i]);
    }
    if (values->count == 0) {
        bytes_put_block(out, values->whole.at, bytes_left(&values->whole));
    }
    bacnet_put_close(out, values->choice);
    bacnet_put_close(out, 12);
}

void bacnet_event_values_init(struct bacnet_event_values *values, uint8_t choice)
{
    *values = (struct bacnet_event_values){ .choice = choice };
    const struct bacnet_event_form *forms = bacnet_event_forms(choice, &values->count);
    for (size_t i = 0; i < values->count; i++) {
        values->fields[i].form = &forms[i];
        values->fields[i].given = !forms[i].optional;
        values->fields[i].value.type = forms[i].kind < BACNET_TYPES ? forms[i].kind : BACNET_NULL;
    }
}

/* ---- the notification ---- */

int bacnet_get_event_notification(struct bytes *in, struct bacnet_event_notification *event)
{
    event->process = (uint32_t)bacnet_get_unsigned(in, 0, UINT32_MAX);
    event->device = bacnet_get_object(in, 1);
    event->object = bacnet_get_object(in, 2);
    get_stamp_in(in, 3, &event->stamp);
    event->notification_class = (uint32_t)bacnet_get_unsigned(in, 4, UINT32_MAX);
    event->priority = (uint8_t)bacnet_get_unsigned(in, 5, UINT8_MAX);
    event->event_type = bacnet_get_enumerated(in, 6);
    event->text = (struct bacnet_value){ .type = BACNET_NULL };
    event->has_text = bacnet_next_is(in, 7);
    if (event->has_text) {
        event->text = bacnet_get_characters(in, 7);
    }
    event->notify_type = bacnet_get_enumerated(in, 8);
    event->has_ack_wanted = bacnet_next_is(in, 9);
    event->ack_wanted = event->has_ack_wanted && bacnet_get_boolean(in, 9);
    event->has_from_state = bacnet_next_is(in, 10);
    event->from_state = event->has_from_state ? bacnet_get_enumerated(in, 10) : 0;
    event->to_state = bacnet_get_enumerated(in, 11);
    bacnet_event_values_init(&event->values, BACNET_EVENT_NO_VALUES);
    if (bacnet_next_opens(in, 12)) {
        struct bytes values = bacnet_get_inside(in, 12);
        if (bytes_short(&values) || get_values(&values, &event->values) != 0) {
            return BUSBAR_EPROTO;
        }
    }
    return event->device.type == BACNET_DEVICE ? bacnet_whole(in) : BUSBAR_EPROTO;
}

void bacnet_put_event_notification(struct bytes_out *out,
                                   const struct bacnet_event_notification *event)
{
    assert(event->device.type == BACNET_DEVICE);
    bacnet_put_unsigned(out, 0, event->process);
    bacnet_put_object(out, 1, event->device);
    bacnet_put_object(out, 2, event->object);
    bacnet_put_open(out, 3);
    bacnet_put_stamp(out, &event->stamp);
    bacnet_put_close(out, 3);
    bacnet_put_unsigned(out, 4, event->notification_class);
    bacnet_put_unsigned(out, 5, event->priority);
    bacnet_put_enumerated(out, 6, event->event_type);
    if (event->has_text) {
        bacnet_put_value(out, 7, &event->text);
    }
    bacnet_put_enumerated(out, 8, event->notify_type);
    if (event->has_ack_wanted) {
        bacnet_put_boolean(out, 9, event->ack_wanted);
    }
    if (event->has_from_state) {
        bacnet_put_enumerated(out, 10, event->from_state);
    }
    bacnet_put_enumerated(out, 11, event->to_state);
    if (event->values.choice != BACNET_EVENT_NO_VALUES) {
        put_values(out, &event->values);
    }
}
