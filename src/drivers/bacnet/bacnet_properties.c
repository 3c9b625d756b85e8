/* SPDX-License-Identifier: Apache-2.0 */
/* All properties of one object: by "all" in one request; when the device does not know that, by its list of
 * properties (371); when it has none, by trying those that objects usually have. An array that is too
 * long for one answer is read element by element. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_browse.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_look.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/text.h"
#include "model/point.h"
#include "model/quality.h"

enum {
    PROPERTIES_MAX = 1000, /* of one object */
    UNLISTED = 3,          /* properties that are in no property list */
    LONG_ARRAYS_MAX = 16,  /* arrays that are read by elements */
    ELEMENTS_MAX = 1000,   /* of one array */
    SLOTS = 16,            /* of a priority array */
    ID_MAX = 160,
    VALUE_TEXT_MAX = 4096,
    RAW_MAX = 64, /* bytes shown as hex */
    PROPRIETARY = 512,
    NAME_MOST = 40, /* of the object, in a proposed point's name */
};

/* What objects usually have, for a device without property lists. */
static const uint16_t usual[] = {
    BACNET_PROP_PRESENT_VALUE,
    BACNET_PROP_DESCRIPTION,
    BACNET_PROP_STATUS_FLAGS,
    BACNET_PROP_EVENT_STATE,
    BACNET_PROP_RELIABILITY,
    BACNET_PROP_OUT_OF_SERVICE,
    BACNET_PROP_UNITS,
    BACNET_PROP_DEVICE_TYPE,
    BACNET_PROP_UPDATE_INTERVAL,
    BACNET_PROP_MIN_PRES_VALUE,
    BACNET_PROP_MAX_PRES_VALUE,
    BACNET_PROP_RESOLUTION,
    BACNET_PROP_POLARITY,
    BACNET_PROP_INACTIVE_TEXT,
    BACNET_PROP_ACTIVE_TEXT,
    BACNET_PROP_NUMBER_OF_STATES,
    BACNET_PROP_STATE_TEXT,
    BACNET_PROP_PRIORITY_ARRAY,
    BACNET_PROP_RELINQUISH_DEFAULT,
    BACNET_PROP_CURRENT_COMMAND_PRIORITY,
    BACNET_PROP_COV_INCREMENT,
    BACNET_PROP_TIME_DELAY,
    BACNET_PROP_NOTIFICATION_CLASS,
    BACNET_PROP_HIGH_LIMIT,
    BACNET_PROP_LOW_LIMIT,
    BACNET_PROP_DEADBAND,
    BACNET_PROP_LIMIT_ENABLE,
    BACNET_PROP_ALARM_VALUE,
    BACNET_PROP_ALARM_VALUES,
    BACNET_PROP_FAULT_VALUES,
    BACNET_PROP_FEEDBACK_VALUE,
    BACNET_PROP_EVENT_ENABLE,
    BACNET_PROP_ACKED_TRANSITIONS,
    BACNET_PROP_NOTIFY_TYPE,
    BACNET_PROP_EVENT_TIME_STAMPS,
    BACNET_PROP_CHANGE_OF_STATE_TIME,
    BACNET_PROP_CHANGE_OF_STATE_COUNT,
    BACNET_PROP_ELAPSED_ACTIVE_TIME,
    BACNET_PROP_MINIMUM_ON_TIME,
    BACNET_PROP_MINIMUM_OFF_TIME,
    BACNET_PROP_SETPOINT,
    BACNET_PROP_CONTROLLED_VARIABLE_VALUE,
    BACNET_PROP_PRIORITY,
    BACNET_PROP_ACK_REQUIRED,
    BACNET_PROP_RECIPIENT_LIST,
    BACNET_PROP_ENABLE,
    BACNET_PROP_LOG_DEVICE_OBJECT_PROPERTY,
    BACNET_PROP_LOG_INTERVAL,
    BACNET_PROP_STOP_WHEN_FULL,
    BACNET_PROP_BUFFER_SIZE,
    BACNET_PROP_RECORD_COUNT,
    BACNET_PROP_TOTAL_RECORD_COUNT,
    BACNET_PROP_EFFECTIVE_PERIOD,
    BACNET_PROP_WEEKLY_SCHEDULE,
    BACNET_PROP_EXCEPTION_SCHEDULE,
    BACNET_PROP_SCHEDULE_DEFAULT,
    BACNET_PROP_LIST_OF_OBJECT_PROPERTY_REFERENCES,
    BACNET_PROP_PRIORITY_FOR_WRITING,
    BACNET_PROP_DATE_LIST,
    BACNET_PROP_SYSTEM_STATUS,
    BACNET_PROP_VENDOR_NAME,
    BACNET_PROP_VENDOR_IDENTIFIER,
    BACNET_PROP_MODEL_NAME,
    BACNET_PROP_FIRMWARE_REVISION,
    BACNET_PROP_APPLICATION_SOFTWARE_VERSION,
    BACNET_PROP_LOCATION,
    BACNET_PROP_PROTOCOL_VERSION,
    BACNET_PROP_PROTOCOL_REVISION,
    BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED,
    BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED,
    BACNET_PROP_SEGMENTATION_SUPPORTED,
    BACNET_PROP_LOCAL_TIME,
    BACNET_PROP_LOCAL_DATE,
    BACNET_PROP_UTC_OFFSET,
    BACNET_PROP_APDU_TIMEOUT,
    BACNET_PROP_NUMBER_OF_APDU_RETRIES,
    BACNET_PROP_DATABASE_REVISION,
    BACNET_PROP_PROFILE_NAME,
};

