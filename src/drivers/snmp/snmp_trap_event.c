/* SPDX-License-Identifier: Apache-2.0 */
/* A trap as an event:
 *
 *   text        linkDown: ifIndex 7, ifAdminStatus down(2), ifOperStatus down(2)
 *   arguments   trap "IF-MIB::linkDown", sysUpTime 8123.5, ifIndex.7 7, ifAdminStatus.7 "down", ifOperStatus.7 "down"
 *               from "10.0.9.1" where it is not the address at which the device is polled
 *
 * Numbers stay numbers; what has a name in its MIB is that name. */
#include <string.h>

#include "base/str.h"
#include "drivers/snmp/snmp_traps_private.h"

enum {
    LINE_MAX = 400,    /* bytes of the text, some more for the last variable */
    SHOWN_MAX = 120,   /* bytes of one value in the text */
    OWN_ARGUMENTS = 8, /* beside the variables */
    TICKS_PER_S = 100,
};
_Static_assert(SNMP_TRAP_VARIABLES_MAX + OWN_ARGUMENTS <= EVENT_ARGUMENTS_MAX, "arguments");

/* ---- severity ---- */

/* Of traps that say how bad it is by what they are. All else is info. */
static const struct {
    const char *trap;
    uint8_t severity;
} severities[] = {
    { "SNMPv2-MIB::coldStart", EVENT_LOW },
    { "SNMPv2-MIB::warmStart", EVENT_LOW },
    { "SNMPv2-MIB::authenticationFailure", EVENT_MEDIUM },
    { "IF-MIB::linkDown", EVENT_MEDIUM },
    { "UPS-MIB::upsTrapOnBattery", EVENT_HIGH },
    { "UPS-MIB::upsTrapTestCompleted", EVENT_INFO },
    { "UPS-MIB::upsTrapAlarmEntryAdded", EVENT_HIGH },
    { "ENTITY-SENSOR-MIB::entSensorThresholdNotification", EVENT_HIGH },
    { "BRIDGE-MIB::topologyChange", EVENT_LOW },
    { "BRIDGE-MIB::newRoot", EVENT_LOW },
    { "POWER-ETHERNET-MIB::pethMainPowerUsageOnNotification", EVENT_MEDIUM },
    { "Printer-MIB::printerV2Alert", EVENT_MEDIUM },
    { "PowerNet-MIB::upsOnBattery", EVENT_HIGH },
    { "PowerNet-MIB::lowBattery", EVENT_CRITICAL },
    { "PowerNet-MIB::upsOverload", EVENT_CRITICAL },
    { "PowerNet-MIB::communicationLost", EVENT_MEDIUM },
};

static uint8_t severity_of(const char *trap)
{
    for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++) {
        if (strcmp(severities[i].trap, trap) == 0) {
            return severities[i].severity;
        }
    }
    return EVENT_INFO;
}

/* ---- building ---- */

struct building {
    struct snmp_trap_scratch *scratch;
    const struct mib *mib;
    size_t count;
};

static struct event_argument *argument(struct building *event, const char *name)
{
    struct event_argument *out = &event->scratch->arguments[event->count];
    char *kept = event->scratch->names[event->count++];
    str_copy(kept, EVENT_NAME_MAX + 1, name);
    *out = (struct event_argument){ .name = kept, .type = VALUE_NONE };
    return out;
}

static void set_text(struct building *event, struct event_argument *out, const char *text,
                     size_t size)
{
    struct text **kept = &event->scratch->texts[out - event->scratch->arguments];
    *kept = text_set(*kept, text, size < EVENT_TEXT_MAX ? size : EVENT_TEXT_MAX);
    out->type = VALUE_TEXT;
    out->value.text = *kept;
}

static void add_text(struct building *event, const char *name, const char *text)
{
    set_text(event, argument(event, name), text, strlen(text));
}

const char *snmp_trap_name(struct snmp_traps *traps, struct snmp_oid oid, bool module)
{
    struct buf *print = &traps->scratch->print;
    buf_clear(print);
    mib_print(traps->state->mib, oid, print);
    const char *colons = module ? NULL : strstr(buf_text(print), "::");
    return colons != NULL ? colons + 2 : buf_text(print);
}

static const char *enum_of(const struct mib_object *object, const struct snmp_value *value)
{
    int64_t number;
    if (object == NULL || object->enum_count == 0 || object->syntax != MIB_INTEGER ||
        !ber_int(value->content, &number)) {
        return NULL;
    }
    for (uint16_t i = 0; i < object->enum_count; i++) {
        if (object->enums[i].value == number) {
            return object->enums[i].name;
        }
    }
    return NULL;
}

/* True: it is a number as it came. */
static bool number_of(const struct mib_object *object, const struct snmp_value *value,
                      struct event_argument *out)
{
    uint64_t number;
    bool scaled = object != NULL && object->hint[0] != '\0';
    switch (value->tag) {
    case BER_INTEGER:
        out->type = VALUE_INT;
        return !scaled && ber_int(value->content, &out->value.i);
    case BER_TIMETICKS:
        out->type = VALUE_DOUBLE;
        if (!ber_uint(value->content, &number)) {
            return false;
        }
        out->value.d = (double)number / TICKS_PER_S;
        return true;
    case BER_COUNTER32:
    case BER_GAUGE32:
    case BER_COUNTER64:
    case BER_UINTEGER32:
        if (scaled || !ber_uint(value->content, &number)) {
            return false;
        }
        out->type = number <= INT64_MAX ? VALUE_INT : VALUE_DOUBLE;
        if (out->type == VALUE_INT) {
            out->value.i = (int64_t)number;
        } else {
            out->value.d = (double)number;
        }
        return true;
    default: return false;
    }
}

