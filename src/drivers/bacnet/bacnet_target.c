/* SPDX-License-Identifier: Apache-2.0 */
/* A point's settings into its target, each mistake told with what to write instead. */
#include "drivers/bacnet/bacnet_target.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "drivers/bacnet/bacnet_config.h"
#include "drivers/bacnet/bacnet_options.h"
#include "drivers/bacnet/wire/names.h"

static const char *const type_words[] = { "bool", "int", "double", "string", NULL };
static const uint8_t type_values[] = { VALUE_BOOL, VALUE_INT, VALUE_DOUBLE, VALUE_TEXT };

const struct option bacnet_point_options[] = {
    [POINT_OBJECT] = { .key = "object",
                       .type = OPTION_TEXT,
                       .min = 1,
                       .max = 80,
                       .help = "analog-input:1, AI:1, 130:5" },
    [POINT_PROPERTY] = { .key = "property",
                         .type = OPTION_TEXT,
                         .fallback = "present-value",
                         .min = 1,
                         .max = 64,
                         .help = "a name or a number" },
    [POINT_INDEX] = { .key = "index",
                      .type = OPTION_INT,
                      .min = 0,
                      .max = BACNET_INDEX_MOST,
                      .help = "one element of an array, from 1; 0: how many there are" },
    [POINT_COV] = { .key = "cov",
                    .type = OPTION_TEXT,
                    .min = 1,
                    .max = 32,
                    .help = "subscribe to changes: true, false, or the smallest change: 0.2" },
    [POINT_PRIORITY] = { .key = "priority",
                         .type = OPTION_INT,
                         .min = 1,
                         .max = 16,
                         .help = "of writes, 1 first to 16; the device's by default" },
    [POINT_TYPE] = { .key = "type",
                     .type = OPTION_CHOICE,
                     .choices = type_words,
                     .help = "instead of what the property usually is: bool, int, double, string" },
    [POINT_TREND_LOG] = { .key = "trend_log",
                          .type = OPTION_TEXT,
                          .min = 1,
                          .max = 80,
                          .help = "its past comes from there: trend-log:3, auto, "
                                  "trend-log-multiple:2[1]" },
    { .key = NULL },
};

/* ---- object, property, index ---- */

static int resolve_object(const struct settings *point, struct bacnet_target *target,
                          struct err *err)
{
    struct bacnet_object object;
    struct err reason = { 0 };
    if (!settings_has(point, POINT_OBJECT)) {
        return err_at(err, BUSBAR_ECONFIG, point->at,
                      "add 'object: analog-input:1' (AI:1); 'busbar device browse' lists them",
                      "a BACnet point needs its object");
    }
    const char *text = settings_text(point, POINT_OBJECT);
    if (bacnet_parse_object(text, &object, &reason) != 0) {
        const char *hint = reason.hint[0] != '\0'
                               ? reason.hint
                               : "write type:instance, as analog-input:1 or AI:1";
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_OBJECT), hint,
                      "'%s' is not a BACnet object", text);
    }
    target->object = bacnet_object_number(object);
    return 0;
}

static int resolve_property(const struct settings *point, struct bacnet_target *target,
                            struct err *err)
{
    const char *text = settings_text(point, POINT_PROPERTY);
    target->index = BACNET_INDEX_ALL;
    if (settings_has(point, POINT_INDEX)) {
        target->index = (uint32_t)settings_int(point, POINT_INDEX);
    }
    bool all = bacnet_number(BACNET_LIST_PROPERTIES, text, &target->property) == 0;
    bool many = all &&
                (target->property == BACNET_PROP_ALL || target->property == BACNET_PROP_REQUIRED ||
                 target->property == BACNET_PROP_OPTIONAL);
    if (all && !many && target->property <= BACNET_PROPERTY_MOST) {
        return 0;
    }
    err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_PROPERTY), NULL,
           many ? "'%s' is not one property but many" : "'%s' is not a BACnet property", text);
    const char *near = all ? NULL : bacnet_name_near(BACNET_LIST_PROPERTIES, text);
    if (near != NULL) {
        err_hint(err, "did you mean '%s'?", near);
    } else {
        err_hint(err, "write one name, as high-limit, or its number");
    }
    return BUSBAR_ECONFIG;
}

/* ---- type ---- */

