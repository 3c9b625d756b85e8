/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of our own device object. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_own.h"
#include "drivers/bacnet/bacnet_time.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/stamp.h"

enum {
    VALUE_MAX = 1024, /* bytes of one property */
    SERVICE_BITS = 40,
    OBJECT_TYPE_BITS = 53, /* of revision 14 */
};

/* Required of a device (table 12-13), then what is there besides. */
static const uint32_t properties[] = {
    BACNET_PROP_OBJECT_IDENTIFIER,
    BACNET_PROP_OBJECT_NAME,
    BACNET_PROP_OBJECT_TYPE,
    BACNET_PROP_SYSTEM_STATUS,
    BACNET_PROP_VENDOR_NAME,
    BACNET_PROP_VENDOR_IDENTIFIER,
    BACNET_PROP_MODEL_NAME,
    BACNET_PROP_FIRMWARE_REVISION,
    BACNET_PROP_APPLICATION_SOFTWARE_VERSION,
    BACNET_PROP_PROTOCOL_VERSION,
    BACNET_PROP_PROTOCOL_REVISION,
    BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED,
    BACNET_PROP_PROTOCOL_OBJECT_TYPES_SUPPORTED,
    BACNET_PROP_OBJECT_LIST,
    BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED,
    BACNET_PROP_SEGMENTATION_SUPPORTED,
    BACNET_PROP_APDU_TIMEOUT,
    BACNET_PROP_NUMBER_OF_APDU_RETRIES,
    BACNET_PROP_DEVICE_ADDRESS_BINDING,
    BACNET_PROP_DATABASE_REVISION,
    BACNET_PROP_PROPERTY_LIST,
    BACNET_PROP_MAX_SEGMENTS_ACCEPTED,
    BACNET_PROP_APDU_SEGMENT_TIMEOUT,
    BACNET_PROP_LOCATION,
    BACNET_PROP_DESCRIPTION,
    BACNET_PROP_LOCAL_TIME,
    BACNET_PROP_LOCAL_DATE,
    BACNET_PROP_UTC_OFFSET,
};
enum {
    PROPERTY_COUNT = sizeof(properties) / sizeof(properties[0]),
    REQUIRED_COUNT = 21, /* up to the property list */
    UNLISTED_COUNT = 3,  /* the first three are not in the property list (clause 12.1.1.4) */
};

void bacnet_own_name(const struct bacnet_setup *setup, char *to, size_t size)
{
    char host[64] = "";
    if (setup->device_name != NULL) {
        str_copy(to, size, setup->device_name);
        return;
    }
    (void)gethostname(host, sizeof(host) - 1);
    str_format(to, size, "busbar %s", host[0] != '\0' ? host : "gateway");
}

const uint32_t *bacnet_own_properties(uint32_t which, size_t *count)
{
    switch (which) {
    case BACNET_PROP_ALL: *count = PROPERTY_COUNT; return properties;
    case BACNET_PROP_REQUIRED: *count = REQUIRED_COUNT; return properties;
    case BACNET_PROP_OPTIONAL:
        *count = PROPERTY_COUNT - REQUIRED_COUNT;
        return properties + REQUIRED_COUNT;
    default: *count = 0; return NULL;
    }
}

static void put_text(struct bytes_out *out, const char *text)
{
    text = text != NULL ? text : "";
    bacnet_put_text(out, BACNET_APPLICATION, text, strlen(text));
}

/* A bit string of any length with these bits set. */
static void put_bits(struct bytes_out *out, const uint8_t *set, size_t set_count, unsigned count)
{
    uint8_t bytes[8] = { 0 };
    struct bacnet_value value = { .type = BACNET_BITS };
    for (size_t i = 0; i < set_count; i++) {
        bytes[set[i] / 8] |= (uint8_t)(0x80u >> (set[i] % 8));
    }
    value.as.block.data = bytes;
    value.as.block.size = (count + 7) / 8;
    value.as.block.set = (uint8_t)(value.as.block.size * 8 - count);
    bacnet_put_value(out, BACNET_APPLICATION, &value);
}

/* What we execute, by place in BACnetServicesSupported (clause 21). */
static void put_services(struct bytes_out *out)
{
    static const uint8_t executed[] = {
        1,      /* confirmedCOVNotification */
        2,      /* confirmedEventNotification */
        12, 14, /* readProperty, readPropertyMultiple */
        26, 27, /* i-Am, i-Have */
        28, 29, /* unconfirmedCOVNotification, unconfirmedEventNotification */
        33, 34, /* who-Has, who-Is */
    };
    put_bits(out, executed, sizeof(executed), SERVICE_BITS);
}

static void put_clock(struct bytes_out *out, uint32_t property)
{
    int64_t now_us = clock_wall_us();
    int offset = bacnet_clock_offset_minutes(now_us);
    struct bacnet_datetime at = { 0 };
    (void)bacnet_datetime_of(now_us, offset, &at);
    if (property == BACNET_PROP_LOCAL_DATE) {
        bacnet_put_date(out, BACNET_APPLICATION, &at.date);
    } else if (property == BACNET_PROP_LOCAL_TIME) {
        bacnet_put_time(out, BACNET_APPLICATION, &at.time);
    } else {
        bacnet_put_signed(out, BACNET_APPLICATION, -offset); /* west of UTC */
    }
}