/* Arrays of primitives whose elements are told one by one. */
static bool has_elements(uint32_t property)
{
    return property == BACNET_PROP_PRIORITY_ARRAY || property == BACNET_PROP_STATE_TEXT ||
           property == BACNET_PROP_ACTION_TEXT || property == BACNET_PROP_PRIORITY ||
           property == BACNET_PROP_EVENT_MESSAGE_TEXTS;
}

enum phase { PHASE_LIST, PHASE_EACH, PHASE_SIZES, PHASE_ELEMENTS };

struct bacnet_properties {
    struct bacnet_object object;
    char id[BACNET_OBJECT_TEXT_MAX];
    bool refused; /* "all" was */
    bool guessed; /* the list is our own: what is refused is not there */
    enum phase phase;
    uint32_t list[PROPERTIES_MAX];
    size_t count, at;
    struct {
        uint32_t property, count, next;
    } longs[LONG_ARRAYS_MAX];
    size_t long_count, long_at;
    unsigned told;
    uint16_t last_refusal;
    char name[NAME_MOST + 1]; /* of the object, as of a point; "" = not told yet */
};

void bacnet_properties_begin(struct bacnet_browsing *browsing, struct bacnet_object object)
{
    browsing->properties = busbar_alloc(sizeof(*browsing->properties));
    browsing->properties->object = object;
    bacnet_format_object(browsing->properties->id, sizeof(browsing->properties->id), object);
}

void bacnet_properties_free(struct bacnet_properties *properties)
{
    busbar_free(properties);
}

/* ---- nodes ---- */

static const char *priority_meaning(uint32_t priority)
{
    switch (priority) { /* clause 19.2.2, table 19-1 */
    case 1: return "manual life safety";
    case 2: return "automatic life safety";
    case 5: return "critical equipment control";
    case 6: return "minimum on and off times";
    case 8: return "manual operator";
    default: return NULL;
    }
}

struct words {
    char id[ID_MAX], name[BACNET_NAME_TEXT_MAX], parent[ID_MAX];
    struct buf value, point, about;
    char point_name[ID_MAX];
};

static void words_init(struct words *words)
{
    buf_init(&words->value, VALUE_TEXT_MAX);
    buf_init(&words->point, 2 * ID_MAX);
    buf_init(&words->about, 4 * RAW_MAX);
}

