/* SPDX-License-Identifier: Apache-2.0 */
/* Registers <-> values, both directions, all types and orders. Pure.
 *
 * Registers are bytes as on the wire (two a register, high byte first). Values are raw: scale, names
 * and clamps are the host's. What cannot be a value (a BCD digit above 9, a float that is not a number,
 * a uint64 above 9223372036854775807) becomes a sample of bad quality that says why, never a number.
 * The simulator stores with the same functions that the driver reads with. */
#ifndef BUSBAR_DRIVERS_MODBUS_VALUE_H
#define BUSBAR_DRIVERS_MODBUS_VALUE_H

#include "drivers/modbus/modbus_address.h"
#include "model/sample.h"

/* Why a value is bad, beside the exception codes (below 256) in sample.detail. name, number, quality, text */
#define MODBUS_DETAILS(X)                                                                        \
    X(BCD, 0x101, DECODE, "a digit above 9: the register is not BCD; check type and order")      \
    X(NOT_A_NUMBER, 0x102, OUT_OF_RANGE,                                                         \
      "the float is infinite or not a number; devices mark a missing value so, or the order or " \
      "address is wrong")                                                                        \
    X(UINT64, 0x103, OUT_OF_RANGE,                                                               \
      "above 9223372036854775807, the largest whole number kept; check the order")               \
    X(LOST, 0x104, NO_ANSWER, "no answer to this part of the poll; the rest was answered")       \
    X(BROKEN, 0x105, NO_ANSWER, "the answer to this part of the poll broke the protocol")

enum modbus_detail {
#define MODBUS_DETAIL_ENUM(name, number, quality, text) MODBUS_DETAIL_##name = (number),
    MODBUS_DETAILS(MODBUS_DETAIL_ENUM)
#undef MODBUS_DETAIL_ENUM
};

/* `count` values of one shape that follow one another without a gap: registers in, samples out. Sets
 * type, value, quality, detail and time (0 = the host's) of each. Not for strings and not for coils or discrete inputs.
 *   data   count x address->count registers */
void modbus_value_run(const struct modbus_address *address, const uint8_t *data, size_t count,
                      struct sample *samples);

/* Coils and discrete inputs: `count` bits from bit number `first` of data, lowest bit first. */
void modbus_value_bits(const uint8_t *data, size_t first, size_t count, struct sample *samples);

/* Bytes of memory the text of a string point may need, a multiple of 8. */
size_t modbus_value_text_bytes(const struct modbus_address *address);

/* A string: up to the first NUL, blanks at the end cut; bytes that are not UTF-8 are read as ISO 8859-1.
 * The sample borrows `memory` (modbus_value_text_bytes() of it, aligned to 8). */
void modbus_value_text(const struct modbus_address *address, const uint8_t *data, void *memory,
                       struct sample *sample);

/* A value into registers, in place: bits and bytes change only their part of data. BUSBAR_ERANGE: does not
 * fit the type, data is untouched; BUSBAR_EWRONGTYPE: text for a number or the other way round.
 *   data   address->count registers; for coils one byte, 0 or 1 */
int modbus_value_put(const struct modbus_address *address, uint8_t type, union value value,
                     uint8_t *data);

/* Bits of the register that a part (bit, bit range, byte) covers, as a number on the wire. */
uint16_t modbus_value_mask(const struct modbus_address *address);

/* "the register is not BCD ..." or the exception's words and next step; NULL: unknown. */
const char *modbus_explain(uint16_t detail);

#endif
