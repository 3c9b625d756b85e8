/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/wire/text.h"

#include <inttypes.h>

#include "base/str.h"
#include "drivers/bacnet/wire/stamp.h"

enum { NUMBER_TEXT_MAX = 40, HEX_CHUNK = 32 };

/* ---- values ---- */

static void print_hex(struct bytes in, struct buf *out)
{
    char text[2 * HEX_CHUNK + 1];
    while (bytes_left(&in) > 0) {
        size_t size = bytes_left(&in) < HEX_CHUNK ? bytes_left(&in) : HEX_CHUNK;
        (void)str_hex(text, sizeof(text), bytes_get_block(&in, size), size, 0);
        (void)buf_append_text(out, text);
    }
}

static void print_number_name(uint64_t number, enum bacnet_list list, struct buf *out)
{
    const char *name = NULL;
    if (list != BACNET_LIST_NONE && number <= UINT32_MAX) {
        name = bacnet_name(list, (uint32_t)number);
    }
    if (name != NULL) {
        (void)buf_append_text(out, name);
    } else {
        (void)buf_printf(out, "%" PRIu64, number);
    }
}

static void print_bits(const struct bacnet_value *value, enum bacnet_list list, struct buf *out)
{
    unsigned count = bacnet_value_bits(value);
    bool any = false;
    for (unsigned i = 0; i < count && !out->overflow; i++) {
        bool set = bacnet_value_bit(value, i);
        if (list == BACNET_LIST_NONE) {
            (void)buf_append_byte(out, set ? '1' : '0');
        } else if (set) {
            (void)buf_append_text(out, any ? "," : "");
            print_number_name(i, list, out);
            any = true;
        }
    }
    if (list != BACNET_LIST_NONE && !any) {
        (void)buf_append_text(out, "none");
    }
}

/* One field of a date or time: a number of `width` digits, or a star. */
static void print_field(uint8_t field, int width, struct buf *out)
{
    if (field == BACNET_ANY) {
        (void)buf_append_byte(out, '*');
    } else {
        (void)buf_printf(out, "%0*u", width, field);
    }
}

static void print_month(uint8_t month, struct buf *out)
{
    if (month == 13 || month == 14) {
        (void)buf_append_text(out, month == 13 ? "odd" : "even");
    } else {
        print_field(month, 2, out);
    }
}

static void print_day(uint8_t day, struct buf *out)
{
    static const char *const words[] = { "last", "odd", "even" };
    if (day >= 32 && day <= 34) {
        (void)buf_append_text(out, words[day - 32]);
    } else {
        print_field(day, 2, out);
    }
}

void bacnet_print_date(const struct bacnet_date *date, struct buf *out)
{
    const uint8_t any = BACNET_ANY;
    if (date->year == any && date->month == any && date->day == any && date->weekday == any) {
        (void)buf_append_text(out, "any");
        return;
    }
    if (date->year == any) {
        (void)buf_append_byte(out, '*');
    } else {
        (void)buf_printf(out, "%u", 1900u + date->year);
    }
    (void)buf_append_byte(out, '-');
    print_month(date->month, out);
    (void)buf_append_byte(out, '-');
    print_day(date->day, out);
    if (!bacnet_date_is_full(date) && date->weekday >= 1 && date->weekday <= 7) {
        (void)buf_printf(out, " %s", bacnet_name(BACNET_LIST_DAYS_OF_WEEK, date->weekday - 1u));
    }
}

void bacnet_print_time(const struct bacnet_time *time, struct buf *out)
{
    const uint8_t any = BACNET_ANY;
    if (time->hour == any && time->minute == any && time->second == any) {
        (void)buf_append_text(out, "any");
        return;
    }
    print_field(time->hour, 2, out);
    (void)buf_append_byte(out, ':');
    print_field(time->minute, 2, out);
    (void)buf_append_byte(out, ':');
    print_field(time->second, 2, out);
    if (time->hundredth != 0 && time->hundredth != any) {
        (void)buf_append_byte(out, '.');
        print_field(time->hundredth, 2, out);
    }
}