/* One variable: an argument, and its part of the line. */
static void add_variable(struct building *event, const struct snmp_varbind *varbind)
{
    struct snmp_trap_scratch *scratch = event->scratch;
    const struct mib_object *object = mib_under(event->mib, varbind->oid);
    struct buf *print = &scratch->print;
    struct buf *line = &scratch->line;
    buf_clear(print);
    mib_print(event->mib, varbind->oid, print);
    const char *colons = strstr(buf_text(print), "::");
    struct event_argument *out = argument(event, colons != NULL ? colons + 2 : buf_text(print));
    const char *name = object != NULL && object->kind != MIB_NODE ? object->name : out->name;
    const char *word = enum_of(object, &varbind->value);
    bool number = word == NULL && number_of(object, &varbind->value, out);
    buf_clear(print);
    snmp_value_print(event->mib, object, &varbind->value, print);
    if (word != NULL) {
        set_text(event, out, word, strlen(word));
    } else if (!number) {
        set_text(event, out, buf_text(print), print->size);
    }
    if (line->size < LINE_MAX) {
        size_t kept = str_utf8_cut(buf_text(print), print->size, SHOWN_MAX);
        (void)buf_append_text(line, line->size == 0 ? "" : ", ");
        (void)buf_append_text(line, name);
        (void)buf_append_byte(line, ' ');
        (void)buf_append(line, buf_text(print), kept);
        (void)buf_append_text(line, kept < print->size ? "..." : "");
    }
}

/* Line breaks and the like in texts of a device would be more than one line. */
static void flatten(struct buf *line)
{
    for (size_t i = 0; i < line->size; i++) {
        line->data[i] = line->data[i] < ' ' || line->data[i] == 0x7f ? ' ' : line->data[i];
    }
}

void snmp_trap_print_address(const struct endpoint *address, char *to, size_t size)
{
    char whole[ADDRESS_TEXT_MAX];
    struct endpoint bare = *address;
    bare.port = 0;
    (void)endpoint_format(whole, sizeof(whole), &bare);
    size_t start = whole[0] == '[' ? 1 : 0;
    char *end = strrchr(whole, start > 0 ? ']' : ':');
    if (end != NULL) {
        *end = '\0';
    }
    str_copy(to, size, whole + start);
}

static void add_sender(struct building *event, const struct snmp_trap_notice *notice,
                       const struct snmp_trap_device *device)
{
    char address[ADDRESS_TEXT_MAX];
    struct endpoint from = *notice->from;
    from.port = device != NULL ? device->device->address.port : 0;
    if (device != NULL && endpoint_equal(&from, &device->device->address)) {
        return;
    }
    snmp_trap_print_address(notice->from, address, sizeof(address));
    add_text(event, "from", address);
    if (device == NULL && notice->agent.family != 0) {
        snmp_trap_print_address(&notice->agent, address, sizeof(address));
        add_text(event, "agent", address);
    }
}

int snmp_trap_event(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                    struct snmp_trap_device *device, driver_cb on_disk, void *ctx)
{
    struct building building = { .scratch = traps->scratch, .mib = traps->state->mib };
    char trap[EVENT_NAME_MAX * 2];
    struct buf *line = &traps->scratch->line;
    str_copy(trap, sizeof(trap), snmp_trap_name(traps, notice->trap, true));
    const char *colons = strstr(trap, "::");
    add_text(&building, "trap", trap);
    struct event_argument *uptime = argument(&building, "sysUpTime");
    uptime->type = VALUE_DOUBLE;
    uptime->value.d = (double)notice->uptime / TICKS_PER_S;
    add_sender(&building, notice, device);
    if (notice->enterprise.size > 0) {
        add_text(&building, "enterprise", snmp_trap_name(traps, notice->enterprise, false));
    }
    buf_clear(line);
    for (size_t i = 0; i < notice->variable_count; i++) {
        add_variable(&building, &notice->variables[i]);
    }
    flatten(line);
    char from[ADDRESS_TEXT_MAX] = "";
    if (device == NULL) {
        snmp_trap_print_address(notice->from, from, sizeof(from));
    }
    char text[LINE_MAX + 4 * SHOWN_MAX];
    str_format(text, sizeof(text), "%s%s%s%s%s", from, from[0] != '\0' ? ": " : "",
               colons != NULL ? colons + 2 : trap, line->size > 0 ? ": " : "", buf_text(line));
    struct event event = {
        .kind = notice->inform ? "inform" : "trap",
        .text = text,
        .severity = severity_of(trap),
        .cut = notice->cut,
        .arguments = building.scratch->arguments,
        .argument_count = building.count,
    };
    return driver_event(traps->state->drv, device != NULL ? device->device->dev : NULL, &event,
                        on_disk, ctx);
}
