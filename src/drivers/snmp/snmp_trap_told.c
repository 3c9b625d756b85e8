/* SPDX-License-Identifier: Apache-2.0 */
/* What was not kept is told once a minute in one event with exact counts, the most first:
 *
 *   text        12,401 traps not kept in the last minute: 12,345 from 10.0.4.9 over the limit of a sender (`trap_rate`); ...
 *   arguments   "10.0.4.9 too many" 12345, "switch-1 (10.0.4.2) community" 56, "others" 7 */
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "drivers/snmp/snmp_traps_private.h"

enum { TEXT_MAX = 1200, NUMBER_MAX = 32, NAME_MAX = DEVICE_NAME_MAX + ADDRESS_TEXT_MAX + 8 };

static const char *const words[SNMP_REFUSED_COUNT] = {
#define X(name, word, words) words,
    SNMP_TRAP_REFUSALS(X)
#undef X
};
static const char *const short_words[SNMP_REFUSED_COUNT] = {
#define X(name, word, words) word,
    SNMP_TRAP_REFUSALS(X)
#undef X
};

/* "12,345" */
static const char *grouped(uint64_t number, char to[NUMBER_MAX])
{
    char digits[NUMBER_MAX];
    size_t size = str_format(digits, sizeof(digits), "%llu", (unsigned long long)number);
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            to[used++] = ',';
        }
        to[used++] = digits[i];
    }
    to[used] = '\0';
    return to;
}

/* ---- the event ---- */

struct refused {
    const struct snmp_trap_source *source;
    enum snmp_trap_refusal why;
    uint32_t count;
};

/* The most of all, in their order, and how many there are in all. */
struct most {
    struct refused list[SNMP_TRAP_TOLD_MAX];
    size_t count;
    uint64_t all, shown;
};

static void consider(struct most *most, const struct refused *one)
{
    size_t at = most->count;
    most->all += one->count;
    while (at > 0 && most->list[at - 1].count < one->count) {
        at--;
    }
    if (at == SNMP_TRAP_TOLD_MAX) {
        return;
    }
    if (most->count < SNMP_TRAP_TOLD_MAX) {
        most->count++;
    }
    memmove(&most->list[at + 1], &most->list[at], (most->count - at - 1) * sizeof(most->list[0]));
    most->list[at] = *one;
}

static void gather(const struct snmp_traps *traps, struct most *most)
{
    list_each(at, &traps->untold) {
        const struct snmp_trap_source *source = list_entry(at, struct snmp_trap_source, link);
        for (int why = 0; why < SNMP_REFUSED_COUNT; why++) {
            if (source->refused[why] > 0) {
                consider(most, &(struct refused){ .source = source,
                                                  .why = (enum snmp_trap_refusal)why,
                                                  .count = source->refused[why] });
            }
        }
    }
    for (size_t i = 0; i < most->count; i++) {
        most->shown += most->list[i].count;
    }
}

/* "switch-1 (10.0.4.2)", "10.0.4.9", "other addresses" */
static const char *name_of(const struct snmp_trap_source *source, char to[NAME_MAX])
{
    char address[ADDRESS_TEXT_MAX] = "other addresses";
    const struct list *devices = &source->devices;
    if (source->from.family != 0) {
        snmp_trap_print_address(&source->from, address, sizeof(address));
    }
    bool one = !list_empty(devices) && devices->next->next == devices;
    if (one) {
        const struct snmp_trap_member *member = list_entry(devices->next, struct snmp_trap_member,
                                                           link);
        str_format(to, NAME_MAX, "%s (%s)", member->of->device->dev->name, address);
    } else {
        str_copy(to, NAME_MAX, address);
    }
    return to;
}

static void write_text(const struct most *most, struct buf *text)
{
    char number[NUMBER_MAX], name[NAME_MAX];
    (void)buf_printf(text, "%s %s not kept in the last minute: ", grouped(most->all, number),
                     most->all == 1 ? "trap" : "traps");
    uint64_t left = most->all;
    for (size_t i = 0; i < most->count && i < SNMP_TRAP_LINE_MAX; i++) {
        const struct refused *one = &most->list[i];
        (void)buf_printf(text, "%s%s from %s %s", i > 0 ? "; " : "", grouped(one->count, number),
                         name_of(one->source, name), words[one->why]);
        left -= one->count;
    }
    if (left > 0) {
        (void)buf_printf(text, "; %s more", grouped(left, number));
    }
}

