/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_value.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/stamp.h"
#include "drivers/bacnet/wire/tag.h"
#include "drivers/bacnet/wire/text.h"
#include "model/quality.h"

/* ---- in ---- */

static void bad(struct sample *sample, uint8_t quality, uint16_t detail)
{
    sample->type = VALUE_NONE;
    sample->value.bits = 0;
    sample->quality = quality;
    sample->detail = detail;
}

static void set_double(struct sample *sample, double value)
{
    sample->type = VALUE_DOUBLE;
    sample->value.d = value;
}

static void set_int(struct sample *sample, int64_t value)
{
    sample->type = VALUE_INT;
    sample->value.i = value;
}

static uint64_t bits_number(const struct bacnet_value *value)
{
    uint64_t number = 0;
    unsigned count = bacnet_value_bits(value);
    for (unsigned i = 0; i < count && i < 63; i++) {
        number |= (uint64_t)bacnet_value_bit(value, i) << i;
    }
    return number;
}

/* The value as a number: in sample as INT or DOUBLE. False: it is none. */
static bool get_number(const struct bacnet_value *value, struct sample *sample)
{
    switch (value->type) {
    case BACNET_BOOLEAN: set_int(sample, value->as.boolean); return true;
    case BACNET_UNSIGNED:
    case BACNET_ENUMERATED:
        if (value->as.number > INT64_MAX) {
            set_double(sample, (double)value->as.number);
        } else {
            set_int(sample, (int64_t)value->as.number);
        }
        return true;
    case BACNET_SIGNED: set_int(sample, value->as.integer); return true;
    case BACNET_REAL: set_double(sample, (double)value->as.real); return true;
    case BACNET_DOUBLE: set_double(sample, value->as.real64); return true;
    case BACNET_BITS: set_int(sample, (int64_t)bits_number(value)); return true;
    default: return false;
    }
}

static void as_bool(struct sample *sample)
{
    double number = sample->type == VALUE_INT ? (double)sample->value.i : sample->value.d;
    if (number != 0.0 && number != 1.0) {
        bad(sample, QUALITY_DECODE, BACNET_DETAIL_WRONG_TYPE);
        return;
    }
    sample->type = VALUE_BOOL;
    sample->value = (union value){ .b = number != 0.0 };
}

static void as_int(struct sample *sample)
{
    if (sample->type == VALUE_INT) {
        return;
    }
    double number = sample->value.d;
    if (number >= 0x1p63 || number < -0x1p63) {
        bad(sample, QUALITY_OUT_OF_RANGE, BACNET_DETAIL_TOO_LARGE);
    } else if (number != floor(number)) {
        bad(sample, QUALITY_DECODE, BACNET_DETAIL_WRONG_TYPE);
    } else {
        set_int(sample, (int64_t)number);
    }
}

static void set_number(const struct bacnet_target *target, const struct bacnet_value *value,
                       struct sample *sample)
{
    if (!get_number(value, sample)) {
        bad(sample, QUALITY_DECODE, BACNET_DETAIL_WRONG_TYPE);
    } else if (sample->type == VALUE_DOUBLE && !isfinite(sample->value.d)) {
        bad(sample, QUALITY_OUT_OF_RANGE, BACNET_DETAIL_NOT_A_NUMBER);
    } else if (target->value_type == VALUE_BOOL) {
        as_bool(sample);
    } else if (target->value_type == VALUE_INT) {
        as_int(sample);
    } else if (sample->type == VALUE_INT) {
        set_double(sample, (double)sample->value.i);
    }
}

/* A text as nearly all are, UTF-8 already: copied without anything in between. */
static bool set_plain(const struct bacnet_element *only, struct sample *sample, struct text **text)
{
    const struct bacnet_value *value = &only->value;
    if (!only->primitive || value->type != BACNET_CHARACTERS ||
        value->as.block.set != BACNET_SET_UTF8 || value->as.block.size > TEXT_BYTES_MAX ||
        !str_is_utf8((const char *)value->as.block.data, value->as.block.size)) {
        return false;
    }
    *text = text_set(*text, (const char *)value->as.block.data, value->as.block.size);
    sample->type = VALUE_TEXT;
    sample->value.text = *text;
    return true;
}

