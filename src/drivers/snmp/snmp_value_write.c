/* SPDX-License-Identifier: Apache-2.0 */
/* Values for SET: what a person or a rule gave, in the type that the device wants. What the MIB does not allow is
 * refused before it is sent, with what it does. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/snmp_value_parts.h"

enum { LIST_MAX = 200 }; /* of ranges and names in a message */

/* What is written, and where to. */
struct writing {
    const struct snmp_meaning *meaning;
    const struct mib *mib;
    const struct sample *sample;
    uint8_t *room;
    size_t room_size;
    struct snmp_value *out;
    struct err *err;
};

static int done(const struct writing *to, uint8_t tag, const void *data, size_t size)
{
    *to->out = (struct snmp_value){ .tag = tag, .content = bytes_of(data, size) };
    return 0;
}

/* ---- what is allowed ---- */

/* "0..100 or 255", "up, down, testing" into text[LIST_MAX]. */
static void list_ranges(const struct mib_object *object, char text[LIST_MAX])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < object->range_count && used + 1 < LIST_MAX; i++) {
        const struct mib_range *range = &object->ranges[i];
        used += str_format(text + used, LIST_MAX - used,
                           range->low == range->high ? "%s%" PRId64 : "%s%" PRId64 "..%" PRId64,
                           i > 0 ? " or " : "", range->low, range->high);
    }
}

static bool in_ranges(const struct mib_object *object, int64_t number)
{
    if (object == NULL || object->range_count == 0) {
        return true;
    }
    for (size_t i = 0; i < object->range_count; i++) {
        if (number >= object->ranges[i].low && number <= object->ranges[i].high) {
            return true;
        }
    }
    return false;
}

static int check_size(const struct writing *to, size_t size)
{
    char ranges[LIST_MAX];
    const struct mib_object *object = to->meaning->object;
    if (in_ranges(object, (int64_t)size)) {
        return 0;
    }
    list_ranges(object, ranges);
    return err_set(to->err, BUSBAR_ERANGE, "%s has %s octets, this is %zu", object->name, ranges,
                   size);
}

static int no_such_name(const struct writing *to, const char *word)
{
    const struct snmp_meaning *meaning = to->meaning;
    char list[LIST_MAX] = "";
    size_t used = 0;
    for (size_t i = 0; i < meaning->enum_count && used + 1 < LIST_MAX; i++) {
        used += str_format(list + used, LIST_MAX - used, "%s%s(%" PRId64 ")", i > 0 ? ", " : "",
                           meaning->enums[i].name, meaning->enums[i].value);
    }
    (void)err_set(to->err, BUSBAR_EINVAL, "there is no '%s' here", word);
    return err_hint(to->err, "it is one of: %s", list);
}

static bool value_of_name(const struct snmp_meaning *meaning, const char *word, int64_t *out)
{
    for (size_t i = 0; i < meaning->enum_count; i++) {
        if (strcmp(meaning->enums[i].name, word) == 0) {
            *out = meaning->enums[i].value;
            return true;
        }
    }
    return false;
}

/* ---- numbers ---- */

struct integer_type {
    uint8_t tag;
    const char *name;
    int64_t low, high;
};

static const struct integer_type integer_types[] = {
    [MIB_INTEGER] = { BER_INTEGER, "INTEGER", INT32_MIN, INT32_MAX },
    [MIB_UNSIGNED] = { BER_GAUGE32, "Gauge32", 0, UINT32_MAX },
    [MIB_COUNTER32] = { BER_COUNTER32, "Counter32", 0, UINT32_MAX },
    [MIB_COUNTER64] = { BER_COUNTER64, "Counter64", 0, INT64_MAX },
    [MIB_TIMETICKS] = { BER_TIMETICKS, "TimeTicks", 0, UINT32_MAX },
};

static int round_double(const struct writing *to, double number, int64_t *out)
{
    double whole = round(number);
    if (!(fabs(whole) < 0x1p63)) { /* also what is no number */
        return err_set(to->err, BUSBAR_ERANGE, "the number does not fit into 64 bits");
    }
    *out = (int64_t)whole;
    return 0;
}

/* A text for a whole number: a name, a number by DISPLAY-HINT, a number. */
static int integer_of_text(const struct writing *to, const char *text, double factor, int64_t *out)
{
    double number;
    if (value_of_name(to->meaning, text, out)) {
        return 0;
    }
    if (str_parse_i64(text, out) == 0 && factor == 1) {
        return 0;
    }
    if (str_parse_double(text, &number) == 0) {
        return round_double(to, number * factor, out);
    }
    if (mib_hint_parse_int(to->meaning->hint, text, out) == 0) {
        return 0;
    }
    if (to->meaning->enum_count > 0) {
        return no_such_name(to, text);
    }
    return err_set(to->err, BUSBAR_EINVAL, "a number is expected, not '%s'", text);
}

