/* SPDX-License-Identifier: Apache-2.0 */
/* Values as samples: one function for each way to read. What a point is read as is settled once by its MIB
 * (snmp_meaning_settle); what no MIB knows is read by the tag that came. */
#include "drivers/snmp/snmp_value.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "drivers/snmp/snmp_value_parts.h"
#include "model/quality.h"

const char *const snmp_type_words[] = {
    [SNMP_AUTO] = "auto",       [SNMP_INT] = "int",       [SNMP_UNSIGNED] = "unsigned",
    [SNMP_COUNTER] = "counter", [SNMP_TICKS] = "ticks",   [SNMP_TEXT] = "text",
    [SNMP_HEX] = "hex",         [SNMP_NUMBER] = "number", [SNMP_OID_TYPE] = "oid",
    [SNMP_ADDRESS] = "ip",      [SNMP_FLOAT] = "float",   [SNMP_BITS] = "bits",
    [SNMP_BOOL] = "bool",       [SNMP_DATE] = "date",     [SNMP_DATE + 1] = NULL,
};

const char *const snmp_as_words[] = {
    [SNMP_AS_IS] = "raw",     [SNMP_TOTAL] = "total",   [SNMP_RATE] = "rate",
    [SNMP_CHANGE] = "change", [SNMP_CHANGE + 1] = NULL,
};

/* ---- what comes out ---- */

static void set_int(struct sample *out, int64_t value)
{
    out->type = VALUE_INT;
    out->value.i = value;
}

static void set_double(struct sample *out, double value)
{
    out->type = VALUE_DOUBLE;
    out->value.d = value;
}

static void set_bool(struct sample *out, bool value)
{
    out->type = VALUE_BOOL;
    out->value.b = value;
}

static void set_bad(struct sample *out, uint8_t quality, uint16_t detail)
{
    out->type = VALUE_NONE;
    out->value.bits = 0;
    out->quality = quality;
    out->detail = detail;
}

static uint8_t quality_of(uint16_t detail)
{
    switch (detail) {
    case SNMP_DETAIL_WRONG_TYPE:
    case SNMP_DETAIL_NO_COUNTER: return QUALITY_CONFIGURATION;
    case SNMP_DETAIL_TOO_LARGE:
    case SNMP_DETAIL_TOO_LONG:
    case SNMP_DETAIL_NOT_FINITE: return QUALITY_OUT_OF_RANGE;
    default: return QUALITY_DECODE;
    }
}

static void fail(struct sample *out, uint16_t detail)
{
    set_bad(out, quality_of(detail), detail);
}

static void set_text(struct sample *out, struct text **text, const void *data, size_t size)
{
    if (size > TEXT_BYTES_MAX) {
        fail(out, SNMP_DETAIL_TOO_LONG);
        return;
    }
    *text = text_set(*text, data, size);
    out->type = VALUE_TEXT;
    out->value.text = *text;
}

/* ---- numbers ---- */

/* 9f 78 04 and four octets: a float; and its kin. */
static uint16_t number_in_opaque(struct bytes in, struct snmp_number *out)
{
    if (bytes_get_u8(&in) != SNMP_OPAQUE_TAG) {
        return SNMP_DETAIL_WRONG_TYPE;
    }
    uint8_t kind = bytes_get_u8(&in);
    size_t size = bytes_get_u8(&in);
    if (bytes_short(&in) || bytes_left(&in) != size) {
        return SNMP_DETAIL_WRONG_TYPE;
    }
    int64_t value = 0;
    switch (kind) {
    case SNMP_OPAQUE_FLOAT:
        out->real = true;
        out->d = (double)bytes_get_f32(&in);
        return bytes_short(&in) || bytes_left(&in) > 0 ? SNMP_DETAIL_BROKEN : 0;
    case SNMP_OPAQUE_DOUBLE:
        out->real = true;
        out->d = bytes_get_f64(&in);
        return bytes_short(&in) || bytes_left(&in) > 0 ? SNMP_DETAIL_BROKEN : 0;
    case SNMP_OPAQUE_COUNTER64:
    case SNMP_OPAQUE_U64: return ber_uint(in, &out->u) ? 0 : SNMP_DETAIL_BROKEN;
    case SNMP_OPAQUE_I64:
        if (!ber_int(in, &value)) {
            return SNMP_DETAIL_BROKEN;
        }
        out->negative = value < 0;
        out->u = (uint64_t)value;
        return 0;
    default: return SNMP_DETAIL_WRONG_TYPE;
    }
}

