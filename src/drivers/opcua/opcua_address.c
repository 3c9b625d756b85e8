/* SPDX-License-Identifier: Apache-2.0 */
/* See opcua_config.h: the settings of a point into its address. */
#include <string.h>

#include "base/str.h"
#include "drivers/opcua/data/decode.h"
#include "drivers/opcua/opcua_config.h"

/* Attributes of a node that a point can be, besides its value (Part 6, A.1; Part 3, 5.9). */
static const struct attribute {
    uint8_t number, type;
    const char *name;
} attributes[] = {
    { 3, VALUE_TEXT, "browse-name" },
    { 4, VALUE_TEXT, "display-name" },
    { 5, VALUE_TEXT, "description" },
    { 6, VALUE_INT, "write-mask" },
    { 12, VALUE_INT, "event-notifier" },
    { OPCUA_ATTRIBUTE_VALUE, VALUE_NONE, "value" },
    { 14, VALUE_TEXT, "data-type" },
    { 15, VALUE_INT, "value-rank" },
    { 17, VALUE_INT, "access-level" },
    { 18, VALUE_INT, "user-access-level" },
    { 19, VALUE_DOUBLE, "minimum-sampling-interval" },
    { 20, VALUE_BOOL, "historizing" },
    { 21, VALUE_BOOL, "executable" },
};
enum { ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]) };

static const uint8_t type_values[] = { VALUE_BOOL, VALUE_INT, VALUE_DOUBLE, VALUE_TEXT };

const char *opcua_attribute_name(uint8_t attribute)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (attributes[i].number == attribute) {
            return attributes[i].name;
        }
    }
    return NULL;
}

/* A text of the address: in its arena, or as it stands where it is only checked. */
static const char *keep(const struct point_facts *facts, const char *text)
{
    return text == NULL || facts->arena == NULL ? text : arena_strdup(facts->arena, text);
}

static int resolve_node(const struct settings *point, struct opcua_address *address,
                        const struct point_facts *facts, struct err *err)
{
    const char *text = settings_text(point, POINT_NODE);
    struct err reason = { 0 };
    struct arena own;
    if (text == NULL) {
        return err_at(err, BUSBAR_ECONFIG, point->at,
                      "add node: \"nsu=urn:acme:press;s=Oil.Temp\"; 'busbar device browse' lists "
                      "them",
                      "an OPC UA point needs its node");
    }
    const struct opcua_address *before = facts->before;
    const char *uri = before != NULL ? before->node.uri : NULL;
    arena_init(&own, 0);
    int error = opcua_id_parse(text, facts->arena != NULL ? facts->arena : &own, &uri,
                               &address->node, &reason);
    arena_fini(&own);
    if (error != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_NODE), reason.hint,
                      "'%.80s' is no node: %s", text, reason.message);
    }
    return 0;
}

static int resolve_attribute(const struct settings *point, struct opcua_address *address,
                             struct err *err)
{
    const char *names[ATTRIBUTES];
    const char *text = settings_text(point, POINT_ATTRIBUTE);
    address->attribute = OPCUA_ATTRIBUTE_VALUE;
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        names[i] = attributes[i].name;
        if (text != NULL && strcmp(text, names[i]) == 0) {
            address->attribute = attributes[i].number;
            address->type = attributes[i].type;
            return 0;
        }
    }
    if (text == NULL) {
        return 0;
    }
    const char *near = str_nearest(text, names, ATTRIBUTES);
    err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_ATTRIBUTE), NULL,
           "'%s' is no attribute that a point can be", text);
    err_hint(err, near != NULL ? "did you mean '%s'?" : "write one of them, as '%s'",
             near != NULL ? near : "description");
    return BUSBAR_ECONFIG;
}

static int resolve_part(const struct settings *point, struct opcua_address *address,
                        const struct point_facts *facts, struct err *err)
{
    const char *range = settings_text(point, POINT_RANGE);
    const char *member = settings_text(point, POINT_MEMBER);
    struct opcua_range parsed;
    if (range != NULL && !opcua_range_parse(range, &parsed)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_RANGE),
                      "write 3 (one element), 0:9 (the first ten), or 1,2:4 of a matrix",
                      "'%s' is no range of an array", range);
    }
    if (address->attribute != OPCUA_ATTRIBUTE_VALUE && (range != NULL || member != NULL)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_ATTRIBUTE),
                      "take one of them out", "only a value has ranges and members");
    }
    if (member != NULL && !opcua_member_valid(member)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_MEMBER),
                      "write names with a dot between: Position.X", "'%s' is no member", member);
    }
    address->range = keep(facts, range);
    address->want.member = keep(facts, member);
    if (range != NULL) {
        uint64_t elements = opcua_range_count(&parsed);
        address->want.elements = elements < UINT32_MAX ? (uint32_t)elements : UINT32_MAX;
    }
    return 0;
}

