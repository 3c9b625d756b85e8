/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_look.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/text.h"
#include "model/point.h"
#include "model/quality.h"

enum {
    PROPOSAL_MAX = 16384,
    TROUBLE_MAX = 320,
    NAME_MOST = 60, /* of a proposed point; the rest of a longer one says little */
    FREE_NAME_MAX = 200,
};

/* ---- what is asked of which objects ---- */

enum look_class {
    CLASS_ANY = 1,
    CLASS_VALUE = 2, /* has a present-value */
    CLASS_ANALOG = 4,
    CLASS_BINARY = 8,
    CLASS_STATES = 16,
    CLASS_COMMAND = 32, /* may have a priority array */
};

static unsigned class_of(uint16_t type)
{
    switch (type) {
    case BACNET_ANALOG_INPUT:
    case BACNET_LOOP:
    case BACNET_PULSE_CONVERTER:
    case BACNET_ACCUMULATOR: return CLASS_ANY | CLASS_VALUE | CLASS_ANALOG;
    case BACNET_ANALOG_OUTPUT:
    case BACNET_ANALOG_VALUE:
    case BACNET_INTEGER_VALUE:
    case BACNET_LARGE_ANALOG_VALUE:
    case BACNET_POSITIVE_INTEGER_VALUE:
    case BACNET_LIGHTING_OUTPUT: return CLASS_ANY | CLASS_VALUE | CLASS_ANALOG | CLASS_COMMAND;
    case BACNET_BINARY_INPUT: return CLASS_ANY | CLASS_VALUE | CLASS_BINARY;
    case BACNET_BINARY_OUTPUT:
    case BACNET_BINARY_VALUE: return CLASS_ANY | CLASS_VALUE | CLASS_BINARY | CLASS_COMMAND;
    case BACNET_MULTI_STATE_INPUT: return CLASS_ANY | CLASS_VALUE | CLASS_STATES;
    case BACNET_MULTI_STATE_OUTPUT:
    case BACNET_MULTI_STATE_VALUE: return CLASS_ANY | CLASS_VALUE | CLASS_STATES | CLASS_COMMAND;
    case BACNET_DEVICE:
    case BACNET_EVENT_ENROLLMENT:
    case BACNET_FILE:
    case BACNET_NOTIFICATION_CLASS:
    case BACNET_NOTIFICATION_FORWARDER:
    case BACNET_PROGRAM:
    case BACNET_TREND_LOG:
    case BACNET_TREND_LOG_MULTIPLE:
    case BACNET_EVENT_LOG:
    case BACNET_STRUCTURED_VIEW:
    case BACNET_NETWORK_PORT: return CLASS_ANY;
    default: return CLASS_ANY | CLASS_VALUE | CLASS_COMMAND;
    }
}

static const struct {
    uint32_t property, index;
    unsigned classes;
} rows[] = {
    { BACNET_PROP_OBJECT_NAME, BACNET_INDEX_ALL, CLASS_ANY },
    { BACNET_PROP_DESCRIPTION, BACNET_INDEX_ALL, CLASS_ANY },
    { BACNET_PROP_PRESENT_VALUE, BACNET_INDEX_ALL, CLASS_VALUE },
    { BACNET_PROP_STATUS_FLAGS, BACNET_INDEX_ALL, CLASS_VALUE },
    { BACNET_PROP_RELIABILITY, BACNET_INDEX_ALL, CLASS_VALUE },
    { BACNET_PROP_UNITS, BACNET_INDEX_ALL, CLASS_ANALOG },
    { BACNET_PROP_MIN_PRES_VALUE, BACNET_INDEX_ALL, CLASS_ANALOG },
    { BACNET_PROP_MAX_PRES_VALUE, BACNET_INDEX_ALL, CLASS_ANALOG },
    { BACNET_PROP_LOW_LIMIT, BACNET_INDEX_ALL, CLASS_ANALOG },
    { BACNET_PROP_HIGH_LIMIT, BACNET_INDEX_ALL, CLASS_ANALOG },
    { BACNET_PROP_COV_INCREMENT, BACNET_INDEX_ALL, CLASS_ANALOG },
    { BACNET_PROP_INACTIVE_TEXT, BACNET_INDEX_ALL, CLASS_BINARY },
    { BACNET_PROP_ACTIVE_TEXT, BACNET_INDEX_ALL, CLASS_BINARY },
    { BACNET_PROP_NUMBER_OF_STATES, BACNET_INDEX_ALL, CLASS_STATES },
    { BACNET_PROP_STATE_TEXT, BACNET_INDEX_ALL, CLASS_STATES },
    /* only its size: is it there at all? */
    { BACNET_PROP_PRIORITY_ARRAY, 0, CLASS_COMMAND },
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) <= BACNET_LOOK_ITEMS, "every row can be asked for");