uint8_t bacnet_target_value_type(uint8_t kind, const struct bacnet_target *target)
{
    switch (kind) {
    case BACNET_BOOLEAN: return VALUE_BOOL;
    case BACNET_UNSIGNED:
    case BACNET_SIGNED: return VALUE_INT;
    case BACNET_REAL:
    case BACNET_DOUBLE: return VALUE_DOUBLE;
    case BACNET_ENUMERATED: {
        uint16_t type = bacnet_target_type(target);
        bool binary = type == BACNET_BINARY_INPUT || type == BACNET_BINARY_OUTPUT ||
                      type == BACNET_BINARY_VALUE;
        bool state = target->property == BACNET_PROP_PRESENT_VALUE ||
                     target->property == BACNET_PROP_RELINQUISH_DEFAULT ||
                     target->property == BACNET_PROP_FEEDBACK_VALUE;
        return binary && state ? VALUE_BOOL : VALUE_INT;
    }
    default: return VALUE_TEXT;
    }
}

/* ---- cov, priority ---- */

static int resolve_cov(const struct settings *point, struct bacnet_target *target, struct err *err)
{
    bool on = false;
    double increment = 0;
    const char *text = settings_text(point, POINT_COV);
    target->increment = NAN;
    if (text == NULL) {
        return 0;
    }
    if (str_parse_bool(text, &on) == 0) {
        target->flags |= on ? BACNET_TARGET_COV_ON : BACNET_TARGET_COV_OFF;
        return 0;
    }
    if (str_parse_double(text, &increment) != 0 || !(increment >= 0) || increment > 3e38) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_COV),
                      "write true, false, or the smallest change to be told, as 0.2",
                      "'%s' is no COV increment", text);
    }
    if (target->value_type != VALUE_DOUBLE && target->value_type != VALUE_INT) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_COV), "write 'cov: true'",
                      "only a number has a COV increment");
    }
    target->increment = (float)increment;
    target->flags |= BACNET_TARGET_COV_ON;
    return 0;
}

/* Objects that have a priority array, or may have one (clause 19.2.1.1). */
static bool commandable(uint16_t type)
{
    switch (type) {
    case BACNET_ANALOG_OUTPUT:
    case BACNET_ANALOG_VALUE:
    case BACNET_BINARY_OUTPUT:
    case BACNET_BINARY_VALUE:
    case BACNET_MULTI_STATE_OUTPUT:
    case BACNET_MULTI_STATE_VALUE:
    case BACNET_ACCESS_DOOR:
    case BACNET_BITSTRING_VALUE:
    case BACNET_CHARACTERSTRING_VALUE:
    case BACNET_DATE_PATTERN_VALUE:
    case BACNET_DATE_VALUE:
    case BACNET_DATETIME_PATTERN_VALUE:
    case BACNET_DATETIME_VALUE:
    case BACNET_INTEGER_VALUE:
    case BACNET_LARGE_ANALOG_VALUE:
    case BACNET_OCTETSTRING_VALUE:
    case BACNET_POSITIVE_INTEGER_VALUE:
    case BACNET_TIME_PATTERN_VALUE:
    case BACNET_TIME_VALUE:
    case BACNET_CHANNEL:
    case BACNET_LIGHTING_OUTPUT:
    case BACNET_BINARY_LIGHTING_OUTPUT: return true;
    default: return type > 127; /* proprietary: may be */
    }
}

static int resolve_priority(const struct settings *device, const struct settings *point,
                            struct bacnet_target *target, struct err *err)
{
    if (target->property == BACNET_PROP_PRESENT_VALUE && target->index == BACNET_INDEX_ALL &&
        commandable(bacnet_target_type(target))) {
        bool own = settings_has(point, POINT_PRIORITY);
        target->flags |= BACNET_TARGET_COMMANDABLE;
        target->priority = (uint8_t)(own ? settings_int(point, POINT_PRIORITY)
                                         : settings_int(device, DEVICE_PRIORITY));
        return 0;
    }
    if (settings_has(point, POINT_PRIORITY)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_PRIORITY),
                      "leave it out: only the present-value of outputs and values has priorities",
                      "this property is written without a priority");
    }
    return 0;
}

/* ---- trend log ---- */

static int wrong_log(const struct settings *point, struct err *err)
{
    return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_TREND_LOG),
                  "write trend-log:3, trend-log-multiple:2[1] (its first member), or auto",
                  "'%s' is not a trend log", settings_text(point, POINT_TREND_LOG));
}

