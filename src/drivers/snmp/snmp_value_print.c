/* SPDX-License-Identifier: Apache-2.0 */
/* Values as people write them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/str.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/snmp_value_parts.h"

enum { LATIN1_FIRST = 0xa0, HEX_STEP = 64 };

/* ---- octets ---- */

void snmp_hex_print(struct bytes octets, struct buf *out)
{
    char text[HEX_STEP * 3 + 1];
    for (size_t left = bytes_left(&octets); left > 0; left = bytes_left(&octets)) {
        size_t step = left < HEX_STEP ? left : HEX_STEP;
        size_t size = str_hex(text, sizeof(text), octets.at, step, ':');
        (void)buf_append(out, text, size);
        bytes_skip(&octets, step);
        if (bytes_left(&octets) > 0) {
            (void)buf_append_byte(out, ':');
        }
    }
}

bool snmp_hint_is_text(const char *hint)
{
    size_t digits = strspn(hint, "0123456789");
    return digits > 0 && (hint[digits] == 'a' || hint[digits] == 't') && hint[digits + 1] == '\0';
}

static bool is_control(uint8_t octet)
{
    return (octet < ' ' && octet != '\t' && octet != '\n' && octet != '\r') || octet == 0x7f;
}

static bool has_control(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (is_control(octets[i])) {
            return true;
        }
    }
    return false;
}

/* What a DisplayString should not hold, and many devices send: text in Latin-1 (RFC 1213 has ASCII only). */
static bool latin1_print(const uint8_t *octets, size_t size, struct buf *out)
{
    for (size_t i = 0; i < size; i++) {
        if (octets[i] > '~' && octets[i] < LATIN1_FIRST) {
            return false;
        }
    }
    for (size_t i = 0; i < size; i++) {
        char character[4];
        (void)buf_append(out, character, str_put_utf8(character, octets[i]));
    }
    return true;
}

void snmp_octets_print(const char *hint, struct bytes octets, struct buf *out)
{
    bool text = snmp_hint_is_text(hint);
    const uint8_t *at = octets.at;
    size_t size = bytes_left(&octets);
    if (!text && hint[0] != '\0' && mib_hint_octets(hint, at, size, out)) {
        return;
    }
    while (size > 0 && at[size - 1] == '\0' && (text || size > 1)) { /* of a C string */
        size--;
    }
    if (!has_control(at, size)) {
        if (str_is_utf8((const char *)at, size)) {
            (void)buf_append(out, at, size);
            return;
        }
        if (text && latin1_print(at, size, out)) {
            return;
        }
    }
    snmp_hex_print(octets, out);
}

bool snmp_ip_print(struct bytes octets, struct buf *out)
{
    if (bytes_left(&octets) != SNMP_IP_BYTES) {
        return false;
    }
    const uint8_t *ip = octets.at;
    (void)buf_printf(out, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    return true;
}

const char *snmp_enum_name(const struct mib_enum *enums, size_t count, int64_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (enums[i].value == value) {
            return enums[i].name;
        }
    }
    return NULL;
}

void snmp_bits_print(const struct mib_enum *enums, size_t count, struct bytes octets, bool numbers,
                     struct buf *out)
{
    const char *between = "";
    size_t bits = bytes_left(&octets) * 8;
    for (unsigned bit = 0; bit < bits && bit < SNMP_BITS_MAX; bit++) {
        if ((octets.at[bit / 8] & 0x80 >> bit % 8) == 0) {
            continue;
        }
        const char *name = snmp_enum_name(enums, count, bit);
        if (name == NULL) {
            (void)buf_printf(out, "%s%u", between, bit);
        } else if (numbers) {
            (void)buf_printf(out, "%s%s(%u)", between, name, bit);
        } else {
            (void)buf_printf(out, "%s%s", between, name);
        }
        between = ", ";
    }
}

/* ---- dates (RFC 2579, 2, DateAndTime) ---- */

static bool is_date(unsigned year, const uint8_t *at)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned month = at[2], day = at[3];
    if (year > 9999 || month < 1 || month > 12) {
        return false;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    unsigned last = days[month - 1] + (month == 2 && leap ? 1U : 0U);
    return day >= 1 && day <= last && at[4] < 24 && at[5] < 60 && at[6] <= 60 && at[7] < 10;
}