size_t bacnet_look_items(struct bacnet_object object,
                         struct bacnet_fetch_item items[BACNET_LOOK_ITEMS])
{
    unsigned classes = class_of(object.type);
    size_t count = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((rows[i].classes & classes) != 0) {
            items[count++] = (struct bacnet_fetch_item){
                .object = object,
                .property = rows[i].property,
                .index = rows[i].index,
            };
        }
    }
    return count;
}

/* ---- what came ---- */

void bacnet_look_init(struct bacnet_look *look, struct bacnet_object object, struct arena *arena)
{
    *look = (struct bacnet_look){ .object = object, .arena = arena };
    look->value.quality = QUALITY_NOT_YET;
}

void bacnet_look_fini(struct bacnet_look *look)
{
    busbar_free(look->text);
    look->text = NULL;
}

static const char *keep_text(const struct bacnet_look *look, const struct bacnet_value *value)
{
    struct buf text;
    buf_init(&text, BACNET_LOOK_TEXT_MAX);
    (void)bacnet_print_characters(value, &text);
    char *kept = arena_strdup(look->arena, buf_text(&text));
    buf_fini(&text);
    return kept;
}

static void take_texts(struct bacnet_look *look, struct bytes value)
{
    struct bacnet_element element;
    look->text_count = 0;
    while (look->text_count < POINT_ENUM_MAX && bytes_left(&value) > 0 &&
           bacnet_get_element(&value, &element) == 0 && element.primitive &&
           element.value.type == BACNET_CHARACTERS) {
        look->texts[look->text_count++] = keep_text(look, &element.value);
    }
}

static void take_value(struct bacnet_look *look, struct bytes value)
{
    struct bacnet_seen seen;
    struct buf text;
    struct bacnet_target target = { .object = bacnet_object_number(look->object),
                                    .property = BACNET_PROP_PRESENT_VALUE,
                                    .index = BACNET_INDEX_ALL };
    uint8_t kind = bacnet_kind(look->object.type, target.property, target.index);
    enum bacnet_list list = bacnet_property_list(look->object.type, target.property);
    target.value_type = bacnet_target_value_type(kind, &target);
    look->has_value = true;
    bacnet_value_get(&target, value, &look->value, &look->text, &seen);
    look->value.time_us = look->value.receive_us = clock_wall_us();
    if (look->value.type == VALUE_NONE || look->value.type == VALUE_TEXT ||
        (list != BACNET_LIST_NONE && target.value_type != VALUE_BOOL)) {
        buf_init(&text, 2 * BACNET_LOOK_TEXT_MAX);
        bacnet_print_elements(value, list, BACNET_LOOK_TEXT_MAX, &text);
        look->value_text = arena_strdup(look->arena, buf_text(&text));
        buf_fini(&text);
    }
}

static bool number_of(const struct bacnet_value *value, float *out)
{
    switch (value->type) {
    case BACNET_REAL: *out = value->as.real; break;
    case BACNET_DOUBLE: *out = (float)value->as.real64; break;
    case BACNET_UNSIGNED: *out = (float)value->as.number; break;
    case BACNET_SIGNED: *out = (float)value->as.integer; break;
    default: return false;
    }
    return *out == *out && *out > -3e38F && *out < 3e38F;
}

static void take_flags(struct bacnet_look *look, const struct bacnet_value *value)
{
    if (value->type != BACNET_BITS) {
        return;
    }
    look->has_flags = true;
    for (unsigned i = 0; i < 4; i++) {
        look->flags |= (uint8_t)(bacnet_value_bit(value, i) ? 1u << i : 0u);
    }
}

static void take_primitive(struct bacnet_look *look, uint32_t property,
                           const struct bacnet_value *value)
{
    bool number = value->type == BACNET_UNSIGNED || value->type == BACNET_ENUMERATED;
    bool text = value->type == BACNET_CHARACTERS;
    switch (property) {
    case BACNET_PROP_OBJECT_NAME: look->name = text ? keep_text(look, value) : NULL; break;
    case BACNET_PROP_DESCRIPTION: look->description = text ? keep_text(look, value) : NULL; break;
    case BACNET_PROP_STATUS_FLAGS: take_flags(look, value); break;
    case BACNET_PROP_RELIABILITY:
        look->reliability = number ? (uint32_t)value->as.number : 0;
        break;
    case BACNET_PROP_UNITS:
        look->has_units = number;
        look->units = number ? (uint32_t)value->as.number : 0;
        break;
    case BACNET_PROP_MIN_PRES_VALUE: look->has_min = number_of(value, &look->min); break;
    case BACNET_PROP_MAX_PRES_VALUE: look->has_max = number_of(value, &look->max); break;
    case BACNET_PROP_LOW_LIMIT: look->has_low = number_of(value, &look->low_limit); break;
    case BACNET_PROP_HIGH_LIMIT: look->has_high = number_of(value, &look->high_limit); break;
    case BACNET_PROP_COV_INCREMENT: look->has_increment = number_of(value, &look->increment); break;
    case BACNET_PROP_NUMBER_OF_STATES:
        look->states = number ? (uint32_t)value->as.number : 0;
        break;
    case BACNET_PROP_INACTIVE_TEXT:
    case BACNET_PROP_ACTIVE_TEXT:
        if (text) {
            look->texts[property == BACNET_PROP_ACTIVE_TEXT] = keep_text(look, value);
            look->text_count = 2;
        }
        break;
    case BACNET_PROP_PRIORITY_ARRAY: look->commandable = true; break;
    default: break;
    }
}

