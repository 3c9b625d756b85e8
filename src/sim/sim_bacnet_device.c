/* SPDX-License-Identifier: Apache-2.0 */
/* What a device object says (ASHRAE 135, clause 12.11): who it is, what it can, what objects it has. */
#include <string.h>

#include "base/str.h"
#include "drivers/bacnet/node/node.h"
#include "drivers/bacnet/wire/tag.h"
#include "sim/sim_bacnet_property.h"

#define APP BACNET_APPLICATION

enum { REVISION = 22, SERVICE_BITS = 44, TYPE_BITS = BACNET_OBJECT_TYPES_STANDARD };

static void put_number(struct sim_bacnet_asked *a)
{
    const struct sim_bacnet_device *bd = a->bd;
    uint64_t number = 0;
    switch (a->property) {
    case BACNET_PROP_VENDOR_IDENTIFIER: number = SIM_BACNET_VENDOR; break;
    case BACNET_PROP_PROTOCOL_VERSION: number = 1; break;
    case BACNET_PROP_PROTOCOL_REVISION: number = REVISION; break;
    case BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED: number = bd->max_apdu; break;
    case BACNET_PROP_MAX_SEGMENTS_ACCEPTED: number = BACNET_SEGMENTS_MAX; break;
    case BACNET_PROP_APDU_TIMEOUT:
    case BACNET_PROP_APDU_SEGMENT_TIMEOUT: number = 3000; break;
    case BACNET_PROP_NUMBER_OF_APDU_RETRIES: number = 3; break;
    case BACNET_PROP_DATABASE_REVISION: number = 1; break;
    default: break;
    }
    bacnet_put_unsigned(a->out, APP, number);
}

static void put_enumeration(struct sim_bacnet_asked *a)
{
    uint32_t number = 0;
    switch (a->property) {
    case BACNET_PROP_SYSTEM_STATUS: number = BACNET_DEVICE_OPERATIONAL; break;
    case BACNET_PROP_SEGMENTATION_SUPPORTED: number = a->bd->segmentation; break;
    case BACNET_PROP_LAST_RESTART_REASON: number = a->bd->restarts > 0 ? 2 : 1; break;
    default: break;
    }
    bacnet_put_enumerated(a->out, APP, number); /* cold start; warm start */
}

static void put_words(struct sim_bacnet_asked *a)
{
    const struct device *dev = a->bd->dev;
    char serial[32];
    const char *words = "";
    str_format(serial, sizeof(serial), "SIM-%07u", a->bd->instance);
    switch (a->property) {
    case BACNET_PROP_VENDOR_NAME: words = "busbar"; break;
    case BACNET_PROP_MODEL_NAME:
        words = dev->profile[0] != '\0' ? dev->profile : "simulated";
        break;
    case BACNET_PROP_FIRMWARE_REVISION:
    case BACNET_PROP_APPLICATION_SOFTWARE_VERSION: words = BUSBAR_VERSION; break;
    case BACNET_PROP_LOCATION: words = dev->place; break;
    case BACNET_PROP_SERIAL_NUMBER: words = serial; break;
    default: break;
    }
    bacnet_put_text(a->out, APP, words, strnlen(words, SIM_BACNET_TEXT_MAX));
}

static void put_bits(struct sim_bacnet_asked *a, const uint8_t *bits, unsigned count)
{
    struct bacnet_value value = { .type = BACNET_BITS };
    value.as.block.data = bits;
    value.as.block.size = (count + 7) / 8;
    value.as.block.set = (uint8_t)(value.as.block.size * 8 - count);
    bacnet_put_value(a->out, APP, &value);
}

/* Bits of BACnetServicesSupported (clause 21); their order is not that of the services' numbers. */
static void put_services(struct sim_bacnet_asked *a)
{
    static const uint8_t always[] = { 0, 3, 8, 9, 12, 15, 16, 26, 27, 29, 32, 33, 34, 35, 36, 39 };
    uint8_t bits[(SERVICE_BITS + 7) / 8] = { 0 };
    uint8_t all[sizeof(always) + 4];
    size_t count = sizeof(always);
    memcpy(all, always, sizeof(always));
    if (a->bd->rpm) {
        all[count++] = 14;
    }
    if (a->bd->cov) {
        all[count++] = 5;
        all[count++] = 28;
    }
    if (a->bd->cov && a->bd->cov_property) {
        all[count++] = 38;
    }
    for (size_t i = 0; i < count; i++) {
        bits[all[i] / 8] = (uint8_t)(bits[all[i] / 8] | 0x80u >> all[i] % 8);
    }
    put_bits(a, bits, SERVICE_BITS);
}