static void set_text(const struct bacnet_target *target, struct bytes elements,
                     const struct bacnet_element *only, struct sample *sample, struct text **text)
{
    struct buf words;
    if (only != NULL && set_plain(only, sample, text)) {
        return;
    }
    enum bacnet_list list = bacnet_property_list(bacnet_target_type(target), target->property);
    buf_init(&words, TEXT_BYTES_MAX + 8);
    if (only != NULL && only->primitive && only->value.type == BACNET_CHARACTERS) {
        (void)bacnet_print_characters(&only->value, &words);
    } else {
        bacnet_print_elements(elements, list, TEXT_BYTES_MAX, &words);
    }
    if (words.overflow || words.size > TEXT_BYTES_MAX) {
        bad(sample, QUALITY_OUT_OF_RANGE, BACNET_DETAIL_TOO_LONG);
    } else {
        *text = text_set(*text, buf_text(&words), words.size);
        sample->type = VALUE_TEXT;
        sample->value.text = *text;
    }
    buf_fini(&words);
}

void bacnet_value_get(const struct bacnet_target *target, struct bytes elements,
                      struct sample *sample, struct text **text, struct bacnet_seen *seen)
{
    struct bacnet_element element = { 0 };
    struct bytes in = elements;
    bool some = bytes_left(&in) > 0;
    *sample = (struct sample){ .quality = QUALITY_GOOD };
    *seen = (struct bacnet_seen){ .type = BACNET_TYPES };
    if (some && bacnet_get_element(&in, &element) != 0) {
        bad(sample, QUALITY_DECODE, BACNET_DETAIL_BROKEN);
        return;
    }
    bool only = some && bytes_left(&in) == 0;
    if (only && element.primitive) {
        const struct bacnet_value *value = &element.value;
        seen->type = value->type;
        seen->bits = value->type == BACNET_BITS ? (uint8_t)bacnet_value_bits(value) : 0;
        if (value->type == BACNET_NULL) {
            bad(sample, QUALITY_NOT_YET, BACNET_DETAIL_NULL_VALUE);
            return;
        }
    }
    if (target->value_type == VALUE_TEXT) {
        set_text(target, elements, only ? &element : NULL, sample, text);
    } else if (only && element.primitive) {
        set_number(target, &element.value, sample);
    } else {
        bad(sample, QUALITY_DECODE, BACNET_DETAIL_WRONG_TYPE);
    }
}

/* ---- out ---- */

static bool whole(uint8_t type, union value value, int64_t *out)
{
    double number = 0;
    if (type == VALUE_INT) {
        *out = value.i;
        return true;
    }
    if (!value_number(type, value, &number)) {
        return false;
    }
    number = round(number);
    if (!(number >= -0x1p63 && number < 0x1p63)) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

/* "2026-11-22", "07:30", "07:30:05.25" */
static int parse_date(const char *text, struct bacnet_date *date)
{
    char stamp[48];
    int64_t time_us = 0;
    struct bacnet_datetime at;
    str_format(stamp, sizeof(stamp), "%sT00:00:00Z", text);
    if (str_parse_time(stamp, &time_us) != 0 || bacnet_datetime_of(time_us, 0, &at) != 0) {
        return BUSBAR_ERANGE;
    }
    *date = at.date;
    return 0;
}

static int parse_time(const char *text, struct bacnet_time *time)
{
    char stamp[48];
    int64_t time_us = 0;
    struct bacnet_datetime at;
    bool seconds = strlen(text) > 5;
    str_format(stamp, sizeof(stamp), "2000-01-01T%s%sZ", text, seconds ? "" : ":00");
    if (str_parse_time(stamp, &time_us) != 0 || bacnet_datetime_of(time_us, 0, &at) != 0) {
        return BUSBAR_ERANGE;
    }
    *time = at.time;
    return 0;
}

/* "0110": one character a bit. */
static int parse_bits(const char *text, uint32_t *bits, unsigned *count)
{
    *bits = 0;
    for (*count = 0; text[*count] != '\0'; (*count)++) {
        if (*count == 32 || (text[*count] != '0' && text[*count] != '1')) {
            return BUSBAR_ERANGE;
        }
        *bits |= (uint32_t)(text[*count] == '1') << *count;
    }
    return *count > 0 ? 0 : BUSBAR_ERANGE;
}

static int put_octets(const char *text, struct bytes_out *out)
{
    size_t size = strlen(text) / 2;
    if (strlen(text) % 2 != 0) {
        return BUSBAR_ERANGE;
    }
    bacnet_put_tag(out, BACNET_OCTETS, BACNET_TAG_APPLICATION, (uint32_t)size);
    for (size_t i = 0; i < size; i++) {
        int high = str_hex_digit(text[2 * i]);
        int low = str_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return BUSBAR_ERANGE;
        }
        bytes_put_u8(out, (uint8_t)(high * 16 + low));
    }
    return 0;
}

