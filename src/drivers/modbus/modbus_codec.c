/* SPDX-License-Identifier: Apache-2.0 */
/* One row a function code: sizes of its PDUs and four small functions, a pair for each direction.
 * Modbus Application Protocol V1.1b3, section 6; the numbers of the subsections are at the rows. */
#include "drivers/modbus/modbus_codec.h"

#include "base/crc.h"
#include "base/err.h"

enum { EXCEPTION_BIT = 0x80, MEI_IDENTIFY = 14, EXCEPTION_RTU_SIZE = 5 };

struct modbus_function {
    const char *name;
    uint8_t ask_min, ask_max, reply_min, reply_max; /* bytes of the PDU, function code counted */
    uint16_t count_max;
    uint8_t ask_count_at, reply_count_at; /* where the byte count stands in the PDU; 0 = none */
    int (*get_ask)(struct bytes *in, struct modbus_ask *ask);
    void (*put_ask)(struct bytes_out *out, const struct modbus_ask *ask);
    int (*get_reply)(struct bytes *in, const struct modbus_ask *ask, struct modbus_reply *reply);
    void (*put_reply)(struct bytes_out *out, const struct modbus_reply *reply);
};

static size_t bits_bytes(size_t count)
{
    return (count + 7) / 8;
}

/* ---- 1, 2, 3, 4: read ---- */

static int get_read_ask(struct bytes *in, struct modbus_ask *ask)
{
    ask->address = bytes_get_u16(in);
    ask->count = bytes_get_u16(in);
    return 0;
}

static void put_read_ask(struct bytes_out *out, const struct modbus_ask *ask)
{
    bytes_put_u16(out, ask->address);
    bytes_put_u16(out, ask->count);
}

static int get_data_reply(struct bytes *in, const struct modbus_ask *ask,
                          struct modbus_reply *reply)
{
    reply->size = bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    if (reply->size != modbus_read_bytes(ask)) {
        return BUSBAR_EPROTO;
    }
    reply->data = bytes_get_block(in, reply->size);
    return 0;
}

static void put_data_reply(struct bytes_out *out, const struct modbus_reply *reply)
{
    bytes_put_u8(out, reply->size);
    bytes_put_block(out, reply->data, reply->size);
}

/* ---- 5, 6: write one; the answer repeats the question ---- */

static int get_single_ask(struct bytes *in, struct modbus_ask *ask)
{
    ask->address = bytes_get_u16(in);
    ask->count = 1;
    ask->size = 2;
    ask->data = bytes_get_block(in, 2);
    if (ask->data == NULL || ask->function == MODBUS_WRITE_REGISTER) {
        return 0;
    }
    bool known = (ask->data[0] == 0xff || ask->data[0] == 0x00) && ask->data[1] == 0x00;
    return known ? 0 : BUSBAR_ERANGE;
}

static void put_single_ask(struct bytes_out *out, const struct modbus_ask *ask)
{
    assert(ask->size == 2);
    bytes_put_u16(out, ask->address);
    bytes_put_block(out, ask->data, 2);
}

static int get_single_reply(struct bytes *in, const struct modbus_ask *ask,
                            struct modbus_reply *reply)
{
    reply->address = bytes_get_u16(in);
    reply->count = 1;
    reply->size = 2;
    reply->data = bytes_get_block(in, 2);
    if (reply->data == NULL) {
        return BUSBAR_ESHORT;
    }
    bool same = reply->address == ask->address && memcmp(reply->data, ask->data, 2) == 0;
    return same ? 0 : BUSBAR_EPROTO;
}

static void put_single_reply(struct bytes_out *out, const struct modbus_reply *reply)
{
    bytes_put_u16(out, reply->address);
    bytes_put_block(out, reply->data, 2);
}

/* ---- 15, 16: write many ---- */

static size_t write_bytes(uint8_t function, uint16_t count)
{
    return function == MODBUS_WRITE_COILS ? bits_bytes(count) : (size_t)count * 2;
}

static int get_many_ask(struct bytes *in, struct modbus_ask *ask)
{
    ask->address = bytes_get_u16(in);
    ask->count = bytes_get_u16(in);
    ask->size = bytes_get_u8(in);
    ask->data = bytes_get_block(in, ask->size);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    return ask->size == write_bytes(ask->function, ask->count) ? 0 : BUSBAR_ERANGE;
}