/* factor: units of the device in one of ours (ticks in a second, "d-2": 100). */
static int integer_of_sample(const struct writing *to, double factor, int64_t *out)
{
    const struct sample *sample = to->sample;
    bool truth = to->meaning->type == SNMP_BOOL;
    switch (sample->type) {
    case VALUE_BOOL: *out = sample->value.b ? 1 : truth ? 2 : 0; return 0;
    case VALUE_INT:
        if (factor != 1) {
            return round_double(to, (double)sample->value.i * factor, out);
        }
        *out = truth && sample->value.i == 0 ? 2 : sample->value.i;
        return 0;
    case VALUE_DOUBLE: return round_double(to, sample->value.d * factor, out);
    case VALUE_TEXT: return integer_of_text(to, sample->value.text->bytes, factor, out);
    default: return err_set(to->err, BUSBAR_EINVAL, "there is no value to write");
    }
}

static int check_integer(const struct writing *to, const struct integer_type *type, int64_t number)
{
    const struct mib_object *object = to->meaning->object;
    char text[LIST_MAX];
    if (number < type->low || number > type->high) {
        return err_set(to->err, BUSBAR_ERANGE, "%s takes %" PRId64 " to %" PRId64 ", not %" PRId64,
                       type->name, type->low, type->high, number);
    }
    if (object != NULL && object->enum_count > 0 && type->tag == BER_INTEGER) {
        str_format(text, sizeof(text), "%" PRId64, number);
        return snmp_enum_name(object->enums, object->enum_count, number) != NULL
                   ? 0
                   : no_such_name(to, text);
    }
    if (!in_ranges(object, number)) {
        list_ranges(object, text);
        return err_set(to->err, BUSBAR_ERANGE, "%s takes %s, not %" PRId64, object->name, text,
                       number);
    }
    return 0;
}

static int write_integer(const struct writing *to, uint8_t syntax)
{
    const struct integer_type *type = &integer_types[syntax];
    double factor = syntax == MIB_TIMETICKS ? SNMP_TICKS_PER_S : to->meaning->divisor;
    int64_t number = 0;
    int error = integer_of_sample(to, factor, &number);
    if (error == 0) {
        error = check_integer(to, type, number);
    }
    if (error != 0) {
        return error;
    }
    struct ber_out out = ber_out_of(to->room, to->room_size);
    ber_put_i64(&out, type->tag, number);
    struct bytes whole = bytes_of(out.at, ber_out_size(&out));
    to->out->tag = ber_get(&whole, &to->out->content);
    return bytes_short(&whole) ? BUSBAR_ELIMIT : 0;
}

static int number_of_sample(const struct writing *to, double *out)
{
    const struct sample *sample = to->sample;
    if (value_number(sample->type, sample->value, out)) {
        return isfinite(*out) ? 0 : err_set(to->err, BUSBAR_ERANGE, "the number is not finite");
    }
    if (sample->type == VALUE_TEXT && str_parse_double(sample->value.text->bytes, out) == 0) {
        return 0;
    }
    return err_set(to->err, BUSBAR_EINVAL, "a number is expected");
}

/* In an Opaque (NET-SNMP-TC), or as plain octets where the MIB says so. */
static int write_float(const struct writing *to)
{
    double number;
    uint8_t content[3 + sizeof(float)];
    int error = number_of_sample(to, &number);
    if (error != 0) {
        return error;
    }
    if (!isfinite((float)number)) {
        return err_set(to->err, BUSBAR_ERANGE, "the number does not fit into a float");
    }
    struct bytes_out out = bytes_out_of(content, sizeof(content));
    bool plain = to->meaning->syntax == MIB_OCTETS;
    if (!plain) {
        bytes_put_u8(&out, SNMP_OPAQUE_TAG);
        bytes_put_u8(&out, SNMP_OPAQUE_FLOAT);
        bytes_put_u8(&out, sizeof(float));
    }
    bytes_put_f32(&out, (float)number);
    if (to->room_size < sizeof(content)) {
        return BUSBAR_ELIMIT;
    }
    memcpy(to->room, content, bytes_out_size(&out));
    return done(to, plain ? BER_OCTETS : BER_OPAQUE, to->room, bytes_out_size(&out));
}

/* ---- texts ---- */

/* "001a2b", "00:1a:2b", "00 1a 2b", "00-1a-2b". */
static int parse_hex(const struct writing *to, const char *text, struct buf *octets)
{
    while (*text != '\0') {
        int high = str_hex_digit(text[0]);
        int low = high >= 0 ? str_hex_digit(text[1]) : -1;
        if (low < 0) {
            return err_set(to->err, BUSBAR_EINVAL,
                           "octets are written as pairs of hexadecimal digits: 00:1a:2b");
        }
        (void)buf_append_byte(octets, (uint8_t)(high << 4 | low));
        text += 2;
        if (*text != '\0' && strchr(":- ", *text) != NULL && text[1] != '\0') {
            text++;
        }
    }
    return 0;
}

