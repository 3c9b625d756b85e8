/* SPDX-License-Identifier: Apache-2.0 */
/* From what stands in a message to a value. Numbers in texts are numbers; a unit behind one is left out where a number
 * was asked for; what is null, or empty where no text was asked for, is nothing. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/quality.h"
#include "payload/rule.h"

enum { SHOWN_MAX = 60, PRINTED_MAX = 40, HEX_BYTES_MAX = 2000 };

/* ---- what is no value ---- */

int conversion_new(uint8_t kind, uint8_t as, const char *none, bool comma, struct conversion *out,
                   struct err *err)
{
    *out = (struct conversion){ .as = as <= PAYLOAD_AS_TEXT ? as : (uint8_t)PAYLOAD_AS_AUTO,
                                .comma = comma,
                                .words = kind >= PAYLOAD_POINT_XML && kind != PAYLOAD_POINT_BYTES };
    if (none == NULL) {
        return 0;
    }
    out->none_text = busbar_strdup(none);
    for (char *at = out->none_text; at != NULL && *at != '\0';) {
        char *comma_at = strchr(at, ',');
        size_t size = comma_at != NULL ? (size_t)(comma_at - at) : strlen(at);
        struct none_word word = { .text = at, .size = size };
        int64_t whole = 0;
        size_t used = 0;
        at = comma_at != NULL ? comma_at + 1 : NULL;
        text_trim(&word.text, &word.size);
        enum text_number number = text_number(word.text, word.size, false, &whole, &word.number,
                                              &used);
        word.number = number == TEXT_INT ? (double)whole : word.number;
        word.is_number = number != TEXT_NO_NUMBER && used == word.size;
        if (out->none_count == PAYLOAD_NONE_WORDS_MAX) {
            conversion_fini(out);
            return err_set(err, BUSBAR_ELIMIT, "none: more than %d words", PAYLOAD_NONE_WORDS_MAX);
        }
        out->none[out->none_count++] = word;
    }
    return 0;
}

void conversion_fini(struct conversion *conversion)
{
    busbar_free(conversion->none_text);
    *conversion = (struct conversion){ 0 };
}

static bool is_none_number(const struct conversion *conversion, double value)
{
    for (size_t i = 0; i < conversion->none_count; i++) {
        const struct none_word *word = &conversion->none[i];
        bool nan_word = word->size == 3 && strncasecmp(word->text, "nan", 3) == 0;
        if ((word->is_number && word->number == value) || (nan_word && isnan(value))) {
            return true;
        }
    }
    return false;
}