static int tell_event(struct snmp_traps *traps, const struct most *most)
{
    struct snmp_trap_scratch *scratch = traps->scratch;
    char name[NAME_MAX];
    size_t count = 0;
    struct buf *text = &scratch->line;
    buf_clear(text);
    write_text(most, text);
    for (; count < most->count; count++) {
        const struct refused *one = &most->list[count];
        str_format(scratch->names[count], sizeof(scratch->names[count]), "%s %s",
                   name_of(one->source, name), short_words[one->why]);
        scratch->arguments[count] = (struct event_argument){ .name = scratch->names[count],
                                                             .type = VALUE_INT,
                                                             .value.i = one->count };
    }
    if (most->all > most->shown) {
        scratch->arguments[count++] = (struct event_argument){
            .name = "others", .type = VALUE_INT, .value.i = (int64_t)(most->all - most->shown)
        };
    }
    struct event event = { .kind = "refused",
                           .text = buf_text(text),
                           .severity = EVENT_MEDIUM,
                           .arguments = scratch->arguments,
                           .argument_count = count };
    return driver_event(traps->state->drv, NULL, &event, NULL, NULL);
}

void snmp_trap_tell(struct timer *timer, void *ctx)
{
    struct snmp_traps *traps = ctx;
    struct most most = { .count = 0 };
    gather(traps, &most);
    if (most.count > 0 && tell_event(traps, &most) != 0) { /* the disk is full: it is told later */
        timer_start(timer, SNMP_TRAP_TOLD_MS, 0);
        return;
    }
    list_each_safe(at, &traps->untold) {
        struct snmp_trap_source *source = list_entry(at, struct snmp_trap_source, link);
        memset(source->refused, 0, sizeof(source->refused));
        source->untold = false;
        list_remove(&source->link);
    }
    snmp_trap_sources_sweep(traps, loop_now_us(traps->state->loop), false);
}

/* ---- the status ---- */

static void tell(driver_status_cb cb, void *ctx, const char *name, const char *text,
                 const char *trouble)
{
    cb(ctx,
       &(struct driver_status){ .part = "traps", .name = name, .text = text, .trouble = trouble });
}

static uint64_t lost_of(const struct snmp_traps *traps)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < traps->listener_count; i++) {
        lost += datagram_lost(traps->listeners[i]->socket);
    }
    return lost;
}

static void tell_listeners(const struct snmp_traps *traps, driver_status_cb cb, void *ctx)
{
    for (size_t i = 0; i < traps->listener_count; i++) {
        const struct snmp_trap_listener *listener = traps->listeners[i];
        const struct err *err = &listener->trouble;
        char text[ADDRESS_TEXT_MAX];
        char trouble[ERR_MESSAGE_MAX + ERR_HINT_MAX + 4];
        endpoint_format(text, sizeof(text), &listener->at);
        str_format(trouble, sizeof(trouble), "%s%s%s", err->message,
                   err->hint[0] != '\0' ? "; " : "", err->hint);
        cb(ctx, &(struct driver_status){ .part = "traps",
                                         .name = "listens",
                                         .text = text,
                                         .trouble = listener->socket == NULL ? trouble : NULL,
                                         .closed = listener->socket == NULL });
    }
}

static void tell_counts(const struct snmp_traps *traps, driver_status_cb cb, void *ctx)
{
    char text[TEXT_MAX], number[NUMBER_MAX], other[NUMBER_MAX];
    tell(cb, ctx, "traps kept", grouped(traps->kept, number), NULL);
    if (traps->informs > 0) {
        str_format(text, sizeof(text), "%s, %s answered", grouped(traps->informs, number),
                   grouped(traps->answered + traps->repeated, other));
        tell(cb, ctx, "informs", text,
             traps->unanswered > 0 ? "some could not be stored, so they were not answered: see the "
                                     "disk"
                                   : NULL);
    }
    for (int i = 0; i < SNMP_REFUSED_COUNT; i++) {
        if (traps->refused[i] > 0) {
            char name[NUMBER_MAX];
            str_format(name, sizeof(name), "not kept: %s", short_words[i]);
            str_format(text, sizeof(text), "%s %s", grouped(traps->refused[i], number), words[i]);
            tell(cb, ctx, name, text, NULL);
        }
    }
    if (lost_of(traps) > 0) {
        str_format(text, sizeof(text), "%s by a full receive buffer",
                   grouped(lost_of(traps), number));
        tell(cb, ctx, "traps lost", text,
             "more came at once than the system kept for us: raise net.core.rmem_max to 8388608");
    }
}

void snmp_traps_status(const struct snmp_traps *traps, driver_status_cb cb, void *ctx)
{
    const struct usm_engine *own = &traps->engine.usm;
    char hex[2 * USM_ENGINE_MAX + 1], text[TEXT_MAX];
    if (traps->listener_count == 0) {
        return;
    }
    tell_listeners(traps, cb, ctx);
    tell_counts(traps, cb, ctx);
    if (own->size > 0) {
        str_hex(hex, sizeof(hex), own->id, own->size, 0);
        str_format(text, sizeof(text), "%s, started %u %s", hex, own->boots,
                   own->boots == 1 ? "time" : "times");
        tell(cb, ctx, "engine id", text,
             traps->engine.trouble.code != 0 ? traps->engine.trouble.message : NULL);
    }
}