static int resolve_log(const struct settings *point, struct bacnet_target *target, struct err *err)
{
    char text[96];
    uint64_t member = 0;
    struct bacnet_object object;
    target->log = BACNET_LOG_NONE;
    if (!settings_has(point, POINT_TREND_LOG)) {
        return 0;
    }
    str_copy(text, sizeof(text), settings_text(point, POINT_TREND_LOG));
    if (strcmp(text, "auto") == 0) {
        target->flags |= BACNET_TARGET_LOG_AUTO;
        return 0;
    }
    char *open = strchr(text, '[');
    if (open != NULL) {
        char *close = strchr(open, ']');
        *open = '\0';
        if (close == NULL || close[1] != '\0') {
            return wrong_log(point, err);
        }
        *close = '\0';
        if (str_parse_u64(open + 1, &member) != 0 || member < 1 || member > 255) {
            return wrong_log(point, err);
        }
    }
    if (bacnet_parse_object(text, &object, NULL) != 0 ||
        !(object.type == BACNET_TREND_LOG
              ? member == 0
              : object.type == BACNET_TREND_LOG_MULTIPLE && member > 0)) {
        return wrong_log(point, err);
    }
    target->log = bacnet_object_number(object);
    target->log_member = (uint8_t)member;
    return 0;
}

/* ---- all of it ---- */

/* Properties that nobody writes (clause 12). */
static bool read_only(uint32_t property)
{
    switch (property) {
    case BACNET_PROP_OBJECT_IDENTIFIER:
    case BACNET_PROP_OBJECT_TYPE:
    case BACNET_PROP_OBJECT_LIST:
    case BACNET_PROP_PROPERTY_LIST:
    case BACNET_PROP_STATUS_FLAGS:
    case BACNET_PROP_EVENT_STATE:
    case BACNET_PROP_EVENT_TIME_STAMPS:
    case BACNET_PROP_ACKED_TRANSITIONS:
    case BACNET_PROP_PRIORITY_ARRAY:
    case BACNET_PROP_CURRENT_COMMAND_PRIORITY:
    case BACNET_PROP_PROTOCOL_VERSION:
    case BACNET_PROP_PROTOCOL_REVISION:
    case BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED:
    case BACNET_PROP_PROTOCOL_OBJECT_TYPES_SUPPORTED:
    case BACNET_PROP_DATABASE_REVISION:
    case BACNET_PROP_LOG_BUFFER: return true;
    default: return false;
    }
}

int bacnet_target_resolve(const struct settings *device, const struct settings *point,
                          struct bacnet_target *target, struct point_facts *facts, struct err *err)
{
    *target = (struct bacnet_target){ 0 };
    int error = resolve_object(point, target, err);
    if (error == 0) {
        error = resolve_property(point, target, err);
    }
    if (error != 0) {
        return error;
    }
    uint8_t kind = bacnet_kind(bacnet_target_type(target), target->property, target->index);
    target->value_type = settings_has(point, POINT_TYPE)
                             ? type_values[settings_int(point, POINT_TYPE)]
                             : bacnet_target_value_type(kind, target);
    error = resolve_cov(point, target, err);
    if (error == 0) {
        error = resolve_priority(device, point, target, err);
    }
    if (error == 0) {
        error = resolve_log(point, target, err);
    }
    facts->value_type = target->value_type;
    facts->readable = true;
    facts->writable = !read_only(target->property) && target->index != 0;
    facts->releasable = (target->flags & BACNET_TARGET_COMMANDABLE) != 0;
    facts->priority = target->priority;
    return error;
}

void bacnet_target_print(const struct bacnet_target *target, struct buf *out)
{
    char text[BACNET_OBJECT_TEXT_MAX];
    bool whole = target->index == BACNET_INDEX_ALL;
    bacnet_format_object(text, sizeof(text), bacnet_object_of(target->object));
    buf_append_text(out, text);
    if (target->property != BACNET_PROP_PRESENT_VALUE || !whole) {
        bacnet_format_name(text, sizeof(text), BACNET_LIST_PROPERTIES, target->property);
        buf_printf(out, " %s", text);
    }
    if (!whole) {
        buf_printf(out, "[%u]", target->index);
    }
}

bool bacnet_target_has_flags(const struct bacnet_target *target)
{
    if (target->property != BACNET_PROP_PRESENT_VALUE || target->index != BACNET_INDEX_ALL) {
        return false;
    }
    switch (bacnet_target_type(target)) { /* have a present-value and no flags */
    case BACNET_CALENDAR:
    case BACNET_GROUP: return false;
    default: return true;
    }
}

int bacnet_target_compare(const struct bacnet_target *a, const struct bacnet_target *b)
{
    if (a->object != b->object) {
        return a->object < b->object ? -1 : 1;
    }
    if (a->property != b->property) {
        return a->property < b->property ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}