uint16_t snmp_number_of(const struct snmp_value *value, struct snmp_number *out)
{
    int64_t number = 0;
    *out = (struct snmp_number){ 0 };
    switch (value->tag) {
    case BER_INTEGER:
        if (!ber_int(value->content, &number)) {
            return SNMP_DETAIL_BROKEN;
        }
        out->negative = number < 0;
        out->u = (uint64_t)number;
        return 0;
    case BER_COUNTER32:
    case BER_GAUGE32:
    case BER_TIMETICKS:
    case BER_UINTEGER32:
        return ber_uint(value->content, &out->u) && out->u <= UINT32_MAX ? 0 : SNMP_DETAIL_BROKEN;
    case BER_COUNTER64: return ber_uint(value->content, &out->u) ? 0 : SNMP_DETAIL_BROKEN;
    case BER_OPAQUE: return number_in_opaque(value->content, out);
    default: return SNMP_DETAIL_WRONG_TYPE;
    }
}

static double real_of(const struct snmp_number *number)
{
    if (number->real) {
        return number->d;
    }
    return number->negative ? (double)(int64_t)number->u : (double)number->u;
}

static void set_real(struct sample *out, double value)
{
    if (isfinite(value)) {
        set_double(out, value);
    } else {
        fail(out, SNMP_DETAIL_NOT_FINITE);
    }
}

static void read_int(const struct snmp_meaning *meaning, const struct snmp_value *value,
                     struct sample *out)
{
    struct snmp_number number;
    uint16_t detail = snmp_number_of(value, &number);
    if (detail != 0) {
        fail(out, detail);
    } else if (meaning->divisor != 1) {
        set_real(out, real_of(&number) / meaning->divisor);
    } else if (number.real) {
        fail(out, SNMP_DETAIL_WRONG_TYPE);
    } else if (!number.negative && number.u > INT64_MAX) {
        fail(out, SNMP_DETAIL_TOO_LARGE);
    } else {
        set_int(out, (int64_t)number.u);
    }
}

static void read_real(const struct snmp_value *value, double divisor, struct sample *out)
{
    struct snmp_number number;
    uint16_t detail = snmp_number_of(value, &number);
    if (detail != 0) {
        fail(out, detail);
        return;
    }
    set_real(out, real_of(&number) / divisor);
}

/* Floats also come as their four or eight octets. */
static void read_float(const struct snmp_value *value, struct sample *out)
{
    struct bytes in = value->content;
    if (value->tag != BER_OCTETS) {
        read_real(value, 1, out);
    } else if (bytes_left(&in) == sizeof(float)) {
        set_real(out, (double)bytes_get_f32(&in));
    } else if (bytes_left(&in) == sizeof(double)) {
        set_real(out, bytes_get_f64(&in));
    } else {
        fail(out, SNMP_DETAIL_WRONG_TYPE);
    }
}

static void read_bool(const struct snmp_value *value, struct sample *out)
{
    struct snmp_number number;
    uint16_t detail = snmp_number_of(value, &number);
    if (detail != 0) {
        fail(out, detail);
        return;
    }
    double real = real_of(&number);
    set_bool(out, real != 0 && real != 2); /* TruthValue: true(1), false(2) */
}

static void read_bit(unsigned bit, const struct snmp_value *value, struct sample *out)
{
    struct snmp_number number;
    if (value->tag == BER_OCTETS) { /* bit 0 is the highest of the first octet (RFC 3417, 8) */
        const struct bytes *in = &value->content;
        set_bool(out, bit / 8 < bytes_left(in) && (in->at[bit / 8] & 0x80 >> bit % 8) != 0);
        return;
    }
    uint16_t detail = snmp_number_of(value, &number);
    if (detail != 0 || number.real) {
        fail(out, detail != 0 ? detail : SNMP_DETAIL_WRONG_TYPE);
        return;
    }
    set_bool(out, bit < 64 && (number.u >> bit & 1) != 0);
}