static bool is_none_text(const struct conversion *conversion, const char *text, size_t size)
{
    for (size_t i = 0; i < conversion->none_count; i++) {
        const struct none_word *word = &conversion->none[i];
        if (word->size == size && memcmp(word->text, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static int no_value(struct payload_reading *out)
{
    out->type = VALUE_NONE;
    out->quality = QUALITY_FAULT;
    out->value.i = 0;
    return 1;
}

/* ---- for people ---- */

void node_print(const struct payload_node *node, char *to, size_t size)
{
    char number[PRINTED_MAX];
    size_t shown;
    switch (node->type) {
    case PAYLOAD_NULL: str_format(to, size, "null"); break;
    case PAYLOAD_BOOL: str_format(to, size, "%s", node->value.b ? "true" : "false"); break;
    case PAYLOAD_INT: str_format(to, size, "%lld", (long long)node->value.i); break;
    case PAYLOAD_DOUBLE:
        str_format_double(number, sizeof(number), node->value.d);
        str_format(to, size, "%s", number);
        break;
    case PAYLOAD_TEXT:
        shown = str_utf8_cut(node->value.text, node->size, size - 1);
        memcpy(to, node->value.text, shown);
        to[shown] = '\0';
        for (size_t i = 0; i < shown; i++) {
            to[i] = (unsigned char)to[i] < 0x20 || to[i] == 0x7f ? ' ' : to[i];
        }
        break;
    case PAYLOAD_BYTES: (void)str_hex(to, size, node->value.text, node->size, ' '); break;
    case PAYLOAD_ARRAY: str_format(to, size, "[%u values]", (unsigned)node->size); break;
    default: str_format(to, size, "{%u members}", (unsigned)node->size); break;
    }
}

static const char *wanted(const struct conversion *conversion)
{
    static const char *const names[] = { "value", "bool", "whole number", "number", "text" };
    return names[conversion->as];
}

static int wrong(const struct conversion *conversion, const struct payload_node *node,
                 const char *hint, struct err *err)
{
    char shown[SHOWN_MAX];
    node_print(node, shown, sizeof(shown));
    const char *quote = node->type == PAYLOAD_TEXT ? "'" : "";
    err_set(err, BUSBAR_EPROTO, "%s%s%s is no %s", quote, shown, quote, wanted(conversion));
    (void)err_hint(err, "%s", hint);
    return BUSBAR_EPROTO;
}

/* ---- values ---- */

static int put_bool(bool value, struct payload_reading *out)
{
    out->type = VALUE_BOOL;
    out->value.i = 0;
    out->value.b = value;
    return 1;
}

static int put_int(int64_t value, struct payload_reading *out)
{
    out->type = VALUE_INT;
    out->value.i = value;
    return 1;
}

static int put_double(double value, struct payload_reading *out)
{
    out->type = VALUE_DOUBLE;
    out->value.d = value;
    return 1;
}

static int put_text(const char *text, size_t size, struct payload_reading *out)
{
    out->type = VALUE_TEXT;
    out->value.text.bytes = text;
    out->value.text.size = (uint32_t)size;
    return 1;
}

static int put_printed(const struct payload_node *node, struct scratch *scratch,
                       struct payload_reading *out)
{
    size_t size = node->type == PAYLOAD_BYTES
                      ? 2 * (node->size < HEX_BYTES_MAX ? node->size : HEX_BYTES_MAX) + 1
                      : PRINTED_MAX;
    char *room = scratch_room(scratch, size);
    if (room == NULL) {
        return BUSBAR_ENOMEM;
    }
    if (node->type == PAYLOAD_BYTES) {
        size = str_hex(room, size, node->value.text, (size - 1) / 2, '\0');
    } else {
        node_print(node, room, size);
        size = strlen(room);
    }
    return put_text(room, size, out);
}

static int from_number(const struct conversion *conversion, const struct payload_node *node,
                       bool whole, int64_t i, double d, struct scratch *scratch,
                       struct payload_reading *out, struct err *err)
{
    double real = whole ? (double)i : d;
    if ((conversion->none_count > 0 && is_none_number(conversion, real)) || !isfinite(real)) {
        return no_value(out);
    }
    switch (conversion->as) {
    case PAYLOAD_AS_NUMBER: return put_double(real, out);
    case PAYLOAD_AS_BOOL:
        return real == 0 || real == 1
                   ? put_bool(real == 1, out)
                   : wrong(conversion, node,
                           "0 and 1 are; else say type: int, and 'enum' for names", err);
    case PAYLOAD_AS_TEXT: return put_printed(node, scratch, out);
    case PAYLOAD_AS_INT:
        if (!whole && (d != nearbyint(d) || d < -9007199254740992.0 || d > 9007199254740992.0)) {
            return wrong(conversion, node, "say type: number", err);
        }
        return put_int(whole ? i : (int64_t)d, out);
    default: return whole ? put_int(i, out) : put_double(d, out);
    }
}

/* A number, and a unit behind it where a number was asked for: 21.4 °C, 85%. */
static int number_of_text(const struct conversion *conversion, const struct payload_node *node,
                          const char *text, size_t size, struct scratch *scratch,
                          struct payload_reading *out, struct err *err)
{
    int64_t i = 0;
    double d = 0;
    size_t used = 0;
    enum text_number number = text_number(text, size, conversion->comma, &i, &d, &used);
    bool asked = conversion->as == PAYLOAD_AS_INT || conversion->as == PAYLOAD_AS_NUMBER;
    bool unit = asked && used < size &&
                strpbrk("0123456789.,:;+-/=", (char[]){ text[used], 0 }) == NULL;
    for (size_t at = used; unit && at < size; at++) {
        unit = !(text[at] >= '0' && text[at] <= '9');
    }
    if (number != TEXT_NO_NUMBER && (used == size || unit)) {
        return from_number(conversion, node, number == TEXT_INT, i, d, scratch, out, err);
    }
    if (!asked) {
        return 0;
    }
    bool other = number != TEXT_NO_NUMBER && text[used] == (conversion->comma ? '.' : ',');
    return wrong(conversion, node,
                 other ? conversion->comma ? "say decimal: \".\" for the device"
                                           : "say decimal: \",\" for the device"
                       : "if it stands for no value, say so with 'none'; if it is a name, give the "
                         "point 'enum', or type: text",
                 err);
}

static int from_text(const struct conversion *conversion, const struct payload_node *node,
                     struct scratch *scratch, struct payload_reading *out, struct err *err)
{
    const char *text = node->value.text;
    size_t size = node->size;
    bool yes;
    text_trim(&text, &size);
    if (conversion->none_count > 0 && is_none_text(conversion, text, size)) {
        return no_value(out);
    }
    if (conversion->as == PAYLOAD_AS_TEXT) {
        return put_text(node->value.text, node->size, out);
    }
    if (size == 0) {
        return conversion->as == PAYLOAD_AS_AUTO && !conversion->words ? put_text(text, 0, out) : 0;
    }
    if (conversion->as == PAYLOAD_AS_BOOL) {
        if (text_bool(text, size, &yes)) {
            return put_bool(yes, out);
        }
        if (size == 1 && (text[0] == '0' || text[0] == '1')) {
            return put_bool(text[0] == '1', out);
        }
        return wrong(
            conversion, node,
            "true, false, on, off, yes, no, 1 and 0 are; for others leave the type out and "
            "give the point 'enum'",
            err);
    }
    int result = number_of_text(conversion, node, text, size, scratch, out, err);
    return result != 0         ? result
           : conversion->words ? put_text(text, size, out)
                               : put_text(node->value.text, node->size, out);
}

int convert_node(const struct conversion *conversion, const struct payload_node *node,
                 struct scratch *scratch, struct payload_reading *out, struct err *err)
{
    out->quality = QUALITY_GOOD;
    switch (node->type) {
    case PAYLOAD_NULL: return 0;
    case PAYLOAD_INT:
        return from_number(conversion, node, true, node->value.i, 0, scratch, out, err);
    case PAYLOAD_DOUBLE:
        return from_number(conversion, node, false, 0, node->value.d, scratch, out, err);
    case PAYLOAD_TEXT: return from_text(conversion, node, scratch, out, err);
    case PAYLOAD_BOOL:
        switch (conversion->as) {
        case PAYLOAD_AS_TEXT: return put_printed(node, scratch, out);
        case PAYLOAD_AS_INT: return put_int(node->value.b, out);
        case PAYLOAD_AS_NUMBER: return put_double(node->value.b, out);
        default: return put_bool(node->value.b, out);
        }
    case PAYLOAD_BYTES:
        return conversion->as == PAYLOAD_AS_AUTO || conversion->as == PAYLOAD_AS_TEXT
                   ? put_printed(node, scratch, out)
                   : wrong(conversion, node, "bytes become text only: say type: text", err);
    default:
        return wrong(conversion, node,
                     node->type == PAYLOAD_ARRAY ? "name one of it: $.list[0], or all: $.list[*]"
                                                 : "name a member of it: $.a.b",
                     err);
    }
}
