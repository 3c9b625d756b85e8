/* SPDX-License-Identifier: Apache-2.0 */
/* Primitive values (ASHRAE 135, clauses 20.2.2 to 20.2.14) and the rows of elements that properties hold. */
#include "drivers/bacnet/wire/value.h"

#include "base/err.h"
#include "drivers/bacnet/wire/tag.h"

enum { NUMBER_BYTES_MAX = 8, CODE_PAGE_SIZE = 2, SET_DBCS = 1 };

/* ---- reading ---- */

static uint64_t get_number(struct bytes *in)
{
    size_t size = bytes_left(in);
    if (size == 0 || size > NUMBER_BYTES_MAX) {
        bytes_fail(in);
        return 0;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes_get_u8(in);
    }
    return number;
}

static int64_t get_integer(struct bytes *in)
{
    size_t size = bytes_left(in);
    uint64_t number = get_number(in);
    bool negative = size > 0 && (in->start[0] & 0x80u) != 0;
    if (negative && size < NUMBER_BYTES_MAX) {
        number |= UINT64_MAX << (8 * size);
    }
    return (int64_t)number;
}

static void get_block(struct bytes *in, bool has_set, struct bacnet_value *value)
{
    value->as.block.set = has_set ? bytes_get_u8(in) : 0;
    value->as.block.size = (uint32_t)bytes_left(in);
    value->as.block.data = bytes_get_block(in, value->as.block.size);
}

static void get_characters(struct bytes *in, struct bacnet_value *value)
{
    get_block(in, true, value);
    if (value->as.block.set == SET_DBCS && value->as.block.size < CODE_PAGE_SIZE) {
        bytes_fail(in);
    }
}

static void get_bits(struct bytes *in, struct bacnet_value *value)
{
    get_block(in, true, value);
    unsigned unused = value->as.block.set;
    if (unused > 7 || (unused > 0 && value->as.block.size == 0)) {
        bytes_fail(in);
    }
}

static bool get_boolean(struct bytes *in)
{
    uint8_t byte = bytes_get_u8(in);
    if (byte > 1) {
        bytes_fail(in);
    }
    return byte == 1;
}

static struct bacnet_date get_date(struct bytes *in)
{
    struct bacnet_date date;
    date.year = bytes_get_u8(in);
    date.month = bytes_get_u8(in);
    date.day = bytes_get_u8(in);
    date.weekday = bytes_get_u8(in);
    return date;
}

static struct bacnet_time get_time(struct bytes *in)
{
    struct bacnet_time time;
    time.hour = bytes_get_u8(in);
    time.minute = bytes_get_u8(in);
    time.second = bytes_get_u8(in);
    time.hundredth = bytes_get_u8(in);
    return time;
}

int bacnet_get_content(struct bytes content, uint8_t type, struct bacnet_value *value)
{
    struct bytes *in = &content;
    *value = (struct bacnet_value){ .type = type };
    switch (type) {
    case BACNET_NULL: break;
    case BACNET_BOOLEAN: value->as.boolean = get_boolean(in); break;
    case BACNET_UNSIGNED:
    case BACNET_ENUMERATED: value->as.number = get_number(in); break;
    case BACNET_SIGNED: value->as.integer = get_integer(in); break;
    case BACNET_REAL: value->as.real = bytes_get_f32(in); break;
    case BACNET_DOUBLE: value->as.real64 = bytes_get_f64(in); break;
    case BACNET_OCTETS: get_block(in, false, value); break;
    case BACNET_CHARACTERS: get_characters(in, value); break;
    case BACNET_BITS: get_bits(in, value); break;
    case BACNET_DATE: value->as.date = get_date(in); break;
    case BACNET_TIME: value->as.time = get_time(in); break;
    case BACNET_OBJECT: value->as.object = bacnet_object_of(bytes_get_u32(in)); break;
    default: return BUSBAR_EPROTO;
    }
    return bytes_short(in) || bytes_left(in) > 0 ? BUSBAR_EPROTO : 0;
}