static void words_fini(struct words *words)
{
    buf_fini(&words->value);
    buf_fini(&words->point);
    buf_fini(&words->about);
}

/* Names of the node and the point that could be made of it. */
static void name_node(const struct bacnet_properties *properties, uint32_t property, uint32_t index,
                      struct words *words)
{
    bool element = index != BACNET_INDEX_ALL;
    char name[BACNET_NAME_TEXT_MAX];
    bacnet_format_name(name, sizeof(name), BACNET_LIST_PROPERTIES, property);
    str_format(words->parent, sizeof(words->parent), "%s", properties->id);
    buf_printf(&words->point, "{ object: %s, property: %s", properties->id, name);
    if (element) {
        str_format(words->parent, sizeof(words->parent), "%s %s", properties->id, name);
        str_format(words->id, sizeof(words->id), "%s %s[%u]", properties->id, name, index);
        str_format(words->name, sizeof(words->name), "%u", index);
        buf_printf(&words->point, ", index: %u", index);
    } else {
        str_format(words->id, sizeof(words->id), "%s %s", properties->id, name);
        str_copy(words->name, sizeof(words->name), name);
    }
    buf_append_text(&words->point, " }");
    char whole[ID_MAX];
    bool named = properties->name[0] != '\0';
    bool present = property == BACNET_PROP_PRESENT_VALUE;
    str_format(whole, sizeof(whole), "%s%s%s", named ? properties->name : properties->id,
               present ? "" : "-", present ? "" : name);
    (void)bacnet_look_slug(whole, words->point_name, sizeof(words->point_name));
}

/* What of an object is its identity or how it is set up, not a value that anybody would record. */
static bool is_of_setup(uint32_t property)
{
    switch (property) {
    case BACNET_PROP_OBJECT_IDENTIFIER:
    case BACNET_PROP_OBJECT_TYPE:
    case BACNET_PROP_UNITS:
    case BACNET_PROP_NUMBER_OF_STATES:
    case BACNET_PROP_NOTIFICATION_CLASS:
    case BACNET_PROP_NOTIFY_TYPE:
    case BACNET_PROP_POLARITY:
    case BACNET_PROP_LOGGING_TYPE:
    case BACNET_PROP_VENDOR_IDENTIFIER:
    case BACNET_PROP_PROTOCOL_VERSION:
    case BACNET_PROP_PROTOCOL_REVISION:
    case BACNET_PROP_SEGMENTATION_SUPPORTED:
    case BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED:
    case BACNET_PROP_MAX_SEGMENTS_ACCEPTED:
    case BACNET_PROP_APDU_TIMEOUT:
    case BACNET_PROP_APDU_SEGMENT_TIMEOUT:
    case BACNET_PROP_NUMBER_OF_APDU_RETRIES: return true;
    default: return false;
    }
}

/* A number, a state, a switch; a text only as the object's value. */
static bool makes_a_point(uint32_t property, uint32_t index, struct bytes value)
{
    struct bacnet_element element;
    if (index != BACNET_INDEX_ALL || is_of_setup(property) || bytes_left(&value) == 0 ||
        bacnet_get_element(&value, &element) != 0 || !element.primitive || bytes_left(&value) > 0) {
        return false;
    }
    switch (element.value.type) {
    case BACNET_BOOLEAN:
    case BACNET_UNSIGNED:
    case BACNET_SIGNED:
    case BACNET_REAL:
    case BACNET_DOUBLE:
    case BACNET_ENUMERATED: return true;
    case BACNET_NULL: return false;
    default: return property == BACNET_PROP_PRESENT_VALUE;
    }
}

static void put_raw(struct words *words, struct bytes value)
{
    char hex[2 * RAW_MAX + 1];
    size_t size = bytes_left(&value);
    str_hex(hex, sizeof(hex), value.at, size < RAW_MAX ? size : RAW_MAX, 0);
    buf_printf(&words->about, "raw %s%s", hex, size > RAW_MAX ? "..." : "");
}