/* "21.4", " 21.4 degC", "45%": a unit behind it is left out, when no digit is in it. */
static bool number_in_text(struct bytes octets, double *out)
{
    char copy[64];
    size_t size = bytes_left(&octets);
    if (size >= sizeof(copy)) {
        return false;
    }
    bytes_get_copy(&octets, copy, size);
    copy[size] = '\0';
    char *start = str_trim(copy);
    if (str_parse_double(start, out) == 0) {
        return true;
    }
    char *unit = start + strspn(start, "+-0123456789.");
    if (strpbrk(unit, "0123456789:/") != NULL) {
        return false;
    }
    *unit = '\0';
    return str_parse_double(start, out) == 0;
}

static void read_number(const struct snmp_value *value, struct sample *out)
{
    double number = 0;
    if (value->tag != BER_OCTETS) {
        read_real(value, 1, out);
    } else if (number_in_text(value->content, &number)) {
        set_real(out, number);
    } else {
        fail(out, SNMP_DETAIL_NO_NUMBER);
    }
}

/* ---- texts ---- */

/* Text of text: what most devices send, so nothing is copied but once. */
static bool is_plain(const char *hint, struct bytes octets)
{
    size_t size = bytes_left(&octets);
    for (size_t i = 0; i < size; i++) {
        if (octets.at[i] < ' ' || octets.at[i] > '~') {
            return false;
        }
    }
    return hint[0] == '\0' || snmp_hint_is_text(hint);
}

static uint16_t print_text(enum snmp_type type, const struct snmp_meaning *meaning,
                           const struct mib *mib, const struct snmp_value *value, struct buf *out)
{
    struct bytes content = value->content;
    switch (type) {
    case SNMP_HEX: snmp_hex_print(content, out); return 0;
    case SNMP_DATE: return snmp_date_print(content, out) ? 0 : SNMP_DETAIL_NO_DATE;
    case SNMP_ADDRESS: return snmp_ip_print(content, out) ? 0 : SNMP_DETAIL_WRONG_TYPE;
    case SNMP_BITS:
        snmp_bits_print(meaning->enums, meaning->enum_count, content, false, out);
        return 0;
    default: break;
    }
    if (value->tag == BER_OCTETS) {
        snmp_octets_print(meaning->hint, content, out);
    } else {
        snmp_value_print(mib, NULL, value, out);
    }
    return 0;
}

/* Which tags a type of text takes; SNMP_TEXT takes all. */
static bool is_of_type(enum snmp_type type, uint8_t tag)
{
    switch (type) {
    case SNMP_DATE:
    case SNMP_BITS: return tag == BER_OCTETS;
    case SNMP_ADDRESS: return tag == BER_IP_ADDRESS || tag == BER_OCTETS;
    case SNMP_OID_TYPE: return tag == BER_OID;
    default: return true;
    }
}

static void read_text(enum snmp_type type, const struct snmp_meaning *meaning,
                      const struct mib *mib, const struct snmp_value *value, struct text **text,
                      struct sample *out)
{
    const struct bytes *content = &value->content;
    if (!is_of_type(type, value->tag)) {
        fail(out, SNMP_DETAIL_WRONG_TYPE);
        return;
    }
    if (type == SNMP_TEXT && value->tag == BER_OCTETS && is_plain(meaning->hint, *content)) {
        set_text(out, text, content->at, bytes_left(content));
        return;
    }
    struct buf buf;
    buf_init(&buf, TEXT_BYTES_MAX);
    uint16_t detail = print_text(type, meaning, mib, value, &buf);
    if (detail == 0 && buf.overflow) {
        detail = SNMP_DETAIL_TOO_LONG;
    }
    if (detail == 0) {
        set_text(out, text, buf_text(&buf), buf.size);
    } else {
        fail(out, detail);
    }
    buf_fini(&buf);
}

/* ---- all of it ---- */

/* What is read of a tag when neither point nor MIB say. */
static enum snmp_type type_of(const struct snmp_value *value)
{
    struct snmp_number number;
    switch (value->tag) {
    case BER_TIMETICKS: return SNMP_TICKS;
    case BER_OCTETS: return SNMP_TEXT;
    case BER_OID: return SNMP_OID_TYPE;
    case BER_IP_ADDRESS: return SNMP_ADDRESS;
    case BER_OPAQUE: return snmp_number_of(value, &number) == 0 ? SNMP_FLOAT : SNMP_HEX;
    case BER_NSAP: return SNMP_HEX;
    default: return SNMP_INT;
    }
}