/* What stands behind a tag. */
static int get_tagged(struct bytes *in, const struct bacnet_tag *tag, struct bacnet_value *value)
{
    if (tag->kind == BACNET_TAG_APPLICATION && tag->number == BACNET_BOOLEAN) {
        *value = (struct bacnet_value){ .type = BACNET_BOOLEAN, .as.boolean = tag->value == 1 };
        return 0;
    }
    struct bytes content = bytes_get_bytes(in, tag->size);
    if (tag->kind != BACNET_TAG_APPLICATION ||
        bacnet_get_content(content, tag->number, value) != 0) {
        bytes_fail(in);
        return BUSBAR_EPROTO;
    }
    return 0;
}

int bacnet_get_value(struct bytes *in, struct bacnet_value *value)
{
    struct bacnet_tag tag;
    *value = (struct bacnet_value){ .type = BACNET_NULL };
    return bacnet_get_tag(in, &tag) ? get_tagged(in, &tag, value) : BUSBAR_EPROTO;
}

int bacnet_get_element(struct bytes *in, struct bacnet_element *element)
{
    const uint8_t *start = in->at;
    struct bytes behind = *in;
    struct bacnet_tag tag;
    *element = (struct bacnet_element){ 0 };
    if (bacnet_get_tag(&behind, &tag) && tag.kind == BACNET_TAG_APPLICATION &&
        tag.number < BACNET_TYPES) {
        element->primitive = true;
        int error = get_tagged(&behind, &tag, &element->value);
        *in = behind;
        element->raw = bytes_of(start, (size_t)(in->at - start));
        return error;
    }
    element->raw = bacnet_get_any(in);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

int bacnet_count_elements(struct bytes in, int max)
{
    int count = 0;
    while (count < max && bytes_left(&in) > 0) {
        (void)bacnet_get_any(&in);
        if (bytes_short(&in)) {
            return -1;
        }
        count++;
    }
    return bytes_short(&in) ? -1 : count;
}

/* ---- writing ---- */

static unsigned number_size(uint64_t number)
{
    unsigned size = 1;
    while (size < NUMBER_BYTES_MAX && number >> (8 * size) != 0) {
        size++;
    }
    return size;
}

static unsigned integer_size(int64_t integer)
{
    unsigned size = 1;
    while (size < NUMBER_BYTES_MAX) {
        int64_t half = (int64_t)1 << (8 * size - 1);
        if (integer >= -half && integer < half) {
            break;
        }
        size++;
    }
    return size;
}

static uint32_t content_size(const struct bacnet_value *value)
{
    switch (value->type) {
    case BACNET_NULL: return 0;
    case BACNET_BOOLEAN: return 1;
    case BACNET_UNSIGNED:
    case BACNET_ENUMERATED: return number_size(value->as.number);
    case BACNET_SIGNED: return integer_size(value->as.integer);
    case BACNET_DOUBLE: return 8;
    case BACNET_OCTETS: return value->as.block.size;
    case BACNET_CHARACTERS:
    case BACNET_BITS: return 1 + value->as.block.size;
    default: return 4;
    }
}

static void put_number(struct bytes_out *out, uint64_t number, unsigned size)
{
    while (size-- > 0) {
        bytes_put_u8(out, (uint8_t)(number >> (8 * size)));
    }
}

static void put_content(struct bytes_out *out, const struct bacnet_value *value)
{
    switch (value->type) {
    case BACNET_NULL: break;
    case BACNET_BOOLEAN: bytes_put_u8(out, value->as.boolean ? 1 : 0); break;
    case BACNET_UNSIGNED:
    case BACNET_ENUMERATED:
    case BACNET_SIGNED: put_number(out, value->as.number, content_size(value)); break;
    case BACNET_REAL: bytes_put_f32(out, value->as.real); break;
    case BACNET_DOUBLE: bytes_put_f64(out, value->as.real64); break;
    case BACNET_CHARACTERS:
    case BACNET_BITS: bytes_put_u8(out, value->as.block.set); /* fall through */
    case BACNET_OCTETS: bytes_put_block(out, value->as.block.data, value->as.block.size); break;
    case BACNET_DATE: {
        const struct bacnet_date *date = &value->as.date;
        bytes_put_block(out, (uint8_t[]){ date->year, date->month, date->day, date->weekday }, 4);
        break;
    }
    case BACNET_TIME: {
        const struct bacnet_time *time = &value->as.time;
        bytes_put_block(out, (uint8_t[]){ time->hour, time->minute, time->second, time->hundredth },
                        4);
        break;
    }
    default: bytes_put_u32(out, bacnet_object_number(value->as.object)); break;
    }
}

void bacnet_put_value(struct bytes_out *out, unsigned tag, const struct bacnet_value *value)
{
    assert(value->type < BACNET_TYPES);
    if (tag != BACNET_APPLICATION) {
        bacnet_put_tag(out, tag, BACNET_TAG_CONTEXT, content_size(value));
        put_content(out, value);
    } else if (value->type == BACNET_BOOLEAN) {
        /* the length is the value, clause 20.2.3 */
        bacnet_put_tag(out, BACNET_BOOLEAN, BACNET_TAG_APPLICATION, value->as.boolean ? 1 : 0);
    } else {
        bacnet_put_tag(out, value->type, BACNET_TAG_APPLICATION, content_size(value));
        put_content(out, value);
    }
}

size_t bacnet_value_size(const struct bacnet_value *value)
{
    if (value->type == BACNET_BOOLEAN) {
        return 3; /* with a long context tag; 1 with an application tag */
    }
    uint32_t size = content_size(value);
    return bacnet_tag_size(UINT8_MAX - 1, size) + size;
}

/* ---- questions ---- */

static bool same_real(double a, double b)
{
    return a == b || (a != a && b != b); /* NaN is what is not itself */
}

bool bacnet_value_equal(const struct bacnet_value *a, const struct bacnet_value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case BACNET_NULL: return true;
    case BACNET_BOOLEAN: return a->as.boolean == b->as.boolean;
    case BACNET_UNSIGNED:
    case BACNET_ENUMERATED:
    case BACNET_SIGNED: return a->as.number == b->as.number;
    case BACNET_REAL: return same_real((double)a->as.real, (double)b->as.real);
    case BACNET_DOUBLE: return same_real(a->as.real64, b->as.real64);
    case BACNET_DATE: return memcmp(&a->as.date, &b->as.date, sizeof(a->as.date)) == 0;
    case BACNET_TIME: return memcmp(&a->as.time, &b->as.time, sizeof(a->as.time)) == 0;
    case BACNET_OBJECT: return bacnet_object_equal(a->as.object, b->as.object);
    default:
        return a->as.block.set == b->as.block.set && a->as.block.size == b->as.block.size &&
               (a->as.block.size == 0 ||
                memcmp(a->as.block.data, b->as.block.data, a->as.block.size) == 0);
    }
}

uint8_t bacnet_value_nibble(const struct bacnet_value *value)
{
    static const uint8_t mirrored[] = { 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 };
    unsigned bits = bacnet_value_bits(value);
    unsigned all = bits > 0 ? mirrored[value->as.block.data[0] >> 4] : 0;
    return (uint8_t)(bits < 4 ? all & ((1u << bits) - 1) : all);
}

unsigned bacnet_value_bits(const struct bacnet_value *value)
{
    unsigned bits = value->as.block.size * 8;
    return bits > value->as.block.set ? bits - value->as.block.set : 0;
}

bool bacnet_value_bit(const struct bacnet_value *value, unsigned i)
{
    return i < bacnet_value_bits(value) &&
           ((unsigned)value->as.block.data[i / 8] >> (7 - i % 8) & 1u) != 0;
}

const char *bacnet_type_name(uint8_t type)
{
    static const char *const names[BACNET_TYPES] = {
        "null",   "boolean",      "unsigned",          "signed",     "real",
        "double", "octet string", "character string",  "bit string", "enumerated",
        "date",   "time",         "object identifier",
    };
    return type < BACNET_TYPES ? names[type] : NULL;
}