bool snmp_date_print(struct bytes octets, struct buf *out)
{
    size_t size = bytes_left(&octets);
    const uint8_t *at = octets.at;
    if (size != SNMP_DATE_BYTES && size != SNMP_DATE_ZONE_BYTES) {
        return false;
    }
    unsigned year = (unsigned)at[0] << 8 | at[1];
    bool zone = size == SNMP_DATE_ZONE_BYTES;
    if (!is_date(year, at) ||
        (zone && ((at[8] != '+' && at[8] != '-') || at[9] > 14 || at[10] > 59))) {
        return false;
    }
    (void)buf_printf(out, "%04u-%02u-%02uT%02u:%02u:%02u", year, at[2], at[3], at[4], at[5], at[6]);
    if (at[7] > 0) {
        (void)buf_printf(out, ".%u", at[7]);
    }
    if (zone && at[9] == 0 && at[10] == 0) {
        (void)buf_append_byte(out, 'Z');
    } else if (zone) {
        (void)buf_printf(out, "%c%02u:%02u", at[8], at[9], at[10]);
    }
    return true;
}

/* ---- values ---- */

/* "0:12:03.45", "12 d 0:12:03.45". */
static void print_ticks(uint64_t ticks, struct buf *out)
{
    uint64_t seconds = ticks / SNMP_TICKS_PER_S;
    if (seconds >= 86400) {
        (void)buf_printf(out, "%" PRIu64 " d ", seconds / 86400);
    }
    (void)buf_printf(out, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%02" PRIu64,
                     seconds % 86400 / 3600, seconds % 3600 / 60, seconds % 60,
                     ticks % SNMP_TICKS_PER_S);
}

static void print_integer(const struct mib_object *object, int64_t number, struct buf *out)
{
    const char *name = object != NULL ? snmp_enum_name(object->enums, object->enum_count, number)
                                      : NULL;
    if (name != NULL) {
        (void)buf_printf(out, "%s(%" PRId64 ")", name, number);
    } else if (object == NULL || !mib_hint_int(object->hint, number, out)) {
        (void)buf_printf(out, "%" PRId64, number);
    }
}

/* False: it is no number. */
static bool print_number(const struct mib_object *object, const struct snmp_value *value,
                         struct buf *out)
{
    struct snmp_number number;
    if (snmp_number_of(value, &number) != 0) {
        return false;
    }
    if (value->tag == BER_TIMETICKS) {
        print_ticks(number.u, out);
    } else if (number.real) {
        char text[DECIMAL_TEXT_MAX];
        (void)buf_append(out, text, decimal_text(text, number.d));
    } else if (!number.negative && number.u > INT64_MAX) {
        (void)buf_printf(out, "%" PRIu64, number.u);
    } else {
        print_integer(object, (int64_t)number.u, out);
    }
    return true;
}

static void print_octets(const struct mib_object *object, struct bytes octets, struct buf *out)
{
    if (object != NULL && object->syntax == MIB_BITS) {
        snmp_bits_print(object->enums, object->enum_count, octets, true, out);
        return;
    }
    bool date = object != NULL && strcmp(object->convention, "DateAndTime") == 0;
    if (!date || !snmp_date_print(octets, out)) {
        snmp_octets_print(object != NULL && !date ? object->hint : "", octets, out);
    }
}

void snmp_value_print(const struct mib *mib, const struct mib_object *object,
                      const struct snmp_value *value, struct buf *out)
{
    struct bytes content = value->content;
    size_t size = bytes_left(&content);
    switch (value->tag) {
    case BER_NULL: (void)buf_append_text(out, "NULL"); return;
    case BER_NO_SUCH_OBJECT: (void)buf_append_text(out, "noSuchObject"); return;
    case BER_NO_SUCH_INSTANCE: (void)buf_append_text(out, "noSuchInstance"); return;
    case BER_END_OF_MIB_VIEW: (void)buf_append_text(out, "endOfMibView"); return;
    case BER_OCTETS: print_octets(object, content, out); return;
    case BER_OID:
        if (snmp_oid_good(content.at, size)) {
            mib_print(mib, (struct snmp_oid){ .bytes = content.at, .size = (uint16_t)size }, out);
            return;
        }
        break;
    case BER_IP_ADDRESS:
        if (snmp_ip_print(content, out)) {
            return;
        }
        break;
    default:
        if (print_number(object, value, out)) {
            return;
        }
        break;
    }
    if (value->tag != BER_OPAQUE && value->tag != BER_NSAP) {
        (void)buf_printf(out, "type 0x%02x: ", value->tag);
    }
    snmp_hex_print(content, out);
}