/* One element of an array; index 0 = how many there are. False: there is no such element. */
static bool put_element(struct bytes_out *out, uint32_t property, uint32_t index,
                        struct bacnet_object self)
{
    bool list = property == BACNET_PROP_OBJECT_LIST;
    uint32_t count = list ? 1 : PROPERTY_COUNT - UNLISTED_COUNT - 1;
    if (index == 0) {
        bacnet_put_unsigned(out, BACNET_APPLICATION, count);
        return true;
    }
    for (uint32_t i = 1; i <= count; i++) {
        if (index != BACNET_INDEX_ALL && index != i) {
            continue;
        }
        if (list) {
            bacnet_put_object(out, BACNET_APPLICATION, self);
            continue;
        }
        /* the property list does not list itself */
        uint32_t place = UNLISTED_COUNT + i - 1;
        place += place >= REQUIRED_COUNT - 1 ? 1 : 0;
        bacnet_put_enumerated(out, BACNET_APPLICATION, properties[place]);
    }
    return index == BACNET_INDEX_ALL || index <= count;
}

static void put_number(struct bytes_out *out, uint32_t property, const struct bacnet_setup *setup)
{
    uint32_t number = 0;
    switch (property) {
    case BACNET_PROP_VENDOR_IDENTIFIER: number = setup->vendor_id; break;
    case BACNET_PROP_PROTOCOL_VERSION: number = 1; break;
    case BACNET_PROP_PROTOCOL_REVISION: number = BACNET_OWN_REVISION; break;
    case BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED: number = BACNET_APDU_MAX; break;
    case BACNET_PROP_APDU_TIMEOUT: number = BACNET_TIMEOUT_MS; break;
    case BACNET_PROP_APDU_SEGMENT_TIMEOUT: number = BACNET_TIMEOUT_MS; break;
    case BACNET_PROP_NUMBER_OF_APDU_RETRIES: number = BACNET_RETRIES; break;
    case BACNET_PROP_MAX_SEGMENTS_ACCEPTED: number = BACNET_SEGMENTS_MAX; break;
    default: break; /* database revision: the object list never changes */
    }
    bacnet_put_unsigned(out, BACNET_APPLICATION, number);
}

static bool is_ours(uint32_t property)
{
    for (size_t i = 0; i < PROPERTY_COUNT; i++) {
        if (properties[i] == property) {
            return true;
        }
    }
    return false;
}

static void put_whole(struct bytes_out *out, uint32_t property, const struct bacnet_setup *setup,
                      struct bacnet_object self)
{
    static const uint8_t device_type[] = { BACNET_DEVICE };
    char name[BACNET_OWN_NAME_MAX];
    switch (property) {
    case BACNET_PROP_OBJECT_IDENTIFIER: bacnet_put_object(out, BACNET_APPLICATION, self); break;
    case BACNET_PROP_OBJECT_NAME:
        bacnet_own_name(setup, name, sizeof(name));
        put_text(out, name);
        break;
    case BACNET_PROP_OBJECT_TYPE:
        bacnet_put_enumerated(out, BACNET_APPLICATION, BACNET_DEVICE);
        break;
    case BACNET_PROP_SYSTEM_STATUS:
        bacnet_put_enumerated(out, BACNET_APPLICATION, BACNET_DEVICE_OPERATIONAL_READ_ONLY);
        break;
    case BACNET_PROP_SEGMENTATION_SUPPORTED:
        bacnet_put_enumerated(out, BACNET_APPLICATION, BACNET_SEGMENTED_BOTH);
        break;
    case BACNET_PROP_VENDOR_NAME:
    case BACNET_PROP_MODEL_NAME: put_text(out, "busbar"); break;
    case BACNET_PROP_FIRMWARE_REVISION:
    case BACNET_PROP_APPLICATION_SOFTWARE_VERSION: put_text(out, BUSBAR_VERSION); break;
    case BACNET_PROP_LOCATION: put_text(out, setup->location); break;
    case BACNET_PROP_DESCRIPTION: put_text(out, setup->description); break;
    case BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED: put_services(out); break;
    case BACNET_PROP_PROTOCOL_OBJECT_TYPES_SUPPORTED:
        put_bits(out, device_type, sizeof(device_type), OBJECT_TYPE_BITS);
        break;
    case BACNET_PROP_LOCAL_DATE:
    case BACNET_PROP_LOCAL_TIME:
    case BACNET_PROP_UTC_OFFSET: put_clock(out, property); break;
    case BACNET_PROP_DEVICE_ADDRESS_BINDING: break; /* an empty list */
    default: put_number(out, property, setup); break;
    }
}

bool bacnet_own_put(const struct bacnet_network *network, uint32_t property, uint32_t index,
                    struct buf *out, uint16_t *error_class, uint16_t *error_code)
{
    const struct bacnet_setup *setup = &network->state->own;
    struct bacnet_object self = { .type = BACNET_DEVICE, .instance = setup->device_id };
    uint8_t data[VALUE_MAX];
    struct bytes_out value = bytes_out_of(data, sizeof(data));
    bool array = property == BACNET_PROP_OBJECT_LIST || property == BACNET_PROP_PROPERTY_LIST;
    *error_class = BACNET_CLASS_PROPERTY;
    if (!is_ours(property)) {
        *error_code = BACNET_ERROR_UNKNOWN_PROPERTY;
        return false;
    }
    if (!array && index != BACNET_INDEX_ALL) {
        *error_code = BACNET_ERROR_PROPERTY_IS_NOT_AN_ARRAY;
        return false;
    }
    if (array && !put_element(&value, property, index, self)) {
        *error_code = BACNET_ERROR_INVALID_ARRAY_INDEX;
        return false;
    }
    if (!array) {
        put_whole(&value, property, setup, self);
    }
    (void)buf_append(out, data, bytes_out_size(&value));
    return true;
}
