/* SPDX-License-Identifier: Apache-2.0 */
/* Modbus bytes, both directions, no sockets: what a client asks and what a server answers.
 *
 *   PDU   function u8 | data                      (Modbus Application Protocol V1.1b3, section 4)
 *   TCP   transaction u16 | protocol u16 = 0 | length u16 = 1 + PDU | unit u8 | PDU
 *   RTU   unit u8 | PDU | crc u16, low byte first (Modbus over Serial Line V1.02, section 2.5)
 *
 * Decoders read a bounded cursor and trust nothing: BUSBAR_ESHORT when the data ends too early,
 * BUSBAR_EPROTO when it breaks the protocol or does not answer what was asked. Encoders write what
 * our own code made and assert its sums. Nothing is allocated; data stays where it was received. */
#ifndef BUSBAR_DRIVERS_MODBUS_CODEC_H
#define BUSBAR_DRIVERS_MODBUS_CODEC_H

#include "base/bytes.h"

enum {
    MODBUS_PDU_MAX = 253,
    MODBUS_HEADER_SIZE = 7,
    MODBUS_TCP_MAX = MODBUS_HEADER_SIZE + MODBUS_PDU_MAX,
    MODBUS_RTU_MAX = 1 + MODBUS_PDU_MAX + 2,
    MODBUS_READ_REGISTERS_MAX = 125,
    MODBUS_READ_BITS_MAX = 2000,
    MODBUS_WRITE_REGISTERS_MAX = 123,
    MODBUS_WRITE_BITS_MAX = 1968,
    MODBUS_READ_WRITE_MAX = 121, /* registers written by function 23 */
    MODBUS_OBJECT_MAX = 245,     /* bytes of one identification object */
};

enum modbus_function_code {
    MODBUS_READ_COILS = 1,
    MODBUS_READ_DISCRETE = 2,
    MODBUS_READ_HOLDING = 3,
    MODBUS_READ_INPUT = 4,
    MODBUS_WRITE_COIL = 5,
    MODBUS_WRITE_REGISTER = 6,
    MODBUS_WRITE_COILS = 15,
    MODBUS_WRITE_REGISTERS = 16,
    MODBUS_MASK_WRITE = 22,
    MODBUS_READ_WRITE = 23,
    MODBUS_IDENTIFY = 43, /* with MEI type 14 */
};

/* number, name, what it means, what to do */
#define MODBUS_EXCEPTIONS(X)                                                            \
    X(1, FUNCTION, "illegal function", "the device does not know this function code",   \
      "check the table (holding, input, coil, discrete) or set write_function")         \
    X(2, ADDRESS, "illegal data address", "the device has no such address",             \
      "compare the register with the data sheet; 'register: 40101' is 'holding: 100'")  \
    X(3, VALUE, "illegal data value", "the device does not accept this count or value", \
      "lower max_registers, or check the range of the value")                           \
    X(4, FAILURE, "server device failure", "the device failed while it did this",       \
      "look at the device's own display or log")                                        \
    X(5, ACKNOWLEDGE, "acknowledge", "the device needs longer to do this",              \
      "read it again a little later")                                                   \
    X(6, BUSY, "server device busy", "the device is busy with something else",          \
      "poll it less often, or set pause: 50ms and in_flight: 1")                        \
    X(7, NEGATIVE, "negative acknowledge", "the device will not do this",               \
      "check the device's operating mode")                                              \
    X(8, PARITY, "memory parity error", "the device found its memory damaged",          \
      "have the device serviced")                                                       \
    X(10, GATEWAY_PATH, "gateway path unavailable",                                     \
      "the gateway has no way to this unit or is overloaded",                           \
      "check unit_id and the gateway's routing table")                                  \
    X(11, GATEWAY_TARGET, "gateway target device failed to respond",                    \
      "the gateway is there, but the unit behind it does not answer",                   \
      "check unit_id, the unit's power and its serial line")