void bacnet_print_value(const struct bacnet_value *value, enum bacnet_list list, struct buf *out)
{
    char text[BACNET_OBJECT_TEXT_MAX] = "";
    switch (value->type) {
    case BACNET_NULL: (void)buf_append_text(out, "null"); return;
    case BACNET_BOOLEAN: (void)buf_append_text(out, value->as.boolean ? "true" : "false"); return;
    case BACNET_UNSIGNED: print_number_name(value->as.number, BACNET_LIST_NONE, out); return;
    case BACNET_ENUMERATED: print_number_name(value->as.number, list, out); return;
    case BACNET_SIGNED: (void)buf_printf(out, "%" PRId64, value->as.integer); return;
    case BACNET_REAL: (void)str_format_float(text, NUMBER_TEXT_MAX, value->as.real); break;
    case BACNET_DOUBLE: (void)str_format_double(text, NUMBER_TEXT_MAX, value->as.real64); break;
    case BACNET_OCTETS:
        print_hex(bytes_of(value->as.block.data, value->as.block.size), out);
        return;
    case BACNET_CHARACTERS: (void)bacnet_print_characters(value, out); return;
    case BACNET_BITS: print_bits(value, list, out); return;
    case BACNET_DATE: bacnet_print_date(&value->as.date, out); return;
    case BACNET_TIME: bacnet_print_time(&value->as.time, out); return;
    default: (void)bacnet_format_object(text, sizeof(text), value->as.object); break;
    }
    (void)buf_append_text(out, text);
}

/* ---- elements ---- */

/* Application tagged: as a value; of types that do not exist, or with a context tag: as hex. */
static void print_primitive(struct bytes *in, const struct bacnet_tag *tag, struct bytes whole,
                            enum bacnet_list list, struct buf *out)
{
    struct bacnet_value value;
    struct bytes content = bytes_get_bytes(in, tag->size);
    if (tag->kind == BACNET_TAG_APPLICATION && bacnet_get_value(&whole, &value) == 0) {
        bacnet_print_value(&value, list, out);
    } else {
        (void)buf_append_text(out, "0x");
        print_hex(content, out);
    }
}

/* All elements, as one row of text; they are whole (bacnet_count_elements). */
static void print_row(struct bytes in, enum bacnet_list list, struct buf *out)
{
    unsigned depth = 0;
    bool first = true;
    while (bytes_left(&in) > 0 && !out->overflow) {
        struct bytes whole = in;
        struct bacnet_tag tag;
        if (!bacnet_get_tag(&in, &tag)) {
            return;
        }
        if (tag.kind == BACNET_TAG_CLOSING) {
            depth--;
            first = false;
            (void)buf_append_text(out, depth == 0 ? "}}" : "}");
            continue;
        }
        (void)buf_append_text(out, first ? "" : ", ");
        if (tag.kind != BACNET_TAG_APPLICATION) {
            (void)buf_printf(out, "%s%u: ", depth == 0 ? "{" : "", tag.number);
        }
        if (tag.kind == BACNET_TAG_OPENING) {
            (void)buf_append_byte(out, '{');
            depth++;
        } else {
            print_primitive(&in, &tag, whole, depth == 0 ? list : BACNET_LIST_NONE, out);
        }
        first = tag.kind == BACNET_TAG_OPENING;
        if (depth == 0 && tag.kind != BACNET_TAG_APPLICATION) {
            (void)buf_append_byte(out, '}');
        }
    }
}

void bacnet_print_elements(struct bytes in, enum bacnet_list list, size_t max, struct buf *out)
{
    struct buf text;
    buf_init(&text, max);
    int count = bacnet_count_elements(in, INT32_MAX);
    if (count < 0) {
        (void)buf_append_text(&text, "broken ");
        print_hex(bytes_of(in.at, bytes_left(&in)), &text);
    } else {
        (void)buf_append_text(&text, count == 1 ? "" : "[");
        print_row(in, list, &text);
        (void)buf_append_text(&text, count == 1 ? "" : "]");
    }
    (void)buf_append(out, buf_text(&text), str_utf8_cut(buf_text(&text), text.size, text.size));
    if (text.overflow) {
        (void)buf_append_text(out, "...");
    }
    buf_fini(&text);
}