static int resolve_type(const struct settings *point, struct opcua_address *address,
                        struct err *err)
{
    if (!settings_has(point, POINT_TYPE)) {
        return 0;
    }
    if (address->attribute != OPCUA_ATTRIBUTE_VALUE) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_TYPE), "take it out",
                      "an attribute has its own type");
    }
    address->type = type_values[settings_int(point, POINT_TYPE)];
    return 0;
}

/* "0.5", "1%". */
static int resolve_change(const struct settings *point, struct opcua_address *address,
                          struct err *err)
{
    char number[40];
    double change = 0;
    const char *text = settings_text(point, POINT_CHANGE);
    if (text == NULL) {
        return 0;
    }
    (void)str_copy(number, sizeof(number), text);
    size_t size = strlen(number);
    address->deadband_percent = size > 0 && number[size - 1] == '%';
    if (address->deadband_percent) {
        number[size - 1] = '\0';
    }
    if (str_parse_double(str_trim(number), &change) != 0 || !(change > 0) || change > 3e38 ||
        (address->deadband_percent && change > 100)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_CHANGE),
                      "write the smallest change, as 0.5, or as a part of the value's range: 1%",
                      "'%s' is no smallest change", text);
    }
    if (address->type == VALUE_TEXT || address->type == VALUE_BOOL ||
        address->attribute != OPCUA_ATTRIBUTE_VALUE) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_CHANGE), "take it out",
                      "only a number has a smallest change");
    }
    address->deadband = (float)change;
    return 0;
}

/* What is set of the point, else of the device. */
static int64_t pick(const struct settings *device, size_t of_device, const struct settings *point,
                    size_t of_point)
{
    return settings_has(point, of_point) ? settings_int(point, of_point)
                                         : settings_int(device, of_device);
}

static int resolve_sampling(const struct settings *device, const struct settings *point,
                            struct opcua_address *address, struct err *err)
{
    static const enum opcua_point_option rows[] = { POINT_SAMPLING, POINT_QUEUE, POINT_DISCARD,
                                                    POINT_CHANGE };
    int64_t publishing_us = settings_int(device, DEVICE_PUBLISHING);
    int64_t queue = pick(device, DEVICE_QUEUE, point, POINT_QUEUE);
    address->sampling_us = pick(device, DEVICE_SAMPLING, point, POINT_SAMPLING);
    address->poll = settings_bool(point, POINT_POLL);
    address->discard_newest = pick(device, DEVICE_DISCARD, point, POINT_DISCARD) != 0;
    for (size_t i = 0; address->poll && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (settings_has(point, rows[i])) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, rows[i]),
                          "take it out, or 'poll: true'; the period of a poll is 'every'",
                          "'%s' is of a subscription, and this point is read",
                          point->options[rows[i]].key);
        }
    }
    if (queue == 0) { /* what can come between two publishings, and one to spare */
        queue = address->sampling_us > 0 && address->sampling_us < publishing_us
                    ? (publishing_us + address->sampling_us - 1) / address->sampling_us + 1
                    : 1;
        queue = address->sampling_us < 0 ? 100 : queue;
    }
    address->queue = (uint32_t)(queue < 10000 ? queue : 10000);
    return 0;
}

int opcua_config_resolve(const struct settings *device, const struct settings *point,
                         struct opcua_address *address, struct point_facts *facts, struct err *err)
{
    *address = (struct opcua_address){ .type = VALUE_NONE };
    int error = resolve_node(point, address, facts, err);
    error = error == 0 ? resolve_attribute(point, address, err) : error;
    error = error == 0 ? resolve_part(point, address, facts, err) : error;
    error = error == 0 ? resolve_type(point, address, err) : error;
    error = error == 0 ? resolve_change(point, address, err) : error;
    error = error == 0 ? resolve_sampling(device, point, address, err) : error;
    if (error != 0) {
        return error;
    }
    address->backfill = settings_has(point, POINT_HISTORY) ? settings_bool(point, POINT_HISTORY)
                                                           : settings_bool(device, DEVICE_HISTORY);
    address->backfill = address->backfill && address->attribute == OPCUA_ATTRIBUTE_VALUE;
    facts->value_type = address->type;
    facts->readable = true;
    facts->writable = address->attribute == OPCUA_ATTRIBUTE_VALUE && address->want.member == NULL;
    return 0;
}

void opcua_address_print(const struct opcua_address *address, struct buf *out)
{
    opcua_id_print(&address->node, out);
    if (address->range != NULL) {
        buf_printf(out, " range %s", address->range);
    }
    if (address->want.member != NULL) {
        buf_printf(out, " member %s", address->want.member);
    }
    if (address->attribute != OPCUA_ATTRIBUTE_VALUE) {
        buf_printf(out, " %s", opcua_attribute_name(address->attribute));
    }
}