/* "a, b" or numbers of bits. Octets up to the last bit that has a name. */
static int parse_bits(const struct writing *to, const char *text, struct buf *octets)
{
    const struct snmp_meaning *meaning = to->meaning;
    uint8_t bits[SNMP_BITS_MAX / 8] = { 0 };
    size_t size = 0;
    for (size_t i = 0; i < meaning->enum_count; i++) {
        size_t needed = (size_t)meaning->enums[i].value / 8 + 1;
        size = needed > size && needed <= sizeof(bits) ? needed : size;
    }
    while (*text != '\0') {
        char word[MIB_NAME_MAX];
        size_t length = strcspn(text, ",");
        int64_t bit = -1;
        str_format(word, sizeof(word), "%.*s", (int)length, text);
        const char *name = str_trim(word);
        text += text[length] != '\0' ? length + 1 : length;
        if (name[0] == '\0') {
            continue;
        }
        bool known = value_of_name(meaning, name, &bit) || str_parse_i64(name, &bit) == 0;
        if (!known || bit < 0 || bit >= SNMP_BITS_MAX) {
            return no_such_name(to, name);
        }
        bits[bit / 8] = (uint8_t)(bits[bit / 8] | 0x80 >> bit % 8);
        size = (size_t)bit / 8 + 1 > size ? (size_t)bit / 8 + 1 : size;
    }
    (void)buf_append(octets, bits, size);
    return 0;
}

/* RFC 3339 as DateAndTime in UTC (RFC 2579, 2). */
static int parse_date(const struct writing *to, const char *text, struct buf *octets)
{
    int64_t time_us;
    char utc[STR_TIME_MAX];
    unsigned at[7] = { 0 };
    if (str_parse_time(text, &time_us) != 0) {
        return err_set(to->err, BUSBAR_EINVAL,
                       "a time is written as 2026-11-22T10:44:08Z or with +01:00, not '%s'", text);
    }
    (void)str_format_time(utc, sizeof(utc), time_us, 0, false);
    for (size_t field = 0, i = 0; field < 7 && utc[i] != '\0'; field++, i++) {
        size_t digits = field == 6 ? 1 : strspn(utc + i, "0123456789");
        for (; digits > 0 && utc[i] >= '0' && utc[i] <= '9'; digits--, i++) {
            at[field] = at[field] * 10 + (unsigned)(utc[i] - '0');
        }
    }
    const uint8_t date[SNMP_DATE_ZONE_BYTES] = {
        (uint8_t)(at[0] >> 8),
        (uint8_t)at[0],
        (uint8_t)at[1],
        (uint8_t)at[2],
        (uint8_t)at[3],
        (uint8_t)at[4],
        (uint8_t)at[5],
        (uint8_t)at[6],
        '+',
        0,
        0,
    };
    (void)buf_append(octets, date, sizeof(date));
    return 0;
}

static int octets_of_text(const struct writing *to, const struct buf *written, struct buf *octets)
{
    const char *text = buf_text(written);
    const struct snmp_meaning *meaning = to->meaning;
    switch (meaning->type) {
    case SNMP_HEX: return parse_hex(to, text, octets);
    case SNMP_BITS: return parse_bits(to, text, octets);
    case SNMP_DATE: return parse_date(to, text, octets);
    default: break;
    }
    if (meaning->hint[0] == '\0' || snmp_hint_is_text(meaning->hint)) {
        (void)buf_append(octets, text, written->size);
        return 0;
    }
    int error = mib_hint_parse_octets(meaning->hint, text, octets);
    return error == 0 ? 0
                      : err_set(to->err, error, "'%s' is not written as DISPLAY-HINT %s wants it",
                                text, meaning->hint);
}

static int write_octets(const struct writing *to)
{
    struct buf text, octets;
    if (to->sample->type == VALUE_NONE) {
        return err_set(to->err, BUSBAR_EINVAL, "there is no value to write");
    }
    buf_init(&text, TEXT_BYTES_MAX);
    buf_init(&octets, TEXT_BYTES_MAX);
    value_print(to->sample->type, to->sample->value, &text);
    int error = octets_of_text(to, &text, &octets);
    if (error == 0 && (octets.overflow || octets.size > to->room_size)) {
        error = err_set(to->err, BUSBAR_ERANGE, "the text is too long");
    }
    if (error == 0) {
        error = check_size(to, octets.size);
    }
    if (error == 0) {
        if (octets.size > 0) {
            memcpy(to->room, octets.data, octets.size);
        }
        error = done(to, BER_OCTETS, to->room, octets.size);
    }
    buf_fini(&text);
    buf_fini(&octets);
    return error;
}