static int put_text(uint8_t kind, const struct text *text, struct bytes_out *out)
{
    struct bacnet_date date;
    struct bacnet_time time;
    struct bacnet_object object;
    uint32_t bits = 0;
    unsigned count = 0;
    switch (kind) {
    case BACNET_CHARACTERS:
        bacnet_put_text(out, BACNET_APPLICATION, text->bytes, text->size);
        return 0;
    case BACNET_OCTETS: return put_octets(text->bytes, out);
    case BACNET_BITS:
        if (parse_bits(text->bytes, &bits, &count) != 0) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_bits(out, BACNET_APPLICATION, bits, count);
        return 0;
    case BACNET_DATE:
        if (parse_date(text->bytes, &date) != 0) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_date(out, BACNET_APPLICATION, &date);
        return 0;
    case BACNET_TIME:
        if (parse_time(text->bytes, &time) != 0) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_time(out, BACNET_APPLICATION, &time);
        return 0;
    case BACNET_OBJECT:
        if (bacnet_parse_object(text->bytes, &object, NULL) != 0) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_object(out, BACNET_APPLICATION, object);
        return 0;
    default: return BUSBAR_EWRONGTYPE;
    }
}

static int put_real(uint8_t kind, uint8_t type, union value value, struct bytes_out *out)
{
    double number = 0;
    if (!value_number(type, value, &number)) {
        return BUSBAR_EWRONGTYPE;
    }
    if (kind == BACNET_DOUBLE) {
        bacnet_put_double(out, BACNET_APPLICATION, number);
        return 0;
    }
    if (!isfinite((float)number)) {
        return BUSBAR_ERANGE;
    }
    bacnet_put_real(out, BACNET_APPLICATION, (float)number);
    return 0;
}

static int put_whole(uint8_t kind, const struct bacnet_seen *seen, uint8_t type, union value value,
                     struct bytes_out *out)
{
    int64_t number = 0;
    if (!whole(type, value, &number)) {
        return BUSBAR_EWRONGTYPE;
    }
    switch (kind) {
    case BACNET_BOOLEAN:
        if (number != 0 && number != 1) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_boolean(out, BACNET_APPLICATION, number != 0);
        return 0;
    case BACNET_SIGNED:
        if (number < INT32_MIN || number > INT32_MAX) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_signed(out, BACNET_APPLICATION, number);
        return 0;
    case BACNET_UNSIGNED:
        if (number < 0) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_unsigned(out, BACNET_APPLICATION, (uint64_t)number);
        return 0;
    case BACNET_ENUMERATED:
        if (number < 0 || number > UINT32_MAX) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_enumerated(out, BACNET_APPLICATION, (uint32_t)number);
        return 0;
    default: /* BACNET_BITS */
        if (number < 0 || seen->bits == 0 || seen->bits > 32 || number >> seen->bits != 0) {
            return BUSBAR_ERANGE;
        }
        bacnet_put_bits(out, BACNET_APPLICATION, (uint32_t)number, seen->bits);
        return 0;
    }
}

int bacnet_value_put(const struct bacnet_target *target, const struct bacnet_seen *seen,
                     uint8_t type, union value value, uint8_t *data, size_t size_max, size_t *size)
{
    uint8_t kind = seen->type;
    if (kind >= BACNET_TYPES || kind == BACNET_NULL) {
        kind = bacnet_kind(bacnet_target_type(target), target->property, target->index);
    }
    struct bytes_out out = bytes_out_of(data, size_max);
    int error;
    switch (kind) {
    case BACNET_REAL:
    case BACNET_DOUBLE: error = put_real(kind, type, value, &out); break;
    case BACNET_BOOLEAN:
    case BACNET_UNSIGNED:
    case BACNET_SIGNED:
    case BACNET_ENUMERATED:
    case BACNET_BITS:
        if (type != VALUE_TEXT) {
            error = put_whole(kind, seen, type, value, &out);
            break;
        }
        error = kind == BACNET_BITS ? put_text(kind, value.text, &out) : BUSBAR_EWRONGTYPE;
        break;
    case BACNET_TYPES:
        /* of any type: as it was given */
        if (type == VALUE_TEXT) {
            error = put_text(BACNET_CHARACTERS, value.text, &out);
        } else {
            error = type == VALUE_DOUBLE ? put_real(BACNET_REAL, type, value, &out)
                                         : BUSBAR_EWRONGTYPE;
        }
        break;
    default:
        error = type == VALUE_TEXT ? put_text(kind, value.text, &out) : BUSBAR_EWRONGTYPE;
        break;
    }
    *size = bytes_out_size(&out);
    return error;
}