void snmp_value_read(const struct snmp_meaning *meaning, const struct mib *mib,
                     const struct snmp_value *value, struct text **text, struct sample *out)
{
    out->value.bits = 0;
    out->type = VALUE_NONE;
    out->quality = QUALITY_GOOD;
    out->detail = 0;
    uint16_t exception = snmp_detail_exception(value->tag);
    if (exception != 0) {
        set_bad(out, QUALITY_REFUSED, exception);
        return;
    }
    if (value->tag == BER_NULL) {
        set_bad(out, QUALITY_REFUSED, SNMP_DETAIL_NULL_VALUE);
        return;
    }
    if (meaning->bit >= 0) {
        read_bit((unsigned)meaning->bit, value, out);
        return;
    }
    enum snmp_type type = meaning->type != SNMP_AUTO ? meaning->type : type_of(value);
    switch (type) {
    case SNMP_AUTO:
    case SNMP_INT:
    case SNMP_UNSIGNED:
    case SNMP_COUNTER: read_int(meaning, value, out); return;
    case SNMP_TICKS: read_real(value, SNMP_TICKS_PER_S, out); return;
    case SNMP_FLOAT: read_float(value, out); return;
    case SNMP_NUMBER: read_number(value, out); return;
    case SNMP_BOOL: read_bool(value, out); return;
    default: read_text(type, meaning, mib, value, text, out); return;
    }
}

bool snmp_value_counter(const struct snmp_value *value, uint64_t *raw, unsigned *bits,
                        struct sample *out)
{
    struct snmp_number number;
    uint16_t detail = snmp_number_of(value, &number);
    if (detail == 0 && !number.real && !number.negative) {
        *raw = number.u;
        *bits = value->tag == BER_COUNTER64 || number.u > UINT32_MAX ? 64 : 32;
        return true;
    }
    uint16_t exception = snmp_detail_exception(value->tag);
    if (exception != 0 || value->tag == BER_NULL) {
        set_bad(out, QUALITY_REFUSED, exception != 0 ? exception : SNMP_DETAIL_NULL_VALUE);
    } else {
        fail(out, detail == SNMP_DETAIL_BROKEN ? detail : SNMP_DETAIL_NO_COUNTER);
    }
    return false;
}

static enum snmp_type type_of_object(const struct mib_object *object)
{
    switch (object->syntax) {
    case MIB_INTEGER: return strcmp(object->convention, "TruthValue") == 0 ? SNMP_BOOL : SNMP_INT;
    case MIB_UNSIGNED: return SNMP_UNSIGNED;
    case MIB_COUNTER32:
    case MIB_COUNTER64: return SNMP_COUNTER;
    case MIB_TIMETICKS: return SNMP_TICKS;
    case MIB_OCTETS: return strcmp(object->convention, "DateAndTime") == 0 ? SNMP_DATE : SNMP_TEXT;
    case MIB_OID: return SNMP_OID_TYPE;
    case MIB_BITS: return SNMP_BITS;
    case MIB_IP_ADDRESS: return SNMP_ADDRESS;
    default: return SNMP_AUTO; /* Opaque may be anything */
    }
}

void snmp_meaning_settle(struct snmp_meaning *meaning)
{
    if (meaning->type == SNMP_AUTO && meaning->object != NULL) {
        meaning->type = type_of_object(meaning->object);
    }
}

uint8_t snmp_value_type(const struct snmp_meaning *meaning, enum snmp_as as)
{
    if (as == SNMP_RATE) {
        return VALUE_DOUBLE;
    }
    if (as != SNMP_AS_IS) {
        return VALUE_INT;
    }
    if (meaning->bit >= 0) {
        return VALUE_BOOL;
    }
    switch (meaning->type) {
    case SNMP_AUTO: return VALUE_NONE;
    case SNMP_INT:
    case SNMP_UNSIGNED:
    case SNMP_COUNTER: return meaning->divisor != 1 ? VALUE_DOUBLE : VALUE_INT;
    case SNMP_TICKS:
    case SNMP_NUMBER:
    case SNMP_FLOAT: return VALUE_DOUBLE;
    case SNMP_BOOL: return VALUE_BOOL;
    default: return VALUE_TEXT;
    }
}