static int write_oid(const struct writing *to)
{
    struct snmp_oid_buf oid;
    const struct mib_object *object;
    if (to->sample->type != VALUE_TEXT) {
        return err_set(to->err, BUSBAR_EINVAL, "an OID is expected: 1.3.6.1 ... or a name");
    }
    int error = mib_resolve(to->mib, to->sample->value.text->bytes, &oid, &object, to->err);
    if (error != 0) {
        return error;
    }
    if (oid.oid.size > to->room_size) {
        return BUSBAR_ELIMIT;
    }
    memcpy(to->room, oid.bytes, oid.oid.size);
    return done(to, BER_OID, to->room, oid.oid.size);
}

static int write_ip(const struct writing *to)
{
    const char *at = to->sample->type == VALUE_TEXT ? to->sample->value.text->bytes : "";
    uint8_t ip[SNMP_IP_BYTES];
    for (size_t i = 0; i < SNMP_IP_BYTES; i++) {
        unsigned number = 0;
        size_t digits = strspn(at, "0123456789");
        for (size_t d = 0; d < digits && d < 4; d++) {
            number = number * 10 + (unsigned)(at[d] - '0');
        }
        at += digits;
        char want = i + 1 < SNMP_IP_BYTES ? '.' : '\0';
        if (digits == 0 || digits > 3 || number > UINT8_MAX || *at != want) {
            return err_set(to->err, BUSBAR_EINVAL, "an IPv4 address is expected: 10.0.4.2");
        }
        ip[i] = (uint8_t)number;
        at += *at == '.' ? 1 : 0;
    }
    if (to->room_size < sizeof(ip)) {
        return BUSBAR_ELIMIT;
    }
    memcpy(to->room, ip, sizeof(ip));
    return done(to, BER_IP_ADDRESS, to->room, sizeof(ip));
}

/* ---- all of it ---- */

/* What the device wants: the point may say Unsigned32 against its MIB; else the MIB knows, else the point's type. */
static uint8_t syntax_of(const struct snmp_meaning *meaning, uint8_t sample_type)
{
    if (meaning->type == SNMP_UNSIGNED) {
        return meaning->syntax == MIB_COUNTER32 || meaning->syntax == MIB_TIMETICKS
                   ? meaning->syntax
                   : MIB_UNSIGNED;
    }
    if (meaning->syntax != MIB_NONE) {
        return meaning->syntax;
    }
    switch (meaning->type) {
    case SNMP_INT:
    case SNMP_BOOL: return MIB_INTEGER;
    case SNMP_COUNTER: return MIB_COUNTER32;
    case SNMP_TICKS: return MIB_TIMETICKS;
    case SNMP_TEXT:
    case SNMP_HEX:
    case SNMP_NUMBER:
    case SNMP_BITS:
    case SNMP_DATE: return MIB_OCTETS;
    case SNMP_OID_TYPE: return MIB_OID;
    case SNMP_ADDRESS: return MIB_IP_ADDRESS;
    case SNMP_FLOAT: return MIB_OPAQUE;
    default: return sample_type == VALUE_TEXT ? MIB_OCTETS : MIB_NONE;
    }
}

int snmp_value_write(const struct snmp_meaning *meaning, const struct mib *mib,
                     const struct sample *sample, uint8_t *room, size_t room_size,
                     struct snmp_value *out, struct err *err)
{
    const struct writing to = { meaning, mib, sample, room, room_size, out, err };
    if (meaning->bit >= 0) {
        return err_set(err, BUSBAR_EINVAL,
                       "one bit cannot be written alone: make a point without 'bit', and write the "
                       "names of all bits that shall be set");
    }
    uint8_t syntax = syntax_of(meaning, sample->type);
    if (meaning->type == SNMP_FLOAT && (syntax == MIB_OPAQUE || syntax == MIB_OCTETS)) {
        return write_float(&to);
    }
    switch (syntax) {
    case MIB_INTEGER:
    case MIB_UNSIGNED:
    case MIB_COUNTER32:
    case MIB_COUNTER64:
    case MIB_TIMETICKS: return write_integer(&to, syntax);
    case MIB_OCTETS:
    case MIB_BITS: return write_octets(&to);
    case MIB_OID: return write_oid(&to);
    case MIB_IP_ADDRESS: return write_ip(&to);
    case MIB_OPAQUE: return write_float(&to);
    default:
        (void)err_set(err, BUSBAR_EWRONGTYPE, "it is not known which type the device wants here");
        return err_hint(err, "set 'type' of the point (int, unsigned, text ...), or load the "
                             "vendor's MIB");
    }
}