static void put_many_ask(struct bytes_out *out, const struct modbus_ask *ask)
{
    assert(ask->size == write_bytes(ask->function, ask->count));
    bytes_put_u16(out, ask->address);
    bytes_put_u16(out, ask->count);
    bytes_put_u8(out, ask->size);
    bytes_put_block(out, ask->data, ask->size);
}

static int get_many_reply(struct bytes *in, const struct modbus_ask *ask,
                          struct modbus_reply *reply)
{
    reply->address = bytes_get_u16(in);
    reply->count = bytes_get_u16(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    return reply->address == ask->address && reply->count == ask->count ? 0 : BUSBAR_EPROTO;
}

static void put_many_reply(struct bytes_out *out, const struct modbus_reply *reply)
{
    bytes_put_u16(out, reply->address);
    bytes_put_u16(out, reply->count);
}

/* ---- 22: result = (register and and_mask) or (or_mask and not and_mask) ---- */

static int get_mask_ask(struct bytes *in, struct modbus_ask *ask)
{
    ask->address = bytes_get_u16(in);
    ask->and_mask = bytes_get_u16(in);
    ask->or_mask = bytes_get_u16(in);
    ask->count = 1;
    return 0;
}

static void put_mask_ask(struct bytes_out *out, const struct modbus_ask *ask)
{
    bytes_put_u16(out, ask->address);
    bytes_put_u16(out, ask->and_mask);
    bytes_put_u16(out, ask->or_mask);
}

static int get_mask_reply(struct bytes *in, const struct modbus_ask *ask,
                          struct modbus_reply *reply)
{
    reply->address = bytes_get_u16(in);
    reply->and_mask = bytes_get_u16(in);
    reply->or_mask = bytes_get_u16(in);
    reply->count = 1;
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    bool same = reply->address == ask->address && reply->and_mask == ask->and_mask &&
                reply->or_mask == ask->or_mask;
    return same ? 0 : BUSBAR_EPROTO;
}

static void put_mask_reply(struct bytes_out *out, const struct modbus_reply *reply)
{
    bytes_put_u16(out, reply->address);
    bytes_put_u16(out, reply->and_mask);
    bytes_put_u16(out, reply->or_mask);
}

/* ---- 23: write, then read, in one ---- */

static int get_read_write_ask(struct bytes *in, struct modbus_ask *ask)
{
    ask->address = bytes_get_u16(in);
    ask->count = bytes_get_u16(in);
    ask->write_address = bytes_get_u16(in);
    ask->write_count = bytes_get_u16(in);
    ask->size = bytes_get_u8(in);
    ask->data = bytes_get_block(in, ask->size);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    bool fits = ask->write_count >= 1 && ask->write_count <= MODBUS_READ_WRITE_MAX &&
                ask->size == ask->write_count * 2;
    return fits ? 0 : BUSBAR_ERANGE;
}

static void put_read_write_ask(struct bytes_out *out, const struct modbus_ask *ask)
{
    assert(ask->write_count <= MODBUS_READ_WRITE_MAX && ask->size == ask->write_count * 2);
    bytes_put_u16(out, ask->address);
    bytes_put_u16(out, ask->count);
    bytes_put_u16(out, ask->write_address);
    bytes_put_u16(out, ask->write_count);
    bytes_put_u8(out, ask->size);
    bytes_put_block(out, ask->data, ask->size);
}

/* ---- 43 / 14: device identification ---- */

static int get_identify_ask(struct bytes *in, struct modbus_ask *ask)
{
    uint8_t mei = bytes_get_u8(in);
    ask->id_code = bytes_get_u8(in);
    ask->id_object = bytes_get_u8(in);
    ask->count = 1;
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    if (mei != MEI_IDENTIFY) {
        return BUSBAR_EUNSUPPORTED;
    }
    return ask->id_code >= 1 && ask->id_code <= 4 ? 0 : BUSBAR_ERANGE;
}

static void put_identify_ask(struct bytes_out *out, const struct modbus_ask *ask)
{
    bytes_put_u8(out, MEI_IDENTIFY);
    bytes_put_u8(out, ask->id_code);
    bytes_put_u8(out, ask->id_object);
}

static int get_identify_reply(struct bytes *in, const struct modbus_ask *ask,
                              struct modbus_reply *reply)
{
    uint8_t mei = bytes_get_u8(in);
    reply->id_code = bytes_get_u8(in);
    reply->id_conformity = bytes_get_u8(in);
    reply->id_more = bytes_get_u8(in);
    reply->id_next = bytes_get_u8(in);
    reply->id_count = bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    if (mei != MEI_IDENTIFY || reply->id_code != ask->id_code) {
        return BUSBAR_EPROTO;
    }
    struct bytes objects = *in;
    struct modbus_object object;
    for (unsigned i = 0; i < reply->id_count; i++) {
        if (modbus_get_object(&objects, &object) != 0) {
            return BUSBAR_ESHORT;
        }
    }
    reply->size = (uint8_t)(bytes_left(in) - bytes_left(&objects));
    reply->data = bytes_get_block(in, reply->size);
    return 0;
}

static void put_identify_reply(struct bytes_out *out, const struct modbus_reply *reply)
{
    bytes_put_u8(out, MEI_IDENTIFY);
    bytes_put_u8(out, reply->id_code);
    bytes_put_u8(out, reply->id_conformity);
    bytes_put_u8(out, reply->id_more);
    bytes_put_u8(out, reply->id_next);
    bytes_put_u8(out, reply->id_count);
    bytes_put_block(out, reply->data, reply->size);
}

/* ---- the table ---- */

#define READ_ROW(name_, bytes_min, count_max_)                                                     \
    {                                                                                              \
        .name = name_, .ask_min = 5, .ask_max = 5, .reply_min = 2 + (bytes_min), .reply_max = 252, \
        .count_max = (count_max_), .reply_count_at = 1, .get_ask = get_read_ask,                   \
        .put_ask = put_read_ask, .get_reply = get_data_reply, .put_reply = put_data_reply          \
    }
#define SINGLE_ROW(name_)                                                                          \
    {                                                                                              \
        .name = name_, .ask_min = 5, .ask_max = 5, .reply_min = 5, .reply_max = 5, .count_max = 1, \
        .get_ask = get_single_ask, .put_ask = put_single_ask, .get_reply = get_single_reply,       \
        .put_reply = put_single_reply                                                              \
    }
#define MANY_ROW(name_, bytes_min, count_max_)                                                     \
    {                                                                                              \
        .name = name_, .ask_min = 6 + (bytes_min), .ask_max = 252, .reply_min = 5, .reply_max = 5, \
        .count_max = (count_max_), .ask_count_at = 5, .get_ask = get_many_ask,                     \
        .put_ask = put_many_ask, .get_reply = get_many_reply, .put_reply = put_many_reply          \
    }

static const struct modbus_function functions[] = {
    [MODBUS_READ_COILS] = READ_ROW("read coil", 1, MODBUS_READ_BITS_MAX),                 /* 6.1 */
    [MODBUS_READ_DISCRETE] = READ_ROW("read discrete", 1, MODBUS_READ_BITS_MAX),          /* 6.2 */
    [MODBUS_READ_HOLDING] = READ_ROW("read holding", 2, MODBUS_READ_REGISTERS_MAX),       /* 6.3 */
    [MODBUS_READ_INPUT] = READ_ROW("read input", 2, MODBUS_READ_REGISTERS_MAX),           /* 6.4 */
    [MODBUS_WRITE_COIL] = SINGLE_ROW("write coil"),                                       /* 6.5 */
    [MODBUS_WRITE_REGISTER] = SINGLE_ROW("write holding"),                                /* 6.6 */
    [MODBUS_WRITE_COILS] = MANY_ROW("write coils", 1, MODBUS_WRITE_BITS_MAX),             /* 6.11 */
    [MODBUS_WRITE_REGISTERS] = MANY_ROW("write holdings", 2, MODBUS_WRITE_REGISTERS_MAX), /* 6.12 */
    [MODBUS_MASK_WRITE] = { .name = "mask write holding",                                 /* 6.16 */
                            .ask_min = 7,
                            .ask_max = 7,
                            .reply_min = 7,
                            .reply_max = 7,
                            .count_max = 1,
                            .get_ask = get_mask_ask,
                            .put_ask = put_mask_ask,
                            .get_reply = get_mask_reply,
                            .put_reply = put_mask_reply },
    [MODBUS_READ_WRITE] = { .name = "read and write holding", /* 6.17 */
                            .ask_min = 12,
                            .ask_max = 252,
                            .reply_min = 4,
                            .reply_max = 252,
                            .count_max = MODBUS_READ_REGISTERS_MAX,
                            .ask_count_at = 9,
                            .reply_count_at = 1,
                            .get_ask = get_read_write_ask,
                            .put_ask = put_read_write_ask,
                            .get_reply = get_data_reply,
                            .put_reply = put_data_reply },
    [MODBUS_IDENTIFY] = { .name = "read device identification", /* 6.21 */
                          .ask_min = 4,
                          .ask_max = 4,
                          .reply_min = 7,
                          .reply_max = MODBUS_PDU_MAX,
                          .count_max = 1,
                          .get_ask = get_identify_ask,
                          .put_ask = put_identify_ask,
                          .get_reply = get_identify_reply,
                          .put_reply = put_identify_reply },
};

const struct modbus_function *modbus_function(uint8_t code)
{
    if (code >= sizeof(functions) / sizeof(functions[0]) || functions[code].name == NULL) {
        return NULL;
    }
    return &functions[code];
}

const char *modbus_function_name(uint8_t code)
{
    const struct modbus_function *function = modbus_function(code);
    return function != NULL ? function->name : NULL;
}

const char *modbus_exception_text(uint8_t exception)
{
    switch (exception) {
#define X(number, name, text, meaning, next) \
    case number: return text;
        MODBUS_EXCEPTIONS(X)
#undef X
    default: return NULL;
    }
}

size_t modbus_read_bytes(const struct modbus_ask *ask)
{
    switch (ask->function) {
    case MODBUS_READ_COILS:
    case MODBUS_READ_DISCRETE: return bits_bytes(ask->count);
    case MODBUS_READ_HOLDING:
    case MODBUS_READ_INPUT:
    case MODBUS_READ_WRITE: return (size_t)ask->count * 2;
    default: return 0;
    }
}

void modbus_put_ask(struct bytes_out *out, const struct modbus_ask *ask)
{
    const struct modbus_function *function = modbus_function(ask->function);
    assert(function != NULL && ask->count >= 1 && ask->count <= function->count_max);
    bytes_put_u8(out, ask->function);
    function->put_ask(out, ask);
}

int modbus_get_reply(struct bytes *in, const struct modbus_ask *ask, struct modbus_reply *reply)
{
    const struct modbus_function *function = modbus_function(ask->function);
    assert(function != NULL);
    *reply = (struct modbus_reply){ .function = ask->function };
    size_t size = bytes_left(in);
    uint8_t code = bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    if (code == (ask->function | EXCEPTION_BIT)) {
        reply->exception = bytes_get_u8(in);
        if (bytes_short(in)) {
            return BUSBAR_ESHORT;
        }
        return reply->exception != 0 && bytes_left(in) == 0 ? 0 : BUSBAR_EPROTO;
    }
    if (code != ask->function || size > function->reply_max) {
        return BUSBAR_EPROTO;
    }
    int error = function->get_reply(in, ask, reply);
    if (error == 0 && bytes_short(in)) {
        error = BUSBAR_ESHORT;
    }
    return error == 0 && bytes_left(in) > 0 ? BUSBAR_EPROTO : error;
}

int modbus_get_object(struct bytes *in, struct modbus_object *object)
{
    object->id = bytes_get_u8(in);
    object->size = bytes_get_u8(in);
    object->text = bytes_get_block(in, object->size);
    return bytes_short(in) ? BUSBAR_ESHORT : 0;
}

int modbus_get_ask(struct bytes *in, struct modbus_ask *ask)
{
    *ask = (struct modbus_ask){ .function = bytes_get_u8(in) };
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    const struct modbus_function *function = modbus_function(ask->function);
    if (function == NULL) {
        return BUSBAR_EUNSUPPORTED;
    }
    int error = function->get_ask(in, ask);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    if (error == 0 && (ask->count < 1 || ask->count > function->count_max)) {
        error = BUSBAR_ERANGE;
    }
    return error == 0 && bytes_left(in) > 0 ? BUSBAR_EPROTO : error;
}

void modbus_put_reply(struct bytes_out *out, const struct modbus_reply *reply)
{
    if (reply->exception != 0) {
        bytes_put_u8(out, (uint8_t)(reply->function | EXCEPTION_BIT));
        bytes_put_u8(out, reply->exception);
        return;
    }
    const struct modbus_function *function = modbus_function(reply->function);
    assert(function != NULL);
    bytes_put_u8(out, reply->function);
    function->put_reply(out, reply);
}

/* ---- framing ---- */

int modbus_get_header(struct bytes *in, struct modbus_header *header)
{
    header->transaction = bytes_get_u16(in);
    header->protocol = bytes_get_u16(in);
    header->length = bytes_get_u16(in);
    header->unit = bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    bool sane = header->protocol == 0 && header->length >= 2 &&
                header->length <= 1 + MODBUS_PDU_MAX;
    return sane ? 0 : BUSBAR_EPROTO;
}

void modbus_put_header(struct bytes_out *out, const struct modbus_header *header)
{
    bytes_put_u16(out, header->transaction);
    bytes_put_u16(out, header->protocol);
    bytes_put_u16(out, header->length);
    bytes_put_u8(out, header->unit);
}

void modbus_put_crc(struct bytes_out *out, size_t from)
{
    assert(from < bytes_out_size(out));
    bytes_put_u16le(out, crc16_modbus(out->start + from, bytes_out_size(out) - from));
}

int modbus_get_rtu(struct bytes *in, uint8_t *unit, struct bytes *pdu)
{
    size_t size = bytes_left(in);
    const uint8_t *frame = in->at;
    if (size < 4) {
        return BUSBAR_ESHORT;
    }
    *unit = bytes_get_u8(in);
    *pdu = bytes_get_bytes(in, size - 3);
    return bytes_get_u16le(in) == crc16_modbus(frame, size - 2) ? 0 : BUSBAR_EPROTO;
}

/* The end of an identification answer can only be found by walking its objects. */
static size_t identify_size(struct bytes in)
{
    bytes_skip(&in, 7);
    unsigned count = bytes_get_u8(&in);
    struct modbus_object object;
    for (unsigned i = 0; i < count && !bytes_short(&in); i++) {
        (void)modbus_get_object(&in, &object);
    }
    if (bytes_short(&in)) {
        return 0;
    }
    size_t size = bytes_offset(&in) + 2;
    return size <= MODBUS_RTU_MAX ? size : SIZE_MAX;
}

static size_t counted_size(struct bytes in, size_t count_at)
{
    bytes_skip(&in, 1 + count_at);
    size_t count = bytes_get_u8(&in);
    if (bytes_short(&in)) {
        return 0;
    }
    size_t size = 1 + count_at + 1 + count + 2;
    return size <= MODBUS_RTU_MAX ? size : SIZE_MAX;
}

size_t modbus_rtu_reply_size(struct bytes in)
{
    in.start = in.at;
    struct bytes peek = in;
    bytes_skip(&peek, 1);
    uint8_t code = bytes_get_u8(&peek);
    if (bytes_short(&peek)) {
        return 0;
    }
    const struct modbus_function *function = modbus_function(code & 0x7f);
    if (function == NULL) {
        return SIZE_MAX;
    }
    if ((code & EXCEPTION_BIT) != 0) {
        return EXCEPTION_RTU_SIZE;
    }
    if (code == MODBUS_IDENTIFY) {
        return identify_size(in);
    }
    return function->reply_count_at != 0 ? counted_size(in, function->reply_count_at)
                                         : (size_t)1 + function->reply_min + 2;
}

size_t modbus_rtu_ask_size(struct bytes in)
{
    in.start = in.at;
    struct bytes peek = in;
    bytes_skip(&peek, 1);
    uint8_t code = bytes_get_u8(&peek);
    if (bytes_short(&peek)) {
        return 0;
    }
    const struct modbus_function *function = modbus_function(code);
    if (function == NULL) {
        return SIZE_MAX;
    }
    return function->ask_count_at != 0 ? counted_size(in, function->ask_count_at)
                                       : (size_t)1 + function->ask_min + 2;
}