void bacnet_look_take(struct bacnet_look *look, const struct bacnet_fetched *fetched)
{
    struct bytes value = fetched->value;
    struct bacnet_element element;
    if (fetched->refused != 0) {
        if (fetched->property == BACNET_PROP_PRESENT_VALUE) {
            look->refused = fetched->refused;
        }
        return;
    }
    look->answered = true;
    if (fetched->property == BACNET_PROP_PRESENT_VALUE) {
        take_value(look, value);
    } else if (fetched->property == BACNET_PROP_STATE_TEXT) {
        take_texts(look, value);
    } else if (bytes_left(&value) > 0 && bacnet_get_element(&value, &element) == 0 &&
               element.primitive) {
        take_primitive(look, fetched->property, &element.value);
    }
}

/* ---- words ---- */

size_t bacnet_look_slug(const char *text, char *to, size_t size)
{
    size_t at = 0;
    for (; *text != '\0' && at + 1 < size; text++) {
        char c = *text;
        bool digit = c >= '0' && c <= '9';
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if (digit || (c >= 'a' && c <= 'z')) {
            to[at++] = c;
        } else if (at > 0 && to[at - 1] != '-') {
            to[at++] = '-';
        }
    }
    while (at > 0 && to[at - 1] == '-') {
        at--;
    }
    to[at] = '\0';
    return at;
}

const char *bacnet_look_units(uint32_t units)
{
    const char *symbol = bacnet_unit_symbol(units);
    if (symbol == NULL) {
        symbol = bacnet_name(BACNET_LIST_UNITS, units);
    }
    return symbol != NULL && symbol[0] != '\0' ? symbol : NULL;
}

void bacnet_look_quote(struct buf *out, const char *text)
{
    struct json_writer json = json_writer(out);
    json_string(&json, text);
}

/* The texts of states as names that an enum can have: none empty, none twice. */
static size_t make_enums(const struct bacnet_look *look, struct point_enum *enums)
{
    bool binary = (class_of(look->object.type) & CLASS_BINARY) != 0;
    size_t count = 0;
    for (size_t i = 0; i < look->text_count; i++) {
        const char *text = look->texts[i];
        int64_t number = (int64_t)i + (binary ? 0 : 1);
        bool usable = text != NULL && text[0] != '\0' && strlen(text) <= POINT_NAME_MAX;
        for (size_t j = 0; usable && j < count; j++) {
            usable = strcmp(enums[j].name, text) != 0;
        }
        if (!usable) {
            text = arena_printf(look->arena, "%s%lld", binary ? "" : "state ", (long long)number);
        }
        enums[count++] = (struct point_enum){ .value = number, .name = text };
    }
    return count;
}

static void put_trouble(const struct bacnet_look *look, struct buf *out)
{
    char reason[BACNET_NAME_TEXT_MAX];
    bacnet_format_name(reason, sizeof(reason), BACNET_LIST_RELIABILITY, look->reliability);
    if (!look->answered) {
        buf_append_text(out, "the device lists this object, but tells nothing of it");
    } else if (look->refused != 0 && !look->has_value &&
               (class_of(look->object.type) & CLASS_ANALOG) != 0) {
        const char *words = bacnet_explain(look->refused);
        buf_printf(out, "present-value was not told: %s", words != NULL ? words : "refused");
    } else if ((look->flags & BACNET_FLAG_FAULT) != 0 || look->reliability != 0) {
        buf_printf(out, "fault: %s; the value is not reliable", reason);
    } else if ((look->flags & BACNET_FLAG_OUT_OF_SERVICE) != 0) {
        buf_append_text(out, "out of service: the value does not follow the plant");
    } else if ((look->flags & BACNET_FLAG_OVERRIDDEN) != 0) {
        buf_append_text(out, "overridden: held at the device itself, by a switch or its program");
    }
}

/* ---- the proposal ---- */