static bool is_plain(struct bytes value)
{
    struct bacnet_element element;
    return bytes_left(&value) > 0 && bacnet_get_element(&value, &element) == 0 &&
           element.primitive && bytes_left(&value) == 0;
}

static void read_value(const struct bacnet_properties *properties, uint32_t property,
                       uint32_t index, struct bytes value, struct sample *sample,
                       struct text **text, struct buf *words)
{
    struct bacnet_seen seen;
    struct bacnet_target target = { .object = bacnet_object_number(properties->object),
                                    .property = property,
                                    .index = index };
    enum bacnet_list list = bacnet_property_list(properties->object.type, property);
    uint8_t kind = bacnet_kind(properties->object.type, property, index);
    target.value_type = is_plain(value) ? bacnet_target_value_type(kind, &target) : VALUE_TEXT;
    bacnet_value_get(&target, value, sample, text, &seen);
    sample->time_us = sample->receive_us = clock_wall_us();
    bacnet_print_elements(value, list, VALUE_TEXT_MAX - 8, words);
}

/* One property, or one element of an array. refused != 0: why it is not told. */
static void tell(struct bacnet_browsing *browsing, uint32_t property, uint32_t index,
                 uint16_t refused, struct bytes value)
{
    const struct bacnet_properties *properties = browsing->properties;
    struct words words;
    struct text *text = NULL;
    bool slot = property == BACNET_PROP_PRIORITY_ARRAY && index != BACNET_INDEX_ALL;
    struct driver_node node = { .kind = slot                        ? "priority"
                                        : index != BACNET_INDEX_ALL ? "element"
                                                                    : "property" };
    struct bacnet_element element;
    struct bytes first = value;
    words_init(&words);
    name_node(properties, property, index, &words);
    node.value.quality = refused != 0 ? QUALITY_REFUSED : QUALITY_NOT_YET;
    node.value.detail = refused;
    bool held = !(slot && bytes_left(&first) > 0 && bacnet_get_element(&first, &element) == 0 &&
                  element.primitive && element.value.type == BACNET_NULL);
    if (refused == 0 && held) {
        read_value(properties, property, index, value, &node.value, &text, &words.value);
    } else if (refused == 0) {
        node.value.quality = QUALITY_GOOD; /* nobody holds it */
        buf_append_text(&words.value, "-");
    }
    if (refused == 0 && (property >= PROPRIETARY || !is_plain(value)) && !has_elements(property) &&
        bytes_left(&value) > 0) {
        put_raw(&words, value);
    }
    node.id = words.id;
    node.parent = words.parent;
    node.name = words.name;
    node.description = slot ? priority_meaning(index) : buf_text(&words.about);
    node.readable = refused == 0;
    node.value_text = buf_text(&words.value);
    node.trouble = refused != 0 ? bacnet_explain(refused) : NULL;
    if (refused == 0 && makes_a_point(property, index, value)) {
        node.point_name = words.point_name;
        node.point = buf_text(&words.point);
    }
    driver_node(browsing->browse, &node);
    busbar_free(text);
    words_fini(&words);
}

static void tell_elements(struct bacnet_browsing *browsing, uint32_t property, struct bytes value)
{
    struct bacnet_element element;
    uint32_t index = 0;
    while (bytes_left(&value) > 0 && index < ELEMENTS_MAX &&
           bacnet_get_element(&value, &element) == 0) {
        tell(browsing, property, ++index, 0, element.raw);
    }
}

static void take_name(struct bacnet_properties *properties, struct bytes value)
{
    struct bacnet_element element;
    struct buf text;
    if (bacnet_get_element(&value, &element) != 0 || !element.primitive ||
        element.value.type != BACNET_CHARACTERS) {
        return;
    }
    buf_init(&text, VALUE_TEXT_MAX);
    (void)bacnet_print_characters(&element.value, &text);
    (void)bacnet_look_slug(buf_text(&text), properties->name, sizeof(properties->name));
    buf_fini(&text);
}

