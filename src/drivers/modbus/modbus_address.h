/* SPDX-License-Identifier: Apache-2.0 */
/* Where a point lives in a Modbus device and how its registers are read, in 12 bytes.
 *
 * A person writes either the number of the data sheet, which counts from 1 and names the table by
 * its first digit, or the protocol address, which counts from 0:
 *
 *   register: 40101    holding register 100     (0xxxx coil, 1xxxx discrete, 3xxxx input, 4xxxx holding;
 *   register: 400101   the same, long form       x: 5 or 6 digits in all)
 *   register: 40101.3  bit 3 of it
 *   holding: 100       or 0x64; input:, coil:, discrete: alike
 *
 * Pure: settings in, address out. */
#ifndef BUSBAR_DRIVERS_MODBUS_ADDRESS_H
#define BUSBAR_DRIVERS_MODBUS_ADDRESS_H

#include "base/buf.h"
#include "config/option.h"
#include "model/point.h"

enum modbus_table { MODBUS_COIL, MODBUS_DISCRETE, MODBUS_INPUT, MODBUS_HOLDING, MODBUS_TABLES };

/* name in the configuration, registers, enum value_type */
#define MODBUS_TYPES(X)                    \
    X(BOOL, "bool", 1, VALUE_BOOL)         \
    X(INT8, "int8", 1, VALUE_INT)          \
    X(UINT8, "uint8", 1, VALUE_INT)        \
    X(INT16, "int16", 1, VALUE_INT)        \
    X(UINT16, "uint16", 1, VALUE_INT)      \
    X(INT32, "int32", 2, VALUE_INT)        \
    X(UINT32, "uint32", 2, VALUE_INT)      \
    X(INT64, "int64", 4, VALUE_INT)        \
    X(UINT64, "uint64", 4, VALUE_INT)      \
    X(FLOAT16, "float16", 1, VALUE_DOUBLE) \
    X(FLOAT32, "float32", 2, VALUE_DOUBLE) \
    X(FLOAT64, "float64", 4, VALUE_DOUBLE) \
    X(BCD16, "bcd16", 1, VALUE_INT)        \
    X(BCD32, "bcd32", 2, VALUE_INT)        \
    X(BCD64, "bcd64", 4, VALUE_INT)        \
    X(STRING, "string", 0, VALUE_TEXT)

enum modbus_type {
#define MODBUS_TYPE_ENUM(name, word, registers, value) MODBUS_##name,
    MODBUS_TYPES(MODBUS_TYPE_ENUM)
#undef MODBUS_TYPE_ENUM
};

/* Order of the bytes A (most significant) ... D on the wire; for 64 bits the same step carried on:
 * ABCDEFGH, GHEFCDAB, BADCFEHG, HGFEDCBA. One register: AB for the first two, BA for the others. */
enum modbus_order { MODBUS_ABCD, MODBUS_CDAB, MODBUS_BADC, MODBUS_DCBA, MODBUS_ORDERS };

/* How a point is written; the rows of the option write_function. */
enum modbus_write {
    MODBUS_WRITE_AUTO, /* 5, 6, 16 or 22, whichever is the smallest that does it */
    MODBUS_WRITE_SINGLE,
    MODBUS_WRITE_MULTIPLE,
    MODBUS_WRITE_MASK,
    MODBUS_WRITE_READ_WRITE,
};

enum { MODBUS_BIT_ALL = 0xff };

struct modbus_address {
    uint16_t start; /* protocol address, from 0 */
    uint16_t count; /* registers; bits for coils and discrete inputs */
    uint8_t table;  /* enum modbus_table */
    uint8_t type;   /* enum modbus_type */
    uint8_t order;  /* enum modbus_order */
    uint8_t bit;    /* first bit of a bit or bit range, 0 = least significant; MODBUS_BIT_ALL */
    uint8_t bits;   /* how many */
    uint8_t high;   /* int8, uint8: 1 = the high byte */
    uint8_t write;  /* enum modbus_write */
    uint8_t spare;
};

extern const struct option modbus_point_options[];

/* ops->resolve. order: the device's, used when the point has none. */
int modbus_address_resolve(const struct settings *point, enum modbus_order order,
                           struct modbus_address *address, struct point_facts *facts,
                           struct err *err);

/* "holding 100 uint32 CDAB", "holding 100 bit 3", "coil 7". */
void modbus_address_print(const struct modbus_address *address, struct buf *out);

const char *modbus_table_word(uint8_t table); /* "holding" */
const char *modbus_type_word(uint8_t type);
const char *modbus_order_word(uint8_t order);  /* "ABCD" */
extern const char *const modbus_order_words[]; /* for option tables, NULL-terminated */

/* Coils and discrete inputs. */
static inline bool modbus_table_is_bits(uint8_t table)
{
    return table == MODBUS_COIL || table == MODBUS_DISCRETE;
}

/* The function code that reads a table. */
uint8_t modbus_table_function(uint8_t table);

/* Only a part of one register is the value: bit, bit range, byte. */
bool modbus_address_is_part(const struct modbus_address *address);

#endif