static void put_enum(struct buf *out, const struct point_enum *enums, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s%lld: ", i == 0 ? ", enum: { " : ", ", (long long)enums[i].value);
        bacnet_look_quote(out, enums[i].name);
    }
    if (count > 0) {
        buf_append_text(out, " }");
    }
}

static void put_write(const struct bacnet_look *look, struct buf *out)
{
    char min[32];
    char max[32];
    str_format_float(min, sizeof(min), look->min);
    str_format_float(max, sizeof(max), look->max);
    if (look->has_min && look->has_max && look->min < look->max) {
        buf_printf(out, ", write: { min: %s, max: %s }, priority: 8", min, max);
    } else {
        buf_append_text(out, ", write: true, priority: 8");
    }
}

static bool may_write(const struct bacnet_look *look)
{
    return look->commandable && (class_of(look->object.type) & CLASS_COMMAND) != 0 &&
           (look->value.type != VALUE_TEXT || look->object.type == BACNET_CHARACTERSTRING_VALUE);
}

static void put_point(const struct bacnet_look *look, const char *id, const char *log, bool cov,
                      const struct point_enum *enums, size_t enum_count, struct buf *out)
{
    char name[FREE_NAME_MAX + 1];
    bool described = look->description != NULL && look->description[0] != '\0';
    const char *units = look->has_units ? bacnet_look_units(look->units) : NULL;
    buf_printf(out, "{ object: %s", id);
    if (described || look->name != NULL) {
        str_copy(name, sizeof(name), described ? look->description : look->name);
        if (name[0] != '\0') {
            buf_append_text(out, ", name: ");
            bacnet_look_quote(out, name);
        }
    }
    if (units != NULL) {
        buf_append_text(out, ", units: ");
        bacnet_look_quote(out, units);
    }
    put_enum(out, enums, enum_count);
    if (may_write(look)) {
        put_write(look, out);
    }
    if (cov) {
        buf_append_text(out, ", cov: true");
    }
    if (log != NULL) {
        buf_printf(out, ", trend_log: \"%s\"", log);
    }
    buf_append_text(out, " }");
}

/* Objects that tell changes of their present-value (clause 13.1, table 13-1). */
static bool tells_changes(uint16_t type)
{
    return (class_of(type) & (CLASS_ANALOG | CLASS_BINARY | CLASS_STATES)) != 0 &&
           type != BACNET_ACCUMULATOR;
}

static void set_limits(const struct bacnet_look *look, struct driver_node *node)
{
    node->has_min = look->has_min || look->has_low;
    node->has_max = look->has_max || look->has_high;
    node->min = (double)(look->has_min ? look->min : look->low_limit);
    node->max = (double)(look->has_max ? look->max : look->high_limit);
}

static void set_value(const struct bacnet_look *look, struct driver_node *node)
{
    node->value = look->value;
    node->value_text = look->value_text;
    if (!look->has_value && look->refused != 0) {
        node->value.quality = QUALITY_REFUSED;
        node->value.detail = look->refused;
    }
}

void bacnet_look_tell(const struct bacnet_look *look, struct driver_browse *browse,
                      const char *parent, const char *log, bool cov)
{
    char id[BACNET_OBJECT_TEXT_MAX];
    char point_name[NAME_MOST + 1];
    struct point_enum *enums = busbar_alloc_array(POINT_ENUM_MAX, sizeof(*enums));
    struct buf point;
    struct buf trouble;
    bool valued = (class_of(look->object.type) & CLASS_VALUE) != 0 && look->has_value;
    bacnet_format_object(id, sizeof(id), look->object);
    if (look->name == NULL || bacnet_look_slug(look->name, point_name, sizeof(point_name)) == 0) {
        bacnet_look_slug(id, point_name, sizeof(point_name));
    }
    buf_init(&point, PROPOSAL_MAX);
    buf_init(&trouble, TROUBLE_MAX);
    struct driver_node node = {
        .id = id,
        .parent = parent,
        .kind = "object",
        .name = look->name != NULL ? look->name : "",
        .description = look->description,
        .branch = true,
        .readable = valued,
        .writable = valued && may_write(look),
        .watchable = valued && cov && tells_changes(look->object.type),
        .units = look->has_units ? bacnet_look_units(look->units) : NULL,
        .enums = enums,
        .enum_count = make_enums(look, enums),
    };
    set_limits(look, &node);
    set_value(look, &node);
    put_trouble(look, &trouble);
    node.trouble = trouble.size > 0 ? buf_text(&trouble) : NULL;
    if (valued) {
        put_point(look, id, log, node.watchable, enums, node.enum_count, &point);
        node.point_name = point_name;
        node.point = point.overflow ? NULL : buf_text(&point);
        node.proposed = look->value.type != VALUE_NONE;
    }
    driver_node(browse, &node);
    buf_fini(&trouble);
    buf_fini(&point);
    busbar_free(enums);
}