static void tell_whole(struct bacnet_browsing *browsing, uint32_t property, struct bytes value)
{
    browsing->properties->told++;
    if (property == BACNET_PROP_OBJECT_NAME) {
        take_name(browsing->properties, value);
    }
    tell(browsing, property, BACNET_INDEX_ALL, 0, value);
    if (has_elements(property)) {
        tell_elements(browsing, property, value);
    }
}

/* ---- all at once ---- */

static size_t all_items(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items)
{
    struct bacnet_properties *properties = browsing->properties;
    if (properties->phase != PHASE_LIST || browsing->index > 0 || browsing->fetch.no_multiple) {
        return 0;
    }
    browsing->index = 1;
    items[0] = (struct bacnet_fetch_item){ .object = properties->object,
                                           .property = BACNET_PROP_ALL,
                                           .index = BACNET_INDEX_ALL };
    return 1;
}

static void all_got(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    struct bacnet_properties *properties = browsing->properties;
    if (fetched->property == BACNET_PROP_ALL) {
        properties->last_refusal = fetched->refused;
    } else if (fetched->refused != 0) {
        tell(browsing, fetched->property, fetched->index, fetched->refused, fetched->value);
    } else {
        tell_whole(browsing, fetched->property, fetched->value);
    }
}

static const struct bacnet_browse_step *all_next(struct bacnet_browsing *browsing)
{
    return browsing->properties->told > 0 ? NULL : &bacnet_step_properties;
}

const struct bacnet_browse_step bacnet_step_all = {
    .items = all_items,
    .got = all_got,
    .next = all_next,
};

/* ---- one by one ---- */

static void add_property(struct bacnet_properties *properties, uint32_t property)
{
    if (properties->count < PROPERTIES_MAX) {
        properties->list[properties->count++] = property;
    }
}

/* The three that no list has come first. */
static void begin_list(struct bacnet_properties *properties)
{
    properties->guessed = properties->count == UNLISTED;
    for (size_t i = 0; properties->guessed && i < sizeof(usual) / sizeof(usual[0]); i++) {
        add_property(properties, usual[i]);
    }
    properties->phase = PHASE_EACH;
}

static size_t put_item(const struct bacnet_properties *properties, uint32_t property,
                       uint32_t index, struct bacnet_fetch_item *item)
{
    *item = (struct bacnet_fetch_item){ .object = properties->object,
                                        .property = property,
                                        .index = index };
    return 1;
}

static size_t element_items(struct bacnet_properties *properties, struct bacnet_fetch_item *items)
{
    size_t count = 0;
    while (properties->long_at < properties->long_count && count < BACNET_BROWSE_ITEMS) {
        size_t at = properties->long_at;
        if (properties->longs[at].next < properties->longs[at].count) {
            count += put_item(properties, properties->longs[at].property,
                              ++properties->longs[at].next, &items[count]);
        } else {
            properties->long_at++;
        }
    }
    return count;
}

static size_t property_items(struct bacnet_browsing *browsing, struct bacnet_fetch_item *items)
{
    struct bacnet_properties *properties = browsing->properties;
    size_t count = 0;
    if (properties->phase == PHASE_LIST && browsing->index < 2) {
        browsing->index = 2;
        add_property(properties, BACNET_PROP_OBJECT_NAME);
        add_property(properties, BACNET_PROP_OBJECT_TYPE);
        add_property(properties, BACNET_PROP_OBJECT_IDENTIFIER);
        return put_item(properties, BACNET_PROP_PROPERTY_LIST, BACNET_INDEX_ALL, items);
    }
    if (properties->phase == PHASE_LIST) {
        begin_list(properties);
    }
    if (properties->phase == PHASE_EACH) {
        while (properties->at < properties->count && count < BACNET_BROWSE_ITEMS) {
            count += put_item(properties, properties->list[properties->at++], BACNET_INDEX_ALL,
                              &items[count]);
        }
        properties->phase = count > 0 ? PHASE_EACH : PHASE_SIZES;
    }
    if (properties->phase == PHASE_SIZES) {
        for (size_t i = 0; i < properties->long_count; i++) {
            count += put_item(properties, properties->longs[i].property, 0, &items[count]);
        }
        properties->phase = PHASE_ELEMENTS;
    } else if (properties->phase == PHASE_ELEMENTS) {
        count = element_items(properties, items);
    }
    return count;
}

