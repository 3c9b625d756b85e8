/* SPDX-License-Identifier: Apache-2.0 */
/* A primitive BACnet value as it travels: one application tag and its content (ASHRAE 135, clause 20.2).
 * Pure: bytes in, struct out, and back; nothing is allocated, contents are borrowed from the bytes. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_VALUE_H
#define BUSBAR_DRIVERS_BACNET_WIRE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Application tag numbers, clause 20.2.1.4. */
enum bacnet_type {
    BACNET_NULL = 0,
    BACNET_BOOLEAN = 1,
    BACNET_UNSIGNED = 2,
    BACNET_SIGNED = 3,
    BACNET_REAL = 4,
    BACNET_DOUBLE = 5,
    BACNET_OCTETS = 6,
    BACNET_CHARACTERS = 7,
    BACNET_BITS = 8,
    BACNET_ENUMERATED = 9,
    BACNET_DATE = 10,
    BACNET_TIME = 11,
    BACNET_OBJECT = 12,
    BACNET_TYPES = 13, /* 13 to 15 are reserved */
};

#define BACNET_INSTANCE_MAX 4194303u   /* of an object; as a device's also "any" (clause 12) */
#define BACNET_INDEX_ALL    UINT32_MAX /* no array index */

struct bacnet_object {
    uint16_t type;     /* 10 bits */
    uint32_t instance; /* 22 bits */
};

/* 255 in any field: not said (clause 20.2.12, 20.2.13). */
struct bacnet_date {
    uint8_t year;                /* since 1900 */
    uint8_t month, day, weekday; /* weekday 1 = Monday */
};
struct bacnet_time {
    uint8_t hour, minute, second, hundredth;
};

struct bacnet_value {
    uint8_t type; /* enum bacnet_type */
    union {
        bool boolean;
        uint64_t number; /* UNSIGNED, ENUMERATED */
        int64_t integer; /* SIGNED */
        float real;
        double real64;
        struct {
            const uint8_t *data;
            uint32_t size;
            uint8_t
                set; /* CHARACTERS: the encoding's number (clause 20.2.9); BITS: unused bits at the end */
        } block; /* OCTETS, CHARACTERS, BITS */
        struct bacnet_date date;
        struct bacnet_time time;
        struct bacnet_object object;
    } as;
};

#endif