enum modbus_exception {
#define MODBUS_EXCEPTION_ENUM(number, name, text, meaning, next) MODBUS_EXCEPTION_##name = (number),
    MODBUS_EXCEPTIONS(MODBUS_EXCEPTION_ENUM)
#undef MODBUS_EXCEPTION_ENUM
};

/* A request. Fields that a function does not have are 0. */
struct modbus_ask {
    uint8_t function;
    uint8_t id_code, id_object;          /* 43: access 1-4, first object */
    uint16_t address, count;             /* 1-6, 15, 16, 22, 23 (read part); count 1 for 5, 6, 22 */
    uint16_t write_address, write_count; /* 23 */
    uint16_t and_mask, or_mask;          /* 22 */
    const uint8_t
        *data;    /* 5, 6: two bytes as on the wire; 15: bits, lowest first; 16, 23: registers */
    uint8_t size; /* of data */
};

/* An answer. exception != 0: nothing else is set but the function asked for. */
struct modbus_reply {
    uint8_t function;
    uint8_t exception;
    uint8_t id_code, id_conformity, id_more, id_next, id_count; /* 43; objects are in data */
    uint16_t address, count;                                    /* echoes of 5, 6, 15, 16, 22 */
    uint16_t and_mask, or_mask;
    const uint8_t *data; /* 1-4, 23: what was read; 5, 6: the echoed two bytes; 43: objects */
    uint8_t size;
};

struct modbus_header {
    uint16_t transaction, protocol, length;
    uint8_t unit;
};

struct modbus_object {
    uint8_t id, size;
    const uint8_t *text; /* not terminated, not checked */
};

/* One function: its name and the sizes of its PDUs. */
struct modbus_function;
const struct modbus_function *modbus_function(uint8_t code); /* NULL: not one of ours */
const char *modbus_function_name(uint8_t code); /* "read holding"; "function 77"-like codes: NULL */

/* "illegal data address"; NULL when the number is not defined. */
const char *modbus_exception_text(uint8_t exception);

/* ---- client side ---- */

/* Needs up to MODBUS_PDU_MAX bytes. */
void modbus_put_ask(struct bytes_out *out, const struct modbus_ask *ask);

/* The whole PDU must be in the cursor, nothing behind it. The answer must fit the question:
 * function, byte count, echoed address and value. */
int modbus_get_reply(struct bytes *in, const struct modbus_ask *ask, struct modbus_reply *reply);

/* The next identification object of reply->data; BUSBAR_ESHORT at a torn one. */
int modbus_get_object(struct bytes *in, struct modbus_object *object);

/* Bytes that read data of this answer has; 0 for functions that do not read. */
size_t modbus_read_bytes(const struct modbus_ask *ask);

/* ---- server side ---- */

/* BUSBAR_EUNSUPPORTED: unknown function, answer exception 1; BUSBAR_ERANGE: a count outside the
 * standard's bounds, answer exception 3. ask->function is set whenever one byte was there. */
int modbus_get_ask(struct bytes *in, struct modbus_ask *ask);
void modbus_put_reply(struct bytes_out *out, const struct modbus_reply *reply);

/* ---- framing ---- */

/* BUSBAR_EPROTO: protocol not 0 or an impossible length; there is no way to find the next frame. */
int modbus_get_header(struct bytes *in, struct modbus_header *header);
void modbus_put_header(struct bytes_out *out, const struct modbus_header *header);

/* Appends the checksum of what `out` holds since `from`. */
void modbus_put_crc(struct bytes_out *out, size_t from);
/* Splits one RTU frame: unit, PDU (a cursor over it). BUSBAR_EPROTO when the checksum differs. */
int modbus_get_rtu(struct bytes *in, uint8_t *unit, struct bytes *pdu);

/* Whole size of the RTU frame that begins here, with unit and checksum, by its function and byte
 * count. 0: more bytes are needed to tell; SIZE_MAX: no frame begins like this. */
size_t modbus_rtu_reply_size(struct bytes in);
size_t modbus_rtu_ask_size(struct bytes in);

#endif
