/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/event_information.h"

#include "drivers/bacnet/service/whole.h"

int bacnet_get_event_information_ask(struct bytes *in, bool *has_after, struct bacnet_object *after)
{
    *after = (struct bacnet_object){ .type = 0 };
    *has_after = bytes_left(in) > 0;
    if (*has_after) {
        *after = bacnet_get_object(in, 0);
    }
    return bacnet_whole(in);
}

void bacnet_put_event_information_ask(struct bytes_out *out, const struct bacnet_object *after)
{
    if (after != NULL) {
        bacnet_put_object(out, 0, *after);
    }
}

int bacnet_get_event_information(struct bytes *in, struct bytes *summaries, bool *more)
{
    *summaries = bacnet_get_inside(in, 0);
    *more = bacnet_get_boolean(in, 1);
    return bacnet_whole(in);
}

static uint8_t get_transitions(struct bytes *in, unsigned tag)
{
    unsigned count;
    uint32_t bits = bacnet_get_bits(in, tag, &count);
    if (count != BACNET_TRANSITIONS) {
        bytes_fail(in);
    }
    return (uint8_t)bits;
}

int bacnet_get_event_summary(struct bytes *summaries, struct bacnet_event_summary *summary)
{
    summary->object = bacnet_get_object(summaries, 0);
    summary->state = bacnet_get_enumerated(summaries, 1);
    summary->acknowledged = get_transitions(summaries, 2);
    bacnet_get_open(summaries, 3);
    for (unsigned i = 0; i < BACNET_TRANSITIONS; i++) {
        summary->stamps[i] = bacnet_get_stamp(summaries);
    }
    bacnet_get_close(summaries, 3);
    summary->notify_type = bacnet_get_enumerated(summaries, 4);
    summary->enabled = get_transitions(summaries, 5);
    bacnet_get_open(summaries, 6);
    for (unsigned i = 0; i < BACNET_TRANSITIONS; i++) {
        summary->priorities[i] = (uint8_t)bacnet_get_unsigned(summaries, BACNET_APPLICATION,
                                                              UINT8_MAX);
    }
    bacnet_get_close(summaries, 6);
    return bytes_short(summaries) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_event_information_begin(struct bytes_out *out)
{
    bacnet_put_open(out, 0);
}

void bacnet_put_event_summary(struct bytes_out *out, const struct bacnet_event_summary *summary)
{
    bacnet_put_object(out, 0, summary->object);
    bacnet_put_enumerated(out, 1, summary->state);
    bacnet_put_bits(out, 2, summary->acknowledged, BACNET_TRANSITIONS);
    bacnet_put_open(out, 3);
    for (unsigned i = 0; i < BACNET_TRANSITIONS; i++) {
        bacnet_put_stamp(out, &summary->stamps[i]);
    }
    bacnet_put_close(out, 3);
    bacnet_put_enumerated(out, 4, summary->notify_type);
    bacnet_put_bits(out, 5, summary->enabled, BACNET_TRANSITIONS);
    bacnet_put_open(out, 6);
    for (unsigned i = 0; i < BACNET_TRANSITIONS; i++) {
        bacnet_put_unsigned(out, BACNET_APPLICATION, summary->priorities[i]);
    }
    bacnet_put_close(out, 6);
}

void bacnet_put_event_information_end(struct bytes_out *out, bool more)
{
    bacnet_put_close(out, 0);
    bacnet_put_boolean(out, 1, more);
}

int bacnet_get_alarm_summary(struct bytes *in, struct bacnet_alarm_summary *summary)
{
    summary->object = bacnet_get_object(in, BACNET_APPLICATION);
    summary->state = bacnet_get_enumerated(in, BACNET_APPLICATION);
    summary->acknowledged = get_transitions(in, BACNET_APPLICATION);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_alarm_summary(struct bytes_out *out, const struct bacnet_alarm_summary *summary)
{
    bacnet_put_object(out, BACNET_APPLICATION, summary->object);
    bacnet_put_enumerated(out, BACNET_APPLICATION, summary->state);
    bacnet_put_bits(out, BACNET_APPLICATION, summary->acknowledged, BACNET_TRANSITIONS);
}