static void put_types(struct sim_bacnet_asked *a)
{
    uint8_t bits[(TYPE_BITS + 7) / 8] = { 0 };
    sim_bacnet_types(bits, sizeof(bits));
    put_bits(a, bits, TYPE_BITS);
}

/* The device object first, as most devices have it; then in the order of their numbers. */
static void put_object(struct sim_bacnet_asked *a)
{
    uint32_t own = (uint32_t)(a->obj - a->bd->objects), n = a->element;
    n = n == 0 ? own : n <= own ? n - 1 : n;
    bacnet_put_object(a->out, APP, a->bd->objects[n].id);
}

static uint32_t count_objects(const struct sim_bacnet_asked *a)
{
    return a->bd->object_count;
}

static void put_clock(struct sim_bacnet_asked *a)
{
    struct bacnet_stamp now = sim_bacnet_stamp(a->bd, a->wall_us);
    if (a->property == BACNET_PROP_LOCAL_DATE) {
        bacnet_put_date(a->out, APP, &now.at.date);
    } else {
        bacnet_put_time(a->out, APP, &now.at.time);
    }
}

static void put_offset(struct sim_bacnet_asked *a) /* its clock is UTC */
{
    bacnet_put_signed(a->out, APP, 0);
}

static void put_false(struct sim_bacnet_asked *a)
{
    bacnet_put_boolean(a->out, APP, false);
}

static void put_restart_time(struct sim_bacnet_asked *a)
{
    struct bacnet_stamp stamp = sim_bacnet_stamp(a->bd, a->bd->started_us);
    bacnet_put_stamp(a->out, &stamp);
}

static void put_nothing(struct sim_bacnet_asked *a) /* an empty list */
{
    (void)a;
}

#define DEVICE SIM_BACNET_OF_DEVICE
#define REQUIRED(property_, put_)                         \
    {                                                     \
        BACNET_PROP_##property_, DEVICE, true, NULL, put_ \
    }
#define OPTIONAL(property_, put_)                          \
    {                                                      \
        BACNET_PROP_##property_, DEVICE, false, NULL, put_ \
    }

static const struct sim_bacnet_row rows[] = {
    REQUIRED(SYSTEM_STATUS, put_enumeration),
    REQUIRED(VENDOR_NAME, put_words),
    REQUIRED(VENDOR_IDENTIFIER, put_number),
    REQUIRED(MODEL_NAME, put_words),
    REQUIRED(FIRMWARE_REVISION, put_words),
    REQUIRED(APPLICATION_SOFTWARE_VERSION, put_words),
    OPTIONAL(LOCATION, put_words),
    OPTIONAL(SERIAL_NUMBER, put_words),
    REQUIRED(PROTOCOL_VERSION, put_number),
    REQUIRED(PROTOCOL_REVISION, put_number),
    REQUIRED(PROTOCOL_SERVICES_SUPPORTED, put_services),
    REQUIRED(PROTOCOL_OBJECT_TYPES_SUPPORTED, put_types),
    { BACNET_PROP_OBJECT_LIST, DEVICE, true, count_objects, put_object },
    REQUIRED(MAX_APDU_LENGTH_ACCEPTED, put_number),
    REQUIRED(SEGMENTATION_SUPPORTED, put_enumeration),
    OPTIONAL(MAX_SEGMENTS_ACCEPTED, put_number),
    REQUIRED(APDU_TIMEOUT, put_number),
    OPTIONAL(APDU_SEGMENT_TIMEOUT, put_number),
    REQUIRED(NUMBER_OF_APDU_RETRIES, put_number),
    REQUIRED(DEVICE_ADDRESS_BINDING, put_nothing),
    REQUIRED(DATABASE_REVISION, put_number),
    OPTIONAL(LOCAL_DATE, put_clock),
    OPTIONAL(LOCAL_TIME, put_clock),
    OPTIONAL(UTC_OFFSET, put_offset),
    OPTIONAL(DAYLIGHT_SAVINGS_STATUS, put_false),
    OPTIONAL(LAST_RESTART_REASON, put_enumeration),
    OPTIONAL(TIME_OF_DEVICE_RESTART, put_restart_time),
};

const struct sim_bacnet_row *sim_bacnet_device_row(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}