static void take_list(struct bacnet_properties *properties, struct bytes value)
{
    struct bacnet_element element;
    while (bytes_left(&value) > 0 && bacnet_get_element(&value, &element) == 0) {
        if (element.primitive && element.value.type == BACNET_ENUMERATED) {
            add_property(properties, (uint32_t)element.value.as.number);
        }
    }
}

static void take_size(struct bacnet_properties *properties, uint32_t property, struct bytes value)
{
    struct bacnet_element element;
    if (bacnet_get_element(&value, &element) != 0 || !element.primitive ||
        element.value.type != BACNET_UNSIGNED) {
        return;
    }
    for (size_t i = 0; i < properties->long_count; i++) {
        if (properties->longs[i].property == property) {
            uint64_t count = element.value.as.number;
            properties->longs[i].count = count < ELEMENTS_MAX ? (uint32_t)count : ELEMENTS_MAX;
        }
    }
}

static bool is_not_there(uint16_t refused)
{
    return refused == bacnet_detail_error(BACNET_ERROR_UNKNOWN_PROPERTY) ||
           refused == bacnet_detail_error(BACNET_ERROR_UNKNOWN_OBJECT);
}

/* An abort, of the device or by us: the answer would have been too long. */
static bool is_too_long(uint16_t refused)
{
    return (refused >= BACNET_DETAIL_ABORT && refused < BACNET_DETAIL_RELIABILITY) ||
           refused == BACNET_DETAIL_TOO_BIG_FOR_US;
}

static void take_refusal(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    struct bacnet_properties *properties = browsing->properties;
    properties->last_refusal = fetched->refused;
    if (is_too_long(fetched->refused) && properties->long_count < LONG_ARRAYS_MAX) {
        properties->longs[properties->long_count].property = fetched->property;
        properties->longs[properties->long_count++].count = 0;
    }
    if (!properties->guessed || !is_not_there(fetched->refused)) {
        tell(browsing, fetched->property, fetched->index, fetched->refused, fetched->value);
    }
}

static void property_got(struct bacnet_browsing *browsing, const struct bacnet_fetched *fetched)
{
    struct bacnet_properties *properties = browsing->properties;
    if (fetched->property == BACNET_PROP_PROPERTY_LIST && properties->phase == PHASE_LIST) {
        properties->last_refusal = fetched->refused;
        take_list(properties, fetched->value);
    } else if (fetched->index == 0) {
        take_size(properties, fetched->property, fetched->value);
    } else if (fetched->index != BACNET_INDEX_ALL) {
        tell(browsing, fetched->property, fetched->index, fetched->refused, fetched->value);
    } else if (fetched->refused != 0) {
        take_refusal(browsing, fetched);
    } else {
        tell_whole(browsing, fetched->property, fetched->value);
    }
}

static void property_round(struct bacnet_browsing *browsing)
{
    const struct bacnet_properties *properties = browsing->properties;
    driver_browse_progress(browsing->browse, properties->at, properties->count);
}

static const struct bacnet_browse_step *property_next(struct bacnet_browsing *browsing)
{
    const struct bacnet_properties *properties = browsing->properties;
    if (properties->told == 0) {
        const char *words = bacnet_explain(properties->last_refusal);
        browsing->error = BUSBAR_ENOENT;
        str_format(browsing->message, sizeof(browsing->message), "%s: %s", properties->id,
                   words != NULL ? words : "the device tells nothing of it");
    }
    return NULL;
}

const struct bacnet_browse_step bacnet_step_properties = {
    .items = property_items,
    .got = property_got,
    .round = property_round,
    .next = property_next,
};
