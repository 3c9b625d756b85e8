/* SPDX-License-Identifier: Apache-2.0 */
/* A primitive BACnet value as it travels: one application tag and its content (ASHRAE 135, clause 20.2).
 * Pure: bytes in, struct out, and back; nothing is allocated, contents are borrowed from the bytes.
 * What a property holds is a row of elements: such values, or constructed ones that stay raw. */
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
            /* CHARACTERS: the encoding's number (clause 20.2.9; of 1 the data begins with the code
             * page, u16); BITS: unused bits at the end */
            uint8_t set;
        } block; /* OCTETS, CHARACTERS, BITS */
        struct bacnet_date date;
        struct bacnet_time time;
        struct bacnet_object object;
    } as;
};

/* One element of a property's value. */
struct bacnet_element {
    bool primitive; /* with an application tag: value is set */
    struct bacnet_value value;
    struct bytes raw; /* always: the element whole, with its tags */
};

/* Application tagged. 0 or BUSBAR_EPROTO (also when torn; the cursor is failed then): contents of a
 * size that the type cannot have, reserved types. Numbers may have up to 8 bytes. */
int bacnet_get_value(struct bytes *in, struct bacnet_value *value);
/* The content of a context tag, read as `type`. */
int bacnet_get_content(struct bytes content, uint8_t type, struct bacnet_value *value);
/* Needs at most bacnet_value_size() bytes; `tag` as in wire/tag.h. */
void bacnet_put_value(struct bytes_out *out, unsigned tag, const struct bacnet_value *value);
size_t bacnet_value_size(const struct bacnet_value *value);
/* Same type and same content; NaN equals NaN. */
bool bacnet_value_equal(const struct bacnet_value *a, const struct bacnet_value *b);

/* The next element of a row; call while bytes_left(). 0 or BUSBAR_EPROTO. */
int bacnet_get_element(struct bytes *in, struct bacnet_element *element);
/* How many elements, at most `max` are counted; -1: broken. */
int bacnet_count_elements(struct bytes in, int max);

/* Bit `i` of a BITS value; false when there are fewer. */
bool bacnet_value_bit(const struct bacnet_value *value, unsigned i);
unsigned bacnet_value_bits(const struct bacnet_value *value); /* how many */
/* Bits 0 to 3 as a number, bit 0 the lowest: what status flags are. */
uint8_t bacnet_value_nibble(const struct bacnet_value *value);

/* "real"; "type 13" has no name: NULL. */
const char *bacnet_type_name(uint8_t type);

static inline bool bacnet_object_equal(struct bacnet_object a, struct bacnet_object b)
{
    return a.type == b.type && a.instance == b.instance;
}

static inline uint32_t bacnet_object_number(struct bacnet_object object) /* as on the wire */
{
    return (uint32_t)object.type << 22 | (object.instance & BACNET_INSTANCE_MAX);
}

static inline struct bacnet_object bacnet_object_of(uint32_t number)
{
    return (struct bacnet_object){ .type = (uint16_t)(number >> 22),
                                   .instance = number & BACNET_INSTANCE_MAX };
}

#endif
